"""Volumes and network ports of a server: shown, attached, detached.

Volumes are taken by any id, since nothing here keeps them; ports are those of the catalog's
networks, one for each network.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase
from typing import Any, cast
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.api.answers import REFUSED
from ecs_fsm.serve.api.asking import Asked, Asking, told
from ecs_fsm.serve.api.bodies import Body
from ecs_fsm.serve.api.creating import Flag
from ecs_fsm.serve.api.errors import ApiError
from ecs_fsm.serve.api.shapes import names
from ecs_fsm.serve.catalog import Attachment
from ecs_fsm.serve.instance import Instance, Json

router = APIRouter(tags=["compute"], responses=REFUSED)
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


class Address(Body):
    """An address of a port."""

    ip_address: str
    subnet_id: str | None = None


class PortTold(Body):
    """A port of a server."""

    port_id: str
    port_state: str
    net_id: str
    mac_addr: str
    fixed_ips: list[Address]
    tag: str | None = None


class OnePort(Body):
    """A port in an answer."""

    interfaceAttachment: PortTold  # noqa: N815


class Ports(Body):
    """The ports."""

    interfaceAttachments: list[PortTold]  # noqa: N815


class PortWanted(Body):
    """A network on which the server is to hang; the usual one where none is named."""

    net_id: UUID | None = None
    port_id: UUID | None = None
    fixed_ips: list[dict[str, Any]] | None = None
    tag: str | None = Field(None, max_length=60)


class AttachPort(Body):
    """The body of an attachment."""

    interfaceAttachment: PortWanted  # noqa: N815


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
    asking.compute.ask_if_known(instance, operation, asking.asker(operation))
    instance.set({"volumes": cast(list[Json], volumes)})
    asking.cloud.keep(instance)


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


def _shown_port(asking: Asking, port: Attachment) -> dict[str, Json]:
    address: Json = {"ip_address": port.address, "subnet_id": port.network.subnet.id}
    shown: dict[str, Json] = {
        "port_id": port.port_id,
        "port_state": "ACTIVE",
        "net_id": port.network.id,
        "mac_addr": port.mac,
        "fixed_ips": [address],
    }
    return shown | ({"tag": None} if asking.minor >= TAG_SINCE else {})


def _port(asking: Asking, instance: Instance, port_id: str) -> Attachment:
    """A port of the server. Raises 404 for others."""
    for port in asking.compute.shapes.attachments(instance):
        if port.port_id == port_id:
            return port
    raise ApiError(404, f"Port id {port_id[:255]} could not be found.")


def _set_networks(asking: Asking, instance: Instance, operation: str, networks: list[str]) -> None:
    """Hangs a server on networks, if the lifecycle allows it."""
    asking.compute.ask_if_known(instance, operation, asking.asker(operation))
    instance.set({"networks": [*networks]})
    asking.cloud.keep(instance)


@router.get("/servers/{server_id}/os-interface", response_model=Ports)
async def list_interfaces(server_id: str, asked: Asked) -> Response:
    """The ports of a server."""
    ports = asked.compute.shapes.attachments(asked.find(server_id))
    return told({"interfaceAttachments": [_shown_port(asked, port) for port in ports]})


@router.get("/servers/{server_id}/os-interface/{port_id}", response_model=OnePort)
async def show_interface(server_id: str, port_id: str, asked: Asked) -> Response:
    """A port of a server."""
    port = _port(asked, asked.find(server_id), port_id)
    return told({"interfaceAttachment": _shown_port(asked, port)})


@router.post("/servers/{server_id}/os-interface", response_model=OnePort)
async def attach_interface_to_server(server_id: str, body: AttachPort, asked: Asked) -> Response:
    """Hangs the server on one more network."""
    instance, wanted = asked.find(server_id), body.interfaceAttachment
    catalog, networks = asked.compute.catalog, names(instance, "networks")
    if wanted.port_id is not None:
        raise ApiError(400, f"Port {wanted.port_id} could not be found.")
    free = (network for network in catalog.networks if network not in networks)
    network = str(wanted.net_id) if wanted.net_id else next(free, catalog.default_network.id)
    if network not in catalog.networks:
        raise ApiError(400, f"Network {network} could not be found.")
    if network in networks:
        raise ApiError(400, f"The server is on network {network} already")
    operation = asked.compute.words.operations.attach_interface
    _set_networks(asked, instance, operation, [*networks, network])
    ports = asked.compute.shapes.attachments(instance)
    port = next((port for port in ports if port.network.id == network), None)
    if port is None:
        raise ApiError(409, f"The networks of instance {instance.id} are not set up yet")
    return told({"interfaceAttachment": _shown_port(asked, port)})


@router.delete("/servers/{server_id}/os-interface/{port_id}", status_code=202)
async def detach_interface_from_server(server_id: str, port_id: str, asked: Asked) -> Response:
    """Takes the server off a network."""
    instance = asked.find(server_id)
    gone = _port(asked, instance, port_id).network.id
    left = [network for network in names(instance, "networks") if network != gone]
    _set_networks(asked, instance, asked.compute.words.operations.detach_interface, left)
    return Response(status_code=202)
