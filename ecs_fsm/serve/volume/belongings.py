"""Snapshots, backups, types and attachments of volumes: what their tables cannot say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from starlette.responses import Response

from ecs_fsm.serve.cloud.resources import Item, identifier
from ecs_fsm.serve.cloud.vocabulary import RESERVE, SNAPSHOT, UNRESERVE, VOLUME_USED
from ecs_fsm.serve.cloud.volumes import USUAL_TYPE
from ecs_fsm.serve.http.bodies import action_of
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.volume.kinds import VolumeDocuments, VolumeKind, flag, links

PUBLIC = "os-volume-type-access:is_public"


class Snapshots(VolumeKind):
    """Snapshots, which are there at once."""

    def made(self, context: RequestContext, item: Item) -> Item:
        """Take the size of the volume. Raise 400 for one in no state for it."""
        volumes = cast(VolumeDocuments, self.service.kinds["volumes"])
        volume = volumes.instance(context, item["volume_id"])
        force = flag(item.pop("force", False))
        if volume.state.status == VOLUME_USED and not force:
            raise self.service.error(400, "not_free", id=volume.id)
        volumes.require_room(context, context.project_id, cast(int, volume.details["size"]), 0)
        volumes.act(context, volume, SNAPSHOT)
        own = {"size": volume.details["size"], "user_id": context.caller.user_id}
        return {**item, **own, "metadata": item.get("metadata") or {}}

    def add_more(self, add: Handlers, one: str) -> None:
        """Add the actions."""
        add.post(f"{one}/action", name="act_on_snapshot")(self._act)

    async def _act(self, context: RequestContext, item_id: str) -> Response:
        action, given = await action_of(context.request)
        item = self.find_own(context, item_id, "update")
        status = given.get("status") if isinstance(given, dict) else None
        resets = action == "os-reset_status" and isinstance(status, str)
        if not resets and action != "os-force_delete":
            raise self.service.error(400, "no_action")
        if not context.caller.admin:
            raise self.service.error(403, "forbidden", what=action.removeprefix("os-"))
        if resets:
            self.shelf(context).change(item, status=str(status)[:40])
        else:
            self.delete(context, item)
        return Response(status_code=202)


class Backups(VolumeKind):
    """Backups, which are there at once."""

    def made(self, context: RequestContext, item: Item) -> Item:
        """Take the size of the volume."""
        volume = self.service.kinds["volumes"].find(context, item["volume_id"])
        if volume["status"] == VOLUME_USED and not flag(item.pop("force", False)):
            raise self.service.error(400, "backup_forces")
        return {**item, "size": volume["size"], "user_id": context.caller.user_id}

    def more(self, context: RequestContext, item: Item) -> Item:
        """Add links."""
        return {"links": links(context, "backups", item["id"])}


class Types(VolumeKind):
    """Types of volumes, with extra specs and access."""

    def usual(self) -> Item:
        """Return the type of a volume that names none."""
        own = identifier("volume type", USUAL_TYPE)
        return {"id": own, "name": USUAL_TYPE, "description": "Default Volume Type"}

    def items(self, context: RequestContext) -> Iterable[Item]:
        """Return the types."""
        return [self.usual(), *self.shelf(context)]

    def get(self, context: RequestContext, item_id: str) -> Item | None:
        """Return the type of that id; `default` is that of a volume that names none."""
        usual = self.usual()
        return usual if item_id in (usual["id"], "default") else super().get(context, item_id)

    def made(self, context: RequestContext, item: Item) -> Item:
        """Write whether the type is public under both names."""
        public = flag(item.get(PUBLIC, True))
        specs = item["extra_specs"] or {}
        return {**item, PUBLIC: public, "is_public": public, "access": [], "extra_specs": specs}

    def changed(self, context: RequestContext, item: Item, new: Item) -> Item:
        """Write whether the type is public under both names."""
        if self.shelf(context).get(item["id"]) is None:
            raise self.service.error(400, "type_stays")
        public = flag(new.get("is_public", True))
        return {**new, PUBLIC: public, "is_public": public}

    def gone(self, context: RequestContext, item: Item) -> None:
        """Refuse while volumes have the type."""
        if item["name"] == USUAL_TYPE:
            raise self.service.error(400, "type_kept")
        if any(v.flavor == item["name"] for v in context.cloud.volumes.cloud.instances.values()):
            raise self.service.error(400, "type_used")


class Attachments(VolumeKind):
    """Attachments of volumes to servers, and those that clients reserve."""

    def items(self, context: RequestContext) -> Iterable[Item]:
        """Return all attachments."""
        return [
            {
                "id": each["id"],
                "volume_id": volume.id,
                "instance": each["server_id"],
                "status": "attached" if volume.state.status == VOLUME_USED else "attaching",
                "attach_mode": "rw",
                "attached_at": each["at"],
                "project_id": volume.project_id,
            }
            for volume in context.cloud.volumes.cloud.instances.values()
            for each in context.cloud.volumes.attachments(volume)
        ] + [*self.shelf(context)]

    def get(self, context: RequestContext, item_id: str) -> Item | None:
        """Return an attachment by its id."""
        return next((item for item in self.items(context) if item["id"] == item_id), None)

    def shown(self, context: RequestContext, item: Item) -> Item:
        """Return the attachment with its date."""
        shown = {key: value for key, value in item.items() if key != "project_id"}
        date, at = self.service.form["date"], item.get("attached_at")
        dated = None if at is None else context.cloud.clock.date(at).strftime(date)
        return {**shown, "attached_at": dated, "detached_at": None, "connection_info": {}}

    def made(self, context: RequestContext, item: Item) -> Item:
        """Reserve the volume."""
        volumes = cast(VolumeDocuments, self.service.kinds["volumes"])
        volume = volumes.instance(context, item["volume_uuid"])
        volumes.act(context, volume, RESERVE)
        own = {name: item[name] for name in ("id", "project_id")} | {"volume_id": volume.id}
        more = {"instance": item.get("instance_uuid"), "status": "reserved", "attach_mode": "rw"}
        return own | more

    def delete(self, context: RequestContext, item: Item) -> None:
        """Give a reservation back. Raise 409 for an attachment of a server."""
        if self.shelf(context).get(item["id"]) is None:
            raise self.service.error(409, "attached", instance=item["instance"])
        volumes = cast(VolumeDocuments, self.service.kinds["volumes"])
        volumes.act(context, volumes.instance(context, item["volume_id"]), UNRESERVE)
        self.shelf(context).drop(item["id"])


KINDS: dict[str, type[VolumeKind]] = {
    "types": Types,
    "volumes": VolumeDocuments,
    "snapshots": Snapshots,
    "backups": Backups,
    "attachments": Attachments,
}
"""The kinds with methods."""
