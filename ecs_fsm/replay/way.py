"""Ways between two observed positions: their writes, events and costs."""

from __future__ import annotations

from typing import NamedTuple

from ecs_fsm.core.model import Facts, State


class Way(NamedTuple):
    """One way from a position to the next observed one: its cost, its events, what decided them.

    `replaced` is the step that makes a late write.
    """

    cost: int
    events: tuple[str, ...]
    facts: Facts = ()
    replaced: State | None = None


class Reached(NamedTuple):
    """One write: the position after it, the cost of its event, and the event if it begins one."""

    target: int
    cost: int
    event: str | None
    facts: Facts
    replaced: State | None


Found = tuple[int, tuple[Reached, ...]]
"""A way with its cost."""
Gone = tuple[Reached, "Gone"] | None
"""A way by its last write and the way before it."""
Going = tuple[int, int, int, int, Gone]
"""A way that goes on: its cost with what is left, a ticket, where it is, its cost, what it was."""


def in_order(way: Gone) -> tuple[Reached, ...]:
    """Return the writes of a way, the first first."""
    found: list[Reached] = []
    while way is not None:
        step, way = way
        found.append(step)
    return tuple(reversed(found))


def way_of(cost: int, gone: tuple[Reached, ...]) -> Way:
    """Return what its writes say of a way."""
    events = tuple(step.event for step in gone if step.event is not None)
    return Way(cost, events, tuple(dict.fromkeys(fact for step in gone for fact in step.facts)))
