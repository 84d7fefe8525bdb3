"""A lifecycle file: read, extended, and checked, with every fault at its line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

from ecs_fsm.core.errors import Fault, InvalidInput, InvalidTable
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.core.model import NO_TASK, Table
from ecs_fsm.core.notation import words
from ecs_fsm.io.toml import TomlFile
from ecs_fsm.lifecycles.extension import extended
from ecs_fsm.lifecycles.shape import faults as shape_faults
from ecs_fsm.lifecycles.tabledata import Data, advance_of, as_data, table_of

EXPECTED = "expected a lifecycle as `ecs-fsm lifecycle new` prints one"
MOST_BYTES = 262_144
MOST_WRITES = 200_000
"""States that all paths together may enter, from all their sources."""
DEEPEST = 8
"""Files that can extend one another."""

Find = Callable[[str], Lifecycle]


def read(file: str, find: Find) -> Lifecycle:
    """Return the lifecycle of a file, which can extend one that `find` returns for its name.

    Raise `InvalidInput` for a file that is not TOML, and `InvalidTable` with everything else that
    is wrong, each as `file:line: keys: what is wrong`.
    """
    toml = TomlFile.read(file, EXPECTED, MOST_BYTES)
    table = _table(toml, (), find)
    faults = [*_taken(table)]
    try:
        lifecycle = Lifecycle(table)
    except InvalidTable as error:
        raise _located(toml, [*faults, *error.faults]) from None
    _refuse(toml, faults)
    lifecycle.file = file
    return lifecycle


def _table(toml: TomlFile, children: tuple[str, ...], find: Find) -> Table:
    content = cast(Data, dict(toml.content))
    _refuse(toml, shape_faults(content))
    if parent := content.get("extends"):
        inherited = as_data(_parent(toml, str(parent), children, find))
        _refuse(toml, _spoilt(content, inherited))
        content = extended(content, inherited)
    elif "operations_only" in content:
        raise _located(toml, [Fault("it needs the key extends", path=("operations_only",))])
    _refuse(toml, _misshapen(content))
    table = table_of(content)
    _refuse(toml, _too_much(table))
    return table


def _parent(toml: TomlFile, parent: str, children: tuple[str, ...], find: Find) -> Table:
    here = (*children, str(Path(toml.file).resolve()))
    try:
        if not parent.endswith(".toml"):
            return find(parent).table
        beside = Path(toml.file).with_name(parent)
        if str(beside.resolve()) in here or len(here) > DEEPEST:
            raise InvalidInput(f"{parent} extends this file, or {DEEPEST} files extend each other")
        other = TomlFile.read(str(beside), EXPECTED, MOST_BYTES)
        return _table(other, here, find)
    except InvalidInput as error:
        raise _located(toml, [Fault(str(error), path=("extends",))]) from None


def _spoilt(content: Data, inherited: Data) -> Iterable[Fault]:
    if ("vm_states" in inherited) != ("vm_states" in {**inherited, **content}):
        yield Fault("the extended lifecycle has one attribute", path=("vm_states",))
    known = {*cast(Data, inherited["operations"]), *cast(Data, content.get("operations", {}))}
    for number, name in enumerate(cast(list[str], content.get("operations_only", []))):
        if name not in known:
            from ecs_fsm.core.errors import unknown

            wrong = str(unknown("operation", name, known))
            yield Fault(wrong, path=("operations_only", number))


def _misshapen(content: Data) -> Iterable[Fault]:
    """Yield what the keys of the whole file have wrong beside each other."""
    attributes = cast(Mapping[str, str], content.get("attributes", {}))
    pairs = cast(Mapping[str, str], content.get("pairs", {}))
    if [*attributes] == ["status"]:
        for key in ("vm_states", "task_states", "pairs", "default_status", "unknown_status"):
            if key in content:
                wrong = "with one attribute there are statuses alone"
                yield Fault(wrong, path=(key,))
    elif attributes and len(attributes) < 3:
        yield Fault("status alone, or status, vm_state and task_state", path=("attributes",))
    elif not pairs:
        needed = "statuses, vm_states and pairs; or [attributes] with status alone, and statuses"
        yield Fault(f"there are no states: write {needed}")
    if not content.get("statuses"):
        yield Fault("there are no statuses", path=("statuses",))
    for key in pairs:
        if not all(part.strip() for part in (key.partition("/"))):
            yield Fault("a pair is written vm_state/task, task", path=("pairs", key))
    for key in cast(Mapping[str, str], content.get("undocumented", {})):
        if len(key.split(" ", 1)) < 2:
            yield Fault('write "operation vm_state"', path=("undocumented", key))
    for name, row in cast(Mapping[str, Data], content.get("events", {})).items():
        if "kind" not in row and name != advance_of(content):
            yield Fault("the key kind is missing", path=("events", name))


def _taken(table: Table) -> Iterable[Fault]:
    """Yield names that mean something else where they stand."""
    if len({row.name for row in table.rows}) < len(table.rows):
        for row in (row for row in table.rows if row.kind != "request"):
            if any(row.name == other.name and other is not row for other in table.rows):
                yield Fault(f"{row.name} is an operation already", path=("events", row.name))
    for row in table.rows:
        if hasattr(BaseServer, row.name) and any("(" not in source for source in row.paths):
            key = "operations" if row.kind == "request" else "events"
            wrong = f"every server has an attribute {row.name}: choose another name"
            yield Fault(wrong, path=(key, row.name))
    states = {*table.vm_states, *table.task_states}
    for name in table.groups:
        if name in states:
            yield Fault(f"{name} is a word of the API as well", path=("groups", name))
    for kind in ("statuses", "vm_states", "task_states"):
        for word in getattr(table, kind):
            if word in ("any", "same", "null", "none", NO_TASK):
                yield Fault(f"{word} has a meaning in the notation", path=(kind, str(word)))


def _too_much(table: Table) -> Iterable[Fault]:
    sizes = {name: len(words(text)) for name, text in table.groups.items()}
    states = sum(len(words(tasks)) for _, tasks, _ in table.pairs)
    sizes |= {"any": states}
    total = 0
    for row in table.rows:
        for sources, path in row.paths.items():
            total += _most(sources, sizes) * _most(path, sizes)
    if total > MOST_WRITES:
        yield Fault(f"its paths enter {total} states; at most {MOST_WRITES} are possible")


def _most(text: str, sizes: Mapping[str, int]) -> int:
    """Return how many states sources or a path can name at most, each as often as it is named."""
    total = 0
    for part in _SEPARATORS.split(text):
        vm_states, _, tasks = part.partition("/")
        product = 1
        for side in (vm_states, tasks):
            product *= sum(sizes.get(word.strip(" ~"), 1) for word in side.split(","))
        total += product
    return total


_SEPARATORS = re.compile(r";|->|\+")


def _refuse(toml: TomlFile, faults: Iterable[Fault]) -> None:
    found = list(faults)
    if found:
        raise _located(toml, found)


def _located(toml: TomlFile, faults: Iterable[Fault]) -> InvalidTable:
    """Return the error that shows each fault as `file:line: keys = "row": what is wrong`."""
    lines = []
    for fault in faults:
        line = toml.line(*fault.path)
        shown = _keys(fault.path)
        row = _value(toml, fault.path)
        where = f"{toml.file}:{line}: " + (f"{shown}{row}: " if shown else "")
        lines.append((line, f"{where}{fault.wrong}"))
    return InvalidTable(*dict.fromkeys(text for _, text in sorted(lines, key=lambda n: n[0])))


def _keys(path: tuple[str | int, ...]) -> str:
    shown = ""
    for key in path:
        if isinstance(key, int):
            shown += f"[{key}]"
        elif key.replace("_", "").isalnum():
            shown += f".{key}" if shown else key
        else:
            shown += f'."{key}"' if shown else f'"{key}"'
    return shown


def _value(toml: TomlFile, path: tuple[str | int, ...]) -> str:
    """Return ` = "the text"` of a row in which a text or a list stands, nothing for any other."""
    inside: object = toml.content
    for key in path:
        if isinstance(inside, dict):
            inside = inside.get(key)
        elif isinstance(inside, list) and isinstance(key, int) and key < len(inside):
            inside = inside[key]
        else:
            return ""
    if isinstance(inside, list) and all(isinstance(one, str) for one in inside):
        return f" = {json.dumps(inside, ensure_ascii=False)}"
    return f' = "{inside}"' if isinstance(inside, str) else ""
