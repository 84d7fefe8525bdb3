"""What no real cloud offers: the clock, the faults, every change, and all requests in one shape.

It stands at `/_ecs`, needs no token, and speaks the words of the lifecycle.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import cache
from typing import Annotated, cast

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import JSONResponse, Response, StreamingResponse

from ecs_fsm.errors import InvalidInput, UnknownFact
from ecs_fsm.lifecycle import Lifecycle
from ecs_fsm.model import Node
from ecs_fsm.serve.api.errors import ApiError
from ecs_fsm.serve.cloud import Cloud
from ecs_fsm.serve.faults import Fault
from ecs_fsm.serve.instance import Asker, Instance, Json
from ecs_fsm.serve.record import Record
from ecs_fsm.serve.wire import WireFaults

ACTION = "_ecs"
MOST_CHANGES = 1000
MOST_STEPS = 100_000
CENTURY = 100 * 365 * 86400.0
KEEP_ALIVE = 15.0
"""Seconds after which an idle stream says that it is still there."""

router = APIRouter(prefix="/_ecs", tags=["control"])
Word = Annotated[str, Field(max_length=100)]
Given = dict[Word, Word]


class Strict(BaseModel):
    """A JSON object whose keys are all known."""

    model_config = ConfigDict(extra="forbid")


class RequestAsked(Strict):
    """An operation, with the facts that are given with it."""

    operation: Word
    given: Given = {}


class EventAsked(Strict):
    """An event of the system, with the facts that are given with it."""

    event: Word
    given: Given = {}


class Passing(Strict):
    """How far the clock is to go on: so many simulated seconds, or to the end of so many steps."""

    seconds: float | None = Field(None, ge=0, le=CENTURY)
    steps: int | None = Field(None, ge=1, le=MOST_STEPS)

    @model_validator(mode="after")
    def _one(self) -> Passing:
        if (self.seconds is None) == (self.steps is None):
            raise ValueError('expected {"seconds": 30} or {"steps": 1}')
        return self


class Words(Strict):
    """A scenario for the next server."""

    words: list[Annotated[str, Field(max_length=1000)]] = Field(min_length=1, max_length=1000)


class FaultAsked(Strict):
    """A fault of the lifecycle (`fault`) or of the wire (`wire`)."""

    fault: Annotated[str, Field(max_length=1000)] | None = None
    servers: Annotated[str, Field(max_length=255)] | None = None
    wire: Annotated[str, Field(max_length=255)] | None = None
    request: Word | None = None
    retry_after: Annotated[int, Field(ge=0, le=10**6)] | None = None
    first: int | None = None
    times: int | None = None
    percent: float | None = None


def _cloud(request: Request) -> Cloud:
    return cast(Cloud, request.app.state.cloud)


def _record(request: Request) -> Record:
    return cast(Record, request.app.state.record)


def _wire(request: Request) -> WireFaults:
    return cast(WireFaults, request.app.state.wire)


def _instance(request: Request, server_id: str, *, gone: bool = False) -> Instance:
    cloud = _cloud(request)
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
    cloud = _cloud(request)
    servers: list[Json] = [_shown(cloud, instance) for instance in cloud.instances.values()]
    return JSONResponse(
        {
            "lifecycle": cloud.lifecycle.name,
            "now": cloud.now,
            "speed": cloud.clock.speed,
            "changes": _record(request).count,
            "servers": servers,
        }
    )


@router.get("/servers/{server_id}", responses={404: {}})
async def show_everything(request: Request, server_id: str) -> Response:
    """A server, also one that is gone, with its history and what was asked of it."""
    cloud, instance = _cloud(request), _instance(request, server_id, gone=True)
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
        for asked in instance.asked
    ]
    return JSONResponse({**_shown(cloud, instance), "history": history, "asked": asked})


@router.post("/servers/{server_id}/requests", status_code=202, responses={404: {}, 409: {}})
async def request_operation(request: Request, server_id: str, body: RequestAsked) -> Response:
    """Ask for an operation by its name in the lifecycle."""
    cloud, instance = _cloud(request), _instance(request, server_id)
    if body.operation not in cloud.lifecycle.operations:
        cloud.lifecycle.refusal(body.operation, instance.server.node)
        raise ApiError(400, f"{body.operation} is an event of the system: ask for it as one")
    asker = Asker(request.state.request_id, ACTION, instance.project_id, ACTION)
    _tried(cloud, instance, body.given, body.operation)
    cloud.ask(instance, body.operation, body.given, asker)
    return JSONResponse(_shown(cloud, instance), 202)


@router.post("/servers/{server_id}/events", status_code=202, responses={404: {}, 409: {}})
async def let_event_happen(request: Request, server_id: str, body: EventAsked) -> Response:
    """Let an event of the system happen at once, a failure for example."""
    cloud, instance = _cloud(request), _instance(request, server_id)
    if body.event not in cloud.lifecycle.events:
        cloud.lifecycle.refusal(body.event, instance.server.node)
        raise ApiError(400, f"{body.event} is an operation: request it")
    _tried(cloud, instance, body.given, body.event)
    cloud.happen(instance, body.event, body.given)
    return JSONResponse(_shown(cloud, instance), 202)


def _tried(cloud: Cloud, instance: Instance, given: Given, trigger: str) -> None:
    """Raise for facts that are unknown or missing, before anything is done."""
    node = instance.server.node
    if given or cloud.lifecycle.possible(trigger, node):
        try:
            cloud.lifecycle.outcome(trigger, node, given)
        except UnknownFact as error:
            raise InvalidInput(str(error)) from None


@router.get("/faults")
async def list_faults(request: Request) -> Response:
    """The faults that are in force, and the scenarios that wait for a server."""
    cloud = _cloud(request)
    return JSONResponse(
        {
            "faults": [_fault_shown(fault) for fault in cloud.troubles.faults],
            "wire": [
                {"fault": str(fault), "met": tally.met, "struck": tally.struck}
                for fault, tally in _wire(request).active.values()
            ],
            "scenarios": [[word.text for word in plan] for plan in cloud.troubles.plans],
        }
    )


@router.post("/faults", status_code=201)
async def add_fault(request: Request, body: FaultAsked) -> Response:
    """Let requests of servers come to something bad, or answers not arrive, from now on."""
    document = body.model_dump(exclude_none=True)
    if (body.fault is None) == (body.wire is None):
        raise ApiError(400, 'expected {"fault": "OPERATION:OUTCOME@STEP"} or {"wire": "503"}')
    if body.wire is not None:
        _, fault = _wire(request).add(document)
        return JSONResponse({"fault": str(fault), "met": 0, "struck": 0}, 201)
    return JSONResponse(_fault_shown(_cloud(request).troubles.add(document)), 201)


@router.delete("/faults", status_code=204)
async def clear_faults(request: Request) -> Response:
    """No fault strikes any more, and no scenario waits for a server."""
    _cloud(request).troubles.clear()
    _wire(request).clear()
    return Response(status_code=204)


def _fault_shown(fault: Fault) -> dict[str, Json]:
    return {"fault": str(fault), "met": fault.tally.met, "struck": fault.tally.struck}


@router.post("/scenario", status_code=201)
async def lay_scenario(request: Request, body: Words) -> Response:
    """Lay a scenario on the next server that is created."""
    words = _cloud(request).troubles.lay(body.words)
    return JSONResponse({"words": [word.text for word in words]}, 201)


@router.post("/advance")
async def advance_clock(request: Request, body: Passing) -> Response:
    """Let time pass at once."""
    cloud = _cloud(request)
    done = cloud.advance(body.seconds) if body.steps is None else cloud.step(body.steps)  # type: ignore[arg-type]
    return JSONResponse({"now": cloud.now, "events": done})


@router.get("/changes")
async def list_changes(
    request: Request,
    since: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_CHANGES)] = MOST_CHANGES,
) -> Response:
    """The changes after that number, in order."""
    rows = _record(request).since(since, limit)
    return JSONResponse({"changes": [row.as_dict() for row in rows]})


@router.get("/events", response_class=StreamingResponse)
async def stream_changes(
    request: Request, since: Annotated[int | None, Query(ge=0, le=2**53)] = None
) -> Response:
    """Every change as a server-sent event, from now on or after that number."""
    last = request.headers.get("last-event-id", "")
    record = _record(request)
    number = int(last) if last.isascii() and last.isdecimal() and len(last) < 17 else since
    begin = record.count if number is None else number
    return StreamingResponse(
        _stream(record, begin),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


async def _stream(record: Record, number: int) -> AsyncIterator[str]:
    """The events after that number; ends when the reader leaves."""
    woken = asyncio.Event()
    unheard = record.hear(woken.set)
    try:
        yield ": changes\n\n"
        while True:
            woken.clear()
            rows = record.since(number, MOST_CHANGES)
            if rows:
                number = rows[-1].number
                yield "".join(
                    f"id: {row.number}\ndata: {json.dumps(row.as_dict())}\n\n" for row in rows
                )
                continue
            try:
                await asyncio.wait_for(woken.wait(), KEEP_ALIVE)
            except TimeoutError:
                yield ": still there\n\n"
    finally:
        unheard()
