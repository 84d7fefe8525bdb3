"""Volumes of a server: shown, attached, swapped, detached.

They are taken by any id, since nothing here keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase
from typing import cast
from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.compute.asking import Asked, Asking, told
from ecs_fsm.serve.compute.values import Flag
from ecs_fsm.serve.http.answers import REFUSED
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers

router = Handlers(tags=["compute"], responses=REFUSED)
Volume = Mapping[str, Json]
TAG_SINCE, DELETED_SINCE, WITHOUT_ID_SINCE = 70, 79, 89
MOST_VOLUMES = 25


class VolumeTold(Body):
    """A volume of a server."""

    volumeId: str  # noqa: N815
    serverId: str  # noqa: N815
    device: str
    id: str | None = None
    tag: str | None = None
    delete_on_termination: bool | None = None


class OneVolume(Body):
    """A volume in an answer."""

    volumeAttachment: VolumeTold  # noqa: N815


class Volumes(Body):
    """The volumes."""

    volumeAttachments: list[VolumeTold]  # noqa: N815


class VolumeWanted(Body):
    """A volume that the server is to have."""

    volumeId: UUID  # noqa: N815
    device: str | None = Field(None, max_length=255)
    tag: str | None = Field(None, max_length=60)
    delete_on_termination: Flag = False


class AttachVolume(Body):
    """The body of an attachment."""

    volumeAttachment: VolumeWanted  # noqa: N815


def _volumes(instance: Instance) -> list[Volume]:
    return [*cast(list[Volume], instance.details.get("volumes") or [])]


def _volume(instance: Instance, volume_id: str) -> Volume:
    """A volume of the server. Raises 404 for others."""
    for volume in _volumes(instance):
        if volume["id"] == volume_id:
            return volume
    raise ApiError(404, f"Instance {instance.id} is not attached to volume {volume_id[:255]}")


def _shown_volume(asking: Asking, instance: Instance, volume: Volume) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "volumeId": volume["id"],
        "serverId": instance.id,
        "device": volume["device"],
    }
    if asking.minor < WITHOUT_ID_SINCE:
        shown["id"] = volume["id"]
    else:
        shown |= {"attachment_id": volume["id"], "bdm_uuid": volume["id"]}
    if asking.minor >= TAG_SINCE:
        shown["tag"] = volume.get("tag")
    if asking.minor >= DELETED_SINCE:
        shown["delete_on_termination"] = volume["delete_on_termination"]
    return shown


def _set_volumes(asking: Asking, instance: Instance, operation: str, volumes: list[Volume]) -> None:
    """Gives a server its volumes, if the lifecycle allows it."""
    asking.change(instance, operation, {"volumes": cast(list[Json], volumes)})


@router.get("/servers/{server_id}/os-volume_attachments", response_model=Volumes)
async def list_volumes(server_id: str, asked: Asked) -> Response:
    """The volumes of a server."""
    instance = asked.find(server_id)
    shown = [_shown_volume(asked, instance, volume) for volume in _volumes(instance)]
    return told({"volumeAttachments": shown})


@router.get("/servers/{server_id}/os-volume_attachments/{volume_id}", response_model=OneVolume)
async def show_volume(server_id: str, volume_id: str, asked: Asked) -> Response:
    """A volume of a server."""
    instance = asked.find(server_id)
    volume = _shown_volume(asked, instance, _volume(instance, volume_id))
    return told({"volumeAttachment": volume})


@router.post("/servers/{server_id}/os-volume_attachments", response_model=OneVolume)
async def attach_volume_to_server(server_id: str, body: AttachVolume, asked: Asked) -> Response:
    """Gives the server a volume."""
    instance, wanted = asked.find(server_id), body.volumeAttachment
    volumes = _volumes(instance)
    if any(volume["id"] == str(wanted.volumeId) for volume in volumes):
        raise ApiError(400, f"Volume {wanted.volumeId} is attached already")
    if len(volumes) >= MOST_VOLUMES:
        raise ApiError(403, f"Maximum number of volumes exceeds {MOST_VOLUMES}")
    taken = {volume["device"] for volume in volumes}
    free = (f"/dev/vd{letter}" for letter in ascii_lowercase[1:])
    volume: Volume = {
        "id": str(wanted.volumeId),
        "device": wanted.device or next(name for name in free if name not in taken),
        "delete_on_termination": wanted.delete_on_termination,
        "tag": wanted.tag,
    }
    operation = asked.compute.words.operations.attach_volume
    _set_volumes(asked, instance, operation, [*volumes, volume])
    return told({"volumeAttachment": _shown_volume(asked, instance, volume)})


@router.put("/servers/{server_id}/os-volume_attachments/{volume_id}", status_code=202)
async def swap_volume_of_server(
    server_id: str, volume_id: str, body: AttachVolume, asked: Asked
) -> Response:
    """Replaces a volume by another one; for administrators."""
    asked.administrator("os_compute_api:os-volumes-attachments:swap")
    instance = asked.find(server_id)
    old = _volume(instance, volume_id)
    new = {**old, "id": str(body.volumeAttachment.volumeId)}
    volumes = [new if volume is old else volume for volume in _volumes(instance)]
    _set_volumes(asked, instance, asked.compute.words.operations.swap_volume, volumes)
    return Response(status_code=202)


@router.delete("/servers/{server_id}/os-volume_attachments/{volume_id}", status_code=202)
async def detach_volume_from_server(server_id: str, volume_id: str, asked: Asked) -> Response:
    """Takes a volume from the server."""
    instance = asked.find(server_id)
    old = _volume(instance, volume_id)
    left = [volume for volume in _volumes(instance) if volume is not old]
    _set_volumes(asked, instance, asked.compute.words.operations.detach_volume, left)
    return Response(status_code=202)
