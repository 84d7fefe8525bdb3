"""The state file: documents by kind and name in an SQLite file, or nowhere.

What was put since the last commit reaches the file together, and is on the disk when `commit`
returns. Where it finds no room, nothing of it does.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.instance import Json

logger = logging.getLogger("ecs_fsm.cloud")
OURS = 0x45435346
"""SQLite's application_id of state files."""
VERSION = 2
MOST_WAITING = 1000
"""Writes that wait for room before older ones of the same document are forgotten."""
OWNER_ONLY = 0o600
"""The mode of our files: they hold what users gave to their servers."""


class NoRoom(Exception):
    """A change cannot be written, for example since the disk is full; it was not made."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: no room is left to keep the change: {reason}")


class StateLost(Exception):
    """The state cannot be kept at all."""


Document = tuple[str, str, Json]
"""A kind, a name and what is stored under them."""
Source = Callable[[], Iterator[Document]]
"""Yields all that a part of the cloud would store."""
ROOM, LARGE = "room", 65_536
"""What is written to see whether there is room, with its bytes."""
FULL = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
}
"""Errors of SQLite that a disk with more room may not have."""


class StateFile:
    """The file at `path`, made if there is none; without a path nothing is stored.

    `on_commit` is called after each commit and `on_discard` when a change is discarded. `sources`
    are the parts of the cloud, for a copy of it without a file.

    Raise `InvalidInput`, and leave the file unchanged, if it is broken, of another version, of
    another program or in use. Raise `StateLost` without room for it.
    """

    # Why the file survives a crash at any moment: a change of the cloud is one transaction, since
    # `commit` is called when the change is complete and not between its documents. In the WAL mode
    # a transaction is appended to a log, and synchronous = FULL waits until the log is on the disk;
    # the next start replays whole transactions and drops a torn one. A client gets its response
    # after the commit, so what it was promised is in the file. The exclusive lock keeps a second
    # process from writing its own cloud into the same file.

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.sources: list[Source] = []
        self.on_commit: Callable[[], object] = lambda: None
        self.on_discard: Callable[[], object] = lambda: None
        self._given: list[tuple[str, str, str]] = []
        self._waiting: list[tuple[str, tuple[str, ...]]] = []
        self._together = self._passing = self._full = False
        self._file = None if path is None else _opened(path)

    @property
    def kept(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    @property
    def stored(self) -> bool:
        """Whether there may be documents to read."""
        return self._file is not None or bool(self._given)

    def put(self, kind: str, name: str, document: Json) -> None:
        """Store a document, in place of the one of that kind and name."""
        if self._file:
            self._waiting.append((PUT, (kind, name, json.dumps(document))))

    def drop(self, kind: str, name: str) -> None:
        """Remove a document, and those whose names begin with `name/`."""
        if self._file:
            self._waiting.append((DROP, (kind, name, f"{name}/", f"{name}0")))

    def commit(self) -> None:
        """Write everything that was put so far to the disk.

        Raise `NoRoom` if there is none: then what was put is discarded, and the cloud is to be read
        again. While time passes, it waits for the next commit instead.
        """
        if self._together:
            return
        reason = self._written()
        if reason is not None and not self._passing:
            self._waiting.clear()
            self.on_discard()
            raise NoRoom(str(self.path), reason)
        self.on_commit()

    def _written(self) -> str | None:
        """Write what waits in one transaction. Return why that fails, None if it does not."""
        if not self._file or not self._waiting:
            return None
        try:
            self._file.execute("BEGIN")
            for clause, row in self._waiting:
                self._file.execute(clause, row)
            self._file.commit()
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._file.rollback()
            if getattr(error, "sqlite_errorcode", None) not in FULL:
                raise StateLost(f"{self.path}: the state cannot be kept: {error}") from error
            if not self._full:
                logger.error("%s: no room is left: %s; changes are refused", self.path, error)
            self._full = True
            if len(self._waiting) > MOST_WAITING:
                self._waiting = _latest(self._waiting)
            return str(error)
        self._waiting.clear()
        return None

    def require_room(self) -> None:
        """Raise `NoRoom` from a write that fails on until a large one succeeds."""
        if not self._full:
            return
        self._waiting.append((PUT, (ROOM, ROOM, "0" * LARGE)))
        if (reason := self._written()) is not None:
            self._waiting.pop()
            raise NoRoom(str(self.path), reason)
        self._full = False
        self.drop(ROOM, ROOM)
        logger.warning("%s: there is room again; changes are taken", self.path)

    @contextlib.contextmanager
    def one_change(self) -> Iterator[None]:
        """Let all that is done inside reach the disk together, or not at all."""
        self._together = True
        try:
            yield
        finally:
            self._together = False
            self.commit()

    @contextlib.contextmanager
    def time_passes(self) -> Iterator[None]:
        """Let what is done inside wait for room, as time goes on whatever happens."""
        before, self._passing = self._passing, True
        try:
            yield
        finally:
            self._passing = before

    def all(self, kind: str) -> Iterator[tuple[str, Json]]:
        """Yield the documents of a kind with their names, in the order of the names."""
        found: Iterable[tuple[str, str]] = ()
        if self._file:
            rows = "SELECT name, body FROM document WHERE kind = ? ORDER BY name"
            found = self._file.execute(rows, (kind,))
        elif self._given:
            found = sorted((name, body) for own, name, body in self._given if own == kind)
        for name, body in found:
            yield name, json.loads(body, parse_float=finite, parse_constant=finite)

    def copy(self) -> list[tuple[str, str, str]]:
        """Return everything that is stored, or would be if there were a file."""
        if self._file:
            with self.time_passes():
                self.commit()
            rows = "SELECT kind, name, body FROM document WHERE kind != ?"
            return [*self._file.execute(rows, (ROOM,))]
        documents = (document for source in self.sources for document in source())
        return [(kind, name, json.dumps(body)) for kind, name, body in documents]

    def replace(self, documents: list[tuple[str, str, str]] | None = None) -> None:
        """Store documents in place of all others, or keep those of the file without any.

        What was made of the earlier ones is to be read again.
        """
        self.sources.clear()
        self._waiting.clear()
        if documents is None:
            return
        self._given = [] if self._file else documents
        if self._file:
            self._waiting = [(CLEAR, ()), *((PUT, document) for document in documents)]
            self.commit()

    def close(self) -> None:
        """Commit, and close the file."""
        if self._file:
            reason = self._written()
            self._file.close()
            self._file = None
            if reason is not None:
                raise StateLost(f"{self.path}: the last changes are not kept: {reason}")


PUT = "REPLACE INTO document VALUES (?, ?, ?)"
DROP = "DELETE FROM document WHERE kind = ? AND (name = ? OR name > ? AND name < ?)"
CLEAR = "DELETE FROM document"


def _latest(writes: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the last write of each document, in their order."""
    found: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {}
    for clause, row in writes:
        found.pop((clause, *row[:2]), None)
        found[clause, *row[:2]] = clause, row
    return [*found.values()]


def finite(text: str) -> float:
    """Return a number of JSON. Raise `ValueError` for one that is not finite."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def _opened(path: str) -> sqlite3.Connection:
    old = Path(path).exists() and Path(path).stat().st_size > 0
    with contextlib.suppress(OSError):  # SQLite makes its other files with the mode of this one
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
        if Path(path).is_file():
            os.chmod(path, OWNER_ONLY)
    try:
        file = sqlite3.connect(path, timeout=0.5, check_same_thread=False, isolation_level=None)
        try:
            if old:
                _check(file, path)
            file.execute("PRAGMA locking_mode = EXCLUSIVE")
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = FULL")
            if not old:
                file.execute(f"PRAGMA application_id = {OURS}")
                file.execute(f"PRAGMA user_version = {VERSION}")
            file.execute(
                "CREATE TABLE IF NOT EXISTS document"
                " (kind TEXT, name TEXT, body TEXT, PRIMARY KEY (kind, name)) WITHOUT ROWID"
            )
            file.execute("BEGIN IMMEDIATE")
            file.commit()
        except BaseException:
            file.close()
            for made in () if old else (path, f"{path}-wal", f"{path}-journal"):
                Path(made).unlink(missing_ok=True)
            raise
    except sqlite3.OperationalError as error:
        used = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
        why = "another process is using it" if used else str(error)
        if error.sqlite_errorcode in FULL:
            raise StateLost(f"{path}: no room is left to keep the state: {error}") from None
        raise InvalidInput(f"{path}: {why}; expected a state file of ecs-fsm serve") from None
    except sqlite3.DatabaseError as error:
        raise InvalidInput(f"{path}: {error}; expected a state file of ecs-fsm serve") from None
    return file


def _check(file: sqlite3.Connection, path: str) -> None:
    """Raise for an unusable file, before anything in it is changed."""
    (owner,) = file.execute("PRAGMA application_id").fetchone()
    (version,) = file.execute("PRAGMA user_version").fetchone()
    if owner != OURS:
        raise InvalidInput(f"{path}: this file is another program's; expected one of our own")
    if version != VERSION:
        raise InvalidInput(f"{path}: a state file of version {version}; expected {VERSION}")
    (found,) = file.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise InvalidInput(f"{path}: the file is broken: {found}")
