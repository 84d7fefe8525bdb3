"""Lanes one below the other, their columns in line: where everything on the page goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from ecs_fsm.core.model import Word
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.grid import GAP, Columns, row_height, row_heights, text_at
from ecs_fsm.draw.picture import Arrow, Box, Ink, Look, Text, wrapped
from ecs_fsm.draw.rows import Lane

PADDING = 5.0
"""Between a lane's border and what is in it."""
LANE_GAP = 4.0
NOTE = 8.0
LEAST = 420.0
"""How wide a page is at least."""


@dataclass(slots=True)
class DrawnRow:
    """A row on its way to its place: its boxes, column by column behind the resting state."""

    boxes: list[Box]
    arrows: list[Arrow]
    first: int = 1


@dataclass(slots=True)
class DrawnLane:
    """A lane on its way to its place."""

    lane: Lane
    rest: Box | None
    air: float
    rows: list[DrawnRow] = field(default_factory=list)

    def heights(self) -> tuple[int, ...]:
        """The height of each row; together at least that of the resting state."""
        return row_heights([row.boxes for row in self.rows], self.rest, self.air)

    def members(self) -> Iterator[tuple[int, Box]]:
        """The boxes of the lane, each with its column."""
        if self.rest:
            yield 0, self.rest
        for row in self.rows:
            yield from enumerate(row.boxes, start=row.first)


class Board:
    """Puts lanes one below the other, their columns in line."""

    def __init__(self, shown: Sequence[DrawnLane]) -> None:
        self.shown = shown
        self.columns = Columns((member for lane in shown for member in lane.members()), PADDING)
        heads = (make.width_for(_name(lane.lane)) for lane in shown)
        self.right = max(LEAST, self.columns.right + PADDING, max(heads) + 2 * PADDING)

    def boxes(self, title: str, told: str) -> Iterator[Box]:
        """Every box at its place."""
        head = make.heading(title, wrapped(told, self.right, NOTE), self.right)
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

    def _lines(self) -> Iterator[tuple[DrawnLane, Box | None]]:
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

    def _height(self, lane: DrawnLane) -> float:
        _, head = self._head(lane.lane, PADDING - 2)
        alone = row_height([lane.rest]) if lane.rest else 0
        return head + (sum(lane.heights()) or alone) + PADDING

    def _lane(self, lane: DrawnLane, top: float, size: tuple[float, float]) -> Iterator[Box]:
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
