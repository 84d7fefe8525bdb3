"""What hangs on a server without touching its state: metadata, tags, addresses, and small reports.

The lifecycle is asked where it has a word about it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.api.answers import REFUSED, Address
from ecs_fsm.serve.api.asking import Asked, Asking, told
from ecs_fsm.serve.api.bodies import Body
from ecs_fsm.serve.api.creating import MOST_TAGS, Items, Tag, within_quota
from ecs_fsm.serve.api.errors import ApiError
from ecs_fsm.serve.api.results import url_of_console
from ecs_fsm.serve.api.shapes import names
from ecs_fsm.serve.instance import Instance

router = APIRouter(tags=["compute"], responses=REFUSED)
TAGS_SINCE, DIAGNOSTICS_SINCE = 26, 48


class Metadata(Body):
    """All entries, or those that are to be set."""

    metadata: Items


class Meta(Body):
    """One entry."""

    meta: Items = Field(min_length=1, max_length=1)


class Tags(Body):
    """All tags."""

    tags: list[Tag] = Field(max_length=MOST_TAGS)


class Addresses(Body):
    """The addresses by network."""

    addresses: dict[str, list[Address]]


class Password(Body):
    """The password of the guest's administrator, encrypted; empty where there is none."""

    password: str


def _set(asking: Asking, instance: Instance, metadata: dict[str, str], operation: str) -> None:
    """Gives a server its metadata, if the lifecycle allows it."""
    within_quota(metadata)
    asking.compute.ask_if_known(instance, operation, asking.asker(operation))
    instance.metadata = metadata
    asking.cloud.keep(instance)


def _entry(instance: Instance, key: str) -> str:
    """The value of an entry. Raises 404 where there is none."""
    if key not in instance.metadata:
        raise ApiError(404, "Metadata item was not found")
    return instance.metadata[key]


@router.get("/servers/{server_id}/metadata", response_model=Metadata)
async def list_metadata(server_id: str, asked: Asked) -> Response:
    """The metadata."""
    return told({"metadata": asked.find(server_id).metadata})


@router.post("/servers/{server_id}/metadata", response_model=Metadata)
async def update_metadata(server_id: str, body: Metadata, asked: Asked) -> Response:
    """Sets entries and leaves the others."""
    instance = asked.find(server_id)
    operation = asked.compute.words.operations.update_metadata
    _set(asked, instance, {**instance.metadata, **body.metadata}, operation)
    return told({"metadata": instance.metadata})


@router.put("/servers/{server_id}/metadata", response_model=Metadata)
async def replace_metadata(server_id: str, body: Metadata, asked: Asked) -> Response:
    """Sets entries and removes the others."""
    instance = asked.find(server_id)
    _set(asked, instance, dict(body.metadata), asked.compute.words.operations.update_metadata)
    return told({"metadata": instance.metadata})


@router.get("/servers/{server_id}/metadata/{key}", response_model=Meta)
async def show_metadata_item(server_id: str, key: str, asked: Asked) -> Response:
    """One entry."""
    return told({"meta": {key: _entry(asked.find(server_id), key)}})


@router.put("/servers/{server_id}/metadata/{key}", response_model=Meta)
async def set_metadata_item(server_id: str, key: str, body: Meta, asked: Asked) -> Response:
    """Sets one entry."""
    instance = asked.find(server_id)
    if key not in body.meta:
        raise ApiError(400, "Request body and URI mismatch")
    operation = asked.compute.words.operations.update_metadata
    _set(asked, instance, {**instance.metadata, **body.meta}, operation)
    return told({"meta": body.meta})


@router.delete("/servers/{server_id}/metadata/{key}", status_code=204)
async def delete_metadata_item(server_id: str, key: str, asked: Asked) -> Response:
    """Removes one entry."""
    instance = asked.find(server_id)
    _entry(instance, key)
    left = {name: value for name, value in instance.metadata.items() if name != key}
    _set(asked, instance, left, asked.compute.words.operations.delete_metadata)
    return Response(status_code=204)


def _tag(asking: Asking, server_id: str) -> Instance:
    asking.since(TAGS_SINCE)
    return asking.find(server_id)


def _retag(asking: Asking, instance: Instance, tags: list[str]) -> None:
    instance.set({"tags": [*tags]})
    asking.cloud.keep(instance)


def _tagged(instance: Instance, tag: str) -> None:
    """Raises 404 for a tag that the server does not have."""
    if tag not in names(instance, "tags"):
        raise ApiError(404, f"Server {instance.id} has no tag '{tag}'")


AnyTag = Annotated[str, Path(max_length=255)]


@router.get("/servers/{server_id}/tags", response_model=Tags)
async def list_tags(server_id: str, asked: Asked) -> Response:
    """The tags."""
    return told({"tags": names(_tag(asked, server_id), "tags")})


@router.put("/servers/{server_id}/tags", response_model=Tags)
async def replace_tags(server_id: str, body: Tags, asked: Asked) -> Response:
    """Sets all tags."""
    instance = _tag(asked, server_id)
    _retag(asked, instance, list(dict.fromkeys(body.tags)))
    return told({"tags": names(instance, "tags")})


@router.delete("/servers/{server_id}/tags", status_code=204)
async def delete_tags(server_id: str, asked: Asked) -> Response:
    """Removes all tags."""
    _retag(asked, _tag(asked, server_id), [])
    return Response(status_code=204)


@router.get("/servers/{server_id}/tags/{tag}", status_code=204)
async def show_tag(server_id: str, tag: AnyTag, asked: Asked) -> Response:
    """Whether the server has the tag."""
    _tagged(_tag(asked, server_id), tag)
    return Response(status_code=204)


@router.put("/servers/{server_id}/tags/{tag}", status_code=201, responses={204: {}})
async def add_tag(server_id: str, tag: Tag, asked: Asked) -> Response:
    """Gives the server one tag more; 204 for one that it has."""
    instance = _tag(asked, server_id)
    tags = names(instance, "tags")
    if tag in tags:
        return Response(status_code=204)
    if len(tags) >= MOST_TAGS:
        raise ApiError(400, f"The number of tags exceeds {MOST_TAGS}")
    _retag(asked, instance, [*tags, tag])
    url = f"{asked.root}/servers/{instance.id}/tags/{tag}"
    return Response(status_code=201, headers={"Location": url})


@router.delete("/servers/{server_id}/tags/{tag}", status_code=204)
async def delete_tag(server_id: str, tag: AnyTag, asked: Asked) -> Response:
    """Takes a tag from the server."""
    instance = _tag(asked, server_id)
    _tagged(instance, tag)
    _retag(asked, instance, [other for other in names(instance, "tags") if other != tag])
    return Response(status_code=204)


CONSOLES_SINCE = 6


@router.get("/servers/{server_id}/ips", response_model=Addresses)
async def list_ips(server_id: str, asked: Asked) -> Response:
    """The addresses by network."""
    return told({"addresses": asked.compute.shapes.addresses(asked.find(server_id), False)})


@router.get("/servers/{server_id}/ips/{label}", response_model=dict[str, list[Address]])
async def show_ips(server_id: str, label: str, asked: Asked) -> Response:
    """The addresses on one network."""
    addresses = asked.compute.shapes.addresses(asked.find(server_id), False)
    if label not in addresses:
        raise ApiError(404, "Network label not found.")
    return told({label: addresses[label]})


NO_TRAFFIC = {
    f"{way}_{what}": 0
    for way in ("rx", "tx")
    for what in ("octets", "errors", "drop", "packets", "rate")
}


@router.get("/servers/{server_id}/diagnostics")
async def show_diagnostics(server_id: str, asked: Asked) -> Response:
    """What the host knows of the server; for administrators."""
    asked.administrator("os_compute_api:os-server-diagnostics")
    instance = asked.find(server_id)
    flavor = asked.compute.catalog.flavors[instance.flavor]
    if asked.minor < DIAGNOSTICS_SINCE:
        return told({"memory": flavor.ram * 1024, "vda_read": 0, "vda_write": 0, "cpu0_time": 0})
    up = 0.0 if instance.launched is None else asked.cloud.now - instance.launched
    ports = asked.compute.shapes.attachments(instance)
    return told(
        {
            "config_drive": bool(instance.details.get("config_drive")),
            "cpu_details": [{"id": n, "time": 0, "utilisation": 0} for n in range(flavor.vcpus)],
            "disk_details": [],
            "driver": "libvirt",
            "hypervisor": "kvm",
            "hypervisor_os": "linux",
            "memory_details": {"maximum": flavor.ram, "used": 0},
            "nic_details": [{"mac_address": port.mac} | NO_TRAFFIC for port in ports],
            "num_cpus": flavor.vcpus,
            "num_disks": 1,
            "num_nics": len(ports),
            "state": "running" if instance.launched is not None else "pending",
            "uptime": int(up),
        }
    )


@router.get("/servers/{server_id}/os-server-password", response_model=Password)
async def show_password(server_id: str, asked: Asked) -> Response:
    """The encrypted password; no guest here ever sets one."""
    asked.find(server_id)
    return told({"password": ""})


@router.delete("/servers/{server_id}/os-server-password", status_code=204)
async def clear_password(server_id: str, asked: Asked) -> Response:
    """Forgets the encrypted password."""
    asked.find(server_id)
    return Response(status_code=204)


@router.get("/servers/{server_id}/os-security-groups")
async def list_security_groups_of_server(server_id: str, asked: Asked) -> Response:
    """The security groups, by name; they hold nothing back here."""
    instance = asked.find(server_id)
    shown = [
        {
            "id": group,
            "name": group,
            "description": group,
            "tenant_id": instance.project_id,
            "rules": [],
        }
        for group in names(instance, "security_groups")
    ]
    return told({"security_groups": shown})


class ConsoleWanted(Body):
    """A console by its protocol and kind."""

    protocol: str = Field(pattern="^(vnc|spice|serial|rdp|mks)$")
    type: str = Field(pattern="^(novnc|xvpvnc|spice-html5|spice-direct|serial|rdp-html5|webmks)$")


class RemoteConsole(Body):
    """The body of a request for a console."""

    remote_console: ConsoleWanted


@router.post("/servers/{server_id}/remote-consoles")
async def create_remote_console(server_id: str, body: RemoteConsole, asked: Asked) -> Response:
    """Where a console would be found; nothing listens there."""
    asked.since(CONSOLES_SINCE)
    instance, wanted = asked.find(server_id), body.remote_console
    url = url_of_console(asked, instance)
    shown = {"protocol": wanted.protocol, "type": wanted.type, "url": url}
    return told({"remote_console": shown})
