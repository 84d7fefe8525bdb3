"""Blocks of rows in the order of time: sorted run by run onto the disk, then merged piece by piece.

Where runs do not overlap in time, as in a record with a few rows out of order, a piece is passed on
as it is.
"""

from __future__ import annotations

import marshal
import tempfile
from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain
from typing import IO, NamedTuple, cast

from ecs_fsm.records.blocks import RowBlock
from ecs_fsm.records.ordering import RUN
from ecs_fsm.records.shapes import NotInBlocks

PIECE = 250
"""Rows that are read at once of a run."""


class _Piece(NamedTuple):
    """Where some rows of a run are in the file, and the times of the first and the last of them."""

    offset: int
    first: float
    last: float


class _SortedRun:
    """A sorted run that is read; `first` is the time of its next row, `last` that of its piece."""

    def __init__(self, number: int, pieces: Iterable[_Piece]) -> None:
        self.number = number
        self._pieces = iter(pieces)
        self._rows: RowBlock | None = None
        self.next_piece()

    def next_piece(self) -> bool:
        """Go on to the next piece. Return whether there is one."""
        piece = next(self._pieces, None)
        if piece is not None:
            self._offset, self.first, self.last = piece
            self._rows = None
        return piece is not None

    def whole(self, file: IO[bytes]) -> RowBlock:
        """Return what is left of the piece."""
        if self._rows is None:
            file.seek(self._offset)
            self._rows = RowBlock(*marshal.load(file))  # noqa: S302  # our own file
        return self._rows

    def until(self, time: float, file: IO[bytes], *, included: bool) -> RowBlock:
        """Return the next rows before a time, or up to it, and remove them from the piece."""
        rows = self.whole(file)
        times = cast(Sequence[float], rows.times)
        cut = (bisect_right if included else bisect_left)(times, time)
        self._rows = _part(rows, cut, len(times))
        self.first = times[cut]
        return _part(rows, 0, cut)


def in_order(blocks: Iterable[RowBlock], *, newest_first: bool) -> Generator[RowBlock, None, None]:
    """Yield the rows by time. Equal times keep the order of the files, or turn it."""
    with tempfile.TemporaryFile() as file:
        found = [list(_written(run, file)) for run in _sorted_runs(blocks, newest_first)]
        if newest_first:
            found.reverse()
        yield from _merged(
            [_SortedRun(number, pieces) for number, pieces in enumerate(found)], file
        )


def times_of(block: RowBlock) -> Sequence[float]:
    """Return the times of the rows of a block. Raise `NotInBlocks` where rows have none."""
    if None in block.times[:1]:
        raise NotInBlocks  # rows without a time stay where they are
    return cast(Sequence[float], block.times)


def _sorted_runs(blocks: Iterable[RowBlock], newest_first: bool) -> Iterator[RowBlock]:
    run: list[RowBlock] = []
    for block in chain(blocks, (None,)):
        if block is not None:
            times_of(block)
            run.append(block)
        if run and (block is None or sum(len(one.times) for one in run) >= RUN):
            yield _by_time(run, newest_first=newest_first)
            run.clear()


def _by_time(blocks: Sequence[RowBlock], *, newest_first: bool = False) -> RowBlock:
    """The rows of blocks as one, sorted."""
    columns = [list(chain.from_iterable(column)) for column in zip(*blocks, strict=True)]
    if newest_first:
        for column in columns:
            column.reverse()
    rows = RowBlock(*columns)
    times = times_of(rows)
    if sorted(times) == times:
        return rows
    order = sorted(range(len(times)), key=times.__getitem__)
    return RowBlock(*(list(map(column.__getitem__, order)) for column in columns))


def _part(rows: RowBlock, begin: int, end: int) -> RowBlock:
    cut = slice(begin, end)
    return RowBlock(rows.servers[cut], rows.times[cut], rows.numbers[cut], rows.columns[cut])


def _written(run: RowBlock, file: IO[bytes]) -> Iterator[_Piece]:
    times = times_of(run)
    for begin in range(0, len(times), PIECE):
        offset = file.tell()
        marshal.dump([*_part(run, begin, begin + PIECE)], file)
        yield _Piece(offset, times[begin], times[min(begin + PIECE, len(times)) - 1])


def _merged(runs: list[_SortedRun], file: IO[bytes]) -> Iterator[RowBlock]:
    later = sorted(runs, key=lambda run: run.first, reverse=True)
    begun: list[_SortedRun] = []
    while later or begun:
        if not begun:
            begun.append(later.pop())
        first = min(begun, key=_end)
        while later and later[-1].first <= first.last:
            begun.append(later.pop())
            first = min(first, begun[-1], key=_end)
        parts = []
        for run in sorted(begun, key=lambda run: run.number):
            if run is first:
                parts.append(run.whole(file))
            elif run.first <= first.last:
                before = run.number < first.number  # so its rows of the same time come before
                parts.append(run.until(first.last, file, included=before))
        yield _by_time(parts) if len(parts) > 1 else parts[0]
        if not first.next_piece():
            begun.remove(first)


def _end(run: _SortedRun) -> tuple[float, int]:
    return run.last, run.number
