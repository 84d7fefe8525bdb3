"""A table as plain data, key by key as a lifecycle file has it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ecs_fsm.core.model import (
    ATTRIBUTES,
    GONE,
    NO_TASK,
    Fact,
    Guard,
    Kind,
    Rows,
    Surprise,
    Table,
)
from ecs_fsm.core.phrases import noun_of, short_name
from ecs_fsm.core.word import Spelled, Tone, Word, word_class
from ecs_fsm.lifecycles.shape import usual

Data = dict[str, object]
Tables = dict[str, Data]
ADVANCE_MEANING = "The running step ends as it should and the next one begins."


def as_data(table: Table) -> Data:
    """Return a table as the data of a lifecycle file; keys that say nothing are left out."""
    data: Data = {"name": table.name, "title": table.title, "thing": table.thing}
    data |= {"source": table.source, "advance": table.advance}
    data |= {"unknown_status": table.unknown_status, "unreached": [*table.unreached]}
    data["unconditional"] = table.unconditional
    if table.one_word or table.attributes != ATTRIBUTES:
        data["attributes"] = dict(table.attributes)
    data["statuses"] = _words(table.statuses, toned=True)
    if not table.one_word:
        data["vm_states"] = _words(table.vm_states, toned=False)
        data["task_states"] = _words(table.task_states, toned=False)
        data["pairs"] = {f"{vm}/{tasks}": s for vm, tasks, s in table.pairs if vm != GONE}
    data |= {"default_status": dict(table.default_status), "groups": dict(table.groups)}
    data["sections"] = dict(table.sections)
    for key, requests in (("operations", True), ("events", False)):
        rows = (row for row in table.rows if (row.kind is Kind.REQUEST) is requests)
        data[key] = {row.name: _row(row) for row in rows}
    data["facts"] = {fact.name: _fact(fact) for fact in table.facts}
    data["guards"] = [guard._asdict() | {"allows": [*guard.allows]} for guard in table.guards]
    data["surprises"] = [{"text": s.text, "about": [*s.about]} for s in table.surprises]
    data["undocumented"] = {f"{o} {vm}": first for (o, vm), first in table.undocumented.items()}
    left_out = {key: usual(key) for key in ("advance", "thing")}
    return {
        key: value
        for key, value in data.items()
        if value not in (None, "", [], {}) and value != left_out.get(key)
    }


def _words(words: type[Word], *, toned: bool) -> Data:
    return {
        str(word): {"meaning": word.meaning} | ({"tone": str(word.tone)} if toned else {})
        for word in words
        if word != GONE
    }


def _row(row: Rows) -> Data:
    data: Data = {} if row.kind is Kind.REQUEST else {"kind": str(row.kind)}
    data |= {"meaning": row.meaning} | ({"paths": dict(row.paths)} if row.paths else {})
    if row.unseen:
        data["unseen"] = True
    if row.given:
        data["given"] = {name: value or "" for name, value in row.given.items()}
    if row.pauses:
        data["pauses"] = True
    if row.rare:
        data["rare"] = True
    return data


def _fact(fact: Fact) -> Data:
    data: Data = {"values": [*fact.values], "meaning": fact.meaning, "because": fact.because}
    data |= {"scope": fact.scope, "implied": dict(fact.implied)}
    if fact.default is not None:
        data["default"] = fact.default
    if fact.circumstance:
        data["circumstance"] = True
    return {key: value for key, value in data.items() if value not in ("", {})}


def table_of(data: Data) -> Table:
    """Return the table of data that has the shape of a lifecycle file."""
    attributes = {**cast(dict[str, str], data.get("attributes", ATTRIBUTES))}
    one_word = [*attributes] == ["status"]
    gone = any(GONE in text for row in _rows(data) for text in row.paths.values())
    thing = str(data.get("thing", usual("thing")))
    beyond = ((GONE, f"The {thing} is gone.", str(Tone.SLATE)),) if gone else ()
    if one_word:
        statuses = word_class("Status", _spelled(data, "statuses") + beyond, attributes["status"])
        vm_states, task_states = statuses, word_class("TaskState", ())
        pairs = [(str(word), NO_TASK, str(word)) for word in statuses]
    else:
        called = (short_name(attributes["status"]), noun_of(attributes["task_state"]))
        statuses = word_class("Status", _spelled(data, "statuses") + beyond, *called)
        vm_states = word_class("VmState", _spelled(data, "vm_states") + beyond)
        task_states = word_class("TaskState", _spelled(data, "task_states"))
        pairs = [_pair(key, status) for key, status in _texts(data, "pairs").items()]
        pairs += [(GONE, NO_TASK, GONE)] * gone
    return Table(
        name=str(data["name"]),
        vm_states=vm_states,
        task_states=task_states,
        statuses=statuses,
        pairs=pairs,
        groups=_texts(data, "groups"),
        rows=_rows(data),
        advance=advance_of(data),
        undocumented={
            cast(tuple[str, str], tuple(key.split(" ", 1))): first
            for key, first in _texts(data, "undocumented").items()
        },
        surprises=[
            Surprise(str(row["text"]), (*cast(list[str], row["about"]),))
            for row in cast(list[Data], data.get("surprises", []))
        ],
        facts=[_fact_of(name, fact) for name, fact in _tables(data, "facts").items()],
        guards=[_guard_of(row) for row in cast(list[Data], data.get("guards", []))],
        unconditional=str(data.get("unconditional", "")),
        default_status=_texts(data, "default_status"),
        unknown_status=cast(str | None, data.get("unknown_status")),
        title=str(data.get("title", "")),
        thing=thing,
        source=str(data.get("source", "")),
        attributes=attributes,
        unreached=cast(list[str], data.get("unreached", [])),
        sections=_texts(data, "sections"),
    )


def advance_of(data: Mapping[str, object]) -> str:
    """Return the name of the event that the arrows of a path stand for."""
    return str(data.get("advance", usual("advance")))


def _tables(data: Data, key: str) -> Tables:
    return cast(Tables, data.get(key, {}))


def _texts(data: Data, key: str) -> dict[str, str]:
    return dict(cast(dict[str, str], data.get(key, {})))


def _spelled(data: Data, key: str) -> tuple[Spelled, ...]:
    return tuple(
        (name, str(word.get("meaning", "")), str(word.get("tone", Tone.GREY)))
        for name, word in _tables(data, key).items()
    )


def _pair(key: str, status: str) -> tuple[str, str, str]:
    vm_state, _, tasks = key.partition("/")
    return vm_state.strip(), tasks.strip(), status


def _rows(data: Data) -> list[Rows]:
    rows = [_row_of(n, Kind.REQUEST, row) for n, row in _tables(data, "operations").items()]
    advance = advance_of(data)
    events = _tables(data, "events")
    if advance not in events:
        rows.append(Rows(advance, Kind.PROGRESS, ADVANCE_MEANING, {}))
    for name, row in events.items():
        rows.append(_row_of(name, Kind(str(row.get("kind", Kind.PROGRESS))), row))
    return rows


def _row_of(name: str, kind: Kind, row: Mapping[str, object]) -> Rows:
    given = cast(dict[str, str], row.get("given", {}))
    return Rows(
        name=name,
        kind=kind,
        meaning=str(row.get("meaning", "")),
        paths=dict(cast(dict[str, str], row.get("paths", {}))),
        unseen=row.get("unseen") is True,
        given={fact: value or None for fact, value in given.items()},
        pauses=row.get("pauses") is True,
        rare=row.get("rare") is True,
    )


def _fact_of(name: str, fact: Mapping[str, object]) -> Fact:
    return Fact(
        name=name,
        values=tuple(cast(list[str], fact["values"])),
        meaning=str(fact.get("meaning", "")),
        because=str(fact.get("because", f"its {name} is {{value}}")),
        scope=str(fact.get("scope", "")),
        implied=dict(cast(dict[str, str], fact.get("implied", {}))),
        default=cast(str | None, fact.get("default")),
        circumstance=fact.get("circumstance") is True,
    )


def _guard_of(row: Mapping[str, object]) -> Guard:
    allows = tuple(cast(list[str], row.get("allows", [])))
    return Guard(str(row["fact"]), str(row["value"]), allows, str(row["reason"]))
