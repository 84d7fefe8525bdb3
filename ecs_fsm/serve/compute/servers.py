"""Servers over HTTP: create, show, list, change and delete, as Nova's compute API has it.

Every path begins behind the version of the API, so that the same face can stand at several places.
"""

from __future__ import annotations

from fastapi import Request
from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Json
from ecs_fsm.serve.compute.asking import WITH_TOKEN, Asked, Asking, answer, asking_of, told
from ecs_fsm.serve.compute.creating import CreateServer, create
from ecs_fsm.serve.compute.listing import Page, listed
from ecs_fsm.serve.compute.shapes import View, links
from ecs_fsm.serve.compute.values import Address4, Address6, Disk, Host, Name
from ecs_fsm.serve.http.answers import REFUSED, BriefServers, Created, OneServer, Servers
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, Body
from ecs_fsm.serve.http.handlers import Handlers

router = Handlers(tags=["compute"], responses=COMPUTE_ERRORS)


@router.get("/servers/detail", response_model=Servers)
async def list_servers_in_detail(asked: Asked) -> Response:
    """Servers with all that is known of them, the newest first."""
    page, look = listed(asked), asked.look(View.DETAIL)
    written = b", ".join(asked.compute.written(instance, look) for instance in page.servers)
    return answer(b'{"servers": [%b]%b}' % (written, _next(asked, page)))


BY_ID: dict[str, object] = {
    "parameters": [
        {"name": "server_id", "in": "path", "required": True, "schema": {"type": "string"}}
    ],
}


# Clients ask this again and again while they wait.
@router.get(
    "/servers/{server_id}", plain=True, response_model=OneServer, openapi_extra=WITH_TOKEN | BY_ID
)
async def show_server(request: Request) -> Response:
    """A server."""
    asked = await asking_of(request)
    instance = asked.find(request.path_params["server_id"])
    return answer(b'{"server": %b}' % asked.compute.written(instance, asked.look(View.SHOW)))


@router.get("/servers", response_model=BriefServers)
async def list_servers(asked: Asked) -> Response:
    """Servers by id and name, the newest first."""
    page, shapes = listed(asked), asked.compute.shapes
    shown = [shapes.brief(instance, asked.root) for instance in page.servers]
    written = told({"servers": shown}).body
    return answer(b"%b%b}" % (bytes(written)[:-1], _next(asked, page)))


def _next(asked: Asking, page: Page) -> bytes:
    """What a list tells of its next page."""
    if page.more is None:
        return b""
    url = f"{asked.base}{asked.request.scope['path']}?{page.more}"
    return b', "servers_links": %b' % bytes(told([{"rel": "next", "href": url}]).body)


@router.post("/servers", response_model=Created, status_code=202, responses=REFUSED)
async def create_server(body: CreateServer, asked: Asked) -> Response:
    """Makes servers, and tells of the first."""
    made, password = create(asked, body.server)
    first = made[0]
    if body.server.return_reservation_id:
        return told({"reservation_id": first.details["reservation_id"]}, 202)
    url = f"{asked.root}/servers/{first.id}"
    shown: Json = {
        "id": first.id,
        "links": links(asked.root, "servers", first.id),
        "OS-DCF:diskConfig": body.server.disk_config,
        "security_groups": [{"name": group.name} for group in body.server.security_groups],
        "adminPass": password,
    }
    return told({"server": shown}, 202, {"Location": url})


class Change(Body):
    """What is to be changed about a server."""

    name: Name | None = None
    description: str | None = Field(None, max_length=255)
    hostname: Host | None = None
    accessIPv4: Address4 = None  # noqa: N815
    accessIPv6: Address6 = None  # noqa: N815
    disk_config: Disk | None = Field(None, alias="OS-DCF:diskConfig")


class UpdateServer(Body):
    """The body of a change."""

    server: Change


SINCE = {"description": 19, "hostname": 90}
"""The microversions that brought these."""


@router.put("/servers/{server_id}", response_model=OneServer)
async def update_server(server_id: str, body: UpdateServer, asked: Asked) -> Response:
    """Changes the name, the description or the host name."""
    instance = asked.find(server_id)
    wanted = body.server.model_dump(exclude_unset=True)
    instance.set(
        {
            name: value
            for name, value in wanted.items()
            if asked.minor >= SINCE.get(name, 0) and (value is not None or name in SINCE)
        }
    )
    asked.cloud.keep(instance)
    return answer(b'{"server": %b}' % asked.compute.written(instance, asked.look(View.CHANGED)))


@router.delete("/servers/{server_id}", status_code=204, responses=REFUSED)
async def delete_server(server_id: str, asked: Asked) -> Response:
    """Removes a server; it is gone when it is not found any more."""
    instance = asked.find(server_id)
    operation = asked.compute.words.operations.delete
    asked.compute.ask(instance, operation, asked.asker(operation))
    return Response(status_code=204)
