"""Servers as the compute API shows them, at every microversion.

The fields of a view, in their order, are those of `[views]` in `compute.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from hashlib import sha224
from operator import attrgetter
from typing import Any, NamedTuple, cast

from ecs_fsm.serve.cloud import vocabulary as words
from ecs_fsm.serve.cloud.catalog import EPHEMERAL
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.ports import IN
from ecs_fsm.serve.cloud.resources import Item, tables
from ecs_fsm.serve.cloud.schedule import NO_HOST
from ecs_fsm.serve.http.versions import HIGHEST, LOWEST

Fields = dict[str, Json]
Reader = Callable[[Instance], Any]
"""Reads something of a server."""


class AnswerKind(Enum):
    """Which answer shows a server; answers to a change show less of it below 2.75."""

    SHOW = "show"
    DETAIL = "detail"
    CHANGED = "changed"


class ViewOptions(NamedTuple):
    """How to show a server: the number behind `2.`, the URL of the API, for whom, where."""

    minor: int
    root: str
    admin: bool
    kind: AnswerKind


def short_time(date: datetime) -> str:
    """Return a date as most of the API writes it."""
    return f"{date.isoformat()[:19]}Z"


def long_time(date: datetime) -> str:
    """Return a date with microseconds, as the rest of the API writes it."""
    return date.isoformat(timespec="microseconds")[:26]


def links(root: str, kind: str, name: str) -> list[Json]:
    """Return the links to a resource: with the version of the API, and without."""
    bare = root.partition("/v2.1")[0]
    return [
        {"rel": "self", "href": f"{root}/{kind}/{name}"},
        {"rel": "bookmark", "href": f"{bare}/{kind}/{name}"},
    ]


def host_of(cloud: Cloud, instance: Instance) -> str | None:
    """Return the name of the host of a server, None without one."""
    nowhere = instance.state in words.WITHOUT_HOST or NO_HOST in instance.details
    return None if nowhere else cloud.hosts[instance.host].name


def address_of(host: int) -> str:
    """Return the address of a host by its number."""
    return f"192.0.2.{host + 1}"


def host_id(instance: Instance, host: str | None) -> str:
    """Return the host of a server as users see it: a hash of the project and the host."""
    return sha224(f"{instance.project_id}{host}".encode()).hexdigest() if host else ""


def is_locked(instance: Instance) -> bool:
    """Return whether a server is locked."""
    return words.LOCKED in instance.server.node.facts


def server_view(cloud: Cloud, instance: Instance, options: ViewOptions) -> Fields:
    """Return a server with all fields of the microversion."""
    whole = options.kind is not AnswerKind.CHANGED or options.minor >= 75
    state, host, date = instance.state, host_of(cloud, instance), cloud.clock.date
    group = cloud.group_of(instance)
    volumes = cast(Sequence[Mapping[str, Json]], instance.details.get("volumes", ()))
    of_volumes = ("id", "delete_on_termination") if options.minor >= 3 else ("id",)
    computed: Fields = {
        "metadata": {**instance.metadata},
        "hostId": host_id(instance, host),
        "image": _image(instance, options),
        "flavor": _flavor(cloud, instance, options),
        "created": short_time(date(instance.created)),
        "updated": short_time(date(instance.updated)),
        "links": links(options.root, "servers", instance.id),
        "addresses": addresses_view(cloud, instance, whole=whole),
        "OS-EXT-AZ:availability_zone": cloud.zone_of(instance),
        "OS-SRV-USG:launched_at": _long(cloud, instance.launched),
        "OS-SRV-USG:terminated_at": _long(cloud, instance.terminated),
        "OS-EXT-STS:power_state": words.POWER_STATES.get(state.vm_state, 0),
        "os-extended-volumes:volumes_attached": [{n: v[n] for n in of_volumes} for v in volumes],
        "OS-EXT-SRV-ATTR:host": host,
        "OS-EXT-SRV-ATTR:hypervisor_hostname": host,
        "OS-EXT-SRV-ATTR:instance_name": f"instance-{instance.number:08x}",
        "host_status": "UP" if host else "",
        "locked": is_locked(instance),
        "tags": [*instance.names("tags")],
        "scheduler_hints": instance.details.get("hints") or {},
    }
    if state.status in words.PROGRESS:
        computed["progress"] = 0 if state.status == words.BEGUN else 100
    if state.status in words.FAULT and instance.fault:
        at, message, code, details = instance.fault
        fault: Fields = {"code": code, "created": short_time(date(at)), "message": message}
        more: Fields = {"details": details or message} if options.admin else {}
        computed["fault"] = fault | more
    if groups := instance.names("security_groups"):
        computed["security_groups"] = [{"name": name} for name in groups]
    if options.kind is not AnswerKind.DETAIL:
        computed["server_groups"] = [group["id"]] if group else []
    return {
        name: read(instance) if read else computed[name]
        for name, read in _fields("server", options.minor, options.admin, whole)
        if read or name in computed
    }


@cache
def _fields(view: str, minor: int, admin: bool, whole: bool) -> list[tuple[str, Reader | None]]:
    """Return the fields of a view at a microversion, with how to read those at a place."""
    return [
        (
            name,
            reader(row.get("at", ""), row.get("default")) if {"at", "default"} & {*row} else None,
        )
        for name, row in tables()["compute"]["views"][view].items()
        if name not in _left_out(view, minor, admin) and (whole or not row.get("whole"))
    ]


def shown_at(view: str, minor: int, admin: bool, fields: Fields) -> Fields:
    """Return those of the fields that a view has at a microversion by `compute.toml`."""
    left_out = _left_out(view, minor, admin)
    return {name: value for name, value in fields.items() if name not in left_out}


@cache
def _left_out(view: str, minor: int, admin: bool) -> frozenset[str]:
    found = set()
    for name, row in tables()["compute"]["views"][view].items():
        since = row.get("since", LOWEST)
        users = row.get("users", HIGHEST + 1 if row.get("admin") else since)
        if minor < (since if admin else users) or minor > row.get("until", HIGHEST):
            found.add(name)
    return frozenset(found)


def reader(path: str, default: Json = None) -> Reader:
    """Return what reads an attribute of a server, one of its state or, under `details.`, a detail.

    Without a path it is the default alone.
    """
    if path.startswith("details.") or not path:
        name = path.removeprefix("details.")
        return lambda instance: instance.details.get(name, default)
    return attrgetter(path)


def addresses_of(cloud: Cloud, port: Item) -> list[tuple[str, str]]:
    """Return the addresses of a port, each with its type."""
    fixed = [(str(each["ip_address"]), "fixed") for each in port["fixed_ips"]]
    there = cloud.ports.floating.by("port_id", port["id"])
    return fixed + [(str(each["floating_ip_address"]), "floating") for each in there]


def addresses_view(cloud: Cloud, instance: Instance, *, whole: bool) -> Fields:
    """Return the addresses by network; if `whole`, with their type and the hardware address."""
    shown: Fields = {}
    for port in cloud.ports.shown(instance):
        network = cloud.ports.networks.get(port["network_id"]) or {"name": port["network_id"]}
        for text, kind in addresses_of(cloud, port):
            address: Fields = {"version": 6 if ":" in text else 4, "addr": text}
            if whole:
                address["OS-EXT-IPS:type"] = kind
                address["OS-EXT-IPS-MAC:mac_addr"] = port["mac_address"]
            cast(list[Json], shown.setdefault(network["name"], [])).append(address)
    return shown


def _image(instance: Instance, options: ViewOptions) -> Json:
    if instance.image is None:
        return ""
    found = links(options.root, "images", instance.image)[1:]
    shown: Fields = {"id": instance.image, "links": found}
    properties = instance.details.get("image_properties") or {}
    return shown | ({"properties": properties} if options.minor >= 98 else {})


def _flavor(cloud: Cloud, instance: Instance, options: ViewOptions) -> Json:
    if options.minor < 47:
        found = links(options.root, "flavors", instance.flavor)[1:]
        return {"id": instance.flavor, "links": found}
    flavor = cloud.flavor(instance)
    return {
        "original_name": flavor["name"],
        **{size: flavor[size] for size in ("vcpus", "ram", "disk")},
        "ephemeral": flavor[EPHEMERAL],
        "swap": flavor["swap"],
        "extra_specs": {**flavor["extra_specs"]},
    }


def _long(cloud: Cloud, seconds: float | None) -> str | None:
    return None if seconds is None else long_time(cloud.clock.date(seconds))


def security_group_view(cloud: Cloud, group: Item) -> dict[str, object]:
    """Return a group as the compute API shows it, with its rules for incoming traffic."""
    rules = [
        {
            "id": rule["id"],
            "parent_group_id": group["id"],
            "ip_protocol": rule.get("protocol"),
            "from_port": rule.get("port_range_min"),
            "to_port": rule.get("port_range_max"),
            "ip_range": {"cidr": rule["remote_ip_prefix"]} if rule.get("remote_ip_prefix") else {},
            "group": {"name": group["name"], "tenant_id": group["project_id"]}
            if rule.get("remote_group_id") == group["id"]
            else {},
        }
        for rule in cloud.ports.rules.by("security_group_id", group["id"])
        if rule["direction"] == IN
    ]
    return {
        "id": group["id"],
        "name": group["name"],
        "description": group.get("description", ""),
        "tenant_id": group["project_id"],
        "rules": rules,
    }
