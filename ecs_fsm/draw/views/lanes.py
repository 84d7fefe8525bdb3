"""The whole lifecycle on one page: a lane for each vm_state, a row for each operation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.layout import Board, DrawnLane, DrawnRow
from ecs_fsm.draw.picture import Arrow, Box, Ink, Look, Picture, Text
from ecs_fsm.draw.request import DrawRequest
from ecs_fsm.draw.rows import Lane, Row, lanes_of, named

ON_ONE_SHEET = 6
"""The lanes that fit on one sheet of paper; with more, each has its own sheet."""


def lanes_view(request: DrawRequest) -> Picture:
    """The whole lifecycle on one page, a lane for each vm_state (the default)."""
    request.without("lanes", "words", "begin")
    return lanes(request.servers.lifecycle, request.only)


def lanes(lifecycle: Lifecycle, only: Collection[str] = ()) -> Picture:
    """Return the whole lifecycle, or the lanes of some vm_states only.

    Raise `InvalidInput` for an unknown vm_state.
    """
    chosen = [lifecycle.word("vm_state", name) for name in only]
    title = f"The lifecycle of a server ({lifecycle.name})"
    if chosen:
        title += f": {', '.join(chosen)}"
    shown = lanes_of(lifecycle, chosen)
    whole = sheet(shown, title, lifecycle=lifecycle)
    if len(shown) <= ON_ONE_SHEET:
        return whole
    return replace(whole, sheets=tuple(lanes(lifecycle, [lane.vm_state]) for lane in shown))


MOST_REMARK = 104.0
"""The greatest width of a remark on a request."""
EXPLAINED = (
    "A lane is a vm_state, a box a task_state with the status that the API shows. Bold: requests; "
    "thin: what the system does; the last box: where the server is then. Dashed: also drawn "
    "elsewhere. Any step can hang."
)


def sheet(shown: Sequence[Lane], title: str, air: float = 0, *, lifecycle: Lifecycle) -> Picture:
    """Return lanes one below the other under a title, with some air between the rows."""
    own: dict[State, str] = {}
    read = [_read(lane, own, air) for lane in shown]
    return Picture(
        view="lanes",
        lifecycle=lifecycle.name,
        title=title,
        description=" ".join((EXPLAINED, *_described(read))),
        boxes=tuple(Board(read).boxes(title, EXPLAINED)),
        arrows=tuple(arrow for lane in read for row in lane.rows for arrow in row.arrows),
    )


def _described(shown: Sequence[DrawnLane]) -> Iterator[str]:
    for each in shown:
        names = ", ".join(name for row in each.lane.rows for name in row.names)
        yield f"{each.lane.vm_state}: {each.lane.vm_state.meaning}"
        if names:
            yield f"Possible: {names}."


def _read(lane: Lane, own: dict[State, str], air: float) -> DrawnLane:
    rest = make.rest_box(lane.rest) if lane.rest else None
    read = DrawnLane(lane, rest, air)
    if lane.rest:
        own[lane.rest] = make.state_key(lane.rest)
    for number, row in enumerate(lane.rows):
        port = number if lane.rest and row.source == lane.rest else None
        read.rows.append(_read_row(lane, row, row_key(lane, number), port, own))
    if lane.lonely:
        lonely = [_box_of(state, lane, f"lonely-{make.slug(state)}", own) for state in lane.lonely]
        remark = Text("reached from elsewhere", make.REMARK, ink=Ink.MUTED)
        aside = Box(f"elsewhere-{make.slug(lane.vm_state)}", Look.PLAIN, (remark,))
        read.rows += [DrawnRow(lonely[n : n + 5], [], 2) for n in range(0, len(lonely), 5)]
        first = read.rows[len(lane.rows)]
        read.rows[len(lane.rows)] = DrawnRow([aside, *first.boxes], [], 1)
    return read


def row_key(lane: Lane, number: int) -> str:
    """Return the key of the box that names a row."""
    return f"row-{make.slug(lane.vm_state)}-{number}"


def _read_row(lane: Lane, row: Row, key: str, port: int | None, own: dict[State, str]) -> DrawnRow:
    remarks = [*make.conditions(row.when)]
    if row.over:
        tasks = named(row.over, [s for s in lane.states if s != row.source])
        remarks += make.wrapped(
            f"also over {tasks}" if row.source == lane.rest else f"over {tasks}",
            MOST_REMARK,
            make.REMARK,
        )
    chip = make.chip_box(key, row.names, row.kind, remarks)
    boxes = [chip]
    for place, entered in enumerate(row.entered, start=1):
        key = f"{chip.key}-{place}"
        if place == len(row.entered):
            boxes.append(make.goal_box(entered.state, key, back=entered.state == row.source))
        else:
            boxes.append(_box_of(entered.state, lane, key, own))
    look = make.look_of(row.kind)
    arrows = [Arrow(chip.key, boxes[1].key, look, row.requests)]
    for before, after, entered in zip(boxes[1:], boxes[2:], row.entered[1:], strict=False):
        arrows.append(Arrow(before.key, after.key, Look.PROGRESS, (entered.by,)))
    first = 1
    if row.source is None:
        boxes.insert(0, make.origin_box(f"{chip.key}-origin"))
        first = 0
    if row.source is None or port is not None:
        tail = boxes[0].key if row.source is None else make.state_key(row.source)
        arrows.insert(0, Arrow(tail, chip.key, look, row.requests, port, knot=True))
    return DrawnRow(boxes, arrows, first)


def _box_of(state: State, lane: Lane, key: str, own: dict[State, str]) -> Box:
    elsewhere = state.vm_state != lane.vm_state
    if elsewhere or state in own:
        return make.again_box(state, key, elsewhere=elsewhere)
    own[state] = make.state_key(state)
    return make.step_box(state)
