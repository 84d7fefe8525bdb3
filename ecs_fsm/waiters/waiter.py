"""A waiter: a loop that polls one attribute after an operation, until a value ends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.waiters import findings
from ecs_fsm.waiters.faults import Verdict, troubles
from ecs_fsm.waiters.findings import Finding, Waiting
from ecs_fsm.waiters.runs import Runs, runs_of
from ecs_fsm.waiters.values import STATUS, Attribute, find_attribute

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle
    from ecs_fsm.core.model import Facts

Words = str | Iterable[str]
"""One word, or several."""


@dataclass(frozen=True, slots=True, init=False)
class Waiter:
    """What polls `attribute` after `operation` was accepted, until a value ends it.

    At a value in `target` it stops with success, at one in `failure` with failure. `pending` are
    the values at which it goes on, and everything else is then unexpected, a failure; without
    `pending` (None) everything else means go on. `from_` names the states in which the operation is
    asked (`stopped/-`; all that accept it, for none), `remember` the facts that are known there.

    Raises `InvalidInput` for an operation, attribute, state or fact that does not exist, an empty
    target, and a value in two lists. A value that does not exist is a finding.
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

    def __init__(  # noqa: PLR0913 - it is told by name
        self,
        operation: str,
        target: Words,
        *,
        pending: Words | None = None,
        failure: Words = (),
        attribute: str = STATUS,
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
            "attribute": attribute,
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
        """The attribute that it polls, with its values."""
        return find_attribute(self.lifecycle, self.attribute)

    @property
    def runs(self) -> Runs:
        """The runs that it may meet."""
        return runs_of(self.lifecycle, self.operation, self.from_, self.remember)

    @property
    def lists(self) -> Mapping[str, tuple[str, ...]]:
        """Its lists of values, by name."""
        return {"pending": self.pending or (), "target": self.target, "failure": self.failure}

    def verdicts(self) -> dict[str, Verdict]:
        """What it does at each value that can be polled."""
        other = Verdict.GO_ON if self.pending is None else Verdict.FAILURE
        known = dict.fromkeys(self._meant(self.target), Verdict.SUCCESS)
        known |= dict.fromkeys(self._meant(self.failure), Verdict.FAILURE)
        known |= dict.fromkeys(self._meant(self.pending or ()), Verdict.GO_ON)
        return {v: known.get(v, other) for v in troubles(self.runs, self.polls)}

    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with it, in the order of `Fault` and of the attribute's values."""
        return findings.find(self._waiting)

    def notes(self) -> tuple[str, ...]:
        """What no choice of values could change."""
        return findings.notes(self._waiting)

    @property
    def _waiting(self) -> Waiting:
        return Waiting(self.runs, self.polls, self.lists, self.verdicts())

    def _meant(self, values: Iterable[str]) -> Iterator[str]:
        for value in values:
            yield from self.polls.meant(value)

    def _check(self) -> None:
        polls, _ = self.polls, self.runs
        if not self.target:
            raise InvalidInput("target is empty: say at which value the waiter stops with success")
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
                            f"a value has one meaning"
                        )


def listed(words: Words) -> tuple[str, ...]:
    """The words, each once, those that are empty left out."""
    several = [words] if isinstance(words, str) else words
    return tuple(dict.fromkeys(word for word in several if word.strip()))


def places(words: Words) -> tuple[str, ...]:
    """The places, each once; an empty one is kept, because it is none."""
    return tuple(dict.fromkeys([words] if isinstance(words, str) else words))


def facts_of(remember: Mapping[str, str] | Words) -> Facts:
    """Facts given by name, or as words `NAME=VALUE`."""
    if isinstance(remember, Mapping):
        return tuple(remember.items())
    pairs = (word.partition("=") for word in listed(remember))
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)
