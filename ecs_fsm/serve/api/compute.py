"""What the compute API tells beside servers and flavors: zones, limits, hypervisors, services.

There is one zone with one host, which is large enough for everything.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.api.access import Administrator, Known
from ecs_fsm.serve.api.bodies import COMPUTE_ERRORS, Body
from ecs_fsm.serve.api.errors import ApiError
from ecs_fsm.serve.api.versions import Microversion
from ecs_fsm.serve.catalog import NAMESPACE, catalog

HOST = "compute-1"
HYPERVISOR_ID = str(NAMESPACE)
UNLIMITED = 1_000_000
UUID_SHOWN, NO_PROXIES, NO_IMAGE_META, NO_FILES = 53, 36, 39, 57
"""Microversions from which ids are uuids, and these limits are gone."""


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


class Hypervisors(Body):
    """The list of hypervisors."""

    hypervisors: list[dict[str, object]]


class OneHypervisor(Body):
    """One hypervisor."""

    hypervisor: dict[str, object]


class Services(Body):
    """The list of services."""

    services: list[dict[str, object]]


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
    return _zones({HOST: {"nova-compute": ServiceState()}})


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


def _hypervisor(version: int, detailed: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "id": HYPERVISOR_ID if version >= UUID_SHOWN else 1,
        "hypervisor_hostname": HOST,
        "state": "up",
        "status": "enabled",
    }
    if detailed:
        service = {"id": told["id"], "host": HOST, "disabled_reason": None}
        told |= {
            "service": service,
            "hypervisor_type": "fake",
            "hypervisor_version": 1000,
            "host_ip": "192.0.2.1",
        }
    return told


@router.get("/os-hypervisors", response_model=Hypervisors)
async def list_hypervisors(_: Administrator, version: Microversion) -> Response:
    """The one hypervisor."""
    return JSONResponse({"hypervisors": [_hypervisor(version, False)]})


@router.get("/os-hypervisors/detail", response_model=Hypervisors)
async def list_hypervisors_in_detail(_: Administrator, version: Microversion) -> Response:
    """The one hypervisor with more of it."""
    return JSONResponse({"hypervisors": [_hypervisor(version, True)]})


@router.get("/os-hypervisors/{hypervisor_id}", response_model=OneHypervisor)
async def show_hypervisor(hypervisor_id: str, _: Administrator, version: Microversion) -> Response:
    """The one hypervisor, by id."""
    told = _hypervisor(version, True)
    if hypervisor_id != str(told["id"]):
        raise ApiError(404, f"Compute host {hypervisor_id} could not be found.")
    return JSONResponse({"hypervisor": told})


@router.get("/os-services", response_model=Services)
async def list_services(_: Administrator, version: Microversion) -> Response:
    """The services that make up the cloud."""
    told = {
        "id": HYPERVISOR_ID if version >= UUID_SHOWN else 1,
        "binary": "nova-compute",
        "host": HOST,
        "zone": catalog().availability_zone,
        "status": "enabled",
        "state": "up",
        "updated_at": None,
        "disabled_reason": None,
    }
    return JSONResponse({"services": [told]})
