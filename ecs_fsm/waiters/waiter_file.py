"""Waiters in a file: TOML tables `[[waiter]]`, whose keys are those of `KEYS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.io.toml import Row, TomlFile
from ecs_fsm.waiters.judge import FindingKind, find_attribute
from ecs_fsm.waiters.starts import select
from ecs_fsm.waiters.waiter import Waiter, facts_of

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle

TABLE = "waiter"
NEEDED = ("name", "operation", "target")
ONE = ("name", "operation", "attribute")
SEVERAL = ("from", "remember", "pending", "target", "failure")
ABOUT = ("source", "reason")
ACCEPT = "accept"
KEYS: Mapping[str, str] = {
    "name": "how findings call the waiter; each name stands once",
    "operation": "the operation that is waited for",
    "from": "a state, or a list of states, in which the operation is requested; without it all "
    "that accept it",
    "remember": "facts that are known there: a list of texts `FACT=VALUE`",
    "attribute": "what is polled: `status` (the default), `vm_state` or `task_state`",
    "pending": "values at which the loop goes on; without it all that stand nowhere else",
    "target": "values at which it reports success; `<gone>` is the answer 404",
    "failure": "values at which it reports a failure",
    "source": "where the loop stands, as `FILE:LINE`: findings name that place",
    "accept": "a list of kinds of findings that are known and pass, such as `hangs`",
    "reason": "why they are accepted",
}
"""The keys of a table, each with its meaning."""
EXPECTED = f"expected tables [[{TABLE}]] with {', '.join(NEEDED)}"

Value = TypeVar("Value")


class Placed(NamedTuple):
    """A waiter, the file it was read from and the line where its table begins."""

    waiter: Waiter
    file: str
    line: int


class Listed(NamedTuple):
    """A waiter of a file, where its loop stands in source, and kinds of findings that are known."""

    placed: Placed
    source: str = ""
    accept: tuple[FindingKind, ...] = ()
    reason: str = ""


def read_file(file: str, lifecycle: Lifecycle) -> list[Placed]:
    """Return the waiters of a file, `-` for standard input. Raise as `read`."""
    return _valid(each_in(file, lifecycle))


def read(text: str, file: str, lifecycle: Lifecycle) -> list[Placed]:
    """Return the waiters of a TOML text, in its order. Raise `InvalidInput` for an invalid one."""
    return _valid(_each(TomlFile(text, file, EXPECTED), lifecycle))


def each_in(file: str, lifecycle: Lifecycle) -> Iterator[Listed | InvalidInput]:
    """Yield the waiters of a file, and the error of each table that is not valid.

    Raise `InvalidInput` for a file that is no such TOML.
    """
    return _each(TomlFile.read(file, EXPECTED), lifecycle)


def _valid(each: Iterable[Listed | InvalidInput]) -> list[Placed]:
    """Return the waiters. Raise the first error among them."""
    found = []
    for one in each:
        if isinstance(one, InvalidInput):
            raise one
        found.append(one.placed)
    return found


def _each(toml: TomlFile, lifecycle: Lifecycle) -> Iterator[Listed | InvalidInput]:
    seen: dict[str, int] = {}
    for number, row in enumerate(toml.tables(TABLE)):
        try:
            listed = _listed(row, toml, number, lifecycle, seen)
        except InvalidInput as error:
            yield error
            continue
        seen[listed.placed.waiter.name] = listed.placed.line
        yield listed


def _listed(
    row: Row, toml: TomlFile, number: int, lifecycle: Lifecycle, seen: Mapping[str, int]
) -> Listed:
    waiter = _waiter(row, toml, number, lifecycle)
    if waiter.name in seen:
        raise toml.error(
            f"the name {waiter.name!r} is taken by the waiter in line {seen[waiter.name]}; "
            f"expected a different name",
            TABLE,
            number,
            "name",
        )
    about = {key: _checked(row, key, _word, toml, number) for key in ABOUT if key in row}
    accepted = _checked(row, ACCEPT, _words, toml, number) if ACCEPT in row else ()
    parts = [tuple(part.strip() for part in word.partition("--")) for word in accepted]
    for kind, *_ in parts:
        if kind not in [*FindingKind]:
            message = str(unknown("kind of finding", kind, [*FindingKind]))
            raise toml.error(message, TABLE, number, ACCEPT)
    source = about.get("source", "")
    if source and not re.fullmatch(r".+:[1-9]\d*", source):
        raise toml.error(f"source is {source!r}; expected FILE:LINE", TABLE, number, "source")
    return Listed(
        Placed(waiter, toml.file, toml.line(TABLE, number)),
        source,
        tuple(FindingKind(kind) for kind, *_ in parts),
        about.get("reason") or next((reason for *_, reason in parts if reason), ""),
    )


def _waiter(row: Row, toml: TomlFile, number: int, lifecycle: Lifecycle) -> Waiter:
    for key in row:
        if key not in KEYS:
            raise toml.error(str(unknown("key", key, KEYS)), TABLE, number, key)
    for key in NEEDED:
        if key not in row:
            raise toml.error(f"a waiter has no {key}; {EXPECTED}", TABLE, number)
    words = {key: _checked(row, key, _word, toml, number) for key in ONE if key in row}
    lists = {key: _checked(row, key, _words, toml, number) for key in SEVERAL if key in row}
    try:
        return Waiter(
            words["operation"],
            lists["target"],
            pending=lists.get("pending"),
            failure=lists.get("failure", ()),
            attribute=words.get("attribute", ""),
            from_=lists.get("from", ()),
            remember=lists.get("remember", ()),
            name=words["name"],
            lifecycle=lifecycle,
        )
    except InvalidInput as error:
        key = _blamed(str(error), words, lists, lifecycle)
        raise toml.error(str(error), TABLE, number, key) from None


def _checked(
    row: Row, key: str, read: Callable[[object], Value | None], toml: TomlFile, number: int
) -> Value:
    found = read(row[key])
    if found is None:
        kind = "a text that is not empty" if key in (*ONE, *ABOUT) else "a text or a list of texts"
        raise toml.error(f"{key} is {row[key]!r}; expected {kind}", TABLE, number, key)
    return found


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _words(value: object) -> tuple[str, ...] | None:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list):
        return None
    words = tuple(word for word in listed if isinstance(word, str))
    return words if len(words) == len(listed) else None


def _blamed(
    message: str,
    words: Mapping[str, str],
    lists: Mapping[str, tuple[str, ...]],
    lifecycle: Lifecycle,
) -> str:
    """Return the key that is wrong: the first one that fails alone, or the list named last."""
    operation, places = words["operation"], lists.get("from", ())
    remember = facts_of(lists.get("remember", ()))
    parts: dict[str, Callable[[], object]] = {
        "operation": lambda: select(lifecycle, operation, (), ()),
        "attribute": lambda: find_attribute(lifecycle, words.get("attribute", "")),
        "from": lambda: select(lifecycle, operation, places, ()),
        "remember": lambda: select(lifecycle, operation, places, remember),
    }
    for key, part in parts.items():
        try:
            part()
        except InvalidInput:
            return key
    named: list[str] = re.findall(r"\b(?:pending|target|failure)\b", message)
    return named[-1]
