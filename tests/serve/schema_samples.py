"""Bodies and queries made from JSON schemas: some that a schema takes, and changes of each kind.

A validator decides which are right; here only candidates are made.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

Takes = Callable[[Any, Any], bool]
"""Whether a schema takes a value."""
UUID = "70a599e0-31e7-49b7-b260-868f441e862b"
TEXTS = (
    *("1", "web", "AUTO", UUID, "true", "10.0.0.5", "2001:db8::1", "10.0.0.0/24"),
    *("fa:16:3e:00:00:01", "2026-01-01T00:00:00Z", "SOFT", "aGVsbG8=", "auto", "novnc", "active"),
    *("name", "asc", "nova-compute", "", "x" * 20),
)
POOL: tuple[Any, ...] = (*TEXTS, 1, 0, True, None, {}, [])
"""Values, of which nearly every schema of one takes some."""
WRONG: tuple[Any, ...] = (
    *(None, True, 7, -1, 2**40, 1.5, [], {}, "", " ", " x ", "x", "-1", "no/slash", "a,b", "ON"),
    *("x" * 256, "x" * 70_000, ["x"], [1], {"x": "y"}, "true", "300.1.1.1", "a b", "1"),
)
KEYS = ("x", "web", UUID)


class Sample(NamedTuple):
    """A value, and what was done to it."""

    what: str
    value: Any


def samples(schema: Any, takes: Takes) -> list[Sample]:
    """Return values with all properties and with the required ones, and changes of the former."""
    whole = made(schema, takes, whole=True)
    least = made(schema, takes, whole=False)
    return [Sample("whole", whole), Sample("least", least), *changed(whole)]


def made(schema: Any, takes: Takes, *, whole: bool) -> Any:
    """Return a value that a schema takes: with every property, or with the required ones only."""
    found: Any
    for part in _choices(schema):
        if "properties" in part or "patternProperties" in part:
            found = _object(part, takes, whole=whole)
        elif part.get("type") == "array" and isinstance(part.get("items"), dict):
            some = whole or part.get("minItems")
            found = [made(part["items"], takes, whole=whole)] if some else []
        else:
            found = next((v for v in (*part.get("enum", ()), *POOL) if takes(part, v)), None)
        if takes(schema, found):
            return copy.deepcopy(found)
    return next((value for value in POOL if takes(schema, value)), None)


def _choices(schema: Any) -> Iterator[Any]:
    yield schema
    for key in ("oneOf", "anyOf", "allOf"):
        for part in schema.get(key, ()):
            yield {**{k: v for k, v in schema.items() if k != key}, **part}


def _object(schema: Any, takes: Takes, *, whole: bool) -> dict[str, Any]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    required = schema.get("required", ())
    found = {
        key: made(part, takes, whole=whole)
        for key, part in properties.items()
        if whole or key in required
    }
    for part in schema.get("patternProperties", {}).values() if whole else ():
        inner = made(part, takes, whole=True)
        found |= next(({key: inner} for key in KEYS if takes(schema, {**found, key: inner})), {})
    return found


def changed(value: Any) -> Iterator[Sample]:
    """Yield copies of a value with one thing changed: a key more, a key less, another value."""
    for place in _places(value):
        at = ".".join(map(str, place)) or "body"
        here = _get(value, place)
        if isinstance(here, dict):
            yield Sample(f"{at}: unknown key", _with(value, (*place, "unknown"), 1))
            for key in here:
                yield Sample(f"{at}: without {key}", _without(value, (*place, key)))
        if isinstance(here, list) and here:
            yield Sample(f"{at}: twice", _with(value, place, here * 2))
            yield Sample(f"{at}: many", _with(value, place, here * 70))
        for other in WRONG if place else ():
            yield Sample(f"{at}: {str(other)[:12]!r}", _with(value, place, other))


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    inner: Any = value.items() if isinstance(value, dict) else ()
    for key, part in enumerate(value) if isinstance(value, list) else inner:
        yield from _places(part, (*place, key))


def _get(value: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        value = value[key]
    return value


def _with(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    found = copy.deepcopy(value)
    _get(found, place[:-1])[place[-1]] = new
    return found


def _without(value: Any, place: tuple[Any, ...]) -> Any:
    found = copy.deepcopy(value)
    del _get(found, place[:-1])[place[-1]]
    return found
