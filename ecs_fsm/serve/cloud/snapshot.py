"""A cloud as documents of its state file, and a cloud from these.

A server is one document, each change of its history and each request one more: what is once
written is not written again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_type_hints

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.core.model import Facts
from ecs_fsm.core.scenario import StepOutcome
from ecs_fsm.serve.cloud.instance import (
    Asker,
    HistoryEntry,
    Instance,
    InstanceFault,
    Json,
    RequestRecord,
)
from ecs_fsm.serve.cloud.requests import Orders, fault_json, fault_of, words_json, words_of
from ecs_fsm.serve.cloud.store import Document, StateFile

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


def pieces(instance: Instance) -> Iterator[tuple[str, Json]]:
    """Yield the new documents of a server with their names, and count them as stored."""
    yield (
        instance.id,
        {
            **{name: getattr(instance, name) for name in PLAIN},
            "state": instance.state,
            "facts": dict(instance.server.node.facts),
            "trouble": instance.fault and [*instance.fault],
            "outcomes": [[o.event, dict(o.given), o.step] for o in instance.outcomes],
            "plan": words_json(instance.plan),
            "faults": [fault_json(fault) for fault in instance.faults],
        },
    )
    (entries, requests), (no_entries, no_requests) = instance.kept, instance.forgotten
    for number, change in enumerate(instance.history[entries - no_entries :], start=entries):
        row: Json = [change.at, change.event, change.state, dict(change.facts)]
        yield f"{instance.id}/seen/{number:08}", row
    for number, request in enumerate(instance.requests[requests - no_requests :], start=requests):
        yield f"{instance.id}/asked/{number:08}", [
            *request[:2], [*request.asker], request.refused
        ]  # fmt: skip
    instance.kept = _totals(instance)


def whole(instance: Instance) -> Iterator[tuple[str, Json]]:
    """Yield all documents of a server, which does not count them as stored."""
    kept, instance.kept = instance.kept, instance.forgotten
    yield from list(pieces(instance))
    instance.kept = kept


def surplus(instance: Instance) -> Iterator[str]:
    """Forget the oldest changes and requests beyond `MOST_PAST`; yield their documents' names."""
    gone = [0, 0]
    pasts: tuple[tuple[str, list[Any]], ...] = (
        ("seen", instance.history),
        ("asked", instance.requests),
    )
    for at, (kind, past) in enumerate(pasts):
        if len(past) > MOST_PAST:
            gone[at] = len(past) - MOST_PAST + MOST_PAST // 10
            first = instance.forgotten[at]
            yield from (f"{instance.id}/{kind}/{n:08}" for n in range(first, first + gone[at]))
            del past[: gone[at]]
    instance.forgotten = instance.forgotten[0] + gone[0], instance.forgotten[1] + gone[1]


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
                known = _facts(lifecycle, facts)
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
        plan=words_of(lifecycle, document["plan"]),
        faults=[fault_of(lifecycle, fault) for fault in document["faults"]],
    )


def _facts(lifecycle: Lifecycle, facts: Mapping[str, str]) -> Facts:
    return lifecycle.memory.ordered(facts)


SERVER, CLOUD = "server", "cloud"


class Checkpoint(NamedTuple):
    """The time of a cloud, the date at which it began, its seed, and how many servers it made.

    `down` are the numbers of the hosts that do not answer.
    """

    now: float
    epoch: datetime
    seed: int
    made: int
    down: tuple[int, ...] = ()


class Snapshot(NamedTuple):
    """A stored cloud, with its present and its deleted servers."""

    checkpoint: Checkpoint
    instances: list[Instance]


class SnapshotStore:
    """Writes a cloud of servers of a `kind`, with its orders, to a state file, and reads it.

    `names` are those of the kinds of documents.
    """

    def __init__(
        self,
        state: StateFile,
        kind: type[BaseServer],
        orders: Orders,
        names: tuple[str, str] = (SERVER, CLOUD),
    ) -> None:
        self._state, self._kind, self._orders = state, kind, orders
        self._server, self._cloud = names

    def put(self, instance: Instance) -> None:
        """Store a server as it is now, with the next commit."""
        instance.revision += 1
        if self._state.kept:
            for name, document in pieces(instance):
                self._state.put(self._server, name, document)
        for name in surplus(instance):
            self._state.drop(self._server, name)

    def drop(self, instance: Instance) -> None:
        """Remove a server, with the next commit."""
        self._state.drop(self._server, instance.id)

    def commit(self, checkpoint: Checkpoint) -> None:
        """Write what was put, the orders and the checkpoint to the disk."""
        if self._state.kept:
            self._state.put(self._cloud, self._kind.lifecycle.name, self._document(checkpoint))
        self._state.commit()

    def _document(self, checkpoint: Checkpoint) -> Json:
        return {
            "now": checkpoint.now,
            "epoch": checkpoint.epoch.isoformat(),
            "seed": checkpoint.seed,
            "count": checkpoint.made,
            "down": [*checkpoint.down],
            **self._orders.as_json(),
        }

    def documents(
        self, checkpoint: Checkpoint, instances: Mapping[str, Instance]
    ) -> Iterator[Document]:
        """Yield everything that a file of this cloud would have."""
        yield self._cloud, self._kind.lifecycle.name, self._document(checkpoint)
        for instance in instances.values():
            for name, document in whole(instance):
                yield self._server, name, document

    def read(self) -> Snapshot | None:
        """Return the stored cloud, None if there is none, and restore the orders.

        Raise `InvalidInput` for another lifecycle and for invalid documents.
        """
        path, name = self._state.path, self._kind.lifecycle.name
        try:
            kept = dict(self._state.all(self._cloud))
        except ValueError as error:
            raise InvalidInput(f"{path}: the file is broken: {error}") from None
        if not kept:
            return None
        if name not in kept:
            raise InvalidInput(
                f"{path}: its servers are of the lifecycle {', '.join(kept)}; expected {name}"
            )
        try:
            own = cast(dict[str, Any], kept[name])
            if not 0 <= float(own["now"]) <= LATEST:
                raise ValueError(f"now is {own['now']}; expected 0 to {LATEST:g}")
            epoch, seed = datetime.fromisoformat(own["epoch"]), int(own["seed"])
            self._orders.restore(own)
            down = tuple(int(number) for number in own.get("down", ()))
            checkpoint = Checkpoint(float(own["now"]), epoch, seed, own["count"], down)
            return Snapshot(checkpoint, list(instances(self._kind, self._state.all(self._server))))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"{path}: the file is broken: {error}") from None
