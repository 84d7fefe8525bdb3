"""What a server reports of itself: addresses, diagnostics, password, security groups, a console."""

from __future__ import annotations

from pydantic import Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.compute.asking import Asked, told
from ecs_fsm.serve.compute.results import url_of_console
from ecs_fsm.serve.compute.shapes import names
from ecs_fsm.serve.http.answers import REFUSED, Address
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.network.groups import Group, groups_of, of_compute

router = Handlers(tags=["compute"], responses=REFUSED)
DIAGNOSTICS_SINCE = 48


class Addresses(Body):
    """The addresses by network."""

    addresses: dict[str, list[Address]]


class Password(Body):
    """The password of the guest's administrator, encrypted; empty where there is none."""

    password: str


CONSOLES_SINCE = 6


@router.get("/servers/{server_id}/ips", response_model=Addresses)
async def list_ips(server_id: str, asked: Asked) -> Response:
    """The addresses by network."""
    return told({"addresses": asked.compute.shapes.addresses(asked.find(server_id), False)})


@router.get("/servers/{server_id}/ips/{label}", response_model=dict[str, list[Address]])
async def show_ips(server_id: str, label: str, asked: Asked) -> Response:
    """The addresses on one network."""
    addresses = asked.compute.shapes.addresses(asked.find(server_id), False)
    if label not in addresses:
        raise ApiError(404, "Network label not found.")
    return told({label: addresses[label]})


NO_TRAFFIC = {
    f"{way}_{what}": 0
    for way in ("rx", "tx")
    for what in ("octets", "errors", "drop", "packets", "rate")
}


@router.get("/servers/{server_id}/diagnostics")
async def show_diagnostics(server_id: str, asked: Asked) -> Response:
    """What the host knows of the server; for administrators."""
    asked.administrator("os_compute_api:os-server-diagnostics")
    instance = asked.find(server_id)
    flavor = asked.compute.catalog.flavors[instance.flavor]
    if asked.minor < DIAGNOSTICS_SINCE:
        return told({"memory": flavor.ram * 1024, "vda_read": 0, "vda_write": 0, "cpu0_time": 0})
    up = 0.0 if instance.launched is None else asked.cloud.now - instance.launched
    ports = asked.compute.shapes.attachments(instance)
    return told(
        {
            "config_drive": bool(instance.details.get("config_drive")),
            "cpu_details": [{"id": n, "time": 0, "utilisation": 0} for n in range(flavor.vcpus)],
            "disk_details": [],
            "driver": "libvirt",
            "hypervisor": "kvm",
            "hypervisor_os": "linux",
            "memory_details": {"maximum": flavor.ram, "used": 0},
            "nic_details": [{"mac_address": port.mac} | NO_TRAFFIC for port in ports],
            "num_cpus": flavor.vcpus,
            "num_disks": 1,
            "num_nics": len(ports),
            "state": "running" if instance.launched is not None else "pending",
            "uptime": int(up),
        }
    )


@router.get("/servers/{server_id}/os-server-password", response_model=Password)
async def show_password(server_id: str, asked: Asked) -> Response:
    """The encrypted password; no guest here ever sets one."""
    asked.find(server_id)
    return told({"password": ""})


@router.delete("/servers/{server_id}/os-server-password", status_code=204)
async def clear_password(server_id: str, asked: Asked) -> Response:
    """Forgets the encrypted password."""
    asked.find(server_id)
    return Response(status_code=204)


@router.get("/servers/{server_id}/os-security-groups")
async def list_security_groups_of_server(server_id: str, asked: Asked) -> Response:
    """The security groups; they hold nothing back here."""
    instance = asked.find(server_id)
    groups, own = groups_of(asked.request), instance.project_id
    found = (
        groups.named(own, name) or Group(name, name, own)
        for name in names(instance, "security_groups")
    )
    return JSONResponse({"security_groups": [of_compute(group) for group in found]})


class ConsoleWanted(Body):
    """A console by its protocol and kind."""

    protocol: str = Field(pattern="^(vnc|spice|serial|rdp|mks)$")
    type: str = Field(pattern="^(novnc|xvpvnc|spice-html5|spice-direct|serial|rdp-html5|webmks)$")


class RemoteConsole(Body):
    """The body of a request for a console."""

    remote_console: ConsoleWanted


@router.post("/servers/{server_id}/remote-consoles")
async def create_remote_console(server_id: str, body: RemoteConsole, asked: Asked) -> Response:
    """Where a console would be found; nothing listens there."""
    asked.since(CONSOLES_SINCE)
    instance, wanted = asked.find(server_id), body.remote_console
    url = url_of_console(asked, instance)
    shown = {"protocol": wanted.protocol, "type": wanted.type, "url": url}
    return told({"remote_console": shown})
