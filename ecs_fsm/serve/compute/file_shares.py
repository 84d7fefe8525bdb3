"""Shares of files that servers have: attach, show and detach them, from 2.97 on.

Nothing stores them: a share has any id, and is there at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from uuid import UUID, uuid5

from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.vocabulary import (
    ATTACH_SHARE,
    DETACH_SHARE,
    PAUSED,
    POWER_STATES,
    RUNNING,
)
from ecs_fsm.serve.compute.api import ComputeContext, Versioned, refusable
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Body, respond

SINCE = 97
Share = Mapping[str, Json]


class ShareRequest(Body):
    """A share, and the tag by which the guest mounts it, its id by default."""

    share_id: UUID
    tag: str | None = Field(None, max_length=255)


class AttachShare(Body):
    """The body of an attachment."""

    share: ShareRequest


def _shares(instance: Instance) -> list[Share]:
    return [*cast(list[Share], instance.details.get("shares") or [])]


def _view(context: ComputeContext, instance: Instance, share: Share) -> dict[str, Json]:
    mounted = POWER_STATES.get(instance.state.vm_state) in (RUNNING, PAUSED)
    shown: dict[str, Json] = {
        "share_id": share["id"],
        "status": "active" if mounted else "inactive",
        "tag": share["tag"],
    }
    if context.caller.admin:
        uuid = uuid5(UUID(instance.id), str(share["id"]))
        shown |= {"uuid": str(uuid), "export_location": f"192.0.2.200:/shares/{share['id']}"}
    return shown


def _share(instance: Instance, share_id: str) -> Share:
    for share in _shares(instance):
        if share["id"] == share_id:
            return share
    raise ApiError(404, f"Share {share_id[:255]} could not be found.")


@refusable.get("/servers/{server_id}/shares")
async def list_shares(server_id: str, context: Versioned) -> Response:
    """The shares of a server."""
    context.require_version(since=SINCE)
    instance = context.find(server_id)
    brief = ("share_id", "status", "tag")
    views = (_view(context, instance, share) for share in _shares(instance))
    return respond({"shares": [{name: view[name] for name in brief} for view in views]})


@refusable.get("/servers/{server_id}/shares/{share_id}")
async def show_share(server_id: str, share_id: str, context: Versioned) -> Response:
    """A share of a server."""
    context.require_version(since=SINCE)
    instance = context.find(server_id)
    return respond({"share": _view(context, instance, _share(instance, share_id))})


@refusable.post("/servers/{server_id}/shares", status_code=201)
async def attach_share_to_server(server_id: str, body: AttachShare, context: Versioned) -> Response:
    """Attach a share to a server that is off."""
    context.require_version(since=SINCE)
    instance, share_id = context.find(server_id), str(body.share.share_id)
    shares, tag = _shares(instance), body.share.tag or share_id
    if any(share["id"] == share_id or share["tag"] == tag for share in shares):
        raise ApiError(
            409,
            f"Share '{share_id}' or tag '{tag}' already associated to this server.",
        )
    new: Share = {"id": share_id, "tag": tag}
    context.change(instance, ATTACH_SHARE, {"shares": cast(list[Json], [*shares, new])})
    shown = _view(context, instance, new) | {"status": "attaching"}
    return respond({"share": shown}, 201)


@refusable.delete("/servers/{server_id}/shares/{share_id}", status_code=200)
async def detach_share_from_server(server_id: str, share_id: str, context: Versioned) -> Response:
    """Detach a share from a server that is off."""
    context.require_version(since=SINCE)
    instance = context.find(server_id)
    gone = _share(instance, share_id)
    left = cast(list[Json], [share for share in _shares(instance) if share != gone])
    context.change(instance, DETACH_SHARE, {"shares": left})
    return Response(status_code=200)
