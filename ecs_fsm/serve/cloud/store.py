"""The state file: documents by kind and name in an SQLite file, or nowhere, and items made of them.

What was put since the last commit reaches the file together, and is on the disk when `commit`
returns.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sqlite3
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.instance import Json

if TYPE_CHECKING:
    from pydantic import TypeAdapter

OURS = 0x45435346
"""SQLite's application_id of state files."""
VERSION = 1
OWNER_ONLY = 0o600
"""The mode of our files: they hold what users gave to their servers."""


class StateFile:
    """The file at `path`, made if there is none; without a path nothing is stored.

    Raise `InvalidInput`, and leave the file unchanged, if it is broken, of another version, of
    another program or in use.
    """

    # Why the file survives a crash at any moment: a change of the cloud is one transaction, since
    # `commit` is called when the change is complete and not between its documents. In the WAL mode
    # a transaction is appended to a log, and synchronous = FULL waits until the log is on the disk;
    # the next start replays whole transactions and drops a torn one. A client gets its response
    # after the commit, so what it was promised is in the file. The exclusive lock keeps a second
    # process from writing its own cloud into the same file.

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._file = None if path is None else _opened(path)

    @property
    def kept(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    def put(self, kind: str, name: str, document: Json) -> None:
        """Store a document, in place of the one of that kind and name."""
        if self._file:
            row = kind, name, json.dumps(document)
            self._file.execute("REPLACE INTO document VALUES (?, ?, ?)", row)

    def drop(self, kind: str, name: str) -> None:
        """Remove a document, and those whose names begin with `name/`."""
        if self._file:
            row = kind, name, f"{name}/", f"{name}0"
            clause = "kind = ? AND (name = ? OR name > ? AND name < ?)"
            self._file.execute(f"DELETE FROM document WHERE {clause}", row)  # noqa: S608

    def commit(self) -> None:
        """Write everything that was put so far to the disk."""
        if self._file and self._file.in_transaction:
            self._file.commit()

    def all(self, kind: str) -> Iterator[tuple[str, Json]]:
        """Yield the documents of a kind with their names, in the order of the names."""
        if self._file:
            rows = "SELECT name, body FROM document WHERE kind = ? ORDER BY name"
            for name, body in self._file.execute(rows, (kind,)):
                yield name, json.loads(body, parse_float=_finite, parse_constant=_finite)

    def close(self) -> None:
        """Commit, and close the file."""
        if self._file:
            self.commit()
            self._file.close()
            self._file = None


def _finite(text: str) -> float:
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
        file = sqlite3.connect(path, timeout=0.5, check_same_thread=False)
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
            raise
    except sqlite3.OperationalError as error:
        used = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
        why = "another process is using it" if used else str(error)
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


T = TypeVar("T")


class Repository(Generic[T]):
    """The items of a `kind` in a state file, each a model or a dataclass of the type `made`.

    Stored items come in their `order`, then new ones as they are put. Raise `InvalidInput` for
    invalid documents of that kind.
    """

    def __init__(
        self, state: StateFile, kind: str, made: type[T], order: Callable[[T], Any] | None = None
    ) -> None:
        self._state, self._kind, self._type = state, kind, made
        self._there: dict[str, T] = {}
        if not state.kept:
            return
        try:
            found = [(name, self._adapter.validate_python(row)) for name, row in state.all(kind)]
        except ValueError as error:
            first = str(error).splitlines()[0]
            raise InvalidInput(f"{state.path}: the file is broken: {kind}: {first}") from None
        self._there |= dict(sorted(found, key=lambda each: order(each[1])) if order else found)

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        from pydantic import TypeAdapter

        return TypeAdapter(self._type)

    def __len__(self) -> int:
        return len(self._there)

    def __iter__(self) -> Iterator[T]:
        return iter(self._there.values())

    def get(self, name: str) -> T | None:
        """Return the item of that name, None without one."""
        return self._there.get(name)

    def put(self, name: str, item: T) -> None:
        """Store an item, in place of the one of that name."""
        self._there[name] = item
        if self._state.kept:
            self._state.put(self._kind, name, self._adapter.dump_python(item, mode="json"))

    def drop(self, name: str) -> None:
        """Remove the item of that name, if there is one."""
        if self._there.pop(name, None) is not None:
            self._state.drop(self._kind, name)

    def commit(self) -> None:
        """Write what was put and dropped to the disk."""
        self._state.commit()
