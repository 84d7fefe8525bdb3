"""What was asked of a server and what came of it: instance actions.

Events of an action are the steps that the server's history shows for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from starlette.responses import Response

from ecs_fsm.core.model import Kind
from ecs_fsm.serve.cloud.instance import HistoryEntry, Instance, Json
from ecs_fsm.serve.cloud.instance import RequestRecord as Question
from ecs_fsm.serve.compute.asking import Asked, Asking, told
from ecs_fsm.serve.compute.filters import moment
from ecs_fsm.serve.compute.shapes import Shape, long_stamp
from ecs_fsm.serve.http.answers import REFUSED
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.paging import Limit, Marker, next_url, page

router = Handlers(tags=["compute"], responses=REFUSED)
GONE_SINCE, EVENTS_SINCE, UPDATED_SINCE, BEFORE_SINCE, DETAILS_SINCE = 21, 51, 58, 66, 84


class Past(NamedTuple):
    """A request that was accepted, and the states that it led through."""

    question: Question
    seen: tuple[HistoryEntry, ...]

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
    for question in instance.requests:
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
        "start_time": time_of(asking, past.question.at),
        "message": "Error" if failed else None,
    }
    if asking.minor >= UPDATED_SINCE:
        shown["updated_at"] = time_of(asking, _updated(past))
    return shown


def _updated(past: Past) -> float:
    return past.seen[-1].at if past.seen else past.question.at


def time_of(asking: Asking, seconds: float) -> str:
    """A time of the clock as the compute API writes it."""
    return long_stamp(asking.cloud.date(seconds))


def _events(asking: Asking, instance: Instance, past: Past) -> list[Json]:
    """The steps of an action, each with its end if there was one."""
    ends = [*(seen for seen in past.seen[1:]), None]
    return [
        _event(asking, instance, begun, ended)
        for begun, ended in zip(past.seen, ends, strict=False)
        if begun.state.task_state and begun.event not in asking.compute.failures
    ]


def _event(
    asking: Asking, instance: Instance, begun: HistoryEntry, ended: HistoryEntry | None
) -> Json:
    failed = ended is not None and ended.event in asking.compute.failures
    result = None if ended is None else "Error" if failed else "Success"
    shown: Shape = {
        "event": f"compute_{begun.state.task_state}",
        "start_time": time_of(asking, begun.at),
        "finish_time": None if ended is None else time_of(asking, ended.at),
        "result": result,
    }
    if asking.caller.admin or asking.minor < EVENTS_SINCE:
        shown["traceback"] = None
    if asking.minor >= 62:
        shown["hostId"] = asking.compute.shapes.host_id(instance)
        if asking.caller.admin:
            shown["host"] = asking.compute.shapes.host(instance)
    if asking.minor >= DETAILS_SINCE:
        shown["details"] = instance.fault.message if failed and instance.fault else None
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
        href = next_url(asked.request, asked.base, more)
        body["links"] = [{"rel": "next", "href": href}]
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
