"""What the compute API tells beside servers and flavors: zones and limits.

There is one zone with all hosts, and more room than anybody needs.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.api.access import Administrator, Known
from ecs_fsm.serve.api.bodies import COMPUTE_ERRORS, Body
from ecs_fsm.serve.api.shapes import host_name
from ecs_fsm.serve.api.versions import Microversion
from ecs_fsm.serve.catalog import catalog
from ecs_fsm.serve.cloud import HOSTS

UNLIMITED = 1_000_000
NO_PROXIES, NO_IMAGE_META, NO_FILES = 36, 39, 57
"""Microversions from which these limits are gone."""


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


class Limits(Body):
    """What a project may have, and has."""

    limits: dict[str, dict[str, int] | list[object]]


router = APIRouter(tags=["compute"], responses=COMPUTE_ERRORS)


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


@router.get("/limits", response_model=Limits)
async def show_limits(request: Request, _: Known, version: Microversion) -> Response:
    """What a project may have; it is more than anybody needs."""
    used = len(request.app.state.cloud.instances)
    absolute = {
        "maxServerMeta": 128,
        "maxTotalInstances": UNLIMITED,
        "maxTotalCores": UNLIMITED,
        "maxTotalRAMSize": UNLIMITED * 1024,
        "maxTotalKeypairs": 1000,
        "maxServerGroups": 10,
        "maxServerGroupMembers": 10,
        "totalInstancesUsed": used,
        "totalCoresUsed": used,
        "totalRAMUsed": used * 1024,
        "totalServerGroupsUsed": 0,
    }
    if version < NO_PROXIES:
        for name in ("maxTotalFloatingIps", "maxSecurityGroups", "maxSecurityGroupRules"):
            absolute[name] = -1
        absolute |= {"totalFloatingIpsUsed": 0, "totalSecurityGroupsUsed": 0}
    if version < NO_IMAGE_META:
        absolute["maxImageMeta"] = 128
    if version < NO_FILES:
        absolute |= {"maxPersonality": 5, "maxPersonalitySize": 10240}
    return JSONResponse({"limits": {"rate": [], "absolute": absolute}})
