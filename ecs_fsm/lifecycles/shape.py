"""The shape of a lifecycle file: its JSON Schema, and the check of a file against it.

The schema is the only description of the keys. Editors read it, and so does `faults`, which knows
the words of JSON Schema that stand in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import cast

from ecs_fsm.core.errors import Fault, unknown

Schema = Mapping[str, object]
FILE = Path(__file__).with_name("lifecycle.schema.json")
KINDS = {"string": "a text", "boolean": "true or false", "array": "a list", "object": "a table"}
TYPES = {"string": str, "boolean": bool, "array": list, "object": dict}
Keys = tuple[str | int, ...]


@cache
def schema() -> Schema:
    """Return the JSON Schema of a lifecycle file."""
    return cast(Schema, json.loads(FILE.read_text(encoding="utf-8")))


def usual(key: str) -> str:
    """Return the value of a key that a file leaves out."""
    properties = cast(Mapping[str, Schema], schema()["properties"])
    return str(properties[key]["default"])


def faults(content: object, part: Schema | None = None, path: Keys = ()) -> Iterator[Fault]:
    """Yield everything in which a parsed file differs from the schema."""
    part = _resolved(schema() if part is None else part)
    kind = str(part["type"])
    if not isinstance(content, TYPES[kind]):
        yield Fault(f"expected {KINDS[kind]}, not {_shown(content)}", path=path)
    elif isinstance(content, str):
        yield from _text_faults(content, part, path)
    elif isinstance(content, list):
        yield from _size_faults(len(content), part, "Items", path)
        for number, item in enumerate(content):
            yield from faults(item, cast(Schema, part["items"]), (*path, number))
    elif isinstance(content, dict):
        yield from _table_faults(content, part, path)


def _resolved(part: Schema) -> Schema:
    reference = part.get("$ref")
    if reference is None:
        return part
    name = str(reference).rpartition("/")[2]
    return cast(Mapping[str, Schema], schema()["$defs"])[name]


def _text_faults(text: str, part: Schema, path: Keys) -> Iterator[Fault]:
    most = cast(int, part.get("maxLength", len(text)))
    if len(text) > most:
        yield Fault(f"longer than {most} characters", path=path)
    elif not text.isprintable():
        yield Fault(f"{text!r} has characters that cannot be seen; write it in one line", path=path)
    elif "enum" in part:
        known = cast(list[str], part["enum"])
        if text not in known:
            yield Fault(str(unknown("word", text, known)), path=path)
    elif "pattern" in part and not re.search(str(part["pattern"]), text):
        yield Fault(f"{text!r} does not fit here; expected {_expected(part)}", path=path)


def _expected(part: Schema) -> str:
    defined = cast(Mapping[str, Schema], schema()["$defs"])
    if part == defined["word"]:
        return "a word of the API, without signs of the notation such as / , ; -> [ ] { }"
    if part == defined["identifier"]:
        return "a name of letters, digits and _"
    return f"a text that matches {part['pattern']}"


def _size_faults(size: int, part: Schema, kind: str, path: Keys) -> Iterator[Fault]:
    most = cast(int, part.get(f"max{kind}", size))
    if size > most:
        yield Fault(f"{size} entries; at most {most} are possible", path=path)
    elif size < cast(int, part.get(f"min{kind}", 0)):
        yield Fault("empty; at least one entry is needed", path=path)


def _table_faults(table: Mapping[str, object], part: Schema, path: Keys) -> Iterator[Fault]:
    yield from _size_faults(len(table), part, "Properties", path)
    known = cast(Mapping[str, Schema], part.get("properties", {}))
    for key in cast(list[str], part.get("required", [])):
        if key not in table:
            yield Fault(f"the key {key} is missing", path=path)
    others = part.get("additionalProperties")
    for key, value in table.items():
        inner = known.get(key, others)
        if not inner:
            yield Fault(str(unknown("key", key, known)), path=(*path, key))
            continue
        if names := part.get("propertyNames"):
            yield from _text_faults(key, _resolved(cast(Schema, names)), (*path, key))
        elif len(key) > MOST_KEY or not key.isprintable():
            wrong = f"a key is at most {MOST_KEY} characters that can be seen"
            yield Fault(wrong, path=path)
        yield from faults(value, cast(Schema, inner), (*path, key))


MOST_KEY = 2000
"""Characters in the sources of a path, which are the longest keys."""


def _shown(content: object) -> str:
    for name, kind in TYPES.items():
        if isinstance(content, kind):
            return KINDS[name]
    return repr(content)[:40]
