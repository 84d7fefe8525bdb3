"""A lifecycle file that extends another one: its keys replace or add.

With `operations_only` the other operations go, and with them the states that nothing reaches any
more, the events that apply nowhere, and everything that is said about these. Rows are kept as they
were written wherever they still mean the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import NO_SERVER, NO_TASK, State, bracketed
from ecs_fsm.core.notation import Notation, words
from ecs_fsm.core.rules import Rules
from ecs_fsm.core.validation import reached
from ecs_fsm.lifecycles.tabledata import Data, Tables, table_of

BY_NAME = ("statuses", "vm_states", "task_states", "operations", "events", "facts")
"""Tables of tables: an entry given again has its keys replaced one by one."""
BY_KEY = ("default_status", "groups", "sections", "undocumented")
ADDED = ("guards",)

_Written = tuple[State | None, dict[str, str]]


def extended(content: Data, inherited: Data) -> Data:
    """Return the data of a file together with that of the lifecycle that it extends."""
    merged = {**inherited, **content}
    for key in BY_NAME:
        old, new = cast(Tables, inherited.get(key, {})), cast(Tables, content.get(key, {}))
        merged[key] = {**old, **{name: {**old.get(name, {}), **row} for name, row in new.items()}}
    for key in BY_KEY:
        merged[key] = {**cast(Data, inherited.get(key, {})), **cast(Data, content.get(key, {}))}
    for key in ADDED:
        merged[key] = [*cast(list[Data], inherited.get(key, [])), *_list(content, key)]
    given = _single(cast(Mapping[str, str], content.get("pairs", {})))
    if "pairs" in merged:
        old_pairs = _single(cast(Mapping[str, str], inherited.get("pairs", {})))
        merged["pairs"] = _joined({**old_pairs, **given})
    del merged["extends"]
    if "operations_only" in merged:
        only = {*cast(list[str], merged.pop("operations_only"))}
        only |= cast(Tables, content.get("operations", {})).keys()
        merged["operations"] = {
            name: row for name, row in cast(Tables, merged["operations"]).items() if name in only
        }
        merged = _Restriction(merged, content, given).data()
    empty: tuple[object, ...] = ({}, [])
    return {key: value for key, value in merged.items() if value not in empty}


def _list(content: Data, key: str) -> list[Data]:
    return cast(list[Data], content.get(key, []))


def _single(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return the status of each pair by itself."""
    found: dict[str, str] = {}
    for key, status in pairs.items():
        vm_state, _, tasks = key.partition("/")
        found |= {f"{vm_state.strip()}/{task}": status for task in words(tasks)}
    return found


def _joined(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return the pairs with those of one vm_state and status in one row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for pair, status in pairs.items():
        vm_state, _, task = pair.partition("/")
        rows.setdefault((vm_state, status), []).append(task)
    return {f"{vm}/{', '.join(tasks)}": status for (vm, status), tasks in rows.items()}


class _Restriction:
    """The data of a lifecycle without what its operations do not need."""

    def __init__(self, merged: Data, content: Data, given: Mapping[str, str]) -> None:
        self._merged = merged
        self._content = content
        self._rules = Rules(table_of({**merged, "name": str(merged["name"])}))
        self._one_word = self._rules.table.one_word
        named = {*given, *(cast(Data, content.get("statuses", {})) if self._one_word else ())}
        entered = reached(self._rules)
        self._states: dict[str, State] = {
            state: state
            for state in self._rules.states.values()
            if state in entered or state in named
        }
        self._groups = self._kept_groups()
        facts = self._rules.table.facts
        self._notation = Notation(self._states, self._groups, facts, one_word=self._one_word)

    def data(self) -> Data:
        """Return the restricted data, or all of it where a row cannot be read: that is reported."""
        data = dict(self._merged)
        if self._rules.faults:
            return data
        data["groups"] = self._groups
        for key in ("operations", "events"):
            rows = {n: self._row(row) for n, row in cast(Tables, data[key]).items()}
            data[key] = {
                name: row
                for name, row in rows.items()
                if row["paths"] or name == self._rules.advance or key == "operations"
            }
        data |= self._words()
        if steps := str(data.get("unconditional", "")):
            data["unconditional"] = self._scope(steps)
        data["facts"] = {n: self._fact(f) for n, f in cast(Tables, data["facts"]).items()}
        triggers = {*cast(Data, data["operations"]), *cast(Data, data["events"])}
        data["guards"] = [
            {**guard, "allows": [n for n in cast(list[str], guard["allows"]) if n in triggers]}
            for guard in _list(data, "guards")
        ]
        requested = {*cast(Data, data["operations"])}
        sections = cast(Mapping[str, str], data["sections"])
        kept = {n: [w for w in words(text) if w in requested] for n, text in sections.items()}
        data["sections"] = {name: ", ".join(found) for name, found in kept.items() if found}
        things = triggers | {*self._states} | self._spellings() | {*cast(Data, data["statuses"])}
        said = (self._surprise(row, things) for row in _list(data, "surprises"))
        data["surprises"] = [row for row in said if row]
        data["undocumented"] = {
            key: first
            for key, first in cast(Mapping[str, str], data["undocumented"]).items()
            if {*key.split(" ", 1)} <= things and first not in self._states
        }
        vm_states = cast(Data, data.get("vm_states", {}))
        usual = cast(Data, data["default_status"])
        data["default_status"] = {vm: status for vm, status in usual.items() if vm in vm_states}
        return data

    def _spellings(self) -> set[str]:
        parts = ((s.vm_state, s.task_state or NO_TASK, s.status) for s in self._states.values())
        return {str(part) for state in parts for part in state}

    def _kept_groups(self) -> dict[str, str]:
        known = self._spellings()
        groups = {
            name: ", ".join(word for word in words(members) if word in known)
            for name, members in self._rules.table.groups.items()
        }
        return {name: members for name, members in groups.items() if members}

    def _words(self) -> Data:
        data: Data = {}
        used = {
            "vm_states": {str(s.vm_state) for s in self._states.values()},
            "task_states": {str(s.task_state) for s in self._states.values()},
            "statuses": {str(s.status) for s in self._states.values()},
        }
        for key, spellings in used.items():
            own = cast(Data, self._content.get(key, {}))
            kept = cast(Data, self._merged[key])
            data[key] = {w: said for w, said in kept.items() if w in spellings or w in own}
        if not self._one_word:
            pairs = _single(cast(Mapping[str, str], self._merged["pairs"]))
            data["pairs"] = _joined({p: s for p, s in pairs.items() if p in self._states})
        return data

    def _row(self, row: Data) -> Data:
        paths: dict[str, str] = {}
        for sources, path in cast(Mapping[str, str], row.get("paths", {})).items():
            written = [(s.state, s.when) for s in self._rules.notation.sources(sources)]
            kept = [w for w in written if self._applies(path, w[0])]
            if kept:
                paths[self._text(sources, kept)] = path
        return {**row, "paths": paths}

    def _applies(self, path: str, source: State | None) -> bool:
        if source is not None and source not in self._states:
            return False
        notation = self._rules.notation
        entries = (e for text, _ in notation.variants(path) for e in notation.path(text, source))
        return all(state in self._states for entry in entries for state in entry.states)

    def _fact(self, fact: Data) -> Data:
        fact = dict(fact)
        if scope := str(fact.get("scope", "")):
            fact["scope"] = self._scope(scope)
        implied = cast(Mapping[str, str], fact.get("implied", {}))
        kept = {self._scope(text): value for text, value in implied.items()}
        fact["implied"] = {text: value for text, value in kept.items() if text}
        return fact

    def _scope(self, text: str) -> str:
        written = [(s.state, s.when) for s in self._rules.notation.sources(text)]
        kept = [w for w in written if w[0] in self._states]
        return self._text(text, kept) if kept else ""

    def _text(self, text: str, kept: list[_Written]) -> str:
        """Return the text that stands for these sources: the old one, if it does."""
        try:
            if [(s.state, s.when) for s in self._notation.sources(text)] == kept:
                return text
        except InvalidInput:
            pass  # it names a word that has gone
        by_facts: dict[str, list[State | None]] = {}
        for state, when in kept:
            by_facts.setdefault(bracketed(tuple(when.items())), []).append(state)
        return "; ".join(
            f"{part} {facts}".strip()
            for facts, states in by_facts.items()
            for part in self._parts(states)
        )

    def _parts(self, states: Iterable[State | None]) -> list[str]:
        if self._one_word:
            return [", ".join(NO_SERVER if state is None else state for state in states)]
        tasks: dict[str, list[str]] = {}
        parts: list[str] = []
        for state in states:
            if state is None:
                parts.append(NO_SERVER)
            else:
                tasks.setdefault(state.vm_state, []).append(state.task_state or NO_TASK)
        alike: dict[str, list[str]] = {}
        for vm_state, named in tasks.items():
            alike.setdefault(", ".join(named), []).append(vm_state)
        return parts + [f"{', '.join(vm)}/{named}" for named, vm in alike.items()]

    def _surprise(self, row: Data, things: set[str]) -> Data | None:
        operations = {*self._rules.operations, *self._gone()}
        about = cast(list[str], row["about"])
        left = [thing for thing in about if thing in things]
        lost = any(n in operations for n in about) and not any(n in operations for n in left)
        return None if lost or not left else {**row, "about": left}

    def _gone(self) -> set[str]:
        """The operations that the extended lifecycle has and this one has not."""
        known = {*self._rules.triggers, *self._rules.states}
        table = self._rules.table
        known |= {*table.vm_states, *table.task_states, *table.statuses}
        about = (
            n for row in _list(self._merged, "surprises") for n in cast(list[str], row["about"])
        )
        return {name for name in about if name not in known}
