"""The volume service, block storage v3: what `volume.toml` declares, actions, quotas and limits.

POST volumes/{id}/action gets an object of one key, which names the action, with its argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from starlette.responses import Response

from ecs_fsm.serve.cloud import vocabulary as words
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import Api, ApiError
from ecs_fsm.serve.http.bodies import action_of, respond
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.declared import DeclaredService
from ecs_fsm.serve.http.declared_routes import QuotaRequests, serve
from ecs_fsm.serve.http.handlers import Face
from ecs_fsm.serve.volume.belongings import KINDS
from ecs_fsm.serve.volume.kinds import VolumeDocuments, flag, usage_of


class VolumeAction(NamedTuple):
    """An action that a request wants of a volume, with its argument."""

    kind: VolumeDocuments
    context: RequestContext
    volume: Instance
    given: Item

    def request(self, operation: str, **changes: Json) -> None:
        """Request an operation of the volume. Raise 400 if its lifecycle refuses it."""
        self.kind.act(self.context, self.volume, operation, **changes)

    def _wrong(self, name: str) -> ApiError:
        value = str(self.given.get(name))[:80]
        return self.kind.service.error(400, "wrong", name=name, value=value)

    def _attach(self) -> None:
        server = self.context.cloud.instances.get(str(self.given.get("instance_uuid")))
        if server is None:
            raise self._wrong("instance_uuid")
        if not self.volume.server.may(words.ATTACH):
            self.request(words.ATTACH)
        named, asker = self.given.get("mountpoint"), self.context.asker(words.ATTACH)
        device, more = named if isinstance(named, str) else None, {"tag": None}
        volumes = self.context.cloud.volumes
        volumes.attach(self.volume, server, device, asker, delete_on_termination=False, **more)

    def _detach(self) -> None:
        volumes = self.context.cloud.volumes
        for each in volumes.attachments(self.volume):
            server = self.context.cloud.instances.get(each["server_id"])
            if server is not None and self.volume.server.may(words.DETACH):
                volumes.detach(self.volume, server, self.context.asker(words.DETACH))
                return
        self.request(words.DETACH)

    def _extend(self) -> None:
        text, old = str(self.given.get("new_size")), cast(int, self.volume.details["size"])
        if not text.isdecimal() or not 0 < int(text) < 2**31:
            raise self._wrong("new_size")
        if int(text) <= old:
            raise self.kind.service.error(400, "not_more", old=old, size=text)
        if self.volume.state.status not in (words.VOLUME_FREE, words.VOLUME_USED):
            self.request(words.EXTEND)
        self.kind.require_room(self.context, self.volume.project_id, int(text) - old, 0)
        self.request(words.EXTEND, size=int(text))

    def _retype(self) -> None:
        wanted = self.given.get("new_type")
        found = self.kind.type_of(self.context, wanted)
        if found is None:
            raise self.kind.service.error(404, "type_unknown", name=str(wanted)[:80])
        self.request(words.RETYPE, flavor=found)

    def _reset(self) -> None:
        if "status" not in self.given:
            return
        status, volumes = str(self.given["status"]), self.context.cloud.volumes
        if status not in words.RESETS:
            known = ", ".join(words.RESETS)
            raise self.kind.service.error(400, "no_reset", status=status[:40], known=known)
        self.request(words.RESETS[status])
        for row in volumes.attachments(self.volume) if status == words.VOLUME_FREE else ():
            volumes.forget(self.volume, row["server_id"])

    def _upload(self) -> Item:
        volume, name = self.volume, self.given.get("image_name")
        if not isinstance(name, str) or not 0 < len(name) <= 255:
            raise self._wrong("image_name")
        if volume.state.status == words.VOLUME_USED and not flag(self.given.get("force")):
            raise self.kind.service.error(400, "not_free", id=volume.id)
        self.request(words.UPLOAD)
        size = cast(int, volume.details["size"])
        usual = {"container_format": "bare", "disk_format": "raw"}
        formats = {form: str(self.given.get(form) or word)[:20] for form, word in usual.items()}
        own: Item = {"owner": self.context.project_id, "size": size << 30, "min_disk": size}
        image = self.context.images.add(name=name, **own, **formats)
        shown = {"id": volume.id, "image_id": image["id"], "image_name": name, "size": size}
        more = {"status": volume.state.status.value, **formats}
        return {"os-volume_upload_image": {**shown, **more}}

    def _bootable(self) -> None:
        if "bootable" not in self.given:
            raise self._wrong("bootable")
        self._change(bootable=flag(self.given["bootable"]))

    def _set_metadata(self) -> Item:
        given = self.given.get("metadata")
        self.kind.check(self.context, self.kind.fields["metadata"], given, "u")
        new = {**self._metadata, **(given or {})}
        self._change(image_metadata=new)
        return {"metadata": new}

    def _unset_metadata(self) -> None:
        left = {key: text for key, text in self._metadata.items() if key != self.given.get("key")}
        if left == self._metadata:
            raise self.kind.service.error(404, "no_key")
        self._change(image_metadata=left)

    @property
    def _metadata(self) -> dict[str, Json]:
        return cast(dict[str, Json], self.volume.details.get("image_metadata") or {})

    def _change(self, **details: Json) -> None:
        self.context.cloud.volumes.change(self.volume, **details)

    def answer(self, key: str) -> Item | None:
        """Carry out the action of a key that is more than an operation, and return its answer."""
        acts: dict[str, Callable[[], Item | None]] = {
            **dict.fromkeys(("os-detach", "os-force_detach"), self._detach),
            **{"os-attach": self._attach, "os-extend": self._extend, "os-retype": self._retype},
            **{"os-reset_status": self._reset, "os-volume_upload_image": self._upload},
            **{"os-set_bootable": self._bootable, "os-set_image_metadata": self._set_metadata},
            "os-unset_image_metadata": self._unset_metadata,
        }
        return acts[key]() if key in acts else None


SERVICE = DeclaredService(Api.VOLUME, RequestContext)
serve(SERVICE, KINDS)
router = SERVICE.handlers
FACES: Sequence[Face] = (Face(router, "/volume/v3/{project_id}"),)
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
    (key, given), volume = await action_of(context.request), kind.instance(context, item_id)
    row, argument = SERVICE.written["actions"].get(key), given if isinstance(given, dict) else {}
    if row is None:
        raise kind.service.error(400, "unknown_action", action=key[:80])
    if row.get("admin") and not context.caller.admin:
        raise kind.service.error(403, "forbidden", what=key)
    action, code = VolumeAction(kind, context, volume, argument), row.get("code", 202)
    if "operation" in row:
        action.request(row["operation"])
    shown = action.answer(key)
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
