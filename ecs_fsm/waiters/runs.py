"""All runs of an operation from its starts as one graph, and the shortest runs in it.

A run begins when the request is accepted and ends when the server rests. It succeeds if nothing
goes wrong: no failure happens, no system event ends the task, and no event pauses it. Retries on
another host and a restarted service that resumes the task are not failures. Requests of other users
are not part of a run.

The vertices are positions, not nodes: a server can be polled between two writes of one event, and
whether something went wrong before decides which end counts as success.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.core.graph import Outcome, after
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, Kind, Node, State
from ecs_fsm.waiters.starts import Start, select

if TYPE_CHECKING:
    import networkx as nx


class RunPosition(NamedTuple):
    """A position in a run: the node, and the nodes that the running event has yet to enter.

    `wrong` means that something went wrong before. `requested` marks the position in which an
    operation without a step of its own was requested.
    """

    node: Node
    ahead: tuple[Node, ...] = ()
    wrong: bool = False
    requested: bool = False


class OperationRun(NamedTuple):
    """One run: its start, its outcomes in order, and the nodes that the server was in.

    The first node is the first step of the operation, or the node in which it was requested if it
    has no step of its own. `gone` means that the server is deleted at the end.
    """

    start: Start
    outcomes: tuple[Outcome, ...]
    nodes: tuple[Node, ...]
    events: tuple[str, ...]
    """The event that entered each node; empty for the normal end of a step and a second write."""
    succeeded: bool
    gone: bool


class Runs:
    """The runs of one operation from some starts; with `rare` those that seldom happen too."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        operation: str,
        starts: tuple[Start, ...],
        *,
        rare: bool = False,
    ) -> None:
        self.lifecycle = lifecycle
        self.operation = operation
        self.starts = starts
        self.rare = rare
        self.unseen = lifecycle.operations[operation].unseen
        self._begins: dict[RunPosition, Start] = {}
        self._reached: dict[RunPosition, tuple[RunPosition, ...]] = {}
        for start in starts:
            self._begins.setdefault(self.begin(start), start)

    @cached_property
    def positions(self) -> tuple[RunPosition, ...]:
        """Every position that a run can reach, the earliest first."""
        return tuple(self._from_start)

    def positions_from(self, start: Start) -> Sequence[RunPosition]:
        """Return every position that a run from one of the starts can reach."""
        begin = self.begin(start)
        if begin not in self._reached:
            reached, waiting, following = {begin: None}, [begin], self._graph.successors
            while waiting:
                new = [t for t in following(waiting.pop()) if t not in reached]
                reached.update(dict.fromkeys(new))
                waiting += new
            self._reached[begin] = tuple(reached)
        return self._reached[begin]

    def ended(self, position: RunPosition) -> bool:
        """Return whether a run ends there."""
        return not (position.ahead or position.requested) and self.lifecycle.stays(position.node)

    def gone(self, position: RunPosition) -> bool:
        """Return whether the server is deleted after this position: no transition leaves it."""
        return self.ended(position) and not self.lifecycle.leaving(position.node.state)

    @cached_property
    def hanging(self) -> tuple[State, ...]:
        """The states in which a step can hang."""
        positions = (
            position
            for position in self.positions
            if not (position.ahead or position.requested or self.ended(position))
        )
        return tuple(dict.fromkeys(position.node.state for position in positions))

    def length(self, position: RunPosition, *, succeeding: bool) -> int | None:
        """Return how many states the shortest such run through `position` has, None without one."""
        onward = self._onward(succeeding).get(position)
        return None if onward is None else len(self._from_start[position]) + len(onward) - 1

    def through(self, position: RunPosition, *, succeeding: bool) -> tuple[OperationRun, int]:
        """Return the shortest such run through `position`, and the index of `position` in it."""
        before = self._from_start[position]
        path = [*before, *reversed(self._onward(succeeding)[position][:-1])]
        start = self._begins[path[0]]
        outcomes = [] if path[0].requested else [start.request]
        events = ["" if path[0].requested else self.operation]
        for step in pairwise(path):
            outcome: Outcome | None = self._graph.edges[step]["outcome"]
            outcomes += [outcome] if outcome else []
            named = outcome and outcome.transition.trigger != self.lifecycle.advance
            events.append(self.event(outcome) if outcome and named else "")
        nodes = tuple(position.node for position in path)
        ended = self.gone(path[-1])
        run = OperationRun(start, tuple(outcomes), nodes, tuple(events), succeeding, ended)
        return run, len(before) - 1

    def event(self, outcome: Outcome) -> str:
        """Return the name of an event with its rare circumstances: `restart[vif=broken]`."""
        facts = [word for word in self.lifecycle.rare(outcome.transition) if "=" in word]
        return outcome.transition.trigger + (f"[{','.join(facts)}]" if facts else "")

    def shortest(self) -> OperationRun:
        """Return the shortest run that succeeds; one exists because every step can end normally."""
        begin = min(self._begins, key=lambda position: len(self._to_success[position]))
        return self.through(begin, succeeding=True)[0]

    def begin(self, start: Start) -> RunPosition:
        """Return the position in which the runs from a start begin."""
        if self.unseen and start.source:
            return RunPosition(start.source, requested=True)
        return RunPosition(*after(start.request))

    def _steps(self, position: RunPosition) -> Iterator[tuple[RunPosition, Outcome | None]]:
        if position.ahead:
            yield RunPosition(position.ahead[0], position.ahead[1:], position.wrong), None
        elif not self.ended(position):
            for outcome in self.lifecycle.state_graph.outcomes(position.node):
                if self._is_part(outcome, position):
                    wrong = position.wrong or self._wrong(outcome)
                    yield RunPosition(*after(outcome), wrong), outcome

    def _is_part(self, outcome: Outcome, position: RunPosition) -> bool:
        trigger, kind = outcome.transition.trigger, outcome.transition.kind
        if not self.rare and self.lifecycle.rare(outcome.transition):
            return False
        if position.requested:
            return trigger == self.operation or kind is Kind.FAILURE
        return kind is not Kind.REQUEST

    def _wrong(self, outcome: Outcome) -> bool:
        kind = outcome.transition.kind
        ended_by_the_system = kind is Kind.SYSTEM and self.lifecycle.stays(outcome.end)
        paused = self.lifecycle.triggers[outcome.transition.trigger].pauses
        return kind is Kind.FAILURE or ended_by_the_system or paused

    @cached_property
    def _graph(self) -> nx.DiGraph[RunPosition]:
        import networkx as nx

        graph: nx.DiGraph[RunPosition] = nx.DiGraph()
        graph.add_nodes_from(self._begins)
        waiting = list(reversed(self._begins))
        while waiting:
            position = waiting.pop()
            for target, outcome in self._steps(position):
                if target not in graph:
                    waiting.append(target)
                if not graph.has_edge(position, target):
                    graph.add_edge(position, target, outcome=outcome)
        return graph

    @cached_property
    def _from_start(self) -> dict[RunPosition, list[RunPosition]]:
        return _shortest(self._graph.successors, list(self._begins))

    @cached_property
    def _to_success(self) -> dict[RunPosition, list[RunPosition]]:
        return self._to([s for s in self.positions if self.ended(s) and not s.wrong])

    @cached_property
    def _to_failure(self) -> dict[RunPosition, list[RunPosition]]:
        return self._to([s for s in self.positions if self.ended(s) and s.wrong])

    def _onward(self, succeeding: bool) -> dict[RunPosition, list[RunPosition]]:
        return self._to_success if succeeding else self._to_failure

    def _to(self, ends: list[RunPosition]) -> dict[RunPosition, list[RunPosition]]:
        return _shortest(self._graph.predecessors, ends)


def _shortest(
    following: Callable[[RunPosition], Iterator[RunPosition]], begins: list[RunPosition]
) -> dict[RunPosition, list[RunPosition]]:
    """Return a path with the fewest steps to each position, the earliest first.

    That is `networkx.multi_source_dijkstra_path` for steps that all weigh the same, in a third of
    its time.
    """
    paths = {begin: [begin] for begin in begins}
    waiting = deque(begins)
    while waiting:
        here = waiting.popleft()
        for position in following(here):
            if position not in paths:
                paths[position] = [*paths[here], position]
                waiting.append(position)
    return paths


@lru_cache(maxsize=1024)
def runs_of(
    lifecycle: Lifecycle,
    operation: str,
    places: tuple[str, ...] = (),
    remember: Facts = (),
    *,
    rare: bool = False,
) -> Runs:
    """Return the runs of an operation from the given states. Raise `InvalidInput` as `select`."""
    starts = select(lifecycle, operation, places, remember, rare=rare)
    return runs_from(lifecycle, operation, starts, rare=rare)


@lru_cache(maxsize=1024)
def runs_from(
    lifecycle: Lifecycle, operation: str, starts: tuple[Start, ...], *, rare: bool = False
) -> Runs:
    """Return the runs of an operation from these starts; equal starts give the same object."""
    return Runs(lifecycle, operation, starts, rare=rare)
