"""A waiter: a loop that polls one attribute after an operation until a value ends it.

Waiters are made by calls or read from TOML tables `[[waiter]]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.io.toml import Row, TomlFile
from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.waiters import findings
from ecs_fsm.waiters.findings import Finding, Judged
from ecs_fsm.waiters.judge import (
    Attribute,
    FindingKind,
    Reaction,
    attribute_names,
    find_attribute,
    risks,
)
from ecs_fsm.waiters.runs import Runs, runs_from, runs_of
from ecs_fsm.waiters.starts import Start, select

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle
    from ecs_fsm.core.model import Facts

TABLE = "waiter"
NEEDED = ("name", "operation", "target")
ONE = ("name", "operation", "attribute")
SEVERAL = ("from", "remember", "pending", "target", "failure")
ABOUT = ("source", "reason")
ACCEPT = "accept"
KEYS = (*ONE, *SEVERAL, *ABOUT, ACCEPT)
EXPECTED = f"expected tables [[{TABLE}]] with {', '.join(NEEDED)}"

Value = TypeVar("Value")
Words = str | Iterable[str]
"""One word, or several."""


@dataclass(frozen=True, slots=True, init=False)
class Waiter:
    """A loop that polls `attribute` after `operation` was accepted, until a value ends it.

    At a value in `target` it stops with success, at one in `failure` with failure. At a value in
    `pending` it goes on, and every other value is a failure; without `pending` (None) it goes on at
    every other value. `from_` are the states in which the operation is requested, such as
    `stopped/-` (default: every state that accepts it), `remember` the facts that are known there.
    Without `attribute` it polls the status, or the only attribute.

    Raise `InvalidInput` for an unknown operation, attribute, state or fact, an empty target, and a
    value in two lists. A value that the attribute never has is a finding.
    """

    operation: str
    target: tuple[str, ...]
    pending: tuple[str, ...] | None
    failure: tuple[str, ...]
    attribute: str
    from_: tuple[str, ...]
    remember: Facts
    name: str
    lifecycle: Lifecycle

    def __init__(  # noqa: PLR0913 - keyword arguments
        self,
        operation: str,
        target: Words,
        *,
        pending: Words | None = None,
        failure: Words = (),
        attribute: str = "",
        from_: Words = (),
        remember: Mapping[str, str] | Words = (),
        name: str = "",
        lifecycle: Lifecycle = ECS,
    ) -> None:
        values: dict[str, object] = {
            "operation": operation,
            "target": listed(target),
            "pending": None if pending is None else listed(pending),
            "failure": listed(failure),
            "attribute": attribute or attribute_names(lifecycle)[0],
            "from_": places(from_),
            "remember": facts_of(remember),
            "name": name or operation,
            "lifecycle": lifecycle,
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)
        self._check()

    @property
    def polls(self) -> Attribute:
        """The polled attribute with its values."""
        return find_attribute(self.lifecycle, self.attribute)

    @property
    def runs(self) -> Runs:
        """The runs that the waiter may meet."""
        return self._runs(rare=False)

    def _runs(self, rare: bool) -> Runs:
        return runs_of(self.lifecycle, self.operation, self.from_, self.remember, rare=rare)

    @property
    def lists(self) -> Mapping[str, tuple[str, ...]]:
        """The lists of values, by name."""
        return {"pending": self.pending or (), "target": self.target, "failure": self.failure}

    def reactions(self, *, rare: bool = False) -> dict[str, Reaction]:
        """Return what the waiter does at each value that can be polled."""
        other = Reaction.GO_ON if self.pending is None else Reaction.FAILURE
        known = dict.fromkeys(self._meant(self.target), Reaction.SUCCESS)
        known |= dict.fromkeys(self._meant(self.failure), Reaction.FAILURE)
        known |= dict.fromkeys(self._meant(self.pending or ()), Reaction.GO_ON)
        return {v: known.get(v, other) for v in risks(self._runs(rare), self.polls)}

    def findings(self, *, rare: bool = False) -> tuple[Finding, ...]:
        """Return every finding, in the order of `FindingKind` and of the attribute's values.

        With `rare` those that need a rare circumstance are among them.
        """
        return findings.find(self._judged(rare))

    def notes(self, *, rare: bool = False) -> tuple[str, ...]:
        """Return what no choice of values changes, and without `rare` what rarely goes wrong."""
        noted = findings.notes(self._judged(rare))
        if rare:
            return noted
        return (*noted, *findings.rare_notes(self._judged(False), self._judged(True)))

    def judged_from(self, starts: tuple[Start, ...]) -> Judged:
        """Return what is judged of the waiter from some of its starts alone."""
        runs = runs_from(self.lifecycle, self.operation, starts)
        return Judged(runs, self.polls, self.lists, self.reactions())

    def _judged(self, rare: bool) -> Judged:
        return Judged(self._runs(rare), self.polls, self.lists, self.reactions(rare=rare))

    def _meant(self, values: Iterable[str]) -> Iterator[str]:
        for value in values:
            yield from self.polls.meant(value)

    def _check(self) -> None:
        polls, _ = self.polls, self.runs
        if not self.target:
            raise InvalidInput(
                "target is empty: expected the values at which the waiter stops with success"
            )
        meanings: dict[str, tuple[str, str]] = {}
        for name, values in self.lists.items():
            for value in values:
                for meant in polls.meant(value) or (value,):
                    other, spelling = meanings.setdefault(meant, (name, value))
                    if other != name:
                        as_there = "" if spelling == meant else f" (as {spelling})"
                        as_here = "" if value == meant else f" (as {value})"
                        raise InvalidInput(
                            f"{meant} is in {other}{as_there} and in {name}{as_here}: "
                            f"expected each value in one list"
                        )


def listed(words: Words) -> tuple[str, ...]:
    """Return the words without duplicates and empty ones."""
    several = [words] if isinstance(words, str) else words
    return tuple(dict.fromkeys(word for word in several if word.strip()))


def places(words: Words) -> tuple[str, ...]:
    """Return the states without duplicates; an empty one is kept, to be reported as invalid."""
    return tuple(dict.fromkeys([words] if isinstance(words, str) else words))


def facts_of(remember: Mapping[str, str] | Words) -> Facts:
    """Return facts given by name, or as words `NAME=VALUE`."""
    if isinstance(remember, Mapping):
        return tuple(remember.items())
    pairs = (word.partition("=") for word in listed(remember))
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


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
