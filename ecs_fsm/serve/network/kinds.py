"""What the tables of the network service cannot say: addresses, gateways and what is in use."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from ecs_fsm.serve.cloud.ports import DEFAULT
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.declared import Declared
from ecs_fsm.serve.network.port_kind import PortKind
from ecs_fsm.serve.network.routers import FloatingAddresses, Routers

NetworkKind = Declared[RequestContext]
SAME = (
    *("direction", "ethertype", "protocol", "port_range_min", "port_range_max"),
    *("remote_ip_prefix", "remote_group_id", "security_group_id"),
)
"""What makes two rules the same."""


def _bad(message: str) -> ApiError:
    return ApiError(400, message)


class Networks(NetworkKind):
    """Networks, which end with their ports of routers and servers."""

    def more(self, context: RequestContext, item: Item) -> Item:
        """Add subnets and zones."""
        subnets = context.cloud.ports.subnets.by("network_id", item["id"])
        view: Item = {"subnets": [subnet["id"] for subnet in subnets]}
        view["availability_zones"] = [*context.cloud.catalog.zones]
        if context.caller.admin and item.get("provider:segmentation_id") is None:
            view["provider:segmentation_id"] = int(item["id"].replace("-", "")[:3] or "0", 16)
        return view

    def gone(self, context: RequestContext, item: Item) -> None:
        """Refuse while ports are on the network."""
        used = [port["id"] for port in context.cloud.ports.all.by("network_id", item["id"])]
        if used:
            raise ApiError(
                409,
                f"Unable to complete operation on network {item['id']}. There are one or more "
                f"ports still in use on the network, id for these ports is {','.join(used)}.",
            )


def _block(text: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(text))
    except ValueError as error:
        raise _bad(f"Invalid input for cidr. Reason: '{text}' is not a valid IP subnet: {error}.") from None  # fmt: skip  # noqa: E501


class Subnets(NetworkKind):
    """Subnets, which do not overlap on their network."""

    def visible(self, context: RequestContext, item: Item) -> bool:
        """Return whether the caller sees its network."""
        network = context.cloud.ports.networks.get(item["network_id"])
        seen = network is not None and self.service.kinds["networks"].visible(context, network)
        return super().visible(context, item) or seen

    def made(self, context: RequestContext, item: Item) -> Item:
        """Complete a subnet with its gateway and its pools."""
        if item.get("cidr") is None:
            item["cidr"] = self._from_pool(context, item)
        block = _block(item["cidr"])
        if block.version != item["ip_version"]:
            raise _bad(f"Invalid input for operation: ip_version {item['ip_version']} does not match cidr {block}.")  # fmt: skip  # noqa: E501
        for other in context.cloud.ports.subnets.by("network_id", item["network_id"]):
            there = ip_network(other["cidr"])
            if there.version == block.version and block.overlaps(there):
                raise _bad(
                    f"Invalid input for operation: Requested subnet with cidr: {block} for "
                    f"network: {item['network_id']} overlaps with another subnet."
                )
        item["cidr"] = str(block)
        if "gateway_ip" not in item or item["gateway_ip"] == "":
            item["gateway_ip"] = str(block[1]) if block.num_addresses > 2 else None
        if item.get("allocation_pools") is None:
            item["allocation_pools"] = self._pools(block, item["gateway_ip"])
        return self.changed(context, {}, item)

    def _pools(self, block: IPv4Network | IPv6Network, gateway: str | None) -> list[Item]:
        first = 1 if block.num_addresses > 2 else 0
        if gateway == str(block[1]) and block.num_addresses > 3:
            first = 2
        last = -2 if block.version == 4 and block.num_addresses > 2 else -1
        return [{"start": str(block[first]), "end": str(block[last])}]

    def _from_pool(self, context: RequestContext, item: Item) -> str:
        """Return the first free block of a subnet pool."""
        pools = context.cloud.resources.of("subnetpools")
        pool = pools.get(item.get("subnetpool_id"))
        if pool is None and item.get("use_default_subnetpool"):
            pool = next((each for each in pools if each.get("is_default")), None)
        if pool is None:
            raise _bad(
                "Bad subnets request: a subnetpool must be specified in the absence of a cidr."
            )
        item["subnetpool_id"] = pool["id"]
        taken: list[Any] = [ip_network(other["cidr"]) for other in context.cloud.ports.subnets]
        for prefix in pool["prefixes"]:
            block = _block(prefix)
            length = int(item.get("prefixlen") or pool.get("default_prefixlen") or 24)
            part: Any
            for number, part in enumerate(block.subnets(new_prefix=max(length, block.prefixlen))):
                if not any(part.version == t.version and part.overlaps(t) for t in taken):
                    return str(part)
                if number > 10_000:
                    break
        raise _bad("Failed to allocate subnet: Insufficient prefix space to allocate subnet.")

    def changed(self, context: RequestContext, item: Item, new: Item) -> Item:
        """Check the gateway and the pools."""
        block = _block(new["cidr"])
        try:
            pools = [
                (ip_address(p["start"]), ip_address(p["end"])) for p in new["allocation_pools"]
            ]
            gateway = new["gateway_ip"] and ip_address(new["gateway_ip"])
        except (KeyError, ValueError, TypeError):
            raise _bad(
                "Invalid input for allocation_pools or gateway_ip: expected addresses."
            ) from None
        if any(a not in block or b not in block or a > b for a, b in pools):  # type: ignore[operator]
            raise _bad(f"The allocation pool {new['allocation_pools']} spans beyond the subnet cidr {block}.")  # fmt: skip  # noqa: E501
        if gateway and any(a <= gateway <= b for a, b in pools):  # type: ignore[operator]
            raise ApiError(409, f"Gateway ip {gateway} conflicts with allocation pool {new['allocation_pools']}.")  # fmt: skip  # noqa: E501
        return new

    def gone(self, context: RequestContext, item: Item) -> None:
        """Refuse while a port has an address of the subnet."""
        for port in context.cloud.ports.all.by("network_id", item["network_id"]):
            if any(fixed["subnet_id"] == item["id"] for fixed in port["fixed_ips"]):
                raise ApiError(
                    409,
                    f"Unable to complete operation on subnet {item['id']}: One or more ports have "
                    "an IP allocation from this subnet.",
                )


class Groups(NetworkKind):
    """Security groups; every project has a default one."""

    def items(self, context: RequestContext) -> Iterable[Item]:
        """Return the groups, with that of the project."""
        if context.caller.project_id:
            context.cloud.ports.default_group(context.caller.project_id)
        return sorted(super().items(context), key=lambda group: group["name"] != DEFAULT)

    def made(self, context: RequestContext, item: Item) -> Item:
        """Let all outgoing traffic through."""
        ports = context.cloud.ports
        ports.default_group(item["project_id"])
        if item["name"] == DEFAULT:
            raise ApiError(409, "Default security group already exists.")
        ports.let_out(item)
        return item

    def within_quota(self, context: RequestContext, project_id: str) -> None:
        """Count the default group as well."""
        context.cloud.ports.default_group(project_id)
        super().within_quota(context, project_id)

    def changed(self, context: RequestContext, item: Item, new: Item) -> Item:
        """Keep the name of the default group, and of one that servers are in."""
        if new["name"] != item["name"]:
            if DEFAULT in (new["name"], item["name"]):
                raise ApiError(409, "The name of the default security group stays.")
            self._require_unused(context, item)
        return new

    def more(self, context: RequestContext, item: Item) -> Item:
        """Show the rules."""
        rules = context.cloud.ports.rules.by("security_group_id", item["id"])
        kind = self.service.kinds["security-group-rules"]
        return {"security_group_rules": [kind.shown(context, rule) for rule in rules]}

    def gone(self, context: RequestContext, item: Item) -> None:
        """Refuse for the default group, and for one with ports."""
        if item["name"] == DEFAULT:
            raise ApiError(409, "Insufficient rights for removing default security group.")
        self._require_unused(context, item)

    def _require_unused(self, context: RequestContext, group: Item) -> None:
        cloud = context.cloud
        servers = (s for s in cloud.instances.values() if s.project_id == group["project_id"])
        if any(group["name"] in server.names("security_groups") for server in servers) or any(
            group["id"] in (port.get("security_groups") or ()) for port in cloud.ports.all
        ):
            raise ApiError(409, f"Security Group {group['id']} in use.")


class GroupRules(NetworkKind):
    """Rules of security groups."""

    def items(self, context: RequestContext) -> Iterable[Item]:
        """Return the rules, with those of the default group of the project."""
        if context.caller.project_id:
            context.cloud.ports.default_group(context.caller.project_id)
        return super().items(context)

    def made(self, context: RequestContext, item: Item) -> Item:
        """Refuse a rule that the group has already."""
        if item.get("protocol") is not None:
            item["protocol"] = str(item["protocol"])
        for other in context.cloud.ports.rules.by("security_group_id", item["security_group_id"]):
            if all(other.get(name) == item.get(name) for name in SAME):
                raise ApiError(
                    409, f"Security group rule already exists. Rule id is {other['id']}."
                )
        prefix = item.get("remote_ip_prefix")
        if prefix is not None:
            try:
                ip_network(prefix, strict=False)
            except ValueError:
                raise _bad(f"Invalid input for remote_ip_prefix. Reason: '{prefix[:40]}' is not a valid IP subnet.") from None  # fmt: skip  # noqa: E501
        least, most = item.get("port_range_min"), item.get("port_range_max")
        if least is not None and most is not None and least > most and item.get("protocol") in ("tcp", "udp"):  # fmt: skip  # noqa: E501
            raise _bad("For TCP/UDP protocols, port_range_min must be <= port_range_max")
        return item


class Zones(NetworkKind):
    """The availability zones."""

    def items(self, context: RequestContext) -> Iterable[Item]:
        """Return each zone twice, as of networks and of routers."""
        return [
            {"id": f"{zone}/{resource}", "name": zone, "resource": resource, "state": "available"}
            for zone in context.cloud.catalog.zones
            for resource in ("network", "router")
        ]


class Extensions(NetworkKind):
    """What the service can do, by the names that clients ask for."""

    def items(self, context: RequestContext) -> Iterable[Item]:
        """Return the extensions."""
        aliases = self.service.written["extensions"]["aliases"]
        return [{"id": alias, "alias": alias, "name": alias} for alias in aliases]

    def get(self, context: RequestContext, item_id: str) -> Item | None:
        """Return the extension of that alias."""
        return next((item for item in self.items(context) if item["id"] == item_id), None)


KINDS: dict[str, type[NetworkKind]] = {
    "networks": Networks,
    "subnets": Subnets,
    "ports": PortKind,
    "routers": Routers,
    "floatingips": FloatingAddresses,
    "security-groups": Groups,
    "security-group-rules": GroupRules,
    "availability_zones": Zones,
    "extensions": Extensions,
}
"""The kinds with methods."""
