"""The finest graph of a lifecycle: where a server can be between two writes, and the ways between.

A place is a state, and what the event under way has still to enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.lifecycle import Kind, Lifecycle, State

if TYPE_CHECKING:
    import networkx as nx

EVENT_COST = 100


class Place(NamedTuple):
    """A state, and the states that the event under way enters next."""

    state: State
    ahead: tuple[State, ...] = ()


class Link(NamedTuple):
    """One way from a place to the next observed one: its cost, the best events, other ones."""

    cost: int
    origin: Place
    events: tuple[str, ...]
    others: tuple[str, ...]


class Ways:
    """How a server gets from place to place."""

    def __init__(self, lifecycle: Lifecycle, *, sampled: bool) -> None:
        self.lifecycle = lifecycle
        self.sampled = sampled
        self._rank = {
            name: 0 if name == lifecycle.advance else 2 if t.kind is Kind.REQUEST else 1
            for name, t in lifecycle.triggers.items()
        }
        self._reach: dict[Place, dict[Place, Link]] = {}

    def writes(self, place: Place) -> Iterator[tuple[int, tuple[str, ...], Place]]:
        """What can be written next: its cost, the event that begins with it, the place after it."""
        if place.ahead:
            yield 0, (), Place(place.ahead[0], place.ahead[1:])
            return
        for t in self.lifecycle.leaving(place.state):
            yield EVENT_COST + self._rank[t.trigger], (t.trigger,), Place(t.path[0], t.path[1:])

    def reach(self, place: Place) -> dict[Place, Link]:
        """Every place that an observer may see next, by the best way to it."""
        if place not in self._reach:
            found = self._next(place)
            if self.sampled:
                found = {**self._far(place), **found}
            self._reach[place] = found
        return self._reach[place]

    def _next(self, place: Place) -> dict[Place, Link]:
        options: dict[Place, list[tuple[int, tuple[str, ...]]]] = {}
        for cost, events, target in self.writes(place):
            options.setdefault(target, []).append((cost, events))
        links = {}
        for target, ways in options.items():
            (cost, events), *others = sorted(ways, key=lambda way: way[0])
            links[target] = Link(cost, place, events, tuple(e for _, way in others for e in way))
        return links

    def _far(self, place: Place) -> dict[Place, Link]:
        import networkx as nx

        paths = nx.single_source_dijkstra_path(self._graph, place, weight="cost")
        return {target: self._link(place, path) for target, path in paths.items()}

    def _link(self, place: Place, path: list[Place]) -> Link:
        edges = [self._graph.edges[step] for step in pairwise(path)]
        events = tuple(event for edge in edges for event in edge["events"])
        return Link(sum(edge["cost"] for edge in edges), place, events, ())

    @cached_property
    def _graph(self) -> nx.DiGraph[Place]:
        import networkx as nx

        graph: nx.DiGraph[Place] = nx.DiGraph()
        for place in self.places:
            for target, link in self._next(place).items():
                graph.add_edge(place, target, cost=link.cost, events=link.events)
        return graph

    @cached_property
    def places(self) -> list[Place]:
        """Every place: each state at rest, and each state that an event enters on its way."""
        passed = [
            Place(state, t.path[n:])
            for t in self.lifecycle.transitions
            for n, state in enumerate(t.path[:-1], start=1)
        ]
        return list(dict.fromkeys([*map(Place, self.lifecycle.states.values()), *passed]))
