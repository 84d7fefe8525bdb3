"""The services of the cloud: whether they count as down, and which hosts get new servers.

A host that was forced down does not answer: requests for its servers are made as for such a host.
"""

from __future__ import annotations

from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Json
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.compute.api import ComputeContext, error, router
from ecs_fsm.serve.compute.hosts import COMPUTE, UUID_SINCE, ComputeHost, find_services, of_id
from ecs_fsm.serve.compute.schemas import as_flag
from ecs_fsm.serve.compute.views import Fields, long_time
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import respond

FORCED_SINCE = 11
UPDATE = "os-services:update"


@router.get("/os-services")
async def list_services(context: ComputeContext) -> Response:
    """The services; a query selects a host or a binary."""
    query = context.request.query_params
    services = [_service(context, host) for host in find_services(context, "os-services:list")]
    shown: list[Json] = [
        service
        for service in services
        if all(query.get(key, service[key]) == service[key] for key in ("host", "binary"))
    ]
    return respond({"services": shown})


def _service(context: ComputeContext, host: ComputeHost) -> Fields:
    service: Fields = {
        "id": host.id,
        "binary": host.binary,
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


BY_WORD = {
    "enable": ("status",),
    "disable": ("status",),
    "disable-log-reason": ("status", "disabled_reason"),
    "force-down": ("forced_down",),
}
"""Paths of changes below 2.53, and the keys that each answers with beside host and binary."""


@router.put("/os-services/{service_id}")
async def update_service(service_id: str, body: Item, context: ComputeContext) -> Response:
    """Let a service count as down, or let it get new servers or none."""
    services, by_id = find_services(context, UPDATE), context.minor >= UUID_SINCE
    given: Item = {"host": "", "binary": COMPUTE, **body}
    keys = BY_WORD.get(service_id, ())
    found = next((service for service in services if service.name == given["host"]), None)
    if by_id:
        found = of_id(context, services, service_id, "Service {} could not be found.")
        given["binary"] = found.binary
    elif not keys or (service_id == "force-down" and context.minor < FORCED_SINCE):
        raise ApiError(404, "Unknown action")
    else:
        if service_id != "force-down":
            given["status"] = "enabled" if service_id == "enable" else "disabled"
        if lacking := next((key for key in keys if given.get(key) is None), None):
            raise ApiError(400, f"Missing {lacking} field")
    if given["binary"] != COMPUTE:
        raise error(400, "no_compute", binary=given["binary"])
    if found is None or found.binary != COMPUTE:
        raise ApiError(404, f"Host '{given['host']}' is not mapped to any cell")
    _change(context, found, given)
    whole = _service(context, find_services(context, UPDATE)[found.number])
    shown = whole if by_id else {name: whole[name] for name in ("host", "binary", *keys)}
    return respond({"service": shown})


def _change(context: ComputeContext, host: ComputeHost, given: Item) -> None:
    cloud, status, reason = context.cloud, given.get("status"), given.get("disabled_reason")
    down = as_flag(given.get("forced_down"))
    if status is None and down is None:
        raise error(400, "no_updates")
    if status == "enabled":
        if context.minor >= UUID_SINCE and reason:
            raise error(400, "enabled_reason")
        cloud.placement.disabled.drop(host.name)
    elif status is not None:
        cloud.placement.disabled.put({"id": host.name, "reason": reason})
    if down is not None:
        cloud.force_down(host.number, down=bool(down))
