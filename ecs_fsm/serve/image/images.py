"""The image service, glance v2: images of the catalog, of servers, and those somebody brought."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.catalog import Image
from ecs_fsm.serve.cloud.imagestore import ImageStore
from ecs_fsm.serve.http.access import OWNER, Caller
from ecs_fsm.serve.http.bodies import Body, Link
from ecs_fsm.serve.http.context import Known
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers, Responses
from ecs_fsm.serve.http.paging import Limit, Marker, next_url, page
from ecs_fsm.serve.http.versions import base

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


class Wanted(Body):
    """Which images."""

    id: Filter = None
    name: Filter = None
    status: Filter = None
    visibility: Filter = None
    owner: Filter = None
    image_type: Filter = None
    instance_uuid: Filter = None
    limit: Limit = None
    marker: Marker = None


def _page(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/html": {}}}


RESPONSES: Responses = {
    400: _page("The request does not read."),
    401: _page("There is no good token."),
    403: _page("The image is not the caller's."),
    404: _page("There is no such image."),
    409: _page("The image does not allow it now."),
}
router = Handlers(tags=["images"], responses=RESPONSES)


@router.get("/image", status_code=300, response_model=ImageVersions)
@router.get("/image/", status_code=300, include_in_schema=False)
async def list_image_versions(request: Request) -> Response:
    """The versions of the image service."""
    links = [{"rel": "self", "href": f"{base(request)}/image/v2/"}]
    told = [{"id": "v2.9", "status": "CURRENT", "links": links}]
    return JSONResponse({"versions": told}, 300)


def images_of(request: Request) -> ImageStore:
    """The images of the cloud of the application."""
    state = request.app.state
    if state.images.cloud is not state.cloud:
        state.images = ImageStore(state.cloud)
    return cast(ImageStore, state.images)


@router.get("/image/v2/images", response_model=Images)
async def list_images(
    request: Request, caller: Known, wanted: Annotated[Wanted, Query()]
) -> Response:
    """The images; a filter may be `in:` and a list with commas."""
    filters = wanted.model_dump(exclude={"limit", "marker"}, exclude_none=True)
    found = [
        image
        for image in images_of(request).seen_by(caller.project_id, caller.admin)
        if all(_fits(shown(image).get(key), text) for key, text in filters.items())
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


def found_by(request: Request, caller: Caller, image_id: str) -> Image:
    """The image that the caller sees. Raises 404 for others."""
    found = images_of(request).find(image_id, caller.project_id, caller.admin)
    if found is None:
        raise ApiError(404, f"No image found with ID {image_id[:255]}")
    return found


@router.get("/image/v2/images/{image_id}", response_model=ImageTold)
async def show_image(request: Request, image_id: str, caller: Known) -> Response:
    """One image, by id."""
    return JSONResponse(shown(found_by(request, caller, image_id)))


class Tasks(Body):
    """The tasks of an image; there are none."""

    tasks: list[dict[str, object]]


@router.get("/image/v2/images/{image_id}/tasks", response_model=Tasks)
async def list_tasks_of_image(request: Request, image_id: str, caller: Known) -> Response:
    """What goes on with an image beside its status: nothing."""
    found_by(request, caller, image_id)
    return JSONResponse({"tasks": []})


def shown(image: Image) -> dict[str, object]:
    """The image as the image service shows it."""
    container, disk = image.formats
    return {
        **image.properties,
        "id": image.id,
        "name": image.name,
        "status": image.status,
        "visibility": image.visibility,
        "size": image.size,
        "virtual_size": None,
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "container_format": container,
        "disk_format": disk,
        "checksum": None,
        "os_hash_algo": None,
        "os_hash_value": None,
        "os_hidden": False,
        "owner": image.owner or OWNER,
        "protected": False,
        "tags": [*image.tags],
        "created_at": image.created,
        "updated_at": image.updated or image.created,
        "self": f"/v2/images/{image.id}",
        "file": f"/v2/images/{image.id}/file",
        "schema": "/v2/schemas/image",
    }
