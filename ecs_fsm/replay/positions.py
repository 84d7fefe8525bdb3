"""The positions that a server can be observed in, and the best explanation of each change of them.

Positions are those of the state graph. A fact that is not known may have any value until an event
depends on it, so a recording can begin at positions that no created server comes to. A request can
replace a step that still runs, and a last write of that step can show over the new request: such a
**late write** is not an event of the lifecycle, so only a recording knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.core.graph import (
    BY_LIKELIHOOD,
    EVENT_COST,
    RANK_COST,
    Outcome,
    Position,
    Write,
    reachable,
)
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, Kind, Node, State

if TYPE_CHECKING:
    import networkx as nx


LATE_WRITE = "late_write"
LATE_COST = EVENT_COST + RANK_COST - 1
"""Where the record shows the replaced step running, its late write is likelier than a failure."""
RARE_COST = 2 * EVENT_COST
"""What a rare event costs more, so that a run of two usual ones is preferred."""


class Observable(NamedTuple):
    """A position, and what a step that was replaced writes over it.

    `replaced` is that step, as long as the request that replaced it runs and the step has written
    nothing. `late` are the states that it writes: the observer sees the first.
    """

    node: Node
    ahead: tuple[Node, ...] = ()
    replaced: State | None = None
    late: tuple[State, ...] = ()

    @property
    def state(self) -> State:
        """The state that an observer sees."""
        return self.late[0] if self.late else self.node.state


class Link(NamedTuple):
    """One way from a position to the next observed one.

    It has its cost, the best events with the facts that decided them, and other single events.
    `replaced` is the step that makes a late write.
    """

    cost: int
    origin: Observable
    events: tuple[str, ...]
    facts: Facts = ()
    others: tuple[str, ...] = ()
    replaced: State | None = None


class PositionLinks:
    """The best link from each position to each that can be observed next.

    With `sampled` the observer may have missed positions in between.
    """

    def __init__(self, lifecycle: Lifecycle, *, sampled: bool) -> None:
        self.lifecycle = lifecycle
        self.sampled = sampled
        self._state_graph = lifecycle.state_graph
        self._costs = self._state_graph.costs(BY_LIKELIHOOD)
        self._reach: dict[Observable, dict[Observable, Link]] = {}
        self._ends: dict[Observable, bool] = {}

    def reach(self, position: Observable) -> dict[Observable, Link]:
        """Return every position that an observer may see next, with the best link to it."""
        if position not in self._reach:
            found = self._next(position)
            if self.sampled:
                far = self._far(position)
                found = far | {p: link for p, link in found.items() if link.cost <= far[p].cost}
            self._reach[position] = found
        return self._reach[position]

    def operations(self, step: State) -> tuple[str, ...]:
        """Return the operations, then the events of the system, that `step` can be a step of."""
        return self._operations.get(step, ())

    @cached_property
    def _operations(self) -> dict[State, tuple[str, ...]]:
        found: dict[State, tuple[str, ...]] = {}
        for kind in (Kind.REQUEST, Kind.SYSTEM):
            for name, trigger in self.lifecycle.triggers.items():
                for step in trigger.steps if trigger.kind is kind else ():
                    found[step] = (*found.get(step, ()), name)
        return found

    def is_end(self, position: Observable) -> bool:
        """Return whether nothing follows a position, so that a server's life ends there."""
        if position not in self._ends:
            self._ends[position] = next(self._writes(position), None) is None
        return self._ends[position]

    @cached_property
    def starts(self) -> list[Observable]:
        """Where a recording can begin: any state, with no facts known but those that it implies."""
        found = [Observable(self.lifecycle.found(s)) for s in self.lifecycle.states.values()]
        for position in list(found):
            for outcome in self._state_graph.edges(position.node):
                nodes = outcome.nodes
                found += [Observable(node, nodes[n:]) for n, node in enumerate(nodes[:-1], start=1)]
        return list(dict.fromkeys(found))

    def _writes(self, position: Observable) -> Iterator[tuple[Link, Observable]]:
        for write in self._state_graph.writes(Position(position.node, position.ahead)):
            outcome, (node, ahead) = write
            target = Observable(node, ahead, self._replaced(position, write))
            if outcome is None:
                yield Link(0, position, ()), target
            elif outcome.nodes:  # what enters nothing cannot be observed
                trigger = outcome.transition.trigger
                yield Link(self._cost(outcome), position, (trigger,), outcome.facts), target
        yield from self._late_writes(position)

    def _cost(self, outcome: Outcome) -> int:
        rare = bool(self.lifecycle.rare(outcome.transition))
        return self._costs[outcome.transition.trigger] + RARE_COST * rare

    def _replaced(self, before: Observable, write: Write) -> State | None:
        """Return the step that can still write after a write, if a request has replaced it."""
        at = write.position
        if self.sampled or (not at.ahead and self.lifecycle.rests(at.state)):
            return None
        if write.outcome is None or write.outcome.transition.kind is not Kind.REQUEST:
            return before.replaced
        replaced = before.node.state
        late = not before.late and replaced in self.lifecycle.late_writes
        return replaced if late and at.state != replaced else None

    def _late_writes(self, position: Observable) -> Iterator[tuple[Link, Observable]]:
        if len(position.late) > 1:
            yield Link(0, position, ()), position._replace(late=position.late[1:])
        if position.replaced is None:
            return
        for path in self.lifecycle.late_writes[position.replaced]:
            for late in (path[n:] for n in range(len(path))):
                if late[0] != position.state:
                    link = Link(LATE_COST, position, (LATE_WRITE,), replaced=position.replaced)
                    yield link, position._replace(replaced=None, late=late)

    def _next(self, position: Observable) -> dict[Observable, Link]:
        options: dict[Observable, list[Link]] = {}
        for link, target in self._writes(position):
            options.setdefault(target, []).append(link)
        best = {}
        for target, links in options.items():
            first, *others = sorted(links, key=lambda link: link.cost)
            names = dict.fromkeys(event for link in others for event in link.events)
            best[target] = first._replace(others=tuple(n for n in names if n not in first.events))
        return best

    def _far(self, position: Observable) -> dict[Observable, Link]:
        import networkx as nx

        paths = nx.single_source_dijkstra_path(self._graph, position, weight="cost")
        return {target: self._along(position, path) for target, path in paths.items()}

    def _along(self, position: Observable, path: list[Observable]) -> Link:
        links: list[Link] = [self._graph.edges[step]["link"] for step in pairwise(path)]
        events = tuple(event for link in links for event in link.events)
        facts = dict.fromkeys(fact for link in links for fact in link.facts)
        return Link(sum(link.cost for link in links), position, events, tuple(facts))

    @cached_property
    def _graph(self) -> nx.DiGraph[Observable]:
        import networkx as nx

        graph: nx.DiGraph[Observable] = nx.DiGraph()
        graph.add_nodes_from(self.starts)

        def following(position: Observable) -> dict[Observable, Link]:
            links = self._next(position)
            for target, link in links.items():
                graph.add_edge(position, target, cost=link.cost, link=link)
            return links

        reachable(self.starts, following)
        return graph
