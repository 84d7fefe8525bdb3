"""Instance actions: the requests that a server accepted, and what came of them; all migrations.

The events of an action are Nova's: what its services do for the steps that the history shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby, zip_longest
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, cast

from starlette.responses import Response

from ecs_fsm.core.model import Kind
from ecs_fsm.serve.cloud.instance import HistoryEntry, Instance, Json, RequestRecord
from ecs_fsm.serve.cloud.resources import tables
from ecs_fsm.serve.cloud.vocabulary import MIGRATE_LIVE, MOVES, SETTLED, UNRECORDED
from ecs_fsm.serve.compute.api import ComputeContext, router
from ecs_fsm.serve.compute.listing import moment
from ecs_fsm.serve.compute.views import Fields, address_of, host_id, host_of, links
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import respond

GONE_SINCE, EVENTS_SINCE, UPDATED_SINCE, BEFORE_SINCE = 21, 51, 58, 66


class InstanceAction(NamedTuple):
    """An accepted request, and the states that the server entered because of it."""

    request: RequestRecord
    seen: tuple[HistoryEntry, ...]

    @property
    def id(self) -> str:
        """The id of the request, which is the marker of the next page."""
        return self.request.asker.request_id

    @property
    def updated(self) -> float:
        """When the last of it was seen."""
        return self.seen[-1].at if self.seen else self.request.at


def actions_of(context: ComputeContext, instance: Instance) -> Iterator[InstanceAction]:
    """Yield the accepted requests that Nova records, in their order.

    A part of the history begins with each event that a request causes. Both lists are in the order
    of time, so each request takes the next part, if that begins with its operation.
    """
    triggers = context.cloud.lifecycle.triggers
    begins = [
        number
        for number, seen in enumerate(instance.history)
        if seen.event and triggers[seen.event].kind is Kind.REQUEST
    ]
    ends = [*begins[1:], len(instance.history)]
    parts = list(zip(begins, ends, strict=True))
    for request in instance.requests:
        if request.refused is not None or request.operation in UNRECORDED:
            continue
        while parts and instance.history[parts[0][0]].at < request.at:
            parts.pop(0)  # the cloud has forgotten its request
        if parts and instance.history[parts[0][0]].event == request.operation:
            begin, end = parts.pop(0)
            yield InstanceAction(request, tuple(instance.history[begin:end]))
        else:
            yield InstanceAction(request, ())


def _shown(context: ComputeContext, instance: Instance, action: InstanceAction) -> Fields:
    """Return an action as a list shows it."""
    failed = any(seen.event in context.compute.failures for seen in action.seen)
    asker = action.request.asker
    shown: Fields = {
        "action": asker.action,
        "instance_uuid": instance.id,
        "request_id": asker.request_id,
        "user_id": asker.user_id,
        "project_id": asker.project_id,
        "start_time": context.time(action.request.at),
        "message": "Error" if failed else None,
        "updated_at": context.time(action.updated),
    }
    return context.shown("action", shown)


def _events(context: ComputeContext, instance: Instance, action: InstanceAction) -> list[Json]:
    """Return what was done for an action, the oldest first, each with its end if it has ended."""
    table, failures = tables()["compute"], context.compute.failures
    operation = action.request.operation
    usual = table["events"].get(operation, f"{operation}_instance")
    steps = [
        (table["step_events"].get(begun.state.task_state, usual), begun, ended)
        for begun, ended in zip_longest(action.seen, action.seen[1:])
        if begun.state.task_state and begun.event not in failures
    ]
    host, shown = host_of(context.cloud, instance), list[Json]()
    for name, some in groupby(steps, itemgetter(0)):
        together = [*some]
        begun, ended = together[0][1], together[-1][2]
        failed = ended is not None and ended.event in failures
        event: Fields = {
            "event": f"compute_{name}",
            "start_time": context.time(begun.at),
            "finish_time": None if ended is None else context.time(ended.at),
            "result": None if ended is None else "Error" if failed else "Success",
            "traceback": None,
            "hostId": host_id(instance, host),
            "host": host,
            "details": instance.fault.message if failed and instance.fault else None,
        }
        if context.minor >= EVENTS_SINCE and not context.caller.admin:
            del event["traceback"]
        shown.append(context.shown("event", event))
    return shown


def _find(context: ComputeContext, server_id: str) -> Instance:
    """Return the server, from 2.21 on also a deleted one. Raises 404 for others."""
    gone = context.cloud.gone.get(server_id)
    own = gone and (context.caller.admin or gone.project_id == context.caller.project_id)
    return gone if gone and own and context.minor >= GONE_SINCE else context.find(server_id)


@router.get("/servers/{server_id}/os-instance-actions")
def list_instance_actions(server_id: str, context: ComputeContext) -> Response:
    """The actions of a server, the newest first; in pages from 2.58 on."""
    instance = _find(context, server_id)
    found = [each for each in actions_of(context, instance) if in_time(context, each.updated)][::-1]
    return context.pages(
        "instanceActions", found, "links", UPDATED_SINCE, partial(_shown, context, instance)
    )


def in_time(context: ComputeContext, updated: float) -> bool:
    """Return whether a query selects what changed at that time."""
    query, at = context.request.query_params, context.cloud.clock.date(updated)
    if context.minor >= UPDATED_SINCE and "changes-since" in query:
        return at >= moment("changes-since", query["changes-since"])
    if context.minor >= BEFORE_SINCE and "changes-before" in query:
        return at <= moment("changes-before", query["changes-before"])
    return True


@router.get("/servers/{server_id}/os-instance-actions/{request_id}")
def show_instance_action(server_id: str, request_id: str, context: ComputeContext) -> Response:
    """The action of one request; with its events for administrators, from 2.51 for all."""
    instance = _find(context, server_id)
    for action in actions_of(context, instance):
        if action.id == request_id:
            shown = _shown(context, instance, action)
            if context.caller.admin or context.minor >= EVENTS_SINCE:
                shown["events"] = _events(context, instance, action)
            return respond({"instanceAction": shown})
    raise ApiError(404, f"Action for request_id {request_id[:255]} on instance not found")


RUNNING = "running"


class ListedMove(NamedTuple):
    """A migration of a server: its view, when it changed, and its id, the marker of a page."""

    id: str
    shown: Fields
    updated: float


def moves_of(context: ComputeContext, instance: Instance) -> Iterator[ListedMove]:
    """Yield the migrations of a server, the oldest first."""
    rows = cast(list[list[Any]], instance.details.get("moves") or [])
    places = {str(row[0]): row[1:] for row in rows}
    hosts, flavors = context.cloud.hosts, [*context.cloud.resources.of("flavors").all]
    numbers = {flavor: number for number, flavor in enumerate(flavors, start=1)}
    for number, action in enumerate(actions_of(context, instance), start=1):
        operation, asker = action.request.operation, action.request.asker
        if operation not in MOVES or asker.request_id not in places:
            continue
        source, old, goal, new = places[asker.request_id]
        move_id, uuid = instance.number * 1000 + number, asker.request_id.removeprefix("req-")
        status = _status(context, instance, action)
        shown: Fields = {
            "id": move_id,
            "instance_uuid": instance.id,
            "status": status,
            "source_node": hosts[source].name,
            "source_compute": hosts[source].name,
            "dest_node": hosts[goal].name,
            "dest_compute": hosts[goal].name,
            "dest_host": address_of(goal),
            "old_instance_type_id": numbers.get(old, 0),
            "new_instance_type_id": numbers.get(new, 0),
            "created_at": context.time(action.request.at),
            "updated_at": context.time(action.updated) if action.seen else None,
            "migration_type": MOVES[operation],
            "links": links(context.root, f"servers/{instance.id}/migrations", str(move_id)),
            "uuid": uuid,
            "user_id": asker.user_id,
            "project_id": asker.project_id,
        }
        if status != RUNNING:
            del shown["links"]
        yield ListedMove(uuid, context.shown("migration", shown), action.updated)


def _status(context: ComputeContext, instance: Instance, action: InstanceAction) -> str:
    if any(seen.event in context.compute.failures for seen in action.seen):
        return "error"
    accepted = [r for r in instance.requests if r.refused is None]
    if instance.operation == action.request.operation and accepted[-1] is action.request:
        return RUNNING if instance.operation == MIGRATE_LIVE else "migrating"
    if MOVES[action.request.operation] in ("live-migration", "evacuation"):
        return "completed"
    later = (SETTLED.get(r.operation) for r in accepted if r.at >= action.request.at)
    return next(filter(None, later), "finished")


@router.get("/os-migrations")
def list_all_migrations(context: ComputeContext) -> Response:
    """The migrations of all servers, the newest first; for administrators."""
    context.require_admin("os_compute_api:os-migrations:index")
    query = context.request.query_params
    found = [
        move
        for instance in context.cloud.instances.values()
        for move in moves_of(context, instance)
        if all(
            query.get(key, str(move.shown.get(key))) == str(move.shown.get(key)) for key in FILTERS
        )
        and query.get("host") in (None, move.shown["source_compute"], move.shown["dest_compute"])
        and in_time(context, move.updated)
    ]
    found.sort(key=lambda move: str(move.shown["created_at"]), reverse=True)
    return context.pages("migrations", found, "migrations_links", 59, attrgetter("shown"))


def _texts(shown: Fields) -> Iterator[tuple[str, str]]:
    return ((key, str(shown.get(key))) for key in FILTERS)


FILTERS = ("status", "instance_uuid", "source_compute", "migration_type", "user_id", "project_id")
