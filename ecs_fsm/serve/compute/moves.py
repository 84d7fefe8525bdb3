"""The migrations of all servers, as administrators list them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.vocabulary import MIGRATE_LIVE, MOVES, SETTLED
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, respond_json
from ecs_fsm.serve.compute.instance_actions import (
    InstanceAction,
    actions_of,
    changed_in_time,
    time_of,
    updated_of,
)
from ecs_fsm.serve.compute.views import Fields, address_of, links
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, page_of
from ecs_fsm.serve.http.handlers import Handlers

router = Handlers(tags=["compute"], responses=COMPUTE_ERRORS)
TYPED_SINCE = 23
RUNNING = "running"


class ListedMove(NamedTuple):
    """A migration of a server, with the id by which pages go on, its view, and when it changed."""

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
async def list_all_migrations(context: Versioned) -> Response:
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
        return respond_json({"migrations": [move.shown for move in found]})
    shown, following = page_of(context.request, context.base, found, "migrations_links")
    return respond_json({"migrations": [move.shown for move in shown], **following})


FILTERS = ("status", "instance_uuid", "source_compute", "migration_type", "user_id", "project_id")
