"""A cloud as documents of its state file, and a cloud from these.

A server is one document, each change of its history and each request one more: what is once
written is not written again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, cast, get_type_hints

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.core.scenario import StepOutcome, read_word
from ecs_fsm.serve.cloud.clock import Timeline
from ecs_fsm.serve.cloud.instance import (
    Asker,
    HistoryEntry,
    Instance,
    InstanceFault,
    Json,
    RequestRecord,
)
from ecs_fsm.serve.cloud.requests import fault_json, fault_of
from ecs_fsm.serve.cloud.store import Document

if TYPE_CHECKING:
    from pydantic import BaseModel

OTHERS = {"server", "fault", "outcomes", "plan", "faults", "history", "requests", "kept"}
OTHERS |= {"ticket", "revision", "forgotten"}
LATEST = 1e15
"""The largest time of a stored cloud, in simulated seconds."""
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
    yield (
        instance.id,
        {
            **{name: getattr(instance, name) for name in PLAIN},
            "state": instance.state,
            "facts": dict(instance.server.node.facts),
            "trouble": instance.fault and [*instance.fault],
            "outcomes": [[o.event, dict(o.given), o.step] for o in instance.outcomes],
            "plan": [word.text for word in instance.plan],
            "faults": [fault_json(fault) for fault in instance.faults],
        },
    )
    pasts = zip(_pasts(instance), kept, instance.forgotten, strict=True)
    for (kind, past, document), first, forgotten in pasts:
        for number, one in enumerate(past[first - forgotten :], start=first):
            yield f"{instance.id}/{kind}/{number:08}", document(one)


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


def _totals(instance: Instance) -> tuple[int, int]:
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
        instance.kept = _totals(instance)
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


class StoredCloud(Timeline):
    """The part of a cloud that writes it to its state file, and reads it from there.

    Its documents are its time, the date at which it began, its seed, how many servers it made, the
    numbers of the hosts that do not answer, the orders, and its present and deleted servers.
    `names` are the kinds of these documents.
    """

    kind: type[BaseServer]
    names: tuple[str, str]
    gone: dict[str, Instance]
    seed: int
    count: int = 0
    _down: tuple[int, ...] = ()

    def _put(self, instance: Instance) -> None:
        """Store a server as it is now, with the next commit."""
        instance.revision += 1
        if self.state.kept:
            for name, document in pieces(instance, instance.kept):
                self.state.put(self.names[0], name, document)
            instance.kept = _totals(instance)
        for name in surplus(instance):
            self.state.drop(self.names[0], name)

    def _keep(self, *changed: Instance) -> None:
        """Write these servers, and all but the servers, to the disk."""
        for instance in changed:
            self._put(instance)
        if self.state.kept:
            self.state.put(self.names[1], self.kind.lifecycle.name, self._document())
        self.state.commit()

    def _document(self) -> Json:
        return {
            "now": self.clock.now,
            "epoch": self.clock.epoch.isoformat(),
            "seed": self.seed,
            "count": self.count,
            "down": [*self._down],
            **self.orders.as_json(),
        }

    def _documents(self) -> Iterator[Document]:
        """Yield everything that a file of this cloud would have."""
        yield self.names[1], self.kind.lifecycle.name, self._document()
        for instance in (*self.gone.values(), *self.instances.values()):
            for name, document in pieces(instance, instance.forgotten):
                yield self.names[0], name, document

    def _read(self) -> tuple[float, datetime | None, list[Instance]]:
        """Take what is stored of the cloud. Return its time, its epoch and its servers.

        Raise `InvalidInput` for another lifecycle and for invalid documents.
        """
        path, name = self.state.path, self.kind.lifecycle.name
        try:
            kept = cast(dict[str, Any], dict(self.state.all(self.names[1])))
            if name in kept:
                return self._restored(kept[name])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"{path}: the file is broken: {error}") from None
        if kept:
            raise InvalidInput(
                f"{path}: its servers are of the lifecycle {', '.join(kept)}; expected {name}"
            )
        return 0.0, None, []

    def _restored(self, own: Mapping[str, Any]) -> tuple[float, datetime, list[Instance]]:
        now, epoch = float(own["now"]), datetime.fromisoformat(own["epoch"])
        if not 0 <= now <= LATEST:
            raise ValueError(f"now is {own['now']}; expected 0 to {LATEST:g}")
        self.orders.restore(own)
        self.seed, self.count = int(own["seed"]), own["count"]
        self._down = tuple(int(number) for number in own.get("down", ()))
        return now, epoch, list(instances(self.kind, self.state.all(self.names[0])))
