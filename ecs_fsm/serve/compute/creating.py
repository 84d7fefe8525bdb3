"""What a creation asks for, by the rules of the microversion, and the servers that come of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from random import Random
from string import ascii_letters, digits
from typing import Annotated, Literal
from uuid import NAMESPACE_OID, UUID, uuid5

from pydantic import AfterValidator, Field

from ecs_fsm.serve.cloud.instance import Instance, Json, NewServer
from ecs_fsm.serve.compute.asking import Asking
from ecs_fsm.serve.compute.existing import flavor_of, group_of, image_of, key_of, zone_of
from ecs_fsm.serve.compute.fixedips import fixed_ip_of
from ecs_fsm.serve.compute.values import (
    MOST_TAGS,
    Address4,
    Address6,
    Disk,
    Flag,
    Host,
    Items,
    Name,
    Tag,
    Text,
    UserData,
    within_quota,
)
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.errors import ApiError

MOST_AT_ONCE = 1000
Count = Annotated[int, Field(ge=1)]


class NetworkOf(Body):
    """A network that the server is to hang on."""

    uuid: UUID | None = None
    port: UUID | None = None
    fixed_ip: Annotated[str, AfterValidator(lambda text: str(ip_address(text)))] | None = None
    tag: str | None = None


class Group(Body):
    """A security group by its name."""

    name: str = Field(max_length=255)


class Device(Body):
    """A disk of the server: what it is made from, and what it becomes."""

    boot_index: int | Literal["-1", "0"] | None = None
    uuid: str | None = None
    source_type: Literal["volume", "image", "snapshot", "blank"] = "volume"
    destination_type: Literal["volume", "local"] | None = None
    volume_size: int | str | None = None
    delete_on_termination: Flag = False
    device_name: str | None = None
    tag: str | None = None

    @property
    def first(self) -> bool:
        """Whether the server boots from it."""
        return str(self.boot_index) == "0"

    @property
    def is_volume(self) -> bool:
        """Whether it becomes a volume, and no disk of the host."""
        return (self.destination_type or self.source_type) not in ("local", "blank")


class NewServerBody(Body):
    """A server that is to be made."""

    name: Name
    flavorRef: str | int  # noqa: N815
    imageRef: str | None = None  # noqa: N815
    metadata: Items = Field(default_factory=dict)
    networks: Literal["auto", "none"] | list[NetworkOf] | None = None
    block_device_mapping_v2: list[Device] = Field(default_factory=list, max_length=64)
    security_groups: list[Group] = Field(default_factory=lambda: [Group(name="default")])
    availability_zone: Text | None = None
    key_name: Text | None = None
    config_drive: Flag | None = None
    user_data: UserData | None = None
    adminPass: str | None = Field(None, max_length=255)  # noqa: N815
    description: str | None = Field(None, max_length=255)
    tags: list[Tag] = Field(default_factory=list, max_length=MOST_TAGS)
    hostname: Host | None = None
    trusted_image_certificates: list[str] | None = Field(None, max_length=50)
    min_count: Count | None = None
    max_count: Count | None = None
    return_reservation_id: Flag = False
    accessIPv4: Address4 = None  # noqa: N815
    accessIPv6: Address6 = None  # noqa: N815
    disk_config: Disk = Field("MANUAL", alias="OS-DCF:diskConfig")


class CreateServer(Body):
    """The body of a creation."""

    server: NewServerBody


def host_name_of(name: str) -> str:
    """What a server calls itself that nobody gave a host name."""
    return re.sub(r"[^a-z0-9.-]+", "", re.sub(r"[ _]+", "-", name.lower())).strip(".-")[:63]


def create(asking: Asking, body: NewServerBody) -> tuple[list[Instance], str]:
    """The servers that a body asks for, with the password of their administrator.

    Raises 400 for what does not exist or does not go together.
    """
    compute, cloud = asking.compute, asking.cloud
    count = _count(body)
    flavor, image, volumes = flavor_of(asking, body.flavorRef), *_disks(asking, body)
    networks = _networks(asking, body)
    if count > 1 and any(networks.values()):
        reason = "max_count cannot be greater than 1 if an IP address is specified."
        raise ApiError(400, f"Failed to launch instances: {reason}")
    within_quota(body.metadata)
    key_of(asking, body.key_name)
    zone_of(asking, body.availability_zone)
    groups = dict.fromkeys(group_of(asking, group.name).name for group in body.security_groups)
    given: dict[str, str] = {}
    if image is None:
        given |= compute.words.from_volume
    if not networks:
        given |= compute.words.without_network
    usual = cloud.lifecycle.triggers[cloud.lifecycle.creation.trigger].given
    given = {name: value for name, value in given.items() if name in usual}
    asker = asking.asker(cloud.lifecycle.creation.trigger)
    reservation = f"r-{uuid5(NAMESPACE_OID, asker.request_id).hex[:8]}"
    details = _details(body, networks, volumes)
    details |= {"security_groups": [*groups], "reservation_id": reservation}
    made = []
    for index in range(count):
        name = body.name if count == 1 else f"{body.name}-{index + 1}"
        own: dict[str, Json] = {
            "launch_index": index,
            "hostname": body.hostname or host_name_of(name) or f"server-{cloud.count + 1}",
        }
        wanted = NewServer(name, flavor, image, body.metadata, given, details | own)
        made.append(cloud.create(wanted, asker))
    return made, body.adminPass or password(asker.request_id)


def password(seed: str) -> str:
    """A password of twelve letters and digits, the same for the same request."""
    return "".join(Random(seed).choices(ascii_letters + digits, k=12))  # noqa: S311 -- for show


def _count(body: NewServerBody) -> int:
    fewest = body.min_count or 1
    most = body.max_count or fewest
    if fewest > most:
        raise ApiError(400, "min_count must be <= max_count")
    if most > MOST_AT_ONCE:
        raise ApiError(403, f"Quota exceeded for instances: requested {most}, at most 1000 at once")
    return most


def _disks(asking: Asking, body: NewServerBody) -> tuple[str | None, list[Json]]:
    """The image that the server boots from, None for a volume, and the volumes that it has."""
    devices = body.block_device_mapping_v2
    volumes: list[Json] = [
        {
            "id": str(uuid5(NAMESPACE_OID, f"{asking.asker('').request_id}/{number}"))
            if device.uuid is None or device.source_type == "image"
            else device.uuid,
            "device": device.device_name or f"/dev/vd{ascii_letters[number]}",
            "delete_on_termination": device.delete_on_termination,
            "tag": device.tag,
        }
        for number, device in enumerate(devices[:26])
        if device.is_volume
    ]
    first = next((device for device in devices if device.first), None)
    if first is not None and first.source_type == "image":
        image = image_of(asking, first.uuid or body.imageRef or "")
        return (None if first.is_volume else image), volumes
    if first is not None:
        return None, volumes
    if not body.imageRef:
        raise ApiError(400, "Invalid imageRef provided.")
    return image_of(asking, body.imageRef), volumes


def _networks(asking: Asking, body: NewServerBody) -> dict[str, str | None]:
    """The networks that the server hangs on, by id, with the address that was chosen if any."""
    catalog, wanted = asking.compute.catalog, body.networks
    if asking.minor >= 37 and wanted is None:
        raise ApiError(400, "Invalid input for server: 'networks' is a required property")
    if asking.minor < 37 and isinstance(wanted, str):
        raise ApiError(400, f"Invalid input for server.networks: {wanted} needs version 2.37")
    if isinstance(wanted, str):
        return {catalog.default_network.id: None} if wanted == "auto" else {}
    if not wanted:
        return {catalog.default_network.id: None}
    found: dict[str, str | None] = {}
    for network in wanted:
        if network.port is not None:
            raise ApiError(400, f"Port {network.port} could not be found.")
        if network.uuid is None:
            raise ApiError(400, "Invalid input for server.networks: 'uuid' or 'port' is required")
        known = catalog.networks.get(str(network.uuid))
        if known is None:
            raise ApiError(400, f"Network {network.uuid} could not be found.")
        address = network.fixed_ip and fixed_ip_of(asking, known, network.fixed_ip)
        found[known.id] = address or found.get(known.id)
    return found


def _details(
    body: NewServerBody, networks: Mapping[str, str | None], volumes: Iterable[Json]
) -> dict[str, Json]:
    return {
        "networks": [*networks],
        "fixed_ips": {network: address for network, address in networks.items() if address},
        "volumes": list(volumes),
        "zone": body.availability_zone,
        "key_name": body.key_name,
        "config_drive": "True" if body.config_drive else "",
        "user_data": body.user_data,
        "description": body.description,
        "tags": list(dict.fromkeys(body.tags)),
        "certificates": [*body.trusted_image_certificates]
        if body.trusted_image_certificates
        else None,
        "accessIPv4": body.accessIPv4 or "",
        "accessIPv6": body.accessIPv6 or "",
        "disk_config": body.disk_config,
    }
