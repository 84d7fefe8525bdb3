"""A waiter: a loop that polls one attribute after an operation until a value ends it.

Waiters are made by calls, or read from a file (`waiter_file`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.waiters import findings
from ecs_fsm.waiters.findings import Finding, Judged
from ecs_fsm.waiters.judge import (
    Attribute,
    Reaction,
    attribute_names,
    find_attribute,
    risks,
)
from ecs_fsm.waiters.runs import Runs, runs_from, runs_of
from ecs_fsm.waiters.starts import Start

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle
    from ecs_fsm.core.model import Facts

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
