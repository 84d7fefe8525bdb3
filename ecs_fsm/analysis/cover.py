"""Few scenarios that touch everything: states, transitions, or pairs of transitions.

Each scenario follows the way through the strongly connected components of the atlas on which most
is left to be touched. Inside a component, where everything can be reached again, it goes to
whatever is nearest, until it has touched its portion; then it leaves by the edge that the way
prescribes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from operator import eq
from typing import NamedTuple

from ecs_fsm.analysis.atlas import Atlas, Edge, Thing
from ecs_fsm.analysis.bound import fewest
from ecs_fsm.analysis.moves import Walk
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Transition

PORTIONS = 2
"""How much more than its share of things a scenario touches: with less, more scenarios are needed;
with much more, the first would be endless."""


class Cover(NamedTuple):
    """Scenarios that together touch all `things`; no fewer than `at_least` can.

    `left_out` are transitions that are in none of the pairs to be touched, since no server comes to
    where they are possible.
    """

    scenarios: list[Walk]
    things: list[Thing]
    at_least: int
    left_out: list[Transition]


def cover(lifecycle: Lifecycle, what: str) -> Cover:
    """Few scenarios that touch all there is of `what`, one of `atlas.WHAT`."""
    atlas = Atlas(lifecycle, what)
    at_least = fewest(atlas)
    portion = 1 + PORTIONS * len(atlas.things) // at_least
    scenarios = list(_Traveller(atlas, portion).scenarios())
    left_out = atlas.elsewhere if atlas.in_pairs else []
    return Cover(scenarios, atlas.things, at_least, left_out)


class _Traveller:
    """Goes through an atlas, scenario after scenario, and keeps what is left to be touched."""

    def __init__(self, atlas: Atlas, portion: int) -> None:
        self._atlas = atlas
        self._portion = portion
        self._part, parts = _components(atlas)
        self._left = [True] * len(atlas.things)
        self._open = [0] * len(atlas.spots)
        """How many edges leave a spot, inside its component, that touch something left."""
        self._inside = [0] * parts
        self._holders: list[list[int]] = [[] for _ in atlas.things]
        self._exits: list[list[tuple[int, Edge]]] = [[] for _ in range(parts)]
        self._near: list[list[Edge]] = []
        for spot, edges in enumerate(atlas.edges):
            part = self._part[spot]
            self._near.append([edge for edge in edges if self._part[edge.target] == part])
            self._exits[part] += ((spot, e) for e in edges if self._part[e.target] != part)
            for thing in chain(*(edge.things for edge in self._near[-1])):
                self._holders[thing].append(spot)
                self._open[spot] += 1
                self._inside[part] += 1
        self._worth = [0] * parts
        self._way: list[tuple[int, Edge] | None] = [None] * parts

    def scenarios(self) -> Iterator[Walk]:
        """Scenarios until nothing is left."""
        first, *others = self._atlas.beginnings
        own = {spot: self._own(spot) for spot in others}
        while any(self._left):
            self._plan()
            with_own = (s for s in others if any(self._left[thing] for thing in own[s]))
            beginning = next(with_own, first)
            outcomes = tuple(edge.outcome for edge in self._travel(beginning))
            yield Walk(self._atlas.spots[beginning].node, outcomes)

    def _own(self, beginning: int) -> set[int]:
        """What is touched only by scenarios that begin where no server comes to."""
        found: set[int] = set()
        seen, waiting = {beginning}, [beginning]
        while waiting:
            for edge in self._atlas.edges[waiting.pop()]:
                found.update(edge.things)
                if edge.target >= self._atlas.from_creation and edge.target not in seen:
                    seen.add(edge.target)
                    waiting.append(edge.target)
        return found

    def _plan(self) -> None:
        """For each component, the edge out of it on which most can be touched from there on."""
        for part, exits in enumerate(self._exits):
            best, way = 0, None
            kept: list[tuple[int, Edge]] = []
            seen: set[int] = set()
            for spot, edge in exits:
                beyond = self._part[edge.target]
                fresh = self._fresh(edge)
                if fresh or beyond not in seen:  # what touches nothing new leads on all the same
                    seen.add(beyond)
                    kept.append((spot, edge))
                    if fresh + self._worth[beyond] > best:
                        best, way = fresh + self._worth[beyond], (spot, edge)
            self._exits[part] = kept
            self._worth[part] = min(self._inside[part], 1) + best
            self._way[part] = way

    def _travel(self, spot: int) -> Iterator[Edge]:
        """The edges of one scenario: its portion inside components, and the way out of them."""
        portion = self._portion
        while True:
            part = self._part[spot]
            if self._inside[part] and portion > 0:
                edges = self._to(spot, lambda there: self._open[there] > 0)
                edges.append(self._open_edge(edges[-1].target if edges else spot))
            elif way := self._way[part]:
                edges = [*self._to(spot, partial(eq, way[0])), way[1]]
            else:
                break
            for edge in edges:
                portion -= self._take(edge)
                yield edge
            spot = edges[-1].target
        yield from self._come_to_rest(spot)

    def _to(self, spot: int, wanted: Callable[[int], bool]) -> list[Edge]:
        """The shortest way, inside a component, to the nearest spot that is wanted."""
        came: dict[int, tuple[int, Edge] | None] = {spot: None}
        waiting = deque([spot])
        while not wanted(here := waiting.popleft()):
            for edge in self._near[here]:
                if edge.target not in came:
                    came[edge.target] = here, edge
                    waiting.append(edge.target)
        edges: list[Edge] = []
        while step := came[here]:
            here, edge = step
            edges.append(edge)
        return edges[::-1]

    def _fresh(self, edge: Edge) -> int:
        return sum(self._left[thing] for thing in edge.things)

    def _open_edge(self, spot: int) -> Edge:
        return next(e for e in self._near[spot] if any(self._left[thing] for thing in e.things))

    def _take(self, edge: Edge) -> int:
        """Touch what an edge touches; how much of that was left."""
        fresh = [thing for thing in dict.fromkeys(edge.things) if self._left[thing]]
        for thing in fresh:
            self._left[thing] = False
            for spot in self._holders[thing]:
                self._open[spot] -= 1
                self._inside[self._part[spot]] -= 1
        return len(fresh)

    def _come_to_rest(self, spot: int) -> Iterator[Edge]:
        """Let what still runs at the end of a scenario run to its end."""
        advance = self._atlas.lifecycle.advance
        while on := [e for e in self._atlas.edges[spot] if e.outcome.transition.trigger == advance]:
            self._take(on[0])
            yield on[0]
            spot = on[0].target


def _components(atlas: Atlas) -> tuple[list[int], int]:
    """The component of each spot, those that others lead to first, and how many there are."""
    import networkx as nx

    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(atlas.spots)))
    graph.add_edges_from((s, e.target) for s, edges in enumerate(atlas.edges) for e in edges)
    condensed = nx.condensation(graph)
    order = list(nx.topological_sort(condensed))[::-1]
    number = {component: n for n, component in enumerate(order)}
    mapping = condensed.graph["mapping"]
    return [number[mapping[spot]] for spot in range(len(atlas.spots))], len(order)
