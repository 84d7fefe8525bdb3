"""Lists of servers and flavors of the cloudservers API, and the changes that need no job."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.vocabulary import DELETE_METADATA, UPDATE_METADATA
from ecs_fsm.serve.compute.api import compute_of
from ecs_fsm.serve.compute.schemas import within_quota
from ecs_fsm.serve.compute.views import Fields
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Marker, View, page, respond
from ecs_fsm.serve.http.handlers import Alias, Handlers
from ecs_fsm.serve.huawei.schemas import (
    ERRORS,
    MOST_TAGS,
    V1,
    V11,
    InProject,
    MetadataEntries,
    ProjectContext,
    RenameServer,
    ServerQuery,
    TagAction,
)
from ecs_fsm.serve.huawei.views import cloudserver_view, flavor_view, tags_of

router = Handlers(tags=["cloudservers"], responses=ERRORS)
Size = Annotated[int, Query(ge=1, le=1000)]
Filter = Annotated[str | None, Query(max_length=255)]


ALSO_LISTED = {
    "ACTIVE": ("REBOOT", "HARD_REBOOT", "REBUILD", "MIGRATING", "RESIZE"),
    "SHUTOFF": ("RESIZE", "REBUILD"),
    "ERROR": ("REBUILD",),
    "VERIFY_RESIZE": ("REVERT_RESIZE",),
}
"""Statuses that a filter selects as well, by that of the filter, as the cloud documents it."""


def _tests(query: ServerQuery, cloud: Cloud) -> Iterator[Callable[[Instance], bool]]:
    """Yield one test of a server for each filter of the query."""
    if query.name:
        pattern = re.compile(re.escape(query.name).replace(r"\.", "."), re.IGNORECASE)
        yield lambda instance: pattern.search(instance.name) is not None
    if query.status:
        status = query.status.upper()
        listed = {status, *ALSO_LISTED.get(status, ())}
        yield lambda instance: instance.state.status.upper() in listed
    if query.flavor:
        flavor = query.flavor
        yield lambda instance: instance.flavor == flavor
    if query.ip:
        ip = query.ip
        yield lambda instance: any(
            ip in fixed["ip_address"]
            for port in cloud.ports.shown(instance)
            for fixed in port["fixed_ips"]
        )
    if query.server_id:
        ids = frozenset(query.server_id.split(","))
        yield lambda instance: instance.id in ids
    if query.tags:
        wanted = query.tags.split(",")
        yield lambda instance: all(_tagged(instance, tag) for tag in wanted)
    if query.not_tags:
        unwanted = query.not_tags.split(",")
        yield lambda instance: not any(_tagged(instance, tag) for tag in unwanted)


def _tagged(instance: Instance, tag: str) -> bool:
    """Return whether a server has a tag, written as `KEY=VALUE`, or one of that key."""
    key, equals, value = tag.partition("=")
    tags = tags_of(instance)
    return key in tags and (not equals or tags[key] == value)


def _view(context: ProjectContext, instance: Instance) -> Fields:
    return cloudserver_view(context.cloud, instance, context.root)


@router.get(f"{V1}/detail", Alias(f"{V11}/detail", "list_cloudservers_v11"))
async def list_cloudservers(context: InProject, query: Annotated[ServerQuery, Query()]) -> Response:
    """A page of servers, the newest first, with their number on all pages."""
    tests = list(_tests(query, context.cloud))
    found = [i for i in context.servers() if all(test(i) for test in tests)]
    if query.marker:
        last = context.find(query.marker).number
        rest = [instance for instance in found if instance.number < last]
    else:
        rest = found[(max(query.offset, 1) - 1) * query.limit :]
    shown = [_view(context, instance) for instance in rest[: query.limit]]
    return respond({"count": len(found), "servers": shown})


@router.get(f"{V1}/flavors")
async def list_cloudserver_flavors(
    context: InProject, limit: Size = 1000, marker: Marker = None, flavor_id: Filter = None
) -> Response:
    """The flavors of the cloud."""
    return _flavors(context, flavor_id, None, limit, marker)


@router.get(f"{V1}/resize_flavors")
async def list_cloudserver_resize_flavors(
    context: InProject,
    instance_uuid: Filter = None,
    source_flavor_id: Filter = None,
    limit: Size = 1000,
    marker: Marker = None,
) -> Response:
    """The flavors to which a server can be resized."""
    own = context.find(instance_uuid).flavor if instance_uuid else source_flavor_id
    return _flavors(context, None, own, limit, marker)


def _flavors(
    context: ProjectContext, only: str | None, but: str | None, limit: int, marker: str | None
) -> Response:
    every = [f for f in context.cloud.resources.of("flavors") if f["id"] != but]
    found = [View(flavor["id"], flavor) for flavor in every if only in (None, flavor["id"])]
    shown, _ = page(found, limit, marker)
    return respond({"flavors": [flavor_view(each.shown, context.root) for each in shown]})


@router.get(f"{V1}/tags")
async def list_cloudserver_tags(context: InProject) -> Response:
    """The tags of all servers of the project, each key with its values."""
    values: dict[str, dict[str, None]] = {}
    for instance in context.servers():
        for key, value in tags_of(instance).items():
            values.setdefault(key, {})[value] = None
    return respond({"tags": [{"key": key, "values": [*found]} for key, found in values.items()]})


@router.get(f"{V1}/{{server_id}}")
async def show_cloudserver(context: InProject, server_id: str) -> Response:
    """A server."""
    return respond({"server": _view(context, context.find(server_id))})


@router.put(f"{V1}/{{server_id}}")
async def update_cloudserver(context: InProject, server_id: str, body: RenameServer) -> Response:
    """Change the name, the description or the host name of a server."""
    instance = context.find(server_id)
    instance.set(body.server.model_dump(exclude_none=True))
    context.cloud.keep(instance)
    return respond({"server": _view(context, instance)})


@router.post(f"{V1}/{{server_id}}/metadata")
async def set_cloudserver_metadata(
    context: InProject, server_id: str, body: MetadataEntries
) -> Response:
    """Set entries of the metadata of a server, and keep the others."""
    instance = context.find(server_id)
    metadata = instance.metadata | body.metadata
    within_quota(metadata)
    compute_of(context.request).request_if_known(
        instance, UPDATE_METADATA, context.asker("metadata")
    )
    instance.metadata = metadata
    context.cloud.keep(instance)
    return respond({"metadata": metadata})


@router.delete(f"{V1}/{{server_id}}/metadata/{{key}}", status_code=204)
async def delete_cloudserver_metadata(context: InProject, server_id: str, key: str) -> Response:
    """Remove an entry of the metadata of a server."""
    instance = context.find(server_id)
    if key not in instance.metadata:
        raise ApiError(404, f"The metadata has no key {key[:255]}.")
    compute_of(context.request).request_if_known(
        instance, DELETE_METADATA, context.asker("metadata")
    )
    del instance.metadata[key]
    context.cloud.keep(instance)
    return Response(status_code=204)


@router.get(f"{V1}/{{server_id}}/tags")
async def show_cloudserver_tags(context: InProject, server_id: str) -> Response:
    """The tags of a server."""
    tags = tags_of(context.find(server_id))
    return respond({"tags": [{"key": key, "value": value} for key, value in tags.items()]})


@router.post(f"{V1}/{{server_id}}/tags/action", status_code=204)
async def change_cloudserver_tags(context: InProject, server_id: str, body: TagAction) -> Response:
    """Set or remove tags of a server."""
    instance = context.find(server_id)
    tags = {**tags_of(instance)}
    for tag in body.tags:
        if body.sets:
            tags[tag.key] = tag.value
        else:
            tags.pop(tag.key, None)
    if len(tags) > MOST_TAGS:
        raise ApiError(400, f"A server has at most {MOST_TAGS} tags.")
    instance.set({"tags": [f"{key}={value}" for key, value in tags.items()]})
    context.cloud.keep(instance)
    return Response(status_code=204)
