"""Claims about what happens on the way: in the course of an operation, between two moments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ecs_fsm.analysis.claims import States
from ecs_fsm.analysis.ground import Ground, Verdict, writes
from ecs_fsm.analysis.moves import Walk
from ecs_fsm.core.lifecycle import Outcome
from ecs_fsm.core.model import NO_TASK, Node, State


@dataclass(frozen=True, slots=True)
class LeftOnlyBy:
    """A server leaves `state` only in the course of one of the operations `by`."""

    state: States
    by: tuple[str, ...]

    def decide(self, ground: Ground) -> Verdict:
        """Follow each operation from where it is asked."""

        def course(running: str, outcome: Outcome) -> str:
            begins = not ground.own_course(outcome) and outcome.nodes
            return outcome.transition.trigger if begins or not running else running

        def leaves(node: Node | None, running: str, outcome: Outcome) -> bool:
            return self._left(node, outcome) and course(running, outcome) not in self.by

        def go_on(running: str, outcome: Outcome) -> str:
            over = ground.lifecycle.rests(outcome.end.state)
            return "" if over else course(running, outcome)

        beginnings = [(None, ""), *((node, "") for node in ground.resting)]
        run = ground.search(beginnings, go_on, leaves)
        if run is None:
            if not any(self._left(n, o) for n in ground.nodes for o in ground.moves.at(n)):
                return Verdict(True, f"nothing leads out of {self.state.text}")
            used = " and ".join(self.by)
            return Verdict(True, f"every way out of {self.state.text} is one of {used}")
        event = next(
            (o.transition.trigger for o in reversed(run.outcomes) if not ground.own_course(o)),
            run.outcomes[-1].transition.trigger,
        )
        return Verdict(False, f"{event} leads out of {self.state.text} too", run)

    def _left(self, node: Node | None, outcome: Outcome) -> bool:
        """Whether an event leads out of the state."""
        inside = self.state.members
        return any(one in inside and other not in inside for one, other in writes(node, outcome))


@dataclass(frozen=True, slots=True)
class Tells:
    """An attribute alone tells whether a task runs."""

    attribute: str

    def decide(self, ground: Ground) -> Verdict:
        """Look for two states with the same value of which one is busy, best in one run."""
        seen: dict[str | None, dict[bool, State]] = {}
        for node in ground.nodes:
            seen.setdefault(self._value(node.state), {})[ground.busy(node.state)] = node.state
        unclear = [node for node in ground.nodes if len(seen[self._value(node.state)]) > 1]
        if not unclear:
            return Verdict(True, f"no two states with the same {self.attribute} differ in it")
        order = {state: place for place, state in enumerate(ground.lifecycle.states.values())}
        unclear.sort(key=lambda node: (ground.busy(node.state), order[node.state]))
        run = ground.search(
            ((node, node.state) for node in unclear),
            lambda begun, outcome: begun,
            lambda node, begun, outcome: self._contrast(ground, begun, outcome) is not None,
        )
        if run and run.beginning:
            begun = run.beginning.state
            return self._told(ground, begun, self._contrast(ground, begun, run.outcomes[-1]), run)
        idle, busy = (seen[self._value(unclear[0].state)][key] for key in (False, True))
        return self._told(ground, idle, busy, ground.run_to(lambda node: node.state == busy))

    def _value(self, state: State) -> str | None:
        shown: str | None = getattr(state, self.attribute)
        return shown

    def _contrast(self, ground: Ground, begun: State, outcome: Outcome) -> State | None:
        """The first state entered with the same value in which it is the other way round."""
        busy, value = ground.busy(begun), self._value(begun)
        states = (node.state for node in outcome.nodes)
        return next((s for s in states if self._value(s) == value and ground.busy(s) != busy), None)

    def _told(self, ground: Ground, one: State, other: State | None, run: Walk | None) -> Verdict:
        idle, busy = sorted(filter(None, (one, other)), key=ground.busy)
        shown = self._value(one) or NO_TASK
        where = f"{idle}, where nothing runs, and at {busy}, where something does"
        return Verdict(False, f"{self.attribute} is {shown} at {where}", run)


@dataclass(frozen=True, slots=True)
class Between:
    """Between showing `origin` and showing `goal` there is always one of the events `always`."""

    origin: States
    goal: States
    always: tuple[str, ...]

    def decide(self, ground: Ground) -> Verdict:
        """Search from where `origin` is entered, by everything but `always`."""
        inside, goal = self.origin.members, self.goal.members

        def arrives(node: Node | None, in_it: bool, outcome: Outcome) -> bool:
            if outcome.transition.trigger in self.always:
                return False
            for _, state in writes(node, outcome):
                if in_it and state in goal:
                    return True
                in_it = in_it or state in inside
            return False

        def go_on(in_it: bool, outcome: Outcome) -> bool | None:
            if outcome.transition.trigger in self.always:
                return None
            return in_it or any(node.state in inside for node in outcome.nodes)

        run = ground.search(self._entered(ground), go_on, arrives)
        named = " or ".join(self.always)
        if run is None:
            way = f"from {self.origin.text} to {self.goal.text}"
            return Verdict(True, f"without {named} no run leads {way}")
        asked = [o.transition.trigger for o in run.outcomes if not ground.own_course(o)]
        by = " and ".join(asked) or run.outcomes[-1].transition.trigger
        return Verdict(False, f"{by} leads to {self.goal.text} without {named}", run)

    def _entered(self, ground: Ground) -> list[tuple[Node | None, bool]]:
        """Where a server comes to show `origin`, and before events that only pass through it."""
        inside = self.origin.members
        found: dict[tuple[Node | None, bool], None] = {}
        for node in (None, *ground.nodes):
            if node and node.state in inside and ground.lifecycle.rests(node.state):
                found[node, True] = None
            for outcome in ground.moves.at(node):
                entries = [
                    state
                    for before, state in writes(node, outcome)
                    if state in inside and before not in inside
                ]
                if entries and outcome.end.state in inside:
                    found[outcome.end, True] = None
                if entries and len(outcome.nodes) > 1:
                    found[node, False] = None
        return list(found)


FAILS, SUCCEEDS, ENDS = "fails", "succeeds", "ends"
HOW = (FAILS, SUCCEEDS, ENDS)
"""How an operation goes: something fails in it, nothing does, or either."""


class Under(NamedTuple):
    """How far a run of an operation is: asked, failed, and showed what it has to show."""

    asked: bool = False
    failed: bool = False
    showed: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """Every run of the operation `of` that goes as `that` says shows or ends in certain states.

    A failing run has to show them from its failure on. A run ends where the server rests.
    """

    of: str
    that: str
    shows: States | None
    ends: States | None

    def decide(self, ground: Ground) -> Verdict:
        """Follow the operation to its end, from each node that accepts it."""
        accepting = [n for n in ground.nodes if ground.lifecycle.possible(self.of, n)]
        accepting.sort(key=lambda node: ground.busy(node.state))

        def over(outcome: Outcome) -> bool:
            return ground.lifecycle.rests(outcome.end.state) or not outcome.nodes

        def contradicts(node: Node | None, before: Under, outcome: Outcome) -> bool:
            under = self._after(ground, before, outcome)
            if under is None or not over(outcome) or not self._is_meant(under):
                return False
            return not (under.showed if self.shows else self._ends_in(outcome))

        created = [(None, Under())] if self.of == ground.lifecycle.creation.trigger else []
        run = ground.search(
            [*created, *((node, Under()) for node in accepting)],
            lambda under, outcome: None if over(outcome) else self._after(ground, under, outcome),
            contradicts,
        )
        return self._told(run)

    def _after(self, ground: Ground, under: Under, outcome: Outcome) -> Under | None:
        """How far a run is after an event; None if the event does not belong to it."""
        if not (ground.own_course(outcome) if under.asked else self._begins(ground, outcome)):
            return None
        failed = under.failed or ground.failed(outcome)
        counts = failed or self.that != FAILS
        shown = self.shows and any(n.state in self.shows.members for n in outcome.nodes)
        return Under(True, failed, under.showed or bool(counts and shown))

    def _begins(self, ground: Ground, outcome: Outcome) -> bool:
        """Whether the operation is asked, or goes wrong where it has no step of its own."""
        operation, event = ground.lifecycle.operations[self.of], outcome.transition
        unseen = operation.unseen and event.source in operation.steps
        return event.trigger == self.of or (unseen and ground.failed(outcome))

    def _is_meant(self, under: Under) -> bool:
        return self.that == ENDS or under.failed == (self.that == FAILS)

    def _ends_in(self, outcome: Outcome) -> bool:
        return self.ends is not None and outcome.end.state in self.ends.members

    def _told(self, run: Walk | None) -> Verdict:
        what = f"{self.of} that {self.that}"
        if run is None:
            wanted = f"shows {self.shows.text}" if self.shows else ""
            wanted = f"ends in {self.ends.text}" if self.ends else wanted
            return Verdict(True, f"every {what} {wanted}")
        event, end = run.outcomes[-1].transition.trigger, run.outcomes[-1].end.state
        return Verdict(
            False, f"with {event} a {what} comes to {end}, which shows {end.status}", run
        )
