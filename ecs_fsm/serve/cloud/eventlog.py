"""Every change of every server, in the order in which they happened: for streams and for a file.

A line of the file is a row that `ecs-fsm replay` explains, with `server` and `at` (simulated
seconds) beside the states.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.scenario import HANG
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import HistoryEntry, Instance, Json

KEPT = 100_000
"""Changes that can still be read."""


class LoggedChange(NamedTuple):
    """A change with its number, from 1 on, and the id and name of its server."""

    number: int
    server: str
    name: str
    entry: HistoryEntry

    def as_dict(self) -> dict[str, Json]:
        """`{"number", "server", "name", "at", "event", "vm_state", "task_state", "status"}`.

        Where a server starts to hang, the row before is repeated, with the event `hang`.
        """
        return {
            "number": self.number,
            "server": self.server,
            "name": self.name,
            "at": round(self.entry.at, 6),
            "event": self.entry.event,
            **self.entry.state.as_dict(),
            **({"hangs": True} if self.entry.event == HANG else {}),
        }


class EventLog:
    """The changes of a cloud from now on: the last of them, and all in the file at `path`.

    Raise `InvalidInput` for a file that cannot be written, and for one with content unless the log
    `resumes`.
    """

    def __init__(self, cloud: Cloud, path: str | None = None, *, resumes: bool = False) -> None:
        self.count = 0
        self._rows: deque[LoggedChange] = deque(maxlen=KEPT)
        self._listeners: list[Callable[[], object]] = []
        self._file = _opened(path, resumes) if path is not None else None
        cloud.on_entry(self._take)

    def since(self, number: int, most: int = KEPT) -> list[LoggedChange]:
        """Return at most `most` of the changes after that number, as far as they are kept.

        A number above the last is from before a restart: then all changes are returned.
        """
        if number > self.count:
            number = 0
        first = self._rows[0].number if self._rows else 1
        begin = max(0, number + 1 - first)
        return list(islice(self._rows, begin, begin + most))

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call `listener` after each change from now on. Return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _take(self, instance: Instance, entry: HistoryEntry) -> None:
        self.count += 1
        row = LoggedChange(self.count, instance.id, instance.name, entry)
        self._rows.append(row)
        if self._file:
            self._file.write(f"{json.dumps(row.as_dict(), ensure_ascii=False)}\n")
        for listener in self._listeners:
            listener()


def _opened(path: str, resumes: bool) -> TextIO:
    try:
        if not resumes and Path(path).is_file() and Path(path).stat().st_size:
            raise InvalidInput(f"{path}: there is a file already; name a new one to record into")
        return open(path, "a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from None
