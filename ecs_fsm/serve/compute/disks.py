"""What servers start from, flavors, images and volumes, and the volumes that they have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast
from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.imagestore import ACTIVE
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import (
    ATTACH,
    ATTACH_VOLUME,
    DETACH,
    DETACH_VOLUME,
    SWAP_VOLUME,
    VOLUME_FREE,
    VOLUME_USED,
)
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, refusable
from ecs_fsm.serve.compute.schemas import Device, Flag, NewServerFields
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Body, respond

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


TAG_SINCE, EMPTY_SINCE = 70, 101

ROOT_DEVICE = "/dev/vda"
DELETED_SINCE, WITHOUT_ID_SINCE = 79, 89
MOST_VOLUMES = 25


class VolumeRequest(Body):
    """A volume for the server."""

    volumeId: UUID  # noqa: N815
    device: str | None = Field(None, max_length=255)
    tag: str | None = Field(None, max_length=60)
    delete_on_termination: Flag = False


class AttachVolume(Body):
    """The body of an attachment."""

    volumeAttachment: VolumeRequest  # noqa: N815


def _rows(instance: Instance) -> list[Item]:
    return [*cast(list[Item], instance.details.get("volumes") or [])]


def _row(instance: Instance, volume_id: str) -> Item:
    """Return what the server knows of a volume. Raises 404 for others."""
    for row in _rows(instance):
        if row["id"] == volume_id:
            return row
    raise ApiError(404, f"Instance {instance.id} is not attached to volume {volume_id[:255]}")


def _volume_view(
    context: ComputeContext, instance: Instance, row: Item, *, new: bool = False
) -> dict[str, Json]:
    """Return a volume of a server; a new one has no ids of its attachment in any version."""
    shown: dict[str, Json] = {
        "volumeId": row["id"],
        "serverId": instance.id,
        "device": row["device"],
    }
    if new or context.minor < WITHOUT_ID_SINCE:
        shown["id"] = row["id"]
    else:
        shown |= {"attachment_id": row["attachment"], "bdm_uuid": row["attachment"]}
    if context.minor >= TAG_SINCE:
        shown["tag"] = row.get("tag")
    if context.minor >= DELETED_SINCE:
        shown["delete_on_termination"] = row["delete_on_termination"]
    return shown


@refusable.get("/servers/{server_id}/os-volume_attachments", answer="VolumeList")
async def list_volumes_of_server(server_id: str, context: Versioned) -> Response:
    """The volumes of a server."""
    instance = context.find(server_id)
    shown = [_volume_view(context, instance, row) for row in _rows(instance)]
    return respond({"volumeAttachments": shown})


@refusable.get("/servers/{server_id}/os-volume_attachments/{volume_id}", answer="OneVolume")
async def show_volume_of_server(server_id: str, volume_id: str, context: Versioned) -> Response:
    """A volume of a server."""
    instance = context.find(server_id)
    row = _volume_view(context, instance, _row(instance, volume_id))
    return respond({"volumeAttachment": row})


@refusable.post("/servers/{server_id}/os-volume_attachments", answer="OneVolume")
async def attach_volume_to_server(
    server_id: str, body: AttachVolume, context: Versioned
) -> Response:
    """Attach a volume that is free."""
    instance, request = context.find(server_id), body.volumeAttachment
    volume = find_volume(context, str(request.volumeId))
    rows = _rows(instance)
    if any(row["id"] == volume.id for row in rows):
        raise ApiError(400, f"Invalid volume: volume {volume.id} already attached")
    if request.device in [row["device"] for row in rows]:
        raise ApiError(409, f"The supplied device path ({request.device}) is in use.")
    if len(rows) >= MOST_VOLUMES:
        raise ApiError(403, f"Maximum number of volumes exceeds {MOST_VOLUMES}")
    require_free(volume)
    asker = context.asker(ATTACH_VOLUME)
    context.compute.request_if_known(instance, ATTACH_VOLUME, asker)
    more = {"delete_on_termination": request.delete_on_termination, "tag": request.tag}
    row = context.cloud.volumes.attach(volume, instance, request.device, asker, **more)
    context.cloud.keep(instance)
    if context.minor >= EMPTY_SINCE:
        return Response(status_code=202)
    return respond({"volumeAttachment": _volume_view(context, instance, row, new=True)})


@refusable.put("/servers/{server_id}/os-volume_attachments/{volume_id}", status_code=202)
async def update_volume_of_server(
    server_id: str, volume_id: str, body: AttachVolume, context: Versioned
) -> Response:
    """Replace a volume by another one, for administrators; or change what becomes of it."""
    instance, cloud = context.find(server_id), context.cloud
    old, wanted = _row(instance, volume_id), str(body.volumeAttachment.volumeId)
    if wanted == volume_id:
        new = {**old, "delete_on_termination": body.volumeAttachment.delete_on_termination}
        rows: list[Json] = [new if row["id"] == volume_id else row for row in _rows(instance)]
        instance.set({"volumes": rows})
        cloud.keep(instance)
        return Response(status_code=202)
    context.require_admin("os_compute_api:os-volumes-attachments:swap")
    volume = find_volume(context, wanted, 400)
    require_free(volume)
    _require_used(context, volume_id)
    asker = context.asker(SWAP_VOLUME)
    context.compute.request_if_known(instance, SWAP_VOLUME, asker)
    _detach(context, instance, volume_id, asker)
    kept = {"delete_on_termination": old["delete_on_termination"], "tag": old.get("tag")}
    cloud.volumes.attach(volume, instance, old["device"], asker, **kept)
    cloud.keep(instance)
    return Response(status_code=202)


@refusable.delete("/servers/{server_id}/os-volume_attachments/{volume_id}", status_code=202)
async def detach_volume_from_server(server_id: str, volume_id: str, context: Versioned) -> Response:
    """Detach a volume."""
    instance = context.find(server_id)
    row = _row(instance, volume_id)
    if row["device"] == ROOT_DEVICE:
        raise ApiError(403, "Cannot detach a root device volume")
    _require_used(context, volume_id)
    asker = context.asker(DETACH_VOLUME)
    context.compute.request_if_known(instance, DETACH_VOLUME, asker)
    _detach(context, instance, volume_id, asker)
    return Response(status_code=202)


def _require_used(context: ComputeContext, volume_id: str) -> None:
    volume = context.cloud.volumes.cloud.instances.get(volume_id)
    if volume is not None and not volume.server.may(DETACH):
        raise ApiError(
            400,
            f"Invalid volume: Unable to detach volume. Volume status must be '{VOLUME_USED}' and "
            "attach_status must be 'attached' to detach.",
        )


def _detach(context: ComputeContext, instance: Instance, volume_id: str, asker: Asker) -> None:
    volume = context.cloud.volumes.cloud.instances.get(volume_id)
    if volume is not None:
        context.cloud.volumes.detach(volume, instance, asker)
