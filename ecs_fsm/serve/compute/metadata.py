"""The metadata of a server, where the lifecycle allows to change it."""

from __future__ import annotations

from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.compute.asking import Asked, Asking, told
from ecs_fsm.serve.compute.values import Items, within_quota
from ecs_fsm.serve.http.answers import REFUSED
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers

router = Handlers(tags=["compute"], responses=REFUSED)


class Metadata(Body):
    """All entries, or those that are to be set."""

    metadata: Items


class Meta(Body):
    """One entry."""

    meta: Items = Field(min_length=1, max_length=1)


def _set(asking: Asking, instance: Instance, metadata: dict[str, str], operation: str) -> None:
    """Gives a server its metadata, if the lifecycle allows it."""
    within_quota(metadata)
    asking.change(instance, operation, {"metadata": {**metadata}})


def _entry(instance: Instance, key: str) -> str:
    """The value of an entry. Raises 404 where there is none."""
    if key not in instance.metadata:
        raise ApiError(404, "Metadata item was not found")
    return instance.metadata[key]


@router.get("/servers/{server_id}/metadata", response_model=Metadata)
async def list_metadata(server_id: str, asked: Asked) -> Response:
    """The metadata."""
    return told({"metadata": asked.find(server_id).metadata})


@router.post("/servers/{server_id}/metadata", response_model=Metadata)
async def update_metadata(server_id: str, body: Metadata, asked: Asked) -> Response:
    """Sets entries and leaves the others."""
    instance = asked.find(server_id)
    operation = asked.compute.words.operations.update_metadata
    _set(asked, instance, {**instance.metadata, **body.metadata}, operation)
    return told({"metadata": instance.metadata})


@router.put("/servers/{server_id}/metadata", response_model=Metadata)
async def replace_metadata(server_id: str, body: Metadata, asked: Asked) -> Response:
    """Sets entries and removes the others."""
    instance = asked.find(server_id)
    _set(asked, instance, dict(body.metadata), asked.compute.words.operations.update_metadata)
    return told({"metadata": instance.metadata})


@router.get("/servers/{server_id}/metadata/{key}", response_model=Meta)
async def show_metadata_item(server_id: str, key: str, asked: Asked) -> Response:
    """One entry."""
    return told({"meta": {key: _entry(asked.find(server_id), key)}})


@router.put("/servers/{server_id}/metadata/{key}", response_model=Meta)
async def set_metadata_item(server_id: str, key: str, body: Meta, asked: Asked) -> Response:
    """Sets one entry."""
    instance = asked.find(server_id)
    if key not in body.meta:
        raise ApiError(400, "Request body and URI mismatch")
    operation = asked.compute.words.operations.update_metadata
    _set(asked, instance, {**instance.metadata, **body.meta}, operation)
    return told({"meta": body.meta})


@router.delete("/servers/{server_id}/metadata/{key}", status_code=204)
async def delete_metadata_item(server_id: str, key: str, asked: Asked) -> Response:
    """Removes one entry."""
    instance = asked.find(server_id)
    _entry(instance, key)
    left = {name: value for name, value in instance.metadata.items() if name != key}
    _set(asked, instance, left, asked.compute.words.operations.delete_metadata)
    return Response(status_code=204)
