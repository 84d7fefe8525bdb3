"""Reads recordings of servers: JSON, JSON Lines or CSV with a vm_state and a task_state per row.

Rows are read one by one, whatever the size of the file; a row that does not fit is an error that
names the file, the line and what was expected.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import BinaryIO, NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, State
from ecs_fsm.io.files import error_at

CHUNK = 1 << 16
MAX_ROW = 1 << 20
"""Bytes that one row may take."""

SPELLINGS = {
    "vm_state": ("vm_state", "OS-EXT-STS:vm_state"),
    "task_state": ("task_state", "OS-EXT-STS:task_state"),
    "status": ("status",),
}
SERVERS = ("server", "server_id", "instance", "instance_uuid", "uuid")
"""Columns that name the server of a row; where a recording has several, the first of these does."""
OWN = {spelling for spellings in SPELLINGS.values() for spelling in spellings}
NOTHING = ("", NO_TASK, "null", "none", "None", "NULL")
EXPECTED = "expected a JSON array, JSON Lines or CSV whose rows have vm_state and task_state"


class ActionStep(NamedTuple):
    """One step of an action, as the cloud timed it: seconds since 1970, None where not known.

    `tasks` are the task_states that it covers in the lifecycle, `failed` is None while it runs.
    """

    word: str
    tasks: tuple[str, ...] = ()
    began: float | None = None
    finished: float | None = None
    failed: bool | None = None
    host: str | None = None


class Action(NamedTuple):
    """What a record names as done to a server: the cloud's word, and the trigger that it means.

    `operation` is None for what the lifecycle does not have; `failed` is None where the record does
    not say how it ended, or not yet. It begins at the time of its row.
    """

    word: str
    operation: str | None = None
    failed: bool | None = None
    finished: float | None = None
    request: str | None = None
    steps: tuple[ActionStep, ...] = ()


class Observation(NamedTuple):
    """One row of a record: what was seen of a server, or done to it.

    `shown` has vm_state, task_state and status where the pair is known; status and task_state, or
    status, where only these are known and several pairs fit; nothing in a row about an action.
    `wrong` says in what a row of known words contradicts the table, `state` is None where its pair
    does not occur or is not known. `others` are the other columns of the row, among them the one
    that names its `server`, None where the recording names none. `time` is in seconds since 1970;
    `updated` is the time of the last write before, where the row has both.
    """

    shown: Mapping[str, str | None]
    state: State | None
    wrong: str | None
    others: Mapping[str, object] = {}
    server: str | None = None
    time: float | None = None
    updated: float | None = None
    host: str | None = None
    action: Action | None = None

    def fits(self, state: State) -> bool:
        """Return whether a server in `state` can show this row."""
        if "vm_state" in self.shown:
            return state == self.state
        same_task = "task_state" not in self.shown or self.shown["task_state"] == state.task_state
        return same_task and self.shown.get("status") == state.status

    def as_dict(self) -> dict[str, object]:
        """What it shows, with the other columns of its row."""
        return {**self.others, **self.shown}

    def __str__(self) -> str:
        first = self.shown.get("vm_state") or self.shown.get("status")
        if "task_state" in self.shown:
            return f"{first}/{self.shown['task_state'] or NO_TASK}"
        return str(first)


class LineSource:
    """A file that is read line by line and knows its name, its line and how far it has come."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name = name
        self.line = 0
        self.position = 0
        self.row_began = 0
        self._stream = stream
        self._first = b""
        self._line_ended = True

    def begin(self) -> bytes:
        """The first line that is not blank; it is read again by whatever reads next."""
        while not self._first.strip():
            self._first = self._next().removeprefix(b"\xef\xbb\xbf")
            if not self._first:
                raise InvalidInput(f"{self.name}: the file is empty; {EXPECTED}")
        while len(self._first) < MAX_ROW and not self._line_ended and (piece := self._next()):
            self._first += piece
        return self._first

    def read(self, size: int = -1) -> bytes:
        """The next line or part of one; `size` 0 reads nothing, as `ijson` asks at its start."""
        if size == 0:
            return b""
        piece, self._first = self._first or self._next(), b""
        if self.position - self.row_began > MAX_ROW:
            raise self.error(f"a row of more than {MAX_ROW} bytes")
        return piece

    def lines(self) -> Iterator[str]:
        """The lines as text."""
        while piece := self.read():
            line = piece
            while not line.endswith(b"\n") and (piece := self.read()):
                line += piece
            try:
                yield line.decode()
            except UnicodeDecodeError:
                raise self.error("not valid UTF-8") from None

    def error(self, wrong: str) -> InvalidInput:
        """An error at the present line."""
        return error_at(self.name, self.line, wrong)

    def _next(self) -> bytes:
        piece = self._stream.readline(CHUNK)
        self.line += self._line_ended and bool(piece)
        self._line_ended = piece.endswith(b"\n")
        self.position += len(piece)
        return piece


def read(source: LineSource, lifecycle: Lifecycle, *, sampled: bool) -> Iterator[Observation]:
    """The observations of a recording, in order; with `sampled`, a row may hold status alone.

    The first row decides whether a column names the servers, and which.
    """
    known: dict[tuple[str | None, ...], Observation] = {}
    rows = _rows(source)
    first = next(rows, None)
    if first is None:
        return
    column = next((name for name in SERVERS if name in first), None)
    for row in chain((first,), rows):
        source.row_began = source.position
        given = tuple(_cell(row, name, source) for name in SPELLINGS)
        if given not in known:
            try:
                known[given] = _observation(lifecycle, given, sampled)
            except InvalidInput as error:
                raise source.error(str(error)) from None
        others = {name: value for name, value in row.items() if name not in OWN}
        if others or column:
            server = _server(others, column, source)
            yield known[given]._replace(others=others, server=server)
        else:
            yield known[given]


def _server(others: Mapping[str, object], column: str | None, source: LineSource) -> str | None:
    if column is None:
        if others.keys().isdisjoint(SERVERS):
            return None
        raise source.error("a server, but the first row names none; all rows do or none does")
    value = others.get(column)
    if value is None or str(value).strip() in NOTHING:
        raise source.error(f"no {column}; the first row has one, so every row names its server")
    # Only what cannot break a line of the answer.
    name = str(value)
    if isinstance(value, str | int) and not isinstance(value, bool) and name.isprintable():
        return name
    shown = json.dumps(value, default=str)[:60]
    raise source.error(f"{column} is {shown}, not the name of a server")


def _cell(row: Mapping[str, object], name: str, source: LineSource) -> str | None:
    for spelling in SPELLINGS[name]:
        if spelling in row:
            value = row[spelling]
            if value is None or value in NOTHING:
                return NO_TASK if name == "task_state" else None
            if isinstance(value, str):
                return value
            raise source.error(f"{spelling} is {json.dumps(value, default=str)}, not a word")
    return None


def _observation(lifecycle: Lifecycle, given: tuple[str | None, ...], sampled: bool) -> Observation:
    vm_state, task_state, status = given
    shown_status = None if status is None else lifecycle.word("status", status)
    if vm_state is None:
        if shown_status and task_state is not None:
            return _by_status(lifecycle, shown_status.value, task_state)
        if sampled and shown_status:
            return Observation({"status": shown_status.value}, None, None)
        alone = "" if sampled else " (where states were missed, --sampled, status alone will do)"
        raise InvalidInput(f"no vm_state; a row has vm_state and task_state{alone}")
    if task_state is None:
        raise InvalidInput("no task_state beside vm_state; write null or - for no task")
    vm = lifecycle.word("vm_state", vm_state)
    task = None if task_state == NO_TASK else lifecycle.word("task_state", task_state)
    state = lifecycle.states.get(f"{vm}/{task or NO_TASK}")
    if state is None:
        shown = {"vm_state": vm.value, "task_state": task and task.value, "status": status}
        wrong = f"{vm}/{task_state} is not one of the {len(lifecycle.states)} pairs"
        return Observation(shown, None, wrong)
    if status not in (None, state.status):
        wrong = f"status {status} contradicts {state}, which shows {state.status}"
        return Observation({**state.as_dict(), "status": status}, state, wrong)
    return Observation(state.as_dict(), state, None)


def _by_status(lifecycle: Lifecycle, status: str, task_state: str) -> Observation:
    """What a status with a task_state says: mostly the whole pair."""
    task = None if task_state == NO_TASK else lifecycle.word("task_state", task_state).value
    shown = {"task_state": task, "status": status}
    found = [s for s in lifecycle.states.values() if (s.task_state, s.status) == (task, status)]
    if len(found) == 1:
        return Observation(found[0].as_dict(), found[0], None)
    wrong = None if found else f"no pair shows {status} with the task {task_state}"
    return Observation(shown, None, wrong)


def _rows(source: LineSource) -> Iterator[Mapping[str, object]]:
    first = source.begin().lstrip()
    if first.startswith(b"["):
        yield from _json_rows(source, "item")
    elif first.startswith(b"{"):
        yield from _json_rows(source, "changes.item") if _wraps(first) else _json_lines(source)
    else:
        yield from _csv_rows(source)


def _wraps(line: bytes) -> bool:
    """Whether the object that begins here holds the rows, rather than being the first of them."""
    try:
        row = json.loads(line)
    except RecursionError:
        return False
    except ValueError:
        return line.count(b"}") < line.count(b"{")
    return isinstance(row.get("changes"), list) and not any(n in row for n in SPELLINGS["vm_state"])


def _json_rows(source: LineSource, where: str) -> Iterator[Mapping[str, object]]:
    import ijson

    found = where == "item"
    try:
        # As floats, because the parser does not survive an endless whole number.
        for row in ijson.items(source, where, use_float=True):
            found = True
            if not isinstance(row, dict):
                raise source.error("a row is an object with vm_state and task_state")
            yield row
    except ijson.JSONError as error:
        reason = error.args[0]
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise source.error(f"not valid JSON ({text.splitlines()[0].strip()})") from None
    if not found:
        raise InvalidInput(f"{source.name}: an object without rows in its changes; {EXPECTED}")


def _json_lines(source: LineSource) -> Iterator[Mapping[str, object]]:
    for line in source.lines():
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise source.error(f"not valid JSON ({error}); {EXPECTED}") from None
            if not isinstance(row, dict):
                raise source.error("a row is an object with vm_state and task_state")
            yield row


def _csv_rows(source: LineSource) -> Iterator[Mapping[str, object]]:
    csv.field_size_limit(MAX_ROW)
    rows = csv.reader((line for line in source.lines() if line.strip()), strict=True)
    try:
        header = [name.strip() for name in next(rows)]
        if not any(name in header for name in ("status", *SPELLINGS["vm_state"])):
            raise source.error(f"no column vm_state among {', '.join(header)[:60]!r}; {EXPECTED}")
        for row in rows:
            if len(row) != len(header):
                raise source.error(f"{len(row)} columns, {len(header)} were expected")
            yield dict(zip(header, (cell.strip() for cell in row), strict=True))
    except csv.Error as error:
        raise source.error(f"not valid CSV ({error})") from None
