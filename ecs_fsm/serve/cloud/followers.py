"""What follows a cloud: the loop that makes its changes when they are due, and the log of them.

One task serves all servers. Between batches of changes the requests get their turn, also while a
whole year passes at once. A line of the log's file is a row that `ecs-fsm replay` explains, with
`server` and `at` (simulated seconds) beside the states.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import stat
from collections.abc import Callable, Iterator
from io import FileIO
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.scenario import HANG
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import HistoryEntry, Instance, Json
from ecs_fsm.serve.cloud.store import OWNER_ONLY

BATCH = 20
"""Changes that are made before requests get their turn; one takes well under 0.1 ms."""
LONGEST_SLEEP = 3600.0


class Clockwork:
    """Makes the changes of a cloud: those that are due, and those up to a requested time.

    Only one `advance` or `step` runs at once: others wait, and continue from its end.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self.follow(cloud)

    def follow(self, cloud: Cloud) -> None:
        """Make the changes of this cloud from now on."""
        self.cloud = cloud
        cloud.on_wake(self._woken.set)
        self._woken.set()

    async def run(self) -> None:
        """Make every change when it is due, in batches between which requests are answered."""
        while True:
            self._woken.clear()
            wait = self.cloud.wait()
            if wait is not None and wait <= 0:
                async with self._turn:
                    self.cloud.run(BATCH)
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                longest = LONGEST_SLEEP if wait is None else wait
                await asyncio.wait_for(self._woken.wait(), longest)

    async def advance(self, seconds: float) -> int:
        """Let that many seconds pass at once. Return the number of changes."""
        return await self._make(lambda: self.cloud.advancing(seconds, BATCH))

    async def step(self, count: int) -> int:
        """Advance to the end of the next `count` steps. Return how many there were."""
        return await self._make(lambda: self.cloud.stepping(count))

    async def _make(self, begin: Callable[[], Iterator[int]]) -> int:
        done = 0
        async with self._turn:
            cloud, batches = self.cloud, begin()
            for made in batches:
                done += made
                await asyncio.sleep(0)
                if cloud is not self.cloud:
                    break
        self._woken.set()  # the next change may be due earlier than `run` expects
        return done


KEPT = 100_000
"""Changes that can still be read."""
logger = logging.getLogger("ecs_fsm.cloud")


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

    A file that cannot be written any more, for example on a full disk, ends with its last whole
    row; the cloud goes on. Raise `InvalidInput` for a file that cannot be written, and for one
    with content unless the log `resumes`.
    """

    def __init__(self, cloud: Cloud, path: str | None = None, *, resumes: bool = False) -> None:
        self.count = 0
        self._rows: list[LoggedChange] = []
        self._listeners: list[Callable[[], object]] = []
        self._path = path
        self._file = _opened(path, resumes) if path is not None else None
        self._kept = 0
        self.follow(cloud)

    def follow(self, cloud: Cloud, *, anew: bool = False) -> None:
        """Take the changes of a cloud from now on; those of another one stay, but for `anew`."""
        if anew:
            self._rows.clear()
            self.count = self._kept = 0
        cloud.schedule.entries.append(self._take)
        cloud.state.on_commit, cloud.state.on_discard = self._commit, self._discard
        for listener in self._listeners:
            listener()

    def since(self, number: int, most: int = KEPT) -> list[LoggedChange]:
        """Return at most `most` of the changes after that number, as far as they are kept.

        A number above the last is from before a restart: then all changes are returned.
        """
        if number > self.count:
            number = 0
        first = self._rows[0].number if self._rows else 1
        begin = max(0, number + 1 - first)
        return self._rows[begin : begin + most]

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

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
        if len(self._rows) > KEPT + KEPT // 10:
            del self._rows[:-KEPT]
        for listener in self._listeners:
            listener()

    def _commit(self) -> None:
        """Write the changes that are in the state of the cloud now."""
        new, self._kept = self.count - self._kept, self.count
        for row in self._rows[-new:] if new and self._file else ():
            if self._file:
                text = json.dumps(row.as_dict(), ensure_ascii=False)
                self._write(self._file, f"{text}\n".encode(), row.number)

    def _discard(self) -> None:
        """Forget the changes that are not in the state of the cloud."""
        del self._rows[len(self._rows) - (self.count - self._kept) :]
        self.count = self._kept

    def _write(self, file: FileIO, row: bytes, number: int) -> None:
        """Write a row whole, or end the file with the row before."""
        written: int | None = 0
        try:
            written = file.write(row)
            if written == len(row):
                return
            reason = "no room is left"
        except OSError as error:
            reason = str(error.strerror)
        if written and file.seekable():
            file.truncate(file.tell() - written)
        logger.error("%s: the recording ends at change %d: %s", self._path, number - 1, reason)
        self.close()


def _opened(path: str, resumes: bool) -> FileIO:
    # Without O_NONBLOCK, a pipe that nothing reads would wait for its reader.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
    try:
        file = FileIO(os.open(path, flags, OWNER_ONLY), "a")
    except OSError as error:
        reason = "nothing reads this pipe" if error.errno == errno.ENXIO else error.strerror
        raise InvalidInput(f"{path}: {reason}") from None
    found = os.fstat(file.fileno())
    if stat.S_ISREG(found.st_mode):
        if found.st_size and not resumes:
            file.close()
            raise InvalidInput(f"{path}: there is a file already; name a new one to record into")
        with contextlib.suppress(OSError):
            os.chmod(path, OWNER_ONLY)
    return file
