"""What the rows of a record mean, by the layout that their columns show.

A layout turns rows into observations. Each observation comes with the full list that it stands in,
None where the record is not made of such lists.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import timezone
from typing import ClassVar, NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.records.columns import MEANINGS, ColumnChoice, RecordColumns, normal
from ecs_fsm.records.json_text import LIST, MORE, Names, Row
from ecs_fsm.records.meanings import ABSENT, NOTHING, Cells, Meanings
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.sources import RecordSource
from ecs_fsm.records.times import EXPECTED as EXPECTED_TIME
from ecs_fsm.records.times import MILLISECONDS, seconds

MOST_LAYOUTS = 1000
NO_OTHERS: Mapping[str, object] = {}
MOST_SERVERS = 20_000
"""Names of servers that are kept at most."""


class FullList(NamedTuple):
    """A list of all servers: its number in the record, and when it was made."""

    number: int
    time: float | None


Listed = tuple[FullList | None, Observation | None]
"""An observation with the list that it stands in, if that is complete; none for an empty list."""


class Reading(NamedTuple):
    """What a layout needs beside the rows."""

    meanings: Meanings
    choice: ColumnChoice
    without_zone: timezone
    source: RecordSource
    full_lists: bool
    numbers: Iterator[int]
    other_columns: bool = True
    complete: bool | None = None

    def time(self, value: object, name: str) -> float:
        """Return a time in seconds. Raise `InvalidInput` for what is not one."""
        try:
            return seconds(value, self.without_zone)
        except (ValueError, OverflowError):
            shown = json.dumps(value, default=str)[:60]
            raise self.source.error(f"{name} is {shown}; expected {EXPECTED_TIME}") from None

    def time_or_none(self, row: Mapping[str, object], *names: str) -> float | None:
        """Return the first of these times that a row has."""
        for name in names:
            value = row.get(name)
            if value is not None and str(value).strip().lower() not in NOTHING:
                return self.time(value, name)
        return None

    def server(self, value: object, name: str) -> str | None:
        """Return the name of a server. Raise `InvalidInput` for what is not one."""
        if self.choice.one_server:
            return None
        if type(value) is str and value.isprintable() and value.strip().lower() not in NOTHING:
            return value.strip()
        if value is None or str(value).strip().lower() in NOTHING:
            raise self.source.error(
                f"no {name}; every row names its server (--one-server: all rows are about one)"
            )
        # Only what cannot break a line of the answer.
        plain = isinstance(value, str | int) and not isinstance(value, bool)
        if plain and str(value).isprintable():
            return str(value)
        shown = json.dumps(value, default=str)[:60]
        raise self.source.error(f"{name} is {shown}, not the name of a server")


class Layout(ABC):
    """A layout: its name for `--format`, its title, and what it makes of rows."""

    name: ClassVar[str]
    title: ClassVar[str]
    has_states: ClassVar[bool] = True
    has_actions: ClassVar[bool] = False

    @abstractmethod
    def fits(self, names: Names, row: Mapping[str, object]) -> bool:
        """Return whether a first row has this layout; `names` are normal."""

    @abstractmethod
    def sampled(self, rows: Sequence[Row]) -> bool:
        """Return whether a record that begins with these rows may have missed states."""

    @abstractmethod
    def read(self, rows: Iterator[Row], reading: Reading) -> Iterator[Listed]:
        """Yield the observations. Raise `InvalidInput` for a row that does not read."""


class ColumnsLayout(Layout):
    """Rows with columns for server, time and state."""

    name, title = "columns", "columns"
    lists: ClassVar[bool] = False
    lists_by_time: ClassVar[bool] = False

    def fits(self, names: Names, row: Mapping[str, object]) -> bool:
        """Return whether a first row has this layout."""
        return any(name in names for name in ("vm_state", "status"))

    def sampled(self, rows: Sequence[Row]) -> bool:
        """Return whether states may have been missed."""
        states = {"vm_state", "task_state"}
        kinds = {names for names, _ in rows if names is not LIST and names is not MORE}
        return not kinds or any(states.isdisjoint(map(normal, names)) for names in kinds)

    def read(self, rows: Iterator[Row], reading: Reading) -> Iterator[Listed]:
        """Yield the observations."""
        reader = ColumnReader(reading, by_time=self.lists_by_time)
        return reader.read_lists(rows) if self.lists and reading.full_lists else reader.read(rows)


class ServerLists(ColumnsLayout):
    """What `openstack server list` prints: every list is complete."""

    name, title = "server-list", "openstack server list"
    lists, lists_by_time = True, True

    def fits(self, names: Names, row: Mapping[str, object]) -> bool:
        """Return whether a first row has this layout."""
        beside = ("networks", "power_state", "flavor", "image", "flavor_name", "image_name")
        api = "links" in names or "host_id" in names or "vm_state" in names
        return {"id", "name", "status"} <= {*names} and not api and any(n in names for n in beside)

    def sampled(self, rows: Sequence[Row]) -> bool:
        """Return whether states may have been missed."""
        return True


class Servers(ColumnsLayout):
    """Servers as the compute API answers: one, or a list that is complete."""

    name, title, lists = "servers", "compute API servers", True

    def fits(self, names: Names, row: Mapping[str, object]) -> bool:
        """Return whether a first row has this layout."""
        return {"id", "status"} <= {*names} and ("created" in names or "updated" in names)

    def sampled(self, rows: Sequence[Row]) -> bool:
        """Return whether states may have been missed."""
        return True

    def read(self, rows: Iterator[Row], reading: Reading) -> Iterator[Listed]:
        """Yield the observations."""
        return super().read(map(_without_details, rows), reading)


def _without_details(row: Row) -> Row:
    """The values of a server that are not objects or lists, which are no columns."""
    names, values = row
    if names is LIST or names is MORE:
        return row
    kept = [(n, v) for n, v in zip(names, values, strict=True) if not isinstance(v, dict | list)]
    return tuple(n for n, _ in kept), [v for _, v in kept]


class ColumnReader:
    """Reads rows by the meaning of their columns."""

    def __init__(self, reading: Reading, *, by_time: bool) -> None:
        self._reading = reading
        self._by_time = by_time
        self._meanings = reading.meanings.known
        self._columns: dict[Names, RecordColumns] = {}
        self._server: str | None = None
        self._last_time: tuple[object, float] = (None, 0.0)
        self._servers: dict[object, str | None] = {}
        self._list_time: float | None = None

    def read(self, rows: Iterator[Row]) -> Iterator[Listed]:
        """Yield the observations with their lists."""
        columns: RecordColumns | None = None
        last: Names | None = None
        for names, values in rows:
            if names is not last:
                if names is LIST or names is MORE:
                    self._list_time = self._time_beside(values) if values else None
                    continue
                columns, last = self.columns(names), names
            assert columns is not None  # noqa: S101  # found with the first row
            yield None, self._row(columns, values)

    def read_lists(self, rows: Iterator[Row]) -> Iterator[Listed]:
        """Yield the observations with their lists."""
        within: FullList | None = None
        begun, empty, more = False, False, False
        for names, values in rows:
            if names is MORE:
                more = True
            elif names is LIST:
                if empty:
                    yield self._new_list(self._list_time), None
                begun, empty, more = not more, bool(values) and not more, False
                self._list_time = self._time_beside(values) if values else None
            else:
                columns = self.columns(names)
                row = self._row(columns, values)
                timed = self._by_time and columns.time >= 0
                if begun or (timed and (within is None or row.time != within.time)):
                    within = self._new_list(row.time if timed else self._list_time)
                begun = empty = False
                yield within, row
        if empty:
            yield self._new_list(self._list_time), None

    def _new_list(self, time: float | None) -> FullList:
        return FullList(next(self._reading.numbers), time)

    def _time_beside(self, beside: Sequence[object]) -> float | None:
        names, values = beside
        row = {normal(n): v for n, v in zip(names, values, strict=True)}  # type: ignore[call-overload]
        return self._reading.time_or_none(row, *MEANINGS["time"])

    def columns(self, names: Names) -> RecordColumns:
        """Return what the columns of a row mean. Raise `InvalidInput` for what is ambiguous."""
        return self._columns.get(names) or self._find(names)

    def _find(self, names: Names) -> RecordColumns:
        reading = self._reading
        try:
            columns = RecordColumns.of(names, reading.choice, later=bool(self._columns))
        except InvalidInput as error:
            raise reading.source.error(str(error), of_names=True) from None
        if max(columns.vm_state, columns.status) < 0:
            shown = ", ".join(names)[:60]
            raise reading.source.error(
                f"no vm_state and no status among {shown!r}; "
                "name the columns: --columns server=…,time=…,vm_state=…,task_state=…",
                of_names=True,
            )
        name = columns.server_name()
        if not self._columns:
            self._server = name
        elif (name is None) != (self._server is None):
            wrong = "a server, but the first row names none; all rows do or none does"
            if name is None:
                wrong = f"no {self._server}; the first row has one, so every row names its server"
            raise reading.source.error(wrong)
        if len(self._columns) > MOST_LAYOUTS:
            self._columns.clear()
        self._columns[names] = columns
        return columns

    def _row(self, columns: RecordColumns, values: Sequence[object]) -> Observation:
        reading = self._reading
        names, server_at, time_at, vm, task, status, host_at, updated_at, others = columns
        cells = (
            values[vm] if vm >= 0 else ABSENT,
            values[task] if task >= 0 else ABSENT,
            values[status] if status >= 0 else ABSENT,
        )
        try:
            seen = self._meanings[cells]
        except (KeyError, TypeError):
            seen = self._meaning(cells)
        server = None
        if server_at >= 0:
            try:
                server = self._servers[values[server_at]]
            except (KeyError, TypeError):
                server = self._named(values[server_at], names[server_at])
        updated = None
        if updated_at >= 0 and values[updated_at]:
            updated = self._time(values[updated_at], names[updated_at])
        time = self._list_time
        if time_at >= 0:
            time = self._time(values[time_at], names[time_at])
        elif time is None:
            time = updated
        host = values[host_at] if host_at >= 0 else None
        return Observation(
            seen.shown,
            seen.state,
            seen.wrong,
            {name: values[n] for name, n in others} if reading.other_columns else NO_OTHERS,
            server,
            time,
            updated,
            host if isinstance(host, str) and host else None,
        )

    def _meaning(self, cells: Cells) -> Observation:
        try:
            return self._reading.meanings.of(cells)
        except InvalidInput as error:
            raise self._reading.source.error(str(error)) from None

    def _named(self, value: object, name: str) -> str | None:
        """The name of a server; a name that was read before is the same object."""
        if type(value) is not str:
            return self._reading.server(value, name)
        if len(self._servers) > MOST_SERVERS:
            self._servers.clear()
        server = self._servers[value] = self._reading.server(value, name)
        return server

    def _time(self, value: object, name: str) -> float:
        known, time = self._last_time
        if value is known or (value == known and type(value) is type(known)):
            return time
        if type(value) is str and "-" not in value:  # a number mostly, as dates have hyphens
            try:
                time = float(value)
            except ValueError:
                time = MILLISECONDS
            if 0 <= time < MILLISECONDS:
                self._last_time = value, time
                return time
        time = self._reading.time(value, name)
        self._last_time = value, time
        return time
