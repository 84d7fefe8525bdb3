"""Where boxes go: columns that are in line on a whole page, and a layout made of them.

A ladder has the steps of an operation one below the other and the alternatives of each to its
right.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import ceil

from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.picture import Box, Look

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


LEAST = 420.0
"""The least width of a page."""
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
