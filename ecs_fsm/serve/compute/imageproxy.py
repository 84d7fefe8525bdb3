"""The compute API's old proxy for images, with their metadata.

It is what clients ask by name before they have negotiated a microversion; from 2.36 it is gone,
the metadata from 2.39.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.catalog import Image
from ecs_fsm.serve.cloud.imagestore import ACTIVE, QUEUED, SAVING
from ecs_fsm.serve.compute.asking import Asked, Asking, told
from ecs_fsm.serve.compute.filters import moment
from ecs_fsm.serve.compute.shapes import Shape, links
from ecs_fsm.serve.compute.values import MOST_ITEMS, Items, Text
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, Body, Link
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.paging import Limit, Marker, next_url, page
from ecs_fsm.serve.image.images import Filter, images_of

NO_PROXY, NO_METADATA = 36, 39
STATUSES = {QUEUED: ("SAVING", 25), SAVING: ("SAVING", 50), ACTIVE: ("ACTIVE", 100)}
"""The status and the progress that the proxy shows, by the status of the image service."""


class OldImage(Body):
    """An image as the compute API shows it."""

    id: str
    name: str
    links: list[Link]


class OldImages(Body):
    """The compute API's list of images."""

    images: list[OldImage]
    images_links: list[Link] | None = None


class OneOldImage(Body):
    """One image of the compute API."""

    image: OldImage


class Metadata(Body):
    """The metadata of an image."""

    metadata: Items


class OneItem(Body):
    """One entry of the metadata."""

    meta: dict[str, Text] = Field(min_length=1, max_length=1)


class Wanted(Body):
    """Which images."""

    name: Filter = None
    status: Filter = None
    server: Filter = None
    type: Filter = None
    changes_since: Filter = Field(None, alias="changes-since")
    limit: Limit = None
    marker: Marker = None


router = Handlers(tags=["images"], responses=COMPUTE_ERRORS)


def _still_there(asking: Asking, until: int = NO_PROXY) -> None:
    if asking.minor >= until:
        raise ApiError(404, "The resource could not be found.")


def _found(asking: Asking, image_id: str) -> Image:
    caller = asking.caller
    image = images_of(asking.request).find(image_id, caller.project_id, caller.admin)
    if image is None:
        raise ApiError(404, "Image not found.")
    return image


def _own(asking: Asking, image_id: str) -> Image:
    image, caller = _found(asking, image_id), asking.caller
    if image.owner is None or not (caller.admin or image.owner == caller.project_id):
        raise ApiError(403, "You are not allowed to change this image.")
    return image


@router.get("/images", response_model=OldImages)
async def list_images_of_compute(asked: Asked, wanted: Annotated[Wanted, Query()]) -> Response:
    """The images with their names, below 2.36."""
    return _listed(asked, wanted, False)


@router.get("/images/detail", response_model=OldImages)
async def list_images_of_compute_in_detail(
    asked: Asked, wanted: Annotated[Wanted, Query()]
) -> Response:
    """The images with all that is known of them, below 2.36."""
    return _listed(asked, wanted, True)


def _listed(asked: Asking, wanted: Wanted, detailed: bool) -> Response:
    _still_there(asked)
    seen = images_of(asked.request).seen_by(asked.caller.project_id, asked.caller.admin)
    found = [image for image in seen if _meant(image, wanted)]
    items, following = page(found, wanted.limit, wanted.marker)
    tell = _in_detail if detailed else _in_brief
    body: Shape = {"images": [tell(asked, image) for image in items]}
    if following:
        href = next_url(asked.request, asked.base, following)
        body["images_links"] = [{"rel": "next", "href": href}]
    return told(body)


def _meant(image: Image, wanted: Wanted) -> bool:
    """Whether a query asks for it."""
    if wanted.changes_since is not None:
        changed = moment("changes-since", image.updated or image.created)
        if changed < moment("changes-since", wanted.changes_since):
            return False
    server = wanted.server.rpartition("/")[2] if wanted.server else None
    kind = image.properties.get("image_type", "server" if image.owner else "base")
    return (
        wanted.name in (None, image.name)
        and (wanted.status is None or STATUSES[image.status][0] == wanted.status.upper())
        and server in (None, image.properties.get("instance_uuid"))
        and wanted.type in (None, kind)
    )


@router.get("/images/{image_id}", response_model=OneOldImage)
async def show_image_of_compute(image_id: str, asked: Asked) -> Response:
    """One image, by id, below 2.36."""
    _still_there(asked)
    return told({"image": _in_detail(asked, _found(asked, image_id))})


@router.delete("/images/{image_id}", status_code=204)
async def delete_image_of_compute(image_id: str, asked: Asked) -> Response:
    """Takes an image away, below 2.36."""
    _still_there(asked)
    images_of(asked.request).delete(_own(asked, image_id).id)
    return Response(status_code=204)


def _in_brief(asking: Asking, image: Image) -> Shape:
    root = asking.base + asking.request.scope["path"].partition("/images")[0]
    alternate = {"rel": "alternate", "href": f"{asking.base}/image/images/{image.id}"}
    return {
        "id": image.id,
        "name": image.name,
        "links": [*links(root, "images", image.id), {**alternate}],
    }


def _in_detail(asking: Asking, image: Image) -> Shape:
    status, progress = STATUSES[image.status]
    shown = _in_brief(asking, image) | {
        "status": status,
        "progress": progress,
        "minDisk": image.min_disk,
        "minRam": image.min_ram,
        "created": image.created,
        "updated": image.updated or image.created,
        "metadata": {**image.properties},
        "OS-EXT-IMG-SIZE:size": image.size,
    }
    server_id = image.properties.get("instance_uuid")
    if server_id is not None:
        root = asking.base + asking.request.scope["path"].partition("/images")[0]
        shown["server"] = {"id": server_id, "links": links(root, "servers", server_id)}
    return shown


def _told_metadata(asked: Asking, image: Image, metadata: Mapping[str, str] | None) -> Response:
    """The metadata, once it is what was asked for, if anything was."""
    if metadata is None:
        return told({"metadata": {**image.properties}})
    if len(metadata) > MOST_ITEMS:
        raise ApiError(403, f"Image metadata limit exceeded: {MOST_ITEMS} at most")
    store = images_of(asked.request)
    store.add(replace(image, properties={**metadata}, updated=store.date()))
    return told({"metadata": {**metadata}})


@router.get("/images/{image_id}/metadata", response_model=Metadata)
async def list_image_metadata(image_id: str, asked: Asked) -> Response:
    """The metadata of an image, below 2.39."""
    _still_there(asked, NO_METADATA)
    return _told_metadata(asked, _found(asked, image_id), None)


@router.put("/images/{image_id}/metadata", response_model=Metadata)
async def replace_image_metadata(image_id: str, body: Metadata, asked: Asked) -> Response:
    """Other metadata instead of all that there was, below 2.39."""
    _still_there(asked, NO_METADATA)
    return _told_metadata(asked, _own(asked, image_id), body.metadata)


@router.post("/images/{image_id}/metadata", response_model=Metadata)
async def update_image_metadata(image_id: str, body: Metadata, asked: Asked) -> Response:
    """More metadata, below 2.39."""
    _still_there(asked, NO_METADATA)
    image = _own(asked, image_id)
    return _told_metadata(asked, image, {**image.properties, **body.metadata})


def _one(image: Image, key: str) -> Sequence[str]:
    """The value of a key. Raises 404 where there is none."""
    if key not in image.properties:
        raise ApiError(404, "Metadata item was not found")
    return image.properties[key]


@router.get("/images/{image_id}/metadata/{key}", response_model=OneItem)
async def show_image_metadata_item(image_id: str, key: str, asked: Asked) -> Response:
    """One entry of the metadata, below 2.39."""
    _still_there(asked, NO_METADATA)
    return told({"meta": {key: _one(_found(asked, image_id), key)}})


@router.put("/images/{image_id}/metadata/{key}", response_model=OneItem)
async def set_image_metadata_item(image_id: str, key: str, body: OneItem, asked: Asked) -> Response:
    """One entry of the metadata, new or another, below 2.39."""
    _still_there(asked, NO_METADATA)
    image = _own(asked, image_id)
    if key not in body.meta:
        raise ApiError(400, "Request body and URI mismatch")
    _told_metadata(asked, image, {**image.properties, **body.meta})
    return told({"meta": body.meta})


@router.delete("/images/{image_id}/metadata/{key}", status_code=204)
async def delete_image_metadata_item(image_id: str, key: str, asked: Asked) -> Response:
    """Takes one entry of the metadata away, below 2.39."""
    _still_there(asked, NO_METADATA)
    image = _own(asked, image_id)
    _one(image, key)
    _told_metadata(asked, image, {k: v for k, v in image.properties.items() if k != key})
    return Response(status_code=204)
