"""The compute services of the hosts, and whether they count as down.

A host that was forced down does not answer: requests for its servers are made as for such a host.
"""

from __future__ import annotations

from pydantic import StrictBool
from starlette.responses import Response

from ecs_fsm.serve.cloud.catalog import catalog
from ecs_fsm.serve.cloud.instance import Json
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, respond_json
from ecs_fsm.serve.compute.hosts import UUID_SINCE, ComputeHost, find_hosts, host_state
from ecs_fsm.serve.compute.views import Fields
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, Body
from ecs_fsm.serve.http.handlers import Handlers

FORCED_SINCE = 11
SERVICE = "nova-compute"

router = Handlers(tags=["compute"], responses=COMPUTE_ERRORS)


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
    return respond_json({"services": shown})


def _service(context: ComputeContext, host: ComputeHost) -> Fields:
    service: Fields = {
        "id": host.id(context.minor),
        "binary": SERVICE,
        "host": host.name,
        "zone": catalog().availability_zone,
        "status": "enabled",
        "state": host_state(context, host),
        "updated_at": None,
        "disabled_reason": None,
    }
    if context.minor >= FORCED_SINCE:
        service["forced_down"] = context.cloud.is_down(host.number)
    return service


class ForceDown(Body):
    """A service by host and binary, below 2.53, and whether it counts as down."""

    host: str
    binary: str
    forced_down: StrictBool


class ServiceChange(Body):
    """Whether a service counts as down."""

    forced_down: StrictBool


@router.put("/os-services/force-down")
async def force_service_down(body: ForceDown, context: Versioned) -> Response:
    """Let the service of a host count as down, from 2.11 on and below 2.53."""
    hosts = find_hosts(context, "os-services:update")
    context.require_version(since=FORCED_SINCE, before=UUID_SINCE)
    found = [host for host in hosts if (host.name, SERVICE) == (body.host, body.binary)]
    if not found:
        raise ApiError(404, f"Could not find binary {body.binary} on host {body.host}.")
    context.cloud.force_down(found[0].number, down=body.forced_down)
    shown: Fields = {"host": body.host, "binary": SERVICE, "forced_down": body.forced_down}
    return respond_json({"service": shown})


@router.put("/os-services/{service_id}")
async def update_service(service_id: str, body: ServiceChange, context: Versioned) -> Response:
    """Let a service count as down, from 2.53 on: deletes of its servers are made without it."""
    hosts = find_hosts(context, "os-services:update")
    context.require_version(since=UUID_SINCE)
    found = [host for host in hosts if host.id(context.minor) == service_id]
    if not found:
        raise ApiError(404, f"Service {service_id} could not be found.")
    context.cloud.force_down(found[0].number, down=body.forced_down)
    return respond_json({"service": _service(context, found[0])})
