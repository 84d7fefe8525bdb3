"""The networks, ports and addresses that a request names for a server."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.compute.api import ComputeContext
from ecs_fsm.serve.compute.schemas import NewServerFields, is_uuid
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.network.routes import SERVICE as NETWORK


def network_of(context: ComputeContext, network_id: str, code: int = 400) -> Item:
    """Return a network that the project sees. Raises 400, or another code, for others."""
    network = context.cloud.ports.networks.get(network_id)
    if network is None or not NETWORK.kinds["networks"].visible(context, network):
        raise ApiError(code, f"Network {network_id} could not be found.")
    return network


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
            where = f"on instance {holder['device_id']}."
            raise ApiError(400, f"Fixed IP address {address} is already in use {where}")
    raise ApiError(
        400,
        f"Invalid input received: Fixed IP {address} is not a valid ip address for network "
        f"{network['id']}.",
    )


def networks_of(context: ComputeContext, body: NewServerFields) -> dict[str, str | None]:
    """Return the ids of the server's networks and ports, each with its chosen address if any."""
    wanted = body.networks
    if context.minor >= 37 and wanted is None:
        raise ApiError(400, "Invalid input for server: 'networks' is a required property")
    if context.minor < 37 and isinstance(wanted, str):
        raise ApiError(400, f"Invalid input for server.networks: {wanted} needs version 2.37")
    usual = context.cloud.ports.usual_network()
    if isinstance(wanted, str):
        return dict.fromkeys(usual) if wanted == "auto" else {}
    if not wanted:
        return dict.fromkeys(usual)
    found: dict[str, str | None] = {}
    for network in wanted:
        if network.port is not None:
            found[free_port(context, str(network.port))["id"]] = None
            continue
        if not is_uuid(network.uuid):
            reason = f"network uuid is not in proper format ({network.uuid})"
            raise ApiError(400, f"Bad networks format: {reason}")
        known = network_of(context, str(network.uuid))
        if not context.cloud.ports.subnets.by("network_id", known["id"]):
            reason = f"Network {known['id']} requires a subnet in order to boot instances on."
            raise ApiError(400, reason)
        address = network.fixed_ip and free_address(context.cloud, known, network.fixed_ip)
        found[known["id"]] = address or found.get(known["id"])
    if body.max_count and body.max_count > 1 and any(n.port for n in wanted):
        raise ApiError(400, "Unable to launch multiple instances with a single configured port ID.")
    return found
