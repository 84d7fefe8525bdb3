"""Instance actions: the requests that a server accepted, and what came of them; all migrations.

The events of an action are Nova's: what its services do for the steps that the history shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from starlette.responses import Response

from ecs_fsm.core.model import Kind
from ecs_fsm.serve.cloud.instance import HistoryEntry, Instance, Json, RequestRecord
from ecs_fsm.serve.cloud.resources import tables
from ecs_fsm.serve.cloud.vocabulary import MIGRATE_LIVE, MOVES, SETTLED, UNRECORDED
from ecs_fsm.serve.compute.api import ComputeContext, router
from ecs_fsm.serve.compute.listing import moment
from ecs_fsm.serve.compute.views import Fields, address_of, host_id, host_of, links, long_time
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import page_of, respond

GONE_SINCE, EVENTS_SINCE, UPDATED_SINCE, BEFORE_SINCE, DETAILS_SINCE = 21, 51, 58, 66, 84


class InstanceAction(NamedTuple):
    """An accepted request, and the states that the server entered because of it."""

    request: RequestRecord
    seen: tuple[HistoryEntry, ...]

    @property
    def id(self) -> str:
        """The id of the request, which is the marker of the next page."""
        return self.request.asker.request_id


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
        "start_time": time_of(context, action.request.at),
        "message": "Error" if failed else None,
    }
    if context.minor >= UPDATED_SINCE:
        shown["updated_at"] = time_of(context, updated_of(action))
    return shown


def updated_of(action: InstanceAction) -> float:
    """Return when the last of an action was seen."""
    return action.seen[-1].at if action.seen else action.request.at


def time_of(context: ComputeContext, seconds: float) -> str:
    """Return a time of the clock as the compute API writes it."""
    return long_time(context.cloud.date(seconds))


def _event_of(operation: str, step: str) -> str:
    table = tables()["compute"]
    usual = table["events"].get(operation, f"{operation}_instance")
    return f"compute_{table['step_events'].get(step, usual)}"


def _events(context: ComputeContext, instance: Instance, action: InstanceAction) -> list[Json]:
    """Return what was done for an action, the oldest first, each with its end if it has ended."""
    found: list[tuple[str, HistoryEntry, HistoryEntry | None]] = []
    for begun, ended in zip(action.seen, [*action.seen, None][1:], strict=True):
        if not begun.state.task_state or begun.event in context.compute.failures:
            continue
        name = _event_of(action.request.operation, begun.state.task_state.value)
        if found and found[-1][0] == name:
            found[-1] = name, found[-1][1], ended
        else:
            found.append((name, begun, ended))
    return [_event(context, instance, *each) for each in found]


def _event(
    context: ComputeContext,
    instance: Instance,
    name: str,
    begun: HistoryEntry,
    ended: HistoryEntry | None,
) -> Json:
    failed = ended is not None and ended.event in context.compute.failures
    result = None if ended is None else "Error" if failed else "Success"
    shown: Fields = {
        "event": name,
        "start_time": time_of(context, begun.at),
        "finish_time": None if ended is None else time_of(context, ended.at),
        "result": result,
    }
    if context.caller.admin or context.minor < EVENTS_SINCE:
        shown["traceback"] = None
    if context.minor >= 62:
        shown["hostId"] = host_id(context.cloud, instance)
        if context.caller.admin:
            shown["host"] = host_of(context.cloud, instance)
    if context.minor >= DETAILS_SINCE and context.caller.admin:
        shown["details"] = instance.fault.message if failed and instance.fault else None
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
    found = actions_of(context, instance)
    actions = [each for each in found if changed_in_time(context, updated_of(each))][::-1]
    shown: Sequence[InstanceAction] = actions
    following: Fields = {}
    if context.minor >= UPDATED_SINCE:
        shown, following = page_of(context.request, context.base, actions, "links")
    views = [_shown(context, instance, action) for action in shown]
    return respond({"instanceActions": views, **following})


def changed_in_time(context: ComputeContext, updated: float) -> bool:
    """Return whether a query selects what changed at that time."""
    query, at = context.request.query_params, context.cloud.date(updated)
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


TYPED_SINCE = 23
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
    actions = actions_of(context, instance)
    for number, action in enumerate(actions, start=1):
        operation, asker = action.request.operation, action.request.asker
        if operation not in MOVES or asker.request_id not in places:
            continue
        source, old, goal, new = places[asker.request_id]
        hosts = context.cloud.hosts
        shown: Fields = {
            "id": instance.number * 1000 + number,
            "instance_uuid": instance.id,
            "status": _status(context, instance, action),
            "source_node": hosts[source].name,
            "source_compute": hosts[source].name,
            "dest_node": hosts[goal].name,
            "dest_compute": hosts[goal].name,
            "dest_host": address_of(goal),
            "old_instance_type_id": _number(context, old),
            "new_instance_type_id": _number(context, new),
            "created_at": time_of(context, action.request.at),
            "updated_at": time_of(context, action.seen[-1].at) if action.seen else None,
        }
        if context.minor >= TYPED_SINCE:
            shown["migration_type"] = MOVES[operation]
            if shown["status"] == RUNNING:
                place = f"servers/{instance.id}/migrations"
                shown["links"] = links(context.root, place, str(shown["id"]))
        uuid = asker.request_id.removeprefix("req-")
        if context.minor >= 59:
            shown["uuid"] = uuid
        if context.minor >= 80:
            shown |= {"user_id": asker.user_id, "project_id": asker.project_id}
        yield ListedMove(uuid, shown, updated_of(action))


def _number(context: ComputeContext, flavor: str | int) -> int:
    known = [*context.cloud.resources.of("flavors").all]
    return known.index(str(flavor)) + 1 if flavor in known else 0


def _status(context: ComputeContext, instance: Instance, action: InstanceAction) -> str:
    if any(seen.event in context.compute.failures for seen in action.seen):
        return "error"
    if instance.operation == action.request.operation:
        latest = [r for r in instance.requests if r.refused is None][-1]
        if latest is action.request:
            return RUNNING if instance.operation == MIGRATE_LIVE else "migrating"
    later = (r for r in instance.requests if r.at >= action.request.at and r.refused is None)
    settled = next((SETTLED[r.operation] for r in later if r.operation in SETTLED), None)
    ends = MOVES[action.request.operation] in ("live-migration", "evacuation")
    return ("completed" if ends else None) or settled or "finished"


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
        and changed_in_time(context, move.updated)
    ]
    found.sort(key=lambda move: str(move.shown["created_at"]), reverse=True)
    if context.minor < 59:
        return respond({"migrations": [move.shown for move in found]})
    shown, following = page_of(context.request, context.base, found, "migrations_links")
    return respond({"migrations": [move.shown for move in shown], **following})


FILTERS = ("status", "instance_uuid", "source_compute", "migration_type", "user_id", "project_id")
