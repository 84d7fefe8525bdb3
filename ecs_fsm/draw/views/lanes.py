"""The whole lifecycle on one page: a lane for each vm_state, a row for each operation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.asked import Asked
from ecs_fsm.draw.grid import GAP, Columns, row_height, row_heights, text_at
from ecs_fsm.draw.picture import Arrow, Box, Ink, Look, Picture, Text, wrapped
from ecs_fsm.draw.rows import Lane, Row, lanes_of, named
from ecs_fsm.lifecycle import Lifecycle
from ecs_fsm.model import State, Word

PADDING = 5.0
"""Between a lane's border and what is in it."""
LANE_GAP = 4.0
ON_ONE_SHEET = 6
"""How many lanes go on one sheet of paper; of more, each has a sheet of its own."""
NOTE = 8.0
LEAST = 420.0
"""How wide a page is at least."""
EXPLAINED = (
    "A lane is a vm_state, a box a task_state with the status that the API shows. Bold: what a "
    "user may ask; thin: what the system does; the end: where the server is then. Dashed: drawn "
    "elsewhere too. Any step can hang."
)
MOST_REMARK = 104.0


@dataclass(slots=True)
class _Row:
    """A row on its way to its place: its boxes, column by column behind the resting state."""

    boxes: list[Box]
    arrows: list[Arrow]
    first: int = 1


@dataclass(slots=True)
class _Lane:
    """A lane on its way to its place."""

    lane: Lane
    rest: Box | None
    air: float
    rows: list[_Row] = field(default_factory=list)

    def heights(self) -> tuple[int, ...]:
        """The height of each row; together at least that of the resting state."""
        return row_heights([row.boxes for row in self.rows], self.rest, self.air)

    def members(self) -> Iterator[tuple[int, Box]]:
        """The boxes of the lane, each with its column."""
        if self.rest:
            yield 0, self.rest
        for row in self.rows:
            yield from enumerate(row.boxes, start=row.first)


def picture(asked: Asked) -> Picture:
    """The whole lifecycle on one page, a lane for each vm_state (the default)."""
    asked.without("lanes", "words", "begin")
    return lanes(asked.servers.lifecycle, asked.only)


def lanes(lifecycle: Lifecycle, only: Collection[str] = ()) -> Picture:
    """The whole lifecycle, or the lanes of some vm_states only.

    Raises `InvalidInput` for a vm_state that does not exist.
    """
    chosen = [lifecycle.word("vm_state", name) for name in only]
    title = f"The lifecycle of a server ({lifecycle.name})"
    if chosen:
        title += f": {', '.join(chosen)}"
    shown = [each for each in lanes_of(lifecycle) if not chosen or each.vm_state in chosen]
    whole = sheet(shown, title, lifecycle=lifecycle)
    if len(shown) <= ON_ONE_SHEET:
        return whole
    return replace(whole, sheets=tuple(lanes(lifecycle, [lane.vm_state]) for lane in shown))


def sheet(shown: Sequence[Lane], title: str, air: float = 0, *, lifecycle: Lifecycle) -> Picture:
    """Lanes one below the other under a title, with more or less air between the rows."""
    own: dict[State, str] = {}
    read = [_read(lane, own, air) for lane in shown]
    return Picture(
        view="lanes",
        lifecycle=lifecycle.name,
        title=title,
        description=" ".join((EXPLAINED, *_told(read))),
        boxes=tuple(_Sheet(read).boxes(title)),
        arrows=tuple(arrow for lane in read for row in lane.rows for arrow in row.arrows),
    )


def _told(shown: Sequence[_Lane]) -> Iterator[str]:
    for each in shown:
        asked = ", ".join(name for row in each.lane.rows for name in row.names)
        yield f"{each.lane.vm_state}: {each.lane.vm_state.meaning}"
        if asked:
            yield f"Possible: {asked}."


def _read(lane: Lane, own: dict[State, str], air: float) -> _Lane:
    rest = make.rest_box(lane.rest) if lane.rest else None
    read = _Lane(lane, rest, air)
    if lane.rest:
        own[lane.rest] = make.state_key(lane.rest)
    for number, row in enumerate(lane.rows):
        port = number if lane.rest and row.source == lane.rest else None
        read.rows.append(_read_row(lane, row, row_key(lane, number), port, own))
    if lane.lonely:
        lonely = [_box_of(state, lane, f"lonely-{make.slug(state)}", own) for state in lane.lonely]
        remark = Text("reached from elsewhere", make.REMARK, ink=Ink.MUTED)
        aside = Box(f"elsewhere-{make.slug(lane.vm_state)}", Look.PLAIN, (remark,))
        read.rows += [_Row(lonely[n : n + 5], [], 2) for n in range(0, len(lonely), 5)]
        first = read.rows[len(lane.rows)]
        read.rows[len(lane.rows)] = _Row([aside, *first.boxes], [], 1)
    return read


def row_key(lane: Lane, number: int) -> str:
    """The key of the name of a row."""
    return f"row-{make.slug(lane.vm_state)}-{number}"


def _read_row(lane: Lane, row: Row, key: str, port: int | None, own: dict[State, str]) -> _Row:
    remarks = [*make.conditions(row.when)]
    if row.over:
        tasks = named(row.over, [s for s in lane.states if s != row.source])
        remarks += wrapped(
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
    return _Row(boxes, arrows, first)


def _box_of(state: State, lane: Lane, key: str, own: dict[State, str]) -> Box:
    elsewhere = state.vm_state != lane.vm_state
    if elsewhere or state in own:
        return make.again_box(state, key, elsewhere=elsewhere)
    own[state] = make.state_key(state)
    return make.step_box(state)


class _Sheet:
    """Puts lanes one below the other, their columns in line."""

    def __init__(self, shown: Sequence[_Lane]) -> None:
        self.shown = shown
        self.columns = Columns((member for lane in shown for member in lane.members()), PADDING)
        heads = (make.width_for(_name(lane.lane)) for lane in shown)
        self.right = max(LEAST, self.columns.right + PADDING, max(heads) + 2 * PADDING)

    def boxes(self, title: str) -> Iterator[Box]:
        """Every box at its place."""
        head = make.heading(title, wrapped(EXPLAINED, self.right, NOTE), self.right)
        yield from head
        top = make.bottom_of(head) + LANE_GAP
        for lane, beside in self._lines():
            right, height = self.right, self._height(lane)
            if beside:
                width = make.width_for(beside) + 2 * PADDING
                yield from self._alone(beside, (right - width, top), (width, height))
                right -= width + LANE_GAP
            yield from self._lane(lane, top, (right, height))
            top += height + LANE_GAP

    def _lines(self) -> Iterator[tuple[_Lane, Box | None]]:
        """The lanes one below the other; one without rows stands beside another if it can."""
        waiting = list(self.shown)
        while waiting:
            lane = waiting.pop(0)
            beside = waiting[0].rest if waiting and lane.rows and not waiting[0].rows else None
            if beside:
                end = max(column for column, _ in lane.members())
                used = self.columns.lefts[end] + self.columns.widths[end]
                room = self.right - used - 4 * PADDING - LANE_GAP
                beside = beside if make.width_for(beside) <= room else None
            waiting = waiting[1:] if beside else waiting
            yield lane, beside

    def _head(self, lane: Lane, top: float) -> tuple[list[Box], int]:
        """What is said above the rows of a lane, at its place, and how far down that goes.

        What else can happen there goes beside what the vm_state is, or below it where it is more.
        """
        head = _name(lane)
        width = make.width_for(head)
        placed = [text_at(head, PADDING, top, width)]
        bottom = top + make.height_for(head)
        lines = self._notes(lane, self.right - 2 * PADDING - width - GAP)
        if lines:
            beside = len(lines) == 1
            lines = lines if beside else self._notes(lane, self.right - 2 * PADDING)
            notes = Box(f"notes-{make.slug(lane.vm_state)}", Look.PLAIN, tuple(lines), left=True)
            left = PADDING + width + GAP if beside else PADDING
            begin = bottom - make.height_for(notes) - 1 if beside else bottom
            placed.append(text_at(notes, left, begin, make.width_for(notes)))
            bottom = max(bottom, begin + make.height_for(notes))
        return placed, ceil(bottom)

    def _notes(self, lane: Lane, width: float) -> list[Text]:
        notes = wrapped(";  ".join(lane.notes), width, NOTE)
        if len(notes) > 1:
            notes = [line for note in lane.notes for line in wrapped(note, width, NOTE)]
        unseen = f"change neither vm_state nor task_state: {', '.join(lane.unseen)}"
        return [
            *(Text(line, NOTE, ink=Ink.FAILURE) for line in notes),
            *(Text(n, NOTE, ink=Ink.MUTED) for n in wrapped(unseen, width, NOTE) if lane.unseen),
        ]

    def _height(self, lane: _Lane) -> float:
        _, head = self._head(lane.lane, PADDING - 2)
        alone = row_height([lane.rest]) if lane.rest else 0
        return head + (sum(lane.heights()) or alone) + PADDING

    def _lane(self, lane: _Lane, top: float, size: tuple[float, float]) -> Iterator[Box]:
        _, height = size
        yield _ground(lane.lane.vm_state, (0, top), size)
        head, y = self._head(lane.lane, top + PADDING - 2)
        yield from head
        heights = lane.heights()
        if lane.rest:
            rest = replace(lane.rest, ports=heights)
            tall = sum(heights) or top + height - PADDING - y
            yield self.columns.place(rest, 0, y + tall / 2, tall)
        for row, height in zip(lane.rows, heights, strict=True):
            for column, box in enumerate(row.boxes, start=row.first):
                yield self.columns.place(box, column, y + height / 2)
            y += height

    def _alone(
        self, rest: Box, corner: tuple[float, float], size: tuple[float, float]
    ) -> Iterator[Box]:
        """A lane in which nothing can happen."""
        (left, top), (width, height) = corner, size
        if rest.state:
            yield _ground(rest.state.vm_state, corner, size)
        high = height - 2 * PADDING
        yield make.placed(rest, left + PADDING, top + height / 2, width - 2 * PADDING, high)


def _name(lane: Lane) -> Box:
    """What a lane is."""
    title = (Text(f"{lane.vm_state}: {lane.vm_state.meaning}", make.NAME, bold=True),)
    return Box(f"head-{make.slug(lane.vm_state)}", Look.PLAIN, title, left=True)


def _ground(vm_state: Word, corner: tuple[float, float], size: tuple[float, float]) -> Box:
    (left, top), (width, height) = corner, size
    ground = Box(f"lane-{make.slug(vm_state)}", Look.LANE, title=vm_state.meaning)
    return make.placed(ground, left, top + height / 2, width, height)
