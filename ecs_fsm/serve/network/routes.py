"""The network service, neutron v2.0: networks and subnets of the catalog, ports, security groups.

Clients can create and change security groups and their rules; everything else they can only read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

from fastapi import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.catalog import catalog
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Limit, Marker, next_url, page
from ecs_fsm.serve.http.context import RequestContext, Requested, base_of
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.network.groups import DEFAULT, SecurityGroup, SecurityRule, groups_of
from ecs_fsm.serve.network.ports import attachments
from ecs_fsm.serve.network.schemas import (
    CONFLICT,
    ERRORS,
    GroupRequest,
    NetworkVersions,
    OneResource,
    ResourceList,
    RuleFields,
    RuleRequest,
    RulesRequest,
)
from ecs_fsm.serve.network.views import (
    GROUPS,
    ResourceView,
    group_view,
    network_view,
    port_view,
    rule_view,
    subnet_view,
)

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
V2 = "/network/v2.0"

router = Handlers(tags=["network service"], responses=ERRORS)
changes = Handlers(tags=["network service"], responses=ERRORS | CONFLICT)


@router.get("/network", "/network/", response_model=NetworkVersions)
async def list_network_versions(request: Request) -> Response:
    """The versions of the network service."""
    links = [{"rel": "self", "href": f"{base_of(request)}/network/v2.0/"}]
    return JSONResponse({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})


@router.get(V2, f"{V2}/", response_model=ResourceList)
async def show_network_version(request: Request) -> Response:
    """The kinds of resources of the network service."""
    kinds = [
        {
            "name": kind.removesuffix("s"),
            "collection": kind,
            "links": [{"rel": "self", "href": f"{base_of(request)}/network/v2.0/{path}"}],
        }
        for path, kind in KINDS.items()
    ]
    return JSONResponse({"resources": kinds})


def _ports(context: RequestContext) -> Iterator[ResourceView]:
    """Yield the ports that the caller sees, of one server if the query names a device."""
    groups, instances = groups_of(context.request), context.cloud.instances
    device = context.request.query_params.get("device_id")
    if device is not None:
        instances = {device: instances[device]} if device in instances else {}
    for server in instances.values():
        if context.caller.admin or server.project_id == context.caller.project_id:
            found = (groups.named(server.project_id, name) for name in server.names(GROUPS))
            own_groups = [group.id for group in found if group]
            yield from (port_view(server, own, own_groups) for own in attachments(server))


def _resources(path: str, context: RequestContext) -> Iterable[ResourceView]:
    """Return all resources of a kind that the caller sees."""
    networks = catalog().networks.values()
    if path == "ports":
        return _ports(context)
    groups = list(groups_of(context.request).of(context.caller.project_id or ""))
    if path == "security-groups":
        return [group_view(group) for group in groups]
    if path == "security-group-rules":
        return [rule_view(group, rule) for group in groups for rule in group.rules]
    views = {"networks": network_view, "subnets": subnet_view}
    return [views[path](network) for network in networks] if path in views else []


def _matches(resource: ResourceView, request: Request) -> bool:
    """Return whether a resource has the values that the query gives for its fields."""
    query = request.query_params
    return all(
        str(resource.shown[key]).lower() in [text.lower() for text in query.getlist(key)]
        for key in query
        if isinstance(resource.shown.get(key), str | bool | int)
    )


def _serve(path: str, kind: str) -> None:
    """Add the handlers for the list of a kind and for one resource of it."""
    one = kind.removesuffix("s")

    @router.get(
        f"{V2}/{path}", f"{V2}/{path}.json", name=f"list_{kind}", response_model=ResourceList
    )
    async def list_resources(
        context: Requested, limit: Limit = None, marker: Marker = None
    ) -> Response:
        found = [each for each in _resources(path, context) if _matches(each, context.request)]
        items, following = page(found, limit, marker)
        body: dict[str, object] = {kind: [item.shown for item in items]}
        if following is not None:
            href = next_url(context.request, context.base, following)
            body[f"{kind}_links"] = [{"rel": "next", "href": href}]
        return JSONResponse(body)

    @router.get(f"{V2}/{path}/{{resource_id}}", name=f"show_{one}", response_model=OneResource)
    async def show_resource(context: Requested, resource_id: str) -> Response:
        for resource in _resources(path, context):
            if resource.id == resource_id:
                return JSONResponse({one: resource.shown})
        raise ApiError(404, f"{one} {resource_id} could not be found.")


for _path, _kind in KINDS.items():
    _serve(_path, _kind)


def _group_response(group: SecurityGroup, code: int = 200) -> Response:
    return JSONResponse({"security_group": group_view(group).shown}, code)


@changes.post(f"{V2}/security-groups", response_model=OneResource, status_code=201)
async def create_security_group(context: Requested, body: GroupRequest) -> Response:
    """Create a group that lets all outgoing and no incoming traffic through."""
    fields, groups = body.security_group, groups_of(context.request)
    group = groups.make(context.project_id, fields.name or "", fields.description or "")
    return _group_response(group, 201)


@changes.put(f"{V2}/security-groups/{{group_id}}", response_model=OneResource)
async def update_security_group(context: Requested, group_id: str, body: GroupRequest) -> Response:
    """Change the description of a group, or its name while no server is in it."""
    groups, fields = groups_of(context.request), body.security_group
    group = groups.find(context.project_id, group_id)
    if fields.name not in (None, group.name):
        if DEFAULT in (fields.name, group.name):
            raise ApiError(409, "The name of the default security group stays.")
        _require_unused(context, group)
    return _group_response(groups.keep(replace(group, **fields.model_dump(exclude_none=True))))


@changes.delete(f"{V2}/security-groups/{{group_id}}", status_code=204)
async def delete_security_group(context: Requested, group_id: str) -> Response:
    """Delete a group without servers."""
    groups = groups_of(context.request)
    group = groups.find(context.project_id, group_id)
    _require_unused(context, group)
    groups.remove(group)
    return Response(status_code=204)


def _require_unused(context: RequestContext, group: SecurityGroup) -> None:
    """Raise 409 for a group with servers."""
    for server in context.cloud.instances.values():
        if server.project_id == group.project_id and group.name in server.names(GROUPS):
            raise ApiError(409, f"Security Group {group.id} in use.")


@changes.post(
    f"{V2}/security-group-rules", response_model=OneResource | ResourceList, status_code=201
)
async def create_security_group_rule(
    context: Requested, body: RuleRequest | RulesRequest
) -> Response:
    """Add rules to groups. Raises 409 for a rule that exists already."""
    groups, project_id = groups_of(context.request), context.project_id
    several = isinstance(body, RulesRequest)
    changed: dict[str, SecurityGroup] = {}
    created: list[dict[str, Any]] = []
    for fields in (
        body.security_group_rules if isinstance(body, RulesRequest) else [body.security_group_rule]
    ):
        name = fields.security_group_id
        group, rule = _with_rule(changed.get(name) or groups.find(project_id, name), fields)
        changed[name] = group
        created.append(rule_view(group, rule).shown)
    for group in changed.values():
        groups.keep(group)
    if several:
        return JSONResponse({"security_group_rules": created}, 201)
    return JSONResponse({"security_group_rule": created[0]}, 201)


def _with_rule(group: SecurityGroup, fields: RuleFields) -> tuple[SecurityGroup, SecurityRule]:
    """Return the group with one more rule, and the rule. Raises 409 if the group has it."""
    given: dict[str, Any] = fields.model_dump(exclude_none=True, exclude={"security_group_id"})
    if "protocol" in given:
        given["protocol"] = str(given["protocol"])
    rule = SecurityRule(str(uuid4()), **given)
    for other in group.rules:
        if other.meaning == rule.meaning:
            raise ApiError(409, f"Security group rule already exists. Rule id is {other.id}.")
    return replace(group, rules=(*group.rules, rule)), rule


@changes.delete(f"{V2}/security-group-rules/{{rule_id}}", status_code=204)
async def delete_security_group_rule(context: Requested, rule_id: str) -> Response:
    """Delete a rule."""
    groups = groups_of(context.request)
    for group in groups.of(context.project_id):
        left = tuple(rule for rule in group.rules if rule.id != rule_id)
        if left != group.rules:
            groups.keep(replace(group, rules=left))
            return Response(status_code=204)
    raise ApiError(404, f"Security group rule {rule_id} does not exist")
