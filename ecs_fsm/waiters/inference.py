"""The best waiter for an operation: what each value should mean, decided by the runs."""

from __future__ import annotations

from collections.abc import Mapping

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.waiters.faults import Fault, Verdict, best, brought, troubles_from
from ecs_fsm.waiters.runs import runs_from
from ecs_fsm.waiters.starts import Start, cover, select
from ecs_fsm.waiters.values import STATUS, Attribute, find_attribute
from ecs_fsm.waiters.waiter import Waiter, Words, facts_of, places

Faults = Mapping[str, frozenset[Fault]]
"""By value, what some verdict on it brings."""


def infer(
    operation: str,
    *,
    from_: Words = (),
    attribute: str = STATUS,
    remember: Mapping[str, str] | Words = (),
    lifecycle: Lifecycle = ECS,
) -> list[Waiter]:
    """Waiters of which no finding is avoidable, one for as many starts as it can serve alike.

    `from_` and `remember` choose the starts, as in `Waiter`, and raise `InvalidInput` as there. Of
    the waiters that there can be it is the one without, in this order of weight, never-succeeds,
    misses, spurious-failure, leaves-early, false-success, blind, hangs.
    """
    polls = find_attribute(lifecycle, attribute)
    starts = select(lifecycle, operation, places(from_), facts_of(remember))
    found = []
    groups = _groups(lifecycle, operation, starts, polls)
    for number, (group, faults) in enumerate(groups, start=1):
        verdicts = best(faults)
        lists = {v: [value for value in verdicts if verdicts[value] is v] for v in Verdict}
        waiter = Waiter(
            operation,
            lists[Verdict.SUCCESS],
            pending=lists[Verdict.GO_ON],
            failure=lists[Verdict.FAILURE],
            attribute=attribute,
            from_=cover(lifecycle, operation, group),
            name=operation if len(groups) == 1 else f"{operation} {number}",
            lifecycle=lifecycle,
        )
        found.append(waiter)
    return found


def _groups(
    lifecycle: Lifecycle, operation: str, starts: tuple[Start, ...], polls: Attribute
) -> list[tuple[list[Start], Faults]]:
    """Starts put together as long as one waiter for all has no finding that none of its own has."""
    groups: list[tuple[list[Start], Faults, frozenset[tuple[str, Fault]]]] = []
    runs = runs_from(lifecycle, operation, starts)
    for start in starts:
        known_here = troubles_from(runs, start, polls)
        faults = {value: frozenset(known_here[value]) for value in known_here}
        own = _found(faults)
        for place, (group, others, known) in enumerate(groups):
            together = _union(others, faults, polls)
            if _found(together) <= known | own:
                groups[place] = [*group, start], together, known | own
                break
        else:
            groups.append(([start], faults, own))
    return [(group, faults) for group, faults, _ in groups]


def _union(one: Faults, other: Faults, polls: Attribute) -> Faults:
    none: frozenset[Fault] = frozenset()
    return {
        value: one.get(value, none) | other.get(value, none)
        for value in polls.values
        if value in one or value in other
    }


def _found(faults: Faults) -> frozenset[tuple[str, Fault]]:
    """What is found of the best waiter."""
    verdicts = best(faults)
    return frozenset(
        (value, fault) for value in faults for fault in brought(faults[value], verdicts[value])
    )
