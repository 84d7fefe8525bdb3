"""The columns of a record by their meaning, whatever their case, spaces and underscores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.records.json_text import Names

MEANINGS: Mapping[str, tuple[str, ...]] = {
    "server": ("server", "server_id", "instance_uuid", "instance_id", "instance", "resource_id",
               "uuid", "id"),
    "time": ("time", "timestamp", "at", "seconds", "datetime", "date", "observed_at", "polled_at",
             "@timestamp", "when", "ts", "seen_at", "recorded_at", "poll_time", "event_time"),
    "vm_state": ("vm_state",),
    "task_state": ("task_state",),
    "status": ("status", "server_status"),
    "host": ("host", "hypervisor_hostname"),
    "updated": ("updated", "updated_at"),
}  # fmt: skip
"""Each meaning with the names that have it, also without underscores or with capitals instead."""
GENERAL = ("uuid", "id", "@timestamp", "when", "ts", "seen_at", "recorded_at", "poll_time",
           "event_time")  # fmt: skip
"""Names that give way where another column has their meaning."""
CHOSEN = ("server", "time", "vm_state", "task_state", "status")
"""Meanings of which a record has one column: of several, `--columns` has to choose."""
PREFIXES = ("os_ext_sts", "os_ext_srv_attr", "os_srv_usg")
MEANING_OF = {name: meaning for meaning, names in MEANINGS.items() for name in names}
JOINED = {name.replace("_", ""): name for name in MEANING_OF}
THING = "vm|node|machine|resource|domain|guest|computer"
WHOSE = f"server|instance|host|display|dns|full|{THING}"
LIKE_A_SERVER = re.compile(
    rf"(?:.*_)?(?:{WHOSE}|u|gu|uu)?id|(?:(?:.*_)?(?:{WHOSE})_)?name|(?:.*_)?(?:hostname|fqdn|{THING})"
)


def normal(name: str) -> str:
    """Return a name in small letters with underscores, without the prefix of an extension.

    >>> normal("OS-EXT-STS:vm_state"), normal(" Task State"), normal("serverId"), normal("VMSTATE")
    ('vm_state', 'task_state', 'server_id', 'vm_state')
    """
    folded = re.sub(r"[\s\-]+|(?<=[a-z0-9])(?=[A-Z])", "_", name.strip()).lower()
    prefix, colon, rest = folded.partition(":")
    folded = rest if colon and prefix in PREFIXES else folded
    return JOINED.get(folded.replace("_", ""), folded)


def columns_of(lifecycle: Lifecycle) -> Mapping[str, str]:
    """Return the columns that a lifecycle's table names: its attributes, and the noun."""
    table = lifecycle.table
    return {**table.attributes, "server": table.thing}


def names_of_thing(thing: str) -> tuple[str, ...]:
    """Return what a column that names things of a lifecycle may be called.

    >>> names_of_thing("volume")
    ('volume', 'volume_id', 'volume_uuid')
    """
    return thing, f"{thing}_id", f"{thing}_uuid"


class ColumnChoice(NamedTuple):
    """Which column has which meaning where the names do not say it: `--columns`.

    `table` has the names of the lifecycle's table, each of which may stand in a record.
    """

    given: Mapping[str, str] = {}
    one_server: bool = False
    table: Mapping[str, str] = {}

    @classmethod
    def read(cls, text: str | None, *, one_server: bool = False) -> ColumnChoice:
        """Read `server=host_name,time=ts`. Raise `InvalidInput` for what does not read."""
        given: dict[str, str] = {}
        for pair in (text or "").split(","):
            meaning, equals, name = (part.strip() for part in pair.partition("="))
            if not text:
                break
            if not equals or not name:
                raise InvalidInput(f"--columns {pair!r}: expected MEANING=COLUMN, as in time=ts")
            if meaning not in MEANINGS:
                raise InvalidInput(f"--columns: {unknown('meaning', meaning, MEANINGS)}")
            given[meaning] = name
        return cls(given, one_server)

    def known(self, names: Sequence[str]) -> int:
        """Return how many of the names have a meaning."""
        own = names_of_thing(self.table.get("server", ""))
        named = {*map(normal, (*self.given.values(), *self.table.values(), *own)), *MEANING_OF}
        return sum(normal(name) in named for name in names)


class RecordColumns(NamedTuple):
    """Where in a row each meaning stands, -1 for nowhere, and the columns without a state."""

    names: Names
    server: int
    time: int
    vm_state: int
    task_state: int
    status: int
    host: int
    updated: int
    others: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, names: Names, choice: ColumnChoice, *, later: bool = False) -> RecordColumns:
        """Find the columns. Raise `InvalidInput` for what is ambiguous.

        In rows `later` than the first, a chosen column may be left out.
        """
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InvalidInput(f"two columns are called {twice!r}")
        folded = [normal(name) for name in names]
        places = {meaning: _place(meaning, names, folded, choice, later) for meaning in MEANINGS}
        if choice.one_server:
            places["server"] = -1
        elif places["server"] < 0 and not (later and "server" in choice.given):
            _refuse_unused(names, folded, choice)
        states = {places[meaning] for meaning in ("vm_state", "task_state", "status")}
        others = tuple((name, n) for n, name in enumerate(names) if n not in states)
        return cls(names, **places, others=others)

    def server_name(self) -> str | None:
        """Return the name of the column that names the servers."""
        return None if self.server < 0 else self.names[self.server]


def _place(
    meaning: str, names: Names, folded: Sequence[str], choice: ColumnChoice, later: bool
) -> int:
    if chosen := choice.given.get(meaning):
        for candidates in (list(names), folded):
            wanted = chosen if candidates == list(names) else normal(chosen)
            if wanted in candidates:
                return candidates.index(wanted)
        if later:
            return -1
        raise InvalidInput(f"no column {chosen!r} among {', '.join(names)[:80]!r}")
    own = choice.table.get(meaning, "")
    for name in names_of_thing(own) if meaning == "server" else (own,):
        if normal(name) in folded and normal(name) not in MEANINGS[meaning]:
            return folded.index(normal(name))
    taken = {normal(name) for name in choice.given.values()}
    found = [
        n
        for known in MEANINGS[meaning]
        for n, name in enumerate(folded)
        if name == known and name not in taken
    ]
    rivals = [n for n in found if folded[n] not in GENERAL] or found[:1]
    if meaning in CHOSEN and len(rivals) > 1:
        several = " and ".join(names[n] for n in rivals[:2])
        raise InvalidInput(
            f"{several} have one meaning; choose: --columns {meaning}={names[rivals[0]]}"
        )
    return found[0] if found else -1


def _refuse_unused(names: Names, folded: Sequence[str], choice: ColumnChoice) -> None:
    """Raise for a column that may distinguish servers and is not used for it."""
    taken = {normal(name) for name in (*choice.given.values(), *choice.table.values())}
    for name, word in zip(names, folded, strict=True):
        if LIKE_A_SERVER.fullmatch(word) and word not in taken:
            raise InvalidInput(
                f"does {name} name the server? choose: --columns server={name}, or --one-server"
            )
