"""The volumes of a server: show, attach, swap and detach them."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import (
    ATTACH_VOLUME,
    DETACH,
    DETACH_VOLUME,
    SWAP_VOLUME,
    VOLUME_USED,
)
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, respond_json
from ecs_fsm.serve.compute.disks import find_volume, require_free
from ecs_fsm.serve.compute.schemas import REFUSED, Flag
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.handlers import Handlers

router = Handlers(tags=["compute"], responses=REFUSED)
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


@router.get("/servers/{server_id}/os-volume_attachments", answer="VolumeList")
async def list_volumes_of_server(server_id: str, context: Versioned) -> Response:
    """The volumes of a server."""
    instance = context.find(server_id)
    shown = [_volume_view(context, instance, row) for row in _rows(instance)]
    return respond_json({"volumeAttachments": shown})


@router.get("/servers/{server_id}/os-volume_attachments/{volume_id}", answer="OneVolume")
async def show_volume_of_server(server_id: str, volume_id: str, context: Versioned) -> Response:
    """A volume of a server."""
    instance = context.find(server_id)
    row = _volume_view(context, instance, _row(instance, volume_id))
    return respond_json({"volumeAttachment": row})


@router.post("/servers/{server_id}/os-volume_attachments", answer="OneVolume")
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
    return respond_json({"volumeAttachment": _volume_view(context, instance, row, new=True)})


@router.put("/servers/{server_id}/os-volume_attachments/{volume_id}", status_code=202)
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


@router.delete("/servers/{server_id}/os-volume_attachments/{volume_id}", status_code=202)
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
