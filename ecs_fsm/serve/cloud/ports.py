"""Ports and their addresses: of servers, of routers, of floating addresses, and free ones.

A server gets its ports when it is created: those that the request names are bound, and one is made
for each network, which goes with the server. They show once its networks are set up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any, cast
from uuid import uuid4, uuid5

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.catalog import NAMESPACE
from ecs_fsm.serve.cloud.clock import Clock
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.resources import InUse, Item, Resources
from ecs_fsm.serve.cloud.vocabulary import CONNECTED

PORTS, NETWORKS, SUBNETS, GROUPS = "ports", "networks", "subnets", "security-groups"
RULES, FLOATING = "security-group-rules", "floatingips"
DEFAULT = "default"
IN, OUT, FAMILIES = "ingress", "egress", ("IPv4", "IPv6")
UP, DOWN = "ACTIVE", "DOWN"
OF_SERVERS, OF_ROUTERS = "compute:", "network:router_interface"
GATEWAY, OF_FLOATING = "network:router_gateway", "network:floatingip"


class Ports:
    """The ports of a cloud, with the addresses that they have."""

    def __init__(
        self,
        kept: Resources,
        instances: Mapping[str, Instance],
        clock: Clock,
        zone_of: Callable[[Instance], str],
    ) -> None:
        self._instances, self._clock, self._zone_of = instances, clock, zone_of
        self.all, self.networks, self.subnets = kept.of(PORTS), kept.of(NETWORKS), kept.of(SUBNETS)
        self.groups, self.rules, self.floating = kept.of(GROUPS), kept.of(RULES), kept.of(FLOATING)
        self._taken: dict[str, dict[str, str]] = {}
        for port in self.all:
            self._take(port)

    def _take(self, port: Item) -> None:
        for fixed in port["fixed_ips"]:
            self._taken.setdefault(fixed["subnet_id"], {})[fixed["ip_address"]] = port["id"]

    def put(self, port: Item) -> Item:
        """Store a port with its addresses, and return it."""
        self._release(self.all.get(port["id"]))
        self._take(port)
        self._touch(port["device_id"])
        return self.all.put(port)

    def change(self, port: Item, **changes: object) -> Item:
        """Store a port with changed fields, and return it."""
        return self.put({**port, **changes})

    def drop(self, port: Item) -> None:
        """Remove a port; floating addresses lose it."""
        self._release(port)
        self.all.drop(port["id"])
        self._touch(port["device_id"])
        for floating in self.floating.by("port_id", port["id"]):
            gone = dict.fromkeys(("port_id", "fixed_ip_address", "router_id"))
            self.floating.change(floating, **gone, status=DOWN)

    def _release(self, port: Item | None) -> None:
        for fixed in port["fixed_ips"] if port else ():
            self._taken[fixed["subnet_id"]].pop(fixed["ip_address"], None)

    def _touch(self, server_id: str) -> None:
        instance = self._instances.get(server_id)
        if instance is not None:
            instance.revision += 1

    def touch(self, floating: Item | None) -> None:
        """Have the server of a floating address shown anew."""
        port = self.all.get(floating["port_id"]) if floating else None
        if port is not None:
            self._touch(port["device_id"])

    def usual_network(self) -> list[str]:
        """Return the id of the network that a server gets by default, nothing if there is none."""
        inside = (network["id"] for network in self.networks if not network.get("router:external"))
        return [*inside][:1]

    def of(self, instance: Instance) -> list[Item]:
        """Return the ports of a server in the order of their attachment, also before they show."""
        return self.all.by("device_id", instance.id)

    def shown(self, instance: Instance) -> list[Item]:
        """Return the ports of a server, none before its networks are set up."""
        if instance.launched is None and not any(s.state in CONNECTED for s in instance.history):
            return []
        return self.of(instance)

    def holder(self, subnet_id: str, address: str) -> Item | None:
        """Return the port with an address of a subnet."""
        return self.all.get(self._taken.get(subnet_id, {}).get(address))

    def free(self, subnet: Item, number: int = 0) -> str | None:
        """Return a free address of a subnet, from that number on, None without one."""
        taken = self._taken.get(subnet["id"], {})
        for pool in subnet["allocation_pools"]:
            first = ip_address(pool["start"])
            size = int(ip_address(pool["end"])) - int(first) + 1
            for tried in range(min(size, len(taken) + 2)):
                address = str(first + (number + tried) % size)
                if address not in taken and address != subnet["gateway_ip"]:
                    return address
        return None

    def addresses(
        self, network: Item, wanted: list[Any] | None, number: int = 0, own: str | None = None
    ) -> list[Item]:
        """Return addresses on a network: those wanted, or one of its first subnet.

        `own` is the port that may have them already. Raise `InvalidInput` for impossible ones and
        `InUse` for taken ones.
        """
        subnets = self.subnets.by("network_id", network["id"])
        if wanted is None:
            wanted = [{"subnet_id": subnet["id"]} for subnet in subnets[:1]]
        found: list[Item] = []
        for fixed in wanted:
            address, subnet_id = fixed.get("ip_address"), fixed.get("subnet_id")
            able = [s for s in subnets if subnet_id in (None, s["id"])]
            if address is not None:
                able = [s for s in able if ip_address(address) in ip_network(s["cidr"])]
            if not able:
                raise InvalidInput(
                    f"IP address {address} is not a valid IP for any of the subnets on the "
                    f"specified network {network['id']}."
                    if address is not None
                    else f"Failed to create port on network {network['id']}, because fixed_ips "
                    f"included invalid subnet {subnet_id}."
                )
            subnet = able[0]
            if address is not None:
                holder = self.holder(subnet["id"], address := str(ip_address(address)))
                if holder is not None and holder["id"] != own:
                    raise InUse(f"IP address {address} already allocated in subnet {subnet['id']}")
            else:
                address = self.free(subnet, number)
                if address is None:
                    raise InUse(f"No more IP addresses available on network {network['id']}.")
            found.append({"subnet_id": subnet["id"], "ip_address": address})
        return found

    def make(
        self,
        network: Item,
        project_id: str,
        fixed: list[Any] | None,
        number: int = 0,
        **fields: object,
    ) -> Item:
        """Return a new port on a network. Raise as `addresses` does."""
        port_id = str(fields.pop("id", None) or uuid4())
        digits = port_id.replace("-", "")
        now = self._clock.date().strftime("%Y-%m-%dT%H:%M:%SZ")
        port: Item = {
            "id": port_id,
            "network_id": network["id"],
            "project_id": project_id,
            "mac_address": f"fa:16:3e:{digits[:2]}:{digits[2:4]}:{digits[4:6]}",
            "fixed_ips": self.addresses(network, fixed, number),
            "device_id": "",
            "device_owner": "",
            "status": DOWN,
            "created_at": now,
            "updated_at": now,
        }
        return self.put(port | fields)

    def bind(self, port: Item, instance: Instance, tag: str | None = None) -> Item:
        """Give a free port to a server, which may tag it."""
        own = {"device_id": instance.id, "device_owner": f"{OF_SERVERS}{self._zone_of(instance)}"}
        return self.change(port, **own, status=UP, tag=tag)

    def plug(
        self, instance: Instance, network: Item, address: str | None = None, tag: str | None = None
    ) -> Item:
        """Return a new port of a server on a network."""
        port_id = str(uuid5(NAMESPACE, f"{instance.id}/{network['id']}"))
        return self.make(
            network,
            instance.project_id,
            [{"ip_address": address}] if address else None,
            instance.number,
            id=None if port_id in self.all.all else port_id,
            device_id=instance.id,
            device_owner=f"{OF_SERVERS}{self._zone_of(instance)}",
            status=UP,
            security_groups=self._groups_of(instance),
            goes=True,
            **({"tag": tag} if tag else {}),
        )

    def regroup(self, instance: Instance) -> None:
        """Give the ports that came with a server its security groups."""
        for port in self.of(instance):
            if port.get("goes"):
                self.change(port, security_groups=self._groups_of(instance))

    def _groups_of(self, instance: Instance) -> list[str]:
        named = (self.group(instance.project_id, n) for n in instance.names("security_groups"))
        return [group["id"] for group in named if group]

    def connect(self, instance: Instance) -> None:
        """Give a new server the ports and networks of its request, each with address and tag."""
        for nic in cast(list[Any], instance.details.get("networks") or []):
            name, address, tag = (nic, None, None) if isinstance(nic, str) else nic
            port, network = self.all.get(name), self.networks.get(name)
            if port is not None:
                self.bind(port, instance, tag)
            elif network is not None:
                self.plug(instance, network, address, tag)

    def part(self, instance: Instance, port: Item | None = None) -> None:
        """Take one or all ports from a server: those that came with it go, others are free."""
        for one in self.of(instance) if port is None else [port]:
            if one.get("goes"):
                self.drop(one)
            else:
                self.change(one, device_id="", device_owner="", status=DOWN, tag=None)

    def default_group(self, project_id: str) -> Item:
        """Return the group that every project has; its members can reach each other."""
        known = self.groups.by("project_id", project_id)
        group = next((each for each in known if each["name"] == DEFAULT), None)
        if group is None:
            own = str(uuid5(NAMESPACE, f"security group/{project_id}"))
            row = {"id": own, "name": DEFAULT, "project_id": project_id}
            group = self.groups.put({**row, "description": "Default security group"})
            self.let_out(group)
            for family in FAMILIES:
                self.rule(group, IN, family, remote_group_id=own)
        return group

    def let_out(self, group: Item) -> None:
        """Let all outgoing traffic of a group through."""
        for family in FAMILIES:
            self.rule(group, OUT, family)

    def rule(self, group: Item, way: str, family: str, **more: object) -> None:
        """Store a rule of a new group."""
        rule_id = str(uuid5(NAMESPACE, f"{group['id']}/{way}/{family}"))
        row = {"id": rule_id, "security_group_id": group["id"], "project_id": group["project_id"]}
        self.rules.put({**row, "direction": way, "ethertype": family, **more})

    def groups_of(self, project_id: str) -> list[Item]:
        """Return the security groups of a project, the default one first."""
        usual = self.default_group(project_id)
        others = self.groups.by("project_id", project_id)
        return [usual, *(group for group in others if group["id"] != usual["id"])]

    def group(self, project_id: str, name: str) -> Item | None:
        """Return the group of that name or, if there is none, of that id."""
        own = self.groups_of(project_id)
        found = (group for key in ("name", "id") for group in own if group[key] == name)
        return next(found, None)
