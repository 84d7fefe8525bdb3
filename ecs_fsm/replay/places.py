"""The finest graph of a lifecycle: where a server can be between two writes, and the ways between.

A place is a node (a state with what is remembered there), and what the event under way has still to
enter. A fact that nobody said may have any value until an event depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, Kind, Node, State

if TYPE_CHECKING:
    import networkx as nx

EVENT_COST = 100_000
RANK_COST = {Kind.PROGRESS: 1_000, Kind.FAILURE: 1_000, Kind.REQUEST: 2_000, Kind.SYSTEM: 3_000}
"""Which event explains a change best where several can, after the advance of a running step; among
equals it is the first in the table."""


class Place(NamedTuple):
    """A node, and the nodes that the event under way enters next."""

    node: Node
    ahead: tuple[Node, ...] = ()

    @property
    def state(self) -> State:
        """What an observer sees here."""
        return self.node.state


class Link(NamedTuple):
    """One way from a place to the next observed one.

    Its cost, the best events with the facts that decided them, and other single events.
    """

    cost: int
    origin: Place
    events: tuple[str, ...]
    facts: Facts = ()
    others: tuple[str, ...] = ()


class Ways:
    """How a server gets from place to place."""

    def __init__(self, lifecycle: Lifecycle, *, sampled: bool) -> None:
        self.lifecycle = lifecycle
        self.sampled = sampled
        self._costs = {
            t.name: EVENT_COST + (0 if t.name == lifecycle.advance else RANK_COST[t.kind]) + place
            for place, t in enumerate(lifecycle.triggers.values())
        }
        self._reach: dict[Place, dict[Place, Link]] = {}
        self._ends: dict[Place, bool] = {}

    def reach(self, place: Place) -> dict[Place, Link]:
        """Every place that an observer may see next, by the best way to it."""
        if place not in self._reach:
            found = self._next(place)
            if self.sampled:
                far = self._far(place)
                found = far | {p: link for p, link in found.items() if link.cost <= far[p].cost}
            self._reach[place] = found
        return self._reach[place]

    def is_end(self, place: Place) -> bool:
        """Whether nothing comes after a place, so that a server's life ends there."""
        if place not in self._ends:
            self._ends[place] = next(self._writes(place), None) is None
        return self._ends[place]

    @cached_property
    def starts(self) -> list[Place]:
        """Where a recording can begin: anywhere, with nothing known but what the state implies."""
        found = [Place(self.lifecycle.found(s)) for s in self.lifecycle.states.values()]
        for place in list(found):
            for outcome in self.lifecycle.outcomes(place.node):
                nodes = outcome.nodes
                found += [Place(node, nodes[n:]) for n, node in enumerate(nodes[:-1], start=1)]
        return list(dict.fromkeys(found))

    def _writes(self, place: Place) -> Iterator[tuple[Link, Place]]:
        if place.ahead:
            yield Link(0, place, ()), Place(place.ahead[0], place.ahead[1:])
            return
        for outcome in self.lifecycle.outcomes(place.node):
            if outcome.nodes:
                trigger = outcome.transition.trigger
                target = Place(outcome.nodes[0], outcome.nodes[1:])
                yield Link(self._costs[trigger], place, (trigger,), outcome.facts), target

    def _next(self, place: Place) -> dict[Place, Link]:
        options: dict[Place, list[Link]] = {}
        for link, target in self._writes(place):
            options.setdefault(target, []).append(link)
        best = {}
        for target, links in options.items():
            first, *others = sorted(links, key=lambda link: link.cost)
            names = dict.fromkeys(event for link in others for event in link.events)
            best[target] = first._replace(others=tuple(n for n in names if n not in first.events))
        return best

    def _far(self, place: Place) -> dict[Place, Link]:
        import networkx as nx

        paths = nx.single_source_dijkstra_path(self._graph, place, weight="cost")
        return {target: self._along(place, path) for target, path in paths.items()}

    def _along(self, place: Place, path: list[Place]) -> Link:
        links: list[Link] = [self._graph.edges[step]["link"] for step in pairwise(path)]
        events = tuple(event for link in links for event in link.events)
        facts = dict.fromkeys(fact for link in links for fact in link.facts)
        return Link(sum(link.cost for link in links), place, events, tuple(facts))

    @cached_property
    def _graph(self) -> nx.DiGraph[Place]:
        import networkx as nx

        graph: nx.DiGraph[Place] = nx.DiGraph()
        waiting = list(self.starts)
        graph.add_nodes_from(waiting)
        while waiting:
            place = waiting.pop()
            for target, link in self._next(place).items():
                if target not in graph:
                    waiting.append(target)
                graph.add_edge(place, target, cost=link.cost, link=link)
        return graph
