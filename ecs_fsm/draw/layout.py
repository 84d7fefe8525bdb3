"""Where boxes go: columns that are in line on a whole page, and two layouts made of them.

A ladder has the steps of an operation one below the other and the alternatives of each to its
right; a board has the lanes of a lifecycle one below the other.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import ceil

from ecs_fsm.core.word import Word
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw import lane_notes
from ecs_fsm.draw.picture import Arrow, Box, Ink, Look, Text
from ecs_fsm.draw.rows import Lane

GAP = 14.0
"""Between two columns, and between two boxes one above the other: room for an arrow."""
ROW_GAP = 3.0


class Columns:
    """The columns of a page, each as wide as its widest box and at the same place in every row."""

    def __init__(self, members: Iterable[tuple[int, Box]], begin: float = 0) -> None:
        widths: dict[int, int] = {}
        for column, box in members:
            widths[column] = max(ceil(make.width_for(box)), widths.get(column, 0))
        self.widths = [widths.get(column, 0) for column in range(max(widths, default=0) + 1)]
        steps = (width + GAP for width in self.widths)
        self.lefts = list(accumulate(steps, initial=begin))[:-1]
        self.right = self.lefts[-1] + self.widths[-1]

    def place(
        self, box: Box, column: int, middle: float, height: float = 0, *, centred: bool = False
    ) -> Box:
        """Return the box in its column: states fill it, other boxes are centred in it."""
        left, wide = self.lefts[column], float(self.widths[column])
        own = make.width_for(box)
        if box.look is Look.GOAL and not centred:
            return make.placed(box, left, middle, own, height)
        if box.look is Look.ORIGIN:
            return make.placed(box, left + wide - own, middle, own, own)
        if box.look in (Look.REST, Look.STEP, Look.AGAIN, Look.LANE):
            return make.placed(box, left, middle, wide, height)
        return make.placed(box, left + (wide - own) / 2, middle, own, height)


def row_height(boxes: Iterable[Box]) -> int:
    """Return the height of a row: an even number, so that its middle is whole and arrows are level.

    Every box is pinned (`pos="x,y!"` in DOT), and an arrow between two middles that differ by a
    fraction of a point would be drawn with a step.
    """
    return 2 * ceil((max(make.height_for(box) for box in boxes) + ROW_GAP) / 2)


def row_heights(
    rows: Sequence[Iterable[Box]], beside: Box | None, air: float = 0
) -> tuple[int, ...]:
    """Return the heights of rows with air between them, in total at least that of `beside`."""
    own = [row_height(row) + 2 * ceil(air / 2) for row in rows]
    missing = row_height([beside]) - sum(own) if beside and own else 0
    more = 2 * ceil(max(missing, 0) / 2 / max(len(own), 1))
    return tuple(height + more for height in own)


def text_at(box: Box, left: float, top: float, width: float) -> Box:
    """Return a text with its corner at `left` and `top`."""
    height = make.height_for(box)
    return make.placed(box, left, top + height / 2, width, height)


STEPS = 2
"""The column of the steps, behind the source and the request."""


@dataclass(slots=True)
class LadderStep:
    """A state on the way down, with a row for each alternative to the next step."""

    box: Box
    rows: list[list[Box]] = field(default_factory=list)

    @property
    def heights(self) -> tuple[int, ...]:
        """The height of each row."""
        return row_heights(self.rows, self.box)

    @property
    def height(self) -> float:
        """The height of the step with its rows."""
        return max(sum(self.heights), row_height([self.box]))


@dataclass(slots=True)
class Ladder:
    """One start of an operation: the source, the request, and the steps that follow."""

    begin: list[Box]
    steps: list[LadderStep] = field(default_factory=list)


def ladders_placed(ladders: Sequence[Ladder], title: str, text: str) -> Iterator[Box]:
    """Yield every box with its bounds, below a title and a text."""
    columns = Columns(_ladder_members(ladders))
    wide = max(columns.right, LEAST)
    head = make.heading(title, make.wrapped(text, wide, 8), wide)
    yield from head
    top = float(make.bottom_of(head)) + GAP / 2
    for ladder in ladders:
        top = yield from _placed_ladder(ladder, columns, top)
        top += GAP


def _ladder_members(ladders: Sequence[Ladder]) -> Iterator[tuple[int, Box]]:
    for ladder in ladders:
        yield from enumerate(ladder.begin)
        for step in ladder.steps:
            yield STEPS, step.box
            for row in step.rows:
                yield from enumerate(row, start=STEPS + 1)


def _placed_ladder(ladder: Ladder, columns: Columns, top: float) -> Generator[Box, None, float]:
    """Yield the boxes of a ladder with their bounds; return how far down it goes."""
    begin = max(row_height(ladder.begin), ladder.steps[0].height)
    middle = top + begin // 2
    for column, box in enumerate(ladder.begin):
        yield columns.place(box, column, middle)
    y = middle - ladder.steps[0].height / 2
    for step in ladder.steps:
        box = replace(step.box, ports=step.heights)
        tall = step.height if step.rows else 0
        yield columns.place(box, STEPS, y + step.height / 2, tall, centred=True)
        line = y
        for row, height in zip(step.rows, step.heights, strict=True):
            for column, box in enumerate(row, start=STEPS + 1):
                yield columns.place(box, column, line + height / 2)
            line += height
        y += step.height + GAP
    return max(top + begin, y - GAP)


PADDING = 5.0
"""Between a lane's border and what is in it."""
LANE_GAP = 4.0
NOTE_SIZE = 8.0
LEAST = 420.0
"""The least width of a page."""


@dataclass(slots=True)
class DrawnRow:
    """A row to place: its boxes, column by column behind the state at rest."""

    boxes: list[Box]
    arrows: list[Arrow]
    first: int = 1


@dataclass(slots=True)
class DrawnLane:
    """A lane to place."""

    lane: Lane
    rest: Box | None
    air: float
    rows: list[DrawnRow] = field(default_factory=list)

    def heights(self) -> tuple[int, ...]:
        """Return the height of each row; the total is at least that of the state at rest."""
        air = max(self.air, lane_notes.SIGNS_HIGH) if lane_notes.numbered(self.lane) else self.air
        return row_heights([row.boxes for row in self.rows], self.rest, air)

    def members(self) -> Iterator[tuple[int, Box]]:
        """Yield the boxes of the lane, each with its column."""
        if self.rest:
            yield 0, self.rest
        for row in self.rows:
            yield from enumerate(row.boxes, start=row.first)


class Board:
    """Lanes one below the other, with their columns in line.

    With `run_on` notes that need several lines follow each other in these; otherwise each begins a
    line of its own.
    """

    def __init__(self, shown: Sequence[DrawnLane], unseen: str, *, run_on: bool = False) -> None:
        self.shown = shown
        self.run_on = run_on
        self.unseen = unseen
        """What operations without a visible effect do."""
        self.columns = Columns((member for lane in shown for member in lane.members()), PADDING)
        heads = (make.width_for(_lane_name(lane.lane)) for lane in shown)
        self.right = max(LEAST, self.columns.right + PADDING, max(heads) + 2 * PADDING)

    def boxes(self, title: str, text: str) -> Iterator[Box]:
        """Yield every box with its bounds."""
        lines = make.wrapped(text, self.right, NOTE_SIZE) or [""]
        head = make.heading(title, lines, self.right)
        yield from head
        yield from self.lanes(make.bottom_of(head) + LANE_GAP)

    def height(self) -> float:
        """Return how high the lanes are together."""
        return sum(self._height(lane) + LANE_GAP for lane, _ in self._lines())

    def lanes(self, top: float) -> Iterator[Box]:
        """Yield the boxes of the lanes from `top` on."""
        for lane, beside in self._lines():
            right, height = self.right, self._height(lane)
            if beside:
                width = make.width_for(beside) + 2 * PADDING
                yield from self._alone(beside, (right - width, top), (width, height))
                right -= width + LANE_GAP
            yield from self._lane(lane, top, (right, height))
            top += height + LANE_GAP

    def _lines(self) -> Iterator[tuple[DrawnLane, Box | None]]:
        """Yield the lanes from top to bottom; one without rows goes beside another if it fits."""
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
        """Return the texts above the rows of a lane, with bounds, and how far down they go.

        The notes go beside the name of the vm_state, or below it if they need several lines.
        """
        head = _lane_name(lane)
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
        notes = lane_notes.lines(lane, width, NOTE_SIZE)
        unseen = ""
        if lane.unseen:
            unseen = f"{self.unseen}: {', '.join(lane.unseen)}"
        return [
            *(Text(line, NOTE_SIZE, ink=Ink.FAILURE) for line in notes),
            *(
                Text(n, NOTE_SIZE, ink=Ink.MUTED)
                for n in make.wrapped(unseen, width, NOTE_SIZE)
                if lane.unseen
            ),
        ]

    def _height(self, lane: DrawnLane) -> float:
        _, head = self._head(lane.lane, PADDING - 2)
        alone = row_height([lane.rest]) if lane.rest else 0
        return head + (sum(lane.heights()) or alone) + PADDING

    def _lane(self, lane: DrawnLane, top: float, size: tuple[float, float]) -> Iterator[Box]:
        _, height = size
        yield _lane_ground(lane.lane.vm_state, (0, top), size)
        head, y = self._head(lane.lane, top + PADDING - 2)
        yield from head
        heights = lane.heights()
        if lane.rest:
            rest = replace(lane.rest, ports=heights)
            tall = sum(heights) or top + height - PADDING - y
            yield self.columns.place(rest, 0, y + tall / 2, tall)
        for row, height in zip(lane.rows, heights, strict=True):
            for column, box in enumerate(row.boxes, start=row.first):
                placed = self.columns.place(box, column, y + height / 2)
                yield placed
                yield from lane_notes.marks(lane.lane, placed)
            y += height

    def _alone(
        self, rest: Box, corner: tuple[float, float], size: tuple[float, float]
    ) -> Iterator[Box]:
        """Yield a lane in which nothing can happen."""
        (left, top), (width, height) = corner, size
        if rest.state:
            yield _lane_ground(rest.state.vm_state, corner, size)
        high = height - 2 * PADDING
        yield make.placed(rest, left + PADDING, top + height / 2, width - 2 * PADDING, high)


MOST_HIGH = 1140.0
"""The height above which lanes stand in two columns: a sheet of A4 at a readable size."""


def in_two_columns(shown: Sequence[DrawnLane], unseen: str, title: str, text: str) -> Iterator[Box]:
    """Yield lanes in two columns of about the same height, under one title."""
    halves = [
        (Board(shown[:n], unseen, run_on=True), Board(shown[n:], unseen, run_on=True))
        for n in range(1, len(shown))
    ]
    left, right = min(halves, key=lambda both: max(board.height() for board in both))
    across = left.right + LANE_GAP
    whole = across + right.right
    head = make.heading(title, make.wrapped(text, whole, NOTE_SIZE), whole)
    yield from head
    top = make.bottom_of(head) + LANE_GAP
    yield from left.lanes(top)
    for box in right.lanes(top):
        bounds = box.bounds or make.NOWHERE
        yield replace(box, bounds=replace(bounds, x=bounds.x + across))


def _lane_name(lane: Lane) -> Box:
    """Return the heading of a lane."""
    title = (Text(f"{lane.vm_state}: {lane.vm_state.meaning}", make.NAME, bold=True),)
    return Box(f"head-{make.slug(lane.vm_state)}", Look.PLAIN, title, left=True)


def _lane_ground(vm_state: Word, corner: tuple[float, float], size: tuple[float, float]) -> Box:
    (left, top), (width, height) = corner, size
    ground = Box(f"lane-{make.slug(vm_state)}", Look.LANE, title=vm_state.meaning)
    return make.placed(ground, left, top + height / 2, width, height)
