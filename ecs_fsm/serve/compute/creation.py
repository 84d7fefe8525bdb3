"""Creations: what a request names must exist and go together; the servers that it creates.

The functions that look up a name return it, or answer as Nova does. Other requests use them too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from random import Random
from string import ascii_letters, digits
from typing import TypedDict
from uuid import NAMESPACE_OID, uuid5

from ecs_fsm.serve.cloud.catalog import Flavor, Image, catalog
from ecs_fsm.serve.cloud.cloud import HOSTS
from ecs_fsm.serve.cloud.imagestore import ACTIVE
from ecs_fsm.serve.cloud.instance import Instance, Json, NewServer
from ecs_fsm.serve.cloud.vocabulary import FROM_VOLUME, WITHOUT_NETWORK
from ecs_fsm.serve.compute.api import ComputeContext
from ecs_fsm.serve.compute.keypairs import keypairs_of
from ecs_fsm.serve.compute.quotas import check_quota
from ecs_fsm.serve.compute.schemas import NewServerFields, is_uuid, within_quota
from ecs_fsm.serve.compute.views import host_name
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.network.groups import SecurityGroup, groups_of
from ecs_fsm.serve.network.ports import free_address

MOST_AT_ONCE = 1000
GIB = 1024**3


class Wanted(TypedDict, total=False):
    """Which hosts may take a new server, and why none does."""

    hosts: tuple[int, ...]
    reason: str


def flavor_of(context: ComputeContext, ref: str | int) -> str:
    """Return the id of a flavor. Raises 400 if it does not exist."""
    if str(ref) not in catalog().flavors:
        raise ApiError(400, f"Flavor {str(ref)[:255]} could not be found.")
    return str(ref)


def image_of(context: ComputeContext, ref: str) -> str:
    """Return the id of an active image, given by id or URL. Raises 400 for others."""
    named, caller = ref.rpartition("/images/")[2], context.caller
    image = context.images.find(named, caller.project_id, caller.admin)
    if image is None:
        raise ApiError(400, f"Can not find requested image {named[:255]}.")
    if image.status != ACTIVE:
        raise ApiError(400, f"Image {named} is not active.")
    return named


def check_size(flavor: Flavor, image: Image | None) -> None:
    """Raise 400 if the image does not fit on the flavor; a disk of 0 grows with its image."""
    if image is None:
        return
    if flavor.ram < image.min_ram:
        raise ApiError(400, "Flavor's memory is too small for requested image.")
    disk, least = flavor.disk * GIB, image.min_disk * GIB
    if disk and image.size > disk:
        raise ApiError(
            400,
            "Flavor's disk is too small for requested image. Flavor disk is "
            f"{disk} bytes, image is {image.size} bytes.",
        )
    if disk and least > disk:
        raise ApiError(
            400,
            "Flavor's disk is smaller than the minimum size specified in image metadata. "
            f"Flavor disk is {disk} bytes, minimum size is {least} bytes.",
        )


def host_numbers() -> dict[str, int]:
    """Return the numbers of the hosts by their names."""
    return {host_name(number): number for number in range(HOSTS)}


def _hosts(context: ComputeContext, body: NewServerFields) -> tuple[str | None, Wanted]:
    """Return the zone of a creation, and the hosts that it names, with why there are none.

    Raises 400 for an unknown zone or host, 403 if the caller may not name a host.
    """
    zone, *names = (body.availability_zone or "").split(":")
    if len(names) > 2:
        raise ApiError(400, "Invalid input received: Unable to parse availability_zone")
    forced = next((name for name in names if name), None)
    named = body.host or body.hypervisor_hostname
    if forced is not None:
        context.require_admin("os_compute_api:servers:create:forced_host")
    if named is not None:
        context.require_admin("compute:servers:create:requested_destination")
    if named is not None and forced is not None:
        raise ApiError(
            400,
            "One mechanism with host and/or hypervisor_hostname and another mechanism with "
            "zone:host:node are mutually exclusive.",
        )
    found = zone_of(context, zone or None)
    if named is not None and named not in host_numbers():
        raise ApiError(400, f"Compute host {named} could not be found.")
    if forced is not None and forced not in host_numbers():
        return found, {"hosts": (), "reason": f"No such host - host: {forced} node: None "}
    name = named or forced
    return found, {} if name is None else {"hosts": (host_numbers()[name],)}


def _check_hints(hints: Mapping[str, Json]) -> None:
    """Raise 400 for a server group that does not exist."""
    if hints.get("group"):
        raise ApiError(400, f"Instance group {hints['group']} could not be found.")


def key_of(context: ComputeContext, name: str | None) -> str | None:
    """Return the name of a keypair of the caller, or None. Raises 400 for others."""
    if name is not None and name not in keypairs_of(context.request, context.caller):
        raise ApiError(400, "Invalid key_name provided.")
    return name


def group_of(context: ComputeContext, name: str, code: int = 400) -> SecurityGroup:
    """Return the security group of that name or id. Raises 400, or another code, if none is."""
    found = groups_of(context.request).named(context.project_id, name)
    if found is None:
        raise ApiError(code, f"Unable to find security_group with name or id '{name}'")
    return found


def zone_of(context: ComputeContext, zone: str | None) -> str | None:
    """Return the name of the zone, or None to have it chosen. Raises 400 for others."""
    if zone not in (None, catalog().availability_zone):
        raise ApiError(400, "The requested availability zone is not available")
    return zone


def host_name_of(name: str) -> str:
    """Return the host name that follows from the name of a server."""
    return re.sub(r"[^a-z0-9.-]+", "", re.sub(r"[ _]+", "-", name.lower())).strip(".-")[:63]


def create(
    context: ComputeContext, body: NewServerFields, hints: Mapping[str, Json]
) -> tuple[list[Instance], str]:
    """Create servers; return them with the password of their administrator.

    `hints` are those for the scheduler.

    Raises 400 for what does not exist or does not go together, 403 above a quota.
    """
    cloud = context.cloud
    count = _count(body)
    flavor, image, volumes = flavor_of(context, body.flavorRef), *_disks(context, body)
    size = catalog().flavors[flavor]
    if image is not None:
        check_size(size, context.images.find(image, context.project_id, context.caller.admin))
    zone, hosts = _hosts(context, body)
    _check_hints(hints)
    check_quota(
        context, context.project_id, instances=count, cores=size.vcpus * count, ram=size.ram * count
    )
    networks = _networks(context, body)
    if count > 1 and any(networks.values()):
        reason = "max_count cannot be greater than 1 if an IP address is specified."
        raise ApiError(400, f"Failed to launch instances: {reason}")
    within_quota(body.metadata)
    key_of(context, body.key_name)
    groups = dict.fromkeys(group_of(context, name).name for name in body.group_names)
    given: dict[str, str] = {}
    if image is None:
        given |= FROM_VOLUME
    if not networks:
        given |= WITHOUT_NETWORK
    accepted = cloud.lifecycle.triggers[cloud.lifecycle.creation.trigger].given
    given = {name: value for name, value in given.items() if name in accepted}
    requester = context.asker(cloud.lifecycle.creation.trigger)
    reservation = f"r-{uuid5(NAMESPACE_OID, requester.request_id).hex[:8]}"
    details = _details(body, networks, volumes)
    details |= {"security_groups": [*groups], "reservation_id": reservation}
    details |= {"zone": zone, "hints": {**hints}}
    made = []
    for index in range(count):
        name = body.name if count == 1 else f"{body.name}-{index + 1}"
        own: dict[str, Json] = {
            "launch_index": index,
            "hostname": body.hostname or host_name_of(name) or f"server-{cloud.count + 1}",
        }
        wanted = NewServer(name, flavor, image, body.metadata, given, details | own, **hosts)
        made.append(cloud.create(wanted, requester))
    return made, body.adminPass or password(requester.request_id)


def password(seed: str) -> str:
    """Return twelve letters and digits, the same for the same request."""
    return "".join(Random(seed).choices(ascii_letters + digits, k=12))  # noqa: S311 -- for show


def _count(body: NewServerFields) -> int:
    fewest = body.min_count or 1
    most = body.max_count or fewest
    if fewest > most:
        raise ApiError(400, "min_count must be <= max_count")
    if most > MOST_AT_ONCE:
        raise ApiError(403, f"Quota exceeded for instances: requested {most}, at most 1000 at once")
    return most


def _disks(context: ComputeContext, body: NewServerFields) -> tuple[str | None, list[Json]]:
    """Return the image that the server boots from, None for a volume, and its volumes."""
    devices = body.block_device_mapping_v2
    volumes: list[Json] = [
        {
            "id": str(uuid5(NAMESPACE_OID, f"{context.request_id}/{number}"))
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
        image = image_of(context, first.uuid or body.imageRef or "")
        return (None if first.is_volume else image), volumes
    if first is not None:
        return None, volumes
    if not body.imageRef:
        raise ApiError(400, "Invalid imageRef provided.")
    return image_of(context, body.imageRef), volumes


def _networks(context: ComputeContext, body: NewServerFields) -> dict[str, str | None]:
    """Return the ids of the server's networks, each with the address that was chosen if any."""
    known_networks, wanted = catalog().networks, body.networks
    if context.minor >= 37 and wanted is None:
        raise ApiError(400, "Invalid input for server: 'networks' is a required property")
    if context.minor < 37 and isinstance(wanted, str):
        raise ApiError(400, f"Invalid input for server.networks: {wanted} needs version 2.37")
    if isinstance(wanted, str):
        return {catalog().default_network.id: None} if wanted == "auto" else {}
    if not wanted:
        return {catalog().default_network.id: None}
    found: dict[str, str | None] = {}
    for network in wanted:
        if network.port is not None:
            raise ApiError(400, f"Port {network.port} could not be found.")
        if not is_uuid(network.uuid):
            reason = f"network uuid is not in proper format ({network.uuid})"
            raise ApiError(400, f"Bad networks format: {reason}")
        known = known_networks.get(str(network.uuid))
        if known is None:
            raise ApiError(400, f"Network {network.uuid} could not be found.")
        address = network.fixed_ip and free_address(context.cloud, known, network.fixed_ip)
        found[known.id] = address or found.get(known.id)
    return found


def _details(
    body: NewServerFields, networks: Mapping[str, str | None], volumes: Iterable[Json]
) -> dict[str, Json]:
    return {
        "networks": [*networks],
        "fixed_ips": {network: address for network, address in networks.items() if address},
        "volumes": list(volumes),
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
