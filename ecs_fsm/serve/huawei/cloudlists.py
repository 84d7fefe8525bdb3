"""Servers and flavors as the cloudservers API lists them, and what can be changed without a job."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.compute.asking import told
from ecs_fsm.serve.compute.values import Text, within_quota
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.paging import Marker, page
from ecs_fsm.serve.huawei import cloudservers
from ecs_fsm.serve.huawei.cloudbodies import MOST_TAGS, Metadata, TagAction, UpdateServer
from ecs_fsm.serve.huawei.cloudplace import ERRORS, V1, V11, Place, Placed

router = Handlers(tags=["cloudservers"], responses=ERRORS)
Size = Annotated[int, Query(ge=1, le=1000)]
Filter = Annotated[str | None, Query(max_length=255)]
Test = Callable[[Instance], bool]


class Wanted(Body):
    """Which servers of a list, and which page: its number, or `marker`, the last id seen.

    A name is a part of theirs, in which `.` is any letter.
    """

    name: Text | None = None
    status: Text | None = None
    flavor: Text | None = None
    ip: Text | None = None
    tags: Text | None = None
    not_tags: Text | None = Field(None, alias="not-tags")
    server_id: str | None = Field(None, max_length=40_000)
    limit: int = Field(25, ge=1, le=1000)
    offset: int = Field(1, ge=0, le=10**9)
    marker: Text | None = None

    def tests(self, asked: Place) -> Iterator[Test]:
        """One test for each filter that is given."""
        if self.name:
            pattern = re.compile(re.escape(self.name).replace(r"\.", "."), re.IGNORECASE)
            yield lambda instance: pattern.search(instance.name) is not None
        if self.status:
            status = self.status.upper()
            yield lambda instance: instance.state.status.upper() == status
        if self.flavor:
            flavor = self.flavor
            yield lambda instance: instance.flavor == flavor
        if self.ip:
            ip, ports = self.ip, asked.compute.shapes.attachments
            yield lambda instance: any(ip in port.address for port in ports(instance))
        if self.server_id:
            ids = frozenset(self.server_id.split(","))
            yield lambda instance: instance.id in ids
        if self.tags:
            wanted = self.tags.split(",")
            yield lambda instance: all(_tagged(instance, tag) for tag in wanted)
        if self.not_tags:
            unwanted = self.not_tags.split(",")
            yield lambda instance: not any(_tagged(instance, tag) for tag in unwanted)


def _tagged(instance: Instance, tag: str) -> bool:
    """Whether a server has a tag, written as `KEY=VALUE`, or one of that key."""
    key, equals, value = tag.partition("=")
    tags = cloudservers.tags(instance)
    return key in tags and (not equals or tags[key] == value)


@router.get(f"{V1}/detail")
@router.get(f"{V11}/detail", name="list_cloudservers_v11")
async def list_cloudservers(asked: Placed, wanted: Annotated[Wanted, Query()]) -> Response:
    """Servers page by page, the newest first, and how many there are on all pages."""
    tests = list(wanted.tests(asked))
    found = [i for i in asked.servers() if all(test(i) for test in tests)]
    if wanted.marker:
        last = asked.find(wanted.marker).number
        rest = [instance for instance in found if instance.number < last]
    else:
        rest = found[(max(wanted.offset, 1) - 1) * wanted.limit :]
    shown = [asked.shown(instance) for instance in rest[: wanted.limit]]
    return told({"count": len(found), "servers": shown})


@router.get(f"{V1}/flavors")
async def list_cloudserver_flavors(
    asked: Placed, limit: Size = 1000, marker: Marker = None, flavor_id: Filter = None
) -> Response:
    """The flavors of the cloud."""
    return _flavors(asked, flavor_id, None, limit, marker)


@router.get(f"{V1}/resize_flavors")
async def list_cloudserver_resize_flavors(
    asked: Placed,
    instance_uuid: Filter = None,
    source_flavor_id: Filter = None,
    limit: Size = 1000,
    marker: Marker = None,
) -> Response:
    """The flavors that a server can be given instead of its own."""
    own = asked.find(instance_uuid).flavor if instance_uuid else source_flavor_id
    return _flavors(asked, None, own, limit, marker)


def _flavors(
    asked: Place, only: str | None, but: str | None, limit: int, marker: str | None
) -> Response:
    every = [f for f in asked.compute.catalog.flavors.values() if f.id != but]
    found = [flavor for flavor in every if only in (None, flavor.id)]
    shown, _ = page(found, limit, marker)
    return told({"flavors": [cloudservers.flavor(flavor, asked.root) for flavor in shown]})


@router.get(f"{V1}/tags")
async def list_cloudserver_tags(asked: Placed) -> Response:
    """The tags of all servers of the project, each key with its values."""
    values: dict[str, dict[str, None]] = {}
    for instance in asked.servers():
        for key, value in cloudservers.tags(instance).items():
            values.setdefault(key, {})[value] = None
    return told({"tags": [{"key": key, "values": [*found]} for key, found in values.items()]})


@router.get(f"{V1}/{{server_id}}")
async def show_cloudserver(asked: Placed, server_id: str) -> Response:
    """A server."""
    return told({"server": asked.shown(asked.find(server_id))})


@router.put(f"{V1}/{{server_id}}")
async def update_cloudserver(asked: Placed, server_id: str, body: UpdateServer) -> Response:
    """Gives a server another name, description or host name."""
    instance = asked.find(server_id)
    instance.set(body.server.model_dump(exclude_none=True))
    asked.cloud.keep(instance)
    return told({"server": asked.shown(instance)})


@router.post(f"{V1}/{{server_id}}/metadata")
async def set_cloudserver_metadata(asked: Placed, server_id: str, body: Metadata) -> Response:
    """Sets entries of a server's metadata; others stay."""
    instance = asked.find(server_id)
    metadata = instance.metadata | body.metadata
    within_quota(metadata)
    words = asked.compute.words.operations
    asked.compute.ask_if_known(instance, words.update_metadata, asked.asker("metadata"))
    instance.metadata = metadata
    asked.cloud.keep(instance)
    return told({"metadata": metadata})


@router.delete(f"{V1}/{{server_id}}/metadata/{{key}}", status_code=204)
async def delete_cloudserver_metadata(asked: Placed, server_id: str, key: str) -> Response:
    """Removes an entry of a server's metadata."""
    instance = asked.find(server_id)
    if key not in instance.metadata:
        raise ApiError(404, f"The metadata has no key {key[:255]}.")
    words = asked.compute.words.operations
    asked.compute.ask_if_known(instance, words.delete_metadata, asked.asker("metadata"))
    del instance.metadata[key]
    asked.cloud.keep(instance)
    return Response(status_code=204)


@router.get(f"{V1}/{{server_id}}/tags")
async def show_cloudserver_tags(asked: Placed, server_id: str) -> Response:
    """The tags of a server."""
    tags = cloudservers.tags(asked.find(server_id))
    return told({"tags": [{"key": key, "value": value} for key, value in tags.items()]})


@router.post(f"{V1}/{{server_id}}/tags/action", status_code=204)
async def change_cloudserver_tags(asked: Placed, server_id: str, body: TagAction) -> Response:
    """Sets or removes tags of a server."""
    instance = asked.find(server_id)
    tags = {**cloudservers.tags(instance)}
    for tag in body.tags:
        if body.sets:
            tags[tag.key] = tag.value
        else:
            tags.pop(tag.key, None)
    if len(tags) > MOST_TAGS:
        raise ApiError(400, f"A server has at most {MOST_TAGS} tags.")
    instance.set({"tags": [f"{key}={value}" for key, value in tags.items()]})
    asked.cloud.keep(instance)
    return Response(status_code=204)
