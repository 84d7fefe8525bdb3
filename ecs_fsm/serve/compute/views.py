"""Servers as the compute API shows them, at every microversion.

What each version added stands in the order of the versions; nothing here changes a server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from hashlib import sha224
from typing import NamedTuple, cast

from ecs_fsm.serve.cloud.catalog import EPHEMERAL
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.ports import IN
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.schedule import NO_HOST
from ecs_fsm.serve.cloud.vocabulary import (
    BEGUN,
    FAULT,
    LOCKED,
    POWER_STATES,
    PROGRESS,
    WITHOUT_HOST,
)

Fields = dict[str, Json]


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
    return date.strftime("%Y-%m-%dT%H:%M:%SZ")


def long_time(date: datetime) -> str:
    """Return a date with microseconds, as the rest of the API writes it."""
    return date.strftime("%Y-%m-%dT%H:%M:%S.%f")


def links(root: str, kind: str, name: str) -> list[Json]:
    """Return the links to a resource: with the version of the API, and without."""
    bare = root.partition("/v2.1")[0]
    return [
        {"rel": "self", "href": f"{root}/{kind}/{name}"},
        {"rel": "bookmark", "href": f"{bare}/{kind}/{name}"},
    ]


def host_of(cloud: Cloud, instance: Instance) -> str | None:
    """Return the name of the host of a server, None without one."""
    nowhere = instance.state in WITHOUT_HOST or NO_HOST in instance.details
    return None if nowhere else cloud.hosts[instance.host].name


def address_of(host: int) -> str:
    """Return the address of a host by its number."""
    return f"192.0.2.{host + 1}"


def host_id(cloud: Cloud, instance: Instance) -> str:
    """Return the host as users see it: a hash of the project and the host."""
    host = host_of(cloud, instance)
    return sha224(f"{instance.project_id}{host}".encode()).hexdigest() if host else ""


def is_locked(instance: Instance) -> bool:
    """Return whether a server is locked."""
    return LOCKED in instance.server.node.facts


def brief_view(instance: Instance, root: str) -> Fields:
    """Return a server for a list without details."""
    return {
        "id": instance.id,
        "name": instance.name,
        "links": links(root, "servers", instance.id),
    }


def server_view(cloud: Cloud, instance: Instance, options: ViewOptions) -> Fields:
    """Return a server with all fields of the microversion."""
    whole = options.kind is not AnswerKind.CHANGED or options.minor >= 75
    shown = _basic(cloud, instance, options)
    shown["addresses"] = addresses_view(cloud, instance, whole=whole)
    if whole:
        shown |= _extended(cloud, instance, options)
    return shown | _since(cloud, instance, options)


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


def _basic(cloud: Cloud, instance: Instance, options: ViewOptions) -> Fields:
    status = instance.state.status
    shown: Fields = {
        "id": instance.id,
        "name": instance.name,
        "status": status.value,
        "tenant_id": instance.project_id,
        "user_id": instance.user_id,
        "metadata": {**instance.metadata},
        "hostId": host_id(cloud, instance),
        "image": _image(instance, options),
        "flavor": _flavor(cloud, instance, options),
        "created": short_time(cloud.date(instance.created)),
        "updated": short_time(cloud.date(instance.updated)),
        "accessIPv4": instance.details.get("accessIPv4", ""),
        "accessIPv6": instance.details.get("accessIPv6", ""),
        "links": links(options.root, "servers", instance.id),
        "OS-DCF:diskConfig": instance.details.get("disk_config", "MANUAL"),
    }
    if status in PROGRESS:
        shown["progress"] = 0 if status == BEGUN else 100
    if status in FAULT and instance.fault:
        at, message, code, details = instance.fault
        fault: Fields = {"code": code, "created": short_time(cloud.date(at)), "message": message}
        shown["fault"] = fault | ({"details": details or message} if options.admin else {})
    return shown


def _image(instance: Instance, options: ViewOptions) -> Json:
    if instance.image is None:
        return ""
    shown: Fields = {
        "id": instance.image,
        "links": links(options.root, "images", instance.image)[1:],
    }
    properties = instance.details.get("image_properties") or {}
    return shown | ({"properties": properties} if options.minor >= 98 else {})


def _flavor(cloud: Cloud, instance: Instance, options: ViewOptions) -> Json:
    if options.minor < 47:
        found = links(options.root, "flavors", instance.flavor)[1:]
        return {"id": instance.flavor, "links": found}
    return embedded_flavor(cloud.flavor(instance))


def _extended(cloud: Cloud, instance: Instance, options: ViewOptions) -> Fields:
    details, state = instance.details, instance.state
    launched, terminated = instance.launched, instance.terminated
    shown: Fields = {
        "OS-EXT-AZ:availability_zone": cloud.zone_of(instance),
        "config_drive": details.get("config_drive", ""),
        "key_name": details.get("key_name"),
        "OS-SRV-USG:launched_at": _long(cloud, launched),
        "OS-SRV-USG:terminated_at": _long(cloud, terminated),
        "OS-EXT-STS:vm_state": state.vm_state.value,
        "OS-EXT-STS:task_state": state.task_state and state.task_state.value,
        "OS-EXT-STS:power_state": POWER_STATES.get(state.vm_state, 0),
        "os-extended-volumes:volumes_attached": _volumes(instance, options),
    }
    if groups := instance.names("security_groups"):
        shown["security_groups"] = [{"name": group} for group in groups]
    if options.admin:
        shown |= _for_administrators(cloud, instance, options)
    elif options.minor >= 90:
        shown["OS-EXT-SRV-ATTR:hostname"] = details.get("hostname")
    return shown


def _long(cloud: Cloud, seconds: float | None) -> str | None:
    return None if seconds is None else long_time(cloud.date(seconds))


def _volumes(instance: Instance, options: ViewOptions) -> list[Json]:
    attached = cast(Sequence[Mapping[str, Json]], instance.details.get("volumes", ()))
    shown = ("id", "delete_on_termination") if options.minor >= 3 else ("id",)
    return [{name: volume[name] for name in shown} for volume in attached]


def _for_administrators(cloud: Cloud, instance: Instance, options: ViewOptions) -> Fields:
    host, details = host_of(cloud, instance), instance.details
    shown: Fields = {
        "OS-EXT-SRV-ATTR:host": host,
        "OS-EXT-SRV-ATTR:hypervisor_hostname": host,
        "OS-EXT-SRV-ATTR:instance_name": f"instance-{instance.number:08x}",
    }
    if options.minor >= 3:
        shown |= {
            "OS-EXT-SRV-ATTR:hostname": details.get("hostname"),
            "OS-EXT-SRV-ATTR:reservation_id": details.get("reservation_id"),
            "OS-EXT-SRV-ATTR:launch_index": details.get("launch_index", 0),
            "OS-EXT-SRV-ATTR:kernel_id": "",
            "OS-EXT-SRV-ATTR:ramdisk_id": "",
            "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
            "OS-EXT-SRV-ATTR:user_data": details.get("user_data"),
        }
    return shown | ({"host_status": "UP" if host else ""} if options.minor >= 16 else {})


def _since(cloud: Cloud, instance: Instance, options: ViewOptions) -> Fields:
    minor, details = options.minor, instance.details
    shown: Fields = {}
    if minor >= 9:
        shown["locked"] = is_locked(instance)
    if minor >= 19:
        shown["description"] = details.get("description")
    if minor >= 26:
        shown["tags"] = [*instance.names("tags")]
    if minor >= 63:
        shown["trusted_image_certificates"] = details.get("certificates")
    if minor >= 71 and options.kind is not AnswerKind.DETAIL:
        group = cloud.placement.group_of(instance)
        shown["server_groups"] = [group["id"]] if group else []
    if minor >= 73:
        shown["locked_reason"] = details.get("locked_reason")
    if minor >= 96:
        shown["pinned_availability_zone"] = details.get("zone")
    if minor >= 100:
        shown["scheduler_hints"] = details.get("hints") or {}
    return shown


def embedded_flavor(flavor: Item) -> Fields:
    """Return a flavor as a part of a server, from 2.47 on."""
    return {
        "original_name": flavor["name"],
        **{size: flavor[size] for size in ("vcpus", "ram", "disk")},
        "ephemeral": flavor[EPHEMERAL],
        "swap": flavor["swap"],
        "extra_specs": {**flavor["extra_specs"]},
    }


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
