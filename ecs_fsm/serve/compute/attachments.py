"""The network ports and addresses of a server: show, attach and detach them."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import (
    ATTACH_INTERFACE,
    DETACH_INTERFACE,
)
from ecs_fsm.serve.compute.action import ActionAnswer, Argument, ServerAction
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, respond_json
from ecs_fsm.serve.compute.nics import free_address, free_port, network_of
from ecs_fsm.serve.compute.schemas import REFUSED, FixedAddress
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.network.routes import SERVICE as NETWORK

router = Handlers(tags=["compute"], responses=REFUSED)
TAG_SINCE = 70


class FixedIp(Body):
    """An address for the port."""

    ip_address: FixedAddress


class PortRequest(Body):
    """A network for the server, by default one that it is not on yet."""

    net_id: UUID | None = None
    port_id: UUID | None = None
    fixed_ips: list[FixedIp] = Field(default_factory=list, max_length=1)
    tag: str | None = Field(None, max_length=60)


class AttachPort(Body):
    """The body of an attachment."""

    interfaceAttachment: PortRequest = Field(default_factory=dict, validate_default=True)  # noqa: N815


def _port_view(context: ComputeContext, port: Item) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "port_id": port["id"],
        "port_state": port["status"],
        "net_id": port["network_id"],
        "mac_addr": port["mac_address"],
        "fixed_ips": port["fixed_ips"],
    }
    return shown | ({"tag": port.get("tag")} if context.minor >= TAG_SINCE else {})


def _port(context: ComputeContext, instance: Instance, port_id: str) -> Item:
    """Return a port of the server. Raises 404 for others."""
    for port in context.cloud.ports.shown(instance):
        if port["id"] == port_id:
            return port
    if context.cloud.ports.all.get(port_id) is None:
        raise ApiError(404, f"Port id {port_id[:255]} could not be found.")
    raise ApiError(404, f"Instance {instance.id} does not have a port with id {port_id}")


@router.get("/servers/{server_id}/os-interface", answer="PortList")
async def list_interfaces(server_id: str, context: Versioned) -> Response:
    """The ports of a server."""
    ports = context.cloud.ports.shown(context.find(server_id))
    return respond_json({"interfaceAttachments": [_port_view(context, port) for port in ports]})


@router.get("/servers/{server_id}/os-interface/{port_id}", answer="OnePort")
async def show_interface(server_id: str, port_id: str, context: Versioned) -> Response:
    """A port of a server."""
    port = _port(context, context.find(server_id), port_id)
    return respond_json({"interfaceAttachment": _port_view(context, port)})


@router.post("/servers/{server_id}/os-interface", answer="OnePort")
async def attach_interface_to_server(
    server_id: str, body: AttachPort, context: Versioned
) -> Response:
    """Attach the server to a network, or give it a free port."""
    instance, request = context.find(server_id), body.interfaceAttachment
    ports, asker = context.cloud.ports, context.asker(ATTACH_INTERFACE)
    if request.port_id is not None and request.net_id is not None:
        raise ApiError(400, "Must not input both network_id and port_id")
    if request.fixed_ips and request.net_id is None:
        raise ApiError(400, "Must input network_id when request IP address")
    if request.port_id is not None:
        free = free_port(context, str(request.port_id), 404)
        context.compute.request_if_known(instance, ATTACH_INTERFACE, asker)
        port = ports.bind(free, instance, request.tag)
    else:
        port = plug(context, instance, request, asker)
    if not ports.shown(instance):
        raise ApiError(409, f"The networks of instance {instance.id} are not set up yet")
    context.cloud.keep(instance)
    return respond_json({"interfaceAttachment": _port_view(context, port)})


def plug(context: ComputeContext, instance: Instance, request: PortRequest, asker: Asker) -> Item:
    """Return a new port of a server on the network of a request, or on one that it is not on."""
    ports = context.cloud.ports
    there = {port["network_id"] for port in ports.of(instance)}
    free = next((n["id"] for n in ports.networks if n["id"] not in there), None)
    usual = free or next(iter(ports.usual_network()), "")
    network = network_of(context, str(request.net_id or usual), 404)
    address = None
    for fixed in request.fixed_ips:
        address = free_address(context.cloud, network, fixed.ip_address)
    context.compute.request_if_known(instance, ATTACH_INTERFACE, asker)
    port = ports.plug(instance, network, address, request.tag)
    context.cloud.keep(instance)
    return port


@router.delete("/servers/{server_id}/os-interface/{port_id}", status_code=202)
async def detach_interface_from_server(
    server_id: str, port_id: str, context: Versioned
) -> Response:
    """Detach the server from a network."""
    instance = context.find(server_id)
    port = _port(context, instance, port_id)
    context.compute.request_if_known(instance, DETACH_INTERFACE, context.asker(DETACH_INTERFACE))
    context.cloud.ports.part(instance, port)
    context.cloud.keep(instance)
    return Response(status_code=202)


class AddFixedIp(Argument):
    """A network for the server, below 2.44."""

    networkId: str | int  # noqa: N815

    def answer(self, context: ComputeContext, instance: Instance) -> ActionAnswer:
        """Attach the server to the network."""
        plug(
            context,
            instance,
            PortRequest.model_construct(net_id=self.networkId, fixed_ips=[], tag=None),
            context.asker("addFixedIp"),
        )
        return ActionAnswer()


class RemoveFixedIp(Argument):
    """An address of the server that goes, below 2.44."""

    address: FixedAddress

    def answer(self, context: ComputeContext, instance: Instance) -> ActionAnswer:
        """Take the address from its port. Raises 400 for another address."""
        ports = context.cloud.ports
        for port in ports.of(instance):
            left = [f for f in port["fixed_ips"] if f["ip_address"] != self.address]
            if left != port["fixed_ips"]:
                ports.change(port, fixed_ips=left)
                context.cloud.keep(instance)
                return ActionAnswer()
        raise ApiError(
            400, f"Fixed IP address ({self.address}) does not exist in network (instance)."
        )


class AddFloatingIp(Argument):
    """A floating address for the server, below 2.44, with the fixed address if it has several."""

    address: FixedAddress
    fixed_address: FixedAddress | None = None

    def answer(self, context: ComputeContext, instance: Instance) -> ActionAnswer:
        """Associate the address with a port of the server. Raises 400 for one without ports."""
        floating, ports = _floating(context, self.address), context.cloud.ports
        for port in ports.shown(instance):
            for fixed in port["fixed_ips"]:
                if self.fixed_address in (None, fixed["ip_address"]):
                    own = {"port_id": port["id"], "fixed_ip_address": fixed["ip_address"]}
                    NETWORK.kinds["floatingips"].update(context, floating, own)
                    return ActionAnswer()
        raise ApiError(400, f"No fixed IPs associated to instance {instance.id}")


class RemoveFloatingIp(Argument):
    """A floating address that leaves the server, below 2.44."""

    address: FixedAddress

    def answer(self, context: ComputeContext, instance: Instance) -> ActionAnswer:
        """Free the address. Raises 404 for an unknown one, 409 for that of another server."""
        floating, ports = _floating(context, self.address), context.cloud.ports
        port = ports.all.get(floating.get("port_id"))
        if port is None or port["device_id"] != instance.id:
            raise ApiError(409, f"Floating IP {self.address} is not associated with instance {instance.id}.")  # fmt: skip  # noqa: E501
        NETWORK.kinds["floatingips"].update(context, floating, {"port_id": None})
        return ActionAnswer()


def _floating(context: ComputeContext, address: str) -> Item:
    for floating in context.cloud.ports.floating.by("floating_ip_address", address):
        if context.caller.admin or floating["project_id"] == context.caller.project_id:
            return floating
    raise ApiError(404, f"Floating IP not found for address {address}.")


ADDRESS_ACTIONS = (
    ServerAction("addFixedIp", None, AddFixedIp, until=43),
    ServerAction("removeFixedIp", None, RemoveFixedIp, until=43),
    ServerAction("addFloatingIp", None, AddFloatingIp, until=43),
    ServerAction("removeFloatingIp", None, RemoveFloatingIp, until=43),
)
"""The rows of the actions on addresses."""
