"""What no real cloud offers: the clock in the hand, and all requests and events in one shape.

It stands at `/_ecs`, needs no token, and speaks the words of the lifecycle.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from fastapi import Request
from pydantic import Field, model_validator
from starlette.responses import JSONResponse, Response

from ecs_fsm.core.errors import InvalidInput, UnknownFact
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.control.controlled import Strict, Word, clockwork_of, cloud_of, record_of
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers

ACTION = "_ecs"
MOST_STEPS = 100_000
CENTURY = 100 * 365 * 86400.0

router = Handlers(prefix="/_ecs", tags=["control"])
Given = dict[Word, Word]


class RequestAsked(Strict):
    """An operation, with the facts that are given with it."""

    operation: Word
    given: Given = Field({})


class EventAsked(Strict):
    """An event of the system, with the facts that are given with it."""

    event: Word
    given: Given = Field({})


class Passing(Strict):
    """How far the clock is to go on: so many simulated seconds, or to the end of so many steps."""

    seconds: float | None = Field(None, ge=0, le=CENTURY)
    steps: int | None = Field(None, ge=1, le=MOST_STEPS)

    @model_validator(mode="after")
    def _one(self) -> Passing:
        if (self.seconds is None) == (self.steps is None):
            raise ValueError('expected {"seconds": 30} or {"steps": 1}')
        return self


def _instance(request: Request, server_id: str, *, gone: bool = False) -> Instance:
    cloud = cloud_of(request)
    found = cloud.instances.get(server_id) or (cloud.gone.get(server_id) if gone else None)
    if found is None:
        raise ApiError(404, f"there is no server {server_id[:40]}")
    return found


@cache
def _possible(lifecycle: Lifecycle, node: Node) -> dict[str, Json]:
    """What can be asked of a server that is there, and what can happen to it."""
    return {
        "requests": [*lifecycle.requests(node)],
        "events": [name for name in lifecycle.events if lifecycle.possible(name, node)],
    }


def _shown(cloud: Cloud, instance: Instance) -> dict[str, Json]:
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


@router.get("/servers")
async def list_everything(request: Request) -> Response:
    """Every server that is there, with what can be asked of it, and the time."""
    cloud = cloud_of(request)
    servers: list[Json] = [_shown(cloud, instance) for instance in cloud.instances.values()]
    return JSONResponse(
        {
            "lifecycle": cloud.lifecycle.name,
            "now": cloud.now,
            "speed": cloud.clock.speed,
            "changes": record_of(request).count,
            "servers": servers,
        }
    )


@router.get("/servers/{server_id}", responses={404: {}})
async def show_everything(request: Request, server_id: str) -> Response:
    """A server, also one that is gone, with its history and what was asked of it."""
    cloud, instance = cloud_of(request), _instance(request, server_id, gone=True)
    history = [
        {"at": seen.at, "event": seen.event, **seen.state.as_dict()} for seen in instance.history
    ]
    asked = [
        {
            "at": asked.at,
            "action": asked.asker.action,
            "operation": asked.operation,
            "refused": asked.refused,
        }
        for asked in instance.requests
    ]
    return JSONResponse({**_shown(cloud, instance), "history": history, "asked": asked})


@router.post("/servers/{server_id}/requests", status_code=202, responses={404: {}, 409: {}})
async def request_operation(request: Request, server_id: str, body: RequestAsked) -> Response:
    """Ask for an operation by its name in the lifecycle."""
    cloud, instance = cloud_of(request), _instance(request, server_id)
    otherwise = "is an event of the system: ask for it as one"
    _check(instance, body.operation, body.given, cloud.lifecycle.operations, otherwise)
    asker = Asker(request.state.request_id, ACTION, instance.project_id, ACTION)
    cloud.request(instance, body.operation, body.given, asker)
    return JSONResponse(_shown(cloud, instance), 202)


@router.post("/servers/{server_id}/events", status_code=202, responses={404: {}, 409: {}})
async def let_event_happen(request: Request, server_id: str, body: EventAsked) -> Response:
    """Let an event of the system happen at once, a failure for example."""
    cloud, instance = cloud_of(request), _instance(request, server_id)
    otherwise = "is an operation: request it"
    _check(instance, body.event, body.given, cloud.lifecycle.events, otherwise)
    cloud.happen(instance, body.event, body.given)
    return JSONResponse(_shown(cloud, instance), 202)


def _check(
    instance: Instance, trigger: str, given: Given, known: Collection[str], otherwise: str
) -> None:
    """Raise for a trigger that is none of these, and for facts that are unknown or missing."""
    lifecycle, node = instance.server.lifecycle, instance.server.node
    if trigger not in known:
        lifecycle.refusal(trigger, node)
        raise ApiError(400, f"{trigger} {otherwise}")
    if given or lifecycle.possible(trigger, node):
        try:
            lifecycle.outcome(trigger, node, given)
        except UnknownFact as error:
            raise InvalidInput(str(error)) from None


@router.post("/advance")
async def advance_clock(request: Request, body: Passing) -> Response:
    """Let time pass at once."""
    clockwork = clockwork_of(request)
    if body.steps is not None:
        done = await clockwork.step(body.steps)
    else:
        done = await clockwork.advance(body.seconds or 0.0)
    return JSONResponse({"now": clockwork.cloud.now, "events": done})
