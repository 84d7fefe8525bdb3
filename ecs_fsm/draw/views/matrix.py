"""From status to status as a table: a row where a server rests, a column where it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.core.word import Word
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.passages import CellEntry, StatusPassage, entries_of, passages_of
from ecs_fsm.draw.picture import Box, Ink, Look, Picture, Text
from ecs_fsm.draw.request import DrawRequest

EXPLAINED = "A row is {where}, a column where it ends, a cell what leads there, with what it shows"
NAME, SMALL = 9.0, 7.5
LINE, HEAD = 12.0, 16.0
"""The heights of a line in a cell, and of a heading."""
MOST = 112.0
"""The width of a column beyond which a line of it goes on below."""
GAP = 3.0
"""Between two cells, and between two words of a line."""
PADDING = 4.0
INDENT = 8.0
"""Before a chip that begins a line: it belongs to the name above."""


def matrix_view(request: DrawRequest) -> Picture:
    """From status to status: what leads from one to another, as a table."""
    request.without("matrix", "words", "begin", "only")
    return matrix(request.servers.lifecycle)


def matrix(lifecycle: Lifecycle) -> Picture:
    """Return the table of everything that changes a status: where from, where to, what way."""
    phrases = Phrases(lifecycle.table)
    names = phrases.attributes
    title = f"From {names.status} to {names.status} ({lifecycle.name})"
    explained = explanation(EXPLAINED, phrases)
    return Picture(
        view="matrix",
        lifecycle=lifecycle.name,
        title=title,
        description=explained,
        boxes=tuple(_Matrix(lifecycle).boxes(title, explained)),
        nowhere=phrases.nowhere,
    )


def explanation(begun: str, phrases: Phrases) -> str:
    """Return what a picture of statuses says below its title; `{where}` is where a thing rests."""
    where = "a state in which" if phrases.one_word else f"a {phrases.attributes.status} at which"
    return (
        f"{begun.format(where=f'{where} a {phrases.thing} rests')} on the way. Bold: requests of a "
        "user; italic: what the system does unasked; red: what goes wrong, and in which "
        "operations' steps."
    )


class _Cell:
    """What leads from one place to another."""

    def __init__(self, passages: Sequence[StatusPassage]) -> None:
        self.transitions = tuple(dict.fromkeys(t for p in passages for t in p.transitions))
        self.entries = tuple(entries_of(passages))

    def lines(self, width: float) -> list[list[Box]]:
        """Return the boxes of each line; what does not fit beside a name goes below it."""
        lines: list[list[Box]] = []
        for entry in self.entries:
            line = [name_box(entry)]
            for status in entry.passed:
                chip = passed_box(status, sometimes=status in entry.sometimes)
                if across([*line, chip]) > width:
                    lines.append(line)
                    line = []
                line.append(chip)
            beside = width - across(line) - GAP
            for text in make.flowed(entry.during, beside, width, SMALL):
                if text:
                    line.append(Box("", Look.PLAIN, (Text(text, SMALL, ink=Ink.MUTED),), left=True))
                lines.append(line)
                line = []
            lines += [line] if line else []
        return lines

    def least(self) -> float:
        """Return the width that the cell needs."""
        return max((across(line) for line in self.lines(MOST)), default=0)


def across(line: Sequence[Box]) -> float:
    """Return the width of words and chips in a line."""
    return indent(line) + sum(inline_width(box) for box in line) + GAP * (len(line) - 1)


def indent(line: Sequence[Box]) -> float:
    """Return the room before a line that goes on with chips."""
    return INDENT if line and line[0].look is not Look.PLAIN else 0.0


def inline_width(box: Box) -> float:
    """Return the width of a word or a chip; a word stands without room at its sides."""
    return make.width_for(box) - (make.BESIDE[Look.PLAIN] - 1 if box.look is Look.PLAIN else 2)


def name_box(entry: CellEntry) -> Box:
    """Return the name of an entry: bold for a request, italic for the system, red for a failure."""
    failed, asked = entry.kind is Kind.FAILURE, entry.kind is Kind.REQUEST
    ink = Ink.FAILURE if failed else Ink.REQUEST if asked else Ink.MUTED
    name = f"{entry.name}:" if entry.during else entry.name
    text = Text(name, NAME, asked, ink, italic=not (failed or asked))
    return Box("", Look.PLAIN, (text,), left=True)


def passed_box(status: Word, *, sometimes: bool) -> Box:
    """Return the chip of a status on the way; it is dashed if only some ways pass it."""
    look = Look.AGAIN if sometimes else Look.STEP
    title = f"{'sometimes ' if sometimes else ''}on the way: {status}"
    return Box("", look, (Text(status, SMALL, ink=Ink.STATUS),), tone=status.tone, title=title)


class _Matrix:
    """The table in the making."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        found = passages_of(lifecycle)
        self.columns = found.after
        self.rows: list[tuple[Word | str, dict[Word, _Cell]]] = []
        for before in found.before:
            here = [p for p in found.each if p.before == before]
            self.rows.append((before or Phrases(lifecycle.table).nowhere, self._cells(here)))
        if found.everywhere:
            every = f"every {Phrases(lifecycle.table).attributes.status}"
            self.rows.append((every, self._cells(found.everywhere)))
        heads = [make.width_for(_head("", status)) for status in self.columns]
        self.side = max(make.width_for(_head("", name)) for name, _ in self.rows)
        self.widths = [
            max(head, *(cells[status].least() + 2 * PADDING for _, cells in self.rows))
            for status, head in zip(self.columns, heads, strict=True)
        ]

    def _cells(self, entries: Sequence[StatusPassage]) -> dict[Word, _Cell]:
        return {end: _Cell([p for p in entries if p.after == end]) for end in self.columns}

    def boxes(self, title: str, explained: str) -> Iterator[Box]:
        """Yield every box with its bounds."""
        lefts = list(accumulate((w + GAP for w in self.widths), initial=self.side + 2 * GAP))
        wide = max(lefts[-1], 420.0)
        head = make.heading(title, make.wrapped(explained, wide, 8), wide)
        yield from head
        top = float(make.bottom_of(head)) + 8
        for status, left, width in zip(self.columns, lefts, self.widths, strict=False):
            side = _head("to", status)
            own = make.width_for(side)
            yield make.placed(side, left + (width - own) / 2, top + HEAD / 2, own, HEAD)
        top += HEAD + GAP
        for name, cells in self.rows:
            lines = {end: cell.lines(self._room(end)) for end, cell in cells.items()}
            high = max(HEAD + 2, max(len(each) for each in lines.values()) * LINE + PADDING)
            side = _head("from", name)
            own = make.width_for(side)
            yield make.placed(side, (self.side - own) / 2, top + high / 2, own, HEAD)
            for end, left, width in zip(self.columns, lefts, self.widths, strict=False):
                key = f"{make.slug(name)}-to-{make.slug(end)}"
                yield self._ground(key, name, end, cells[end], (left, top, width, high))
                yield from _placed(key, lines[end], left + PADDING, top + PADDING / 2)
            top += high + GAP

    def _room(self, end: Word) -> float:
        return self.widths[self.columns.index(end)] - 2 * PADDING

    def _ground(
        self, key: str, name: str, end: Word, cell: _Cell, at: tuple[float, float, float, float]
    ) -> Box:
        left, top, width, high = at
        by = cell.transitions
        names = ", ".join(dict.fromkeys(entry.name for entry in cell.entries))
        title = f"From {name} to {end}: {names or 'nothing'}."
        ground = Box(f"cell-{key}", Look.FIELD, title=title, faint=not by, transitions=by)
        return make.placed(ground, left, top + high / 2, width, high)


def _placed(key: str, lines: Sequence[Sequence[Box]], left: float, top: float) -> Iterator[Box]:
    for row, line in enumerate(lines):
        x = left + indent(line)
        for n, box in enumerate(line):
            width = inline_width(box)
            high = LINE - (0 if box.look is Look.PLAIN else 2)
            named = replace(box, key=f"in-{key}-{row}-{n}")
            yield make.placed(named, x, top + (row + 0.5) * LINE, width, high)
            x += width + GAP


def _head(which: str, name: Word | str) -> Box:
    """Return the heading of a row or a column: a status, or words for others."""
    key = f"{which}-{make.slug(name)}"
    if isinstance(name, Word):
        text = Text(name, NAME, bold=True, ink=Ink.STATUS)
        return Box(key, Look.REST, (text,), tone=name.tone, title=f"{name}: {name.meaning}")
    return Box(key, Look.PLAIN, (Text(name, NAME, italic=True),))
