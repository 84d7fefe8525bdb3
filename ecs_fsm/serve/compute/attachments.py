"""Volumes and network ports of a server: show, attach, swap and detach them.

Volumes have any id, since nothing stores them. Ports are those of the networks of the catalog, one
for each network.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase
from typing import cast
from uuid import UUID

from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.catalog import Attachment, catalog
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.vocabulary import (
    ATTACH_INTERFACE,
    ATTACH_VOLUME,
    DETACH_INTERFACE,
    DETACH_VOLUME,
    SWAP_VOLUME,
)
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, respond_json
from ecs_fsm.serve.compute.schemas import REFUSED, FixedAddress, Flag
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.network.ports import attachments, chosen_addresses, free_address

router = Handlers(tags=["compute"], responses=REFUSED)
TAG_SINCE = 70

Volume = Mapping[str, Json]
DELETED_SINCE, WITHOUT_ID_SINCE = 79, 89
MOST_VOLUMES = 25


class AttachedVolume(Body):
    """A volume of a server."""

    volumeId: str  # noqa: N815
    serverId: str  # noqa: N815
    device: str
    id: str | None = None
    tag: str | None = None
    delete_on_termination: bool | None = None


class OneVolume(Body):
    """A volume in an answer."""

    volumeAttachment: AttachedVolume  # noqa: N815


class VolumeList(Body):
    """The volumes."""

    volumeAttachments: list[AttachedVolume]  # noqa: N815


class VolumeRequest(Body):
    """A volume for the server."""

    volumeId: UUID  # noqa: N815
    device: str | None = Field(None, max_length=255)
    tag: str | None = Field(None, max_length=60)
    delete_on_termination: Flag = False


class AttachVolume(Body):
    """The body of an attachment."""

    volumeAttachment: VolumeRequest  # noqa: N815


def _volumes(instance: Instance) -> list[Volume]:
    return [*cast(list[Volume], instance.details.get("volumes") or [])]


def _volume(instance: Instance, volume_id: str) -> Volume:
    """Return a volume of the server. Raises 404 for others."""
    for volume in _volumes(instance):
        if volume["id"] == volume_id:
            return volume
    raise ApiError(404, f"Instance {instance.id} is not attached to volume {volume_id[:255]}")


def _volume_view(context: ComputeContext, instance: Instance, volume: Volume) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "volumeId": volume["id"],
        "serverId": instance.id,
        "device": volume["device"],
    }
    if context.minor < WITHOUT_ID_SINCE:
        shown["id"] = volume["id"]
    else:
        shown |= {"attachment_id": volume["id"], "bdm_uuid": volume["id"]}
    if context.minor >= TAG_SINCE:
        shown["tag"] = volume.get("tag")
    if context.minor >= DELETED_SINCE:
        shown["delete_on_termination"] = volume["delete_on_termination"]
    return shown


def _set_volumes(
    context: ComputeContext, instance: Instance, operation: str, volumes: list[Volume]
) -> None:
    """Set the volumes of a server, if the lifecycle allows it."""
    context.change(instance, operation, {"volumes": cast(list[Json], volumes)})


@router.get("/servers/{server_id}/os-volume_attachments", response_model=VolumeList)
async def list_volumes(server_id: str, context: Versioned) -> Response:
    """The volumes of a server."""
    instance = context.find(server_id)
    shown = [_volume_view(context, instance, volume) for volume in _volumes(instance)]
    return respond_json({"volumeAttachments": shown})


@router.get("/servers/{server_id}/os-volume_attachments/{volume_id}", response_model=OneVolume)
async def show_volume(server_id: str, volume_id: str, context: Versioned) -> Response:
    """A volume of a server."""
    instance = context.find(server_id)
    volume = _volume_view(context, instance, _volume(instance, volume_id))
    return respond_json({"volumeAttachment": volume})


@router.post("/servers/{server_id}/os-volume_attachments", response_model=OneVolume)
async def attach_volume_to_server(
    server_id: str, body: AttachVolume, context: Versioned
) -> Response:
    """Attach a volume, of any id."""
    instance, request = context.find(server_id), body.volumeAttachment
    volumes = _volumes(instance)
    if any(volume["id"] == str(request.volumeId) for volume in volumes):
        raise ApiError(400, f"Volume {request.volumeId} is attached already")
    if len(volumes) >= MOST_VOLUMES:
        raise ApiError(403, f"Maximum number of volumes exceeds {MOST_VOLUMES}")
    taken = {volume["device"] for volume in volumes}
    free = (f"/dev/vd{letter}" for letter in ascii_lowercase[1:])
    volume: Volume = {
        "id": str(request.volumeId),
        "device": request.device or next(name for name in free if name not in taken),
        "delete_on_termination": request.delete_on_termination,
        "tag": request.tag,
    }
    _set_volumes(context, instance, ATTACH_VOLUME, [*volumes, volume])
    return respond_json({"volumeAttachment": _volume_view(context, instance, volume)})


@router.put("/servers/{server_id}/os-volume_attachments/{volume_id}", status_code=202)
async def swap_volume_of_server(
    server_id: str, volume_id: str, body: AttachVolume, context: Versioned
) -> Response:
    """Replace a volume by another one; for administrators."""
    context.require_admin("os_compute_api:os-volumes-attachments:swap")
    instance = context.find(server_id)
    old = _volume(instance, volume_id)
    new = {**old, "id": str(body.volumeAttachment.volumeId)}
    volumes = [new if volume is old else volume for volume in _volumes(instance)]
    _set_volumes(context, instance, SWAP_VOLUME, volumes)
    return Response(status_code=202)


@router.delete("/servers/{server_id}/os-volume_attachments/{volume_id}", status_code=202)
async def detach_volume_from_server(server_id: str, volume_id: str, context: Versioned) -> Response:
    """Detach a volume."""
    instance = context.find(server_id)
    old = _volume(instance, volume_id)
    left = [volume for volume in _volumes(instance) if volume is not old]
    _set_volumes(context, instance, DETACH_VOLUME, left)
    return Response(status_code=202)


class PortAddress(Body):
    """An address of a port."""

    ip_address: str
    subnet_id: str | None = None


class AttachedPort(Body):
    """A port of a server."""

    port_id: str
    port_state: str
    net_id: str
    mac_addr: str
    fixed_ips: list[PortAddress]
    tag: str | None = None


class OnePort(Body):
    """A port in an answer."""

    interfaceAttachment: AttachedPort  # noqa: N815


class PortList(Body):
    """The ports."""

    interfaceAttachments: list[AttachedPort]  # noqa: N815


class FixedIp(Body):
    """An address for the port."""

    ip_address: FixedAddress


class PortRequest(Body):
    """A network for the server, by default one that it is not on yet."""

    net_id: UUID | None = None
    port_id: UUID | None = None
    fixed_ips: list[FixedIp] = Field(default_factory=list, max_length=1)
    tag: str | None = Field(None, max_length=60)


class AttachPort(Body):
    """The body of an attachment."""

    interfaceAttachment: PortRequest = Field(default_factory=dict, validate_default=True)  # noqa: N815


def _port_view(context: ComputeContext, port: Attachment) -> dict[str, Json]:
    address: Json = {"ip_address": port.address, "subnet_id": port.network.subnet.id}
    shown: dict[str, Json] = {
        "port_id": port.port_id,
        "port_state": "ACTIVE",
        "net_id": port.network.id,
        "mac_addr": port.mac,
        "fixed_ips": [address],
    }
    return shown | ({"tag": None} if context.minor >= TAG_SINCE else {})


def _port(context: ComputeContext, instance: Instance, port_id: str) -> Attachment:
    """Return a port of the server. Raises 404 for others."""
    for port in attachments(instance):
        if port.port_id == port_id:
            return port
    raise ApiError(404, f"Port id {port_id[:255]} could not be found.")


@router.get("/servers/{server_id}/os-interface", response_model=PortList)
async def list_interfaces(server_id: str, context: Versioned) -> Response:
    """The ports of a server."""
    ports = attachments(context.find(server_id))
    return respond_json({"interfaceAttachments": [_port_view(context, port) for port in ports]})


@router.get("/servers/{server_id}/os-interface/{port_id}", response_model=OnePort)
async def show_interface(server_id: str, port_id: str, context: Versioned) -> Response:
    """A port of a server."""
    port = _port(context, context.find(server_id), port_id)
    return respond_json({"interfaceAttachment": _port_view(context, port)})


@router.post("/servers/{server_id}/os-interface", response_model=OnePort)
async def attach_interface_to_server(
    server_id: str, body: AttachPort, context: Versioned
) -> Response:
    """Attach the server to a network."""
    instance, request = context.find(server_id), body.interfaceAttachment
    known, networks = catalog().networks, instance.names("networks")
    if request.port_id is not None:
        raise ApiError(400, f"Port {request.port_id} could not be found.")
    free = (network for network in known if network not in networks)
    network = str(request.net_id) if request.net_id else next(free, catalog().default_network.id)
    if network not in known:
        raise ApiError(400, f"Network {network} could not be found.")
    if network in networks:
        raise ApiError(400, f"The server is on network {network} already")
    chosen = chosen_addresses(instance)
    for fixed in request.fixed_ips:
        chosen[network] = free_address(context.cloud, known[network], fixed.ip_address)
    changes: dict[str, Json] = {"networks": [*networks, network], "fixed_ips": {**chosen}}
    context.change(instance, ATTACH_INTERFACE, changes)
    ports = attachments(instance)
    port = next((port for port in ports if port.network.id == network), None)
    if port is None:
        raise ApiError(409, f"The networks of instance {instance.id} are not set up yet")
    return respond_json({"interfaceAttachment": _port_view(context, port)})


@router.delete("/servers/{server_id}/os-interface/{port_id}", status_code=202)
async def detach_interface_from_server(
    server_id: str, port_id: str, context: Versioned
) -> Response:
    """Detach the server from a network."""
    instance = context.find(server_id)
    gone = _port(context, instance, port_id).network.id
    left = [network for network in instance.names("networks") if network != gone]
    chosen = chosen_addresses(instance)
    chosen.pop(gone, None)
    context.change(instance, DETACH_INTERFACE, {"networks": [*left], "fixed_ips": {**chosen}})
    return Response(status_code=202)
