"""Ports of servers: one for each of a server's networks, with an address chosen or derived.

Addresses that a client chose are kept in the details of the server, by network; the others follow
from the server's number.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import cast

from ecs_fsm.serve.cloud.catalog import Attachment, Network, attachment, catalog
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.vocabulary import CONNECTED
from ecs_fsm.serve.http.api_errors import ApiError


def chosen_addresses(instance: Instance) -> dict[str, str]:
    """Return the addresses that a client chose for the server, by the ids of the networks."""
    return dict(cast(dict[str, str], instance.details.get("fixed_ips") or {}))


def attachments(instance: Instance) -> tuple[Attachment, ...]:
    """Return the ports of a server, none before its networks are set up."""
    if instance.launched is None and not any(s.state in CONNECTED for s in instance.history):
        return ()
    networks, chosen = catalog().networks, chosen_addresses(instance)
    known = (networks[name] for name in instance.names("networks") if name in networks)
    return tuple(
        attachment(network, instance.id, instance.number, chosen.get(network.id))
        for network in known
    )


def free_address(cloud: Cloud, network: Network, address: str) -> str:
    """Return the address. Raises 400 if it is outside of the network, reserved or in use."""
    block = ip_network(network.subnet.cidr)
    reserved = {str(block[0]), str(block[-1]), network.subnet.gateway}
    if ip_address(address) not in block or address in reserved:
        raise ApiError(
            400,
            f"Invalid input received: Fixed IP {address} is not a valid ip address for network "
            f"{network.id}.",
        )
    for other in cloud.instances.values():
        if network.id not in other.names("networks"):
            continue
        own = chosen_addresses(other).get(network.id) or network.subnet.address(other.number)
        if own == address:
            raise ApiError(
                400, f"Fixed IP address {address} is already in use on instance {other.id}."
            )
    return address
