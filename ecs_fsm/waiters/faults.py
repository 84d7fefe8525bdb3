"""What each polled value can stand for, and so what is wrong with each verdict on it.

Every state of a run can be the first one that is seen. So what a waiter makes of one value has
nothing to do with what it makes of the others, and all that can go wrong with it is known from the
states that show that value: the answers are exact, and a union over values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State
from ecs_fsm.waiters.runs import Runs, Spot
from ecs_fsm.waiters.starts import Start
from ecs_fsm.waiters.values import Attribute


class Verdict(StrEnum):
    """What a waiter does at a value; of equally good ones the first is chosen."""

    SUCCESS = "success"
    FAILURE = "failure"
    GO_ON = "go on"


class Fault(StrEnum):
    """What can be found of a waiter."""

    UNKNOWN_VALUE = "unknown-value"
    """A listed value is one that the attribute never has."""
    NEVER_SUCCEEDS = "never-succeeds"
    """No run and no polling of it ends in success."""
    SPURIOUS_FAILURE = "spurious-failure"
    """The operation succeeds, and some polling reports failure."""
    LEAVES_EARLY = "leaves-early"
    """The operation will succeed, and success is reported before the run's last state."""
    FALSE_SUCCESS = "false-success"
    """The operation failed or was rolled back, and some polling reports success."""
    MISSES = "misses"
    """The operation succeeds, and some polling of its end (of a deletion: the 404) never stops."""
    BLIND = "blind"
    """The run ends where failures leave a server, and the waiter goes on for ever."""
    HANGS = "hangs"
    """The run ends at rest elsewhere without success, and the waiter goes on for ever."""


WEIGHT = (Fault.MISSES, Fault.SPURIOUS_FAILURE, Fault.LEAVES_EARLY, Fault.FALSE_SUCCESS,
          Fault.BLIND, Fault.HANGS)  # fmt: skip
"""What a verdict on a value can bring, the worst first."""
BROUGHT_BY = {
    Fault.SPURIOUS_FAILURE: Verdict.FAILURE,
    Fault.LEAVES_EARLY: Verdict.SUCCESS,
    Fault.FALSE_SUCCESS: Verdict.SUCCESS,
    Fault.MISSES: Verdict.GO_ON,
    Fault.BLIND: Verdict.GO_ON,
    Fault.HANGS: Verdict.GO_ON,
}


class Sighting(NamedTuple):
    """Where a fault shows: a moment of the runs, in a run that succeeds or in one that does not.

    `beyond` tells that it is not the moment itself that is polled but the 404 after it.
    """

    spot: Spot
    succeeding: bool
    beyond: bool
    length: int


Troubles = Mapping[str, Mapping[Fault, Sighting]]
"""By polled value, in the order of the attribute: the faults that some verdict on it brings."""


@lru_cache(maxsize=4096)
def troubles(runs: Runs, attribute: Attribute) -> Troubles:
    """What is wrong with each verdict on each value that can be polled in `runs`."""
    return _troubles(runs, runs.spots, attribute)


def troubles_from(runs: Runs, start: Start, attribute: Attribute) -> Troubles:
    """The same for the runs from one start among those of `runs`."""
    return _troubles(runs, runs.spots_from(start), attribute)


def _troubles(runs: Runs, spots: Iterable[Spot], attribute: Attribute) -> Troubles:
    found: dict[str, dict[Fault, Sighting]] = {}
    for spot in spots:
        for beyond in (False, True) if runs.gone(spot) else (False,):
            here = found.setdefault(attribute.of(None if beyond else spot.node.state), {})
            for fault, sighting in _seen(runs, spot, beyond):
                known = here.get(fault)
                if known is None or sighting.length < known.length:
                    here[fault] = sighting
    return {value: found[value] for value in attribute.values if value in found}


def _seen(runs: Runs, spot: Spot, beyond: bool) -> Iterator[tuple[Fault, Sighting]]:
    ended = runs.ended(spot)
    for_ever = beyond or (ended and not runs.gone(spot))
    right = runs.length(spot, succeeding=True)
    if right is not None:
        sighting = Sighting(spot, True, beyond, right)
        yield Fault.SPURIOUS_FAILURE, sighting
        if not ended:
            yield Fault.LEAVES_EARLY, sighting
        elif for_ever:
            yield Fault.MISSES, sighting
    wrong = runs.length(spot, succeeding=False)
    if wrong is not None:
        sighting = Sighting(spot, False, beyond, wrong)
        yield Fault.FALSE_SUCCESS, sighting
        if for_ever:
            blind = spot.node.state in broken(runs.lifecycle)
            yield (Fault.BLIND if blind else Fault.HANGS), sighting


@lru_cache(maxsize=16)
def broken(lifecycle: Lifecycle) -> frozenset[State]:
    """Where failures leave a server, and no step that ends as it should ever does."""
    by_kind: dict[Kind, set[State]] = {kind: set() for kind in Kind}
    for transition in lifecycle.transitions:
        by_kind[transition.kind].update(transition.path[-1:])
    ends = by_kind[Kind.FAILURE] - by_kind[Kind.PROGRESS]
    return frozenset(s for s in ends if lifecycle.rests(s) and not s.task_state)


def brought(faults: Collection[Fault], verdict: Verdict) -> frozenset[Fault]:
    """Those of a value's faults that a verdict on it brings."""
    return frozenset(fault for fault in faults if BROUGHT_BY[fault] is verdict)


def clean(faults: Collection[Fault], verdict: Verdict) -> bool:
    """Whether a verdict on a value with these faults brings none of them."""
    return not brought(faults, verdict)


def can_succeed(faults: Mapping[str, Collection[Fault]], but: str | None = None) -> bool:
    """Whether some value (other than `but`) can mean success without a fault."""
    return any(clean(f, Verdict.SUCCESS) for value, f in faults.items() if value != but)


def best(faults: Mapping[str, Collection[Fault]]) -> dict[str, Verdict]:
    """The verdict on each value with which the least is found, the worst counting most.

    Some value means success: that nothing ever does is worse than everything else.
    """
    chosen = {value: min(Verdict, key=lambda v: _cost(f, v)) for value, f in faults.items()}
    if Verdict.SUCCESS not in chosen.values():
        least = min(faults, key=lambda value: _more(faults[value], chosen[value]))
        chosen[least] = Verdict.SUCCESS
    return chosen


def _cost(faults: Collection[Fault], verdict: Verdict) -> list[bool]:
    return [fault in faults and BROUGHT_BY[fault] is verdict for fault in WEIGHT]


def _more(faults: Collection[Fault], verdict: Verdict) -> list[int]:
    """What success brings in place of `verdict`."""
    costs = zip(_cost(faults, Verdict.SUCCESS), _cost(faults, verdict), strict=True)
    return [new - old for new, old in costs]


@lru_cache(maxsize=4096)
def _best(runs: Runs, attribute: Attribute) -> Mapping[str, Verdict]:
    return best(troubles(runs, attribute))


@lru_cache(maxsize=4096)
def showing(runs: Runs, attribute: Attribute) -> Mapping[str, tuple[State | None, ...]]:
    """By polled value, the states that show it; None is a server that is gone."""
    found: dict[str, dict[State | None, None]] = {}
    for spot in runs.spots:
        for state in (spot.node.state, None) if runs.gone(spot) else (spot.node.state,):
            found.setdefault(attribute.of(state), {})[state] = None
    return {value: tuple(states) for value, states in found.items()}


def free_of(
    fault: Fault, value: str, runs: Runs, polls: Attribute, others: Sequence[Attribute]
) -> Attribute | None:
    """The first other attribute whose best waiter tells apart what shows `value` on `polls`.

    Where these states are seen it has less than this fault and those that come with it.
    """
    own = brought(troubles(runs, polls)[value], BROUGHT_BY[fault])
    for other in others:
        known, verdicts = troubles(runs, other), _best(runs, other)
        here = {other.of(state): None for state in showing(runs, polls)[value]}
        if frozenset().union(*(brought(known[v], verdicts[v]) for v in here)) <= own - {fault}:
            return other
    return None
