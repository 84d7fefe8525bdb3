"""The form in which claims are written: a TOML file with a table `[[claim]]` for each.

Every claim has a `name`, a `text` (the claim as a sentence), and a `kind`, which decides its other
keys: `KINDS`.

States are named by a state (`active/-`), a status, a vm_state, `any`, or a list of such words;
triggers by an operation or an event, or a list of them. `but` may be left out.

    [[claim]]
    name = "rebuild-ends-active"
    text = "A rebuild that succeeds leaves the server ACTIVE."
    kind = "course"
    of = "rebuild"
    that = "succeeds"
    ends = "ACTIVE"
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from importlib import resources
from typing import NamedTuple

from ecs_fsm.analysis.claims import Accepted, Leads, Never, Statement, States, WayOut
from ecs_fsm.analysis.run_claims import (
    ENDINGS,
    Between,
    LeftOnlyBy,
    OperationCourse,
    ShowsTask,
)
from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.io.toml import Row, TomlFile
from ecs_fsm.lifecycles import NAMES
from ecs_fsm.lifecycles.registry import side_file

ANY = "any"
TABLE = "claim"
BESIDE = ("name", "text", "kind")
EXPECTED = f"expected tables [[{TABLE}]] with {', '.join(BESIDE)}"


class ClaimKind(NamedTuple):
    """A kind of claim: the keys that it has beside those of every claim, and what it states."""

    keys: tuple[str, ...]
    states: str


KINDS: Mapping[str, ClaimKind] = {
    "leads": ClaimKind(
        ("from", "by", "to"),
        "from every state of `from` a run leads to `to`, with `by` and no later request",
    ),
    "never": ClaimKind(("from", "to"), "no run leads from `from` to `to`"),
    "way-out": ClaimKind(("of", "but"), "every state of `of` except `but` can be left"),
    "left-only-by": ClaimKind(
        ("of", "by"), "the states of `of` are left only in the course of `by`"
    ),
    "accepted": ClaimKind(("of", "by"), "every state of `of` accepts `by`"),
    "tells": ClaimKind(
        ("attribute",), "status, vm_state or task_state alone shows whether a task runs"
    ),
    "between": ClaimKind(
        ("from", "to", "always"),
        "between showing `from` and showing `to` one of the events of `always` happens",
    ),
    "course": ClaimKind(
        ("of", "that", "shows", "ends"),
        "every run of the operation `of` that `fails`, `succeeds` or `ends` (either) shows one of "
        "the states of `shows`, a failing one from its failure on, or comes to rest in one of "
        "`ends`; a claim has one of both",
    ),
}
RESULTS = ("shows", "ends")


class Claim(NamedTuple):
    """One claim: its name, its sentence, and what it states."""

    name: str
    text: str
    says: Statement


def built_in(lifecycle: Lifecycle) -> list[Claim]:
    """Return the claims that come with the lifecycle: with the package, or beside its file."""
    if lifecycle.file:
        beside = side_file(lifecycle, f"{TABLE}s")
        return read(lifecycle, str(beside)) if beside else []
    if lifecycle.name not in NAMES:
        return []
    text = resources.files("ecs_fsm.analysis").joinpath("claims.toml").read_text(encoding="utf-8")
    return parse(lifecycle, text, "claims.toml")


def read(lifecycle: Lifecycle, path: str) -> list[Claim]:
    """Return the claims of a file, `-` for standard input. Raise as `parse`."""
    return _claims(lifecycle, TomlFile.read(path, EXPECTED))


def choose(lifecycle: Lifecycle, names: Sequence[str], path: str | None) -> list[Claim]:
    """Return the claims of those names; without a name those of the file, or all built-in ones.

    Raise `InvalidInput` for an unknown name, and as `read`.
    """
    own = read(lifecycle, path) if path is not None else []
    known = {claim.name: claim for claim in (*built_in(lifecycle), *own)}
    for name in names:
        if name not in known:
            raise unknown("claim", name, known)
    if not known:
        raise InvalidInput(
            f"the lifecycle {lifecycle.name} has no claims: expected --claims FILE, or a file "
            f"NAME.{TABLE}s.toml beside its own"
        )
    return [known[name] for name in dict.fromkeys(names)] or own or list(known.values())


def parse(lifecycle: Lifecycle, text: str, path: str) -> list[Claim]:
    """Return the claims of a text that stands in the file `path`.

    Raise `InvalidInput` that names file and line for what is wrong.
    """
    return _claims(lifecycle, TomlFile(text, path, EXPECTED))


def _claims(lifecycle: Lifecycle, toml: TomlFile) -> list[Claim]:
    claims: dict[str, Claim] = {}
    for number, row in enumerate(toml.tables(TABLE)):
        written = _Written(lifecycle, toml, number, row)
        claim = written.claim()
        if claim.name in claims:
            raise written.problem("name", f"a second claim is named {claim.name!r}; names differ")
        claims[claim.name] = claim
    return list(claims.values())


class _Written:
    """One table of the file while it is read."""

    def __init__(self, lifecycle: Lifecycle, toml: TomlFile, number: int, row: Row) -> None:
        self._lifecycle = lifecycle
        self._table = row
        self._toml = toml
        self._number = number

    def claim(self) -> Claim:
        """Return the claim. Raise `InvalidInput` for the first key that is wrong."""
        kind = self._one_of("kind", KINDS)
        known = (*BESIDE, *KINDS[kind].keys)
        for key in self._table:
            if key not in known:
                raise self.problem(key, str(unknown(f"key of {kind}", key, known)))
        says = self._says(kind)
        return Claim(self._text("name"), self._text("text"), says)

    def problem(self, key: str, message: str) -> InvalidInput:
        """The error for a key, with its line, or that of the table where it stands nowhere."""
        return self._toml.error(message, TABLE, self._number, key)

    def _says(self, kind: str) -> Statement:
        readers: dict[str, Callable[[], Statement]] = {
            "leads": lambda: Leads(self._states("from"), self._states("to"), self._triggers("by")),
            "never": lambda: Never(self._states("from"), self._states("to")),
            "way-out": lambda: WayOut(self._states("of"), self._states("but", ())),
            "left-only-by": lambda: LeftOnlyBy(self._states("of"), self._triggers("by")),
            "accepted": lambda: Accepted(self._states("of"), self._operations("by")),
            "tells": self._tells,
            "between": lambda: Between(
                self._states("from"), self._states("to"), self._triggers("always")
            ),
            "course": self._course,
        }
        return readers[kind]()

    def _tells(self) -> ShowsTask:
        columns = Phrases(self._lifecycle.table).columns
        keys = {called: key for key, called in columns.items()}
        called = self._one_of("attribute", tuple(keys))
        return ShowsTask(keys[called], called)

    def _course(self) -> OperationCourse:
        operation, *others = self._operations("of")
        if others:
            raise self.problem("of", "'of' names several operations; one was expected")
        shows, ends = (self._states(key) if key in self._table else None for key in RESULTS)
        if (shows is None) == (ends is None):
            raise self.problem("kind", f"one of {' and '.join(map(repr, RESULTS))} was expected")
        return OperationCourse(operation, self._one_of("that", ENDINGS), shows, ends)

    def _text(self, key: str) -> str:
        value = self._table.get(key)
        if value is None:
            raise self.problem(key, f"the claim has no {key!r}; a text was expected")
        if not isinstance(value, str) or not value.strip():
            raise self.problem(key, f"{key!r} is {value!r}; a text was expected")
        return value

    def _one_of(self, key: str, known: Iterable[str]) -> str:
        value = self._text(key)
        if value not in known:
            raise self.problem(key, str(unknown(key, value, known)))
        return value

    def _words(self, key: str) -> list[str]:
        value = self._table.get(key)
        found = [value] if isinstance(value, str) else value
        if value is None:
            raise self.problem(
                key, f"the claim has no {key!r}; a word or a list of words was expected"
            )
        if not isinstance(found, list) or not found or not all(isinstance(w, str) for w in found):
            raise self.problem(key, f"{key!r} is {value!r}; a word or a list of words was expected")
        return found

    def _states(self, key: str, otherwise: Collection[State] | None = None) -> States:
        if otherwise is not None and key not in self._table:
            return States("", frozenset(otherwise))
        words = self._words(key)
        members = [state for word in words for state in self._members(key, word)]
        return States(
            " or ".join("any state" if w == ANY else w for w in words), frozenset(members)
        )

    def _members(self, key: str, word: str) -> list[State]:
        among = list(self._lifecycle.states.values())
        found = [s for s in among if word in (ANY, s, s.status, s.vm_state)]
        if not found:
            table = self._lifecycle.table
            known = list(dict.fromkeys([ANY, *among, *table.statuses, *table.vm_states]))
            names = Phrases(table).attributes
            kind = "state" if table.one_word else f"state, {names.status} or {names.vm_state}"
            raise self.problem(key, str(unknown(kind, word, known)))
        return found

    def _triggers(self, key: str) -> tuple[str, ...]:
        return self._known(key, "operation or event", self._lifecycle.triggers)

    def _operations(self, key: str) -> tuple[str, ...]:
        return self._known(key, "operation", self._lifecycle.operations)

    def _known(self, key: str, kind: str, known: Iterable[str]) -> tuple[str, ...]:
        words = self._words(key)
        for word in words:
            if word not in known:
                raise self.problem(key, str(unknown(kind, word, known)))
        return tuple(words)
