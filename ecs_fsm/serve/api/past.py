"""What was asked of a server and what came of it: instance actions, and the migration that runs.

Events of an action are the steps that the server's history shows for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fastapi import APIRouter
from pydantic import JsonValue
from starlette.responses import Response

from ecs_fsm.model import Kind
from ecs_fsm.serve.api.actions import OneKey
from ecs_fsm.serve.api.answers import REFUSED
from ecs_fsm.serve.api.asking import Asked, Asking, told
from ecs_fsm.serve.api.errors import ApiError
from ecs_fsm.serve.api.filters import moment
from ecs_fsm.serve.api.paging import Limit, Marker, page
from ecs_fsm.serve.api.shapes import Shape, host_name, long_stamp
from ecs_fsm.serve.instance import Asked as Question
from ecs_fsm.serve.instance import Instance, Json, Seen

router = APIRouter(tags=["compute"], responses=REFUSED)
GONE_SINCE, EVENTS_SINCE, UPDATED_SINCE, BEFORE_SINCE, DETAILS_SINCE = 21, 51, 58, 66, 84
MIGRATIONS_SINCE, FORCED_SINCE, ABORTED_SINCE = 23, 22, 24


class Past(NamedTuple):
    """A request that was accepted, and the states that it led through."""

    question: Question
    seen: tuple[Seen, ...]

    @property
    def id(self) -> str:
        """By which a marker finds it."""
        return self.question.asker.request_id


def _pasts(asking: Asking, instance: Instance) -> Iterator[Past]:
    """The requests that were accepted, in their order."""
    triggers = asking.cloud.lifecycle.triggers
    begins = [
        number
        for number, seen in enumerate(instance.history)
        if seen.event and triggers[seen.event].kind is Kind.REQUEST
    ]
    ends = [*begins[1:], len(instance.history)]
    parts = list(zip(begins, ends, strict=True))
    for question in instance.asked:
        if question.refused is not None:
            continue
        while parts and instance.history[parts[0][0]].at < question.at:
            parts.pop(0)  # whose request is forgotten
        if parts and instance.history[parts[0][0]].event == question.operation:
            begin, end = parts.pop(0)
            yield Past(question, tuple(instance.history[begin:end]))
        else:
            yield Past(question, ())


def _shown(asking: Asking, instance: Instance, past: Past) -> Shape:
    """An action as a list shows it."""
    failed = any(seen.event in asking.compute.failures for seen in past.seen)
    asker = past.question.asker
    shown: Shape = {
        "action": asker.action,
        "instance_uuid": instance.id,
        "request_id": asker.request_id,
        "user_id": asker.user_id,
        "project_id": asker.project_id,
        "start_time": _time(asking, past.question.at),
        "message": "Error" if failed else None,
    }
    if asking.minor >= UPDATED_SINCE:
        shown["updated_at"] = _time(asking, _updated(past))
    return shown


def _updated(past: Past) -> float:
    return past.seen[-1].at if past.seen else past.question.at


def _time(asking: Asking, seconds: float) -> str:
    return long_stamp(asking.cloud.date(seconds))


def _events(asking: Asking, instance: Instance, past: Past) -> list[Json]:
    """The steps of an action, each with its end if there was one."""
    ends = [*(seen for seen in past.seen[1:]), None]
    return [
        _event(asking, instance, begun, ended)
        for begun, ended in zip(past.seen, ends, strict=False)
        if begun.state.task_state and begun.event not in asking.compute.failures
    ]


def _event(asking: Asking, instance: Instance, begun: Seen, ended: Seen | None) -> Json:
    failed = ended is not None and ended.event in asking.compute.failures
    result = None if ended is None else "Error" if failed else "Success"
    shown: Shape = {
        "event": f"compute_{begun.state.task_state}",
        "start_time": _time(asking, begun.at),
        "finish_time": None if ended is None else _time(asking, ended.at),
        "result": result,
    }
    if asking.caller.admin or asking.minor < EVENTS_SINCE:
        shown["traceback"] = None
    if asking.minor >= 62:
        shown["hostId"] = asking.compute.shapes.host_id(instance)
        if asking.caller.admin:
            shown["host"] = asking.compute.shapes.host(instance)
    if asking.minor >= DETAILS_SINCE:
        shown["details"] = instance.trouble.message if failed and instance.trouble else None
    return shown


def _find(asking: Asking, server_id: str) -> Instance:
    """The server, from 2.21 on also one that is gone. Raises 404 for others."""
    gone = asking.cloud.gone.get(server_id)
    own = gone and (asking.caller.admin or gone.project_id == asking.caller.project_id)
    return gone if gone and own and asking.minor >= GONE_SINCE else asking.find(server_id)


@router.get("/servers/{server_id}/os-instance-actions")
async def list_instance_actions(
    server_id: str, asked: Asked, limit: Limit = None, marker: Marker = None
) -> Response:
    """What was asked of a server, the newest first; page by page from 2.58 on."""
    instance = _find(asked, server_id)
    pasts = [past for past in _pasts(asked, instance) if _meant(asked, past)][::-1]
    if asked.minor < UPDATED_SINCE:
        return told({"instanceActions": [_shown(asked, instance, past) for past in pasts]})
    shown, more = page(pasts, limit, marker)
    body: Shape = {"instanceActions": [_shown(asked, instance, past) for past in shown]}
    if more:
        query = asked.request.url.include_query_params(marker=more).query
        url = f"{asked.base}{asked.request.scope['path']}?{query}"
        body["links"] = [{"rel": "next", "href": url}]
    return told(body)


def _meant(asking: Asking, past: Past) -> bool:
    """Whether a query asks for it."""
    query, at = asking.request.query_params, asking.cloud.date(_updated(past))
    if asking.minor >= UPDATED_SINCE and "changes-since" in query:
        return at >= moment("changes-since", query["changes-since"])
    if asking.minor >= BEFORE_SINCE and "changes-before" in query:
        return at <= moment("changes-before", query["changes-before"])
    return True


@router.get("/servers/{server_id}/os-instance-actions/{request_id}")
async def show_instance_action(server_id: str, request_id: str, asked: Asked) -> Response:
    """What was asked with one request; its events for administrators, from 2.51 for all."""
    instance = _find(asked, server_id)
    for past in _pasts(asked, instance):
        if past.id == request_id:
            shown = _shown(asked, instance, past)
            if asked.caller.admin or asked.minor >= EVENTS_SINCE:
                shown["events"] = _events(asked, instance, past)
            return told({"instanceAction": shown})
    raise ApiError(404, f"Action for request_id {request_id[:255]} on instance not found")


def _migration(asking: Asking, instance: Instance) -> Shape | None:
    """The live migration that runs, None where none does."""
    operation = asking.compute.words.operations.migration
    if instance.operation != operation or not instance.state.task_state:
        return None
    begun = [
        (number, question)
        for number, question in enumerate(instance.asked, start=1)
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
        "created_at": _time(asking, question.at),
        "updated_at": _time(asking, instance.updated),
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
