"""Network ports of a server: shown, attached, detached.

They are those of the catalog's networks, one for each network.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.catalog import Attachment
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.compute.asking import Asked, Asking, told
from ecs_fsm.serve.compute.fixedips import fixed_ip_of
from ecs_fsm.serve.compute.shapes import chosen_addresses, names
from ecs_fsm.serve.http.answers import REFUSED
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers

router = Handlers(tags=["compute"], responses=REFUSED)
TAG_SINCE = 70


class Address(Body):
    """An address of a port."""

    ip_address: str
    subnet_id: str | None = None


class PortTold(Body):
    """A port of a server."""

    port_id: str
    port_state: str
    net_id: str
    mac_addr: str
    fixed_ips: list[Address]
    tag: str | None = None


class OnePort(Body):
    """A port in an answer."""

    interfaceAttachment: PortTold  # noqa: N815


class Ports(Body):
    """The ports."""

    interfaceAttachments: list[PortTold]  # noqa: N815


class FixedIp(Body):
    """An address that the port is to have."""

    ip_address: Annotated[str, AfterValidator(lambda text: str(ip_address(text)))]


class PortWanted(Body):
    """A network on which the server is to hang; the usual one where none is named."""

    net_id: UUID | None = None
    port_id: UUID | None = None
    fixed_ips: list[FixedIp] = Field(default_factory=list, max_length=1)
    tag: str | None = Field(None, max_length=60)


class AttachPort(Body):
    """The body of an attachment."""

    interfaceAttachment: PortWanted  # noqa: N815


def _shown_port(asking: Asking, port: Attachment) -> dict[str, Json]:
    address: Json = {"ip_address": port.address, "subnet_id": port.network.subnet.id}
    shown: dict[str, Json] = {
        "port_id": port.port_id,
        "port_state": "ACTIVE",
        "net_id": port.network.id,
        "mac_addr": port.mac,
        "fixed_ips": [address],
    }
    return shown | ({"tag": None} if asking.minor >= TAG_SINCE else {})


def _port(asking: Asking, instance: Instance, port_id: str) -> Attachment:
    """A port of the server. Raises 404 for others."""
    for port in asking.compute.shapes.attachments(instance):
        if port.port_id == port_id:
            return port
    raise ApiError(404, f"Port id {port_id[:255]} could not be found.")


@router.get("/servers/{server_id}/os-interface", response_model=Ports)
async def list_interfaces(server_id: str, asked: Asked) -> Response:
    """The ports of a server."""
    ports = asked.compute.shapes.attachments(asked.find(server_id))
    return told({"interfaceAttachments": [_shown_port(asked, port) for port in ports]})


@router.get("/servers/{server_id}/os-interface/{port_id}", response_model=OnePort)
async def show_interface(server_id: str, port_id: str, asked: Asked) -> Response:
    """A port of a server."""
    port = _port(asked, asked.find(server_id), port_id)
    return told({"interfaceAttachment": _shown_port(asked, port)})


@router.post("/servers/{server_id}/os-interface", response_model=OnePort)
async def attach_interface_to_server(server_id: str, body: AttachPort, asked: Asked) -> Response:
    """Hangs the server on one more network."""
    instance, wanted = asked.find(server_id), body.interfaceAttachment
    catalog, networks = asked.compute.catalog, names(instance, "networks")
    if wanted.port_id is not None:
        raise ApiError(400, f"Port {wanted.port_id} could not be found.")
    free = (network for network in catalog.networks if network not in networks)
    network = str(wanted.net_id) if wanted.net_id else next(free, catalog.default_network.id)
    if network not in catalog.networks:
        raise ApiError(400, f"Network {network} could not be found.")
    if network in networks:
        raise ApiError(400, f"The server is on network {network} already")
    chosen = chosen_addresses(instance)
    for fixed in wanted.fixed_ips:
        chosen[network] = fixed_ip_of(asked, catalog.networks[network], fixed.ip_address)
    operation = asked.compute.words.operations.attach_interface
    asked.change(instance, operation, {"networks": [*networks, network], "fixed_ips": {**chosen}})
    ports = asked.compute.shapes.attachments(instance)
    port = next((port for port in ports if port.network.id == network), None)
    if port is None:
        raise ApiError(409, f"The networks of instance {instance.id} are not set up yet")
    return told({"interfaceAttachment": _shown_port(asked, port)})


@router.delete("/servers/{server_id}/os-interface/{port_id}", status_code=202)
async def detach_interface_from_server(server_id: str, port_id: str, asked: Asked) -> Response:
    """Takes the server off a network."""
    instance = asked.find(server_id)
    gone = _port(asked, instance, port_id).network.id
    left = [network for network in names(instance, "networks") if network != gone]
    operation = asked.compute.words.operations.detach_interface
    chosen = chosen_addresses(instance)
    chosen.pop(gone, None)
    asked.change(instance, operation, {"networks": [*left], "fixed_ips": {**chosen}})
    return Response(status_code=202)
