"""The state graph of a lifecycle: its nodes, the outcomes between them, and the search for a run.

A vertex is a `Node` (a state with the facts remembered there; None stands for a server that does
not exist yet), an edge is an `Outcome`. `StateGraph` expands a vertex once, when it is first
needed, and keeps the result; `Lifecycle.state_graph` holds the one graph of a lifecycle.

The finest view of a server is a `Position`: a node, or a point between two writes of one event.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple, TypeVar

from ecs_fsm.core.model import Change, Facts, Kind, Node, State, Transition
from ecs_fsm.core.rules import Rules

Memory = TypeVar("Memory", bound=Hashable)
Vertex = TypeVar("Vertex", bound=Hashable)

EVENT_COST = 1_000_000
RANK_COST = 1_000
"""The costs of an event and of each rank, so far apart that a run with fewer events always costs
less, and among equally long runs the ranks decide before the order of the table does."""

RARE_COST = 3 * EVENT_COST
"""What a rare event costs more: a few usual events are preferred to it."""

BY_PLAINNESS: Mapping[Kind, int] = {
    Kind.PROGRESS: 0, Kind.REQUEST: 1, Kind.SYSTEM: 2, Kind.FAILURE: 3,
}  # fmt: skip
"""Ranks for a run to recommend: few requests, and a failure only where nothing else leads on."""


class Outcome(NamedTuple):
    """One possible result of an event: its transition, the nodes that it enters, and the last node.

    `end` differs from the last of `nodes` where the event changes only facts. `facts` are those
    given with the event, and those that decided it where they are not the usual ones.
    """

    transition: Transition
    nodes: tuple[Node, ...]
    end: Node
    facts: Facts


class Position(NamedTuple):
    """A node, and the nodes that the event under way enters next (none between two events)."""

    node: Node
    ahead: tuple[Node, ...] = ()

    @property
    def state(self) -> State:
        """The state that an observer sees."""
        return self.node.state


class Write(NamedTuple):
    """One write: the event that makes it (None where an event goes on), and the position after."""

    outcome: Outcome | None
    position: Position


class Run(NamedTuple):
    """Events one after the other, from a node or from no server yet (None)."""

    beginning: Node | None
    outcomes: tuple[Outcome, ...]

    @property
    def last(self) -> Node | None:
        """The node at the end."""
        return self.outcomes[-1].end if self.outcomes else self.beginning

    def events(self) -> Iterator[tuple[Node | None, Outcome]]:
        """Each outcome with the node in which its event happens."""
        node = self.beginning
        for outcome in self.outcomes:
            yield node, outcome
            node = outcome.end

    def changes(self) -> list[Change]:
        """Every state entered, with its event, in the form of a server's history."""
        entered: list[tuple[str | None, State]] = []
        if self.beginning is not None:
            entered.append((None, self.beginning.state))
        entered += [(o.transition.trigger, node.state) for o in self.outcomes for node in o.nodes]
        return [Change(event, s.vm_state, s.task_state, s.status) for event, s in entered]


def reachable(
    starts: Iterable[Vertex], following: Callable[[Vertex], Iterable[Vertex]]
) -> list[Vertex]:
    """Return the starts and everything reachable from them, the nearest first."""
    found = dict.fromkeys(starts)
    order = list(found)
    for vertex in order:  # the list grows while it is read
        for other in following(vertex):
            if other not in found:
                found[other] = None
                order.append(other)
    return order


class StateGraph:
    """The graph of all runs of a lifecycle; every vertex is expanded at most once."""

    def __init__(self, rules: Rules, expand: Callable[[Node | None], Iterable[Outcome]]) -> None:
        self._rules = rules
        self._expand = expand
        self._outcomes: dict[Node | None, tuple[Outcome, ...]] = {}
        self._edges: dict[Node | None, tuple[Outcome, ...]] = {}
        self._leaving: dict[Node | None, tuple[Outcome, ...]] = {}

    def outcomes(self, node: Node | None) -> tuple[Outcome, ...]:
        """All that can happen in a node, for every value of the facts given with an event."""
        found = self._outcomes.get(node)
        if found is None:
            found = self._outcomes[node] = tuple(self._expand(node))
        return found

    def of(self, trigger: str, node: Node | None) -> Iterator[Outcome]:
        """Yield those outcomes in a node that are the trigger's."""
        return (found for found in self.outcomes(node) if found.transition.trigger == trigger)

    def edges(self, node: Node | None) -> tuple[Outcome, ...]:
        """The edges out of a node: the outcomes that differ in what they enter, in table order.

        Outcomes that differ only in facts that were given without effect are one edge.
        """
        found = self._edges.get(node)
        if found is None:
            edges: dict[object, Outcome] = {}
            for outcome in self.outcomes(node):
                edges.setdefault((id(outcome.transition), *outcome[1:3]), outcome)
            found = self._edges[node] = tuple(edges.values())
        return found

    def leaving(self, node: Node | None) -> tuple[Outcome, ...]:
        """The edges out of a node, the plainest first, so that it is found among equal runs."""
        found = self._leaving.get(node)
        if found is None:
            plainest = sorted(self.edges(node), key=lambda o: BY_PLAINNESS[o.transition.kind])
            found = self._leaving[node] = tuple(plainest)
        return found

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node that a server can stay in between two events, those near creation first."""
        ends = reachable([o.end for o in self.leaving(None)], self._ends)
        return tuple(ends)

    @cached_property
    def entered(self) -> tuple[Node, ...]:
        """`nodes`, and those that a server only passes through in the middle of an event.

        Events are followed from those too: a second one can overtake the first between two writes.
        """
        first = [node for o in self.leaving(None) for node in (*o.nodes, o.end)]
        return tuple(reachable([*self.nodes, *first], self._entered))

    def positions(self, starts: Iterable[Position]) -> list[Position]:
        """Return the starts and every position reachable from them, the nearest first."""
        return reachable(starts, lambda here: (write.position for write in self.writes(here)))

    def writes(self, position: Position) -> Iterator[Write]:
        """Yield what can be written next: the rest of the event under way, or a first write.

        An event that enters nothing leads to the position of its end.
        """
        if position.ahead:
            yield Write(None, Position(position.ahead[0], position.ahead[1:]))
            return
        for outcome in self.edges(position.node):
            yield Write(outcome, after(outcome))

    def costs(self, ranks: Mapping[Kind, int]) -> dict[str, int]:
        """The cost of each trigger, by which the better of several runs is chosen.

        The end of a running step, as it should end, always has the best rank.
        """
        return {
            name: EVENT_COST
            + RANK_COST * (0 if name == self._rules.advance else ranks[trigger.kind])
            + place
            for place, (name, trigger) in enumerate(self._rules.triggers.items())
        }

    def shortest(
        self,
        starts: Iterable[Node | None],
        goal: Callable[[Outcome], bool],
        costs: Mapping[str, int] | None = None,
        allowed: Callable[[Outcome], bool] = lambda outcome: True,
    ) -> Run | None:
        """Return the cheapest run of allowed events whose last outcome is a goal, None without one.

        Without `costs` (by trigger) it is the one with the fewest events; a rare one counts for
        several.
        """
        return self.search(
            ((node, True) for node in starts),
            lambda kept, outcome: True if allowed(outcome) else None,
            lambda node, kept, outcome: allowed(outcome) and goal(outcome),
            costs,
        )

    def run_to(self, wanted: Callable[[Node], bool]) -> Run | None:
        """Return the shortest run from a server's creation to a wanted node."""
        return self.shortest([None], lambda outcome: wanted(outcome.end))

    def search(
        self,
        starts: Iterable[tuple[Node | None, Memory]],
        go_on: Callable[[Memory, Outcome], Memory | None],
        found: Callable[[Node | None, Memory, Outcome], bool],
        costs: Mapping[str, int] | None = None,
    ) -> Run | None:
        """Return the cheapest run from a start whose last event is `found`, None without one.

        Each start has something in memory; `go_on` returns the memory after an event, or None where
        the run must not go on by it. So the search runs through the product of the state graph and
        the memories, and a claim about the past of a run is a claim about one vertex of it.

        This is Dijkstra's algorithm; with every event at the same cost it visits vertices in the
        order of a breadth-first search. Among equals, what was met first stays.
        """
        came: dict[tuple[Node | None, Memory], tuple[tuple[Node | None, Memory], Outcome] | None]
        came = dict.fromkeys(starts)
        total = dict.fromkeys(came, 0)
        tickets = count()
        waiting = [(0, next(tickets), start) for start in came]
        least = min(costs.values()) if costs else 1
        best: tuple[int, tuple[Node | None, Memory], Outcome] | None = None
        while waiting and (best is None or waiting[0][0] + least < best[0]):
            spent, _, here = heappop(waiting)
            if spent > total[here]:
                continue  # a cheaper way to it was found after it was put on the heap
            node, memory = here
            for outcome in self.leaving(node):
                cost = spent + self._cost(outcome, costs)
                if found(node, memory, outcome):
                    if best is None or cost < best[0]:
                        best = cost, here, outcome
                    continue
                kept = go_on(memory, outcome)
                if kept is None:
                    continue
                there = outcome.end, kept
                if there not in total or cost < total[there]:
                    total[there] = cost
                    came[there] = here, outcome
                    heappush(waiting, (cost, next(tickets), there))
        return None if best is None else _traced(came, *best[1:])

    def _cost(self, outcome: Outcome, costs: Mapping[str, int] | None) -> int:
        rare = bool(self._rules.rare(outcome.transition))
        if costs is None:
            return 1 + rare * RARE_COST // EVENT_COST
        return costs[outcome.transition.trigger] + RARE_COST * rare

    def _ends(self, node: Node | None) -> Iterator[Node]:
        return (outcome.end for outcome in self.leaving(node))

    def _entered(self, node: Node | None) -> Iterator[Node]:
        return (other for o in self.leaving(node) for other in (*o.nodes, o.end))


def after(outcome: Outcome) -> Position:
    """The position after the first write of an event, or at its end where it writes nothing."""
    first, *ahead = outcome.nodes or (outcome.end,)
    return Position(first, tuple(ahead))


def _traced(
    came: Mapping[tuple[Node | None, Memory], tuple[tuple[Node | None, Memory], Outcome] | None],
    here: tuple[Node | None, Memory],
    last: Outcome,
) -> Run:
    outcomes = [last]
    while step := came[here]:
        here, outcome = step
        outcomes.append(outcome)
    return Run(here[0], tuple(reversed(outcomes)))
