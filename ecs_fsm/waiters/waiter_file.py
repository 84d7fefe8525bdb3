"""Waiters in a TOML file: tables `[[waiter]]` with a name, an operation, its values and starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.io.toml import Row, TomlFile
from ecs_fsm.waiters.judge import STATUS, find_attribute
from ecs_fsm.waiters.starts import select
from ecs_fsm.waiters.waiter import Waiter, facts_of

TABLE = "waiter"
NEEDED = ("name", "operation", "target")
ONE = ("name", "operation", "attribute")
SEVERAL = ("from", "remember", "pending", "target", "failure")
EXPECTED = f"expected tables [[{TABLE}]] with {', '.join(NEEDED)}"

Value = TypeVar("Value")


class Placed(NamedTuple):
    """A waiter, the file it was read from and the line where its table begins."""

    waiter: Waiter
    file: str
    line: int


def read_file(file: str, lifecycle: Lifecycle) -> list[Placed]:
    """Return the waiters of a file, `-` for standard input. Raise as `read`."""
    return list(_waiters(TomlFile.read(file, EXPECTED), lifecycle))


def read(text: str, file: str, lifecycle: Lifecycle) -> list[Placed]:
    """Return the waiters of a TOML text, in its order. Raise `InvalidInput` for an invalid one."""
    return list(_waiters(TomlFile(text, file, EXPECTED), lifecycle))


def _waiters(toml: TomlFile, lifecycle: Lifecycle) -> Iterator[Placed]:
    seen: dict[str, int] = {}
    for number, row in enumerate(toml.tables(TABLE)):
        line = toml.line(TABLE, number)
        waiter = _waiter(row, toml, number, lifecycle)
        if waiter.name in seen:
            raise toml.error(
                f"the name {waiter.name!r} is taken by the waiter in line {seen[waiter.name]}; "
                f"expected a different name",
                TABLE,
                number,
                "name",
            )
        seen[waiter.name] = line
        yield Placed(waiter, toml.file, line)


def _waiter(row: Row, toml: TomlFile, number: int, lifecycle: Lifecycle) -> Waiter:
    for key in row:
        if key not in (*ONE, *SEVERAL):
            raise toml.error(str(unknown("key", key, (*ONE, *SEVERAL))), TABLE, number, key)
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
            attribute=words.get("attribute", STATUS),
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
        kind = "a text that is not empty" if key in ONE else "a text or a list of texts"
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
        "attribute": lambda: find_attribute(lifecycle, words.get("attribute", STATUS)),
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
