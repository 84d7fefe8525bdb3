"""What somebody does with one server: events, undo and redo, and the steps of a lesson."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ecs_fsm.core.errors import UnknownFact
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import AnyChange, Kind, Node, State
from ecs_fsm.core.server import History
from ecs_fsm.teach.lesson import Lesson, LessonStep

NOTHING_YET = "there is no server yet"


class Position(NamedTuple):
    """Where the server is (None: there is none yet), how it got there, and the lesson's steps done.

    `asked` is the number of the change with which the last request began.
    """

    node: Node | None
    changes: tuple[AnyChange, ...] = ()
    done: int = 0
    asked: int = 0


class Choice(NamedTuple):
    """Something that can be asked or happen: `why` it cannot now, None where it can."""

    name: str
    kind: Kind
    meaning: str
    why: str | None


class Session:
    """A server, what happened to it, and the lesson that is being followed."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self.lesson: Lesson | None = None
        self.position = Position(None)
        self._past: list[Position] = []
        self._future: list[Position] = []

    @property
    def state(self) -> State | None:
        """Where the server is."""
        return self.position.node.state if self.position.node else None

    @property
    def history(self) -> History:
        """What happened to the server."""
        return History(self.position.changes, self.lifecycle)

    @property
    def step(self) -> LessonStep | None:
        """What the lesson asks for next; None without a lesson, and at its end."""
        if self.lesson is None or self.position.done == len(self.lesson.steps):
            return None
        return self.lesson.steps[self.position.done]

    def restart(self, lesson: Lesson | None = None) -> None:
        """Begin anew: with a lesson where it begins, otherwise without a server."""
        self.lesson = lesson
        node = None
        if lesson and lesson.start is not None:
            node = self.lifecycle.place(lesson.start, lesson.remember)
        self.position = Position(node, (self.lifecycle.change(None, node),) if node else ())
        self._past, self._future = [], []

    def choices(self) -> list[Choice]:
        """Everything that there is: what is possible now first, and what the system does next.

        At rest requests come first, while a step runs what can become of it.
        """
        node = self.position.node
        kinds = list(Kind)
        if node is not None and not self.lifecycle.rests(node.state):
            kinds = [kind for kind in kinds if kind is not Kind.REQUEST] + [Kind.REQUEST]
        found = self._choices(node)
        return sorted(found, key=lambda c: (c.why is not None, kinds.index(c.kind)))

    def _choices(self, node: Node | None) -> Iterator[Choice]:
        creation = self.lifecycle.creation.trigger
        for name, trigger in self.lifecycle.triggers.items():
            if node is None:
                why = None if name == creation else NOTHING_YET
            elif self.lifecycle.possible(name, node):
                why = None
            else:
                why = self.lifecycle.reason(name, node)
            yield Choice(name, trigger.kind, trigger.meaning, why)

    def questions(self, trigger: str) -> Mapping[str, str | None]:
        """The facts that can be given with an event, each with what it is otherwise."""
        if self.step and self.step.trigger == trigger:
            return {}
        return self.lifecycle.triggers[trigger].given

    def do(self, trigger: str, given: Mapping[str, str]) -> bool:
        """Let something happen; whether it was what the lesson asked for.

        Raises `Refused` and `UnknownFact` as the lifecycle does; then nothing has happened.
        """
        before, step = self.position, self.step
        if step and step.trigger == trigger:
            given = {**dict(step.given), **given}
        outcome = self.lifecycle.outcome(trigger, before.node, given)
        entered = tuple(self.lifecycle.change(trigger, node) for node in outcome.nodes)
        asked = before.asked
        if self.lifecycle.triggers[trigger].kind in (Kind.REQUEST, Kind.SYSTEM) and entered:
            asked = len(before.changes)
        done = step is not None and (trigger, outcome.end.state) == (step.trigger, step.state)
        changes = before.changes + entered
        self._go(Position(outcome.end, changes, before.done + done, asked))
        return done

    def learn(self, unknown: UnknownFact, value: str) -> bool:
        """Say what a server remembers that nobody has said; False where it is given each time."""
        node = self.position.node
        if node is None or self.lifecycle.memory.fact(unknown.fact).circumstance:
            return False
        known = self.lifecycle.place(node.state, {**dict(node.facts), unknown.fact: value})
        self.position = self.position._replace(node=known)
        return True

    def _go(self, position: Position) -> None:
        self._past.append(self.position)
        self._future.clear()
        self.position = position

    def undo(self) -> bool:
        """Go back by one event; False at the beginning."""
        return self._move(self._past, self._future)

    def redo(self) -> bool:
        """Take an undo back; False where there is none."""
        return self._move(self._future, self._past)

    def _move(self, source: list[Position], target: list[Position]) -> bool:
        if source:
            target.append(self.position)
            self.position = source.pop()
            return True
        return False

    def ahead(self) -> list[State]:
        """What is entered if nothing goes wrong, as far as it is known."""
        found: list[State] = []
        node = self.position.node
        while node is not None and not self.lifecycle.rests(node.state):
            try:
                outcome = self.lifecycle.outcome(self.lifecycle.advance, node)
            except UnknownFact:
                break
            found += [entered.state for entered in outcome.nodes]
            node = outcome.end
        return found
