"""Servers, flavors and jobs of the cloudservers API: how they show, lists, changes without a job.

A server looks as in Nova, with its whole flavor, whose numbers are text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from starlette.responses import Response

from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.jobs import Job, SubJob
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import DELETE_METADATA, UPDATE_METADATA
from ecs_fsm.serve.compute.api import compute_of
from ecs_fsm.serve.compute.nova_schemas import within_quota
from ecs_fsm.serve.compute.views import (
    AnswerKind,
    Fields,
    ViewOptions,
    addresses_of,
    links,
    server_view,
)
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import View, page, respond
from ecs_fsm.serve.http.handlers import Alias, Face
from ecs_fsm.serve.huawei.calls import V1, V11, ProjectContext, router

FACES: Sequence[Face] = (Face(router),)
MINOR = 26
"""The microversion whose attributes of a server this API has."""


def _view(context: ProjectContext, instance: Instance) -> Fields:
    """Return a server."""
    cloud, flavor = context.cloud, context.cloud.flavor(instance)
    shown = server_view(cloud, instance, ViewOptions(MINOR, context.root, True, AnswerKind.SHOW))
    return shown | {
        "flavor": {
            "id": flavor["id"],
            "name": flavor["name"],
            **{size: str(flavor[size]) for size in ("vcpus", "ram", "disk")},
            "gpus": [],
            "asic_accelerators": [],
        },
        "addresses": _addresses(cloud, instance),
        "host_status": "UP" if shown["hostId"] else "",
        "enterprise_project_id": "0",
        "os:scheduler_hints": {},
        "sys_tags": [],
    }


def _addresses(cloud: Cloud, instance: Instance) -> Fields:
    shown: Fields = {}
    for port in cloud.ports.shown(instance):
        network = cloud.ports.networks.get(port["network_id"]) or {"name": port["network_id"]}
        for text, kind in addresses_of(cloud, port):
            address: Fields = {
                "version": "4",
                "addr": text,
                "OS-EXT-IPS:type": kind,
                "OS-EXT-IPS-MAC:mac_addr": port["mac_address"],
                "OS-EXT-IPS:port_id": port["id"],
            }
            cast(list[Json], shown.setdefault(network["name"], [])).append(address)
    return shown


def _flavor_view(flavor: Item, root: str) -> Fields:
    """Return a flavor of the list: `vcpus` and `disk` are text, `ram` is a number."""
    return {
        "id": flavor["id"],
        "name": flavor["name"],
        "vcpus": str(flavor["vcpus"]),
        "ram": flavor["ram"],
        "disk": str(flavor["disk"]),
        "swap": "",
        "links": links(root, "flavors", flavor["id"]),
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "rxtx_factor": 1.0,
        "rxtx_quota": None,
        "rxtx_cap": None,
        "os-flavor-access:is_public": True,
        "os_extra_specs": {**flavor["extra_specs"]},
        "attachable_quantity": {"free_scsi": 23, "free_blk": 23, "free_disk": 23, "free_nic": 12},
    }


def _job_view(cloud: Cloud, job: Job) -> Fields:
    """Return a job; one of a batch or a creation shows a part for each server."""
    failed = [part for part in job.parts if part.error] if job.ended is not None else []
    error, reason = (failed[0].error, failed[0].reason or "") if failed else (None, None)
    if failed and len(job.parts) > 1:
        reason = f"{len(failed)} of {len(job.parts)} servers failed, the first: {reason}"
    entities: Fields = {"server_id": job.parts[0].server_id}
    if job.batch:
        parts: list[Json] = [
            _progress(cloud, part, job.kind.part, part.error, part.reason)
            | {"entities": {"server_id": part.server_id}}
            for part in job.parts
        ]
        entities = {"sub_jobs_total": len(parts), "sub_jobs": parts}
    return _progress(cloud, job, job.kind.job, error, reason) | {"entities": entities}


def _progress(
    cloud: Cloud, of: Job | SubJob, kind: str, error: str | None, reason: str | None
) -> Fields:
    """Return how far a job or a part of one is, with times to the millisecond."""
    begin, end = (
        f"{cloud.clock.date(at).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
        if at is not None
        else None
        for at in (of.begun, of.ended)
    )
    return {
        "status": of.status(cloud.now),
        "job_id": of.id,
        "job_type": kind,
        "begin_time": begin,
        "end_time": end,
        "error_code": error,
        "fail_reason": reason,
    }


def tags_of(instance: Instance) -> Mapping[str, str]:
    """Return the tags of a server, which are kept as `KEY=VALUE`."""
    return {key: value for key, _, value in (t.partition("=") for t in instance.names("tags"))}


MOST_TAGS = 20


ALSO_LISTED = {
    "ACTIVE": ("REBOOT", "HARD_REBOOT", "REBUILD", "MIGRATING", "RESIZE"),
    "SHUTOFF": ("RESIZE", "REBUILD"),
    "ERROR": ("REBUILD",),
    "VERIFY_RESIZE": ("REVERT_RESIZE",),
}
"""Statuses that a filter selects as well, by that of the filter, as the cloud documents it."""


def _selected(query: Item, cloud: Cloud, servers: list[Instance]) -> list[Instance]:
    """Return the servers that each filter of the query selects."""
    name = re.compile(re.escape(query["name"] or "").replace(r"\.", "."), re.IGNORECASE)
    status, flavor, ip = (query["status"] or "").upper(), query["flavor"], query["ip"]
    listed = {status, *ALSO_LISTED.get(status, ())}
    ids, wanted, unwanted = (
        (query[key] or "").split(",") if query[key] else []
        for key in ("server_id", "tags", "not_tags")
    )
    return [
        instance
        for instance in servers
        if name.search(instance.name)
        and (not status or instance.state.status.upper() in listed)
        and (not flavor or instance.flavor == flavor)
        and (not ip or any(ip in each for each in _fixed(cloud, instance)))
        and (not ids or instance.id in ids)
        and all(_tagged(instance, tag) for tag in wanted)
        and not any(_tagged(instance, tag) for tag in unwanted)
    ]


def _fixed(cloud: Cloud, instance: Instance) -> Iterator[str]:
    """Yield the fixed addresses of a server."""
    for port in cloud.ports.shown(instance):
        yield from (fixed["ip_address"] for fixed in port["fixed_ips"])


def _tagged(instance: Instance, tag: str) -> bool:
    """Return whether a server has a tag, written as `KEY=VALUE`, or one of that key."""
    key, equals, value = tag.partition("=")
    tags = tags_of(instance)
    return key in tags and (not equals or tags[key] == value)


@router.get(f"{V1}/detail", Alias(f"{V11}/detail", "list_cloudservers_v11"), query="ServerQuery")
def list_cloudservers(context: ProjectContext, query: Item) -> Response:
    """A page of servers, the newest first, with their number on all pages."""
    found, limit = _selected(query, context.cloud, context.servers()), query["limit"]
    if query["marker"]:
        last = context.find(query["marker"]).number
        rest = [instance for instance in found if instance.number < last]
    else:
        rest = found[(max(query["offset"], 1) - 1) * limit :]
    shown = [_view(context, instance) for instance in rest[:limit]]
    return respond({"count": len(found), "servers": shown})


@router.get(f"{V1}/flavors", query="FlavorQuery")
def list_cloudserver_flavors(context: ProjectContext, query: Item) -> Response:
    """The flavors of the cloud."""
    only = query["flavor_id"]
    return _flavors(context, query, lambda flavor: only in (None, flavor["id"]))


@router.get(f"{V1}/resize_flavors", query="ResizeFlavorQuery")
def list_cloudserver_resize_flavors(context: ProjectContext, query: Item) -> Response:
    """The flavors to which a server can be resized."""
    server, source = query["instance_uuid"], query["source_flavor_id"]
    own = context.find(server).flavor if server else source
    return _flavors(context, query, lambda flavor: flavor["id"] != own)


def _flavors(context: ProjectContext, query: Item, wanted: Callable[[Item], bool]) -> Response:
    every = context.cloud.resources.of("flavors")
    found = [View(flavor["id"], flavor) for flavor in every if wanted(flavor)]
    shown, _ = page(found, query["limit"], query["marker"])
    return respond({"flavors": [_flavor_view(each.shown, context.root) for each in shown]})


@router.get(f"{V1}/tags")
def list_cloudserver_tags(context: ProjectContext) -> Response:
    """The tags of all servers of the project, each key with its values."""
    values: dict[str, dict[str, None]] = {}
    for instance in context.servers():
        for key, value in tags_of(instance).items():
            values.setdefault(key, {})[value] = None
    return respond({"tags": [{"key": key, "values": [*found]} for key, found in values.items()]})


@router.get(f"{V1}/{{server_id}}")
def show_cloudserver(context: ProjectContext, server_id: str) -> Response:
    """A server."""
    return respond({"server": _view(context, context.find(server_id))})


@router.put(f"{V1}/{{server_id}}", body="RenameServer")
def update_cloudserver(context: ProjectContext, server_id: str, body: Item) -> Response:
    """Change the name, the description or the host name of a server."""
    instance = context.find(server_id)
    changes = {n: text for n, text in body["server"].items() if text is not None}
    context.cloud.keep(instance, changes)
    return respond({"server": _view(context, instance)})


def _set_metadata(context: ProjectContext, instance: Instance, operation: str, new: Item) -> None:
    """Set the metadata of a server, if its lifecycle allows the operation."""
    asker = context.asker("metadata")
    compute_of(context.request).request_if_known(instance, operation, asker)
    context.cloud.keep(instance, {"metadata": new})


@router.post(f"{V1}/{{server_id}}/metadata", body="MetadataEntries")
def set_cloudserver_metadata(context: ProjectContext, server_id: str, body: Item) -> Response:
    """Set entries of the metadata of a server, and keep the others."""
    instance = context.find(server_id)
    metadata = instance.metadata | body["metadata"]
    within_quota(metadata)
    _set_metadata(context, instance, UPDATE_METADATA, metadata)
    return respond({"metadata": metadata})


@router.delete(f"{V1}/{{server_id}}/metadata/{{key}}", status_code=204)
def delete_cloudserver_metadata(context: ProjectContext, server_id: str, key: str) -> Response:
    """Remove an entry of the metadata of a server."""
    instance = context.find(server_id)
    if key not in instance.metadata:
        raise ApiError(404, f"The metadata has no key {key[:255]}.")
    left = {name: text for name, text in instance.metadata.items() if name != key}
    _set_metadata(context, instance, DELETE_METADATA, left)
    return Response(status_code=204)


@router.get(f"{V1}/{{server_id}}/tags")
def show_cloudserver_tags(context: ProjectContext, server_id: str) -> Response:
    """The tags of a server."""
    tags = tags_of(context.find(server_id))
    return respond({"tags": [{"key": key, "value": value} for key, value in tags.items()]})


@router.post(f"{V1}/{{server_id}}/tags/action", body="TagAction", status_code=204)
def change_cloudserver_tags(context: ProjectContext, server_id: str, body: Item) -> Response:
    """Set or remove tags of a server."""
    instance = context.find(server_id)
    tags = {**tags_of(instance)}
    for tag in body["tags"]:
        if body["action"] == "create":
            tags[tag["key"]] = tag["value"]
        else:
            tags.pop(tag["key"], None)
    if len(tags) > MOST_TAGS:
        raise ApiError(400, f"A server has at most {MOST_TAGS} tags.")
    context.cloud.keep(instance, {"tags": [f"{key}={value}" for key, value in tags.items()]})
    return Response(status_code=204)


@router.get("/v1/{project_id}/jobs/{job_id}", answer="Job")
def show_job(context: ProjectContext, job_id: str) -> Response:
    """The progress of a job."""
    job = context.jobs.find(job_id, context.project_id)
    if job is None:
        raise ApiError(404, f"The job {job_id[:255]} could not be found.")
    return respond(_job_view(context.cloud, job))
