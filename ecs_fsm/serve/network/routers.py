"""Routers and floating addresses: what their tables cannot say."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ipaddress import ip_network

from starlette.responses import Response

from ecs_fsm.serve.cloud.ports import DOWN, GATEWAY, OF_FLOATING, OF_ROUTERS, UP, Ports
from ecs_fsm.serve.cloud.resources import InUse, Item
from ecs_fsm.serve.http.bodies import body_of, respond
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.network.kinds import NetworkKind


class Routers(NetworkKind):
    """Routers, with a gateway and interfaces, which are ports."""

    def add_more(self, add: Handlers, one: str) -> None:
        """Add the requests for interfaces and routes."""
        for name, act in (
            ("add_router_interface", self._add_interface),
            ("remove_router_interface", self._remove_interface),
            ("add_extraroutes", self._change_routes),
            ("remove_extraroutes", self._change_routes),
        ):
            add.put(f"{one}/{name}", name=name)(partial(self._answer, act))

    async def _answer(
        self,
        act: Callable[[RequestContext, Item, Item], Item],
        context: RequestContext,
        item_id: str,
    ) -> Response:
        router = self.find_own(context, item_id, "update")
        return respond(act(context, router, await body_of(context.request)))

    def _change_routes(self, context: RequestContext, router: Item, body: Item) -> Item:
        given, old = body.get("router"), router.get("routes") or []
        routes = given.get("routes", []) if isinstance(given, dict) else []
        kept = [route for route in old if route not in routes]
        if context.request.url.path.endswith("/add_extraroutes"):
            kept = [*old, *(route for route in routes if route not in old)]
        checked = self.checked(context, {"routes": kept}, "u")
        return {"router": self.shown(context, self.update(context, router, checked))}

    def made(self, context: RequestContext, item: Item) -> Item:
        """Connect a router to its external network."""
        return self.changed(context, {"id": item["id"]}, item)

    def changed(self, context: RequestContext, item: Item, new: Item) -> Item:
        """Set or clear the gateway."""
        wanted, ports = new.get("external_gateway_info"), context.cloud.ports
        old = item.get("external_gateway_info")
        if wanted == old:
            return new
        gateways = self._ports(ports, item["id"], GATEWAY)
        if not wanted:
            self._leave(context, item["id"], None)
            for port in gateways:
                ports.drop(port)
            return {**new, "external_gateway_info": None}
        network = ports.networks.get(wanted.get("network_id"))
        if network is None:
            raise self.service.error(404, "no_network", id=str(wanted.get("network_id"))[:40])
        if not network.get("router:external"):
            raise self.service.error(400, "gateway_inside", id=network["id"])
        fixed = wanted.get("external_fixed_ips")
        known = old or {}
        same = known.get("network_id") == network["id"]
        if same and fixed in (None, known["external_fixed_ips"]):
            port = gateways[0]
        else:
            for port in gateways:
                ports.drop(port)
            owner = {"device_id": item["id"], "device_owner": GATEWAY, "status": UP}
            port = ports.make(network, "", fixed, len(ports.all) + 1, security_groups=[], **owner)
        info = {"network_id": network["id"], "external_fixed_ips": port["fixed_ips"]}
        snat = wanted.get("enable_snat", True)
        return {**new, "external_gateway_info": {**info, "enable_snat": snat}}

    def _ports(self, ports: Ports, router_id: str, *owners: str) -> list[Item]:
        own = ports.all.by("device_id", router_id)
        return [port for port in own if port["device_owner"] in (owners or (OF_ROUTERS,))]

    def more(self, context: RequestContext, item: Item) -> Item:
        """Show zones, and the ports as openstackclient asks for them."""
        return {"availability_zones": [*context.cloud.catalog.zones]}

    def _subnet_of(self, context: RequestContext, body: Item) -> tuple[Item, Item | None]:
        """Return the subnet, and the port if one is named, of a request for an interface."""
        if (body.get("subnet_id") is None) == (body.get("port_id") is None):
            raise self.service.error(400, "neither")
        kinds = self.service.kinds
        if body.get("subnet_id") is not None:
            return kinds["subnets"].find(context, str(body["subnet_id"])), None
        port = kinds["ports"].find(context, str(body["port_id"]))
        if not port["fixed_ips"]:
            raise self.service.error(400, "no_fixed_ip")
        return kinds["subnets"].find(context, port["fixed_ips"][0]["subnet_id"]), port

    def _add_interface(self, context: RequestContext, router: Item, body: Item) -> Item:
        ports, (subnet, port) = context.cloud.ports, self._subnet_of(context, body)
        there = [f for p in self._ports(ports, router["id"]) for f in p["fixed_ips"]]
        if any(fixed["subnet_id"] == subnet["id"] for fixed in there):
            raise self.service.error(400, "interface_exists", id=subnet["id"])
        for fixed in there:
            other = ports.subnets.get(fixed["subnet_id"])
            blocks = ip_network(subnet["cidr"]), ip_network(other["cidr"] if other else "::")
            if blocks[0].version == blocks[1].version and blocks[0].overlaps(blocks[1]):
                words = {"block": blocks[1], "other": fixed["subnet_id"]}
                raise self.service.error(400, "interface_overlaps", **subnet, **words)
        owner = {"device_id": router["id"], "device_owner": OF_ROUTERS, "status": UP}
        if port is not None:
            if port["device_id"]:
                raise self.service.error(409, "port_taken", **port)
            port = ports.change(port, **owner)
        else:
            if not subnet["gateway_ip"]:
                raise self.service.error(400, "no_gateway")
            network = ports.networks.get(subnet["network_id"]) or {}
            fixed = {"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}
            project = router["project_id"]
            port = ports.make(network, project, [fixed], security_groups=[], **owner)
        return self._interface(router, subnet, port)

    def _interface(self, router: Item, subnet: Item, port: Item) -> Item:
        return {
            "id": router["id"],
            "tenant_id": router["project_id"],
            "project_id": router["project_id"],
            "port_id": port["id"],
            "network_id": port["network_id"],
            "subnet_id": subnet["id"],
            "subnet_ids": [fixed["subnet_id"] for fixed in port["fixed_ips"]],
            "tags": [],
        }

    def _remove_interface(self, context: RequestContext, router: Item, body: Item) -> Item:
        ports, (subnet, named) = context.cloud.ports, self._subnet_of(context, body)
        for port in self._ports(ports, router["id"]):
            on = any(fixed["subnet_id"] == subnet["id"] for fixed in port["fixed_ips"])
            if port["id"] == named["id"] if named else on:
                self._leave(context, router["id"], subnet["id"])
                ports.drop(port)
                return self._interface(router, subnet, port)
        raise self.service.error(404, "no_interface", router=router["id"], subnet=subnet["id"])

    def _leave(self, context: RequestContext, router_id: str, subnet_id: str | None) -> None:
        """Raise 409 while floating addresses need the gateway or the interface."""
        ports = context.cloud.ports
        for floating in ports.floating.by("router_id", router_id):
            port = ports.all.get(floating["port_id"])
            on = port and any(fixed["subnet_id"] == subnet_id for fixed in port["fixed_ips"])
            if subnet_id is None:
                raise self.service.error(409, "gateway_used", router=router_id)
            if on:
                raise self.service.error(409, "interface_used", subnet=subnet_id, router=router_id)

    def gone(self, context: RequestContext, item: Item) -> None:
        """Refuse while interfaces are there, and remove the gateway."""
        ports = context.cloud.ports
        if self._ports(ports, item["id"]):
            raise self.service.error(409, "router_used", id=item["id"])
        for port in self._ports(ports, item["id"], GATEWAY):
            ports.drop(port)


class FloatingAddresses(NetworkKind):
    """Floating addresses, which routers bring to ports."""

    def made(self, context: RequestContext, item: Item) -> Item:
        """Take an address of the external network."""
        ports = context.cloud.ports
        network = ports.networks.get(item["floating_network_id"]) or {}
        if not network.get("router:external"):
            raise self.service.error(400, "floating_inside", id=network["id"])
        wanted = {"ip_address": item.get("floating_ip_address"), "subnet_id": item.get("subnet_id")}
        given = {name: value for name, value in wanted.items() if value}
        fixed = [given] if given else None
        owner = {"device_id": item["id"], "device_owner": OF_FLOATING, "status": "N/A"}
        number, new = len(ports.all) + 1, {**item, "floating_ip_address": None}
        new = self.changed(context, {}, new) if item.get("port_id") else new
        port = ports.make(network, "", fixed, number, security_groups=[], **owner)
        if not port["fixed_ips"]:
            ports.drop(port)
            raise InUse(f"No more IP addresses available on network {network['id']}.")
        return {**new, "floating_ip_address": port["fixed_ips"][0]["ip_address"]}

    def changed(self, context: RequestContext, item: Item, new: Item) -> Item:
        """Associate with a port, or with none."""
        ports = context.cloud.ports
        ports.touch(item or None)
        port = ports.all.get(new.get("port_id"))
        if port is None:
            gone = dict.fromkeys(("port_id", "fixed_ip_address", "router_id"))
            return {**new, **gone, "status": DOWN}
        chosen, old = new.get("fixed_ip_address"), item.get("fixed_ip_address")
        if chosen == old and new["port_id"] != item.get("port_id"):
            chosen = None  # that of the port before
        addresses = [f for f in port["fixed_ips"] if chosen in (None, f["ip_address"])]
        if not addresses:
            raise self.service.error(400, "no_such_ip", port=port["id"], ip=chosen)
        fixed = addresses[0]
        for other in ports.floating.by("port_id", port["id"]):
            if other["id"] != new["id"] and other["fixed_ip_address"] == fixed["ip_address"]:
                words = {**new, "port": port["id"], "ip_address": fixed["ip_address"]}
                raise self.service.error(409, "ip_taken", **words)
        router = self._router(ports, context, new["floating_network_id"], fixed["subnet_id"])
        if router is None:
            words = {**new, "subnet": fixed["subnet_id"], "port": port["id"]}
            raise self.service.error(404, "unreachable", **words)
        ports.touch({"port_id": port["id"]})
        own = {"fixed_ip_address": fixed["ip_address"], "router_id": router or None, "status": UP}
        return {**new, **own}

    def _router(
        self, ports: Ports, context: RequestContext, network_id: str, subnet_id: str
    ) -> str | None:
        """Return the router between a subnet and an external network, None without one."""
        subnet = ports.subnets.get(subnet_id)
        for port in ports.all.by("device_owner", OF_ROUTERS):
            router = context.cloud.resources.of("routers").get(port["device_id"])
            info = router and router.get("external_gateway_info")
            on = any(fixed["subnet_id"] == subnet_id for fixed in port["fixed_ips"])
            if on and router and info and info["network_id"] == network_id:
                return str(router["id"])
        known = {network["id"] for network in context.cloud.catalog.networks}
        return "" if subnet and subnet["network_id"] in known else None

    def more(self, context: RequestContext, item: Item) -> Item:
        """Show the port."""
        port = context.cloud.ports.all.get(item.get("port_id"))
        if port is None:
            return {}
        shown = ("name", "network_id", "mac_address", "admin_state_up", "status", "device_id")
        usual: Item = {"name": "", "admin_state_up": True}
        details = {name: port.get(name, usual.get(name)) for name in shown}
        return {"port_details": {**details, "device_owner": port["device_owner"]}}

    def gone(self, context: RequestContext, item: Item) -> None:
        """Give the address back."""
        ports = context.cloud.ports
        ports.touch(item)
        for port in ports.all.by("device_id", item["id"]):
            ports.drop(port)
