"""Steps one below the other, with what can become of each to its right, put in their places."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.grid import GAP, Columns, row_height, row_heights
from ecs_fsm.draw.picture import Box, wrapped

STEPS = 2
"""The column of the steps: behind where it is asked, and the request."""
LEAST = 420.0
"""How wide the text above may always be."""


@dataclass(slots=True)
class Step:
    """A state on the way down, and the rows of what can become of it instead."""

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
class Block:
    """One way to begin: where it is asked, the request, and the steps that follow."""

    begin: list[Box]
    steps: list[Step] = field(default_factory=list)


def placed(blocks: Sequence[Block], title: str, told: str) -> Iterator[Box]:
    """Every box at its place, a title and what is told above them."""
    columns = Columns(_members(blocks))
    wide = max(columns.right, LEAST)
    head = make.heading(title, wrapped(told, wide, 8), wide)
    yield from head
    top = float(make.bottom_of(head)) + GAP / 2
    for block in blocks:
        top = yield from _place(block, columns, top)
        top += GAP


def _members(blocks: Sequence[Block]) -> Iterator[tuple[int, Box]]:
    for block in blocks:
        yield from enumerate(block.begin)
        for step in block.steps:
            yield STEPS, step.box
            for row in step.rows:
                yield from enumerate(row, start=STEPS + 1)


def _place(block: Block, columns: Columns, top: float) -> Generator[Box, None, float]:
    """The boxes of a block at their places; returns how far down it goes."""
    begin = max(row_height(block.begin), block.steps[0].height)
    middle = top + begin // 2
    for column, box in enumerate(block.begin):
        yield columns.place(box, column, middle)
    y = middle - block.steps[0].height / 2
    for step in block.steps:
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
