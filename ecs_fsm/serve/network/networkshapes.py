"""How the network service shows what it has: networks, subnets, ports and security groups."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ecs_fsm.serve.cloud.catalog import Attachment, Network, catalog
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.http.access import OWNER
from ecs_fsm.serve.network.groups import Group, Rule

Shown = dict[str, Any]
CREATED = "2026-01-01T00:00:00Z"
UP = "ACTIVE"
GROUPS = "security_groups"


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that stands in a list, with all that is shown of it."""

    id: str
    shown: Shown


def _timed(shown: Shown, description: str = "") -> Resource:
    shown |= {"created_at": CREATED, "updated_at": CREATED, "revision_number": 1, "tags": []}
    shown |= {"tenant_id": shown["project_id"], "description": description}
    return Resource(shown["id"], shown)


def shown_network(network: Network) -> Resource:
    """A network."""
    return _timed(
        {
            "id": network.id,
            "name": network.name,
            "status": UP,
            "admin_state_up": True,
            "shared": True,
            "router:external": network.external,
            "is_default": False,
            "port_security_enabled": True,
            "mtu": network.mtu,
            "subnets": [network.subnet.id],
            "availability_zones": [catalog().availability_zone],
            "availability_zone_hints": [],
            "ipv4_address_scope": None,
            "ipv6_address_scope": None,
            "project_id": OWNER,
        }
    )


def shown_subnet(network: Network) -> Resource:
    """The subnet of a network."""
    subnet = network.subnet
    return _timed(
        {
            "id": subnet.id,
            "name": subnet.name,
            "network_id": network.id,
            "cidr": subnet.cidr,
            "gateway_ip": subnet.gateway,
            "ip_version": 4,
            "enable_dhcp": True,
            "dns_nameservers": [],
            "host_routes": [],
            "allocation_pools": [{"start": subnet.address(0), "end": subnet.address(-1)}],
            "ipv6_address_mode": None,
            "ipv6_ra_mode": None,
            "subnetpool_id": None,
            "project_id": OWNER,
        }
    )


def shown_port(server: Instance, own: Attachment, groups: list[str]) -> Resource:
    """A port of a server; `groups` are the ids of its security groups."""
    return _timed(
        {
            "id": own.port_id,
            "name": "",
            "network_id": own.network.id,
            "mac_address": own.mac,
            "fixed_ips": [{"subnet_id": own.network.subnet.id, "ip_address": own.address}],
            "device_id": server.id,
            "device_owner": f"compute:{catalog().availability_zone}",
            "status": UP,
            "admin_state_up": True,
            "port_security_enabled": True,
            GROUPS: groups,
            "allowed_address_pairs": [],
            "extra_dhcp_opts": [],
            "binding:vnic_type": "normal",
            "project_id": server.project_id,
        }
    )


def shown_group(group: Group) -> Resource:
    """A security group with its rules."""
    rules = [shown_rule(group, rule).shown for rule in group.rules]
    own = {"id": group.id, "name": group.name, "project_id": group.project_id, "stateful": True}
    return _timed(own | {"security_group_rules": rules, "shared": False}, group.description)


def shown_rule(group: Group, rule: Rule) -> Resource:
    """A rule of a security group."""
    own = {"security_group_id": group.id, "project_id": group.project_id}
    return _timed(asdict(rule) | own, rule.description)
