"""A table printed as a lifecycle file, in TOML or in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Table
from ecs_fsm.lifecycles.tabledata import Data, as_data

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ROWS = ("operations", "events", "facts")
"""Tables whose entries have a header of their own."""


def as_toml(table: Table) -> str:
    """Return a table as the text of a lifecycle file; reading it gives an equal table."""
    return toml_of(as_data(table))


def as_json(table: Table) -> str:
    """Return the same as JSON."""
    return json.dumps(as_data(table), indent=2, ensure_ascii=False)


def summary(lifecycle: Lifecycle) -> Iterator[str]:
    """Yield the lines that say in short what a lifecycle is."""
    table = lifecycle.table
    yield f"{lifecycle.name}: {table.title}" if table.title else lifecycle.name
    kinds = f"{len(lifecycle.operations)} operations, {len(lifecycle.events)} events"
    yield f"{len(lifecycle.states)} states, {kinds}, {len(lifecycle.transitions)} transitions"
    yield f"attributes: {', '.join(table.attributes.values())}"
    yield f"operations: {', '.join(lifecycle.operations)}"
    if table.facts:
        yield f"facts: {', '.join(fact.name for fact in table.facts)}"
    if table.unreached:
        yield f"documented and never reached: {', '.join(table.unreached)}"
    if table.source:
        yield f"source: {table.source}"


def toml_of(data: Data) -> str:
    """Return the data of a lifecycle file as TOML."""
    lines = [
        f"{key} = {_value(value)}"
        for key, value in data.items()
        if isinstance(value, str) or key == "unreached"
    ]
    for key, value in data.items():
        if key in _ROWS:
            for name, row in cast(Mapping[str, Data], value).items():
                lines += _row((key, name), row)
        elif isinstance(value, dict):
            lines += ["", f"[{key}]", *_entries(value)]
        elif isinstance(value, list) and key != "unreached":
            for row in cast(list[Data], value):
                lines += ["", f"[[{key}]]", *_entries(row)]
    return "\n".join(lines) + "\n"


def _row(path: tuple[str, str], row: Data) -> Iterator[str]:
    header = ".".join(map(_key, path))
    paths = row.get("paths")
    yield ""
    yield f"[{header}]"
    yield from _entries({key: value for key, value in row.items() if key != "paths"})
    if isinstance(paths, dict) and len(paths) == 1:
        yield f"paths = {_value(paths)}"
    elif isinstance(paths, dict) and paths:
        yield f"[{header}.paths]"
        yield from _entries(paths)


def _entries(table: Mapping[str, object]) -> Iterator[str]:
    return (f"{_key(key)} = {_value(value)}" for key, value in table.items())


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)


def _value(value: object) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(_entries(value))} }}" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # What JSON escapes in a text, TOML escapes in the same way; both write true and false.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
