"""What frees a server whose step hangs: the requests and system events that lead to rest."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, Node, State
from ecs_fsm.lifecycles import server_class

WIDER = ("nova",)
"""Lifecycles in which those that know less are looked up: a cloud on OpenStack has more ways out
than the API of its provider names."""
FROM_OUTSIDE = (Kind.REQUEST, Kind.SYSTEM)


class Freeing(NamedTuple):
    """Events, and the state at rest in which they end; `over` where nothing follows that state.

    The steps of an operation are among the events.
    """

    events: tuple[str, ...]
    ends: State
    over: bool
    again: bool
    lifecycle: Lifecycle

    def as_dict(self) -> dict[str, object]:
        """Return `{"events", "ends": {"vm_state", "task_state", "status"}}`."""
        return {"events": list(self.events), "ends": self.ends.as_dict()}

    def __str__(self) -> str:
        """Return the requests and system events in words, and where they lead."""
        named = [self._named(name) for name in self.events if name != self.lifecycle.advance]
        place = "gone" if self.over else str(self.ends)
        return f"{', then '.join(named)} → {place}{', the step is done again' * self.again}"

    def _named(self, name: str) -> str:
        trigger = self.lifecycle.triggers[name]
        if trigger.kind is Kind.REQUEST:
            return name
        return f"{name} ({trigger.meaning[0].lower()}{trigger.meaning[1:].rstrip('.')})"


@cache
def ways_out(lifecycle: Lifecycle, state: State) -> tuple[Freeing, ...]:
    """Return what leads from a state to rest, the shortest first; each request is named once.

    A request that only makes an error of it is followed by what ends that.
    """
    table = _wider(lifecycle)
    node = table.found(table.states[state])
    found: dict[tuple[str, ...], Freeing] = {}
    for name, trigger in table.triggers.items():
        if trigger.kind in FROM_OUTSIDE:
            for way in _ways(table, node, name):
                found.setdefault(way.events, way)
                if way.ends in _errors(table):
                    onward = _to_the_end(table, way)
                    found.setdefault(onward.events, onward)
    return tuple(sorted(found.values(), key=lambda way: len(way.events)))


def _wider(lifecycle: Lifecycle) -> Lifecycle:
    """The lifecycle with most ways out that has all the states of this one."""
    for name in WIDER:
        other: Lifecycle = server_class(name).lifecycle
        if set(lifecycle.states) <= set(other.states):
            return other
    return lifecycle


def _ways(table: Lifecycle, node: Node, trigger: str) -> Iterator[Freeing]:
    """The usual ways of one trigger to rest, one for each state in which they end."""
    ends: set[State] = set()
    for way in table.ways(node, trigger):
        first, last = way[0], way[-1].end.state
        if first.nodes and last not in ends and not _unusual(table, way):
            ends.add(last)
            yield _way_out(table, way, again=first.end.state == node.state)


def _unusual(table: Lifecycle, way: tuple[Outcome, ...]) -> bool:
    """Return whether a way needs what is rare, or a circumstance that is not the usual one."""
    for outcome in way:
        usual = table.triggers[outcome.transition.trigger].given
        for name, value in outcome.transition.when:
            if table.memory.fact(name).circumstance and usual.get(name) not in (None, value):
                return True
    return any(table.rare(outcome.transition) for outcome in way)


def _way_out(table: Lifecycle, way: tuple[Outcome, ...], *, again: bool = False) -> Freeing:
    ends = way[-1].end.state
    events = tuple(outcome.transition.trigger for outcome in way)
    return Freeing(events, ends, not table.leaving(ends), again, table)


@cache
def _errors(table: Lifecycle) -> frozenset[State]:
    """States at rest in which failures end, and no step that succeeds."""
    ends: dict[bool, set[State]] = {True: set(), False: set()}
    for trigger in table.triggers.values():
        if trigger.kind in (Kind.FAILURE, Kind.PROGRESS):
            for transition in trigger.transitions:
                if transition.path:
                    ends[trigger.kind is Kind.FAILURE].add(transition.path[-1])
    return frozenset(state for state in ends[True] - ends[False] if table.rests(state))


def _to_the_end(table: Lifecycle, way: Freeing) -> Freeing:
    """A way to an error, and on to the end of the server's life by what users request."""
    run = table.state_graph.shortest(
        [table.found(way.ends)],
        lambda outcome: not table.leaving(outcome.end.state),
        allowed=lambda o: (
            not table.rare(o.transition) and o.transition.kind in (Kind.REQUEST, Kind.PROGRESS)
        ),
    )
    if run is None:
        return way
    onward = _way_out(table, run.outcomes)
    return onward._replace(events=(*way.events, *onward.events))
