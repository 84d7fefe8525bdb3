"""The hosts of the cloud: hypervisors, hosts by their services, availability zones.

Servers use what their flavors say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple
from uuid import uuid5

from starlette.responses import Response

from ecs_fsm.serve.cloud.catalog import NAMESPACE, Host
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.resources import tables
from ecs_fsm.serve.compute.api import ComputeContext, error, router
from ecs_fsm.serve.compute.nova_schemas import is_uuid
from ecs_fsm.serve.compute.views import Fields, address_of, host_of
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import respond
from ecs_fsm.serve.http.versions import HIGHEST

CPU_SINCE, PAGED_SINCE, NO_HOSTS, UUID_SINCE, LEAN_SINCE = 28, 33, 43, 53, 88
COMPUTE, INTERNAL = "nova-compute", "internal"
UPTIME = " 12:00:00 up 30 days,  0:00,  0 users,  load average: 0.00, 0.00, 0.00"
WITH_UPTIME = ("QEMU", "zvm")


class ComputeHost(NamedTuple):
    """A host by its number, with what the catalog says of it, and its servers.

    `state` is "down" for a host that was forced down; `status` says whether the scheduler takes
    it, and `reason` why it does not. Its id is a number below 2.53. The hosts of other services
    than `nova-compute`, by their `binary`, are numbered after those of servers.
    """

    id: str | int
    number: int
    own: Host
    servers: list[Instance]
    state: str
    status: str
    reason: str | None
    binary: str = COMPUTE

    @property
    def name(self) -> str:
        """Its name."""
        return self.own.name

    @property
    def uptime(self) -> str | None:
        """How long it runs; None if it is down, and for hypervisors that do not say it."""
        known = self.state == "up" and self.own.hypervisor_type in WITH_UPTIME
        return UPTIME if known else None


View = Callable[[ComputeContext, ComputeHost], Fields]
"""Returns what a list shows of a host."""


def find_hosts(context: ComputeContext, policy: str) -> Sequence[ComputeHost]:
    """Return the hosts of servers. Raises 403 unless the caller is an administrator."""
    hosts = find_services(context, policy)[: len(context.cloud.hosts)]
    for instance in context.cloud.instances.values():
        if host_of(context.cloud, instance):
            hosts[instance.host].servers.append(instance)
    return hosts


def find_services(context: ComputeContext, policy: str | None) -> list[ComputeHost]:
    """Return the hosts of all services. Raises 403 if a policy forbids it to the caller."""
    if policy:
        context.require_admin(f"os_compute_api:{policy}")
    cloud, found, named = context.cloud, [], context.minor >= UUID_SINCE
    others: dict[str, str] = tables()["compute"]["service"]["controllers"]
    controllers = [(Host(name, INTERNAL, 0, 0, 0, ""), binary) for binary, name in others.items()]
    hosts = [*((host, COMPUTE) for host in cloud.hosts), *controllers]
    for number, (own, binary) in enumerate(hosts):
        off = cloud.disabled.get(own.name)
        host_id = str(uuid5(NAMESPACE, own.name)) if named else number + 1
        state, status = "down" if cloud.is_down(number) else "up", "disabled" if off else "enabled"
        reason = off["reason"] if off else None
        found.append(ComputeHost(host_id, number, own, [], state, status, reason, binary))
    return found


def _used(context: ComputeContext, hosts: Sequence[ComputeHost]) -> dict[str, Json]:
    """Return the size of hosts together, and what servers use of it."""
    servers = [instance for host in hosts for instance in host.servers]
    flavors = [context.cloud.flavor(instance) for instance in servers]
    (vcpus, used_vcpus), (ram, used_ram), (disk, used_disk) = (
        (sum(getattr(host.own, size) for host in hosts), sum(flavor[size] for flavor in flavors))
        for size in ("vcpus", "ram", "disk")
    )
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
        "vcpus_used": used_vcpus,
    }


CPU: Fields = {"arch": "x86_64", "model": "host", "vendor": "Intel", "features": ["pge"]}


def _brief(context: ComputeContext, host: ComputeHost) -> Fields:
    own: Fields = {"id": host.id, "hypervisor_hostname": host.name}
    return own | {"state": host.state, "status": host.status}


def _detailed(context: ComputeContext, host: ComputeHost) -> Fields:
    own: Fields = {
        **_brief(context, host),
        "service": {"id": host.id, "host": host.name, "disabled_reason": host.reason},
        "hypervisor_type": host.own.hypervisor_type,
        "hypervisor_version": 8_002_000,
        "host_ip": address_of(host.number),
    }
    if context.minor >= LEAN_SINCE:
        return own | {"uptime": host.uptime}
    cpu: Json = CPU | {"topology": {"cores": host.own.vcpus, "threads": 1, "sockets": 1}}
    used = _used(context, [host])
    return own | used | {"cpu_info": cpu if context.minor >= CPU_SINCE else "{}"}


def _with_servers(context: ComputeContext, host: ComputeHost, view: View) -> Fields:
    """Return the view of a host with its servers, if the query wants them."""
    wanted = context.request.query_params.get("with_servers", "").lower() in ("true", "1")
    if context.minor >= UUID_SINCE and wanted and (host.servers or context.minor >= 75):
        return view(context, host) | _servers(host)
    return view(context, host)


def _servers(host: ComputeHost) -> Fields:
    return {"servers": [{"uuid": one.id, "name": one.name} for one in host.servers]}


def _listed(context: ComputeContext, policy: str, view: View) -> Response:
    """Answer with the hosts that a query selects, in pages from 2.33 on."""
    hosts, query = find_hosts(context, policy), context.request.query_params
    pattern, since = query.get("hypervisor_hostname_pattern"), PAGED_SINCE
    if pattern is not None and context.minor >= UUID_SINCE:
        if {"limit", "marker"} & set(query):
            raise error(400, "no_pages")
        hosts, since = _matching(hosts, pattern), HIGHEST + 1
    shown = partial(_with_servers, context, view=view)
    return context.pages("hypervisors", hosts, "hypervisors_links", since, shown)


@router.get("/os-hypervisors")
async def list_hypervisors(context: ComputeContext) -> Response:
    """The hypervisors."""
    return _listed(context, "os-hypervisors:list", _brief)


@router.get("/os-hypervisors/detail")
async def list_hypervisors_in_detail(context: ComputeContext) -> Response:
    """The hypervisors with their details."""
    return _listed(context, "os-hypervisors:list-detail", _detailed)


@router.get("/os-hypervisors/statistics")
async def show_hypervisor_statistics(context: ComputeContext) -> Response:
    """All hypervisors together, below 2.88."""
    hosts = find_hosts(context, "os-hypervisors:statistics")
    context.require_version(before=LEAN_SINCE)
    return respond({"hypervisor_statistics": {"count": len(hosts), **_used(context, hosts)}})


def of_id(
    context: ComputeContext,
    hosts: Sequence[ComputeHost],
    wanted: str,
    missing: str = "Hypervisor with ID '{}' could not be found.",
) -> ComputeHost:
    """Return the host with an id. Raises 404 for others, 400 for one that is not a UUID."""
    if context.minor >= UUID_SINCE and not is_uuid(wanted):
        raise ApiError(400, f"Invalid uuid {wanted[:255]}")
    found = next((host for host in hosts if str(host.id) == wanted), None)
    if found is None:
        raise ApiError(404, missing.format(wanted[:255]))
    return found


@router.get("/os-hypervisors/{hypervisor_id}")
async def show_hypervisor(hypervisor_id: str, context: ComputeContext) -> Response:
    """One hypervisor, by id."""
    host = of_id(context, find_hosts(context, "os-hypervisors:show"), hypervisor_id)
    return respond({"hypervisor": _with_servers(context, host, _detailed)})


@router.get("/os-hypervisors/{hypervisor_id}/uptime")
async def show_hypervisor_uptime(hypervisor_id: str, context: ComputeContext) -> Response:
    """The uptime of a hypervisor, below 2.88."""
    host = of_id(context, find_hosts(context, "os-hypervisors:uptime"), hypervisor_id)
    context.require_version(before=LEAN_SINCE)
    if host.state == "down":
        raise ApiError(400, f"Compute service of {host.name} is unavailable at this time.")
    if host.uptime is None:
        raise ApiError(501, "The requested functionality is not supported.")
    return respond({"hypervisor": _brief(context, host) | {"uptime": host.uptime}})


def _matching(hosts: Sequence[ComputeHost], pattern: str) -> list[ComputeHost]:
    """Return the hosts whose name contains the pattern. Raises 404 without any."""
    if not (found := [host for host in hosts if pattern in host.name]):
        raise ApiError(404, f"No hypervisor matching '{pattern[:255]}' could be found.")
    return found


def _by_name(context: ComputeContext, pattern: str, policy: str) -> Sequence[ComputeHost]:
    """Return the hosts whose name contains the pattern. Raises 404 without any, and from 2.53."""
    hosts = find_hosts(context, policy)
    return _matching(hosts if context.minor < UUID_SINCE else (), pattern)


@router.get("/os-hypervisors/{pattern}/search")
async def search_hypervisors(pattern: str, context: ComputeContext) -> Response:
    """Hypervisors whose name contains the pattern, below 2.53."""
    found = _by_name(context, pattern, "os-hypervisors:search")
    return respond({"hypervisors": [_brief(context, host) for host in found]})


@router.get("/os-hypervisors/{pattern}/servers")
async def list_servers_of_hypervisors(pattern: str, context: ComputeContext) -> Response:
    """Hypervisors whose name contains the pattern, with their servers, below 2.53."""
    found = _by_name(context, pattern, "os-hypervisors:servers")
    shown = [_brief(context, host) | (_servers(host) if host.servers else {}) for host in found]
    return respond({"hypervisors": shown})


@router.get("/os-hosts")
async def list_hosts(context: ComputeContext) -> Response:
    """The hosts of services that are enabled, below 2.43."""
    services = find_services(context, "os-hosts:list")
    zone = context.request.query_params.get("zone")
    context.require_version(before=NO_HOSTS)
    shown = [
        {"host_name": s.name, "service": s.binary.removeprefix("nova-"), "zone": s.own.zone}
        for s in services
        if s.status == "enabled" and zone in (None, "", s.own.zone)
    ]
    return respond({"hosts": shown})


@router.get("/os-hosts/{name}")
async def show_host(name: str, context: ComputeContext) -> Response:
    """The size of a host and what servers use of it, below 2.43."""
    hosts = [host for host in find_hosts(context, "os-hosts:show") if host.name == name]
    if context.minor >= NO_HOSTS or not hosts:
        raise ApiError(404, f"Compute host {name[:255]} could not be found.")
    used, shown = _used(context, hosts), []
    for project, part in (("(total)", ""), ("(used_now)", "_used")):
        sizes = {"cpu": used[f"vcpus{part}"], "memory_mb": used[f"memory_mb{part}"]}
        own = {"host": name, "project": project, **sizes, "disk_gb": used[f"local_gb{part}"]}
        shown.append({"resource": own})
    return respond({"host": shown})


def _zones(context: ComputeContext, policy: str | None = None) -> Response:
    """Answer with the zones, under a policy in detail; one of disabled services is unavailable."""
    services, zones = find_services(context, policy), []
    for name in sorted({*context.cloud.zones, *([INTERNAL] if policy else ())}):
        there = [service for service in services if service.own.zone == name]
        hosts: dict[str, dict[str, Json]] = {}
        for one in (service for service in there if service.status == "enabled"):
            state: Json = {"available": one.state == "up", "active": True, "updated_at": None}
            hosts.setdefault(one.name, {})[one.binary] = state
        available = bool(hosts) or not there
        shown = hosts if policy and available else None
        zones.append({"zoneName": name, "zoneState": {"available": available}, "hosts": shown})
    zones.sort(key=lambda zone: zone["zoneState"] == {"available": False})
    return respond({"availabilityZoneInfo": zones})


@router.get("/os-availability-zone", answer="ZoneList")
async def list_zones(context: ComputeContext) -> Response:
    """The availability zones."""
    return _zones(context)


@router.get("/os-availability-zone/detail", answer="ZoneList")
async def list_zones_in_detail(context: ComputeContext) -> Response:
    """The availability zones with their hosts."""
    return _zones(context, "os-availability-zone:detail")
