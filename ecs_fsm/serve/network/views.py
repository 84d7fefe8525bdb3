"""Networks, subnets, ports and security groups as the network service shows them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ecs_fsm.serve.cloud.catalog import Attachment, Network, catalog
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.http.access import OWNER
from ecs_fsm.serve.network.groups import SecurityGroup, SecurityRule

Fields = dict[str, Any]
CREATED = "2026-01-01T00:00:00Z"
UP = "ACTIVE"
GROUPS = "security_groups"


@dataclass(frozen=True, slots=True)
class ResourceView:
    """A resource of a list: its id, by which pages go on, and its JSON object."""

    id: str
    shown: Fields


def _common(shown: Fields, description: str = "") -> ResourceView:
    """Add the fields that resources of all kinds have."""
    shown |= {"created_at": CREATED, "updated_at": CREATED, "revision_number": 1, "tags": []}
    shown |= {"tenant_id": shown["project_id"], "description": description}
    return ResourceView(shown["id"], shown)


def network_view(network: Network) -> ResourceView:
    """Return a network."""
    return _common(
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


def subnet_view(network: Network) -> ResourceView:
    """Return the subnet of a network."""
    subnet = network.subnet
    return _common(
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


def port_view(server: Instance, own: Attachment, groups: list[str]) -> ResourceView:
    """Return a port of a server; `groups` are the ids of its security groups."""
    return _common(
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


def group_view(group: SecurityGroup) -> ResourceView:
    """Return a security group with its rules."""
    rules = [rule_view(group, rule).shown for rule in group.rules]
    own = {"id": group.id, "name": group.name, "project_id": group.project_id, "stateful": True}
    return _common(own | {"security_group_rules": rules, "shared": False}, group.description)


def rule_view(group: SecurityGroup, rule: SecurityRule) -> ResourceView:
    """Return a rule of a security group."""
    own = {"security_group_id": group.id, "project_id": group.project_id}
    return _common(asdict(rule) | own, rule.description)
