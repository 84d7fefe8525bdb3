"""The statuses at rest side by side, and each way from one to another on a line of its own.

No line crosses another or a word, and no two end at the same place. A lifecycle with many statuses
has the table of the view `matrix` instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.core.word import Tone, Word
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.passages import CellEntry, entries_of, passages_of
from ecs_fsm.draw.picture import Arrow, Box, Ink, Look, Picture, Text
from ecs_fsm.draw.request import DrawRequest
from ecs_fsm.draw.views.matrix import explanation, inline_width, matrix, name_box, passed_box

MANY = 12
"""The most statuses of a lifecycle whose ways fit on one picture."""
EXPLAINED = "A column is {where}; an arrow leads to where it ends, with what it shows"
HIGH = 17.0
DOT = 5.0
BESIDE = 9.0
"""Room for an arrow before and behind a word on a line."""
HEAD = 24.0
LEAST = 16.0
"""The least distance between two columns."""


def overview_view(request: DrawRequest) -> Picture:
    """The statuses and what leads from one to another; of many statuses, the view matrix."""
    request.without("overview", "words", "begin", "only")
    return overview(request.servers.lifecycle)


def overview(lifecycle: Lifecycle) -> Picture:
    """Return the statuses of a lifecycle with the ways between them, or the matrix of many."""
    if len(lifecycle.table.statuses) > MANY:
        return matrix(lifecycle)
    phrases = Phrases(lifecycle.table)
    title = f"The {phrases.statuses} of {phrases.subject} ({lifecycle.name})"
    explained = explanation(EXPLAINED, phrases)
    drawing = _Overview(lifecycle)
    boxes = tuple(drawing.boxes(title, explained))
    return Picture(
        view="overview",
        lifecycle=lifecycle.name,
        title=title,
        description=explained,
        boxes=boxes,
        arrows=tuple(drawing.arrows),
        nowhere=phrases.nowhere,
    )


class _Line(NamedTuple):
    """One way: its columns, and what stands on it."""

    begin: int
    end: int
    entry: CellEntry
    parts: tuple[Box, ...]

    @property
    def width(self) -> float:
        """The width of what stands on it, with room for arrows."""
        return sum(inline_width(part) + BESIDE for part in self.parts) + BESIDE

    @property
    def said(self) -> int:
        """The place of the operations that a failure ends, which stand beside its name."""
        return 1 if self.entry.during else 0

    @property
    def inside(self) -> bool:
        """Whether it begins and ends in the same column."""
        return self.begin == self.end


class _Overview:
    """The picture in the making."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        found = passages_of(lifecycle)
        self.nowhere = Phrases(lifecycle.table).nowhere
        self.every = f"every {Phrases(lifecycle.table).attributes.status}"
        resting = [s for s in lifecycle.table.statuses if s in (*found.before, *found.after)]
        self.columns: list[Word | str] = [
            *([self.nowhere] if None in found.before else []),
            *([self.every] if found.everywhere else []),
            *resting,
        ]
        self.lines: list[_Line] = []
        for name, passages in (
            *((b or self.nowhere, [p for p in found.each if p.before == b]) for b in found.before),
            (self.every, found.everywhere),
        ):
            for end in found.after:
                for entry in entries_of([p for p in passages if p.after == end]):
                    begin = self.columns.index(name)
                    line = _Line(begin, self.columns.index(end), entry, tuple(_parts(entry)))
                    self.lines.append(line)
        self.arrows: list[Arrow] = []
        self.lefts, self.widths = self._places()

    def _places(self) -> tuple[list[float], list[float]]:
        """Return where columns begin and how wide they are, with room for what is between them."""
        widths = [make.width_for(_head(name)) for name in self.columns]
        gaps = [LEAST] * len(self.columns)
        for line in self.lines:
            if line.inside:
                widths[line.begin] = max(widths[line.begin], line.width + 4 * DOT)
            elif abs(line.begin - line.end) == 1:
                place = min(line.begin, line.end)
                gaps[place] = max(gaps[place], line.width)
        lefts = [0.0]
        for own, gap in zip(widths, gaps, strict=True):
            lefts.append(lefts[-1] + own + gap)
        return lefts, widths

    def boxes(self, title: str, explained: str) -> Iterator[Box]:
        """Yield every box with its bounds, and note the arrows between them."""
        wide = max(self.lefts[len(self.columns) - 1] + self.widths[-1], 420.0)
        head = make.heading(title, make.wrapped(explained, wide, 8), wide)
        yield from head
        top = float(make.bottom_of(head)) + 8
        tall = HEAD + len(self.lines) * HIGH + 6
        for name, left, width in zip(self.columns, self.lefts, self.widths, strict=False):
            ground = Box(f"column-{make.slug(name)}", Look.FIELD)
            yield make.placed(ground, left, top + tall / 2, width, tall)
            heading = _head(name)
            own = make.width_for(heading)
            yield make.placed(heading, left + (width - own) / 2, top + 10, own, 18)
        for number, line in enumerate(self.lines):
            yield from self._line(line, f"way-{number}", top + HEAD + (number + 0.5) * HIGH)

    def _line(self, line: _Line, key: str, y: float) -> Iterator[Box]:
        """Yield the ends of a line and what stands on it, from left to right."""
        back = line.end < line.begin
        start, goal = self._ends(line)
        parts = [replace(part, key=f"{key}-{n}") for n, part in enumerate(line.parts)]
        widths = [inline_width(part) for part in parts]
        placed = []
        x = float(start)
        for n, (part, width) in enumerate(zip(parts, widths, strict=True)):
            room = 3.0 if n and n == line.said else BESIDE
            x += -room - width if back else room
            placed.append(make.placed(part, x, y, width, make.LINE * 9 + 2))
            x += 0.0 if back else width
        first = _dot(f"{key}-from", self.columns[line.begin])
        last = _dot(f"{key}-to", self.columns[line.end])
        row = [
            make.placed(first, start - (0 if back else DOT), y, DOT, DOT),
            *placed,
            make.placed(last, goal - (DOT if back else 0), y, DOT, DOT),
        ]
        look = make.look_of(line.entry.kind)
        for n, (tail, head) in enumerate(pairwise(row)):
            if n and n == line.said:
                continue
            knot = head is not row[-1]
            self.arrows.append(Arrow(tail.key, head.key, look, line.entry.transitions, knot=knot))
        yield from row

    def _ends(self, line: _Line) -> tuple[float, float]:
        """Return where a line leaves its column and where it meets the other."""
        left, right = self.lefts[line.begin], self.lefts[line.begin] + self.widths[line.begin]
        if line.inside:
            return left + 2 * DOT, right - 2 * DOT
        if line.end < line.begin:
            return left + DOT / 2, self.lefts[line.end] + self.widths[line.end] - DOT / 2
        return right - DOT / 2, self.lefts[line.end] + DOT / 2


def _parts(entry: CellEntry) -> Iterator[Box]:
    yield name_box(entry)
    if entry.during:
        yield Box("", Look.PLAIN, (Text(entry.during, 7.5, ink=Ink.MUTED),))
    for status in entry.passed:
        yield passed_box(status, sometimes=status in entry.sometimes)


def _head(name: Word | str) -> Box:
    key = f"at-{make.slug(name)}"
    if isinstance(name, Word):
        text = Text(name, 10, bold=True, ink=Ink.STATUS)
        return Box(key, Look.REST, (text,), tone=name.tone, title=f"{name}: {name.meaning}")
    return Box(key, Look.PLAIN, (Text(name, 9, italic=True),))


def _dot(key: str, name: Word | str) -> Box:
    tone = name.tone if isinstance(name, Word) else Tone.GREY
    return Box(key, Look.DOT, tone=tone)
