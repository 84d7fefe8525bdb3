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
"""Changes that can still be asked for."""


class LoggedChange(NamedTuple):
    """A change with its number, from 1 on, and whose it is."""

    number: int
    server: str
    name: str
    seen: HistoryEntry

    def as_dict(self) -> dict[str, Json]:
        """`{"number", "server", "name", "at", "event", "vm_state", "task_state", "status"}`.

        Where a server begins to hang, the row before comes again, with the event `hang`.
        """
        return {
            "number": self.number,
            "server": self.server,
            "name": self.name,
            "at": round(self.seen.at, 6),
            "event": self.seen.event,
            **self.seen.state.as_dict(),
            **({"hangs": True} if self.seen.event == HANG else {}),
        }


class EventLog:
    """The changes of a cloud from now on: the last of them, and all in the file at `path`.

    Raises `InvalidInput` for a file that cannot be written, or that holds something already unless
    it `goes_on`.
    """

    def __init__(self, cloud: Cloud, path: str | None = None, *, goes_on: bool = False) -> None:
        self.count = 0
        self._rows: deque[LoggedChange] = deque(maxlen=KEPT)
        self._heard: list[Callable[[], object]] = []
        self._file = _opened(path, goes_on) if path is not None else None
        cloud.listen(self._take)

    def since(self, number: int, most: int = KEPT) -> list[LoggedChange]:
        """At most so many of the changes after that number, as far as they are kept.

        Who has seen more changes than there were has them from before a new start, and gets all.
        """
        if number > self.count:
            number = 0
        first = self._rows[0].number if self._rows else 1
        begin = max(0, number + 1 - first)
        return list(islice(self._rows, begin, begin + most))

    def hear(self, heard: Callable[[], object]) -> Callable[[], None]:
        """Call `heard` after each change from now on; what is returned ends that."""
        self._heard.append(heard)
        return lambda: self._heard.remove(heard)

    def close(self) -> None:
        """Let the file go."""
        if self._file:
            self._file.close()
            self._file = None

    def _take(self, instance: Instance, seen: HistoryEntry) -> None:
        self.count += 1
        row = LoggedChange(self.count, instance.id, instance.name, seen)
        self._rows.append(row)
        if self._file:
            self._file.write(f"{json.dumps(row.as_dict(), ensure_ascii=False)}\n")
        for heard in self._heard:
            heard()


def _opened(path: str, goes_on: bool) -> TextIO:
    try:
        if not goes_on and Path(path).is_file() and Path(path).stat().st_size:
            raise InvalidInput(f"{path}: there is a file already; name a new one to record into")
        return open(path, "a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from None
