"""The positions that a server can be observed in, and the best explanation of each change of them.

Positions are those of the state graph. A fact that is not known may have any value until an event
depends on it, so a recording can begin at positions that no created server comes to.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.core.graph import BY_LIKELIHOOD, Position, reachable
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts

if TYPE_CHECKING:
    import networkx as nx


class Link(NamedTuple):
    """One way from a position to the next observed one.

    It has its cost, the best events with the facts that decided them, and other single events.
    """

    cost: int
    origin: Position
    events: tuple[str, ...]
    facts: Facts = ()
    others: tuple[str, ...] = ()


class PositionLinks:
    """The best link from each position to each that can be observed next.

    With `sampled` the observer may have missed positions in between.
    """

    def __init__(self, lifecycle: Lifecycle, *, sampled: bool) -> None:
        self.lifecycle = lifecycle
        self.sampled = sampled
        self._state_graph = lifecycle.state_graph
        self._costs = self._state_graph.costs(BY_LIKELIHOOD)
        self._reach: dict[Position, dict[Position, Link]] = {}
        self._ends: dict[Position, bool] = {}

    def reach(self, position: Position) -> dict[Position, Link]:
        """Return every position that an observer may see next, with the best link to it."""
        if position not in self._reach:
            found = self._next(position)
            if self.sampled:
                far = self._far(position)
                found = far | {p: link for p, link in found.items() if link.cost <= far[p].cost}
            self._reach[position] = found
        return self._reach[position]

    def is_end(self, position: Position) -> bool:
        """Return whether nothing follows a position, so that a server's life ends there."""
        if position not in self._ends:
            self._ends[position] = next(self._writes(position), None) is None
        return self._ends[position]

    @cached_property
    def starts(self) -> list[Position]:
        """Where a recording can begin: any state, with no facts known but those that it implies."""
        found = [Position(self.lifecycle.found(s)) for s in self.lifecycle.states.values()]
        for position in list(found):
            for outcome in self._state_graph.edges(position.node):
                nodes = outcome.nodes
                found += [Position(node, nodes[n:]) for n, node in enumerate(nodes[:-1], start=1)]
        return list(dict.fromkeys(found))

    def _writes(self, position: Position) -> Iterator[tuple[Link, Position]]:
        for outcome, target in self._state_graph.writes(position):
            if outcome is None:
                yield Link(0, position, ()), target
            elif outcome.nodes:  # what enters nothing cannot be observed
                trigger = outcome.transition.trigger
                yield Link(self._costs[trigger], position, (trigger,), outcome.facts), target

    def _next(self, position: Position) -> dict[Position, Link]:
        options: dict[Position, list[Link]] = {}
        for link, target in self._writes(position):
            options.setdefault(target, []).append(link)
        best = {}
        for target, links in options.items():
            first, *others = sorted(links, key=lambda link: link.cost)
            names = dict.fromkeys(event for link in others for event in link.events)
            best[target] = first._replace(others=tuple(n for n in names if n not in first.events))
        return best

    def _far(self, position: Position) -> dict[Position, Link]:
        import networkx as nx

        paths = nx.single_source_dijkstra_path(self._graph, position, weight="cost")
        return {target: self._along(position, path) for target, path in paths.items()}

    def _along(self, position: Position, path: list[Position]) -> Link:
        links: list[Link] = [self._graph.edges[step]["link"] for step in pairwise(path)]
        events = tuple(event for link in links for event in link.events)
        facts = dict.fromkeys(fact for link in links for fact in link.facts)
        return Link(sum(link.cost for link in links), position, events, tuple(facts))

    @cached_property
    def _graph(self) -> nx.DiGraph[Position]:
        import networkx as nx

        graph: nx.DiGraph[Position] = nx.DiGraph()
        graph.add_nodes_from(self.starts)

        def following(position: Position) -> dict[Position, Link]:
            links = self._next(position)
            for target, link in links.items():
                graph.add_edge(position, target, cost=link.cost, link=link)
            return links

        reachable(self.starts, following)
        return graph
