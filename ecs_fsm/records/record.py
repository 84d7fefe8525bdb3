"""A record: one or several files as rows of servers, whatever their layout.

The first rows decide about shape, layout and columns; options decide about what they do not. Rows
that are out of order are sorted, on the disk where there are many.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain, count
from operator import itemgetter
from typing import BinaryIO, TypeVar, cast

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.records import sorted_blocks
from ecs_fsm.records.blocks import RowBlock, RowNumbers
from ecs_fsm.records.columns import ColumnChoice, columns_of
from ecs_fsm.records.layouts import (
    ColumnsLayout,
    FullList,
    Listed,
    Reading,
)
from ecs_fsm.records.meanings import Meanings
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.ordering import in_order, newest_first, time_of
from ecs_fsm.records.record_file import LAYOUTS, RecordFile
from ecs_fsm.records.shapes import NotInBlocks
from ecs_fsm.records.sources import RecordSource
from ecs_fsm.records.times import for_a_reader, iso, zone

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What a record does not say by itself; None is decided by its rows.

    `other_columns` keeps the columns of a row that say nothing of its state; only JSON shows them.
    """

    format: str | None = None
    columns: str | None = None
    one_server: bool = False
    utc_offset: str | None = None
    sampled: bool | None = None
    partial_lists: bool = False
    other_columns: bool = True


class _OutOfOrder(Exception):
    """A row is older than the row before of the same server."""


class Record:
    """The rows of one or several files; what is known of them as a whole, once they are read.

    Raise `InvalidInput` with file and line for what cannot be read, or is ambiguous.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        paths: Sequence[str],
        options: RecordOptions | None = None,
        stream: BinaryIO | None = None,
    ) -> None:
        options = options or RecordOptions()
        if options.format is not None and options.format not in LAYOUTS:
            raise unknown("format", options.format, LAYOUTS)
        if paths.count("-") > 1:
            raise InvalidInput("standard input can be read once")
        self._meanings = Meanings(lifecycle)
        choice = ColumnChoice.read(options.columns, one_server=options.one_server)
        choice = choice._replace(table=columns_of(self._meanings.lifecycle))
        offset, numbers = zone(options.utc_offset), count()
        self._files: list[RecordFile] = []
        with ExitStack() as opened:
            for path in paths:
                source = RecordSource(path, stream)
                opened.callback(source.close)
                reading = Reading(
                    self._meanings, choice, offset, source, not options.partial_lists, numbers,
                    options.other_columns,
                )  # fmt: skip
                self._files.append(RecordFile(source, reading, options.format))
            self._opened = opened.pop_all()
        sampled = any(file.sampled for file in self._files)
        self.complete = not (sampled if options.sampled is None else options.sampled)
        self.sorted: str | None = None
        self._clear()

    def _clear(self) -> None:
        self._latest: dict[str | None, float | None] = {}
        self.gone = 0
        self.first: float | None = None
        self.last: float | None = None

    @property
    def format(self) -> str:
        """The name of the layout, of several the names."""
        return "+".join(dict.fromkeys(file.layout.name for file in self._files))

    @property
    def actions_alone(self) -> bool:
        """Whether the rows say what was done to servers, and not what was seen of them."""
        return all(not file.layout.has_states for file in self._files)

    @property
    def names_actions(self) -> bool:
        """Whether there may be rows that say what was done to servers."""
        return any(file.layout.has_actions for file in self._files)

    @property
    def _has_lists(self) -> bool:
        """Whether rows may stand in lists; where they do not, each is an observation."""
        layouts = (file.layout for file in self._files)
        return any(not isinstance(one, ColumnsLayout) or one.lists for one in layouts)

    @property
    def servers(self) -> int:
        """How many servers there were in the rows so far."""
        return len(self._latest)

    @property
    def position(self) -> int:
        """How many bytes of all files have been read."""
        return sum(file.source.position for file in self._files)

    def follow(self, work: Callable[[Iterator[Observation]], Result]) -> Result:
        """Return what `work` makes of the rows, in the order of time for each server.

        It is called again, from the first row on, where rows turn out not to be in that order; so
        it must not leave anything behind before it returns. The files are closed then.
        """
        with self._opened:
            return self._followed(work)

    def follow_blocks(
        self, work: Callable[[Iterator[RowBlock], Sequence[Observation]], Result]
    ) -> Result | None:
        """Return what `work` makes of the rows in blocks, with what their numbers stand for.

        Return None where that does not go; then `follow` does, as if nothing had been read.
        """
        if not all(file.in_blocks for file in self._files):
            return None
        numbers = RowNumbers(self._meanings)
        try:
            result = self._in_blocks(work, numbers)
        except (NotInBlocks, InvalidInput):
            return None
        self._opened.close()
        return result

    def _in_blocks(
        self,
        work: Callable[[Iterator[RowBlock], Sequence[Observation]], Result],
        numbers: RowNumbers,
    ) -> Result:
        try:
            with closing(self._counted_blocks(self._blocks(numbers), strict=True)) as blocks:
                return work(blocks, numbers.rows)
        except _OutOfOrder:
            pass
        times = map(sorted_blocks.times_of, self._blocks(numbers))
        newest = self._newest_first(chain.from_iterable(times))
        with (
            closing(sorted_blocks.in_order(self._blocks(numbers), newest_first=newest)) as by_time,
            closing(self._counted_blocks(by_time, strict=False)) as blocks,
        ):
            return work(blocks, numbers.rows)

    def _newest_first(self, times: Iterable[float | None]) -> bool:
        """Return whether rows out of order come newest first, and note what was sorted."""
        newest = newest_first(times)
        self.sorted = "newest first" if newest else "not in the order of time"
        return newest

    def _blocks(self, numbers: RowNumbers) -> Iterator[RowBlock]:
        return chain.from_iterable(file.blocks(numbers) for file in self._files)

    def _counted_blocks(
        self, blocks: Iterator[RowBlock], *, strict: bool
    ) -> Generator[RowBlock, None, None]:
        self._clear()
        latest = self._latest
        for block in blocks:
            servers, times = block.servers, block.times
            if times[0] is None:  # as in the whole block
                for server in set(servers):
                    latest.setdefault(server, None)
            else:
                self._see(servers, cast(Sequence[float], times), strict=strict)
            yield block

    def _see(self, servers: Sequence[str | None], times: Sequence[float], *, strict: bool) -> None:
        """Note the times of a block; `strict` raises for a row older than the server's before."""
        latest = self._latest
        low, high = min(times), max(times)
        if (self.last is None or low >= self.last) and sorted(times) == times:
            latest.update(zip(servers, times, strict=True))
        else:
            for server, time in zip(servers, times, strict=True):
                before = latest.get(server)
                if before is not None and time < before and strict:
                    raise _OutOfOrder
                latest[server] = time
        self.first = low if self.first is None else min(self.first, low)
        self.last = high if self.last is None else max(self.last, high)

    def _followed(self, work: Callable[[Iterator[Observation]], Result]) -> Result:
        if self.sorted is None:
            try:
                with closing(self._counted(self._listed(), strict=True)) as rows:
                    return work(rows)
            except _OutOfOrder:
                pass
        newest = self._newest_first(time_of(*listed) for listed in self._listed())
        rows = self._counted(in_order(self._listed(), newest_first=newest), strict=False)
        with closing(rows):
            return work(rows)

    def _listed(self) -> Iterator[Listed]:
        for file in self._files:
            yield from file.rows(complete=self.complete)

    def _counted(
        self, rows: Iterator[Listed], *, strict: bool
    ) -> Generator[Observation, None, None]:
        """The rows, counted; those of servers that a full list leaves out are among them."""
        self._clear()
        latest = self._latest
        for row in self._with_gone(rows) if self._has_lists else map(itemgetter(1), rows):
            time, server = row.time, row.server
            if time is None:
                latest.setdefault(server, None)
            else:
                before = latest.get(server)
                if before is not None and time < before and strict:
                    raise _OutOfOrder
                latest[server] = time
                if self.last is None or time > self.last:
                    self.last = time
                if self.first is None or time < self.first:
                    self.first = time
            if row.action is None and row.before is None:
                yield row
                continue
            if row.action and row.action.finished is not None:
                self.last = max(self.last or 0, row.action.finished)
            if row.before is not None:
                yield row._replace(
                    shown=row.before.shown,
                    state=row.before.state,
                    wrong=row.before.wrong,
                    action=None,
                    before=None,
                )
                yield row._replace(before=None)
            else:
                yield row

    def _with_gone(self, rows: Iterator[Listed]) -> Iterator[Observation]:
        gone = self._meanings.gone
        alive: dict[str | None, Observation] = {}
        seen: dict[str | None, Observation] = {}
        within: FullList | None = None
        for listed, row in rows:
            if listed is not within:
                if within is not None:
                    yield from self._missing(alive, seen, within.time)
                    alive, seen = seen, {}
                within = listed
            if row is None:
                continue
            if listed is not None and gone and row.state is not gone.state:
                seen[row.server] = row
            yield row
        if within is not None:
            yield from self._missing(alive, seen, within.time)

    def _missing(
        self,
        alive: dict[str | None, Observation],
        seen: dict[str | None, Observation],
        time: float | None,
    ) -> Iterator[Observation]:
        gone = self._meanings.gone
        for server, row in alive.items():
            if gone and server not in seen:
                self.gone += 1
                named = {name: value for name, value in row.others.items() if value == server}
                yield gone._replace(server=server, time=time, others=named)

    def as_dict(self) -> dict[str, object]:
        """Return `{"format", "complete", "servers", "first", "last"}`, once the rows are read."""
        return {
            "format": self.format,
            "complete": self.complete,
            "servers": self.servers,
            "first": None if self.first is None else iso(self.first),
            "last": None if self.last is None else iso(self.last),
        }

    def __str__(self) -> str:
        """What was detected, how many servers, from when to when, complete or sampled."""
        titles = dict.fromkeys(f"{file.shape}, {file.layout.title}" for file in self._files)
        several = f" in {len(self._files)} files" if len(self._files) > 1 else ""
        thing = self._meanings.lifecycle.table.thing
        number = f"{self.servers} {thing}{'' if self.servers == 1 else 's'}"
        when = "no times"
        if self.first is not None and self.last is not None:
            when = f"{for_a_reader(self.first)} to {for_a_reader(self.last)}"
        kind = "complete" if self.complete else "sampled"
        parts = [f"{'; '.join(titles)}{several}", number, when, kind]
        if self.sorted:
            parts.append(f"{self.sorted}, so sorted")
        if self.gone:
            were = "is" if self.gone == 1 else "are"
            parts.append(f"{self.gone} {were} gone: absent from a full list")
        return ": ".join([parts[0], ", ".join(parts[1:])])
