"""The network service, neutron v2.0, as far as clients of servers look at it.

Networks and subnets are those of the catalog, ports those of the servers, and none can be made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastapi import Request
from pydantic import ConfigDict
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.catalog import catalog
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.compute.shapes import Shapes, names
from ecs_fsm.serve.compute.words import words
from ecs_fsm.serve.http.access import Caller
from ecs_fsm.serve.http.bodies import Body, Link, errors, fields
from ecs_fsm.serve.http.context import Known
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.paging import Limit, Marker, next_url, page
from ecs_fsm.serve.http.versions import base
from ecs_fsm.serve.network.groups import groups_of
from ecs_fsm.serve.network.networkshapes import (
    GROUPS,
    Resource,
    shown_group,
    shown_network,
    shown_port,
    shown_rule,
    shown_subnet,
)

_TOLD = fields("type", "message", type="string", message="string", detail="string")
NETWORK_ERROR = fields("NeutronError", NeutronError=_TOLD)
"""An error of the network service."""


class NetworkVersion(Body):
    """A version of the network service."""

    id: str
    status: str
    links: list[Link]


class NetworkVersions(Body):
    """The list of versions."""

    versions: list[NetworkVersion]


class Listed(Body):
    """A list under the name of what is listed, with a link to its next page if there is one."""

    __pydantic_extra__: dict[str, list[dict[str, object]]]
    model_config = ConfigDict(extra="allow")


class One(Body):
    """One thing under the name of its kind."""

    __pydantic_extra__: dict[str, dict[str, object]]
    model_config = ConfigDict(extra="allow")


NETWORK_ERRORS = errors(
    NETWORK_ERROR,
    _400="The request does not read.",
    _401="There is no good token.",
    _404="There is no such thing.",
)
router = Handlers(tags=["network service"], responses=NETWORK_ERRORS)


@router.get("/network", response_model=NetworkVersions)
@router.get("/network/", include_in_schema=False)
async def list_network_versions(request: Request) -> Response:
    """The versions of the network service."""
    links = [{"rel": "self", "href": f"{base(request)}/network/v2.0/"}]
    return JSONResponse({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})


@router.get("/network/v2.0", response_model=Listed)
@router.get("/network/v2.0/", include_in_schema=False)
async def show_network_version(request: Request) -> Response:
    """What the network service has."""
    told = [
        {
            "name": kind.removesuffix("s"),
            "collection": kind,
            "links": [{"rel": "self", "href": f"{base(request)}/network/v2.0/{path}"}],
        }
        for path, kind in KINDS.items()
    ]
    return JSONResponse({"resources": told})


def _ports(request: Request, caller: Caller) -> Iterator[Resource]:
    cloud: Cloud = request.app.state.cloud
    groups = groups_of(request)
    shapes, instances = Shapes(cloud, catalog(), words()), cloud.instances
    device = request.query_params.get("device_id")
    if device is not None:
        instances = {device: instances[device]} if device in instances else {}
    for server in instances.values():
        if caller.admin or server.project_id == caller.project_id:
            found = (groups.named(server.project_id, name) for name in names(server, GROUPS))
            own_groups = [group.id for group in found if group]
            yield from (shown_port(server, own, own_groups) for own in shapes.attachments(server))


KINDS = {
    "networks": "networks",
    "subnets": "subnets",
    "ports": "ports",
    "security-groups": GROUPS,
    "security-group-rules": "security_group_rules",
    "floatingips": "floatingips",
    "routers": "routers",
    "extensions": "extensions",
}
"""Paths of lists, and the key of each in a body."""


def _all(path: str, request: Request, caller: Caller) -> Iterable[Resource]:
    networks = catalog().networks.values()
    if path == "ports":
        return _ports(request, caller)
    groups = list(groups_of(request).of(caller.project_id or ""))
    if path == "security-groups":
        return [shown_group(group) for group in groups]
    if path == "security-group-rules":
        return [shown_rule(group, rule) for group in groups for rule in group.rules]
    makers = {"networks": shown_network, "subnets": shown_subnet}
    return [makers[path](network) for network in networks] if path in makers else []


def _fits(resource: Resource, request: Request) -> bool:
    """Whether it has what the query asks of keys that it has."""
    wanted = request.query_params
    return all(
        str(resource.shown[key]).lower() in [text.lower() for text in wanted.getlist(key)]
        for key in wanted
        if isinstance(resource.shown.get(key), str | bool | int)
    )


def _serve(path: str, kind: str) -> None:
    """Adds the list of a kind and the way to one of it."""
    one = kind.removesuffix("s")

    @router.get(f"/network/v2.0/{path}", name=f"list_{kind}", response_model=Listed)
    @router.get(f"/network/v2.0/{path}.json", name=f"list_{kind}", include_in_schema=False)
    async def listed(
        request: Request, caller: Known, limit: Limit = None, marker: Marker = None
    ) -> Response:
        fitting = [each for each in _all(path, request, caller) if _fits(each, request)]
        items, following = page(fitting, limit, marker)
        told: dict[str, object] = {kind: [item.shown for item in items]}
        if following is not None:
            href = next_url(request, base(request), following)
            told[f"{kind}_links"] = [{"rel": "next", "href": href}]
        return JSONResponse(told)

    @router.get(f"/network/v2.0/{path}/{{resource_id}}", name=f"show_{one}", response_model=One)
    async def one_shown(request: Request, caller: Known, resource_id: str) -> Response:
        for resource in _all(path, request, caller):
            if resource.id == resource_id:
                return JSONResponse({one: resource.shown})
        raise ApiError(404, f"{one} {resource_id} could not be found.")


for _path, _kind in KINDS.items():
    _serve(_path, _kind)
