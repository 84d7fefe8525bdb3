"""The shortest way from one state or status to another, or why there is none.

The way with the fewest events is found; among equals one without failures, then one that asks for
least. It ends where the server can stay between two events; only where no way does, one that passes
through the goal in the middle of an event is the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.analysis.ends import Ends, Limits, beginnings
from ecs_fsm.analysis.moves import RANK, Moves, Walk
from ecs_fsm.analysis.ways import Way, told
from ecs_fsm.core.lifecycle import Lifecycle, Outcome
from ecs_fsm.core.model import NO_SERVER, Facts, Node, State

if TYPE_CHECKING:
    import networkx as nx

EVENT_COST = 1_000_000
RANK_COST = 1_000
"""What an event costs, and what its not being plain costs, so that among the shortest ways the
plainest is found; among equals it is the first in the table."""
MOST_ENTRIES = 6
"""Ways into a goal to name one by one before they are counted."""


class Spot(NamedTuple):
    """A place on a way, or one that its last event only `passed`."""

    node: Node | None
    passed: bool = False


class Paths:
    """The ways within limits from one origin, with what is said of the server there."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        origin: Iterable[State | None],
        said: Mapping[str, str],
        limits: Limits,
    ) -> None:
        self.lifecycle = lifecycle
        self.limits = limits
        self._moves = Moves(lifecycle)
        self._rank = {name: place for place, name in enumerate(lifecycle.triggers)}
        self._origins = beginnings(lifecycle, origin, said, limits.avoided)
        self._graph = self._walked()
        self._reached: dict[
            tuple[Node | None, ...], tuple[dict[Spot, int], dict[Spot, list[Spot]]]
        ] = {}

    def to(self, goal: Collection[State]) -> tuple[list[Way], list[Facts]]:
        """The shortest way for each value of what nobody said and the way depends on; best first.

        Where it begins amid an operation, the shortest way of a server at rest follows it. The
        second list holds the values with which there is no way.
        """
        found: list[tuple[Facts, Way | None]] = []
        for facts, nodes in self._origins.items():
            way = self._shortest(tuple(nodes), goal)
            found.append((facts, way))
            resting = tuple(node for node in nodes if self._rests(node))
            if way and not self._rests(way.walk.beginning):
                at_rest = self._shortest(resting, goal)
                found += [(facts, at_rest)] if at_rest else []
        return told(found, list(self._origins))

    def _rests(self, node: Node | None) -> bool:
        return node is None or self.lifecycle.rests(node.state)

    def reachable(self) -> list[State]:
        """Every state that a way within the limits enters, in the order of the table."""
        entered = {spot.node.state for _, spot in self._graph.edges if spot.node}
        return [state for state in self.lifecycle.states.values() if state in entered]

    def _walked(self) -> nx.DiGraph[Spot]:
        import networkx as nx

        graph: nx.DiGraph[Spot] = nx.DiGraph()
        waiting = [Spot(node) for nodes in self._origins.values() for node in nodes]
        graph.add_nodes_from(waiting)
        waiting = list(graph)
        while waiting:
            spot = waiting.pop()
            for target, cost, outcome in self._leaving(spot):
                if target not in graph and not target.passed:
                    waiting.append(target)
                if cost < graph.get_edge_data(spot, target, {"cost": cost + 1})["cost"]:
                    graph.add_edge(spot, target, cost=cost, outcome=outcome)
        return graph

    def _leaving(self, spot: Spot) -> Iterator[tuple[Spot, int, Outcome]]:
        for outcome in filter(self.limits.allow, self._moves.at(spot.node)):
            event = outcome.transition
            cost = EVENT_COST + RANK_COST * RANK[event.kind] + self._rank[event.trigger]
            yield Spot(outcome.end), cost, outcome
            for node in outcome.nodes[:-1]:
                yield Spot(node, passed=True), cost, outcome

    def _shortest(self, origins: tuple[Node | None, ...], goal: Collection[State]) -> Way | None:
        costs, paths = self._from_origins(origins)
        ends = [s for s in costs if s.node and s.node.state in goal]
        if not ends:
            return None
        best = min(ends, key=lambda spot: (spot.passed, costs[spot]))
        outcomes = tuple(self._graph.edges[step]["outcome"] for step in pairwise(paths[best]))
        return Way(Walk(paths[best][0].node, outcomes), best.passed)

    def _from_origins(
        self, origins: tuple[Node | None, ...]
    ) -> tuple[dict[Spot, int], dict[Spot, list[Spot]]]:
        """What it costs to come to each spot from the nearest origin, and the way to it."""
        import networkx as nx

        if not origins:
            return {}, {}
        if origins not in self._reached:
            self._reached[origins] = nx.multi_source_dijkstra(  # type: ignore[assignment]
                self._graph, [Spot(node) for node in origins], weight="cost"
            )
        return self._reached[origins]


def why_not(lifecycle: Lifecycle, ends: Ends, said: Mapping[str, str], limits: Limits) -> str:
    """Why no way within the limits leads from one end to the other: one sentence."""
    for what, states in (("begin", ends.origin), ("arrive", ends.goal)):
        if all(state in limits.avoided for state in states):
            return f"every state to {what} in is to be avoided"
    moves = Moves(lifecycle)
    starts = [n for ns in beginnings(lifecycle, ends.origin, said, ()).values() for n in ns]
    if not any(moves.at(node) for node in starts):
        return f"no event leads on from {_named(ends.origin)}"
    ways, _ = Paths(lifecycle, ends.origin, said, Limits()).to(ends.goal)
    if ways:
        events = ", ".join(ways[0].walk.names(lifecycle))
        return f"every way breaks a limit; without limits the shortest is {events}"
    entries = dict.fromkeys(
        f"{t.trigger} at {t.source or NO_SERVER}"
        for t in lifecycle.transitions
        if t.source not in ends.goal and any(state in ends.goal for state in t.path)
    )
    shown, more = list(entries)[:MOST_ENTRIES], len(entries) - MOST_ENTRIES
    counted = f" and {more} more" if more > 0 else ""
    return f"it is entered only by {', '.join(shown)}{counted}, and no way leads to any of that"


def _named(states: Sequence[State | None]) -> str:
    return ", ".join(state or NO_SERVER for state in states)
