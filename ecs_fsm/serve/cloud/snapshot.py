"""Servers as documents of a state file, and servers from these.

A server is one document, each change of its history and each request one more: what is once
written is not written again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, cast, get_type_hints

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.core.scenario import StepOutcome, read_word
from ecs_fsm.serve.cloud.instance import (
    Asker,
    HistoryEntry,
    Instance,
    InstanceFault,
    Json,
    RequestRecord,
)
from ecs_fsm.serve.cloud.requests import fault_json, fault_of

if TYPE_CHECKING:
    from pydantic import BaseModel

OTHERS = {"server", "fault", "outcomes", "plan", "faults", "history", "requests", "kept"}
OTHERS |= {"ticket", "revision", "forgotten"}
MOST_PAST = 2000
"""Changes, and requests, of a server that are remembered."""
PLAIN = [field.name for field in fields(Instance) if field.name not in OTHERS]
"""Attributes of an instance that are JSON as they are."""


@cache
def shape() -> type[BaseModel]:
    """Return the model of a server's document, which is strict about types."""
    from pydantic import ConfigDict, JsonValue, create_model

    hints = get_type_hints(Instance) | dict.fromkeys(("details", "changes"), dict[str, JsonValue])
    known = {name: hints[name] for name in PLAIN}
    config = ConfigDict(strict=True)
    return create_model("ServerDocument", __config__=config, facts=dict[str, str], **known)


def _pasts(instance: Instance) -> tuple[tuple[str, list[Any], Callable[[Any], Json]], ...]:
    """Return the changes and the requests of a server, each with a name and what stores one."""
    return (
        ("seen", instance.history, lambda e: [e.at, e.event, e.state, dict(e.facts)]),
        ("asked", instance.requests, lambda r: [r.at, r.operation, [*r.asker], r.refused]),
    )


def pieces(instance: Instance, kept: tuple[int, int]) -> Iterator[tuple[str, Json]]:
    """Yield the documents of a server with their names, but for so many of its past."""
    document: Json = {
        **{name: getattr(instance, name) for name in PLAIN},
        "state": instance.state,
        "facts": dict(instance.server.node.facts),
        "trouble": instance.fault and [*instance.fault],
        "outcomes": [[o.event, dict(o.given), o.step] for o in instance.outcomes],
        "plan": [word.text for word in instance.plan],
        "faults": [fault_json(fault) for fault in instance.faults],
    }
    yield instance.id, document
    pasts = zip(_pasts(instance), kept, instance.forgotten, strict=True)
    for (kind, past, written), first, forgotten in pasts:
        for number, one in enumerate(past[first - forgotten :], start=first):
            yield f"{instance.id}/{kind}/{number:08}", written(one)


def surplus(instance: Instance) -> Iterator[str]:
    """Forget the oldest changes and requests beyond `MOST_PAST`; yield their documents' names."""
    forgotten = [*instance.forgotten]
    for at, (kind, past, _) in enumerate(_pasts(instance)):
        if len(past) > MOST_PAST:
            first, gone = forgotten[at], len(past) - MOST_PAST + MOST_PAST // 10
            forgotten[at] += gone
            yield from (f"{instance.id}/{kind}/{n:08}" for n in range(first, forgotten[at]))
            del past[:gone]
    instance.forgotten = forgotten[0], forgotten[1]


def totals(instance: Instance) -> tuple[int, int]:
    """Return how many changes and requests there have been."""
    entries, requests = instance.forgotten
    return entries + len(instance.history), requests + len(instance.requests)


def instances(kind: type[BaseServer], documents: Iterator[tuple[str, Json]]) -> Iterator[Instance]:
    """Yield the servers of documents in the order of their creation. Raise `InvalidInput`."""
    found: dict[str, Instance] = {}
    first: dict[tuple[str, str], int] = {}
    lifecycle = kind.lifecycle
    try:
        for name, document in documents:
            own, _, piece = name.partition("/")
            which, _, number = piece.partition("/")
            first.setdefault((own, which), int(number or 0))
            if not piece:
                found[own] = _instance(kind, cast(dict[str, Any], document))
            elif which == "seen":
                at, event, state, facts = cast(list[Any], document)
                known = lifecycle.memory.ordered(facts)
                found[own].history.append(HistoryEntry(at, event, lifecycle.states[state], known))
            else:
                at, operation, asker, refused = cast(list[Any], document)
                found[own].requests.append(RequestRecord(at, operation, Asker(*asker), refused))
    except (KeyError, TypeError, ValueError) as error:
        reason = ": ".join(str(error).splitlines()[:2])
        raise InvalidInput(f"invalid server ({type(error).__name__}: {reason})") from None
    for instance in found.values():
        entries, requests = (first.get((instance.id, which), 0) for which in ("seen", "asked"))
        instance.forgotten = entries, requests
        instance.kept = totals(instance)
    yield from sorted(found.values(), key=lambda instance: instance.number)


def _instance(kind: type[BaseServer], document: Mapping[str, Any]) -> Instance:
    lifecycle = kind.lifecycle
    shape().model_validate(document)
    node = lifecycle.place(lifecycle.states[document["state"]], document["facts"])
    return Instance(
        **{name: document[name] for name in PLAIN},
        server=kind(node, history=False),
        fault=InstanceFault(*document["trouble"]) if document["trouble"] else None,
        outcomes=tuple(StepOutcome(*outcome) for outcome in document["outcomes"]),
        plan=deque(read_word(lifecycle, text) for text in document["plan"]),
        faults=[fault_of(lifecycle, fault) for fault in document["faults"]],
    )


SERVER, CLOUD = "server", "cloud"
