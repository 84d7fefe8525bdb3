"""What becomes of images that somebody brings: made, filled, changed, taken away.

Of what is uploaded only the size is kept.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Body as Given
from fastapi import Request
from pydantic import BeforeValidator, ConfigDict, Field, ValidationError
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.catalog import Image
from ecs_fsm.serve.cloud.imagestore import ACTIVE, QUEUED
from ecs_fsm.serve.http.access import Caller
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.context import Known
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.versions import base
from ecs_fsm.serve.image.images import RESPONSES, ImageTold, found_by, images_of, shown

router = Handlers(tags=["images"], responses=RESPONSES)

MOST_PROPERTIES = 128
PUBLISHING = "You are not authorized to publicize_image."


def _own(request: Request, caller: Caller, image_id: str, done: str) -> Image:
    """The image that the caller may change. Raises 403 and 404 for others."""
    image = found_by(request, caller, image_id)
    if image.owner is None or not (caller.admin or image.owner == caller.project_id):
        raise ApiError(403, f"You are not permitted to {done} this image.")
    return image


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


def _read(value: object) -> object:
    """What a body says that came under glance's own content type. Raises `ValueError`."""
    return json.loads(value) if isinstance(value, bytes) else value


Changes = Annotated[list[Change], Given(max_length=MOST_PROPERTIES), BeforeValidator(_read)]
CHANGED = {"name", "min_disk", "min_ram", "visibility", "tags"}


@router.patch("/image/v2/images/{image_id}", response_model=ImageTold)
async def update_image(
    request: Request,
    image_id: str,
    caller: Known,
    body: Changes,
) -> Response:
    """Changes the name, the tags or the properties of an image."""
    image = _own(request, caller, image_id, "modify")
    for change in body:
        image = _changed(image, change)
    if image.visibility == "public" and not caller.admin:
        raise ApiError(403, PUBLISHING)
    store = images_of(request)
    image = replace(image, updated=store.date())
    store.add(image)
    return JSONResponse(shown(image))


def _changed(image: Image, change: Change) -> Image:
    """The image with one part changed. Raises 403 for parts that stay, 400 and 409 for others."""
    name, value = change.path[1:], change.value
    if name in CHANGED and change.op != "remove":
        return replace(image, **{name: _checked(name, value)})
    if name in shown(replace(image, properties={})):
        raise ApiError(403, f"Attribute '{name}' is read-only.")
    kept = {key: old for key, old in image.properties.items() if key != name}
    if change.op == "remove" and name in image.properties:
        return replace(image, properties=kept)
    if change.op == "remove":
        raise ApiError(409, f"Can not remove non-existent property {name}.")
    if not isinstance(value, str) or len(kept) >= MOST_PROPERTIES:
        raise ApiError(400, f"Invalid input for {name}: expected a text")
    return replace(image, properties={**kept, name: value})


def _checked(name: str, value: object) -> Any:
    """The value of a part of an image. Raises 400 for one that no new image could have."""
    try:
        new = NewImage.model_validate({name: value}, strict=True)
    except ValidationError as error:
        said = error.errors(include_url=False)[0]["msg"]
        raise ApiError(400, f"Invalid input for {name}: {said}") from None
    return tuple(dict.fromkeys(new.tags)) if name == "tags" else getattr(new, name)


@router.delete("/image/v2/images/{image_id}", status_code=204)
async def delete_image(request: Request, image_id: str, caller: Known) -> Response:
    """Takes an image away, whether it is finished or not."""
    images_of(request).delete(_own(request, caller, image_id, "delete").id)
    return Response(status_code=204)
