"""What the compute API tells beside servers and flavors: zones, and of what there is none.

There is one zone with all hosts; lists of what cannot be made here are empty.
"""

from __future__ import annotations

from fastapi import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.catalog import catalog
from ecs_fsm.serve.cloud.cloud import HOSTS
from ecs_fsm.serve.compute.shapes import host_name
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, Body
from ecs_fsm.serve.http.context import Administrator, Known, Microversion
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.network.groups import groups_of, of_compute

NO_PROXIES = 36
"""The microversion from which what other services have is asked of them alone."""


class ServiceState(Body):
    """A service of a host."""

    available: bool = True
    active: bool = True
    updated_at: str | None = None


class ZoneState(Body):
    """Whether a zone is there."""

    available: bool = True


class Zone(Body):
    """A zone; its hosts are for administrators."""

    zoneName: str  # noqa: N815 - the API's spelling
    zoneState: ZoneState  # noqa: N815
    hosts: dict[str, dict[str, ServiceState]] | None = None


class Zones(Body):
    """The list of zones."""

    availabilityZoneInfo: list[Zone]  # noqa: N815


router = Handlers(tags=["compute"], responses=COMPUTE_ERRORS)


def _zones(hosts: dict[str, dict[str, ServiceState]] | None) -> Response:
    zone = Zone(zoneName=catalog().availability_zone, zoneState=ZoneState(), hosts=hosts)
    return JSONResponse(Zones(availabilityZoneInfo=[zone]).model_dump())


@router.get("/os-availability-zone", response_model=Zones)
async def list_zones(_: Known, version: Microversion) -> Response:
    """The availability zones."""
    return _zones(None)


@router.get("/os-availability-zone/detail", response_model=Zones)
async def list_zones_in_detail(_: Administrator, version: Microversion) -> Response:
    """The availability zones with their hosts."""
    return _zones({host_name(n): {"nova-compute": ServiceState()} for n in range(HOSTS)})


@router.get("/os-server-groups", response_model=dict[str, list[object]])
async def list_server_groups(_: Known, version: Microversion) -> Response:
    """Groups of servers; there are none."""
    return JSONResponse({"server_groups": []})


@router.get("/os-aggregates", response_model=dict[str, list[object]])
async def list_aggregates(_: Administrator, version: Microversion) -> Response:
    """Groups of hosts; there are none."""
    return JSONResponse({"aggregates": []})


def _of_another_service(version: int) -> None:
    """Raises 404 from the microversion on that leaves it to the other service."""
    if version >= NO_PROXIES:
        raise ApiError(404, "The resource could not be found.")


@router.get("/os-floating-ips", response_model=dict[str, list[object]])
async def list_floating_ips_of_compute(_: Known, version: Microversion) -> Response:
    """Floating addresses, below 2.36; there are none."""
    _of_another_service(version)
    return JSONResponse({"floating_ips": []})


@router.get("/os-floating-ip-pools", response_model=dict[str, list[object]])
async def list_floating_ip_pools(_: Known, version: Microversion) -> Response:
    """Where floating addresses come from, below 2.36: the networks to the outside."""
    _of_another_service(version)
    outside = [network.name for network in catalog().networks.values() if network.external]
    return JSONResponse({"floating_ip_pools": [{"name": name} for name in outside]})


@router.get("/os-security-groups", response_model=dict[str, list[object]])
async def list_security_groups_of_compute(
    request: Request, caller: Known, version: Microversion
) -> Response:
    """The security groups of the project, below 2.36."""
    _of_another_service(version)
    shown = [of_compute(group) for group in groups_of(request).of(caller.project_id or "")]
    return JSONResponse({"security_groups": shown})
