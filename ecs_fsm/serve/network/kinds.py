"""Networks, subnets and ports: what their tables cannot say."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from ecs_fsm.serve.cloud.ports import DOWN, UP
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.declared import Declared

NetworkKind = Declared[RequestContext]
OF_SERVICE = "network:"


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
        block = self._block(item["cidr"])
        if block.version != item["ip_version"]:
            raise self.service.error(400, "other_version", version=item["ip_version"], block=block)
        for other in context.cloud.ports.subnets.by("network_id", item["network_id"]):
            there = ip_network(other["cidr"])
            if there.version == block.version and block.overlaps(there):
                words = {"block": block, "network": item["network_id"]}
                raise self.service.error(400, "subnet_overlaps", **words)
        item["cidr"] = str(block)
        if "gateway_ip" not in item or item["gateway_ip"] == "":
            item["gateway_ip"] = str(block[1]) if block.num_addresses > 2 else None
        if item.get("allocation_pools") is None:
            size = block.num_addresses
            usual = size > 3 and item["gateway_ip"] == str(block[1])
            first = 2 if usual else 1 if size > 2 else 0
            last = -2 if block.version == 4 and size > 2 else -1
            item["allocation_pools"] = [{"start": str(block[first]), "end": str(block[last])}]
        return self.changed(context, {}, item)

    def _block(self, text: object) -> IPv4Network | IPv6Network:
        try:
            return ip_network(str(text))
        except ValueError as error:
            raise self.service.error(400, "no_block", text=text, error=error) from None

    def _from_pool(self, context: RequestContext, item: Item) -> str:
        """Return the first free block of a subnet pool."""
        pools = context.cloud.resources.of("subnetpools")
        pool = pools.get(item.get("subnetpool_id"))
        if pool is None and item.get("use_default_subnetpool"):
            pool = next((each for each in pools if each.get("is_default")), None)
        if pool is None:
            raise self.service.error(400, "no_pool")
        item["subnetpool_id"] = pool["id"]
        taken: list[Any] = [ip_network(other["cidr"]) for other in context.cloud.ports.subnets]
        for prefix in pool["prefixes"]:
            block = self._block(prefix)
            length = int(item.get("prefixlen") or pool.get("default_prefixlen") or 24)
            part: Any
            for number, part in enumerate(block.subnets(new_prefix=max(length, block.prefixlen))):
                if not any(part.version == t.version and part.overlaps(t) for t in taken):
                    return str(part)
                if number > 10_000:
                    break
        raise self.service.error(400, "pool_empty")

    def changed(self, context: RequestContext, item: Item, new: Item) -> Item:
        """Check the gateway and the pools."""
        block = self._block(new["cidr"])
        try:
            rows = new["allocation_pools"]
            pools = [(ip_address(row["start"]), ip_address(row["end"])) for row in rows]
            gateway = new["gateway_ip"] and ip_address(new["gateway_ip"])
        except (KeyError, ValueError, TypeError):
            raise self.service.error(400, "no_addresses") from None
        if any(a not in block or b not in block or a > b for a, b in pools):  # type: ignore[operator]
            words = {"pools": new["allocation_pools"], "block": block}
            raise self.service.error(400, "pool_outside", **words)
        if gateway and any(a <= gateway <= b for a, b in pools):  # type: ignore[operator]
            words = {"gateway": gateway, "pools": new["allocation_pools"]}
            raise self.service.error(409, "pool_has_gateway", **words)
        return new

    def gone(self, context: RequestContext, item: Item) -> None:
        """Refuse while a port has an address of the subnet."""
        for port in context.cloud.ports.all.by("network_id", item["network_id"]):
            if any(fixed["subnet_id"] == item["id"] for fixed in port["fixed_ips"]):
                raise self.service.error(409, "subnet_used", id=item["id"])


class PortKind(NetworkKind):
    """Ports, bound and free; those that come with a server show once its networks are set up."""

    def visible(self, context: RequestContext, item: Item) -> bool:
        """Return whether the port shows, and the caller sees it."""
        server = context.cloud.instances.get(item["device_id"]) if item.get("goes") else None
        there = server is None or bool(context.cloud.ports.shown(server))
        return there and super().visible(context, item)

    def made(self, context: RequestContext, item: Item) -> Item:
        """Give a port its addresses and groups."""
        ports, project = context.cloud.ports, item["project_id"]
        network = ports.networks.get(item["network_id"]) or {}
        where = ("project_id", "network_id", "fixed_ips")
        given = {name: value for name, value in item.items() if name not in where}
        if given.get("security_groups") is None:
            usual = [ports.default_group(project)["id"]] if item["port_security_enabled"] else []
            given["security_groups"] = usual
        self._check(context, {}, item | given)
        if given.get("mac_address") is None:
            given.pop("mac_address", None)
        fixed, count = self._fixed(item.get("fixed_ips")), len(ports.all) + 1
        return self.changed(context, {}, ports.make(network, project, fixed, count, **given))

    def _check(self, context: RequestContext, item: Item, new: Item) -> None:
        """Raise 404 for unknown groups, 409 for a used address and for what needs security."""
        ports, groups, mac = context.cloud.ports, new["security_groups"], new.get("mac_address")
        for name in groups or ():
            if ports.groups.get(name) is None:
                raise self.service.error(404, "no_group", name=name)
        changes = mac != item.get("mac_address")
        beside = ports.all.by("network_id", new["network_id"]) if changes else ()
        if any(port["mac_address"] == mac for port in beside):
            raise self.service.error(409, "mac_used", mac=mac, network=new["network_id"])
        insecure = new.get("port_security_enabled") is False
        if insecure and (groups or new.get("allowed_address_pairs")):
            text = "groups_insecure" if groups else "pairs_insecure"
            if groups and groups == item.get("security_groups"):
                text = "groups_kept"
            raise self.service.error(409, text)

    def _fixed(self, wanted: list[Any] | None) -> list[Any] | None:
        """Return the wanted addresses. Raise 400 for malformed ones."""
        for fixed in wanted or ():
            address = fixed.get("ip_address")
            if not (address or fixed.get("subnet_id")):
                raise self.service.error(400, "ip_missing")
            try:
                ip_address(address or "::")
            except ValueError:
                raise self.service.error(400, "ip_invalid", address=address) from None
        return wanted

    def store(self, context: RequestContext, item: Item) -> Item:
        """Store a port with its addresses."""
        return context.cloud.ports.put(item)

    def changed(self, context: RequestContext, item: Item, new: Item) -> Item:
        """Give a port its new addresses, and its status by its device."""
        ports = context.cloud.ports
        if item:
            self._check(context, item, new)
            if new["fixed_ips"] != item["fixed_ips"]:
                network = ports.networks.get(new["network_id"]) or {}
                wanted = self._fixed(new["fixed_ips"])
                new["fixed_ips"] = ports.addresses(network, wanted, own=item["id"])
        return {**new, "status": UP if new["device_id"] else DOWN}

    def more(self, context: RequestContext, item: Item) -> Item:
        """Show where a bound port is."""
        server = context.cloud.instances.get(item["device_id"])
        if server is None:
            return {}
        host = context.cloud.hosts[server.host].name
        return {"binding:host_id": host, "binding:vif_type": "ovs"} if context.caller.admin else {}

    def gone(self, context: RequestContext, item: Item) -> None:
        """Refuse for what a router owns, and leave the server."""
        owner = item["device_owner"]
        if owner.startswith(OF_SERVICE) and item["device_id"]:
            raise self.service.error(409, "port_owned", id=item["id"], owner=owner)

    def delete(self, context: RequestContext, item: Item) -> None:
        """Remove a port with its addresses."""
        self.gone(context, item)
        context.cloud.ports.drop(item)
