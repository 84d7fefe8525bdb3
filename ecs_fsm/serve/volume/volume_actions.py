"""POST volumes/{id}/action: an object of one key, which names the action, with its argument."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from fastapi import Request
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.vocabulary import (
    ATTACH,
    DETACH,
    EXTEND,
    FORCE_DELETE,
    RESERVE,
    RESETS,
    RETYPE,
    UNRESERVE,
    UPLOAD,
    VOLUME_FREE,
    VOLUME_USED,
)
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.fields import body_of, respond
from ecs_fsm.serve.volume.kinds import VolumeDocuments, require_room

Act = Callable[[VolumeDocuments, RequestContext, Instance, dict[str, Any]], object]


def action_of(kind: VolumeDocuments) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of the actions of volumes."""

    async def act_on_volume(request: Request) -> Response:
        context = await kind.service.context(request)
        kind.find_own(context, request.path_params["item_id"], "update")
        return _act(kind, context, await body_of(request))

    return act_on_volume


def _act(kind: VolumeDocuments, context: RequestContext, body: dict[str, Any]) -> Response:
    """Carry out an action, named by the one key of the body, with its argument."""
    volume = kind.instance(context, context.request.path_params["item_id"])
    key = next(iter(body), "")
    act = ACTIONS.get(key)
    if act is None or len(body) != 1:
        raise ApiError(400, f"Unknown action {key[:80]!r}")
    argument = body[key] if isinstance(body[key], dict) else {}
    if key in FOR_ADMINISTRATORS and not context.caller.admin:
        raise ApiError(403, kind.service.text("forbidden", what=key))
    shown = act(kind, context, volume, argument)
    return Response(status_code=CODES.get(key, 202)) if shown is None else respond(shown, CODES.get(key, 202))  # fmt: skip  # noqa: E501


def _wrong(name: str, value: object) -> ApiError:
    return ApiError(400, f"Invalid input for field/attribute {name}. Value: {str(value)[:80]}.")


def _attach(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> None:
    server = context.cloud.instances.get(str(given.get("instance_uuid")))
    if server is None:
        raise _wrong("instance_uuid", given.get("instance_uuid"))
    if not volume.server.may(ATTACH):
        kind.act(context, volume, ATTACH)
    device = given.get("mountpoint")
    more: dict[str, Json] = {"delete_on_termination": False, "tag": None}
    context.cloud.volumes.attach(
        volume, server, device if isinstance(device, str) else None, context.asker(ATTACH), **more
    )
    context.cloud.keep(server)


def _detach(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> None:
    for each in context.cloud.volumes.attachments(volume):
        server = context.cloud.instances.get(each["server_id"])
        if server is not None and volume.server.may(DETACH):
            context.cloud.volumes.detach(volume, server, context.asker(DETACH))
            return
    kind.act(context, volume, DETACH)


def _extend(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> None:
    size, old = given.get("new_size"), cast(int, volume.details["size"])
    if not str(size).isdecimal() or not 0 < int(str(size)) < 2**31:
        raise _wrong("new_size", size)
    if int(size) <= old:
        raise ApiError(400, f"Invalid input received: New size for extend must be greater than current size. (current: {old}, extended: {size}).")  # fmt: skip  # noqa: E501
    if volume.state.status not in (VOLUME_FREE, VOLUME_USED):
        kind.act(context, volume, EXTEND)
    require_room(context, volume.project_id, int(size) - old, 0)
    kind.act(context, volume, EXTEND, size=int(size))


def _retype(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> None:
    wanted = given.get("new_type")
    types = kind.service.kinds["types"].items(context)
    found = next((t["name"] for t in types if wanted in (t["id"], t["name"])), None)
    if found is None:
        raise ApiError(404, f"Volume type {str(wanted)[:80]} could not be found.")
    kind.act(context, volume, RETYPE, flavor=found)


def _reset(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> None:
    operation = RESETS.get(str(given.get("status")))
    if operation is None and "status" in given:
        raise ApiError(400, f"Invalid input for field/attribute status. Value: {str(given['status'])[:40]}. Here it is one of {', '.join(RESETS)}")  # fmt: skip  # noqa: E501
    if operation is not None:
        kind.act(context, volume, operation)
    if operation is not None and given["status"] == VOLUME_FREE:
        for row in context.cloud.volumes.attachments(volume):
            context.cloud.volumes.forget(volume, row["server_id"])


def _upload(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> object:
    name = given.get("image_name")
    if not isinstance(name, str) or not 0 < len(name) <= 255:
        raise _wrong("image_name", name)
    if volume.state.status == VOLUME_USED and str(given.get("force")).lower() not in ("true", "1"):
        raise ApiError(400, f"Invalid volume: Volume {volume.id} status must be {VOLUME_FREE}, but current status is: {VOLUME_USED}.")  # fmt: skip  # noqa: E501
    kind.act(context, volume, UPLOAD)
    size = cast(int, volume.details["size"])
    formats = {f"{part}_format": str(given.get(f"{part}_format") or usual)[:20] for part, usual in (("container", "bare"), ("disk", "raw"))}  # fmt: skip  # noqa: E501
    image = context.images.add(
        name=name, size=size << 30, min_disk=size, owner=context.project_id, **formats
    )
    context.cloud.resources.commit()
    shown = {"id": volume.id, "image_id": image["id"], "image_name": name, "size": size}
    more = {"status": volume.state.status.value, **formats}
    return {"os-volume_upload_image": {**shown, **more}}


def _bootable(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> None:
    if "bootable" not in given:
        raise _wrong("bootable", None)
    context.cloud.volumes.change(volume, bootable=str(given["bootable"]).lower() in ("true", "1"))


def _set_image_metadata(
    kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any
) -> object:
    new = given.get("metadata")
    kind.check(context, kind.fields["metadata"], new, "u")
    old = cast(dict[str, Json], volume.details.get("image_metadata") or {})
    context.cloud.volumes.change(volume, image_metadata={**old, **(new or {})})
    return {"metadata": {**old, **(new or {})}}


def _unset_image_metadata(
    kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any
) -> None:
    old = cast(dict[str, Json], volume.details.get("image_metadata") or {})
    left = {key: value for key, value in old.items() if key != given.get("key")}
    if left == old:
        raise ApiError(404, "Metadata key does not exist.")
    context.cloud.volumes.change(volume, image_metadata=left)


def _plain(operation: str) -> Act:
    return lambda kind, context, volume, given: kind.act(context, volume, operation)


def _nothing(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> None:
    """Do nothing, as where a volume already is what the action makes it."""


ACTIONS: dict[str, Act] = {
    "os-attach": _attach,
    "os-detach": _detach,
    "os-force_detach": _detach,
    "os-reserve": _plain(RESERVE),
    "os-unreserve": _plain(UNRESERVE),
    "os-begin_detaching": _nothing,
    "os-roll_detaching": _nothing,
    "os-extend": _extend,
    "os-retype": _retype,
    "os-reset_status": _reset,
    "os-force_delete": _plain(FORCE_DELETE),
    "os-set_bootable": _bootable,
    "os-update_readonly_flag": _nothing,
    "os-volume_upload_image": _upload,
    "os-set_image_metadata": _set_image_metadata,
    "os-unset_image_metadata": _unset_image_metadata,
}
"""The actions by their keys."""
FOR_ADMINISTRATORS = {"os-reset_status", "os-force_delete", "os-force_detach"}
CODES = {"os-set_bootable": 200, "os-set_image_metadata": 200, "os-unset_image_metadata": 200}
"""The status of an answer, 202 for others."""
