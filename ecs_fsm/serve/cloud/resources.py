"""What stands around servers: networks, flavors, projects and more, each a document of a kind.

The documents are kept in the state file of the cloud, and are as the tables of their services say.
A document is never changed in place: `put` replaces it, so that what looks documents up by a field
stays right.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, cast
from uuid import UUID, uuid5

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.store import Document, StateFile

Item = dict[str, Any]
"""A document with its `id`."""
RESOURCE = "resource"
SERVICES = resources.files("ecs_fsm.serve")
MOST_OF_A_KIND = 20_000
IDENTIFIERS = UUID("6f1c1f0e-6a4b-4c58-9d0a-0f0a6d1f8774")


def identifier(kind: str, name: str) -> str:
    """Return the id that follows from a name of a kind: 32 hexadecimal digits."""
    return uuid5(IDENTIFIERS, f"{kind}:{name}").hex


OWNER = identifier("project", "admin")
"""The project that owns what exists from the start."""


NAMES = {str: "string", bool: "boolean", int: "integer", float: "number"}
NAMES |= {list: "array", dict: "object", type(None): "null"}
"""Types of JSON schemas."""


@cache
def tables() -> dict[str, dict[str, Any]]:
    """Return what the file of each service declares."""
    known = [(service.name, service / f"{service.name}.toml") for service in SERVICES.iterdir()]
    return {name: tomllib.loads(file.read_text("utf-8")) for name, file in known if file.is_file()}


@cache
def stored_schema(kind: str) -> Item:
    """Return the JSON schema of the stored documents of a kind. Raise `ValueError` for no kind."""
    for written in tables().values():
        row, kept = (written.get(table, {}).get(kind) for table in ("kinds", "kept"))
        if kept or (row and row.get("stored", True)):
            types, row = written.get("types", {}), row or {"bare": True, "owned": False}
            common = {} if row.get("bare") else written.get("common", {})
            fields = {**common, **row.get("fields", {})}
            own = row.get("owned", written["service"].get("owned", True))
            needed = {"id", "project_id"} if own else {"id"}
            known = {name: _stored(field, types) for name, field in fields.items()}
            known |= {name: {"type": "string"} for name in needed}
            known |= {
                n: types.get(str(which), {"type": which}) for n, which in (kept or {}).items()
            }
            needed |= {n for n, f in fields.items() if f.get("required") and not f.get("hide")}
            return {"type": "object", "properties": known, "required": needed | {*(kept or ())}}
    raise ValueError(f"{kind} is not a kind of resource")


def _stored(field: Item, types: Mapping[str, Item]) -> Item:
    """Return the schema of a stored field; without a type, it has that of its default."""
    schema, default = {**types.get(field.get("is", ""), {}), **field}, field.get("default")
    names = _names({"type": "string" if default is None else NAMES[type(default)], **schema})
    empty = field.get("null") or (default is None and not field.get("required"))
    return {**schema, "required": (), "type": [*names, "null"] if empty else names}


def _names(schema: Item) -> list[str]:
    return schema["type"] if isinstance(schema["type"], list) else [schema["type"]]


def wrong(schema: Item, value: Any, where: str) -> str | None:
    """Return what is missing or of a wrong type by a JSON schema, None if nothing is."""
    names, parts = _names(schema), schema.get("properties", {})
    name = NAMES[int if isinstance(value, float) and value.is_integer() else type(value)]
    if name not in names and not (name == "integer" and "number" in names):
        return f"{where} is {json.dumps(value)[:60]}; expected {' or '.join(names)}"
    for missing in schema.get("required", ()) if name == "object" else ():
        if missing not in value:
            return f"{where}.{missing} is missing; expected {' or '.join(_names(parts[missing]))}"
    every = value.items() if name == "object" else enumerate(value) if name == "array" else ()
    for key, one in every:
        part = parts.get(key) or schema.get("items") or schema.get("additionalProperties")
        if not part or (isinstance(one, str) and "string" in part["type"]):
            continue  # most are texts
        if reason := wrong(part, one, f"{where}.{key}"):
            return reason
    return None


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
                if reason := wrong(stored_schema(kind), item, name):
                    raise ValueError(reason)
                if item["id"] != item_id:
                    raise ValueError(f"{name}.id is {item['id']!r}; expected {item_id!r}")
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
        """Return the shelf of a kind. Raise `ValueError` for one whose documents have no schema."""
        if kind not in self._shelves:
            stored_schema(kind)
            self._shelves[kind] = Shelf(kind, self._state)
        return self._shelves[kind]
