"""What can be polled of a server, and what is wrong with each reaction to a polled value.

A waiter that polls rarely can see any state of a run first. So its reaction to one value is
independent of its reactions to the others, and everything that can go wrong at a value follows
from the positions of the runs that show it. The findings of a waiter are therefore exact: they are
the union over its values, and no sequence of polls has to be enumerated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache, lru_cache
from typing import NamedTuple

from ecs_fsm.core.errors import unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, NO_TASK_SPELLINGS, Kind, State
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.waiters.runs import RunPosition, Runs

GONE = "<gone>"
"""The value of every attribute of a deleted server: the API answers 404."""
NOT_FOUND = "404"

STATUS, TASK_STATE, VM_STATE = "status", "task_state", "vm_state"
BOTH = f"{STATUS}+{TASK_STATE}"
NAMES = (STATUS, TASK_STATE, VM_STATE, BOTH)
"""What can be polled where the API has two attributes, the most used one first."""


def attribute_names(lifecycle: Lifecycle) -> tuple[str, ...]:
    """Return the names of what can be polled, the most used one first."""
    names = Phrases(lifecycle.table).attributes
    if lifecycle.table.one_word:
        return (names.status,)
    return (names.status, names.task_state, names.vm_state, f"{names.status}+{names.task_state}")


class Attribute(NamedTuple):
    """An attribute of the API with every value that it can have, in the order of the table."""

    name: str
    values: tuple[str, ...]
    kind: str = STATUS
    """What it is, by the names of the compute API."""

    def of(self, state: State | None) -> str:
        """Return the value in a state; None stands for a deleted server."""
        if state is None or state.gone:
            return GONE
        if state.one_word:
            return str(state)
        if self.kind == STATUS:
            return str(state.status)
        if self.kind == VM_STATE:
            return str(state.vm_state)
        task = str(state.task_state or NO_TASK)
        return f"{state.status}/{task}" if self.kind == BOTH else task

    def meant(self, listed: str) -> tuple[str, ...]:
        """Return the values that a listed one stands for: itself, or a status with any task."""
        if listed in self.values:
            return (listed,)
        if self.kind == BOTH:
            return tuple(value for value in self.values if value.startswith(f"{listed}/"))
        return ()

    def nearest(self, listed: str) -> str:
        """Return the value that is most similar to one which the attribute never has."""
        from difflib import SequenceMatcher

        if listed in (*NO_TASK_SPELLINGS, "None") and NO_TASK in self.values:
            return NO_TASK
        if listed == NOT_FOUND:
            return GONE
        matcher = SequenceMatcher(b=listed.lower())

        def likeness(value: str) -> float:
            matcher.set_seq1(value.lower())
            return matcher.ratio()

        return max(self._spellings(listed), key=likeness)

    def _spellings(self, listed: str) -> Iterator[str]:
        if self.kind == BOTH and "/" not in listed:
            yield from dict.fromkeys(value.partition("/")[0] for value in self.values)
        else:
            yield from self.values


@cache
def find_attribute(lifecycle: Lifecycle, name: str) -> Attribute:
    """Return the attribute with that name, the most used one for an empty name.

    Raise `InvalidInput` for an unknown one.
    """
    names = attribute_names(lifecycle)
    name = name or names[0]
    if name not in names:
        raise unknown("attribute", name, names)
    bare = Attribute(name, (), NAMES[names.index(name)])
    values = (bare.of(state) for state in (*lifecycle.states.values(), None))
    return bare._replace(values=tuple(dict.fromkeys(values)))


class Reaction(StrEnum):
    """What a waiter does at a value. Of equally good reactions the first one is chosen."""

    SUCCESS = "success"
    FAILURE = "failure"
    GO_ON = "go on"


class FindingKind(StrEnum):
    """The kinds of findings."""

    UNKNOWN_VALUE = "unknown-value"
    """A listed value is one that the attribute never has."""
    NEVER_SUCCEEDS = "never-succeeds"
    """The waiter reports success for no run and no sequence of polls."""
    SPURIOUS_FAILURE = "spurious-failure"
    """The operation succeeds, and the waiter can report failure."""
    LEAVES_EARLY = "leaves-early"
    """The operation will succeed, and the waiter can report success before the last state."""
    FALSE_SUCCESS = "false-success"
    """The operation failed or was rolled back, and the waiter can report success."""
    MISSES = "misses"
    """The operation succeeds, and a waiter that polls its end (of a deletion: 404) never stops."""
    BLIND = "blind"
    """The run ends in a state that only failures lead to, and the waiter never stops."""
    HANGS = "hangs"
    """The run ends at rest in another state without success, and the waiter never stops."""


WEIGHT = (
    FindingKind.MISSES, FindingKind.SPURIOUS_FAILURE, FindingKind.LEAVES_EARLY,
    FindingKind.FALSE_SUCCESS, FindingKind.BLIND, FindingKind.HANGS,
)  # fmt: skip
"""What a reaction to a value can cause, the worst first."""
CAUSE = {
    FindingKind.SPURIOUS_FAILURE: Reaction.FAILURE,
    FindingKind.LEAVES_EARLY: Reaction.SUCCESS,
    FindingKind.FALSE_SUCCESS: Reaction.SUCCESS,
    FindingKind.MISSES: Reaction.GO_ON,
    FindingKind.BLIND: Reaction.GO_ON,
    FindingKind.HANGS: Reaction.GO_ON,
}
"""The reaction that causes each kind of finding."""


class Sighting(NamedTuple):
    """Where a finding shows: a position in a run that succeeds, or in one that does not.

    `beyond` means that not the position itself is polled but the 404 after it. `length` is the
    number of states in the shortest such run.
    """

    position: RunPosition
    succeeding: bool
    beyond: bool
    length: int


Risks = Mapping[str, Mapping[FindingKind, Sighting]]
"""By polled value, in the attribute's order: the findings that some reaction to it causes."""


@lru_cache(maxsize=4096)
def risks(runs: Runs, attribute: Attribute) -> Risks:
    """Return what is wrong with each reaction to each value that can be polled in `runs`."""
    found: dict[str, dict[FindingKind, Sighting]] = {}
    for polled in _polls(runs):
        here = found.setdefault(attribute.of(polled.state), {})
        for kind, sighting in polled.seen:
            known = here.get(kind)
            if known is None or sighting.length < known.length:
                here[kind] = sighting
    return {value: found[value] for value in attribute.values if value in found}


def kinds_by_position(
    runs: Runs, attribute: Attribute
) -> Mapping[RunPosition, list[tuple[str, list[FindingKind]]]]:
    """Return what is wrong with reactions to each value that is polled at each position."""
    found: dict[RunPosition, list[tuple[str, list[FindingKind]]]] = {}
    for polled in _polls(runs):
        kinds = [kind for kind, _ in polled.seen]
        found.setdefault(polled.position, []).append((attribute.of(polled.state), kinds))
    return found


class _Poll(NamedTuple):
    """A poll at a position, or behind it where the server is gone, and what shows there."""

    position: RunPosition
    state: State | None
    seen: tuple[tuple[FindingKind, Sighting], ...]


@lru_cache(maxsize=1024)
def _polls(runs: Runs) -> tuple[_Poll, ...]:
    """Return every poll of `runs`; what is wrong with reactions is the same for all attributes."""
    return tuple(
        _Poll(position, None if beyond else position.node.state, (*_seen(runs, position, beyond),))
        for position in runs.positions
        for beyond in ((False, True) if runs.gone(position) else (False,))
    )


def _seen(
    runs: Runs, position: RunPosition, beyond: bool
) -> Iterator[tuple[FindingKind, Sighting]]:
    """Yield every kind of finding that some reaction causes at this position."""
    ended = runs.ended(position)
    for_ever = beyond or (ended and not runs.gone(position))
    right = runs.length(position, succeeding=True)
    if right is not None:
        sighting = Sighting(position, True, beyond, right)
        yield FindingKind.SPURIOUS_FAILURE, sighting
        if not ended:
            yield FindingKind.LEAVES_EARLY, sighting
        elif for_ever:
            yield FindingKind.MISSES, sighting
    wrong = runs.length(position, succeeding=False)
    if wrong is not None:
        sighting = Sighting(position, False, beyond, wrong)
        yield FindingKind.FALSE_SUCCESS, sighting
        if for_ever:
            blind = position.node.state in broken(runs.lifecycle)
            yield (FindingKind.BLIND if blind else FindingKind.HANGS), sighting


@lru_cache(maxsize=16)
def broken(lifecycle: Lifecycle) -> frozenset[State]:
    """Return the states at rest in which failures end and the normal end of a step never does."""
    by_kind: dict[Kind, set[State]] = {kind: set() for kind in Kind}
    for transition in lifecycle.transitions:
        by_kind[transition.kind].update(transition.path[-1:])
    ends = by_kind[Kind.FAILURE] - by_kind[Kind.PROGRESS]
    return frozenset(s for s in ends if lifecycle.rests(s) and not s.task_state)


def caused(kinds: Collection[FindingKind], reaction: Reaction) -> frozenset[FindingKind]:
    """Return those of a value's possible findings that a reaction causes."""
    return frozenset(kind for kind in kinds if CAUSE[kind] is reaction)


def clean(kinds: Collection[FindingKind], reaction: Reaction) -> bool:
    """Return whether a reaction causes none of a value's possible findings."""
    return not caused(kinds, reaction)


def can_succeed(risky: Mapping[str, Collection[FindingKind]], but: str | None = None) -> bool:
    """Return whether some value (other than `but`) can mean success without a finding."""
    return any(clean(k, Reaction.SUCCESS) for value, k in risky.items() if value != but)


def best(risky: Mapping[str, Collection[FindingKind]]) -> dict[str, Reaction]:
    """Return the reaction to each value with the least findings; the worst kind counts most.

    At least one value means success: a waiter that never succeeds is worse than any other. Values
    are independent, so the minimum at each value is the minimum of the whole.
    """
    chosen = {value: _cheapest(frozenset(kinds)) for value, kinds in risky.items()}
    if Reaction.SUCCESS not in chosen.values():
        least = min(risky, key=lambda value: _increase(risky[value], chosen[value]))
        chosen[least] = Reaction.SUCCESS
    return chosen


@cache
def _cheapest(kinds: frozenset[FindingKind]) -> Reaction:
    return min(Reaction, key=lambda reaction: _cost(kinds, reaction))


def _cost(kinds: Collection[FindingKind], reaction: Reaction) -> list[bool]:
    return [kind in kinds and CAUSE[kind] is reaction for kind in WEIGHT]


def _increase(kinds: Collection[FindingKind], reaction: Reaction) -> list[int]:
    """Return what success costs in place of `reaction`."""
    costs = zip(_cost(kinds, Reaction.SUCCESS), _cost(kinds, reaction), strict=True)
    return [new - old for new, old in costs]


@lru_cache(maxsize=4096)
def _best(runs: Runs, attribute: Attribute) -> Mapping[str, Reaction]:
    return best(risks(runs, attribute))


@lru_cache(maxsize=4096)
def _showing(runs: Runs, attribute: Attribute) -> Mapping[str, tuple[State | None, ...]]:
    """Return, by polled value, the states that show it; None stands for a deleted server."""
    found: dict[str, dict[State | None, None]] = {}
    for position in runs.positions:
        state = position.node.state
        for shown in (state, None) if runs.gone(position) else (state,):
            found.setdefault(attribute.of(shown), {})[shown] = None
    return {value: tuple(states) for value, states in found.items()}


def free_of(
    kind: FindingKind, value: str, runs: Runs, polls: Attribute, others: Sequence[Attribute]
) -> Attribute | None:
    """Return the first other attribute that tells the states with `value` on `polls` apart.

    Its best waiter causes, in these states, less than this finding and those that come with it.
    """
    own = caused(risks(runs, polls)[value], CAUSE[kind])
    for other in others:
        known, reactions = risks(runs, other), _best(runs, other)
        here = {other.of(state): None for state in _showing(runs, polls)[value]}
        if frozenset().union(*(caused(known[v], reactions[v]) for v in here)) <= own - {kind}:
            return other
    return None
