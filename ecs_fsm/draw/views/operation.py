"""One operation from the request to every possible end, with the status at each step.

The steps are one below the other; to the right of each are the alternatives to the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State, Transition, Trigger
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.layout import Ladder, LadderStep, ladders_placed
from ecs_fsm.draw.picture import Arrow, Box, Ink, Look, Picture, Text
from ecs_fsm.draw.request import DrawRequest
from ecs_fsm.draw.rows import task_of
from ecs_fsm.draw.slide import READABLE, slide_of, smallest_text
from ecs_fsm.draw.views.lanes import bands_of

MOST = 3
"""Requests to name one by one before they are counted."""
WIDE = 180.0
"""The greatest width of a list of states."""
EXPLAINED = (
    "The steps go down, each with the {status} that a client sees; to the right are the "
    "alternatives to the next step. A dashed box is passed through, or also drawn elsewhere."
)
EXPLAINED_SHORT = EXPLAINED.replace(", each with the {status} that a client sees", "")
"""The same where the states are all that a client sees."""


def operation_view(request: DrawRequest) -> Picture:
    """NAME: one operation to each of its ends, from every state or --from VM/TASK."""
    request.without("operation", "only")
    if len(request.words) != 1:
        known = ", ".join(_drawn(request.servers.lifecycle))
        raise InvalidInput(f"no WORD: expected one operation of {known}")
    if request.begin and request.begin.facts:
        raise InvalidInput("view 'operation' takes no --remember: it draws all facts")
    start = request.begin.state if request.begin else None
    lifecycle, name = request.servers.lifecycle, request.words[0]
    picture = operation(lifecycle, name, start)
    if request.slide and smallest_text(picture, slide_of("16:9")) < READABLE:
        return bands_of(lifecycle, name, start)
    return picture


def operation(lifecycle: Lifecycle, name: str, start: State | None = None) -> Picture:
    """Return one operation, from every state that accepts it or from `start` only.

    Every step, failure, roll back, reschedule and hang is drawn, each with its status. System
    events can be drawn by name as well. Raise `InvalidInput` for an unknown name, `Refused` if
    `start` does not accept it.
    """
    known = _drawn(lifecycle)
    if name not in known:
        raise unknown("operation", name, known)
    if start is not None and not lifecycle.find(name, start):
        raise lifecycle.refusal(name, lifecycle.node(start))
    drawing = _OperationDrawing(lifecycle, known[name])
    for transitions in _groups(known[name], start):
        drawing.draw(transitions)
    whence = f" from {start}" if start else ""
    title = f"{name}{whence}: every way it can go ({lifecycle.name})"
    status = Phrases(lifecycle.table).attributes.status
    explained, seen = EXPLAINED.format(status=status), f", with the {status} at each step"
    if lifecycle.table.one_word:
        explained, seen = EXPLAINED_SHORT, ""
    return Picture(
        view="operation",
        lifecycle=lifecycle.name,
        title=title,
        description=f"{known[name].meaning} Every way it can go{seen}.",
        boxes=tuple(ladders_placed(drawing.ladders, title, f"{known[name].meaning} {explained}")),
        arrows=tuple(drawing.arrows),
        nowhere=Phrases(lifecycle.table).nowhere,
    )


def _drawn(lifecycle: Lifecycle) -> dict[str, Trigger]:
    """Return what can be drawn: operations and system events."""
    kinds = (Kind.REQUEST, Kind.SYSTEM)
    return {name: t for name, t in lifecycle.triggers.items() if t.kind in kinds}


def _groups(trigger: Trigger, start: State | None) -> list[list[Transition]]:
    """Group the transitions of an operation that enter the same states from one vm_state."""
    groups: dict[object, list[Transition]] = {}
    for t in trigger.transitions:
        if start is None or t.source == start:
            key = t.source and _together(t.source), t.path or t.source, t.when
            groups.setdefault(key, []).append(t)
    return list(groups.values())


def _together(source: State) -> str:
    """Return what sources have in common that are drawn as one: their vm_state."""
    return "" if source.one_word else source.vm_state


class _OperationDrawing:
    """The picture of one operation in the making; each state is drawn in full once."""

    def __init__(self, lifecycle: Lifecycle, trigger: Trigger) -> None:
        self.lifecycle = lifecycle
        self.trigger = trigger
        self.ladders: list[Ladder] = []
        self.arrows: list[Arrow] = []
        self._own: dict[State, str] = {}
        self._waiting: list[State] = []
        self._steps = {step for t in lifecycle.triggers.values() for step in t.steps}
        self._count = 0

    def draw(self, transitions: Sequence[Transition]) -> None:
        """Draw a request and everything that can follow."""
        first, look = transitions[0], make.look_of(self.trigger.kind)
        source = self._source([t.source for t in transitions if t.source])
        chip = self._chip(self.trigger.name, self.trigger.kind, first)
        ladder = Ladder([source, chip])
        self.ladders.append(ladder)
        self.arrows.append(Arrow(source.key, chip.key, look, tuple(transitions), knot=True))
        self._down(ladder, chip.key, look, transitions)
        if self.trigger.unseen and first.source and first.source not in self._own:
            self._in_its_state(ladder, first.source)
        while self._waiting:
            state = self._waiting.pop(0)
            if state not in self._own:
                self._go_on(ladder, self._step(ladder, state), state)

    def _in_its_state(self, ladder: Ladder, state: State) -> None:
        """Draw the failures of an operation that has no step of its own."""
        self._own[state] = self._key("unseen")
        step = LadderStep(make.again_box(state, self._own[state], elsewhere=True))
        ladder.steps.append(step)
        for t in self.lifecycle.leaving(state):
            if t.kind is Kind.FAILURE:
                self._aside(step, t)

    def _key(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count}"

    def _chip(self, name: str, kind: Kind, transition: Transition | None = None) -> Box:
        shown = [] if name == self.lifecycle.advance else [name]
        when = transition.when if transition else ()
        unusual = self.lifecycle.memory.unusual(when)
        remarks = make.conditions(tuple(unusual.items()) if shown or unusual else when)
        return make.chip_box(self._key("event"), shown, kind, remarks)

    def _source(self, sources: Sequence[State]) -> Box:
        if not sources:
            return make.origin_box(self.lifecycle.table.thing, self._key("origin"))
        if len(sources) == 1:
            (state,) = sources
            key = self._key("source")
            resting = not state.task_state and (not state.one_word or self.lifecycle.rests(state))
            made = make.rest_box(state) if resting else make.step_box(state)
            return replace(made, key=key)
        by_status: dict[str, list[str]] = {}
        for state in sources:
            by_status.setdefault(state.status, []).append(task_of(state))
        if sources[0].one_word:
            lines = [Text("any of", make.NAME, bold=True)]
            names = make.wrapped(", ".join(sources), WIDE, make.REMARK)
            lines += [Text(line, make.REMARK) for line in names]
            return Box(self._key("source"), Look.LANE, tuple(lines))
        lines = [Text(f"{sources[0].vm_state}, any of", make.NAME, bold=True)]
        for status, tasks in by_status.items():
            names = make.wrapped(f"{status}: {', '.join(tasks)}", WIDE, make.REMARK)
            lines += [Text(line, make.REMARK) for line in names]
        return Box(self._key("source"), Look.LANE, tuple(lines))

    def _down(
        self, ladder: Ladder, tail: str, look: Look, transitions: Sequence[Transition]
    ) -> None:
        """Draw the states that an event enters, one below the other, and what follows."""
        path = transitions[0].path
        if not path:
            same = Box(self._key("same"), Look.PLAIN, (Text("no visible change", make.STATUS),))
            ladder.steps.append(LadderStep(same))
            self.arrows.append(Arrow(tail, same.key, look, tuple(transitions)))
        for number, state in enumerate(path):
            last = number == len(path) - 1
            fresh = last and state not in self._own and not self.lifecycle.rests(state)
            step = (
                self._step(ladder, state) if fresh else LadderStep(self._passed(state, last=last))
            )
            if not fresh:
                ladder.steps.append(step)
            self.arrows.append(Arrow(tail, step.box.key, look, tuple(transitions)))
            tail, look = step.box.key, Look.PROGRESS
            if fresh:
                self._go_on(ladder, step, state)

    def _step(self, ladder: Ladder, state: State) -> LadderStep:
        step = LadderStep(make.step_box(state))
        self._own[state] = step.box.key
        ladder.steps.append(step)
        return step

    def _passed(self, state: State, *, last: bool) -> Box:
        """Return the box for a state that is not drawn in full here."""
        if last and self.lifecycle.rests(state) and not state.task_state:
            return make.goal_box(state, self._key("goal"))
        stuck = last and self.lifecycle.rests(state)
        unheard = not last and state.task_state and state not in self._steps
        if state not in self._own and (stuck or unheard or (last and state not in self._waiting)):
            self._waiting.append(state)
        return make.again_box(state, self._key("seen"), elsewhere=True)

    def _go_on(self, ladder: Ladder, step: LadderStep, state: State) -> None:
        """Draw the alternatives of a step, and the next step if there is only one."""
        events = [t for t in self.lifecycle.leaving(state) if t.kind is not Kind.REQUEST]
        ahead = [t for t in events if t.trigger == self.lifecycle.advance]
        straight = ahead[0] if len(ahead) == 1 and not ahead[0].when else None
        for t in events:
            if t is not straight:
                self._aside(step, t)
        if not self.lifecycle.rests(state):
            self._hang(step, state)
        if straight:
            self._down(ladder, step.box.key, Look.PROGRESS, [straight])

    def _aside(self, step: LadderStep, transition: Transition) -> None:
        look = make.look_of(transition.kind)
        chip = self._chip(transition.trigger, transition.kind, transition)
        row = [chip]
        for number, state in enumerate(transition.path):
            row.append(self._passed(state, last=number == len(transition.path) - 1))
        self._add_row(step, row, look, (transition,))

    def _hang(self, step: LadderStep, state: State) -> None:
        out = [
            name
            for name in self.lifecycle.operations
            if any(t.path for t in self.lifecycle.find(name, state))
        ]
        words = Text(f"{state.status} {_until(out)}", make.STATUS, ink=Ink.STATUS)
        goal = Box(self._key("stuck"), Look.GOAL, (words,), None, state.status.tone)
        goal = replace(goal, title=f"The step hangs, {_until(out, most=len(out))}.")
        self._add_row(step, [self._chip("hang", Kind.FAILURE), goal], Look.FAILURE, ())

    def _add_row(
        self, step: LadderStep, row: list[Box], look: Look, transitions: tuple[Transition, ...]
    ) -> None:
        number = len(step.rows)
        step.rows.append(row)
        self.arrows.append(
            Arrow(step.box.key, row[0].key, look, transitions, port=number, knot=True)
        )
        for tail, head in pairwise(row):
            self.arrows.append(Arrow(tail.key, head.key, look, transitions))


def _until(operations: Sequence[str], most: int = MOST) -> str:
    if not operations:
        return "forever"
    named, more = operations[:most], len(operations) - most
    return f"until {', '.join(named)}" + (f" or {more} more" if more > 0 else "")
