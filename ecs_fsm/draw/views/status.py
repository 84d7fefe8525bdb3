"""How the status follows from vm_state and task_state: one column for each vm_state."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, State
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.asked import Asked
from ecs_fsm.draw.grid import Columns
from ecs_fsm.draw.picture import Box, Ink, Look, Picture, Text

HIGH = 18.0
EXPLAINED = "Find the vm_state above and the task_state at the left; an empty place does not occur."


def picture(asked: Asked) -> Picture:
    """Which status every pair of vm_state and task_state shows."""
    asked.without("status", "words", "begin", "only")
    return status(asked.servers.lifecycle)


def status(lifecycle: Lifecycle) -> Picture:
    """The status of every pair that occurs."""
    title = f"Which status the API shows ({lifecycle.name})"
    return Picture(
        view="status",
        lifecycle=lifecycle.name,
        title=title,
        description=EXPLAINED,
        boxes=tuple(_boxes(lifecycle, title)),
    )


def _boxes(lifecycle: Lifecycle, title: str) -> Iterator[Box]:
    vm_states = list(lifecycle.table.vm_states)
    tasks = [NO_TASK, *lifecycle.table.task_states]
    names = [_name(f"vm-{make.slug(v)}", v, v.meaning, left=False) for v in vm_states]
    sides = [_name("task-none", f"{NO_TASK} (no task)", "No operation is running.")]
    sides += [_name(f"task-{make.slug(t)}", t, t.meaning) for t in lifecycle.table.task_states]
    cells = {state: _cell(state, lifecycle.rests(state)) for state in lifecycle.states.values()}
    members = [(0, box) for box in sides]
    members += [(n, box) for n, box in enumerate(names, start=1)]
    members += [(1 + vm_states.index(state.vm_state), box) for state, box in cells.items()]
    columns = Columns(members, 4)
    head = make.heading(title, [EXPLAINED], columns.right)
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


def _name(key: str, word: str, meaning: str, *, left: bool = True) -> Box:
    lines = (Text(word, make.NAME, bold=True),)
    return Box(key, Look.PLAIN, lines, title=f"{word}: {meaning}", left=left)


def _cell(state: State, rests: bool) -> Box:
    look = Look.REST if rests else Look.STEP
    text = Text(state.status, make.STATUS, bold=rests, ink=Ink.STATUS)
    key = make.state_key(state)
    return Box(key, look, (text,), state, state.status.tone, make.told(state))
