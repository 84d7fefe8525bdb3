"""The hosts of the cloud: hypervisors, services, hosts and availability zones.

Servers use what their flavors say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid5

from fastapi import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.catalog import NAMESPACE, Host
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, respond_json
from ecs_fsm.serve.compute.views import Fields, host_of
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS
from ecs_fsm.serve.http.context import Administrator, Known, Microversion
from ecs_fsm.serve.http.handlers import Handlers

CPU_SINCE, NO_HOSTS, UUID_SINCE, LEAN_SINCE = 28, 43, 53, 88
UPTIME = " 12:00:00 up 30 days,  0:00,  0 users,  load average: 0.00, 0.00, 0.00"

router = Handlers(tags=["compute"], responses=COMPUTE_ERRORS)


class ComputeHost(NamedTuple):
    """A host by its number, with what the catalog says of it, and its servers."""

    number: int
    own: Host
    servers: list[Instance]

    @property
    def name(self) -> str:
        """Its name."""
        return self.own.name

    def id(self, minor: int) -> Json:
        """Return its id, a number below 2.53."""
        return str(uuid5(NAMESPACE, self.name)) if minor >= UUID_SINCE else self.number + 1


def find_hosts(context: ComputeContext, policy: str) -> list[ComputeHost]:
    """Return the hosts. Raises 403 unless the caller is an administrator."""
    context.require_admin(f"os_compute_api:{policy}")
    hosts = [ComputeHost(number, own, []) for number, own in enumerate(context.cloud.hosts)]
    for instance in context.cloud.instances.values():
        if host_of(context.cloud, instance):
            hosts[instance.host].servers.append(instance)
    return hosts


def _used(context: ComputeContext, hosts: list[ComputeHost]) -> dict[str, Json]:
    """Return the size of hosts together, and what servers use of it."""
    servers = [instance for host in hosts for instance in host.servers]
    flavors = [context.cloud.flavor(instance) for instance in servers]
    own = [host.own for host in hosts]
    vcpus, ram, disk = sum(h.vcpus for h in own), sum(h.ram for h in own), sum(h.disk for h in own)
    used_ram, used_disk = sum(f["ram"] for f in flavors), sum(f["disk"] for f in flavors)
    return {
        "current_workload": sum(bool(instance.state.task_state) for instance in servers),
        "disk_available_least": disk - used_disk,
        "free_disk_gb": disk - used_disk,
        "free_ram_mb": ram - used_ram,
        "local_gb": disk,
        "local_gb_used": used_disk,
        "memory_mb": ram,
        "memory_mb_used": used_ram,
        "running_vms": len(servers),
        "vcpus": vcpus,
        "vcpus_used": sum(f["vcpus"] for f in flavors),
    }


def _brief(context: ComputeContext, host: ComputeHost) -> Fields:
    return {
        "id": host.id(context.minor),
        "hypervisor_hostname": host.name,
        "state": host_state(context, host),
        "status": status_of(context, host),
    }


def status_of(context: ComputeContext, host: ComputeHost) -> str:
    """Return whether the scheduler takes the host."""
    off = host.name in context.cloud.placement.disabled.all
    return "disabled" if off else "enabled"


def host_state(context: ComputeContext, host: ComputeHost) -> str:
    """Return "up", or "down" for a host that was forced down."""
    return "down" if context.cloud.is_down(host.number) else "up"


def _servers(host: ComputeHost) -> list[Json]:
    return [{"uuid": instance.id, "name": instance.name} for instance in host.servers]


def _detailed(context: ComputeContext, host: ComputeHost) -> Fields:
    off = context.cloud.placement.disabled.get(host.name)
    reason = off["reason"] if off else None
    shown = _brief(context, host) | {
        "service": {"id": host.id(context.minor), "host": host.name, "disabled_reason": reason},
        "hypervisor_type": "QEMU",
        "hypervisor_version": 8_002_000,
        "host_ip": f"192.0.2.{host.number + 1}",
    }
    if context.minor >= LEAN_SINCE:
        return shown | {"uptime": UPTIME}
    cpu: Json = {"arch": "x86_64", "model": "host", "vendor": "Intel", "features": []}
    return (
        shown | _used(context, [host]) | {"cpu_info": cpu if context.minor >= CPU_SINCE else "{}"}
    )


def _named(context: ComputeContext, hosts: list[ComputeHost]) -> Iterator[ComputeHost]:
    """Yield the hosts that a query selects."""
    pattern = context.request.query_params.get("hypervisor_hostname_pattern", "")
    if context.minor < UUID_SINCE:
        yield from hosts
        return
    found = [host for host in hosts if pattern in host.name]
    if not found:
        raise ApiError(404, f"No hypervisor matching '{pattern[:255]}' could be found.")
    yield from found


def _with_servers(context: ComputeContext, host: ComputeHost, shown: Fields) -> Fields:
    """Return the view of a host with its servers, if the query wants them."""
    with_servers = context.request.query_params.get("with_servers", "").lower() in ("true", "1")
    if context.minor >= UUID_SINCE and with_servers and host.servers:
        return shown | {"servers": _servers(host)}
    return shown


@router.get("/os-hypervisors")
async def list_hypervisors(context: Versioned) -> Response:
    """The hypervisors."""
    found = _named(context, find_hosts(context, "os-hypervisors:list"))
    shown = [_with_servers(context, host, _brief(context, host)) for host in found]
    return respond_json({"hypervisors": shown})


@router.get("/os-hypervisors/detail")
async def list_hypervisors_in_detail(context: Versioned) -> Response:
    """The hypervisors with their details."""
    found = _named(context, find_hosts(context, "os-hypervisors:list-detail"))
    shown = [_with_servers(context, host, _detailed(context, host)) for host in found]
    return respond_json({"hypervisors": shown})


@router.get("/os-hypervisors/statistics")
async def show_hypervisor_statistics(context: Versioned) -> Response:
    """All hypervisors together, below 2.88."""
    hosts = find_hosts(context, "os-hypervisors:statistics")
    context.require_version(before=LEAN_SINCE)
    return respond_json({"hypervisor_statistics": {"count": len(hosts), **_used(context, hosts)}})


def _hypervisor(
    context: ComputeContext, hosts: list[ComputeHost], hypervisor_id: str
) -> ComputeHost:
    for host in hosts:
        if hypervisor_id == str(host.id(context.minor)):
            return host
    raise ApiError(404, f"Compute host {hypervisor_id[:255]} could not be found.")


@router.get("/os-hypervisors/{hypervisor_id}")
async def show_hypervisor(hypervisor_id: str, context: Versioned) -> Response:
    """One hypervisor, by id."""
    host = _hypervisor(context, find_hosts(context, "os-hypervisors:show"), hypervisor_id)
    return respond_json({"hypervisor": _with_servers(context, host, _detailed(context, host))})


@router.get("/os-hypervisors/{hypervisor_id}/uptime")
async def show_hypervisor_uptime(hypervisor_id: str, context: Versioned) -> Response:
    """The uptime of a hypervisor, below 2.88."""
    host = _hypervisor(context, find_hosts(context, "os-hypervisors:uptime"), hypervisor_id)
    context.require_version(before=LEAN_SINCE)
    return respond_json({"hypervisor": _brief(context, host) | {"uptime": UPTIME}})


def _matching(context: ComputeContext, pattern: str, policy: str) -> list[ComputeHost]:
    """Return the hosts whose name contains the pattern. Raises 404 without any."""
    found = [host for host in find_hosts(context, policy) if pattern in host.name]
    if not found or context.minor >= UUID_SINCE:
        raise ApiError(404, f"No hypervisor matching '{pattern[:255]}' could be found.")
    return found


@router.get("/os-hypervisors/{pattern}/search")
async def search_hypervisors(pattern: str, context: Versioned) -> Response:
    """Hypervisors whose name contains the pattern, below 2.53."""
    found = _matching(context, pattern, "os-hypervisors:search")
    return respond_json({"hypervisors": [_brief(context, host) for host in found]})


@router.get("/os-hypervisors/{pattern}/servers")
async def list_servers_of_hypervisors(pattern: str, context: Versioned) -> Response:
    """Hypervisors whose name contains the pattern, with their servers, below 2.53."""
    found = _matching(context, pattern, "os-hypervisors:servers")
    shown = [
        _brief(context, host) | ({"servers": _servers(host)} if host.servers else {})
        for host in found
    ]
    return respond_json({"hypervisors": shown})


@router.get("/os-hosts")
async def list_hosts(context: Versioned) -> Response:
    """The hosts, below 2.43."""
    hosts = find_hosts(context, "os-hosts:list")
    zone = context.request.query_params.get("zone")
    context.require_version(before=NO_HOSTS)
    found = [host.own for host in hosts if zone in (None, "", host.own.zone)]
    shown = [{"host_name": h.name, "service": "compute", "zone": h.zone} for h in found]
    return respond_json({"hosts": shown})


@router.get("/os-hosts/{name}")
async def show_host(name: str, context: Versioned) -> Response:
    """The size of a host and what servers use of it, below 2.43."""
    hosts = [host for host in find_hosts(context, "os-hosts:show") if host.name == name]
    if context.minor >= NO_HOSTS or not hosts:
        raise ApiError(404, f"Compute host {name[:255]} could not be found.")
    used = _used(context, hosts)
    rows = (
        ("(total)", "vcpus", "memory_mb", "local_gb"),
        ("(used_now)", "vcpus_used", "memory_mb_used", "local_gb_used"),
    )
    shown = [
        {
            "resource": {
                "host": name,
                "project": project,
                "cpu": used[cpu],
                "memory_mb": used[memory],
                "disk_gb": used[disk],
            }
        }
        for project, cpu, memory, disk in rows
    ]
    return respond_json({"host": shown})


def _zones(request: Request, detailed: bool) -> Response:
    catalog = request.app.state.cloud.catalog
    state = {"nova-compute": {"available": True, "active": True, "updated_at": None}}
    zones = [
        {
            "zoneName": zone,
            "zoneState": {"available": True},
            "hosts": {h.name: state for h in catalog.hosts if h.zone == zone} if detailed else None,
        }
        for zone in catalog.zones
    ]
    return JSONResponse({"availabilityZoneInfo": zones})


@router.get("/os-availability-zone", answer="ZoneList")
async def list_zones(request: Request, _: Known, version: Microversion) -> Response:
    """The availability zones."""
    return _zones(request, False)


@router.get("/os-availability-zone/detail", answer="ZoneList")
async def list_zones_in_detail(
    request: Request, _: Administrator, version: Microversion
) -> Response:
    """The availability zones with their hosts."""
    return _zones(request, True)


@router.get("/os-aggregates", response_model=dict[str, list[object]])
async def list_aggregates(_: Administrator, version: Microversion) -> Response:
    """Groups of hosts: always none."""
    return JSONResponse({"aggregates": []})
