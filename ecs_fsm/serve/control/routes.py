"""The control API, which no real cloud has: the clock, requests and events in one shape, failures.

It stands at `/_ecs`, needs no token, and uses the words of the lifecycle. Streams of changes are
bounded in number, and in what each sends at once.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ecs_fsm.core.errors import InvalidInput, UnknownFact
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Node
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.followers import Clockwork, EventLog
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json, StrikeCount
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import VOLUME
from ecs_fsm.serve.http.api_errors import ApiError, spelled
from ecs_fsm.serve.http.handlers import Face, Handlers
from ecs_fsm.serve.http.wire import PREFIX, WireFaults, add_fault

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


def _instance(cloud: Cloud, server_id: str, *, gone: bool = False) -> Instance:
    found = cloud.instances.get(server_id) or (cloud.gone.get(server_id) if gone else None)
    if found is None:
        raise ApiError(404, f"there is no server {server_id[:40]}")
    return found


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
        **{name: getattr(instance, name) for name in ("id", "name", "number")},
        **node.state.as_dict(),
        "remembers": dict(node.facts),
        **{name: getattr(instance, name) for name in ("hangs", "operation", "due")},
        **_possible(cloud.lifecycle, node),
        "gone": instance.terminated is not None,
    }


def server_with_past(cloud: Cloud, instance: Instance) -> dict[str, Json]:
    """Return a server with its history and the requests for it."""
    past, asked = instance.history, instance.requests
    history: list[Json] = [{"at": e.at, "event": e.event, **e.state.as_dict()} for e in past]
    requests: list[Json] = [
        {"at": r.at, "action": r.asker.action, "operation": r.operation, "refused": r.refused}
        for r in asked
    ]
    return {**control_view(cloud, instance), "history": history, "asked": requests}


def counted(text: str, count: StrikeCount) -> dict[str, Json]:
    """Return a fault of any kind, by its text."""
    return {"fault": text, "met": count.met, "struck": count.struck}


@router.get("/servers")
def list_everything(cloud: Cloud, record: EventLog) -> Response:
    """Return the present servers with their possible requests and events, and the time."""
    time = {"now": cloud.now, "speed": cloud.clock.speed, "changes": record.count}
    servers = [control_view(cloud, instance) for instance in cloud.instances.values()]
    return JSONResponse({"lifecycle": cloud.lifecycle.name, **time, "servers": servers})


@router.get("/servers/{server_id}", other_codes=(404,))
def show_everything(cloud: Cloud, server_id: str) -> Response:
    """Return a server, present or deleted, with its history and the requests for it."""
    return JSONResponse(server_with_past(cloud, _instance(cloud, server_id, gone=True)))


@router.post("/servers/{server_id}/requests", body="OperationRequest", **ACCEPTED)
def request_operation(request: Request, cloud: Cloud, server_id: str, body: Item) -> Response:
    """Request an operation by its name in the lifecycle."""
    instance = _instance(cloud, server_id)
    _check(instance, body["operation"], body["given"], operation=True)
    asker = Asker(request.state.request_id, ACTION, instance.project_id, ACTION)
    cloud.request(instance, body["operation"], body["given"], asker)
    cloud.finish(instance)
    return JSONResponse(control_view(cloud, instance), 202)


@router.post("/servers/{server_id}/events", body="EventRequest", **ACCEPTED)
def let_event_happen(cloud: Cloud, server_id: str, body: Item) -> Response:
    """Let an event of the system happen now, for example a failure."""
    instance = _instance(cloud, server_id)
    _check(instance, body["event"], body["given"], operation=False)
    cloud.happen(instance, body["event"], body["given"])
    cloud.finish(instance)
    return JSONResponse(control_view(cloud, instance), 202)


def _check(instance: Instance, trigger: str, given: Mapping[str, str], *, operation: bool) -> None:
    """Raise for a trigger of the other kind, and for unknown or missing facts."""
    lifecycle, node = instance.server.lifecycle, instance.server.node
    if trigger not in (lifecycle.operations if operation else lifecycle.events):
        lifecycle.refusal(trigger, node)
        event, other = "event of the system: post it to events", "operation: post it to requests"
        raise ApiError(400, f"{trigger} is an {event if operation else other}")
    if given or lifecycle.possible(trigger, node):
        try:
            lifecycle.outcome(trigger, node, given)
        except UnknownFact as error:
            raise InvalidInput(str(error)) from None


@router.post("/advance", body="ClockAdvance")
async def advance_clock(clockwork: Clockwork, body: Item) -> Response:
    """Let time pass at once."""
    steps, seconds = body["steps"], body["seconds"]
    if (steps is None) == (seconds is None):
        raise ApiError(400, 'Invalid input for body: expected {"seconds": 30} or {"steps": 1}')
    done = await (clockwork.step(steps) if seconds is None else clockwork.advance(seconds))
    return JSONResponse({"now": clockwork.cloud.now, "events": done})


@router.get("/faults")
def list_faults(cloud: Cloud, wire: WireFaults) -> Response:
    """Return the faults in force, and the scenarios that wait for a server."""
    volumes = cloud.volumes.cloud.orders.faults if cloud.has_volumes else []
    faults = [
        *(counted(str(fault), fault.count) for fault in cloud.orders.faults),
        *(counted(f"{VOLUME}{fault}", fault.count) for fault in volumes),
    ]
    scenarios = [[word.text for word in plan] for plan in cloud.orders.plans]
    on_wire = [counted(str(fault), count) for fault, count in wire.active]
    return JSONResponse({"faults": faults, "wire": on_wire, "scenarios": scenarios})


MARKS = {"retry_after": "=", "message": "=", "request": "@"}
MARKS |= {"first": "#", "times": "*", "percent": "%", "servers": " on "}
"""What stands before the parts of a fault in its text."""


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


@router.post("/faults", name="add_fault", body="FaultRequest", status_code=201)
def order_fault(cloud: Cloud, wire: WireFaults, body: Item) -> Response:
    """Let requests fail, or responses be lost, from now on."""
    count = StrikeCount(body["met"] or 0, body["struck"] or 0)
    text = add_fault(cloud, wire, fault_text(body), count)
    return JSONResponse(counted(text, count), 201)


@router.delete("/faults", status_code=204)
def clear_faults(cloud: Cloud, wire: WireFaults) -> Response:
    """Remove all faults and waiting scenarios."""
    cloud.orders.clear()
    if cloud.has_volumes:
        cloud.volumes.cloud.orders.clear()
    wire.restore(())
    return Response(status_code=204)


@router.get("/hosts")
def list_hosts_of_cloud(cloud: Cloud) -> Response:
    """Return the hosts, whether each answers, and how many servers it has."""
    counts = Counter(instance.host for instance in cloud.instances.values())
    states = ["down" if cloud.is_down(number) else "up" for number in range(len(cloud.hosts))]
    hosts = [
        {"name": host.name, "state": state, "servers": counts[number]}
        for number, (host, state) in enumerate(zip(cloud.hosts, states, strict=True))
    ]
    return JSONResponse({"hosts": hosts})


@router.post("/hosts/{name}", body="HostChange", other_codes=(404,))
def change_host(cloud: Cloud, name: str, body: Item) -> Response:
    """Let a host go down, so that its steps hang, or come back, which restarts its service."""
    hosts = {host.name: number for number, host in enumerate(cloud.hosts)}
    if name not in hosts:
        raise ApiError(404, f"there is no host {name[:40]}; there are {', '.join(hosts)}")
    cloud.force_down(hosts[name], down=body["state"] == "down")
    return JSONResponse({"host": name, "state": body["state"]})


@router.get("/snapshots")
def list_copies_of_cloud(snapshots: Any) -> Response:
    """Return the names of the snapshots, the oldest first, from `beginning` on."""
    return JSONResponse({"snapshots": [*snapshots.by_name]})


@router.post("/snapshots/{name}", status_code=201, other_codes=(400,))
def take_copy_of_cloud(cloud: Cloud, snapshots: Any, name: str) -> Response:
    """Keep the cloud as it is now under a name, in place of an earlier snapshot of that name."""
    if not SNAPSHOT.fullmatch(name):
        raise ApiError(400, f"{name[:40]!r} cannot name a snapshot; expected such as a-1")
    if name == BEGINNING:
        raise ApiError(400, f"{name} is that of the start; expected another name")
    snapshots.take(name)
    return JSONResponse({"name": name, "servers": len(cloud.instances)}, 201)


@router.post("/reset", body="ResetRequest", other_codes=(404,))
def reset_cloud(request: Request, snapshots: Any, body: Item) -> Response:
    """Return to the start, or to a snapshot: its servers, its faults, its time, its seed."""
    name = body["snapshot"] or BEGINNING
    if name not in snapshots.by_name:
        known = ", ".join(snapshots.by_name)
        raise ApiError(404, f"there is no snapshot {name[:40]}; there are {known}")
    snapshots.restore(name)
    cloud: Cloud = request.app.state.cloud  # which is another one now
    return JSONResponse({"snapshot": name, "now": cloud.now, "servers": len(cloud.instances)})


@router.post("/scenario", body="ScenarioRequest", status_code=201)
def lay_scenario(cloud: Cloud, body: Item) -> Response:
    """Let the next server that is created follow a scenario."""
    words = cloud.orders.add_scenario(body["words"])
    return JSONResponse({"words": [word.text for word in words]}, 201)


@router.get("/changes", query="ChangesQuery")
def list_changes(record: EventLog, query: Item) -> Response:
    """Return the changes after that number, in order."""
    rows = record.since(query["since"], query["limit"])
    return JSONResponse({"changes": [row.as_dict() for row in rows]})


@router.get("/events", query="EventsQuery", answer="text/event-stream")
def stream_changes(request: Request, record: EventLog, query: Item) -> Response:
    """Send every change as a server-sent event, from now on or after that number."""
    last = request.headers.get("last-event-id", "")
    known = last.isascii() and last.isdecimal() and len(last) < 17
    number = int(last) if known else query["since"]
    return ChangeStream(record, record.count if number is None else number)
