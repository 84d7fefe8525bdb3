"""Functions that are known to wait: those of well-known clients, and those that a project declares.

A project declares its own in `.ecs-fsm.toml` as tables `[[helper]]`, or in pyproject.toml as
`[[tool.ecs-fsm.helper]]`, with the keys of `helpers.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.io.toml import TomlFile, shipped
from ecs_fsm.waiters.judge import NAMES, STATUS

OWN_FILE, PROJECT_FILE = ".ecs-fsm.toml", "pyproject.toml"
TABLE = "helper"
_LISTS = ("parameters", "target", "failure", "operations")
_SWITCHES = ("certain",)


@dataclass(frozen=True, slots=True)
class Helper:
    """A function that waits for a server, as described in `helpers.toml`."""

    function: str
    server: str
    parameters: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    target_from: str = ""
    failure: tuple[str, ...] = ()
    failure_from: str = ""
    attribute: str = STATUS
    attribute_from: str = ""
    settled: str = ""
    quiet: str = ""
    gone: str = ""
    manager: str = ""
    needs: str = ""
    certain: bool = False
    operations: tuple[str, ...] = ()

    def place(self, parameter: str) -> int:
        """Return the place of a parameter, a place that no call has for an unknown one."""
        return self.parameters.index(parameter) if parameter in self.parameters else 1_000

    def fits(self, chain: str) -> bool:
        """Return whether a call `a.b.c()` written as `a.b.c` is one of this function."""
        return chain == self.function or chain.endswith(f".{self.function}")


@cache
def known_helpers() -> tuple[Helper, ...]:
    """Return the helpers of well-known clients, the more specific ones first."""
    rows = shipped(__package__, "helpers.toml")[TABLE]
    return in_order([_helper(row, "helpers.toml", declared=False) for row in rows])


def in_order(helpers: Sequence[Helper]) -> tuple[Helper, ...]:
    """Return helpers so that the first one that fits a call is the one that is meant."""
    return tuple(sorted(helpers, key=lambda h: (-h.function.count("."), not h.needs)))


def declared_helpers(folder: Path) -> tuple[Helper, ...]:
    """Return the helpers that a folder declares. Raise `InvalidInput` for invalid ones."""
    found: list[Helper] = []
    for name in (OWN_FILE, PROJECT_FILE):
        file = folder / name
        if not file.is_file():
            continue
        try:
            rows: object = TomlFile.read(str(file), f"expected tables [[{TABLE}]]").content
        except InvalidInput:
            if name == PROJECT_FILE:
                continue  # not ours to judge
            raise
        for key in ("tool", "ecs-fsm") if name == PROJECT_FILE else ():
            rows = rows.get(key, {}) if isinstance(rows, Mapping) else {}
        listed = rows.get(TABLE, []) if isinstance(rows, Mapping) else []
        if not isinstance(listed, list):
            raise InvalidInput(f"{file}: {TABLE} is not a list; expected tables [[{TABLE}]]")
        found += [_helper(row, str(file)) for row in listed]
    return tuple(found)


def _helper(row: object, file: str, *, declared: bool = True) -> Helper:
    known = [field.name for field in fields(Helper)]
    if not isinstance(row, Mapping):
        raise InvalidInput(f"{file}: {row!r} is not a table; expected [[{TABLE}]]")
    values: dict[str, object] = {"certain": True} if declared else {}
    for key, value in row.items():
        if key not in known:
            raise InvalidInput(f"{file}: {unknown('key', key, known)}")
        values[key] = _value(key, value, file)
    for key in ("function", "server"):
        if not values.get(key):
            raise InvalidInput(f"{file}: a helper has no {key}; expected function and server")
    if not values.get("target") and not values.get("target_from"):
        raise InvalidInput(f"{file}: a helper has neither target nor target_from; expected one")
    if values.get("attribute", STATUS) not in NAMES:
        raise InvalidInput(f"{file}: {unknown('attribute', str(values['attribute']), NAMES)}")
    return Helper(**values)  # type: ignore[arg-type]  # checked by _value


def _value(key: str, value: object, file: str) -> object:
    if key in _LISTS:
        listed = [value] if isinstance(value, str) else value
        if isinstance(listed, list) and all(isinstance(word, str) for word in listed):
            return tuple(listed)
        raise InvalidInput(f"{file}: {key} is {value!r}; expected a list of texts")
    if key in _SWITCHES:
        if isinstance(value, bool):
            return value
        raise InvalidInput(f"{file}: {key} is {value!r}; expected true or false")
    if isinstance(value, str):
        return value
    raise InvalidInput(f"{file}: {key} is {value!r}; expected a text")
