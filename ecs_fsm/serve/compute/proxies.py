"""What the compute API shows of other services below 2.36: images, security groups, addresses.

Clients look images up by name here before they have negotiated a microversion. The metadata of
images is there below 2.39.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.catalog import Image
from ecs_fsm.serve.cloud.imagestore import ACTIVE, QUEUED, SAVING
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, respond_json
from ecs_fsm.serve.compute.listing import moment
from ecs_fsm.serve.compute.schemas import MOST_ITEMS, Items, Text
from ecs_fsm.serve.compute.views import Fields, links, security_group_view
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, Body, Limit, LinkBody, Marker, next_url, page
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.image.schemas import Filter

NO_PROXY, NO_METADATA = 36, 39
STATUSES = {QUEUED: ("SAVING", 25), SAVING: ("SAVING", 50), ACTIVE: ("ACTIVE", 100)}
"""The status and the progress that the proxy shows, by the status of the image service."""


class ComputeImage(Body):
    """An image as the compute API shows it."""

    id: str
    name: str
    links: list[LinkBody]


class ComputeImageList(Body):
    """The compute API's list of images."""

    images: list[ComputeImage]
    images_links: list[LinkBody] | None = None


class OneComputeImage(Body):
    """One image of the compute API."""

    image: ComputeImage


class ImageMetadata(Body):
    """The metadata of an image."""

    metadata: Items


class ImageMetadataItem(Body):
    """One entry of the metadata."""

    meta: dict[str, Text] = Field(min_length=1, max_length=1)


class ComputeImageQuery(Body):
    """Filters and the page of a list of images."""

    name: Filter = None
    status: Filter = None
    server: Filter = None
    type: Filter = None
    changes_since: Filter = Field(None, alias="changes-since")
    limit: Limit = None
    marker: Marker = None


router = Handlers(tags=["images"], responses=COMPUTE_ERRORS)


def _found(context: ComputeContext, image_id: str) -> Image:
    caller = context.caller
    image = context.images.find(image_id, caller.project_id, caller.admin)
    if image is None:
        raise ApiError(404, "Image not found.")
    return image


def _changeable(context: ComputeContext, image_id: str) -> Image:
    image, caller = _found(context, image_id), context.caller
    if image.owner is None or not (caller.admin or image.owner == caller.project_id):
        raise ApiError(403, "You are not allowed to change this image.")
    return image


@router.get("/images", response_model=ComputeImageList)
async def list_images_of_compute(
    context: Versioned, query: Annotated[ComputeImageQuery, Query()]
) -> Response:
    """The images with their names, below 2.36."""
    return _listed(context, query, False)


@router.get("/images/detail", response_model=ComputeImageList)
async def list_images_of_compute_in_detail(
    context: Versioned, query: Annotated[ComputeImageQuery, Query()]
) -> Response:
    """The images with their details, below 2.36."""
    return _listed(context, query, True)


def _listed(context: ComputeContext, query: ComputeImageQuery, detailed: bool) -> Response:
    context.require_version(before=NO_PROXY)
    seen = context.images.seen_by(context.caller.project_id, context.caller.admin)
    found = [image for image in seen if _selects(image, query)]
    items, following = page(found, query.limit, query.marker)
    view = _in_detail if detailed else _in_brief
    body: Fields = {"images": [view(context, image) for image in items]}
    if following:
        href = next_url(context.request, context.base, following)
        body["images_links"] = [{"rel": "next", "href": href}]
    return respond_json(body)


def _selects(image: Image, query: ComputeImageQuery) -> bool:
    """Return whether a query selects an image."""
    if query.changes_since is not None:
        changed = moment("changes-since", image.updated or image.created)
        if changed < moment("changes-since", query.changes_since):
            return False
    server = query.server.rpartition("/")[2] if query.server else None
    kind = image.properties.get("image_type", "server" if image.owner else "base")
    return (
        query.name in (None, image.name)
        and (query.status is None or STATUSES[image.status][0] == query.status.upper())
        and server in (None, image.properties.get("instance_uuid"))
        and query.type in (None, kind)
    )


@router.get("/images/{image_id}", response_model=OneComputeImage)
async def show_image_of_compute(image_id: str, context: Versioned) -> Response:
    """One image, by id, below 2.36."""
    context.require_version(before=NO_PROXY)
    return respond_json({"image": _in_detail(context, _found(context, image_id))})


@router.delete("/images/{image_id}", status_code=204)
async def delete_image_of_compute(image_id: str, context: Versioned) -> Response:
    """Delete an image, below 2.36."""
    context.require_version(before=NO_PROXY)
    context.images.delete(_changeable(context, image_id).id)
    return Response(status_code=204)


def _in_brief(context: ComputeContext, image: Image) -> Fields:
    root = context.base + context.request.scope["path"].partition("/images")[0]
    alternate = {"rel": "alternate", "href": f"{context.base}/image/images/{image.id}"}
    return {
        "id": image.id,
        "name": image.name,
        "links": [*links(root, "images", image.id), {**alternate}],
    }


def _in_detail(context: ComputeContext, image: Image) -> Fields:
    status, progress = STATUSES[image.status]
    shown = _in_brief(context, image) | {
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
        root = context.base + context.request.scope["path"].partition("/images")[0]
        shown["server"] = {"id": server_id, "links": links(root, "servers", server_id)}
    return shown


def _set_metadata(
    context: ComputeContext, image: Image, metadata: Mapping[str, str] | None
) -> Response:
    """Set the metadata of an image, unless it is None, and answer with it."""
    if metadata is None:
        return respond_json({"metadata": {**image.properties}})
    if len(metadata) > MOST_ITEMS:
        raise ApiError(403, f"Image metadata limit exceeded: {MOST_ITEMS} at most")
    store = context.images
    store.add(replace(image, properties={**metadata}, updated=store.date()))
    return respond_json({"metadata": {**metadata}})


@router.get("/images/{image_id}/metadata", response_model=ImageMetadata)
async def list_image_metadata(image_id: str, context: Versioned) -> Response:
    """The metadata of an image, below 2.39."""
    context.require_version(before=NO_METADATA)
    return _set_metadata(context, _found(context, image_id), None)


@router.put("/images/{image_id}/metadata", response_model=ImageMetadata)
async def replace_image_metadata(
    image_id: str, body: ImageMetadata, context: Versioned
) -> Response:
    """Replace the metadata of an image, below 2.39."""
    context.require_version(before=NO_METADATA)
    return _set_metadata(context, _changeable(context, image_id), body.metadata)


@router.post("/images/{image_id}/metadata", response_model=ImageMetadata)
async def update_image_metadata(image_id: str, body: ImageMetadata, context: Versioned) -> Response:
    """Add entries to the metadata of an image, below 2.39."""
    context.require_version(before=NO_METADATA)
    image = _changeable(context, image_id)
    return _set_metadata(context, image, {**image.properties, **body.metadata})


def _one(image: Image, key: str) -> Sequence[str]:
    """Return the value of a key. Raises 404 without one."""
    if key not in image.properties:
        raise ApiError(404, "Metadata item was not found")
    return image.properties[key]


@router.get("/images/{image_id}/metadata/{key}", response_model=ImageMetadataItem)
async def show_image_metadata_item(image_id: str, key: str, context: Versioned) -> Response:
    """One entry of the metadata, below 2.39."""
    context.require_version(before=NO_METADATA)
    return respond_json({"meta": {key: _one(_found(context, image_id), key)}})


@router.put("/images/{image_id}/metadata/{key}", response_model=ImageMetadataItem)
async def set_image_metadata_item(
    image_id: str, key: str, body: ImageMetadataItem, context: Versioned
) -> Response:
    """Set one entry of the metadata, below 2.39."""
    context.require_version(before=NO_METADATA)
    image = _changeable(context, image_id)
    if key not in body.meta:
        raise ApiError(400, "Request body and URI mismatch")
    _set_metadata(context, image, {**image.properties, **body.meta})
    return respond_json({"meta": body.meta})


@router.delete("/images/{image_id}/metadata/{key}", status_code=204)
async def delete_image_metadata_item(image_id: str, key: str, context: Versioned) -> Response:
    """Remove one entry of the metadata, below 2.39."""
    context.require_version(before=NO_METADATA)
    image = _changeable(context, image_id)
    _one(image, key)
    _set_metadata(context, image, {k: v for k, v in image.properties.items() if k != key})
    return Response(status_code=204)


@router.get("/os-floating-ips", response_model=dict[str, list[object]])
async def list_floating_ips_of_compute(context: Versioned) -> Response:
    """Floating addresses, below 2.36: always none."""
    context.require_version(before=NO_PROXY)
    return JSONResponse({"floating_ips": []})


@router.get("/os-floating-ip-pools", response_model=dict[str, list[object]])
async def list_floating_ip_pools(context: Versioned) -> Response:
    """Pools of floating addresses, below 2.36: the external networks."""
    context.require_version(before=NO_PROXY)
    networks = context.cloud.ports.networks
    outside = [network["name"] for network in networks if network.get("router:external")]
    return JSONResponse({"floating_ip_pools": [{"name": name} for name in outside]})


@router.get("/os-security-groups", response_model=dict[str, list[object]])
async def list_security_groups_of_compute(context: Versioned) -> Response:
    """The security groups of the project, below 2.36."""
    context.require_version(before=NO_PROXY)
    shown = [
        security_group_view(context.cloud, group)
        for group in context.cloud.ports.groups_of(context.caller.project_id or "")
    ]
    return JSONResponse({"security_groups": shown})
