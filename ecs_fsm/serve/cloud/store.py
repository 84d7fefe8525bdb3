"""The state file: documents by kind and name in an SQLite file, or nowhere, and items made of them.

What was put since the last commit reaches the file together, and is on the disk when `commit`
returns.
"""

from __future__ import annotations

import json
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
"""SQLite's application_id of our files."""
VERSION = 1


class StateFile:
    """The file at `path`, made if there is none; without a path nothing is kept.

    Raises `InvalidInput`, and leaves the file as it was, for one that is broken, of another
    version, of another program or in use.
    """

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._file = None if path is None else _opened(path)

    @property
    def kept(self) -> bool:
        """Whether there is a file that keeps anything."""
        return self._file is not None

    def put(self, kind: str, name: str, document: Json) -> None:
        """Keep a document in the place of the one of that kind and name."""
        if self._file:
            row = kind, name, json.dumps(document)
            self._file.execute("REPLACE INTO document VALUES (?, ?, ?)", row)

    def drop(self, kind: str, name: str) -> None:
        """Forget a document, and those whose names go on with `name/`."""
        if self._file:
            row = kind, name, f"{name}/", f"{name}0"
            clause = "kind = ? AND (name = ? OR name > ? AND name < ?)"
            self._file.execute(f"DELETE FROM document WHERE {clause}", row)  # noqa: S608

    def commit(self) -> None:
        """Have everything on the disk that was put so far."""
        if self._file and self._file.in_transaction:
            self._file.commit()

    def all(self, kind: str) -> Iterator[tuple[str, Json]]:
        """The documents of a kind with their names, in the order of these."""
        if self._file:
            rows = "SELECT name, body FROM document WHERE kind = ? ORDER BY name"
            for name, body in self._file.execute(rows, (kind,)):
                yield name, json.loads(body)

    def close(self) -> None:
        """Commit, and let the file go."""
        if self._file:
            self.commit()
            self._file.close()
            self._file = None


def _opened(path: str) -> sqlite3.Connection:
    old = Path(path).exists() and Path(path).stat().st_size > 0
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
    """Raise for a file that cannot be used, before anything in it is changed."""
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
    """The things of a `kind` in a `state`, each a model or a dataclass of the type `made`.

    Those that the state has kept come in their `order`, then the others as they are put. Raises
    `InvalidInput` for what the state has of that kind and does not read.
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
        """The thing of that name."""
        return self._there.get(name)

    def put(self, name: str, thing: T) -> None:
        """Keep a thing in the place of the one of that name."""
        self._there[name] = thing
        if self._state.kept:
            self._state.put(self._kind, name, self._adapter.dump_python(thing, mode="json"))

    def drop(self, name: str) -> None:
        """Forget the thing of that name, if there is one."""
        if self._there.pop(name, None) is not None:
            self._state.drop(self._kind, name)

    def commit(self) -> None:
        """Have on the disk what was put and dropped."""
        self._state.commit()
