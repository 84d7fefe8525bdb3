"""The live migration of a server, as long as it runs: shown, hastened, given up."""

from __future__ import annotations

from pydantic import JsonValue
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.compute.actions import OneKey
from ecs_fsm.serve.compute.asking import Asked, Asking, told
from ecs_fsm.serve.compute.past import time_of
from ecs_fsm.serve.compute.shapes import Shape, host_name
from ecs_fsm.serve.http.answers import REFUSED
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers

router = Handlers(tags=["compute"], responses=REFUSED)
MIGRATIONS_SINCE, FORCED_SINCE, ABORTED_SINCE = 23, 22, 24


def _migration(asking: Asking, instance: Instance) -> Shape | None:
    """The live migration that runs, None where none does."""
    operation = asking.compute.words.operations.migration
    if instance.operation != operation or not instance.state.task_state:
        return None
    begun = [
        (number, question)
        for number, question in enumerate(instance.requests, start=1)
        if question.operation == operation and question.refused is None
    ]
    number, question = begun[-1]
    target = instance.changes.get("host")
    source, goal = asking.compute.shapes.host(instance), host_name(int(str(target or 0)))
    sizes = ("memory", "disk")
    shown: Shape = {f"{size}_{what}_bytes": 0 for size in sizes for what in WORK}
    shown |= {
        "id": number,
        "server_uuid": instance.id,
        "status": "running",
        "source_node": source,
        "source_compute": source,
        "dest_node": goal,
        "dest_compute": goal,
        "dest_host": goal,
        "created_at": time_of(asking, question.at),
        "updated_at": time_of(asking, instance.updated),
    }
    if asking.minor >= 59:
        shown["uuid"] = question.asker.request_id.removeprefix("req-")
    if asking.minor >= 80:
        shown |= {"user_id": question.asker.user_id, "project_id": question.asker.project_id}
    return shown


WORK = ("total", "processed", "remaining")


def _running(asking: Asking, server_id: str, migration_id: str) -> tuple[Instance, Shape]:
    """The server and its migration of that id. Raises 404 for others, 403 for users."""
    asking.administrator("os_compute_api:servers:migrations")
    instance = asking.find(server_id)
    migration = _migration(asking, instance)
    if migration is None or str(migration["id"]) != migration_id:
        raise ApiError(
            404,
            f"In-progress live migration {migration_id[:255]} is not found for server {server_id}.",
        )
    return instance, migration


@router.get("/servers/{server_id}/migrations")
async def list_migrations(server_id: str, asked: Asked) -> Response:
    """The live migration that runs; for administrators."""
    asked.since(MIGRATIONS_SINCE)
    asked.administrator("os_compute_api:servers:migrations:index")
    migration = _migration(asked, asked.find(server_id))
    return told({"migrations": [migration] if migration else []})


@router.get("/servers/{server_id}/migrations/{migration_id}")
async def show_migration(server_id: str, migration_id: str, asked: Asked) -> Response:
    """A live migration that runs; for administrators."""
    asked.since(MIGRATIONS_SINCE)
    return told({"migration": _running(asked, server_id, migration_id)[1]})


@router.delete("/servers/{server_id}/migrations/{migration_id}", status_code=202)
async def abort_migration(server_id: str, migration_id: str, asked: Asked) -> Response:
    """Gives a live migration up; for administrators."""
    asked.since(ABORTED_SINCE)
    instance, _ = _running(asked, server_id, migration_id)
    _ask(asked, instance, asked.compute.words.operations.abort_migration)
    asked.cloud.happen(instance, asked.compute.words.aborted, {})
    return Response(status_code=202)


@router.post("/servers/{server_id}/migrations/{migration_id}/action", status_code=202)
async def act_on_migration(
    server_id: str, migration_id: str, body: OneKey, asked: Asked
) -> Response:
    """`force_complete`: has a live migration come to its end; for administrators."""
    asked.since(FORCED_SINCE)
    instance, _ = _running(asked, server_id, migration_id)
    key: JsonValue = next(iter(body))
    if key != "force_complete":
        raise ApiError(400, "There is one action of a migration: force_complete")
    _ask(asked, instance, asked.compute.words.operations.force_migration)
    asked.cloud.hasten(instance)
    return Response(status_code=202)


def _ask(asking: Asking, instance: Instance, operation: str) -> None:
    """Asks for an operation that the lifecycle must have. Raises 400 where it has not."""
    lifecycle = asking.cloud.lifecycle
    if operation not in lifecycle.operations:
        raise ApiError(400, f"The lifecycle {lifecycle.name} has no operation {operation}")
    asking.compute.ask(instance, operation, asking.asker(operation))
