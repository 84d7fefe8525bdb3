"""The public statuses: which state shows which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, State
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.layout import Columns
from ecs_fsm.draw.picture import Box, Ink, Look, Picture, Text
from ecs_fsm.draw.request import DrawRequest

HIGH = 18.0
STATUS_EXPLAINED = (
    "Find the {vm_state} at the top and the {task_state} at the left; empty cells do not occur."
)
LIST_EXPLAINED = "Every state with its meaning. Bold: nothing runs there."


def status_view(request: DrawRequest) -> Picture:
    """The status of every state, by vm_state and task_state; or every state with its meaning."""
    request.without("status", "words", "begin", "only")
    return status(request.servers.lifecycle)


def status(lifecycle: Lifecycle) -> Picture:
    """Return the status of every state that occurs, as a table."""
    names = Phrases(lifecycle.table).attributes
    title = f"Which {names.status} the API shows ({lifecycle.name})"
    listed = lifecycle.table.one_word
    explained = LIST_EXPLAINED if listed else STATUS_EXPLAINED.format(**names._asdict())
    boxes = _list_boxes if listed else _status_boxes
    return Picture(
        view="status",
        lifecycle=lifecycle.name,
        title=title,
        description=explained,
        boxes=tuple(boxes(lifecycle, title, explained)),
    )


def _list_boxes(lifecycle: Lifecycle, title: str, explained: str) -> Iterator[Box]:
    """Yield each state and, beside it, what it means."""
    cells = [_cell(state, lifecycle.rests(state)) for state in lifecycle.states.values()]
    meanings = [
        Box(f"meaning-{number}", Look.PLAIN, (Text(cell.state.vm_state.meaning, make.STATUS),))
        for number, cell in enumerate(cells)
        if cell.state
    ]
    columns = Columns([*((0, cell) for cell in cells), *((1, box) for box in meanings)], 4)
    head = make.heading(title, [explained], columns.right)
    yield from head
    top = make.bottom_of(head) + HIGH
    for row, (cell, box) in enumerate(zip(cells, meanings, strict=True)):
        yield columns.place(cell, 0, top + row * HIGH, HIGH - 3)
        place, own = columns.lefts[1], make.width_for(box)
        yield make.placed(replace(box, left=True), place, top + row * HIGH, own, HIGH - 1)


def _status_boxes(lifecycle: Lifecycle, title: str, explained: str) -> Iterator[Box]:
    vm_states = list(lifecycle.table.vm_states)
    tasks = [NO_TASK, *lifecycle.table.task_states]
    task = Phrases(lifecycle.table).task
    names = [_heading(f"vm-{make.slug(v)}", v, v.meaning, left=False) for v in vm_states]
    sides = [_heading("task-none", f"{NO_TASK} (no {task})", "No operation is running.")]
    sides += [_heading(f"task-{make.slug(t)}", t, t.meaning) for t in lifecycle.table.task_states]
    cells = {state: _cell(state, lifecycle.rests(state)) for state in lifecycle.states.values()}
    members = [(0, box) for box in sides]
    members += [(n, box) for n, box in enumerate(names, start=1)]
    members += [(1 + vm_states.index(state.vm_state), box) for state, box in cells.items()]
    columns = Columns(members, 4)
    head = make.heading(title, [explained], columns.right)
    yield from head
    top = make.bottom_of(head) + HIGH
    for number, box in enumerate(names, start=1):
        yield columns.place(box, number, top)
    for row, (task, side) in enumerate(zip(tasks, sides, strict=True), start=1):
        middle = top + row * HIGH
        if row % 2:
            ground = Box(f"row-{row}", Look.EMPTY)
            yield make.placed(ground, 0, middle, columns.right + 4, HIGH)
        own = make.width_for(side)
        yield make.placed(side, columns.lefts[0], middle, own, HIGH - 1)
        for state, box in cells.items():
            if (state.task_state or NO_TASK) == task:
                number = 1 + vm_states.index(state.vm_state)
                yield columns.place(box, number, middle, HIGH - 3)


def _heading(key: str, word: str, meaning: str, *, left: bool = True) -> Box:
    lines = (Text(word, make.NAME, bold=True),)
    return Box(key, Look.PLAIN, lines, title=f"{word}: {meaning}", left=left)


def _cell(state: State, rests: bool) -> Box:
    look = Look.REST if rests else Look.STEP
    text = Text(state.status, make.STATUS, bold=rests, ink=Ink.STATUS)
    key = make.state_key(state)
    return Box(key, look, (text,), state, state.status.tone, make.description(state))
