"""The image service, glance v2, and the compute API's old proxy for it.

The proxy is what clients ask by name before they have negotiated a microversion; from 2.36 it is
gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.api.access import Known
from ecs_fsm.serve.api.bodies import COMPUTE_ERRORS, Body, Link
from ecs_fsm.serve.api.errors import ApiError
from ecs_fsm.serve.api.paging import Limit, Marker, next_url, page
from ecs_fsm.serve.api.versions import Microversion, base
from ecs_fsm.serve.catalog import Image, catalog

NO_PROXY = 36
Filter = Annotated[str | None, Query(max_length=8192)]


class ImageTold(Body):
    """An image."""

    id: str
    name: str
    status: str
    visibility: str
    size: int
    min_disk: int
    min_ram: int
    created_at: str
    updated_at: str


class Images(Body):
    """A page of images."""

    images: list[ImageTold]
    first: str
    next: str | None = None


class VersionTold(Body):
    """A version of the image service."""

    id: str
    status: str
    links: list[Link]


class ImageVersions(Body):
    """The list of versions."""

    versions: list[VersionTold]


class OldImage(Body):
    """An image as the compute API shows it."""

    id: str
    name: str
    links: list[Link]


class OldImages(Body):
    """The compute API's list of images."""

    images: list[OldImage]


class OneOldImage(Body):
    """One image of the compute API."""

    image: OldImage


class Wanted(Body):
    """Which images."""

    id: Filter = None
    name: Filter = None
    status: Filter = None
    visibility: Filter = None
    limit: Limit = None
    marker: Marker = None


def _page(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/html": {}}}


router = APIRouter(
    tags=["images"],
    responses={
        400: _page("The request does not read."),
        401: _page("There is no good token."),
        404: _page("There is no such image."),
    },
)


@router.get("/image", status_code=300, response_model=ImageVersions)
@router.get("/image/", status_code=300, include_in_schema=False)
async def list_image_versions(request: Request) -> Response:
    """The versions of the image service."""
    links = [{"rel": "self", "href": f"{base(request)}/image/v2/"}]
    told = [{"id": "v2.9", "status": "CURRENT", "links": links}]
    return JSONResponse({"versions": told}, 300)


@router.get("/image/v2/images", response_model=Images)
async def list_images(request: Request, _: Known, wanted: Annotated[Wanted, Query()]) -> Response:
    """The images; a filter may be `in:` and a list with commas."""
    filters = wanted.model_dump(exclude={"limit", "marker"}, exclude_none=True)
    found = [
        image
        for image in catalog().images.values()
        if all(_fits(shown(image)[key], text) for key, text in filters.items())
    ]
    items, following = page(found, wanted.limit, wanted.marker)
    told: dict[str, object] = {
        "images": [shown(image) for image in items],
        "first": "/v2/images",
        "schema": "/v2/schemas/images",
    }
    if following is not None:
        told["next"] = next_url(request, "", following).removeprefix("/image")
    return JSONResponse(told)


def _fits(value: object, wanted: str) -> bool:
    if wanted.startswith("in:"):
        return value in [part.strip('"') for part in wanted[3:].split(",")]
    return value == wanted


@router.get("/image/v2/images/{image_id}", response_model=ImageTold)
async def show_image(image_id: str, _: Known) -> Response:
    """One image, by id."""
    image = catalog().images.get(image_id)
    if image is None:
        raise ApiError(404, f"No image found with ID {image_id}")
    return JSONResponse(shown(image))


def shown(image: Image) -> dict[str, object]:
    """The image as the image service shows it."""
    return {
        "id": image.id,
        "name": image.name,
        "status": image.status,
        "visibility": "public",
        "size": image.size,
        "virtual_size": None,
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "container_format": "bare",
        "disk_format": "qcow2",
        "checksum": None,
        "os_hash_algo": None,
        "os_hash_value": None,
        "os_hidden": False,
        "owner": None,
        "protected": False,
        "tags": [],
        "created_at": image.created,
        "updated_at": image.created,
        "self": f"/v2/images/{image.id}",
        "file": f"/v2/images/{image.id}/file",
        "schema": "/v2/schemas/image",
    }


proxy = APIRouter(tags=["images"], responses=COMPUTE_ERRORS)


def _still_there(version: int) -> None:
    if version >= NO_PROXY:
        raise ApiError(404, "The resource could not be found.")


@proxy.get("/images", response_model=OldImages)
async def list_images_of_compute(
    request: Request,
    _: Known,
    version: Microversion,
    name: Filter = None,
    limit: Limit = None,
    marker: Marker = None,
) -> Response:
    """The images with their names, below 2.36."""
    items = _proxied(version, name, limit, marker)
    return JSONResponse({"images": [_in_brief(request, image) for image in items]})


@proxy.get("/images/detail", response_model=OldImages)
async def list_images_of_compute_in_detail(
    request: Request,
    _: Known,
    version: Microversion,
    name: Filter = None,
    limit: Limit = None,
    marker: Marker = None,
) -> Response:
    """The images with all that is known of them, below 2.36."""
    items = _proxied(version, name, limit, marker)
    return JSONResponse({"images": [_in_detail(request, image) for image in items]})


def _proxied(
    version: int, name: str | None, limit: int | None, marker: str | None
) -> Sequence[Image]:
    _still_there(version)
    found = [image for image in catalog().images.values() if name in (None, image.name)]
    return page(found, limit, marker)[0]


@proxy.get("/images/{image_id}", response_model=OneOldImage)
async def show_image_of_compute(
    request: Request, image_id: str, _: Known, version: Microversion
) -> Response:
    """One image, by id, below 2.36."""
    _still_there(version)
    image = catalog().images.get(image_id)
    if image is None:
        raise ApiError(404, "Image not found.")
    return JSONResponse({"image": _in_detail(request, image)})


def _in_brief(request: Request, image: Image) -> dict[str, object]:
    root = base(request)
    links = [
        {"rel": "self", "href": f"{root}/compute/v2.1/images/{image.id}"},
        {"rel": "bookmark", "href": f"{root}/compute/images/{image.id}"},
        {"rel": "alternate", "href": f"{root}/image/images/{image.id}"},
    ]
    return {"id": image.id, "name": image.name, "links": links}


def _in_detail(request: Request, image: Image) -> dict[str, object]:
    return _in_brief(request, image) | {
        "status": image.status.upper(),
        "progress": 100,
        "minDisk": image.min_disk,
        "minRam": image.min_ram,
        "created": image.created,
        "updated": image.created,
        "metadata": {},
        "OS-EXT-IMG-SIZE:size": image.size,
    }
