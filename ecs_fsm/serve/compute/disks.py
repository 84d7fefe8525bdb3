"""What servers start from: flavors, images and volumes; the volumes and shares that they have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID, uuid5

from starlette.responses import Response

from ecs_fsm.serve.cloud import vocabulary as words
from ecs_fsm.serve.cloud.imagestore import ACTIVE
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.compute.api import ComputeContext, OfServer, error
from ecs_fsm.serve.compute.nova_schemas import as_flag
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.volume.routes import SERVICE as VOLUME

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
        raise error(400, "image_too_large", disk=disk, size=image["size"])
    if disk and least > disk:
        raise error(400, "disk_too_small", disk=disk, least=least)


class Disk(NamedTuple):
    """A volume of a new server: one that exists, or one to be made of so many GiB."""

    device: Item
    volume: Instance | None
    size: int
    image: str | None = None


def find_volume(context: ComputeContext, volume_id: str, code: int = 404) -> Instance:
    """Return a volume. Raises 404, or another code, for an unknown one."""
    found = VOLUME.kinds["volumes"].find(context, volume_id, code)
    return context.cloud.volumes.cloud.instances[found["id"]]


def require_free(volume: Instance) -> None:
    """Raise 400 for a volume that cannot be attached, also since it is attached already."""
    if not volume.server.may(words.ATTACH):
        raise error(400, "volume_not_free", id=volume.id, status=volume.state.status.value)


def boots(device: Item) -> bool:
    """Return whether a server boots from a device of its creation."""
    return str(device.get("boot_index")) == "0"


def _is_volume(device: Item) -> bool:
    """Return whether a device becomes a volume rather than a disk of the host."""
    usual = "volume" if device.get("source_type", "volume") in ("volume", "snapshot") else "local"
    return (device.get("destination_type") or usual) == "volume"


def disks_of(context: ComputeContext, given: Item, count: int) -> tuple[str | None, list[Disk]]:
    """Return the image that the server boots from, None for a volume, and its volumes."""
    devices, image = given.get("block_device_mapping_v2", []), given.get("imageRef")
    disks = [_disk(context, device, count) for device in devices[:26] if _is_volume(device)]
    first = next((device for device in devices if boots(device)), None)
    if first is not None and first.get("source_type") == "image":
        image = image_of(context, first.get("uuid") or image or "")
        return (None if _is_volume(first) else image), disks
    if first is not None:
        return None, disks
    if not image:
        raise ApiError(400, "Invalid imageRef provided.")
    return image_of(context, image), disks


def _disk(context: ComputeContext, device: Item, count: int) -> Disk:
    """Return a volume of a creation. Raises 400 for an impossible one."""
    source, size = device.get("source_type", "volume"), int(device.get("volume_size") or 0)
    if source == "volume":
        volume = find_volume(context, str(device.get("uuid")), 400)
        if count > 1:
            raise ApiError(400, "Cannot attach one or more volumes to multiple instances")
        require_free(volume)
        return Disk(device, volume, 0)
    if source == "snapshot":
        kept = context.cloud.resources.of("snapshots").get(device.get("uuid"))
        if kept is None:
            raise error(400, "no_snapshot", id=str(device.get("uuid"))[:255])
        return Disk(device, None, size or kept["size"])
    if not size:
        raise error(400, "no_size_blank" if source == "blank" else "no_size_image")
    image = image_of(context, device.get("uuid") or "") if source == "image" else None
    return Disk(device, None, size, image)


def give(context: ComputeContext, instance: Instance, disks: Iterable[Disk], asker: Asker) -> None:
    """Attach the volumes of a new server, which are made if they are not there."""
    volumes, zone = context.cloud.volumes, context.cloud.zone_of(instance)
    for device, known, size, image in disks:
        snapshot = device.get("uuid") if device.get("source_type") == "snapshot" else None
        new: Item = {"zone": zone, "snapshot_id": snapshot, "bootable": boots(device)}
        volume = known or volumes.create(asker, "", size, image, **new)
        row: Item = {"boots": boots(device), **_kept(device)}
        volumes.attach(volume, instance, device.get("device_name"), asker, **row)


WITHOUT_ID_SINCE, SHARES_SINCE, EMPTY_SINCE = 89, 97, 101
ROOT_DEVICE = "/dev/vda"
MOST_VOLUMES = 25


class ServerVolumes(OfServer):
    """The volumes of a server: show, attach, swap and detach them."""

    def more(self, context: ComputeContext, item: Item) -> Item:
        """Show the server, and the id of the volume as that of the row below 2.89."""
        own = {"id": item["id"]} if context.minor < WITHOUT_ID_SINCE else {}
        return {"serverId": context.request.path_params["server_id"], **own}

    def shown_new(self, context: ComputeContext, item: Item) -> Item:
        """Return a volume that has no ids of its attachment yet, in any version."""
        shown = self.shown(context, item) | {"id": item["id"]}
        return {n: shown[n] for n in shown if n not in ("attachment_id", "bdm_uuid")}

    def create(self, context: ComputeContext, given: Item) -> Item:
        """Attach a volume that is free."""
        instance, rows, device = self.server(context), self.items(context), given.get("device")
        volume = find_volume(context, str(UUID(given["volumeId"])))
        if any(row["id"] == volume.id for row in rows):
            raise ApiError(400, f"Invalid volume: volume {volume.id} already attached")
        if device in [row["device"] for row in rows]:
            raise ApiError(409, f"The supplied device path ({device}) is in use.")
        if len(rows) >= MOST_VOLUMES:
            raise ApiError(403, f"Maximum number of volumes exceeds {MOST_VOLUMES}")
        require_free(volume)
        asker = context.request_if_known(instance, words.ATTACH_VOLUME)
        return context.cloud.volumes.attach(volume, instance, device, asker, **_kept(given))

    def answer_new(self, context: ComputeContext, item: Item) -> Response:
        """Return the new row, from 2.101 on nothing."""
        if context.minor >= EMPTY_SINCE:
            return Response(status_code=202)
        return super().answer_new(context, item)

    def update(self, context: ComputeContext, item: Item, changes: Item) -> Item:
        """Replace a volume by another one, for administrators; or change what becomes of it."""
        instance, cloud = self.server(context), context.cloud
        wanted = str(UUID(changes["volumeId"]))
        if wanted == item["id"]:
            new = {**item, "delete_on_termination": _goes(changes)}
            rows: list[Json] = [new if row is item else row for row in self.items(context)]
            cloud.keep(instance, {"volumes": rows})
            return new
        context.require_admin("os_compute_api:os-volumes-attachments:swap")
        volume = find_volume(context, wanted, 400)
        require_free(volume)
        asker = _detach(context, instance, item["id"], words.SWAP_VOLUME)
        return cloud.volumes.attach(volume, instance, item["device"], asker, **_kept(item))

    def delete(self, context: ComputeContext, item: Item) -> None:
        """Detach a volume."""
        instance = self.server(context)
        if item["device"] == ROOT_DEVICE:
            raise ApiError(403, "Cannot detach a root device volume")
        _detach(context, instance, item["id"], words.DETACH_VOLUME)


def _goes(given: Item) -> bool:
    """Return whether a volume goes with its server."""
    return bool(as_flag(given.get("delete_on_termination", False)))


def _kept(given: Item) -> Item:
    """Return what the row of a volume has beside its place."""
    return {"delete_on_termination": _goes(given), "tag": given.get("tag")}


def _detach(context: ComputeContext, instance: Instance, volume_id: str, operation: str) -> Asker:
    """Detach a volume by an operation of its server. Return who requested that."""
    volumes = context.cloud.volumes
    volume = volumes.cloud.instances.get(volume_id)
    if volume is not None and not volume.server.may(words.DETACH):
        raise error(400, "volume_not_used")
    asker = context.request_if_known(instance, operation)
    if volume is not None:
        volumes.detach(volume, instance, asker)
    return asker


class Shares(OfServer):
    """Shares of files that servers have. Nothing stores them: a share has any id, and is there."""

    def server(self, context: ComputeContext) -> Instance:
        """Return the server. Raises 404 before there were shares."""
        context.require_version(since=SHARES_SINCE)
        return super().server(context)

    def shown(self, context: ComputeContext, item: Item) -> Item:
        """Return a share, which is active while the server has its memory."""
        instance = self.server(context)
        mounted = words.POWER_STATES.get(instance.state.vm_state) in (words.RUNNING, words.PAUSED)
        status = "active" if mounted else "inactive"
        shown: Item = {"share_id": item["id"], "status": status, "tag": item["tag"]}
        if context.caller.admin:
            shown["uuid"] = str(uuid5(UUID(instance.id), item["id"]))
            shown["export_location"] = f"192.0.2.200:/shares/{item['id']}"
        return shown

    def shown_new(self, context: ComputeContext, item: Item) -> Item:
        """Return a share that is on its way."""
        return self.shown(context, item) | {"status": "attaching"}

    def create(self, context: ComputeContext, given: Item) -> Item:
        """Attach a share to a server that is off; its tag is its id by default."""
        shares, share_id = self.items(context), str(UUID(given["share_id"]))
        new = {"id": share_id, "tag": given.get("tag") or share_id}
        if any(share["id"] == share_id or share["tag"] == new["tag"] for share in shares):
            text = f"Share '{share_id}' or tag '{new['tag']}' already associated to this server."
            raise ApiError(409, text)
        context.change(self.server(context), words.ATTACH_SHARE, {"shares": [*shares, new]})
        return new

    def delete(self, context: ComputeContext, item: Item) -> None:
        """Detach a share from a server that is off."""
        left: list[Json] = [share for share in self.items(context) if share != item]
        context.change(self.server(context), words.DETACH_SHARE, {"shares": left})
