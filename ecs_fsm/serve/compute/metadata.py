"""The metadata and the tags of a server; the lifecycle can forbid changes of the metadata."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.vocabulary import DELETE_METADATA, UPDATE_METADATA
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, refusable, respond_json
from ecs_fsm.serve.compute.schemas import MOST_TAGS, Items, TagName, within_quota
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Body


class ServerMetadata(Body):
    """All entries, or those that change."""

    metadata: Items


class ServerMetadataItem(Body):
    """One entry."""

    meta: Items = Field(min_length=1, max_length=1)


def _set(
    context: ComputeContext, instance: Instance, metadata: dict[str, str], operation: str
) -> None:
    """Set the metadata of a server, if the lifecycle allows it."""
    within_quota(metadata)
    context.change(instance, operation, {"metadata": {**metadata}})


def _entry(instance: Instance, key: str) -> str:
    """Return the value of an entry. Raises 404 without one."""
    if key not in instance.metadata:
        raise ApiError(404, "Metadata item was not found")
    return instance.metadata[key]


@refusable.get("/servers/{server_id}/metadata", response_model=ServerMetadata)
async def list_metadata(server_id: str, context: Versioned) -> Response:
    """The metadata."""
    return respond_json({"metadata": context.find(server_id).metadata})


@refusable.post("/servers/{server_id}/metadata", response_model=ServerMetadata)
async def update_metadata(server_id: str, body: ServerMetadata, context: Versioned) -> Response:
    """Set entries and keep the others."""
    instance = context.find(server_id)
    _set(context, instance, {**instance.metadata, **body.metadata}, UPDATE_METADATA)
    return respond_json({"metadata": instance.metadata})


@refusable.put("/servers/{server_id}/metadata", response_model=ServerMetadata)
async def replace_metadata(server_id: str, body: ServerMetadata, context: Versioned) -> Response:
    """Set entries and remove the others."""
    instance = context.find(server_id)
    _set(context, instance, dict(body.metadata), UPDATE_METADATA)
    return respond_json({"metadata": instance.metadata})


@refusable.get("/servers/{server_id}/metadata/{key}", response_model=ServerMetadataItem)
async def show_metadata_item(server_id: str, key: str, context: Versioned) -> Response:
    """One entry."""
    return respond_json({"meta": {key: _entry(context.find(server_id), key)}})


@refusable.put("/servers/{server_id}/metadata/{key}", response_model=ServerMetadataItem)
async def set_metadata_item(
    server_id: str, key: str, body: ServerMetadataItem, context: Versioned
) -> Response:
    """Set one entry."""
    instance = context.find(server_id)
    if key not in body.meta:
        raise ApiError(400, "Request body and URI mismatch")
    _set(context, instance, {**instance.metadata, **body.meta}, UPDATE_METADATA)
    return respond_json({"meta": body.meta})


@refusable.delete("/servers/{server_id}/metadata/{key}", status_code=204)
async def delete_metadata_item(server_id: str, key: str, context: Versioned) -> Response:
    """Remove one entry."""
    instance = context.find(server_id)
    _entry(instance, key)
    left = {name: value for name, value in instance.metadata.items() if name != key}
    _set(context, instance, left, DELETE_METADATA)
    return Response(status_code=204)


TAGS_SINCE = 26


class TagList(Body):
    """All tags."""

    tags: list[TagName] = Field(max_length=MOST_TAGS)


def _taggable(context: ComputeContext, server_id: str) -> Instance:
    context.require_version(since=TAGS_SINCE)
    return context.find(server_id)


def _set_tags(context: ComputeContext, instance: Instance, tags: list[str]) -> None:
    instance.set({"tags": [*tags]})
    context.cloud.keep(instance)


def _require_tag(instance: Instance, tag: str) -> None:
    """Raise 404 for a tag that the server does not have."""
    if tag not in instance.names("tags"):
        raise ApiError(404, f"Server {instance.id} has no tag '{tag}'")


AnyTag = Annotated[str, Path(max_length=255)]


@refusable.get("/servers/{server_id}/tags", response_model=TagList)
async def list_tags(server_id: str, context: Versioned) -> Response:
    """The tags."""
    return respond_json({"tags": _taggable(context, server_id).names("tags")})


@refusable.put("/servers/{server_id}/tags", response_model=TagList)
async def replace_tags(server_id: str, body: TagList, context: Versioned) -> Response:
    """Set all tags."""
    instance = _taggable(context, server_id)
    _set_tags(context, instance, list(dict.fromkeys(body.tags)))
    return respond_json({"tags": instance.names("tags")})


@refusable.delete("/servers/{server_id}/tags", status_code=204)
async def delete_tags(server_id: str, context: Versioned) -> Response:
    """Remove all tags."""
    _set_tags(context, _taggable(context, server_id), [])
    return Response(status_code=204)


@refusable.get("/servers/{server_id}/tags/{tag}", status_code=204)
async def show_tag(server_id: str, tag: AnyTag, context: Versioned) -> Response:
    """204 if the server has the tag, otherwise 404."""
    _require_tag(_taggable(context, server_id), tag)
    return Response(status_code=204)


@refusable.put("/servers/{server_id}/tags/{tag}", status_code=201, responses={204: {}})
async def add_tag(server_id: str, tag: TagName, context: Versioned) -> Response:
    """Add a tag; 204 if the server has it already."""
    instance = _taggable(context, server_id)
    tags = instance.names("tags")
    if tag in tags:
        return Response(status_code=204)
    if len(tags) >= MOST_TAGS:
        raise ApiError(400, f"The number of tags exceeds {MOST_TAGS}")
    _set_tags(context, instance, [*tags, tag])
    url = f"{context.root}/servers/{instance.id}/tags/{tag}"
    return Response(status_code=201, headers={"Location": url})


@refusable.delete("/servers/{server_id}/tags/{tag}", status_code=204)
async def delete_tag(server_id: str, tag: AnyTag, context: Versioned) -> Response:
    """Remove a tag."""
    instance = _taggable(context, server_id)
    _require_tag(instance, tag)
    _set_tags(context, instance, [other for other in instance.names("tags") if other != tag])
    return Response(status_code=204)
