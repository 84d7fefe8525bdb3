"""The control API, which no real cloud has: the clock, requests and events in one shape, failures.

It stands at `/_ecs`, needs no token, and uses the words of the lifecycle. Streams of changes are
bounded in number, and in what each sends at once.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ecs_fsm.core.errors import InvalidInput, UnknownFact
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.followers import Clockwork, EventLog
from ecs_fsm.serve.cloud.instance import Asker, FaultOrder, Instance, Json, StrikeCount
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import VOLUME
from ecs_fsm.serve.control.schemas import control_view, counted, fault_text, server_with_past
from ecs_fsm.serve.http.api_errors import ApiError, spelled
from ecs_fsm.serve.http.handlers import Face, Handlers
from ecs_fsm.serve.http.wire import WireFaults, add_fault

MOST_STREAMS = 100
PIECE = 50
"""Changes that a stream sends before others get their turn."""
KEEP_ALIVE = 15.0
"""Seconds after which an idle stream sends a comment."""


class ChangeStream(StreamingResponse):
    """The changes after a number; 503 above `MOST_STREAMS`."""

    def __init__(self, log: EventLog, number: int) -> None:
        self._log, self._woken = log, asyncio.Event()
        super().__init__(
            self._pieces(number),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        if self._log.listeners >= MOST_STREAMS:
            message = f"There are {MOST_STREAMS} streams of changes, which is the most."
            await spelled(scope["path"], 503, message)(scope, receive, send)
            return
        unlisten = self._log.listen(self._woken.set)
        try:
            await super().__call__(scope, receive, send)
        finally:
            unlisten()

    async def _pieces(self, number: int) -> AsyncIterator[str]:
        yield ": changes\n\n"
        while True:
            self._woken.clear()
            rows = self._log.since(number, PIECE)
            if rows:
                number = rows[-1].number
                yield "".join(
                    f"id: {row.number}\ndata: {json.dumps(row.as_dict())}\n\n" for row in rows
                )
                await asyncio.sleep(0)  # to send to a reader that has gone takes no time
                continue
            try:
                await asyncio.wait_for(self._woken.wait(), KEEP_ALIVE)
            except TimeoutError:
                yield ": still there\n\n"


ACCEPTED: Mapping[str, Any] = {"status_code": 202, "other_codes": (404, 409)}
ACTION, BEGINNING = "_ecs", "beginning"
SNAPSHOT = re.compile(r"[\w.-]{1,60}", re.ASCII)
router = Handlers(prefix="/_ecs")
FACES: Sequence[Face] = (Face(router),)


def _cloud(request: Request) -> Cloud:
    return cast(Cloud, request.app.state.cloud)


def _log(request: Request) -> EventLog:
    return cast(EventLog, request.app.state.record)


def _wire(request: Request) -> WireFaults:
    return cast(WireFaults, request.app.state.wire)


def _instance(request: Request, server_id: str, *, gone: bool = False) -> Instance:
    cloud = _cloud(request)
    found = cloud.instances.get(server_id) or (cloud.gone.get(server_id) if gone else None)
    if found is None:
        raise ApiError(404, f"there is no server {server_id[:40]}")
    return found


@router.get("/servers")
def list_everything(request: Request) -> Response:
    """Return the present servers with their possible requests and events, and the time."""
    cloud = _cloud(request)
    servers: list[Json] = [control_view(cloud, instance) for instance in cloud.instances.values()]
    return JSONResponse(
        {
            "lifecycle": cloud.lifecycle.name,
            "now": cloud.now,
            "speed": cloud.clock.speed,
            "changes": _log(request).count,
            "servers": servers,
        }
    )


@router.get("/servers/{server_id}", other_codes=(404,))
def show_everything(request: Request, server_id: str) -> Response:
    """Return a server, present or deleted, with its history and the requests for it."""
    instance = _instance(request, server_id, gone=True)
    return JSONResponse(server_with_past(_cloud(request), instance))


@router.post("/servers/{server_id}/requests", body="OperationRequest", **ACCEPTED)
def request_operation(request: Request, server_id: str, body: Item) -> Response:
    """Request an operation by its name in the lifecycle."""
    cloud, instance = _cloud(request), _instance(request, server_id)
    otherwise = "is an event of the system: post it to events"
    _check(instance, body["operation"], body["given"], cloud.lifecycle.operations, otherwise)
    asker = Asker(request.state.request_id, ACTION, instance.project_id, ACTION)
    cloud.request(instance, body["operation"], body["given"], asker)
    cloud.finish(instance)
    return JSONResponse(control_view(cloud, instance), 202)


@router.post("/servers/{server_id}/events", body="EventRequest", **ACCEPTED)
def let_event_happen(request: Request, server_id: str, body: Item) -> Response:
    """Let an event of the system happen now, for example a failure."""
    cloud, instance = _cloud(request), _instance(request, server_id)
    otherwise = "is an operation: post it to requests"
    _check(instance, body["event"], body["given"], cloud.lifecycle.events, otherwise)
    cloud.happen(instance, body["event"], body["given"])
    cloud.finish(instance)
    return JSONResponse(control_view(cloud, instance), 202)


def _check(
    instance: Instance,
    trigger: str,
    given: Mapping[str, str],
    known: Collection[str],
    otherwise: str,
) -> None:
    """Raise for a trigger of the other kind, and for unknown or missing facts."""
    lifecycle, node = instance.server.lifecycle, instance.server.node
    if trigger not in known:
        lifecycle.refusal(trigger, node)
        raise ApiError(400, f"{trigger} {otherwise}")
    if given or lifecycle.possible(trigger, node):
        try:
            lifecycle.outcome(trigger, node, given)
        except UnknownFact as error:
            raise InvalidInput(str(error)) from None


@router.post("/advance", body="ClockAdvance")
async def advance_clock(request: Request, body: Item) -> Response:
    """Let time pass at once."""
    clockwork: Clockwork = request.app.state.clockwork
    steps, seconds = body["steps"], body["seconds"]
    if (steps is None) == (seconds is None):
        raise ApiError(400, 'Invalid input for body: expected {"seconds": 30} or {"steps": 1}')
    done = await (clockwork.step(steps) if seconds is None else clockwork.advance(seconds))
    return JSONResponse({"now": clockwork.cloud.now, "events": done})


@router.get("/faults")
def list_faults(request: Request) -> Response:
    """Return the faults in force, and the scenarios that wait for a server."""
    cloud = _cloud(request)
    active = _wire(request).active
    return JSONResponse(
        {
            "faults": [
                *(counted(str(fault), fault.count) for fault in cloud.orders.faults),
                *(counted(f"{VOLUME}{fault}", fault.count) for fault in _of_volumes(cloud)),
            ],
            "wire": [counted(str(fault), count) for fault, count in active],
            "scenarios": [[word.text for word in plan] for plan in cloud.orders.plans],
        }
    )


def _of_volumes(cloud: Cloud) -> list[FaultOrder]:
    return cloud.volumes.cloud.orders.faults if cloud.has_volumes else []


@router.post("/faults", name="add_fault", body="FaultRequest", status_code=201)
def order_fault(request: Request, body: Item) -> Response:
    """Let requests fail, or responses be lost, from now on."""
    count = StrikeCount(body["met"] or 0, body["struck"] or 0)
    text = add_fault(_cloud(request), _wire(request), fault_text(body), count)
    return JSONResponse(counted(text, count), 201)


@router.delete("/faults", status_code=204)
def clear_faults(request: Request) -> Response:
    """Remove all faults and waiting scenarios."""
    _cloud(request).orders.clear()
    if _of_volumes(_cloud(request)):
        _cloud(request).volumes.cloud.orders.clear()
    _wire(request).restore(())
    return Response(status_code=204)


@router.get("/hosts")
def list_hosts_of_cloud(request: Request) -> Response:
    """Return the hosts, whether each answers, and how many servers it has."""
    cloud = _cloud(request)
    counts = Counter(instance.host for instance in cloud.instances.values())
    hosts = [
        {
            "name": host.name,
            "state": "down" if cloud.is_down(number) else "up",
            "servers": counts[number],
        }
        for number, host in enumerate(cloud.hosts)
    ]
    return JSONResponse({"hosts": hosts})


@router.post("/hosts/{name}", body="HostChange", other_codes=(404,))
def change_host(request: Request, name: str, body: Item) -> Response:
    """Let a host go down, so that its steps hang, or come back, which restarts its service."""
    cloud = _cloud(request)
    hosts = {host.name: number for number, host in enumerate(cloud.hosts)}
    if name not in hosts:
        raise ApiError(404, f"there is no host {name[:40]}; there are {', '.join(hosts)}")
    cloud.force_down(hosts[name], down=body["state"] == "down")
    return JSONResponse({"host": name, "state": body["state"]})


@router.get("/snapshots")
def list_copies_of_cloud(request: Request) -> Response:
    """Return the names of the snapshots, the oldest first, from `beginning` on."""
    return JSONResponse({"snapshots": [*request.app.state.snapshots.by_name]})


@router.post("/snapshots/{name}", status_code=201, other_codes=(400,))
def take_copy_of_cloud(request: Request, name: str) -> Response:
    """Keep the cloud as it is now under a name, in place of an earlier snapshot of that name."""
    if not SNAPSHOT.fullmatch(name):
        raise ApiError(400, f"{name[:40]!r} cannot name a snapshot; expected such as a-1")
    if name == BEGINNING:
        raise ApiError(400, f"{name} is that of the start; expected another name")
    request.app.state.snapshots.take(name)
    return JSONResponse({"name": name, "servers": len(_cloud(request).instances)}, 201)


@router.post("/reset", body="ResetRequest", other_codes=(404,))
def reset_cloud(request: Request, body: Item) -> Response:
    """Return to the start, or to a snapshot: its servers, its faults, its time, its seed."""
    name, snapshots = body["snapshot"] or BEGINNING, request.app.state.snapshots
    if name not in snapshots.by_name:
        known = ", ".join(snapshots.by_name)
        raise ApiError(404, f"there is no snapshot {name[:40]}; there are {known}")
    snapshots.restore(name)
    cloud = _cloud(request)
    return JSONResponse({"snapshot": name, "now": cloud.now, "servers": len(cloud.instances)})


@router.post("/scenario", body="ScenarioRequest", status_code=201)
def lay_scenario(request: Request, body: Item) -> Response:
    """Let the next server that is created follow a scenario."""
    words = _cloud(request).orders.add_scenario(body["words"])
    return JSONResponse({"words": [word.text for word in words]}, 201)


@router.get("/changes", query="ChangesQuery")
def list_changes(request: Request, query: Item) -> Response:
    """Return the changes after that number, in order."""
    rows = _log(request).since(query["since"], query["limit"])
    return JSONResponse({"changes": [row.as_dict() for row in rows]})


@router.get("/events", query="EventsQuery", answer="text/event-stream")
def stream_changes(request: Request, query: Item) -> Response:
    """Send every change as a server-sent event, from now on or after that number."""
    last, log = request.headers.get("last-event-id", ""), _log(request)
    known = last.isascii() and last.isdecimal() and len(last) < 17
    number = int(last) if known else query["since"]
    begin = log.count if number is None else number
    return ChangeStream(log, begin)
