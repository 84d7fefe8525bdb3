"""What the control API reads and shows; unknown keys of bodies are errors."""

from __future__ import annotations

import json
from functools import cache

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Instance, Json, StrikeCount
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.wire import PREFIX


@cache
def _possible(lifecycle: Lifecycle, node: Node) -> dict[str, Json]:
    """Return the operations that are allowed for a server, and the events that can happen to it."""
    return {
        "requests": [*lifecycle.requests(node)],
        "events": [name for name in lifecycle.events if lifecycle.possible(name, node)],
    }


def control_view(cloud: Cloud, instance: Instance) -> dict[str, Json]:
    """Return a server."""
    node = instance.server.node
    return {
        "id": instance.id,
        "name": instance.name,
        "number": instance.number,
        **node.state.as_dict(),
        "remembers": dict(node.facts),
        "hangs": instance.hangs,
        "operation": instance.operation,
        "due": instance.due,
        **_possible(cloud.lifecycle, node),
        "gone": instance.terminated is not None,
    }


def server_with_past(cloud: Cloud, instance: Instance) -> dict[str, Json]:
    """Return a server with its history and the requests for it."""
    history: list[Json] = [
        {"at": entry.at, "event": entry.event, **entry.state.as_dict()}
        for entry in instance.history
    ]
    requests: list[Json] = [
        {
            "at": request.at,
            "action": request.asker.action,
            "operation": request.operation,
            "refused": request.refused,
        }
        for request in instance.requests
    ]
    return {**control_view(cloud, instance), "history": history, "asked": requests}


def counted(text: str, count: StrikeCount) -> dict[str, Json]:
    """Return a fault of any kind, by its text."""
    return {"fault": text, "met": count.met, "struck": count.struck}


def fault_text(given: Item) -> str:
    """Return the text of a fault that a request gives, in one piece or in parts.

    Raise 400 for one of neither kind or of both, and for parts that do not belong to it.
    """
    text, wire = given["fault"], given["wire"]
    if (text is None) == (wire is None):
        raise ApiError(400, 'expected {"fault": "OPERATION:OUTCOME@STEP"} or {"wire": "503"}')
    if text is not None and text.startswith(PREFIX):
        if any(given[key] is not None for key in given if key not in ("fault", "met", "struck")):
            raise ApiError(400, f"a fault of the wire as text has no other keys: {text}")
        return str(text)
    form = "{fault}{first}{times}{percent}{servers}"
    if text is None:
        if given["servers"] is not None:
            raise ApiError(400, "a fault of the wire strikes requests, not servers")
        form = f"{PREFIX}{{wire}}{{retry_after}}{{message}}{{request}}{{first}}{{times}}{{percent}}"
        given = {**given, "wire": wire.removeprefix(PREFIX)}
        given["message"] = given["message"] and json.dumps(given["message"])
    parts = {
        key: "" if value is None else f"{MARKS.get(key, '')}{value}" for key, value in given.items()
    }
    return form.format(**parts)


MARKS = {"retry_after": "=", "message": "=", "request": "@"}
MARKS |= {"first": "#", "times": "*", "percent": "%", "servers": " on "}
"""What stands before the parts of a fault in its text."""
