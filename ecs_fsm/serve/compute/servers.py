"""Servers: create, show, list, change and delete."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.vocabulary import DELETE
from ecs_fsm.serve.compute.api import (
    WITH_TOKEN,
    ComputeContext,
    Versioned,
    context_of,
    respond,
    respond_json,
)
from ecs_fsm.serve.compute.creation import create
from ecs_fsm.serve.compute.listing import ServerPage, servers_of
from ecs_fsm.serve.compute.schemas import (
    REFUSED,
    CreateServer,
    UpdateServer,
)
from ecs_fsm.serve.compute.views import AnswerKind, brief_view, links
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS
from ecs_fsm.serve.http.handlers import Handlers

router = Handlers(tags=["compute"], responses=COMPUTE_ERRORS)


@router.get("/servers/detail", answer="ServerList")
async def list_servers_in_detail(context: Versioned) -> Response:
    """Servers with their details, the newest first."""
    page, view = servers_of(context), context.view(AnswerKind.DETAIL)
    written = b", ".join(context.compute.written(instance, view) for instance in page.servers)
    return respond(b'{"servers": [%b]%b}' % (written, _next(context, page)))


# Clients poll this, so it does without what the framework does for a handler.
ONE_SERVER = "/servers/{server_id}"


@router.get(ONE_SERVER, plain=True, answer="OneServer", openapi_extra=WITH_TOKEN)
async def show_server(request: Request) -> Response:
    """A server."""
    context = await context_of(request, ONE_SERVER)
    instance = context.find(request.path_params["server_id"])
    return respond(
        b'{"server": %b}' % context.compute.written(instance, context.view(AnswerKind.SHOW))
    )


@router.get("/servers", answer="BriefServerList")
async def list_servers(context: Versioned) -> Response:
    """Servers by id and name, the newest first."""
    page = servers_of(context)
    shown = [brief_view(instance, context.root) for instance in page.servers]
    written = respond_json({"servers": shown}).body
    return respond(b"%b%b}" % (bytes(written)[:-1], _next(context, page)))


def _next(context: ComputeContext, page: ServerPage) -> bytes:
    """Return the link of a list to its next page as JSON, nothing on the last one."""
    if page.more is None:
        return b""
    url = f"{context.base}{context.request.scope['path']}?{page.more}"
    return b', "servers_links": %b' % bytes(respond_json([{"rel": "next", "href": url}]).body)


@router.post("/servers", answer="Creation", status_code=202, responses=REFUSED)
async def create_server(body: CreateServer, context: Versioned) -> Response:
    """Create servers; the answer shows the first."""
    created, password = create(context, body.server, body.hints)
    first = created[0]
    if body.server.return_reservation_id:
        return respond_json({"reservation_id": first.details["reservation_id"]}, 202)
    url = f"{context.root}/servers/{first.id}"
    shown: Json = {
        "id": first.id,
        "links": links(context.root, "servers", first.id),
        "OS-DCF:diskConfig": first.details["disk_config"],
        "security_groups": [{"name": name} for name in body.server.group_names],
        "adminPass": password,
    }
    return respond_json({"server": shown}, 202, {"Location": url})


PINNED = "pinned_availability_zone"


def _pin(context: ComputeContext, instance: Instance, zone: str | None) -> str | None:
    """Return the zone that a server is pinned to. Raises 409 for any but its own."""
    pinned, here = instance.details.get("zone"), context.cloud.hosts[instance.host].zone
    if zone is not None and pinned not in (None, zone):
        raise ApiError(
            409,
            "Cannot change pinned availability zone directly. Unpin first by setting "
            "pinned_availability_zone to null.",
        )
    if zone is not None and pinned is None and zone != here:
        raise ApiError(
            409,
            f"Server can only be pinned to its current availability zone '{here}', but "
            f"'{zone}' was requested.",
        )
    return zone


SINCE = {"description": 19, "hostname": 90, "zone": 104}
"""The microversions that brought these."""


@router.put("/servers/{server_id}", answer="OneServer")
async def update_server(server_id: str, body: UpdateServer, context: Versioned) -> Response:
    """Change the name, the description or the host name."""
    instance = context.find(server_id)
    fields = body.server.model_dump(exclude_unset=True)
    if PINNED in fields:
        fields["zone"] = _pin(context, instance, fields.pop(PINNED))
    instance.set(
        {
            name: value
            for name, value in fields.items()
            if context.minor >= SINCE.get(name, 0) and (value is not None or name in SINCE)
        }
    )
    context.cloud.keep(instance)
    written = context.compute.written(instance, context.view(AnswerKind.CHANGED))
    return respond(b'{"server": %b}' % written)


@router.delete("/servers/{server_id}", status_code=204, responses=REFUSED)
async def delete_server(server_id: str, context: Versioned) -> Response:
    """Delete a server; it is gone once a request for it is answered with 404."""
    instance = context.find(server_id)
    context.compute.request(instance, DELETE, context.asker(DELETE))
    return Response(status_code=204)
