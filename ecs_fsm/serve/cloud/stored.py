"""Servers as documents of a state file, and servers from these.

A server is one document, each change of its history and each request one more: what is once
written is not written again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, JsonValue, create_model

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts
from ecs_fsm.core.scenario import Outcome, ScenarioWord, read_word
from ecs_fsm.core.server import BaseServer
from ecs_fsm.serve.cloud.chance import Tally
from ecs_fsm.serve.cloud.faults import Fault
from ecs_fsm.serve.cloud.instance import Asked, Asker, Instance, Json, Seen, Trouble

OTHERS = {"server", "trouble", "outcomes", "plan", "faults", "history", "asked", "kept"}
OTHERS |= {"ticket", "revision", "forgotten"}
MOST_PAST = 2000
"""Changes, and requests, of a server that are remembered."""
PLAIN = [field.name for field in fields(Instance) if field.name not in OTHERS]
"""Attributes of an instance that are JSON as they are."""
_HINTS = get_type_hints(Instance) | dict.fromkeys(("details", "changes"), dict[str, JsonValue])
SHAPE: type[BaseModel] = create_model(
    "ServerDocument",
    __config__=ConfigDict(strict=True),
    facts=dict[str, str],
    **{name: _HINTS[name] for name in PLAIN},
)


def pieces(instance: Instance) -> Iterator[tuple[str, Json]]:
    """The documents of a server that are not kept yet, by name; it counts them as kept."""
    yield (
        instance.id,
        {
            **{name: getattr(instance, name) for name in PLAIN},
            "state": instance.state,
            "facts": dict(instance.server.node.facts),
            "trouble": instance.trouble and [*instance.trouble],
            "outcomes": [[o.event, dict(o.given), o.step] for o in instance.outcomes],
            "plan": words_json(instance.plan),
            "faults": [fault_json(fault) for fault in instance.faults],
        },
    )
    (seen, asked), (no_seen, no_asked) = instance.kept, instance.forgotten
    for number, change in enumerate(instance.history[seen - no_seen :], start=seen):
        row: Json = [change.at, change.event, change.state, dict(change.facts)]
        yield f"{instance.id}/seen/{number:08}", row
    for number, request in enumerate(instance.asked[asked - no_asked :], start=asked):
        yield f"{instance.id}/asked/{number:08}", [
            *request[:2], [*request.asker], request.refused
        ]  # fmt: skip
    instance.kept = _told(instance)


def surplus(instance: Instance) -> Iterator[str]:
    """Forgets the oldest changes and requests of a server that has too many; their documents."""
    gone = [0, 0]
    pasts: tuple[tuple[str, list[Any]], ...] = (
        ("seen", instance.history),
        ("asked", instance.asked),
    )
    for at, (kind, past) in enumerate(pasts):
        if len(past) > MOST_PAST:
            gone[at] = len(past) - MOST_PAST + MOST_PAST // 10
            first = instance.forgotten[at]
            yield from (f"{instance.id}/{kind}/{n:08}" for n in range(first, first + gone[at]))
            del past[: gone[at]]
    instance.forgotten = instance.forgotten[0] + gone[0], instance.forgotten[1] + gone[1]


def _told(instance: Instance) -> tuple[int, int]:
    """How many changes and requests there have been."""
    seen, asked = instance.forgotten
    return seen + len(instance.history), asked + len(instance.asked)


def instances(kind: type[BaseServer], documents: Iterator[tuple[str, Json]]) -> Iterator[Instance]:
    """The servers of documents in the order of their names. Raises `InvalidInput` for others."""
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
                found[own].history.append(Seen(at, event, lifecycle.states[state], known))
            else:
                at, operation, asker, refused = cast(list[Any], document)
                found[own].asked.append(Asked(at, operation, Asker(*asker), refused))
    except (KeyError, TypeError, ValueError) as error:
        said = ": ".join(str(error).splitlines()[:2])
        raise InvalidInput(f"a server does not read ({type(error).__name__}: {said})") from None
    for instance in found.values():
        seen, asked = (first.get((instance.id, which), 0) for which in ("seen", "asked"))
        instance.forgotten = seen, asked
        instance.kept = _told(instance)
    yield from sorted(found.values(), key=lambda instance: instance.number)


def _instance(kind: type[BaseServer], document: Mapping[str, Any]) -> Instance:
    lifecycle = kind.lifecycle
    SHAPE.model_validate(document)
    node = lifecycle.place(lifecycle.states[document["state"]], document["facts"])
    return Instance(
        **{name: document[name] for name in PLAIN},
        server=kind(node, history=False),
        trouble=Trouble(*document["trouble"]) if document["trouble"] else None,
        outcomes=tuple(Outcome(*outcome) for outcome in document["outcomes"]),
        plan=words_of(lifecycle, document["plan"]),
        faults=[fault_of(lifecycle, fault) for fault in document["faults"]],
    )


def _facts(lifecycle: Lifecycle, facts: Mapping[str, str]) -> Facts:
    return lifecycle.memory.ordered(facts)


def words_json(words: deque[ScenarioWord]) -> Json:
    """The words of a scenario as they are written."""
    return [word.text for word in words]


def words_of(lifecycle: Lifecycle, texts: Any) -> deque[ScenarioWord]:
    """The words of a scenario from how they are written."""
    return deque(read_word(lifecycle, text) for text in texts)


def fault_json(fault: Fault) -> Json:
    """A fault with how often it came."""
    return [str(fault), fault.tally.met, fault.tally.struck]


def fault_of(lifecycle: Lifecycle, document: Any) -> Fault:
    """A fault from its document."""
    text, met, struck = document
    fault = Fault.parse(lifecycle, str(text))
    fault.tally = Tally(met, struck)
    return fault
