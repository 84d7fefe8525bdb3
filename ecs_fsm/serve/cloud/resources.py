"""What stands around servers: networks, flavors, projects and more, each a document of a kind.

The documents are kept in the state file of the cloud. A document is never changed in place: `put`
replaces it, so that what looks documents up by a field stays right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID, uuid5

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.store import Document, StateFile

Item = dict[str, Any]
"""A document with its `id`."""
RESOURCE = "resource"
MOST_OF_A_KIND = 20_000
IDENTIFIERS = UUID("6f1c1f0e-6a4b-4c58-9d0a-0f0a6d1f8774")


def identifier(kind: str, name: str) -> str:
    """Return the id that follows from a name of a kind: 32 hexadecimal digits."""
    return uuid5(IDENTIFIERS, f"{kind}:{name}").hex


OWNER = identifier("project", "admin")
"""The project that owns what exists from the start."""


class InUse(InvalidInput):
    """A resource cannot be had or removed now; the message says what is in the way."""


class Shelf:
    """The documents of a kind by id, in the order of their creation."""

    def __init__(self, kind: str, state: StateFile) -> None:
        self.kind, self._state = kind, state
        self.all: dict[str, Item] = {}
        self._count = 0
        self._numbers: dict[str, int] = {}
        self._by: dict[str, dict[object, dict[str, Item]]] = {}

    def __iter__(self) -> Iterator[Item]:
        return iter(self.all.values())

    def __len__(self) -> int:
        return len(self.all)

    def get(self, item_id: object) -> Item | None:
        """Return the document of that id, None without one."""
        return self.all.get(cast(str, item_id))

    def by(self, field: str, value: object) -> list[Item]:
        """Return the documents with that value of a field."""
        if field not in self._by:
            self._by[field] = {}
            for item in self:
                self._by[field].setdefault(item.get(field), {})[item["id"]] = item
        return [*self._by[field].get(value, {}).values()]

    def put(self, item: Item) -> Item:
        """Store a document, in place of the one of that id, and return it."""
        name = item["id"]
        if name not in self.all and len(self.all) >= MOST_OF_A_KIND:
            raise InUse(f"Quota exceeded for resources: [{self.kind!r}].")
        self._replace(name, item)
        if self._state.kept:
            number = self._numbers.setdefault(name, self._count + 1)
            self._count = max(number, self._count)
            self._state.put(RESOURCE, f"{self.kind}/{name}", [number, item])
        return item

    def change(self, item: Item, **changes: object) -> Item:
        """Store a document with changed fields, and return it."""
        return self.put({**item, **changes})

    def drop(self, name: str) -> None:
        """Remove the document of that id, if there is one."""
        if name in self.all:
            self._replace(name, None)
            self._numbers.pop(name, None)
            self._state.drop(RESOURCE, f"{self.kind}/{name}")

    def restore(self, number: int, item: Item) -> None:
        """Take a document from the state file."""
        self._replace(item["id"], item)
        self._numbers[item["id"]] = number
        self._count = max(self._count, number)

    def _replace(self, name: str, item: Item | None) -> None:
        old = self.all.get(name)
        for field, found in self._by.items():
            if old is not None and (item is None or item.get(field) != old.get(field)):
                found[old.get(field)].pop(name, None)
            if item is not None:
                found.setdefault(item.get(field), {})[name] = item
        if item is None:
            del self.all[name]
        else:
            self.all[name] = item


class Resources:
    """All documents of a cloud. Raise `InvalidInput` for invalid ones in its state file.

    `fresh` says that the file had none, so that what exists from the start is to be put.
    """

    def __init__(self, state: StateFile) -> None:
        self._state = state
        state.sources.append(self._documents)
        self._shelves: dict[str, Shelf] = {}
        rows: list[tuple[int, str, Item]] = []
        try:
            for name, row in state.all(RESOURCE):
                number, item = cast(tuple[int, Item], row)
                kind, _, item_id = name.partition("/")
                if item["id"] != item_id:
                    raise ValueError(f"{name} has the id {item['id']}")
                rows.append((int(number), kind, item))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"{state.path}: the file is broken: {RESOURCE}: {error}") from None
        for number, kind, item in sorted(rows, key=lambda row: row[0]):
            self.of(kind).restore(number, item)
        self.fresh = not rows

    def _documents(self) -> Iterator[Document]:
        for shelf in self._shelves.values():
            for number, item in enumerate(shelf, start=1):
                yield RESOURCE, f"{shelf.kind}/{item['id']}", [number, item]

    def of(self, kind: str) -> Shelf:
        """Return the shelf of a kind."""
        if kind not in self._shelves:
            self._shelves[kind] = Shelf(kind, self._state)
        return self._shelves[kind]

    def commit(self) -> None:
        """Write what was put and dropped to the disk."""
        self._state.commit()
