"""Boxes in rows and columns: what is in one column begins at the same place on the whole page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import ceil

from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.picture import Box, Look

GAP = 14.0
"""Between two columns, and between two boxes one above the other: room for an arrow."""
ROW_GAP = 3.0


class Columns:
    """The columns of a page, each as wide as its widest box."""

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
        """The box at its place: states as wide as their column, what leads there in its middle."""
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
    """The height of a row: an even number, so that its middle is a whole one and arrows level."""
    return 2 * ceil((max(make.height_for(box) for box in boxes) + ROW_GAP) / 2)


def row_heights(
    rows: Sequence[Iterable[Box]], beside: Box | None, air: float = 0
) -> tuple[int, ...]:
    """The heights of rows with air between them, together at least that of the box beside them."""
    own = [row_height(row) + 2 * ceil(air / 2) for row in rows]
    missing = row_height([beside]) - sum(own) if beside and own else 0
    more = 2 * ceil(max(missing, 0) / 2 / max(len(own), 1))
    return tuple(height + more for height in own)


def text_at(box: Box, left: float, top: float, width: float) -> Box:
    """A text with its corner at a place."""
    height = make.height_for(box)
    return make.placed(box, left, top + height / 2, width, height)
