"""A server as the compute API shows it, at every microversion.

What each version added stands in the order of the versions; nothing here changes a server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from hashlib import sha224
from typing import NamedTuple, cast

from ecs_fsm.serve.cloud.catalog import Attachment, Catalog, Flavor, attachment
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.compute.words import Words

Shape = dict[str, Json]


class View(Enum):
    """Which answer shows the server; those to a change are poorer below 2.75."""

    SHOW = "show"
    DETAIL = "detail"
    CHANGED = "changed"


class Look(NamedTuple):
    """How a server is seen: the number behind `2.`, the URL of the API, whose eyes, where."""

    minor: int
    root: str
    admin: bool
    view: View


def stamp(date: datetime) -> str:
    """A date as most of the API writes it."""
    return date.strftime("%Y-%m-%dT%H:%M:%SZ")


def long_stamp(date: datetime) -> str:
    """A date as the rest of the API writes it."""
    return date.strftime("%Y-%m-%dT%H:%M:%S.%f")


def links(root: str, kind: str, name: str) -> list[Json]:
    """Where a thing is found: with the version of the API, and without."""
    bare = root.partition("/v2.1")[0]
    return [
        {"rel": "self", "href": f"{root}/{kind}/{name}"},
        {"rel": "bookmark", "href": f"{bare}/{kind}/{name}"},
    ]


def host_name(number: int) -> str:
    """The name of a host."""
    return f"compute-{number + 1}"


def names(instance: Instance, detail: str) -> list[str]:
    """A list of words among the details of a server, empty where there is none."""
    return cast(list[str], instance.details.get(detail) or [])


def chosen_addresses(instance: Instance) -> dict[str, str]:
    """The addresses that somebody chose for the server, by the ids of the networks."""
    return dict(cast(dict[str, str], instance.details.get("fixed_ips") or {}))


class Shapes:
    """Shows the servers of a cloud."""

    def __init__(self, cloud: Cloud, catalog: Catalog, words: Words) -> None:
        self.cloud, self.catalog, self.words = cloud, catalog, words

    def brief(self, instance: Instance, root: str) -> Shape:
        """A server in a list without details."""
        return {
            "id": instance.id,
            "name": instance.name,
            "links": links(root, "servers", instance.id),
        }

    def server(self, instance: Instance, look: Look) -> Shape:
        """A server with all that this version shows of it."""
        whole = look.view is not View.CHANGED or look.minor >= 75
        shown = self._always(instance, look) | {"addresses": self.addresses(instance, whole)}
        if whole:
            shown |= self._extended(instance, look)
        return shown | self._since(instance, look)

    def attachments(self, instance: Instance) -> tuple[Attachment, ...]:
        """How the server hangs on its networks; it does not before they are set up."""
        connected = self.words.connected
        if instance.launched is None and not any(s.state in connected for s in instance.history):
            return ()
        networks = names(instance, "networks")
        known = (self.catalog.networks[n] for n in networks if n in self.catalog.networks)
        chosen = chosen_addresses(instance)
        return tuple(
            attachment(network, instance.id, instance.number, chosen.get(network.id))
            for network in known
        )

    def addresses(self, instance: Instance, whole: bool) -> Shape:
        """The addresses by network, with their type and that of the hardware if `whole`."""
        shown: Shape = {}
        for port in self.attachments(instance):
            address: Shape = {"version": 4, "addr": port.address}
            if whole:
                address["OS-EXT-IPS:type"] = "fixed"
                address["OS-EXT-IPS-MAC:mac_addr"] = port.mac
            cast(list[Json], shown.setdefault(port.network.name, [])).append(address)
        return shown

    def host(self, instance: Instance) -> str | None:
        """The name of the host that the server is on, None where it has none."""
        hostless = instance.state in self.words.without_host
        return None if hostless else host_name(instance.host)

    def host_id(self, instance: Instance) -> str:
        """What a user may know of the host: the same for the same project and host."""
        host = self.host(instance)
        named = f"{instance.project_id}{host}"
        return sha224(named.encode()).hexdigest() if host else ""

    def power_state(self, instance: Instance) -> int:
        """The power state by its number."""
        return self.words.power_states.get(instance.state.vm_state, 0)

    def locked(self, instance: Instance) -> bool:
        """Whether somebody locked the server."""
        return self.words.locked in instance.server.node.facts

    def _always(self, instance: Instance, look: Look) -> Shape:
        status = instance.state.status
        shown: Shape = {
            "id": instance.id,
            "name": instance.name,
            "status": status.value,
            "tenant_id": instance.project_id,
            "user_id": instance.user_id,
            "metadata": {**instance.metadata},
            "hostId": self.host_id(instance),
            "image": self._image(instance, look),
            "flavor": self._flavor(instance, look),
            "created": stamp(self.cloud.date(instance.created)),
            "updated": stamp(self.cloud.date(instance.updated)),
            "accessIPv4": instance.details.get("accessIPv4", ""),
            "accessIPv6": instance.details.get("accessIPv6", ""),
            "links": links(look.root, "servers", instance.id),
            "OS-DCF:diskConfig": instance.details.get("disk_config", "MANUAL"),
        }
        if status in self.words.progress:
            shown["progress"] = 0 if status in self.words.begun else 100
        if status in self.words.fault and instance.fault:
            at, message = instance.fault
            fault: Shape = {"code": 500, "created": stamp(self.cloud.date(at)), "message": message}
            shown["fault"] = fault | ({"details": message} if look.admin else {})
        return shown

    def _image(self, instance: Instance, look: Look) -> Json:
        if instance.image is None:
            return ""
        return {"id": instance.image, "links": links(look.root, "images", instance.image)[1:]}

    def _flavor(self, instance: Instance, look: Look) -> Json:
        if look.minor < 47:
            found = links(look.root, "flavors", instance.flavor)[1:]
            return {"id": instance.flavor, "links": found}
        return embedded(self.catalog.flavors[instance.flavor])

    def _extended(self, instance: Instance, look: Look) -> Shape:
        details, state = instance.details, instance.state
        launched, terminated = instance.launched, instance.terminated
        shown: Shape = {
            "OS-EXT-AZ:availability_zone": details.get("zone") or self.catalog.availability_zone,
            "config_drive": details.get("config_drive", ""),
            "key_name": details.get("key_name"),
            "OS-SRV-USG:launched_at": self._long(launched),
            "OS-SRV-USG:terminated_at": self._long(terminated),
            "OS-EXT-STS:vm_state": state.vm_state.value,
            "OS-EXT-STS:task_state": state.task_state and state.task_state.value,
            "OS-EXT-STS:power_state": self.power_state(instance),
            "os-extended-volumes:volumes_attached": self._volumes(instance, look),
        }
        if groups := names(instance, "security_groups"):
            shown["security_groups"] = [{"name": group} for group in groups]
        if look.admin:
            shown |= self._for_administrators(instance, look)
        elif look.minor >= 90:
            shown["OS-EXT-SRV-ATTR:hostname"] = details.get("hostname")
        return shown

    def _long(self, seconds: float | None) -> str | None:
        return None if seconds is None else long_stamp(self.cloud.date(seconds))

    def _volumes(self, instance: Instance, look: Look) -> list[Json]:
        attached = cast(Sequence[Mapping[str, Json]], instance.details.get("volumes", ()))
        shown = ("id", "delete_on_termination") if look.minor >= 3 else ("id",)
        return [{name: volume[name] for name in shown} for volume in attached]

    def _for_administrators(self, instance: Instance, look: Look) -> Shape:
        host, details = self.host(instance), instance.details
        shown: Shape = {
            "OS-EXT-SRV-ATTR:host": host,
            "OS-EXT-SRV-ATTR:hypervisor_hostname": host,
            "OS-EXT-SRV-ATTR:instance_name": f"instance-{instance.number:08x}",
        }
        if look.minor >= 3:
            shown |= {
                "OS-EXT-SRV-ATTR:hostname": details.get("hostname"),
                "OS-EXT-SRV-ATTR:reservation_id": details.get("reservation_id"),
                "OS-EXT-SRV-ATTR:launch_index": details.get("launch_index", 0),
                "OS-EXT-SRV-ATTR:kernel_id": "",
                "OS-EXT-SRV-ATTR:ramdisk_id": "",
                "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
                "OS-EXT-SRV-ATTR:user_data": details.get("user_data"),
            }
        return shown | ({"host_status": "UP" if host else ""} if look.minor >= 16 else {})

    def _since(self, instance: Instance, look: Look) -> Shape:
        minor, details = look.minor, instance.details
        shown: Shape = {}
        if minor >= 9:
            shown["locked"] = self.locked(instance)
        if minor >= 19:
            shown["description"] = details.get("description")
        if minor >= 26:
            shown["tags"] = [*names(instance, "tags")]
        if minor >= 63:
            shown["trusted_image_certificates"] = details.get("certificates")
        if minor >= 71 and look.view is not View.DETAIL:
            shown["server_groups"] = []
        if minor >= 73:
            shown["locked_reason"] = details.get("locked_reason")
        if minor >= 96:
            shown["pinned_availability_zone"] = details.get("zone")
        return shown


def embedded(flavor: Flavor) -> Shape:
    """A flavor inside of a server, from 2.47 on."""
    return {
        "original_name": flavor.name,
        "vcpus": flavor.vcpus,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "ephemeral": 0,
        "swap": 0,
        "extra_specs": {**flavor.extra_specs},
    }
