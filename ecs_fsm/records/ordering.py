"""Rows in the order of time: sorted in memory where there are few, else in runs on the disk."""

from __future__ import annotations

import heapq
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import IO, Any, NamedTuple

from ecs_fsm.records.layouts import FullList, Listed
from ecs_fsm.records.observations import ActionStep, Observation, RecordedAction

RUN = 20_000
"""Rows that are sorted in memory at once."""


class _Entry(NamedTuple):
    """A row with what decides its place: time, and among equals the place in the files."""

    time: float
    number: int
    row: Listed


def newest_first(times: Iterable[float | None]) -> bool:
    """Return whether times, but for unknown ones, only go back in the order of the files."""
    before: float | None = None
    back = False
    for time in times:
        if time is not None:
            if before is not None and time > before:
                return False
            back = back or (before is not None and time < before)
            before = time
    return back


def time_of(listed: FullList | None, row: Observation | None) -> float | None:
    """Return the time of a row, or that of the list whose end stands for one."""
    return row.time if row is not None else listed and listed.time


def in_order(rows: Iterator[Listed], *, newest_first: bool) -> Iterator[Listed]:
    """Yield the rows by time; one without stays where it is. Equal times keep or turn the order."""
    entries = _entries(rows, newest_first)
    shelf = _Shelf()
    with ExitStack() as stack:
        runs: list[Iterator[_Entry]] = []
        while run := sorted(islice(entries, RUN), key=_place):
            if len(run) < RUN and not runs:
                runs.append(iter(run))
                break
            file = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            shelf.write(run, file)
            runs.append(shelf.read(file))
        for entry in heapq.merge(*runs, key=_place):
            yield entry.row


def _place(entry: _Entry) -> tuple[float, int]:
    return entry.time, entry.number


def _entries(rows: Iterator[Listed], newest_first: bool) -> Iterator[_Entry]:
    latest = float("-inf")
    for number, (listed, row) in enumerate(rows):
        time = time_of(listed, row)
        if time is not None:
            latest = time
        yield _Entry(latest, -number if newest_first else number, (listed, row))


class _Shelf:
    """Writes rows to files and reads them; what many rows share stays in memory."""

    def __init__(self) -> None:
        self._shared: list[Observation] = []
        self._numbers: dict[str, int] = {}
        self._lists: dict[int, FullList] = {}

    def write(self, run: list[_Entry], file: IO[str]) -> None:
        """Write a run, a row on each line."""
        for time, number, (listed, row) in run:
            if listed is not None:
                self._lists[listed.number] = listed
            line = [time, number, listed and listed.number, row and self._packed(row)]
            file.write(json.dumps(line) + "\n")
        file.seek(0)

    def read(self, file: IO[str]) -> Iterator[_Entry]:
        """Yield the rows of a run."""
        for line in file:
            time, number, listed, row = json.loads(line)
            within = None if listed is None else self._lists[listed]
            yield _Entry(time, number, (within, row and self._unpacked(row)))

    def _packed(self, row: Observation) -> list[object]:
        before = None if row.before is None else self._number(row.before)
        return [
            self._number(row), row.others, row.server, row.time, row.updated, row.host,
            row.action, before,
        ]  # fmt: skip

    def _unpacked(self, packed: list[Any]) -> Observation:
        shared, others, server, time, updated, host, action, before = packed
        found: Observation = self._shared[shared]._replace(
            others=others,
            server=server,
            time=time,
            updated=updated,
            host=host,
            action=None if action is None else _action(action),
            before=None if before is None else self._shared[before],
        )
        return found

    def _number(self, row: Observation) -> int:
        key = json.dumps([row.shown, row.wrong])
        if key not in self._numbers:
            self._numbers[key] = len(self._shared)
            self._shared.append(Observation(row.shown, row.state, row.wrong))
        return self._numbers[key]


def _action(packed: list[Any]) -> RecordedAction:
    word, operations, failed, finished, request, steps, shows_end = packed
    made = [ActionStep(step[0], tuple(step[1]), *step[2:]) for step in steps]
    return RecordedAction(
        word, tuple(operations), failed, finished, request, tuple(made), shows_end
    )
