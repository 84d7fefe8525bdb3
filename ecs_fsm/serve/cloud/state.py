"""What a cloud keeps on disk: documents by kind and name in one SQLite file, or nowhere.

What was put since the last commit reaches the file together, and is on the disk when `commit`
returns.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.instance import Json

OURS = 0x45435346
"""SQLite's application_id of our files."""
VERSION = 1


class State:
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
