"""Ports, bound and free: what their table cannot say."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from ecs_fsm.serve.cloud.ports import DOWN, UP
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.declared import Declared

NetworkKind = Declared[RequestContext]
OF_SERVICE = "network:"


def _bad(message: str) -> ApiError:
    return ApiError(400, message)


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
        given = {
            n: v for n, v in item.items() if n not in ("project_id", "network_id", "fixed_ips")
        }
        if given.get("security_groups") is None:
            usual = [ports.default_group(project)["id"]] if item["port_security_enabled"] else []
            given["security_groups"] = usual
        self._require_groups(context, given)
        if given.get("mac_address") is None:
            given.pop("mac_address", None)
        fixed = self._fixed(item.get("fixed_ips"))
        count = len(ports.all) + 1
        made = ports.make(network, project, fixed, count, **given)
        return self.changed(context, {}, made)

    def _require_groups(self, context: RequestContext, given: Item) -> None:
        for name in given.get("security_groups") or ():
            group = context.cloud.ports.groups.get(name)
            if group is None:
                raise ApiError(404, f"Security group {name} does not exist")

    def _fixed(self, wanted: list[Any] | None) -> list[Any] | None:
        """Return the wanted addresses. Raise 400 for malformed ones."""
        for fixed in wanted or ():
            address = fixed.get("ip_address")
            if not (address or fixed.get("subnet_id")):
                raise _bad("Invalid input for fixed_ips. Reason: IP allocation requires subnet_id or ip_address.")  # fmt: skip  # noqa: E501
            try:
                ip_address(address or "::")
            except ValueError:
                raise _bad(f"Invalid input for fixed_ips. Reason: '{address}' is not a valid IP address.") from None  # fmt: skip  # noqa: E501
        return wanted

    def store(self, context: RequestContext, item: Item) -> Item:
        """Store a port with its addresses."""
        return context.cloud.ports.put(item)

    def changed(self, context: RequestContext, item: Item, new: Item) -> Item:
        """Give a port its new addresses, and its status by its device."""
        ports = context.cloud.ports
        if item:
            self._require_groups(context, new)
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
            raise ApiError(
                409,
                f"Port {item['id']} cannot be deleted directly via the port API: has device owner "
                f"{owner}.",
            )

    def delete(self, context: RequestContext, item: Item) -> None:
        """Remove a port with its addresses."""
        self.gone(context, item)
        context.cloud.ports.drop(item)
