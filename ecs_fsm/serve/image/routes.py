"""The image service, glance v2: images of the catalog, of servers, and those that clients upload.

Of what is uploaded only the size is kept.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Query, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.catalog import Image
from ecs_fsm.serve.cloud.imagestore import ACTIVE, QUEUED
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import next_url, page
from ecs_fsm.serve.http.context import RequestContext, Requested, base_of
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.image.schemas import (
    ERRORS,
    MOST_PROPERTIES,
    ImageFields,
    ImageList,
    ImagePatch,
    ImagePatches,
    ImageQuery,
    ImageTasks,
    ImageVersions,
    NewImage,
)
from ecs_fsm.serve.image.views import image_view

IMAGES, ONE_IMAGE = "/image/v2/images", "/image/v2/images/{image_id}"
PUBLISHING = "You are not authorized to publicize_image."
CHANGEABLE = {"name", "min_disk", "min_ram", "visibility", "tags"}
"""Fields of an image that a client can change; the others are read-only."""

router = Handlers(tags=["images"], responses=ERRORS)


@router.get("/image", "/image/", status_code=300, response_model=ImageVersions)
async def list_image_versions(request: Request) -> Response:
    """The versions of the image service."""
    links = [{"rel": "self", "href": f"{base_of(request)}/image/v2/"}]
    versions = [{"id": "v2.9", "status": "CURRENT", "links": links}]
    return JSONResponse({"versions": versions}, 300)


@router.get(IMAGES, response_model=ImageList)
async def list_images(context: Requested, query: Annotated[ImageQuery, Query()]) -> Response:
    """The images; a filter may be `in:` and a list with commas."""
    filters = query.model_dump(exclude={"limit", "marker"}, exclude_none=True)
    found = [
        image
        for image in context.images.seen_by(context.caller.project_id, context.caller.admin)
        if all(_matches(image_view(image).get(key), text) for key, text in filters.items())
    ]
    items, following = page(found, query.limit, query.marker)
    body: dict[str, object] = {
        "images": [image_view(image) for image in items],
        "first": "/v2/images",
        "schema": "/v2/schemas/images",
    }
    if following is not None:
        body["next"] = next_url(context.request, "", following).removeprefix("/image")
    return JSONResponse(body)


def _matches(value: object, wanted: str) -> bool:
    if wanted.startswith("in:"):
        return value in [part.strip('"') for part in wanted[3:].split(",")]
    return value == wanted


def _find(context: RequestContext, image_id: str) -> Image:
    """Return an image that the caller sees. Raises 404 for others."""
    found = context.images.find(image_id, context.caller.project_id, context.caller.admin)
    if found is None:
        raise ApiError(404, f"No image found with ID {image_id[:255]}")
    return found


def _find_own(context: RequestContext, image_id: str, action: str) -> Image:
    """Return an image that the caller can change. Raises 403 and 404 for others."""
    image, caller = _find(context, image_id), context.caller
    if image.owner is None or not (caller.admin or image.owner == caller.project_id):
        raise ApiError(403, f"You are not permitted to {action} this image.")
    return image


@router.get(ONE_IMAGE, response_model=ImageFields)
async def show_image(context: Requested, image_id: str) -> Response:
    """One image, by id."""
    return JSONResponse(image_view(_find(context, image_id)))


@router.get(f"{ONE_IMAGE}/tasks", response_model=ImageTasks)
async def list_tasks_of_image(context: Requested, image_id: str) -> Response:
    """The tasks of an image: always none."""
    _find(context, image_id)
    return JSONResponse({"tasks": []})


@router.post(IMAGES, status_code=201, response_model=ImageFields)
async def create_image(context: Requested, body: NewImage) -> Response:
    """Create an image, which is queued until its content is uploaded."""
    store, caller = context.images, context.caller
    if body.visibility == "public" and not caller.admin:
        raise ApiError(403, PUBLISHING)
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
    return JSONResponse(image_view(image), 201, {"Location": f"{context.base}{IMAGES}/{image_id}"})


@router.put(f"{ONE_IMAGE}/file", status_code=204)
async def upload_image(context: Requested, image_id: str) -> Response:
    """Upload the content of an image."""
    image = _find_own(context, image_id, "upload")
    if image.status != QUEUED:
        raise ApiError(409, f"Image status transition from {image.status} to saving is not allowed")
    store, size = context.images, len(await context.request.body())
    store.add(replace(image, status=ACTIVE, size=size, updated=store.date()))
    return Response(status_code=204)


@router.patch(ONE_IMAGE, response_model=ImageFields)
async def update_image(context: Requested, image_id: str, body: ImagePatches) -> Response:
    """Change the name, the tags or the properties of an image."""
    image, store = _find_own(context, image_id, "modify"), context.images
    for patch in body:
        image = _patched(image, patch)
    if image.visibility == "public" and not context.caller.admin:
        raise ApiError(403, PUBLISHING)
    image = replace(image, updated=store.date())
    store.add(image)
    return JSONResponse(image_view(image))


def _patched(image: Image, patch: ImagePatch) -> Image:
    """Return an image with one change. Raises 403 for a read-only field, 400 and 409 for others."""
    name, value = patch.path[1:], patch.value
    if name in CHANGEABLE and patch.op != "remove":
        return replace(image, **{name: _checked(name, value)})
    if name in image_view(replace(image, properties={})):
        raise ApiError(403, f"Attribute '{name}' is read-only.")
    kept = {key: old for key, old in image.properties.items() if key != name}
    if patch.op == "remove" and name in image.properties:
        return replace(image, properties=kept)
    if patch.op == "remove":
        raise ApiError(409, f"Can not remove non-existent property {name}.")
    if not isinstance(value, str) or len(kept) >= MOST_PROPERTIES:
        raise ApiError(400, f"Invalid input for {name}: expected a text")
    return replace(image, properties={**kept, name: value})


def _checked(name: str, value: object) -> Any:
    """Return the new value of a field. Raises 400 for one that no new image could have."""
    try:
        new = NewImage.model_validate({name: value}, strict=True)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"]
        raise ApiError(400, f"Invalid input for {name}: {message}") from None
    return tuple(dict.fromkeys(new.tags)) if name == "tags" else getattr(new, name)


@router.delete(ONE_IMAGE, status_code=204)
async def delete_image(context: Requested, image_id: str) -> Response:
    """Delete an image of any status."""
    context.images.delete(_find_own(context, image_id, "delete").id)
    return Response(status_code=204)
