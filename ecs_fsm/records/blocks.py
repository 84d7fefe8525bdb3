"""Rows in blocks, column by column, for records in which no row needs a look of its own.

A block says of each row its server, its time, and the number of what it shows: rows that show the
same have the same number. Whatever is unusual, an error above all, raises: who goes row by row
(`layouts`) then begins anew, and says what is wrong and where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import repeat
from operator import itemgetter
from typing import NamedTuple, cast

from ecs_fsm.io.console import json_line
from ecs_fsm.records.json_text import Names
from ecs_fsm.records.layouts import MOST_SERVERS, ColumnReader, Reading
from ecs_fsm.records.meanings import ABSENT, MOST_WORDS, Cells, Meanings
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.shapes import ColumnBlock, NotInBlocks
from ecs_fsm.records.times import MILLISECONDS

SHOWN = frozenset(("vm_state", "task_state", "status"))


class RowBlock(NamedTuple):
    """Some rows: their servers, their times in seconds, and what they show (`RowNumbers.rows`).

    `columns` is the begin of a JSON object with the other columns of each row, up to the comma
    before what it shows; a bracket alone where they are not asked for.
    """

    servers: Sequence[str | None]
    times: Sequence[float | None]
    numbers: Sequence[int]
    columns: Sequence[str]


class RowNumbers(dict[Cells, int]):
    """The number of what a row shows, by the words in its cells; `rows` are those numbered."""

    def __init__(self, meanings: Meanings) -> None:
        super().__init__()
        self.rows: list[Observation] = []
        self._meanings = meanings
        self._numbers: dict[tuple[tuple[str, str | None], ...], int] = {}

    def __missing__(self, cells: Cells) -> int:
        """Number words that are met for the first time."""
        row = self._meanings.of(cells)
        number = self._numbers.setdefault(tuple(row.shown.items()), len(self.rows))
        if number == len(self.rows):
            self.rows.append(row)
        if len(self) < MOST_WORDS:
            self[cells] = number
        return number


class _ServerNames(dict[object, str | None]):
    """The name of a server by its cell; one name is one object."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._reading = reading

    def __missing__(self, value: object) -> str | None:
        """Read a name that is met for the first time; only text is kept, as 1 equals true."""
        name = self._reading.server(value, "")
        if type(value) is str:
            if len(self) > MOST_SERVERS:
                self.clear()
            self[value] = name
        return name


def blocks(
    columns: Iterator[ColumnBlock], reading: Reading, numbers: RowNumbers
) -> Iterator[RowBlock]:
    """Yield the rows of a file. Raise `NotInBlocks` or `InvalidInput` for what is unusual."""
    reader = ColumnReader(reading, by_time=False)
    known = _ServerNames(reading)
    for names, values, texts in columns:
        places = reader.columns(names)
        if places.updated >= 0:
            raise NotInBlocks
        size = len(values[0])
        three = places.vm_state, places.task_state, places.status
        cells = zip(*(values[n] if n >= 0 else repeat(ABSENT, size) for n in three), strict=True)
        servers: list[str | None] = [None] * size
        try:
            shown = list(map(numbers.__getitem__, cells))
            if places.server >= 0:
                servers = list(map(known.__getitem__, values[places.server]))
        except TypeError:  # a list or an object
            raise NotInBlocks from None
        times: list[float] | list[None] = [None] * size
        if places.time >= 0:
            times = _times(values[places.time], reading, names[places.time], texts=texts)
        written = ["{"] * size
        if reading.other_columns and places.others:
            written = _written(names, values, places.others)
        yield RowBlock(servers, times, shown, written)


def _written(
    names: Names, values: Sequence[Sequence[object]], others: Sequence[tuple[str, int]]
) -> list[str]:
    """The other columns of rows as JSON."""
    if not SHOWN.isdisjoint(name for name, _ in others):
        raise NotInBlocks  # what is shown takes the place of such a column
    begins = [f"{'{' if n == 0 else ', '}{json_line(name)}: " for n, (name, _) in enumerate(others)]
    form = "%s".join([*(begin.replace("%", "%%") for begin in begins), ", "])
    written = zip(*(_as_json(values[n]) for _, n in others), strict=True)
    return list(map(form.__mod__, written))


def _as_json(values: Sequence[object]) -> Iterable[str]:
    """The values of a column as JSON, those that are plain all at once."""
    kinds = set(map(type, values))
    if kinds == {str}:
        text = "".join(cast(Sequence[str], values))
        if text.isprintable() and '"' not in text and "\\" not in text:
            return [f'"{value}"' for value in values]
    if kinds <= {int, float}:
        return map(repr, values)
    return map(json_line, values)


def _times(values: Sequence[object], reading: Reading, name: str, *, texts: bool) -> list[float]:
    """The times of a column, those in one usual form at once."""
    times: list[float] = []
    try:
        if texts or (kinds := set(map(type, values))) == {str} or kinds <= {int, float}:
            times = list(map(float, cast(Sequence[float], values)))
    except (ValueError, OverflowError):
        return _dates(cast(Sequence[str], values), reading, name)
    # Whatever is not a number makes the sum one that is not.
    if times and min(times) >= 0 and max(times) < MILLISECONDS and sum(times) >= 0:
        return times
    return [reading.time(value, name) for value in values]


def _dates(values: Sequence[str], reading: Reading, name: str) -> list[float]:
    try:
        if set(map(itemgetter(4), values)) == {"-"}:  # so none of them reads as a number
            found = list(map(datetime.fromisoformat, values))
            zone = reading.without_zone
            return [
                (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
                for moment in found
            ]
    except (ValueError, IndexError, TypeError, OverflowError):
        pass
    return [reading.time(value, name) for value in values]
