"""One server and its events, with undo and redo, and the steps of a lesson."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ecs_fsm.core.errors import UnknownFact
from ecs_fsm.core.history import History
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import AnyChange, Kind, Node, State
from ecs_fsm.teach.lesson import Lesson, LessonStep


class SessionPoint(NamedTuple):
    """A point in a session: the node (None without a server), its changes, the lesson's steps done.

    `requested` is the index of the first change of the last request.
    """

    node: Node | None
    changes: tuple[AnyChange, ...] = ()
    done: int = 0
    requested: int = 0


class Choice(NamedTuple):
    """An event to choose; `why` is the reason why it is impossible now, None if it is possible."""

    name: str
    kind: Kind
    meaning: str
    why: str | None


class Session:
    """A server, its history, and the lesson that it follows."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self.lesson: Lesson | None = None
        self.point = SessionPoint(None)
        self._past: list[SessionPoint] = []
        self._future: list[SessionPoint] = []

    @property
    def state(self) -> State | None:
        """The state of the server, None without one."""
        return self.point.node.state if self.point.node else None

    @property
    def history(self) -> History:
        """The history of the server."""
        return History(self.point.changes, self.lifecycle)

    @property
    def step(self) -> LessonStep | None:
        """The next step of the lesson, None without a lesson and at its end."""
        if self.lesson is None or self.point.done == len(self.lesson.steps):
            return None
        return self.lesson.steps[self.point.done]

    def restart(self, lesson: Lesson | None = None) -> None:
        """Restart at the start of a lesson, or without a server."""
        self.lesson = lesson
        node = None
        if lesson and lesson.start is not None:
            node = self.lifecycle.place(lesson.start, lesson.remember)
        self.point = SessionPoint(node, (self.lifecycle.change(None, node),) if node else ())
        self._past, self._future = [], []

    def choices(self) -> list[Choice]:
        """Return every trigger, the possible ones first.

        At rest requests come first, otherwise the events of the running step.
        """
        node = self.point.node
        kinds = list(Kind)
        if node is not None and not self.lifecycle.stays(node):
            kinds = [kind for kind in kinds if kind is not Kind.REQUEST] + [Kind.REQUEST]
        found = self._choices(node)
        return sorted(found, key=lambda c: (c.why is not None, kinds.index(c.kind)))

    def _choices(self, node: Node | None) -> Iterator[Choice]:
        nothing_yet = f"there is no {self.lifecycle.table.thing} yet"
        for name, trigger in self.lifecycle.triggers.items():
            if node is None:
                why = None if name in self.lifecycle.creations else nothing_yet
            elif self.lifecycle.possible(name, node):
                why = None
            else:
                why = self.lifecycle.reason(name, node)
            yield Choice(name, trigger.kind, trigger.meaning, why)

    def questions(self, trigger: str) -> Mapping[str, str | None]:
        """Return the facts that can be given with an event, each with its usual value."""
        if self.step and self.step.trigger == trigger:
            return {}
        return self.lifecycle.triggers[trigger].given

    def do(self, trigger: str, given: Mapping[str, str]) -> bool:
        """Trigger an event and return whether it is the next step of the lesson.

        Raise `Refused` and `UnknownFact` as the lifecycle does; the session is unchanged then.
        """
        before, step = self.point, self.step
        if step and step.trigger == trigger:
            given = {**dict(step.given), **given}
        outcome = self.lifecycle.outcome(trigger, before.node, given)
        entered = tuple(self.lifecycle.change(trigger, node) for node in outcome.nodes)
        requested = before.requested
        if self.lifecycle.triggers[trigger].kind in (Kind.REQUEST, Kind.SYSTEM) and entered:
            requested = len(before.changes)
        done = step is not None and (trigger, outcome.end.state) == (step.trigger, step.state)
        changes = before.changes + entered
        self._go(SessionPoint(outcome.end, changes, before.done + done, requested))
        return done

    def amiss(self) -> str:
        """Say why the last event was not the next step of the lesson, with a hint."""
        step, node = self.step, self.point.node
        if step is None:
            return ""
        lifecycle = self.lifecycle
        if node and not lifecycle.possible(step.trigger, node):
            reason = lifecycle.reason(step.trigger, node)
            why = f"The next step is refused from here: {reason}"
        else:
            why = f"The {lifecycle.table.thing} must get to {step.state} by another event"
        hint = step.hint or lifecycle.triggers[step.trigger].meaning
        return f"{why}. Hint: {hint}"

    def learn(self, unknown: UnknownFact, value: str) -> bool:
        """Set an unknown fact of the server; return False if events give it instead."""
        node = self.point.node
        if node is None or self.lifecycle.memory.fact(unknown.fact).circumstance:
            return False
        known = self.lifecycle.place(node.state, {**dict(node.facts), unknown.fact: value})
        self.point = self.point._replace(node=known)
        return True

    def _go(self, point: SessionPoint) -> None:
        self._past.append(self.point)
        self._future.clear()
        self.point = point

    def undo(self) -> bool:
        """Undo one event; return False at the start."""
        return self._move(self._past, self._future)

    def redo(self) -> bool:
        """Redo one event; return False if none was undone."""
        return self._move(self._future, self._past)

    def _move(self, source: list[SessionPoint], target: list[SessionPoint]) -> bool:
        if source:
            target.append(self.point)
            self.point = source.pop()
            return True
        return False

    def ahead(self) -> list[State]:
        """Return the states that come next if nothing goes wrong, as far as the facts are known."""
        found: list[State] = []
        node = self.point.node
        while node is not None and not self.lifecycle.stays(node):
            try:
                outcome = self.lifecycle.outcome(self.lifecycle.advance, node)
            except UnknownFact:
                break
            found += [entered.state for entered in outcome.nodes]
            node = outcome.end
        return found
