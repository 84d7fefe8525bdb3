"""Claims about the past of a run: during an operation, or between two moments.

Each is decided by a search that remembers of the past what the claim needs: which operation runs,
whether a state was shown, whether something failed. A node with this memory is one vertex of the
search, so a run that loops is followed once only, and the search ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ecs_fsm.analysis.claims import Decision, States
from ecs_fsm.analysis.words import BEGINNING
from ecs_fsm.core.graph import Outcome, Run
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, Kind, Node, State


@dataclass(frozen=True, slots=True)
class LeftOnlyBy:
    """A server leaves `state` only in the course of one of the operations `by`."""

    state: States
    by: tuple[str, ...]

    def decide(self, lifecycle: Lifecycle) -> Decision:
        """Follow every run, remembering the trigger that began what runs ("" at rest)."""
        graph = lifecycle.state_graph

        def running(before: str, outcome: Outcome) -> str:
            begins = _begins(outcome) and outcome.nodes
            return outcome.transition.trigger if begins or not before else before

        def leaves(node: Node | None, before: str, outcome: Outcome) -> bool:
            return self._left(node, outcome) and running(before, outcome) not in self.by

        def go_on(before: str, outcome: Outcome) -> str:
            return "" if lifecycle.stays(outcome.end) else running(before, outcome)

        resting = ((node, "") for node in graph.nodes if lifecycle.stays(node))
        run = graph.search([(None, ""), *resting], go_on, leaves)
        if run is None:
            if not any(self._left(n, o) for n in graph.nodes for o in graph.leaving(n)):
                return Decision(True, f"nothing leads out of {self.state.text}")
            used = " and ".join(self.by)
            return Decision(True, f"every way out of {self.state.text} is one of {used}")
        begun = [o.transition.trigger for o in run.outcomes if _begins(o)]
        event = begun[-1] if begun else run.outcomes[-1].transition.trigger
        return Decision(False, f"{event} leads out of {self.state.text} too", run)

    def _left(self, node: Node | None, outcome: Outcome) -> bool:
        """Return whether an event leads out of the state."""
        inside = self.state.members
        return any(one in inside and other not in inside for one, other in _writes(node, outcome))


@dataclass(frozen=True, slots=True)
class ShowsTask:
    """An attribute alone shows whether a task runs: `key` in the table, `called` in texts."""

    key: str
    called: str

    def decide(self, lifecycle: Lifecycle) -> Decision:
        """Look for two states with the same value of which one is busy, if possible in one run."""
        graph = lifecycle.state_graph
        seen: dict[str | None, dict[bool, State]] = {}
        for node in graph.nodes:
            seen.setdefault(self._value(node.state), {})[_busy(lifecycle, node.state)] = node.state
        unclear = [node for node in graph.nodes if len(seen[self._value(node.state)]) > 1]
        if not unclear:
            return Decision(True, f"no two states with the same {self.called} differ in it")
        order = {state: place for place, state in enumerate(lifecycle.states.values())}
        unclear.sort(key=lambda node: (_busy(lifecycle, node.state), order[node.state]))
        run = graph.search(
            ((node, node.state) for node in unclear),
            lambda begun, outcome: begun,
            lambda node, begun, outcome: self._contrast(lifecycle, begun, outcome) is not None,
        )
        if run and run.beginning:
            begun = run.beginning.state
            contrast = self._contrast(lifecycle, begun, run.outcomes[-1])
            return self._false(lifecycle, begun, contrast, run)
        idle, busy = (seen[self._value(unclear[0].state)][key] for key in (False, True))
        return self._false(lifecycle, idle, busy, graph.run_to(lambda node: node.state == busy))

    def _value(self, state: State) -> str | None:
        if state.one_word:
            return str(state)
        value: str | None = getattr(state, self.key)
        return value

    def _contrast(self, lifecycle: Lifecycle, begun: State, outcome: Outcome) -> State | None:
        """Return the first state entered with the same value and the opposite busyness."""
        busy, value = _busy(lifecycle, begun), self._value(begun)
        states = (node.state for node in outcome.nodes)
        same = (state for state in states if self._value(state) == value)
        return next((state for state in same if _busy(lifecycle, state) != busy), None)

    def _false(
        self, lifecycle: Lifecycle, one: State, other: State | None, run: Run | None
    ) -> Decision:
        idle, busy = sorted(filter(None, (one, other)), key=lambda state: _busy(lifecycle, state))
        value = self._value(one) or NO_TASK
        where = f"{idle}, where nothing runs, and at {busy}, where something does"
        return Decision(False, f"{self.called} is {value} at {where}", run)


@dataclass(frozen=True, slots=True)
class Between:
    """Between showing `origin` and showing `goal` there is always one of the events `always`."""

    origin: States
    goal: States
    always: tuple[str, ...]

    def decide(self, lifecycle: Lifecycle) -> Decision:
        """Search from where `origin` is entered, by everything but `always`."""
        inside, goal = self.origin.members, self.goal.members

        def arrives(node: Node | None, in_it: bool, outcome: Outcome) -> bool:
            if outcome.transition.trigger in self.always:
                return False
            for _, state in _writes(node, outcome):
                if in_it and state in goal:
                    return True
                in_it = in_it or state in inside
            return False

        def go_on(in_it: bool, outcome: Outcome) -> bool | None:
            if outcome.transition.trigger in self.always:
                return None
            return in_it or any(node.state in inside for node in outcome.nodes)

        run = lifecycle.state_graph.search(self._entered(lifecycle), go_on, arrives)
        always = " or ".join(self.always)
        if run is None:
            from_to = f"from {self.origin.text} to {self.goal.text}"
            return Decision(True, f"without {always} no run leads {from_to}")
        begun = [o.transition.trigger for o in run.outcomes if _begins(o)]
        by = " and ".join(begun) or run.outcomes[-1].transition.trigger
        return Decision(False, f"{by} leads to {self.goal.text} without {always}", run)

    def _entered(self, lifecycle: Lifecycle) -> list[tuple[Node | None, bool]]:
        """Return the starts of the search, each with whether `origin` is shown already.

        These are the nodes where a server comes to show `origin`, and those before an event that
        only passes through it.
        """
        inside, graph = self.origin.members, lifecycle.state_graph
        found: dict[tuple[Node | None, bool], None] = {}
        for node in (None, *graph.nodes):
            if node and node.state in inside and lifecycle.stays(node):
                found[node, True] = None
            for outcome in graph.leaving(node):
                entries = [
                    state
                    for before, state in _writes(node, outcome)
                    if state in inside and before not in inside
                ]
                if entries and outcome.end.state in inside:
                    found[outcome.end, True] = None
                if entries and len(outcome.nodes) > 1:
                    found[node, False] = None
        return list(found)


FAILS, SUCCEEDS, ENDS = "fails", "succeeds", "ends"
ENDINGS = (FAILS, SUCCEEDS, ENDS)
"""The runs that a claim is about: something fails in them, nothing does, or either."""


class Progress(NamedTuple):
    """How far a run of an operation is: requested, failed, and showed what it has to show."""

    requested: bool = False
    failed: bool = False
    showed: bool = False


@dataclass(frozen=True, slots=True)
class OperationCourse:
    """Every run of the operation `of` that ends as `that` says shows or ends in certain states.

    A failing run has to show them from its failure on. A run ends where the server rests.
    """

    of: str
    that: str
    shows: States | None
    ends: States | None

    def decide(self, lifecycle: Lifecycle) -> Decision:
        """Follow the operation to its end, from each node that accepts it."""
        accepting = [n for n in lifecycle.state_graph.nodes if lifecycle.possible(self.of, n)]
        accepting.sort(key=lambda node: _busy(lifecycle, node.state))

        def over(outcome: Outcome) -> bool:
            return lifecycle.stays(outcome.end) or not outcome.nodes

        def contradicts(node: Node | None, before: Progress, outcome: Outcome) -> bool:
            progress = self._after(lifecycle, before, outcome)
            if progress is None or not over(outcome) or not self._is_meant(progress):
                return False
            return not (progress.showed if self.shows else self._ends_in(outcome))

        created = [(None, Progress())] if self.of in lifecycle.creations else []
        run = lifecycle.state_graph.search(
            [*created, *((node, Progress()) for node in accepting)],
            lambda before, o: None if over(o) else self._after(lifecycle, before, o),
            contradicts,
        )
        return self._decision(run)

    def _after(self, lifecycle: Lifecycle, before: Progress, outcome: Outcome) -> Progress | None:
        """Return how far a run is after an event; None if the event does not belong to it."""
        if _begins(outcome) if before.requested else not self._starts(lifecycle, outcome):
            return None
        failed = before.failed or outcome.transition.kind is Kind.FAILURE
        counts = failed or self.that != FAILS
        shown = self.shows and any(n.state in self.shows.members for n in outcome.nodes)
        return Progress(True, failed, before.showed or bool(counts and shown))

    def _starts(self, lifecycle: Lifecycle, outcome: Outcome) -> bool:
        """Return whether an event requests the operation, or is its failure before any step."""
        operation, event = lifecycle.operations[self.of], outcome.transition
        unseen = operation.unseen and event.source in operation.steps
        return event.trigger == self.of or (unseen and event.kind is Kind.FAILURE)

    def _is_meant(self, progress: Progress) -> bool:
        return self.that == ENDS or progress.failed == (self.that == FAILS)

    def _ends_in(self, outcome: Outcome) -> bool:
        return self.ends is not None and outcome.end.state in self.ends.members

    def _decision(self, run: Run | None) -> Decision:
        runs = f"{self.of} that {self.that}"
        if run is None:
            expected = f"shows {self.shows.text}" if self.shows else ""
            expected = f"ends in {self.ends.text}" if self.ends else expected
            return Decision(True, f"every {runs} {expected}")
        event, end = run.outcomes[-1].transition.trigger, run.outcomes[-1].end.state
        shown = "" if end.one_word or end.gone else f", which shows {end.status}"
        by = "" if event == self.of else f"with {event} "
        return Decision(False, f"{by}a {runs} comes to {end}{shown}", run)


def _writes(node: Node | None, outcome: Outcome) -> Iterator[tuple[State | None, State]]:
    """Yield each state that an event enters with the one before it."""
    before = None if node is None else node.state
    for entered in outcome.nodes:
        yield before, entered.state
        before = entered.state


def _begins(outcome: Outcome) -> bool:
    """Return whether an event begins something, rather than ends or continues what runs."""
    return outcome.transition.kind in BEGINNING


def _busy(lifecycle: Lifecycle, state: State) -> bool:
    """Return whether something runs in a state, or its task says so."""
    return state.task_state is not None or not lifecycle.rests(state)
