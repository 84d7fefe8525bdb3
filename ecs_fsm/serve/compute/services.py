"""The compute services of the hosts: whether they count as down, and get new servers.

A host that was forced down does not answer: requests for its servers are made as for such a host.
"""

from __future__ import annotations

from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Json
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, error, router
from ecs_fsm.serve.compute.hosts import UUID_SINCE, ComputeHost, find_hosts
from ecs_fsm.serve.compute.schemas import Flag
from ecs_fsm.serve.compute.views import Fields, long_time
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Body, respond

FORCED_SINCE = 11
SERVICE, UPDATE = "nova-compute", "os-services:update"


@router.get("/os-services")
async def list_services(context: Versioned) -> Response:
    """The services of the hosts; a query selects a host or a binary."""
    query = context.request.query_params
    services = [_service(context, host) for host in find_hosts(context, "os-services:list")]
    shown: list[Json] = [
        service
        for service in services
        if all(query.get(key, service[key]) == service[key] for key in ("host", "binary"))
    ]
    return respond({"services": shown})


def _service(context: ComputeContext, host: ComputeHost) -> Fields:
    service: Fields = {
        "id": host.id,
        "binary": SERVICE,
        "host": host.name,
        "zone": host.own.zone,
        "status": host.status,
        "state": host.state,
        "updated_at": long_time(context.cloud.clock.date()),
        "disabled_reason": host.reason,
    }
    return service | (
        {"forced_down": host.state == "down"} if context.minor >= FORCED_SINCE else {}
    )


class ServiceChange(Body):
    """A service by host and binary, below 2.53, and what changes of it."""

    host: str = ""
    binary: str = SERVICE
    forced_down: Flag | None = None
    status: str | None = Field(None, pattern="^(enabled|disabled)$")
    disabled_reason: str | None = Field(None, max_length=255)


BY_WORD = {
    "enable": ("status",),
    "disable": ("status",),
    "disable-log-reason": ("status", "disabled_reason"),
    "force-down": ("forced_down",),
}
"""Paths of changes below 2.53, and the keys that each answers with beside host and binary."""


@router.put("/os-services/{service_id}")
async def update_service(service_id: str, body: ServiceChange, context: Versioned) -> Response:
    """Let a service count as down, or let it get new servers or none."""
    hosts = find_hosts(context, UPDATE)
    if context.minor >= UUID_SINCE:
        found = [host for host in hosts if host.id == service_id]
        if not found:
            raise ApiError(404, f"Service {service_id[:255]} could not be found.")
        _change(context, found[0], body)
        return respond({"service": _service(context, find_hosts(context, UPDATE)[found[0].number])})
    if service_id not in BY_WORD:
        raise ApiError(404, "The resource could not be found.")
    context.require_version(since=FORCED_SINCE if service_id == "force-down" else 1)
    found = [host for host in hosts if (host.name, SERVICE) == (body.host, body.binary)]
    if not found:
        raise ApiError(404, f"Could not find binary {body.binary} on host {body.host}.")
    if service_id != "force-down":
        body.status = "enabled" if service_id == "enable" else "disabled"
    _change(context, found[0], body)
    whole = _service(context, find_hosts(context, UPDATE)[found[0].number])
    shown = ("host", "binary", *BY_WORD[service_id])
    return respond({"service": {name: whole[name] for name in shown}})


def _change(context: ComputeContext, host: ComputeHost, body: ServiceChange) -> None:
    cloud = context.cloud
    if body.status is None and body.forced_down is None:
        raise error(400, "no_updates")
    if body.disabled_reason is not None and body.status != "disabled":
        raise ApiError(400, "Specifying 'disabled_reason' requires that 'status' is 'disabled'.")
    if body.status == "enabled":
        cloud.placement.disabled.drop(host.name)
    elif body.status is not None:
        cloud.placement.disabled.put({"id": host.name, "reason": body.disabled_reason})
    if body.forced_down is not None:
        cloud.force_down(host.number, down=body.forced_down)
    cloud.resources.commit()
