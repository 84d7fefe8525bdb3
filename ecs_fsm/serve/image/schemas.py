"""Bodies of requests to the image service, and the models of its answers."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body as Given
from fastapi import Query
from pydantic import BeforeValidator, ConfigDict, Field

from ecs_fsm.serve.http.bodies import Body, Limit, LinkBody, Marker
from ecs_fsm.serve.http.handlers import Responses

MOST_PROPERTIES = 128
Filter = Annotated[str | None, Query(max_length=8192)]


def _page(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/html": {}}}


ERRORS: Responses = {
    400: _page("The request is invalid."),
    401: _page("The token is missing or invalid."),
    403: _page("The image does not belong to the caller."),
    404: _page("The image does not exist."),
    409: _page("The status of the image does not allow it."),
}


class ImageFields(Body):
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


class ImageList(Body):
    """A page of images."""

    images: list[ImageFields]
    first: str
    next: str | None = None


class ImageVersion(Body):
    """A version of the image service."""

    id: str
    status: str
    links: list[LinkBody]


class ImageVersions(Body):
    """The list of versions."""

    versions: list[ImageVersion]


class ImageTasks(Body):
    """The tasks of an image: always none."""

    tasks: list[dict[str, object]]


class ImageQuery(Body):
    """Filters and the page of a list of images."""

    id: Filter = None
    name: Filter = None
    status: Filter = None
    visibility: Filter = None
    owner: Filter = None
    image_type: Filter = None
    instance_uuid: Filter = None
    limit: Limit = None
    marker: Marker = None


class NewImage(Body):
    """A new image; unknown keys are its properties."""

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


class ImagePatch(Body):
    """A change of one field or property of an image."""

    op: str = Field(pattern="^(add|replace|remove)$")
    path: str = Field(pattern="^/[^/]{1,255}$")
    value: str | int | bool | list[str] | None = None


def _read(value: object) -> object:
    """Return a body; one with glance's own content type is still text. Raises `ValueError`."""
    return json.loads(value) if isinstance(value, bytes) else value


ImagePatches = Annotated[
    list[ImagePatch], Given(max_length=MOST_PROPERTIES), BeforeValidator(_read)
]
