"""The image service, glance v2: images of the catalog, of servers, and those that somebody brings.

Of what is uploaded only the size is kept.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, cast
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request
from fastapi import Body as Given
from pydantic import ConfigDict, Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.api.access import Caller, Known
from ecs_fsm.serve.api.bodies import Body, Link
from ecs_fsm.serve.api.errors import ApiError
from ecs_fsm.serve.api.paging import Limit, Marker, next_url, page
from ecs_fsm.serve.api.versions import base
from ecs_fsm.serve.catalog import Image
from ecs_fsm.serve.imagestore import ACTIVE, QUEUED, ImageStore

MOST_PROPERTIES = 128
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


router = APIRouter(
    tags=["images"],
    responses={
        400: _page("The request does not read."),
        401: _page("There is no good token."),
        403: _page("The image is not the caller's."),
        404: _page("There is no such image."),
        409: _page("The image does not allow it now."),
    },
)


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


def _found(request: Request, caller: Caller, image_id: str) -> Image:
    """The image that the caller sees. Raises 404 for others."""
    found = images_of(request).find(image_id, caller.project_id, caller.admin)
    if found is None:
        raise ApiError(404, f"No image found with ID {image_id[:255]}")
    return found


def _own(request: Request, caller: Caller, image_id: str, done: str) -> Image:
    """The image that the caller may change. Raises 403 and 404 for others."""
    image = _found(request, caller, image_id)
    if image.owner is None or not (caller.admin or image.owner == caller.project_id):
        raise ApiError(403, f"You are not permitted to {done} this image.")
    return image


@router.get("/image/v2/images/{image_id}", response_model=ImageTold)
async def show_image(request: Request, image_id: str, caller: Known) -> Response:
    """One image, by id."""
    return JSONResponse(shown(_found(request, caller, image_id)))


class NewImage(Body):
    """An image that somebody is going to bring; keys that nobody knows are its properties."""

    model_config = ConfigDict(extra="allow")

    id: UUID | None = None
    name: str = Field("", max_length=255)
    container_format: str = Field("bare", max_length=20)
    disk_format: str = Field("qcow2", max_length=20)
    visibility: str = Field("shared", pattern="^(public|private|shared|community)$")
    min_disk: int = Field(0, ge=0, le=2**31)
    min_ram: int = Field(0, ge=0, le=2**31)
    tags: list[Annotated[str, Field(max_length=255)]] = Field([], max_length=128)
    protected: bool = False


@router.post("/image/v2/images", status_code=201, response_model=ImageTold)
async def create_image(request: Request, caller: Known, body: NewImage) -> Response:
    """A new image, which waits for what is in it."""
    store = images_of(request)
    if body.visibility == "public" and not caller.admin:
        raise ApiError(403, "You are not authorized to publicize_image.")
    image_id = str(body.id or uuid4())
    if store.find(image_id, None, True):
        raise ApiError(409, f"Image ID {image_id} already exists!")
    extra = body.model_extra or {}
    if len(extra) > MOST_PROPERTIES or not all(isinstance(value, str) for value in extra.values()):
        raise ApiError(400, f"The properties of an image are texts, {MOST_PROPERTIES} at most.")
    now = store.date()
    image = Image(
        id=image_id,
        name=body.name,
        size=0,
        min_disk=body.min_disk,
        min_ram=body.min_ram,
        status=QUEUED,
        created=now,
        updated=now,
        owner=caller.project_id,
        visibility=body.visibility,
        formats=(body.container_format, body.disk_format),
        tags=tuple(dict.fromkeys(body.tags)),
        properties=extra,
    )
    store.add(image)
    url = f"{base(request)}/image/v2/images/{image_id}"
    return JSONResponse(shown(image), 201, {"Location": url})


@router.put("/image/v2/images/{image_id}/file", status_code=204)
async def upload_image(request: Request, image_id: str, caller: Known) -> Response:
    """Brings what is in an image."""
    image = _own(request, caller, image_id, "upload")
    if image.status != QUEUED:
        raise ApiError(409, f"Image status transition from {image.status} to saving is not allowed")
    store, size = images_of(request), len(await request.body())
    store.add(replace(image, status=ACTIVE, size=size, updated=store.date()))
    return Response(status_code=204)


class Change(Body):
    """What is to become of one part of an image."""

    op: str = Field(pattern="^(add|replace|remove)$")
    path: str = Field(pattern="^/[^/]{1,255}$")
    value: str | int | bool | list[str] | None = None


CHANGED = {"name", "min_disk", "min_ram", "visibility"}
FIXED = {"id", "status", "size", "owner", "created_at", "updated_at", "checksum", "file", "self"}


@router.patch("/image/v2/images/{image_id}", response_model=ImageTold)
async def update_image(
    request: Request,
    image_id: str,
    caller: Known,
    body: Annotated[list[Change], Given(max_length=MOST_PROPERTIES)],
) -> Response:
    """Changes the name, the tags or the properties of an image."""
    image = _own(request, caller, image_id, "modify")
    for change in body:
        image = _changed(image, change)
    store = images_of(request)
    image = replace(image, updated=store.date())
    store.add(image)
    return JSONResponse(shown(image))


def _changed(image: Image, change: Change) -> Image:
    """The image with one part changed. Raises 403 for parts that stay, 400 and 409 for others."""
    name, value = change.path[1:], change.value
    if name in FIXED:
        raise ApiError(403, f"Attribute '{name}' is read-only.")
    if name == "tags" and isinstance(value, list):
        return replace(image, tags=tuple(dict.fromkeys(value)))
    if name in CHANGED and isinstance(value, type(getattr(image, name))):
        return replace(image, **{name: value})
    kept = {key: old for key, old in image.properties.items() if key != name}
    if change.op == "remove" and name in image.properties:
        return replace(image, properties=kept)
    if change.op == "remove":
        raise ApiError(409, f"Can not remove non-existent property {name}.")
    if not isinstance(value, str) or len(kept) >= MOST_PROPERTIES:
        raise ApiError(400, f"Invalid input for {name}: expected a text")
    return replace(image, properties={**kept, name: value})


@router.delete("/image/v2/images/{image_id}", status_code=204)
async def delete_image(request: Request, image_id: str, caller: Known) -> Response:
    """Takes an image away, whether it is finished or not."""
    images_of(request).delete(_own(request, caller, image_id, "delete").id)
    return Response(status_code=204)


class Tasks(Body):
    """The tasks of an image; there are none."""

    tasks: list[dict[str, object]]


@router.get("/image/v2/images/{image_id}/tasks", response_model=Tasks)
async def list_tasks_of_image(request: Request, image_id: str, caller: Known) -> Response:
    """What goes on with an image beside its status: nothing."""
    _found(request, caller, image_id)
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
        "owner": image.owner,
        "protected": False,
        "tags": [*image.tags],
        "created_at": image.created,
        "updated_at": image.updated or image.created,
        "self": f"/v2/images/{image.id}",
        "file": f"/v2/images/{image.id}/file",
        "schema": "/v2/schemas/image",
    }
