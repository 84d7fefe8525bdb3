"""The tags of a server, which nothing forbids to change."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.compute.asking import Asked, Asking, told
from ecs_fsm.serve.compute.shapes import names
from ecs_fsm.serve.compute.values import MOST_TAGS, Tag
from ecs_fsm.serve.http.answers import REFUSED
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers

router = Handlers(tags=["compute"], responses=REFUSED)
TAGS_SINCE = 26


class Tags(Body):
    """All tags."""

    tags: list[Tag] = Field(max_length=MOST_TAGS)


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
