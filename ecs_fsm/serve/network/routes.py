"""The network service, neutron v2.0: what `network.toml` declares, and the quotas of projects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_interface

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.ports import DEFAULT
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import Api
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.declared import Declared, DeclaredService
from ecs_fsm.serve.http.declared_routes import QuotaRequests, serve
from ecs_fsm.serve.http.handlers import Face
from ecs_fsm.serve.http.versions import base_of
from ecs_fsm.serve.network.kinds import NetworkKind, Networks, PortKind, Subnets
from ecs_fsm.serve.network.routers import FloatingAddresses, Routers

SAME = (
    *("direction", "ethertype", "protocol", "port_range_min", "port_range_max"),
    *("remote_ip_prefix", "remote_group_id", "security_group_id"),
)
"""What makes two rules the same."""
RANGE, ALL_PORTS, ANYWHERE = ("port_range_min", "port_range_max"), (1, 65535), ("0.0.0.0/0", "::/0")
SOURCES = ("remote_ip_prefix", "remote_group_id", "remote_address_group_id")
PORTED, ICMP = (6, 17, 33, 132, 136), (1, 58)
"""The numbers of protocols with ports, and of those with types."""


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
            raise self.service.error(409, "group_exists")
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
                raise self.service.error(409, "group_stays")
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
            raise self.service.error(409, "group_kept")
        self._require_unused(context, item)

    def _require_unused(self, context: RequestContext, group: Item) -> None:
        cloud = context.cloud
        servers = (s for s in cloud.instances.values() if s.project_id == group["project_id"])
        if any(group["name"] in server.names("security_groups") for server in servers) or any(
            group["id"] in (port.get("security_groups") or ()) for port in cloud.ports.all
        ):
            raise self.service.error(409, "group_used", id=group["id"])


class GroupRules(NetworkKind):
    """Rules of security groups."""

    def items(self, context: RequestContext) -> Iterable[Item]:
        """Return the rules, with those of the default group of the project."""
        if context.caller.project_id:
            context.cloud.ports.default_group(context.caller.project_id)
        return super().items(context)

    def made(self, context: RequestContext, item: Item) -> Item:
        """Refuse what no rule can be, and a rule that the group has already."""
        self._check(item)
        for other in context.cloud.ports.rules.by("security_group_id", item["security_group_id"]):
            if _meaning(other) == _meaning(item):
                raise self.service.error(409, "rule_exists", id=other["id"])
        return item

    def _check(self, item: Item) -> None:
        """Raise 400 for a protocol, ports or sources that no rule can have."""
        numbers: Mapping[str, int] = self.row["protocols"]
        name = str("any" if item.get("protocol") is None else item["protocol"]).lower()
        number = numbers.get(name, int(name) if name.isdecimal() else 256)
        prefix, least, most = (item.get(key) for key in ("remote_ip_prefix", *RANGE))
        try:
            source = ip_interface(prefix) if prefix else None
        except ValueError:
            raise self.service.error(400, "no_prefix", prefix=str(prefix)[:40]) from None
        given: list[int] = [port for port in (least, most) if port is not None]
        ported, icmp = number in PORTED, number in ICMP
        family = f"IPv{source.version}" if source else item["ethertype"]
        refusals = {
            "no_protocol": number > 255,
            "two_sources": sum(bool(item.get(key)) for key in SOURCES) > 1,
            "other_family": family != item["ethertype"],
            "protocol_needed": given and name == "any",
            "no_ports": given and not ported and not icmp,
            "port_zero": ported and 0 in given,
            "ports_reversed": ported and (len(given) == 1 or given != sorted(given)),
            "icmp_value": icmp and any(part > 255 for part in given),
            "icmp_type": icmp and most is not None and least is None,
        }
        words = {**item, "name": name, "names": [*numbers], "prefix": prefix, "most": most}
        for text, holds in refusals.items():
            if holds:
                raise self.service.error(400, text, **words)
        whole = dict.fromkeys(RANGE) if (least, most) == ALL_PORTS else {}
        protocol = None if name == "any" else name
        item |= {"protocol": protocol, "remote_ip_prefix": source and str(source), **whole}


def _meaning(rule: Item) -> tuple[object, ...]:
    """Return what makes two rules the same; all addresses are as good as no prefix."""
    return tuple(None if rule.get(key) in ANYWHERE else rule.get(key) for key in SAME)


class Zones(NetworkKind):
    """The availability zones."""

    def items(self, context: RequestContext) -> Iterable[Item]:
        """Return each zone twice, as of networks and of routers."""
        return [
            {"id": f"{zone}/{resource}", "name": zone, "resource": resource, "state": "available"}
            for zone in context.cloud.catalog.zones
            for resource in ("network", "router")
        ]


KINDS: dict[str, type[NetworkKind]] = {
    "networks": Networks,
    "subnets": Subnets,
    "ports": PortKind,
    "routers": Routers,
    "floatingips": FloatingAddresses,
    "security-groups": Groups,
    "security-group-rules": GroupRules,
    "availability_zones": Zones,
}
"""The kinds with methods."""
SERVICE = DeclaredService(Api.NETWORK, RequestContext)
V2 = SERVICE.form["root"]
router = SERVICE.handlers
FACES: Sequence[Face] = (Face(router),)
serve(SERVICE, KINDS)


@router.get(V2, f"{V2}/", answer="object[]{}")
def show_network_version(request: Request) -> Response:
    """The kinds of resources of the network service."""
    kinds = [
        {
            "name": kind.one,
            "collection": kind.many,
            "links": [{"rel": "self", "href": base_of(request) + kind.path}],
        }
        for kind in SERVICE.kinds.values()
    ]
    return JSONResponse({"resources": kinds})


def _counted(context: RequestContext) -> dict[str, Declared[RequestContext]]:
    """Return the kinds by their quotas."""
    return {kind.row["quota"]: kind for kind in SERVICE.kinds.values() if "quota" in kind.row}


QuotaRequests(
    SERVICE,
    lambda context: {name: context.cloud.catalog.quotas[name] for name in _counted(context)},
    lambda context, owner: {
        name: len(kind.shelf(context).by("project_id", owner))
        for name, kind in _counted(context).items()
    },
)
