"""How security groups and their rules are made, changed and taken away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal
from uuid import uuid4

from fastapi import Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.compute.shapes import names
from ecs_fsm.serve.http.access import Caller
from ecs_fsm.serve.http.bodies import Body, errors
from ecs_fsm.serve.http.context import Known
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.network.groups import DEFAULT, MOST_RULES, Group, Rule, groups_of
from ecs_fsm.serve.network.network import NETWORK_ERROR, NETWORK_ERRORS, Listed, One
from ecs_fsm.serve.network.networkshapes import shown_group, shown_rule

GROUPS, RULES = "/network/v2.0/security-groups", "/network/v2.0/security-group-rules"
IN_THE_WAY = errors(NETWORK_ERROR, _409="It is in use, there already, or one too many.")
router = Handlers(tags=["network service"], responses=NETWORK_ERRORS | IN_THE_WAY)


class GroupWanted(Body):
    """A security group that is to be, or what is to be changed about one."""

    name: str | None = Field(None, max_length=255)
    description: str | None = Field(None, max_length=255)


class GroupRequest(Body):
    """The body of a request for a group."""

    security_group: GroupWanted


class RuleWanted(Body):
    """A rule that is to be."""

    security_group_id: str
    direction: Literal["ingress", "egress"]
    ethertype: Literal["IPv4", "IPv6"] = "IPv4"
    protocol: str | int | None = None
    port_range_min: int | None = Field(None, ge=-1, le=65535)
    port_range_max: int | None = Field(None, ge=-1, le=65535)
    remote_ip_prefix: str | None = Field(None, max_length=255)
    remote_group_id: str | None = Field(None, max_length=255)
    description: str | None = Field(None, max_length=255)


class RuleRequest(Body):
    """The body of a request for a rule."""

    security_group_rule: RuleWanted


class RulesRequest(Body):
    """The body of a request for several rules: all are made, or none."""

    security_group_rules: list[RuleWanted] = Field(max_length=MOST_RULES)


def _project(caller: Caller) -> str:
    if caller.project_id is None:
        raise ApiError(403, "This token is not scoped to a project.")
    return caller.project_id


def _told(group: Group, code: int = 200) -> Response:
    return JSONResponse({"security_group": shown_group(group).shown}, code)


@router.post(GROUPS, response_model=One, status_code=201)
async def create_security_group(request: Request, caller: Known, body: GroupRequest) -> Response:
    """Makes a group that lets everything out and nothing in."""
    wanted, groups = body.security_group, groups_of(request)
    made = groups.make(_project(caller), wanted.name or "", wanted.description or "")
    return _told(made, 201)


@router.put(f"{GROUPS}/{{group_id}}", response_model=One)
async def update_security_group(
    request: Request, caller: Known, group_id: str, body: GroupRequest
) -> Response:
    """Changes the description of a group, or its name while no server is in it."""
    groups, wanted = groups_of(request), body.security_group
    group = groups.find(_project(caller), group_id)
    if wanted.name not in (None, group.name):
        if DEFAULT in (wanted.name, group.name):
            raise ApiError(409, "The name of the default security group stays.")
        _unused(request, group)
    changes = wanted.model_dump(exclude_none=True)
    return _told(groups.keep(replace(group, **changes)))


@router.delete(f"{GROUPS}/{{group_id}}", status_code=204)
async def delete_security_group(request: Request, caller: Known, group_id: str) -> Response:
    """Takes a group away in which no server is."""
    groups = groups_of(request)
    group = groups.find(_project(caller), group_id)
    _unused(request, group)
    groups.remove(group)
    return Response(status_code=204)


def _unused(request: Request, group: Group) -> None:
    """Raises 409 for a group in which servers are."""
    cloud: Cloud = request.app.state.cloud
    for server in cloud.instances.values():
        if server.project_id == group.project_id and group.name in names(server, "security_groups"):
            raise ApiError(409, f"Security Group {group.id} in use.")


@router.post(RULES, response_model=One | Listed, status_code=201)
async def create_security_group_rule(
    request: Request, caller: Known, body: RuleRequest | RulesRequest
) -> Response:
    """Adds rules to groups. Raises 409 for one that is there already."""
    groups, own = groups_of(request), _project(caller)
    several = body.security_group_rules if isinstance(body, RulesRequest) else None
    one = [body.security_group_rule] if isinstance(body, RuleRequest) else []
    changed: dict[str, Group] = {}
    made: list[dict[str, Any]] = []
    for wanted in one if several is None else several:
        name = wanted.security_group_id
        group, rule = _with(changed.get(name) or groups.find(own, name), wanted)
        changed[name] = group
        made.append(shown_rule(group, rule).shown)
    for group in changed.values():
        groups.keep(group)
    if several is None:
        return JSONResponse({"security_group_rule": made[0]}, 201)
    return JSONResponse({"security_group_rules": made}, 201)


def _with(group: Group, wanted: RuleWanted) -> tuple[Group, Rule]:
    """The group with one rule more, and the rule. Raises 409 for one that it has."""
    given: dict[str, Any] = wanted.model_dump(exclude_none=True, exclude={"security_group_id"})
    if "protocol" in given:
        given["protocol"] = str(given["protocol"])
    rule = Rule(str(uuid4()), **given)
    for other in group.rules:
        if other.meaning == rule.meaning:
            raise ApiError(409, f"Security group rule already exists. Rule id is {other.id}.")
    return replace(group, rules=(*group.rules, rule)), rule


@router.delete(f"{RULES}/{{rule_id}}", status_code=204)
async def delete_security_group_rule(request: Request, caller: Known, rule_id: str) -> Response:
    """Takes a rule away."""
    groups = groups_of(request)
    for group in groups.of(_project(caller)):
        left = tuple(rule for rule in group.rules if rule.id != rule_id)
        if left != group.rules:
            groups.keep(replace(group, rules=left))
            return Response(status_code=204)
    raise ApiError(404, f"Security group rule {rule_id} does not exist")
