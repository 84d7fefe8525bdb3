"""Few scenarios that cover everything: states, transitions, or pairs of transitions.

A server that left a strongly connected component of the graph never comes back to it. So each
scenario follows the route through the components on which most is left to cover. Inside a
component, where everything can be reached again, it goes to the nearest edge that covers something
new, until it has covered its portion; then it leaves by the edge that the route prescribes.

An Eulerian walk would take every edge; but several edges can cover the same item, and one walk
through a whole component would be a scenario of thousands of events. Portions keep the scenarios
short, and large enough that their number comes near the lower bound of `fewest_scenarios`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from operator import eq
from typing import NamedTuple

from ecs_fsm.analysis.coverage import CoverageEdge, CoverageGraph, Item, fewest_scenarios
from ecs_fsm.core.graph import Run, reachable
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Transition

PORTIONS = 2
"""A scenario covers this many times its share of the items: with less, more scenarios are needed;
with much more, the first would be endless."""


class Cover(NamedTuple):
    """Scenarios that together cover all `items`; fewer than `at_least` cannot.

    `left_out` are transitions that are in none of the pairs to be covered, since no server stays
    where they are possible.
    """

    scenarios: list[Run]
    items: list[Item]
    at_least: int
    left_out: list[Transition]


def cover(lifecycle: Lifecycle, criterion: str) -> Cover:
    """Return few scenarios that cover everything of a criterion, one of `coverage.CRITERIA`."""
    graph = CoverageGraph(lifecycle, criterion)
    at_least = fewest_scenarios(graph)
    portion = 1 + PORTIONS * len(graph.items) // at_least
    scenarios = list(_Planner(graph, portion).scenarios())
    left_out = graph.elsewhere if graph.in_pairs else []
    return Cover(scenarios, graph.items, at_least, left_out)


class _Planner:
    """Plans one scenario after the other, and keeps account of the items left to cover."""

    def __init__(self, graph: CoverageGraph, portion: int) -> None:
        self._graph = graph
        self._portion = portion
        self._part, parts = _components(graph)
        self._left = [True] * len(graph.items)
        self._open = [0] * len(graph.vertices)
        """By vertex: the items left on the edges that leave it inside its component."""
        self._inside = [0] * parts
        self._holders: list[list[int]] = [[] for _ in graph.items]
        self._exits: list[list[tuple[int, CoverageEdge]]] = [[] for _ in range(parts)]
        self._near: list[list[CoverageEdge]] = []
        for vertex, edges in enumerate(graph.edges):
            part = self._part[vertex]
            self._near.append([edge for edge in edges if self._part[edge.target] == part])
            self._exits[part] += ((vertex, e) for e in edges if self._part[e.target] != part)
            for item in chain(*(edge.items for edge in self._near[-1])):
                self._holders[item].append(vertex)
                self._open[vertex] += 1
                self._inside[part] += 1
        self._worth = [0] * parts
        self._way: list[tuple[int, CoverageEdge] | None] = [None] * parts

    def scenarios(self) -> Iterator[Run]:
        """Yield scenarios until nothing is left."""
        first, *others = self._graph.beginnings
        own = {vertex: self._own(vertex) for vertex in others}
        while any(self._left):
            self._plan()
            with_own = (v for v in others if any(self._left[item] for item in own[v]))
            beginning = next(with_own, first)
            outcomes = tuple(edge.outcome for edge in self._travel(beginning))
            yield Run(self._graph.vertices[beginning].node, outcomes)

    def _own(self, beginning: int) -> set[int]:
        """Return the items that only scenarios cover that begin where no created server stays."""
        edges = self._graph.edges
        away = reachable(
            [beginning],
            lambda v: (e.target for e in edges[v] if e.target >= self._graph.from_creation),
        )
        return {item for vertex in away for edge in edges[vertex] for item in edge.items}

    def _plan(self) -> None:
        """Find for each component the edge out of it beyond which most can be covered.

        Components are numbered against the direction of the edges, so `_worth` is known for all
        those that an exit leads to. A component counts as one item at most: what is left in it is
        divided into portions, and only whether something is left decides the route.
        """
        for part, exits in enumerate(self._exits):
            best, way = 0, None
            kept: list[tuple[int, CoverageEdge]] = []
            seen: set[int] = set()
            for vertex, edge in exits:
                beyond = self._part[edge.target]
                fresh = self._fresh(edge)
                if fresh or beyond not in seen:  # an exit that covers nothing new can lead to more
                    seen.add(beyond)
                    kept.append((vertex, edge))
                    if fresh + self._worth[beyond] > best:
                        best, way = fresh + self._worth[beyond], (vertex, edge)
            self._exits[part] = kept
            self._worth[part] = min(self._inside[part], 1) + best
            self._way[part] = way

    def _travel(self, vertex: int) -> Iterator[CoverageEdge]:
        """Yield the edges of one scenario: its portion in each component, then the way out."""
        portion = self._portion
        while True:
            part = self._part[vertex]
            if self._inside[part] and portion > 0:
                edges = self._to(vertex, lambda there: self._open[there] > 0)
                edges.append(self._open_edge(edges[-1].target if edges else vertex))
            elif way := self._way[part]:
                edges = [*self._to(vertex, partial(eq, way[0])), way[1]]
            else:
                break
            for edge in edges:
                portion -= self._take(edge)
                yield edge
            vertex = edges[-1].target
        yield from self._come_to_rest(vertex)

    def _to(self, vertex: int, wanted: Callable[[int], bool]) -> list[CoverageEdge]:
        """Return the shortest way, inside a component, to the nearest wanted vertex."""
        came: dict[int, tuple[int, CoverageEdge] | None] = {vertex: None}
        waiting = deque([vertex])
        while not wanted(here := waiting.popleft()):
            for edge in self._near[here]:
                if edge.target not in came:
                    came[edge.target] = here, edge
                    waiting.append(edge.target)
        edges: list[CoverageEdge] = []
        while step := came[here]:
            here, edge = step
            edges.append(edge)
        return edges[::-1]

    def _fresh(self, edge: CoverageEdge) -> int:
        return sum(self._left[item] for item in edge.items)

    def _open_edge(self, vertex: int) -> CoverageEdge:
        return next(e for e in self._near[vertex] if any(self._left[item] for item in e.items))

    def _take(self, edge: CoverageEdge) -> int:
        """Count the items of an edge as covered; return how many of them were left."""
        fresh = [item for item in dict.fromkeys(edge.items) if self._left[item]]
        for item in fresh:
            self._left[item] = False
            for vertex in self._holders[item]:
                self._open[vertex] -= 1
                self._inside[self._part[vertex]] -= 1
        return len(fresh)

    def _come_to_rest(self, vertex: int) -> Iterator[CoverageEdge]:
        """Yield the edges that bring the operation running at the end of a scenario to its end."""
        advance = self._graph.lifecycle.advance
        while on := [
            e for e in self._graph.edges[vertex] if e.outcome.transition.trigger == advance
        ]:
            self._take(on[0])
            yield on[0]
            vertex = on[0].target


def _components(graph: CoverageGraph) -> tuple[list[int], int]:
    """Return the component of each vertex, numbered against the edges, and how many there are."""
    import networkx as nx

    plain: nx.DiGraph[int] = nx.DiGraph()
    plain.add_nodes_from(range(len(graph.vertices)))
    plain.add_edges_from((v, e.target) for v, edges in enumerate(graph.edges) for e in edges)
    condensed = nx.condensation(plain)
    order = list(nx.topological_sort(condensed))[::-1]
    number = {component: n for n, component in enumerate(order)}
    mapping = condensed.graph["mapping"]
    return [number[mapping[vertex]] for vertex in range(len(graph.vertices))], len(order)
