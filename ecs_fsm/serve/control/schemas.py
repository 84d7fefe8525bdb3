"""What the control API reads and shows; unknown keys of bodies are errors."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Instance, Json, StrikeCount

MOST_STEPS = 100_000
CENTURY = 100 * 365 * 86400.0
Word = Annotated[str, Field(max_length=100)]
Given = dict[Word, Word]


class Strict(BaseModel):
    """A JSON object whose keys must all be known."""

    model_config = ConfigDict(extra="forbid")


class OperationRequest(Strict):
    """An operation, with the facts that are given with it."""

    operation: Word
    given: Given = Field({})


class EventRequest(Strict):
    """An event of the system, with the facts that are given with it."""

    event: Word
    given: Given = Field({})


class ClockAdvance(Strict):
    """How far the clock advances: by simulated seconds, or to the end of a number of steps."""

    seconds: float | None = Field(None, ge=0, le=CENTURY)
    steps: int | None = Field(None, ge=1, le=MOST_STEPS)

    @model_validator(mode="after")
    def _one(self) -> ClockAdvance:
        if (self.seconds is None) == (self.steps is None):
            raise ValueError('expected {"seconds": 30} or {"steps": 1}')
        return self


class HostChange(Strict):
    """Whether a host answers."""

    state: Literal["up", "down"]


class ResetRequest(Strict):
    """A snapshot by its name; without one, the start."""

    snapshot: Word | None = None


class ScenarioRequest(Strict):
    """A scenario for the next server."""

    words: list[Annotated[str, Field(max_length=1000)]] = Field(min_length=1, max_length=1000)


class FaultRequest(Strict):
    """A fault as text (`fault`), as GET shows it, or one of the wire in parts (`wire`)."""

    fault: Annotated[str, Field(max_length=1000)] | None = None
    servers: Annotated[str, Field(max_length=255)] | None = None
    wire: Annotated[str, Field(max_length=255)] | None = None
    request: Word | None = None
    message: Annotated[str, Field(max_length=500)] | None = None
    retry_after: Annotated[int, Field(ge=0, le=10**6)] | None = None
    first: int | None = None
    times: int | None = None
    percent: float | None = None
    met: Annotated[int, Field(ge=0, le=10**9)] | None = None
    struck: Annotated[int, Field(ge=0, le=10**9)] | None = None


MOST_CHANGES = 1000


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
