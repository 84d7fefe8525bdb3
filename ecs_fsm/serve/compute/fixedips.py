"""The addresses that a client chooses for a server: each lies in its network and is nobody else's.

They stand in the details of the server, by network; others follow from the server's number.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from ecs_fsm.serve.cloud.catalog import Network
from ecs_fsm.serve.compute.asking import Asking
from ecs_fsm.serve.compute.shapes import chosen_addresses, names
from ecs_fsm.serve.http.errors import ApiError


def fixed_ip_of(asking: Asking, network: Network, address: str) -> str:
    """An address of the network that is free. Raises 400 for others."""
    block = ip_network(network.subnet.cidr)
    taken = {str(block[0]), str(block[-1]), network.subnet.gateway}
    if ip_address(address) not in block or address in taken:
        raise ApiError(
            400,
            f"Invalid input received: Fixed IP {address} is not a valid ip address for network "
            f"{network.id}.",
        )
    for other in asking.cloud.instances.values():
        if network.id not in names(other, "networks"):
            continue
        own = chosen_addresses(other).get(network.id) or network.subnet.address(other.number)
        if own == address:
            raise ApiError(
                400, f"Fixed IP address {address} is already in use on instance {other.id}."
            )
    return address
