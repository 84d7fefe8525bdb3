"""What a server starts from: flavors, images and volumes, which requests name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ecs_fsm.serve.cloud.imagestore import ACTIVE
from ecs_fsm.serve.cloud.instance import Asker, Instance
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import ATTACH, VOLUME_FREE
from ecs_fsm.serve.compute.api import ComputeContext
from ecs_fsm.serve.compute.schemas import Device, NewServerFields
from ecs_fsm.serve.http.api_errors import ApiError

GIB = 1024**3


def flavor_of(context: ComputeContext, ref: str | int) -> str:
    """Return the id of a flavor. Raises 400 if it does not exist."""
    flavor = context.cloud.resources.of("flavors").get(str(ref).rpartition("/flavors/")[2])
    if flavor is None:
        raise ApiError(400, f"Flavor {str(ref)[:255]} could not be found.")
    return str(flavor["id"])


def image_of(context: ComputeContext, ref: str) -> str:
    """Return the id of an active image, given by id or URL. Raises 400 for others."""
    named, caller = ref.rpartition("/images/")[2], context.caller
    image = context.images.find(named, caller.project_id, caller.admin)
    if image is None:
        raise ApiError(400, f"Can not find requested image {named[:255]}.")
    if image["status"] != ACTIVE:
        raise ApiError(400, f"Image {named} is not active.")
    return named


def disk_config_of(image: Item) -> str | None:
    """Return how servers from an image divide their disk, if it says so: AUTO or MANUAL."""
    word = image["properties"].get("auto_disk_config")
    return None if word is None else "AUTO" if word.lower() in ("true", "1") else "MANUAL"


def check_size(flavor: Item, image: Item | None) -> None:
    """Raise 400 if the image does not fit on the flavor; a disk of 0 grows with its image."""
    if image is None:
        return
    if flavor["ram"] < image["min_ram"]:
        raise ApiError(400, "Flavor's memory is too small for requested image.")
    disk, least = flavor["disk"] * GIB, image["min_disk"] * GIB
    if disk and image["size"] > disk:
        raise ApiError(
            400,
            "Flavor's disk is too small for requested image. Flavor disk is "
            f"{disk} bytes, image is {image['size']} bytes.",
        )
    if disk and least > disk:
        raise ApiError(
            400,
            "Flavor's disk is smaller than the minimum size specified in image metadata. "
            f"Flavor disk is {disk} bytes, minimum size is {least} bytes.",
        )


class Disk(NamedTuple):
    """A volume of a new server: one that exists, or one to be made of so many GiB."""

    device: Device
    volume: Instance | None
    size: int
    image: str | None = None


def find_volume(context: ComputeContext, volume_id: str, code: int = 404) -> Instance:
    """Return a volume. Raises 404, or another code, for an unknown one."""
    caller = context.caller
    volume = context.cloud.volumes.find(volume_id, caller.project_id, caller.admin)
    if volume is None:
        raise ApiError(code, f"Volume {volume_id[:255]} could not be found.")
    return volume


def require_free(volume: Instance) -> None:
    """Raise 400 for a volume that cannot be attached, also since it is attached already."""
    if not volume.server.may(ATTACH):
        raise ApiError(
            400,
            f"Invalid volume: Volume {volume.id} status must be {VOLUME_FREE} or downloading to "
            f"reserve, but the current status is {volume.state.status.value}.",
        )


def disks_of(
    context: ComputeContext, body: NewServerFields, count: int
) -> tuple[str | None, list[Disk]]:
    """Return the image that the server boots from, None for a volume, and its volumes."""
    devices = body.block_device_mapping_v2
    disks = [_disk(context, device, count) for device in devices[:26] if device.is_volume]
    first = next((device for device in devices if device.first), None)
    if first is not None and first.source_type == "image":
        image = image_of(context, first.uuid or body.imageRef or "")
        return (None if first.is_volume else image), disks
    if first is not None:
        return None, disks
    if not body.imageRef:
        raise ApiError(400, "Invalid imageRef provided.")
    return image_of(context, body.imageRef), disks


def _disk(context: ComputeContext, device: Device, count: int) -> Disk:
    """Return a volume of a creation. Raises 400 for an impossible one."""
    source, size = device.source_type, int(device.volume_size or 0)
    if source == "volume":
        volume = find_volume(context, str(device.uuid), 400)
        if count > 1:
            raise ApiError(400, "Cannot attach one or more volumes to multiple instances")
        require_free(volume)
        return Disk(device, volume, 0)
    if source == "snapshot":
        kept = context.cloud.resources.of("snapshots").get(device.uuid)
        if kept is None:
            reason = f"failed to get snapshot {str(device.uuid)[:255]}."
            raise ApiError(400, f"Block Device Mapping is Invalid: {reason}")
        return Disk(device, None, size or kept["size"])
    if not size:
        what = "Images with destination_type 'volume' need to have a non-zero size specified"
        blank = "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size"
        reason = blank if source == "blank" else what
        raise ApiError(400, f"Block Device Mapping is Invalid: {reason}")
    image = image_of(context, device.uuid or "") if source == "image" else None
    return Disk(device, None, size, image)


def give(context: ComputeContext, instance: Instance, disks: Iterable[Disk], asker: Asker) -> None:
    """Attach the volumes of a new server, which are made if they are not there."""
    volumes = context.cloud.volumes
    for device, known, size, image in disks:
        volume = known or volumes.create(
            asker,
            "",
            size,
            image,
            zone=context.cloud.zone_of(instance),
            snapshot_id=device.uuid if device.source_type == "snapshot" else None,
            bootable=device.first,
        )
        volumes.attach(
            volume,
            instance,
            device.device_name,
            asker,
            boots=device.first,
            delete_on_termination=device.delete_on_termination,
            tag=device.tag,
        )
