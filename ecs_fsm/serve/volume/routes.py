"""The volume service, block storage v3: what `volume.toml` declares, actions, quotas and limits.

POST volumes/{id}/action gets an object of one key, which names the action, with its argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

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
from ecs_fsm.serve.http.api_errors import Api
from ecs_fsm.serve.http.bodies import body_of, respond
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.declared import DeclaredService
from ecs_fsm.serve.http.declared_routes import QuotaRequests, serve
from ecs_fsm.serve.http.handlers import Face, Handlers
from ecs_fsm.serve.volume.belongings import KINDS
from ecs_fsm.serve.volume.kinds import VolumeDocuments, usage_of

Act = Callable[[VolumeDocuments, RequestContext, Instance, dict[str, Any]], object]


def _attach(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> None:
    server = context.cloud.instances.get(str(given.get("instance_uuid")))
    if server is None:
        raise kind.service.error(
            400, "wrong", name="instance_uuid", value=str(given.get("instance_uuid"))[:80]
        )
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
        raise kind.service.error(400, "wrong", name="new_size", value=str(size)[:80])
    if int(size) <= old:
        raise kind.service.error(400, "not_more", old=old, size=size)
    if volume.state.status not in (VOLUME_FREE, VOLUME_USED):
        kind.act(context, volume, EXTEND)
    kind.require_room(context, volume.project_id, int(size) - old, 0)
    kind.act(context, volume, EXTEND, size=int(size))


def _retype(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> None:
    wanted = given.get("new_type")
    types = kind.service.kinds["types"].items(context)
    found = next((t["name"] for t in types if wanted in (t["id"], t["name"])), None)
    if found is None:
        raise kind.service.error(404, "type_unknown", name=str(wanted)[:80])
    kind.act(context, volume, RETYPE, flavor=found)


def _reset(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> None:
    operation = RESETS.get(str(given.get("status")))
    if operation is None and "status" in given:
        words = {"status": str(given["status"])[:40], "known": ", ".join(RESETS)}
        raise kind.service.error(400, "no_reset", **words)
    if operation is not None:
        kind.act(context, volume, operation)
    if operation is not None and given["status"] == VOLUME_FREE:
        for row in context.cloud.volumes.attachments(volume):
            context.cloud.volumes.forget(volume, row["server_id"])


def _upload(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> object:
    name = given.get("image_name")
    if not isinstance(name, str) or not 0 < len(name) <= 255:
        raise kind.service.error(400, "wrong", name="image_name", value=str(name)[:80])
    if volume.state.status == VOLUME_USED and str(given.get("force")).lower() not in ("true", "1"):
        raise kind.service.error(400, "not_free", id=volume.id)
    kind.act(context, volume, UPLOAD)
    size = cast(int, volume.details["size"])
    usual = {"container_format": "bare", "disk_format": "raw"}
    formats = {form: str(given.get(form) or word)[:20] for form, word in usual.items()}
    image = context.images.add(
        name=name, size=size << 30, min_disk=size, owner=context.project_id, **formats
    )
    context.cloud.resources.commit()
    shown = {"id": volume.id, "image_id": image["id"], "image_name": name, "size": size}
    more = {"status": volume.state.status.value, **formats}
    return {"os-volume_upload_image": {**shown, **more}}


def _bootable(kind: VolumeDocuments, context: RequestContext, volume: Instance, given: Any) -> None:
    if "bootable" not in given:
        raise kind.service.error(400, "wrong", name="bootable", value=str(None)[:80])
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
        raise kind.service.error(404, "no_key")
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


SERVICE = DeclaredService(Api.VOLUME, RequestContext)
serve(SERVICE, KINDS)
router = Handlers(Api.VOLUME, RequestContext)
HERE = "/volume/v3/{project_id}"
FACES: Sequence[Face] = (Face(SERVICE.handlers, HERE), Face(router, HERE))
QUOTAS = QuotaRequests(
    SERVICE,
    lambda context: {name: context.cloud.catalog.quotas[name] for name in usage_of(context, "")},
    usage_of,
)


@router.post("/volumes/{item_id}/action")
async def act_on_volume(context: RequestContext, item_id: str) -> Response:
    """Carry out an action, named by the one key of the body, with its argument."""
    kind = cast(VolumeDocuments, SERVICE.kinds["volumes"])
    kind.find_own(context, item_id, "update")
    body = await body_of(context.request)
    volume, key = kind.instance(context, item_id), next(iter(body), "")
    act = ACTIONS.get(key)
    if act is None or len(body) != 1:
        raise kind.service.error(400, "unknown_action", action=key[:80])
    argument = body[key] if isinstance(body[key], dict) else {}
    if key in FOR_ADMINISTRATORS and not context.caller.admin:
        raise kind.service.error(403, "forbidden", what=key)
    shown = act(kind, context, volume, argument)
    code = CODES.get(key, 202)
    return Response(status_code=code) if shown is None else respond(shown, code)


@router.get("/limits")
def show_volume_limits(context: RequestContext) -> Response:
    """What the project may have, and has."""
    return QUOTAS.limits(context, context.project_id)


@router.get("/os-availability-zone")
def list_volume_zones(context: RequestContext) -> Response:
    """The availability zones."""
    zones = context.cloud.catalog.zones
    shown = [{"zoneName": zone, "zoneState": {"available": True}} for zone in zones]
    return respond({"availabilityZoneInfo": shown})


@router.get("/extensions")
def list_volume_extensions(context: RequestContext) -> Response:
    """What the service can do beside its version."""
    aliases = ("os-extend", "os-quota-sets", "os-volume-type-access", "os-availability-zone")
    shown = [
        {"alias": alias, "name": alias, "description": "", "links": [], "updated": ""}
        for alias in aliases
    ]
    return respond({"extensions": shown})


@router.get("/os-services")
def list_volume_services(context: RequestContext) -> Response:
    """The services of volumes; for administrators."""
    if not context.caller.admin:
        raise SERVICE.error(403, "forbidden", what="get_all_services")
    common = {"zone": context.cloud.catalog.zones[0], "status": "enabled", "state": "up"}
    updated = SERVICE.kinds["volumes"].now(context)
    shown = [
        {"binary": binary, "host": host, **common, "updated_at": updated, "disabled_reason": None}
        for binary, host in (("cinder-scheduler", "cinder"), ("cinder-volume", "cinder@emulated"))
    ]
    return respond({"services": shown})
