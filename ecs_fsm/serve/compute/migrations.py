"""The live migration of a server while it runs: show, complete and abort it."""

from __future__ import annotations

from pydantic import JsonValue
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.vocabulary import (
    ABORT_MIGRATION,
    ABORTED,
    FORCE_MIGRATION,
    MIGRATE_LIVE,
)
from ecs_fsm.serve.compute.actions import OneKey
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, respond_json
from ecs_fsm.serve.compute.instance_actions import time_of
from ecs_fsm.serve.compute.schemas import REFUSED
from ecs_fsm.serve.compute.views import Fields, host_name, host_of
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers

router = Handlers(tags=["compute"], responses=REFUSED)
MIGRATIONS_SINCE, FORCED_SINCE, ABORTED_SINCE = 23, 22, 24


def _migration(context: ComputeContext, instance: Instance) -> Fields | None:
    """Return the running live migration, None without one."""
    if instance.operation != MIGRATE_LIVE or not instance.state.task_state:
        return None
    begun = [
        (number, request)
        for number, request in enumerate(instance.requests, start=1)
        if request.operation == MIGRATE_LIVE and request.refused is None
    ]
    number, request = begun[-1]
    target = instance.changes.get("host")
    source, goal = host_of(instance), host_name(int(str(target or 0)))
    sizes = ("memory", "disk")
    shown: Fields = {f"{size}_{what}_bytes": 0 for size in sizes for what in WORK}
    shown |= {
        "id": number,
        "server_uuid": instance.id,
        "status": "running",
        "source_node": source,
        "source_compute": source,
        "dest_node": goal,
        "dest_compute": goal,
        "dest_host": goal,
        "created_at": time_of(context, request.at),
        "updated_at": time_of(context, instance.updated),
    }
    if context.minor >= 59:
        shown["uuid"] = request.asker.request_id.removeprefix("req-")
    if context.minor >= 80:
        shown |= {"user_id": request.asker.user_id, "project_id": request.asker.project_id}
    return shown


WORK = ("total", "processed", "remaining")


def _running(context: ComputeContext, server_id: str, migration_id: str) -> tuple[Instance, Fields]:
    """Return a server and its migration. Raises 404 for no such one, 403 for users."""
    context.require_admin("os_compute_api:servers:migrations")
    instance = context.find(server_id)
    migration = _migration(context, instance)
    if migration is None or str(migration["id"]) != migration_id:
        raise ApiError(
            404,
            f"In-progress live migration {migration_id[:255]} is not found for server {server_id}.",
        )
    return instance, migration


@router.get("/servers/{server_id}/migrations")
async def list_migrations(server_id: str, context: Versioned) -> Response:
    """The running live migration; for administrators."""
    context.require_version(since=MIGRATIONS_SINCE)
    context.require_admin("os_compute_api:servers:migrations:index")
    migration = _migration(context, context.find(server_id))
    return respond_json({"migrations": [migration] if migration else []})


@router.get("/servers/{server_id}/migrations/{migration_id}")
async def show_migration(server_id: str, migration_id: str, context: Versioned) -> Response:
    """A running live migration; for administrators."""
    context.require_version(since=MIGRATIONS_SINCE)
    return respond_json({"migration": _running(context, server_id, migration_id)[1]})


@router.delete("/servers/{server_id}/migrations/{migration_id}", status_code=202)
async def abort_migration(server_id: str, migration_id: str, context: Versioned) -> Response:
    """Abort a live migration; for administrators."""
    context.require_version(since=ABORTED_SINCE)
    instance, _ = _running(context, server_id, migration_id)
    _request(context, instance, ABORT_MIGRATION)
    context.cloud.happen(instance, ABORTED, {})
    return Response(status_code=202)


@router.post("/servers/{server_id}/migrations/{migration_id}/action", status_code=202)
async def act_on_migration(
    server_id: str, migration_id: str, body: OneKey, context: Versioned
) -> Response:
    """`force_complete`: complete a live migration at once; for administrators."""
    context.require_version(since=FORCED_SINCE)
    instance, _ = _running(context, server_id, migration_id)
    key: JsonValue = next(iter(body))
    if key != "force_complete":
        raise ApiError(400, "There is one action of a migration: force_complete")
    _request(context, instance, FORCE_MIGRATION)
    context.cloud.hasten(instance)
    return Response(status_code=202)


def _request(context: ComputeContext, instance: Instance, operation: str) -> None:
    """Request an operation. Raises 400 if the lifecycle does not have it."""
    lifecycle = context.cloud.lifecycle
    if operation not in lifecycle.operations:
        raise ApiError(400, f"The lifecycle {lifecycle.name} has no operation {operation}")
    context.compute.request(instance, operation, context.asker(operation))
