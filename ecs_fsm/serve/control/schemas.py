"""What the control API reads and shows; unknown keys of bodies are errors."""

from __future__ import annotations

from functools import cache

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Instance, Json, StrikeCount


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
