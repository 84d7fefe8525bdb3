"""The networks, ports and addresses of servers: those that requests name, and those attached.

Below 2.36 the API shows what the network service has, as well.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import NamedTuple
from uuid import UUID

from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import ATTACH_INTERFACE, DETACH_INTERFACE
from ecs_fsm.serve.compute.actions import ANSWERS, ActionAnswer, of_actions
from ecs_fsm.serve.compute.api import ComputeContext, OfServer, error, router
from ecs_fsm.serve.compute.nova_schemas import address_of, is_uuid
from ecs_fsm.serve.compute.views import security_group_view
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.network.routes import SERVICE as NETWORK


class NewInterface(NamedTuple):
    """An interface of a new server: the id of a network or a port, a chosen address, a tag."""

    name: str
    address: str | None = None
    tag: str | None = None


def free_port(context: ComputeContext, port_id: str, code: int = 400) -> Item:
    """Return a port without a device. Raises 400 or 404 for an unknown one, 409 for a used one."""
    port = context.cloud.ports.all.get(port_id)
    if port is None or not NETWORK.kinds["ports"].visible(context, port):
        raise ApiError(code, f"Port id {port_id} could not be found.")
    if port["device_id"]:
        raise ApiError(409, f"Port {port_id} is still in use.")
    return port


def free_address(cloud: Cloud, network: Item, address: str) -> str:
    """Return the address. Raises 400 if it is outside of the network, reserved or in use."""
    for subnet in cloud.ports.subnets.by("network_id", network["id"]):
        block = ip_network(subnet["cidr"])
        reserved = {str(block[0]), str(block[-1]), subnet["gateway_ip"]}
        if ip_address(address) in block and address not in reserved:
            holder = cloud.ports.holder(subnet["id"], address)
            if holder is None:
                return address
            raise error(400, "address_taken", address=address, device_id=holder["device_id"])
    raise error(400, "address_outside", address=address, network=network["id"])


def networks_of(context: ComputeContext, given: Item) -> list[NewInterface]:
    """Return what the server's interfaces are to be."""
    wanted = given.get("networks")
    if wanted == "none":
        return []
    if not wanted or wanted == "auto":
        return [NewInterface(name) for name in context.cloud.ports.usual_network()]
    found: list[NewInterface] = []
    for network in wanted:
        tag = network.get("tag")
        if network.get("port") is not None:
            port = free_port(context, str(UUID(network["port"])))
            found.append(NewInterface(port["id"], None, tag))
            continue
        if not is_uuid(network.get("uuid")):
            raise error(400, "no_network_id", id=network.get("uuid"))
        known = NETWORK.kinds["networks"].find(context, str(network["uuid"]), 400)
        if not context.cloud.ports.subnets.by("network_id", known["id"]):
            raise error(400, "no_subnet", id=known["id"])
        address = address_of(network.get("fixed_ip"))
        address = address and free_address(context.cloud, known, address)
        if address and any((one.name, one.address) == (known["id"], address) for one in found):
            raise ApiError(400, f"Fixed IP address {address} is given twice.")
        found.append(NewInterface(known["id"], address, tag))
    if int(given.get("max_count") or 1) > 1 and any(each.get("port") for each in wanted):
        raise ApiError(400, "Unable to launch multiple instances with a single configured port ID.")
    return found


class Interfaces(OfServer):
    """The ports of a server: show, attach and detach them."""

    def items(self, context: ComputeContext) -> list[Item]:
        """Return the ports, none before its networks are set up."""
        return context.cloud.ports.shown(self.server(context))

    def find(self, context: ComputeContext, item_id: str, code: int = 404) -> Item:
        """Return a port of the server. Raises 404 for others."""
        if self.server(context) and context.cloud.ports.all.get(item_id) is None:
            raise ApiError(code, f"Port id {item_id[:255]} could not be found.")
        return super().find(context, item_id, code)

    def checked(self, context: ComputeContext, given: object, verb: str) -> Item:
        """Return the fields; without any, the server gets a port on a network of its own."""
        return super().checked(context, {} if given is None else given, verb)

    def create(self, context: ComputeContext, given: Item) -> Item:
        """Attach the server to a network, or give it a free port."""
        instance, ports, port_id = self.server(context), context.cloud.ports, given.get("port_id")
        if port_id is not None and given.get("net_id") is not None:
            raise ApiError(400, "Must not input both network_id and port_id")
        if given.get("fixed_ips") and given.get("net_id") is None:
            raise ApiError(400, "Must input network_id when request IP address")
        if port_id is not None:
            free = free_port(context, str(UUID(port_id)), 404)
            context.request_if_known(instance, ATTACH_INTERFACE)
            port = ports.bind(free, instance, given.get("tag"))
        else:
            port = plug(context, instance, given)
        if not ports.shown(instance):
            raise ApiError(409, f"The networks of instance {instance.id} are not set up yet")
        context.cloud.keep(instance)
        return port

    def delete(self, context: ComputeContext, item: Item) -> None:
        """Detach the server from a network."""
        instance = self.server(context)
        context.request_if_known(instance, DETACH_INTERFACE)
        context.cloud.ports.part(instance, item)
        context.cloud.keep(instance)


def plug(context: ComputeContext, instance: Instance, given: Item, action: str = "") -> Item:
    """Return a new port of a server on the network of a request, or on one that it is not on."""
    ports = context.cloud.ports
    there = {port["network_id"] for port in ports.of(instance)}
    free = next((n["id"] for n in ports.networks if n["id"] not in there), None)
    usual = free or next(iter(ports.usual_network()), "")
    network = NETWORK.kinds["networks"].find(context, str(given.get("net_id") or usual))
    address = None
    for fixed in given.get("fixed_ips") or ():
        address = free_address(context.cloud, network, str(ip_address(fixed["ip_address"])))
    context.request_if_known(instance, ATTACH_INTERFACE, action)
    port = ports.plug(instance, network, address, given.get("tag"))
    context.cloud.keep(instance)
    return port


@of_actions(ANSWERS, "addFixedIp")
def _add_fixed_ip(context: ComputeContext, instance: Instance, given: Item) -> ActionAnswer:
    """Attach the server to a network."""
    plug(context, instance, {"net_id": given["networkId"]}, "addFixedIp")
    return ActionAnswer()


@of_actions(ANSWERS, "removeFixedIp")
def _remove_fixed_ip(context: ComputeContext, instance: Instance, given: Item) -> ActionAnswer:
    """Take an address from its port. Raises 400 for another address."""
    ports, address = context.cloud.ports, address_of(given["address"])
    for port in ports.of(instance):
        left = [f for f in port["fixed_ips"] if f["ip_address"] != address]
        if left != port["fixed_ips"]:
            ports.change(port, fixed_ips=left)
            context.cloud.keep(instance)
            return ActionAnswer()
    raise error(400, "no_fixed_ip", address=address)


@of_actions(ANSWERS, "addFloatingIp")
def _add_floating_ip(context: ComputeContext, instance: Instance, given: Item) -> ActionAnswer:
    """Associate an address with a port of the server, at its fixed address if that is given.

    Raises 400 for a server without ports.
    """
    floating, chosen = _floating(context, given["address"]), address_of(given.get("fixed_address"))
    for port in context.cloud.ports.shown(instance):
        for fixed in port["fixed_ips"]:
            if chosen in (None, fixed["ip_address"]):
                own = {"port_id": port["id"], "fixed_ip_address": fixed["ip_address"]}
                NETWORK.kinds["floatingips"].update(context, floating, own)
                return ActionAnswer()
    raise ApiError(400, f"No fixed IPs associated to instance {instance.id}")


@of_actions(ANSWERS, "removeFloatingIp")
def _remove_floating_ip(context: ComputeContext, instance: Instance, given: Item) -> ActionAnswer:
    """Free an address. Raises 404 for an unknown one, 409 for that of another server."""
    floating = _floating(context, given["address"])
    port = context.cloud.ports.all.get(floating.get("port_id"))
    if port is None or port["device_id"] != instance.id:
        raise error(409, "not_associated", address=given["address"], id=instance.id)
    NETWORK.kinds["floatingips"].update(context, floating, {"port_id": None})
    return ActionAnswer()


def _floating(context: ComputeContext, address: str) -> Item:
    for floating in context.cloud.ports.floating.by("floating_ip_address", address_of(address)):
        if context.caller.admin or floating["project_id"] == context.caller.project_id:
            return floating
    raise ApiError(404, f"Floating IP not found for address {address}.")


NO_PROXY = 36
"""The microversion from which clients ask the services themselves."""


@router.get("/os-floating-ips", answer="object[]{}")
def list_floating_ips_of_compute(context: ComputeContext) -> Response:
    """The floating addresses of the project, below 2.36."""
    context.require_version(before=NO_PROXY)
    ports = context.cloud.ports
    shown = [
        {
            "id": floating["id"],
            "ip": floating["floating_ip_address"],
            "pool": (ports.networks.get(floating["floating_network_id"]) or {}).get("name"),
            "fixed_ip": floating.get("fixed_ip_address"),
            "instance_id": (ports.all.get(floating.get("port_id")) or {}).get("device_id"),
        }
        for floating in ports.floating.by("project_id", context.caller.project_id)
    ]
    return JSONResponse({"floating_ips": shown})


@router.get("/os-floating-ip-pools", answer="object[]{}")
def list_floating_ip_pools(context: ComputeContext) -> Response:
    """Pools of floating addresses, below 2.36: the external networks."""
    context.require_version(before=NO_PROXY)
    networks = context.cloud.ports.networks
    outside = [network["name"] for network in networks if network.get("router:external")]
    return JSONResponse({"floating_ip_pools": [{"name": name} for name in outside]})


@router.get("/os-security-groups", answer="object[]{}")
def list_security_groups_of_compute(context: ComputeContext) -> Response:
    """The security groups of the project, below 2.36."""
    context.require_version(before=NO_PROXY)
    shown = [
        security_group_view(context.cloud, group)
        for group in context.cloud.ports.groups_of(context.caller.project_id or "")
    ]
    return JSONResponse({"security_groups": shown})
