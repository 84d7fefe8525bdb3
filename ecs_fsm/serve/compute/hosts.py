"""The hosts of the cloud as the compute API tells of them: hypervisors, services, hosts, zones.

All hosts are alike and large enough for everything; what is used on one are the servers there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid5

from starlette.responses import Response

from ecs_fsm.serve.cloud.catalog import NAMESPACE
from ecs_fsm.serve.cloud.cloud import HOSTS
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.compute.asking import Asked, Asking, told
from ecs_fsm.serve.compute.shapes import Shape, host_name
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers

VCPUS, RAM, DISK = 1024, 4 * 1024 * 1024, 100_000
"""What a host has; RAM in MiB, disk in GiB."""
FORCED_SINCE, CPU_SINCE, NO_HOSTS, UUID_SINCE, LEAN_SINCE = 11, 28, 43, 53, 88
SERVICE = "nova-compute"
UPTIME = " 12:00:00 up 30 days,  0:00,  0 users,  load average: 0.00, 0.00, 0.00"

router = Handlers(tags=["compute"], responses=COMPUTE_ERRORS)


class Host(NamedTuple):
    """A host by its number, with its servers."""

    number: int
    servers: list[Instance]

    @property
    def name(self) -> str:
        """By which servers name it."""
        return host_name(self.number)

    def id(self, minor: int) -> Json:
        """The id, a number before there were others."""
        return str(uuid5(NAMESPACE, self.name)) if minor >= UUID_SINCE else self.number + 1


def _hosts(asking: Asking, what: str) -> list[Host]:
    """The hosts, for administrators. Raises 403 for others."""
    asking.administrator(f"os_compute_api:{what}")
    hosts = [Host(number, []) for number in range(HOSTS)]
    for instance in asking.cloud.instances.values():
        if asking.compute.shapes.host(instance):
            hosts[instance.host].servers.append(instance)
    return hosts


def _used(asking: Asking, hosts: list[Host]) -> dict[str, Json]:
    """What hosts have, and what servers use of it."""
    servers = [instance for host in hosts for instance in host.servers]
    flavors = [asking.compute.catalog.flavors[instance.flavor] for instance in servers]
    vcpus, ram, disk = (n * len(hosts) for n in (VCPUS, RAM, DISK))
    used_ram, used_disk = sum(f.ram for f in flavors), sum(f.disk for f in flavors)
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
        "vcpus_used": sum(f.vcpus for f in flavors),
    }


def _brief(asking: Asking, host: Host) -> Shape:
    return {
        "id": host.id(asking.minor),
        "hypervisor_hostname": host.name,
        "state": "up",
        "status": "enabled",
    }


def _servers(host: Host) -> list[Json]:
    return [{"uuid": instance.id, "name": instance.name} for instance in host.servers]


def _detailed(asking: Asking, host: Host) -> Shape:
    shown = _brief(asking, host) | {
        "service": {"id": host.id(asking.minor), "host": host.name, "disabled_reason": None},
        "hypervisor_type": "QEMU",
        "hypervisor_version": 8_002_000,
        "host_ip": f"192.0.2.{host.number + 1}",
    }
    if asking.minor >= LEAN_SINCE:
        return shown | {"uptime": UPTIME}
    cpu: Json = {"arch": "x86_64", "model": "host", "vendor": "Intel", "features": []}
    return shown | _used(asking, [host]) | {"cpu_info": cpu if asking.minor >= CPU_SINCE else "{}"}


def _named(asking: Asking, hosts: list[Host]) -> Iterator[Host]:
    """The hosts that a query names."""
    pattern = asking.request.query_params.get("hypervisor_hostname_pattern", "")
    if asking.minor < UUID_SINCE:
        yield from hosts
        return
    found = [host for host in hosts if pattern in host.name]
    if not found:
        raise ApiError(404, f"No hypervisor matching '{pattern[:255]}' could be found.")
    yield from found


def _with_servers(asking: Asking, host: Host, shown: Shape) -> Shape:
    """The host with its servers, where a query wants them."""
    wanted = asking.request.query_params.get("with_servers", "").lower() in ("true", "1")
    if asking.minor >= UUID_SINCE and wanted and host.servers:
        return shown | {"servers": _servers(host)}
    return shown


@router.get("/os-hypervisors")
async def list_hypervisors(asked: Asked) -> Response:
    """The hypervisors."""
    found = _named(asked, _hosts(asked, "os-hypervisors:list"))
    shown = [_with_servers(asked, host, _brief(asked, host)) for host in found]
    return told({"hypervisors": shown})


@router.get("/os-hypervisors/detail")
async def list_hypervisors_in_detail(asked: Asked) -> Response:
    """The hypervisors with what is used of them."""
    found = _named(asked, _hosts(asked, "os-hypervisors:list-detail"))
    shown = [_with_servers(asked, host, _detailed(asked, host)) for host in found]
    return told({"hypervisors": shown})


@router.get("/os-hypervisors/statistics")
async def show_hypervisor_statistics(asked: Asked) -> Response:
    """All hypervisors together, below 2.88."""
    hosts = _hosts(asked, "os-hypervisors:statistics")
    if asked.minor >= LEAN_SINCE:
        raise ApiError(404, "The resource could not be found.")
    return told({"hypervisor_statistics": {"count": len(hosts), **_used(asked, hosts)}})


def _hypervisor(asking: Asking, hosts: list[Host], hypervisor_id: str) -> Host:
    for host in hosts:
        if hypervisor_id == str(host.id(asking.minor)):
            return host
    raise ApiError(404, f"Compute host {hypervisor_id[:255]} could not be found.")


@router.get("/os-hypervisors/{hypervisor_id}")
async def show_hypervisor(hypervisor_id: str, asked: Asked) -> Response:
    """One hypervisor, by id."""
    host = _hypervisor(asked, _hosts(asked, "os-hypervisors:show"), hypervisor_id)
    return told({"hypervisor": _with_servers(asked, host, _detailed(asked, host))})


@router.get("/os-hypervisors/{hypervisor_id}/uptime")
async def show_hypervisor_uptime(hypervisor_id: str, asked: Asked) -> Response:
    """How long a hypervisor has been up, below 2.88."""
    host = _hypervisor(asked, _hosts(asked, "os-hypervisors:uptime"), hypervisor_id)
    if asked.minor >= LEAN_SINCE:
        raise ApiError(404, "The resource could not be found.")
    return told({"hypervisor": _brief(asked, host) | {"uptime": UPTIME}})


def _matching(asking: Asking, pattern: str, what: str) -> list[Host]:
    """The hosts with these letters in their name. Raises 404 where there are none."""
    found = [host for host in _hosts(asking, what) if pattern in host.name]
    if not found or asking.minor >= UUID_SINCE:
        raise ApiError(404, f"No hypervisor matching '{pattern[:255]}' could be found.")
    return found


@router.get("/os-hypervisors/{pattern}/search")
async def search_hypervisors(pattern: str, asked: Asked) -> Response:
    """Hypervisors with these letters in their name, below 2.53."""
    found = _matching(asked, pattern, "os-hypervisors:search")
    return told({"hypervisors": [_brief(asked, host) for host in found]})


@router.get("/os-hypervisors/{pattern}/servers")
async def list_servers_of_hypervisors(pattern: str, asked: Asked) -> Response:
    """The same with their servers, below 2.53."""
    found = _matching(asked, pattern, "os-hypervisors:servers")
    shown = [
        _brief(asked, host) | ({"servers": _servers(host)} if host.servers else {})
        for host in found
    ]
    return told({"hypervisors": shown})


@router.get("/os-services")
async def list_services(asked: Asked) -> Response:
    """The services of the hosts, of one host or of one name."""
    wanted, zone = asked.request.query_params, asked.compute.catalog.availability_zone
    shown: list[Json] = []
    for host in _hosts(asked, "os-services:list"):
        service: Shape = {
            "id": host.id(asked.minor),
            "binary": SERVICE,
            "host": host.name,
            "zone": zone,
            "status": "enabled",
            "state": "up",
            "updated_at": None,
            "disabled_reason": None,
        }
        if asked.minor >= FORCED_SINCE:
            service["forced_down"] = False
        if all(wanted.get(key, service[key]) == service[key] for key in ("host", "binary")):
            shown.append(service)
    return told({"services": shown})


@router.get("/os-hosts")
async def list_hosts(asked: Asked) -> Response:
    """The hosts, below 2.43."""
    hosts, zone = _hosts(asked, "os-hosts:list"), asked.compute.catalog.availability_zone
    asked_zone = asked.request.query_params.get("zone") or zone
    if asked.minor >= NO_HOSTS:
        raise ApiError(404, "The resource could not be found.")
    shown = [{"host_name": h.name, "service": "compute", "zone": zone} for h in hosts]
    return told({"hosts": shown if asked_zone == zone else []})


@router.get("/os-hosts/{name}")
async def show_host(name: str, asked: Asked) -> Response:
    """What a host has and what is used of it, below 2.43."""
    hosts = [host for host in _hosts(asked, "os-hosts:show") if host.name == name]
    if asked.minor >= NO_HOSTS or not hosts:
        raise ApiError(404, f"Compute host {name[:255]} could not be found.")
    used = _used(asked, hosts)
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
    return told({"host": shown})
