"""Reports about a server: addresses, diagnostics, password, security groups, consoles."""

from __future__ import annotations

from pydantic import Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.catalog import catalog
from ecs_fsm.serve.compute.actions import console_url
from ecs_fsm.serve.compute.api import Versioned, respond_json
from ecs_fsm.serve.compute.schemas import REFUSED, AddressFields
from ecs_fsm.serve.compute.views import addresses_view, security_group_view
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.network.groups import SecurityGroup, groups_of
from ecs_fsm.serve.network.ports import attachments

router = Handlers(tags=["compute"], responses=REFUSED)

DIAGNOSTICS_SINCE = 48


class AddressList(Body):
    """The addresses by network."""

    addresses: dict[str, list[AddressFields]]


class ServerPassword(Body):
    """The encrypted password of the guest's administrator, empty without one."""

    password: str


CONSOLES_SINCE = 6


@router.get("/servers/{server_id}/ips", response_model=AddressList)
async def list_ips(server_id: str, context: Versioned) -> Response:
    """The addresses by network."""
    return respond_json({"addresses": addresses_view(context.find(server_id), whole=False)})


@router.get("/servers/{server_id}/ips/{label}", response_model=dict[str, list[AddressFields]])
async def show_ips(server_id: str, label: str, context: Versioned) -> Response:
    """The addresses on one network."""
    addresses = addresses_view(context.find(server_id), whole=False)
    if label not in addresses:
        raise ApiError(404, "Network label not found.")
    return respond_json({label: addresses[label]})


NO_TRAFFIC = {
    f"{way}_{what}": 0
    for way in ("rx", "tx")
    for what in ("octets", "errors", "drop", "packets", "rate")
}


@router.get("/servers/{server_id}/diagnostics")
async def show_diagnostics(server_id: str, context: Versioned) -> Response:
    """The resources of the server as its host sees them; for administrators."""
    context.require_admin("os_compute_api:os-server-diagnostics")
    instance = context.find(server_id)
    flavor = catalog().flavors[instance.flavor]
    if context.minor < DIAGNOSTICS_SINCE:
        return respond_json(
            {"memory": flavor.ram * 1024, "vda_read": 0, "vda_write": 0, "cpu0_time": 0}
        )
    up = 0.0 if instance.launched is None else context.cloud.now - instance.launched
    ports = attachments(instance)
    return respond_json(
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


@router.get("/servers/{server_id}/os-server-password", response_model=ServerPassword)
async def show_password(server_id: str, context: Versioned) -> Response:
    """The encrypted password; no guest ever sets one."""
    context.find(server_id)
    return respond_json({"password": ""})


@router.delete("/servers/{server_id}/os-server-password", status_code=204)
async def clear_password(server_id: str, context: Versioned) -> Response:
    """Remove the encrypted password."""
    context.find(server_id)
    return Response(status_code=204)


@router.get("/servers/{server_id}/os-security-groups")
async def list_security_groups_of_server(server_id: str, context: Versioned) -> Response:
    """The security groups."""
    instance = context.find(server_id)
    groups, own = groups_of(context.request), instance.project_id
    found = (
        groups.named(own, name) or SecurityGroup(name, name, own)
        for name in instance.names("security_groups")
    )
    return JSONResponse({"security_groups": [security_group_view(group) for group in found]})


class ConsoleKind(Body):
    """A console by its protocol and kind."""

    protocol: str = Field(pattern="^(vnc|spice|serial|rdp|mks)$")
    type: str = Field(pattern="^(novnc|xvpvnc|spice-html5|spice-direct|serial|rdp-html5|webmks)$")


class RemoteConsoleRequest(Body):
    """The body of a request for a console."""

    remote_console: ConsoleKind


@router.post("/servers/{server_id}/remote-consoles")
async def create_remote_console(
    server_id: str, body: RemoteConsoleRequest, context: Versioned
) -> Response:
    """The URL of a console; nothing listens there."""
    context.require_version(since=CONSOLES_SINCE)
    instance, kind = context.find(server_id), body.remote_console
    url = console_url(context, instance)
    shown = {"protocol": kind.protocol, "type": kind.type, "url": url}
    return respond_json({"remote_console": shown})
