"""What the tables of the volume service cannot say: how volumes live, and what hangs on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from starlette.responses import Response

from ecs_fsm.core.errors import Refused
from ecs_fsm.serve.cloud.clock import Timeline
from ecs_fsm.serve.cloud.imagestore import ACTIVE
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.resources import Item, identifier
from ecs_fsm.serve.cloud.vocabulary import ATTACH, CREATE, DELETE, VOLUME_SHOWN, VOLUME_USED
from ecs_fsm.serve.cloud.volumes import USUAL_TYPE
from ecs_fsm.serve.http.bodies import respond
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.declared import Declared
from ecs_fsm.serve.http.handlers import Handlers

VolumeKind = Declared[RequestContext]


def flag(value: object) -> bool:
    """Return the truth value that clients mean."""
    return str(value).lower() in ("true", "1", "t", "yes")


def usage_of(context: RequestContext, project_id: str) -> dict[str, int]:
    """Return what a project has of volumes, snapshots and backups, and in GiB."""
    own = [v for v in context.cloud.volumes.cloud.instances.values() if v.project_id == project_id]
    kept = context.cloud.resources
    snapshots = kept.of("snapshots").by("project_id", project_id)
    backups = kept.of("backups").by("project_id", project_id)
    sizes = [cast(int, volume.details["size"]) for volume in own]
    return {
        "volumes": len(own),
        "snapshots": len(snapshots),
        "gigabytes": sum(sizes) + sum(snapshot["size"] for snapshot in snapshots),
        "backups": len(backups),
        "backup_gigabytes": sum(backup["size"] for backup in backups),
        "groups": 0,
        "per_volume_gigabytes": 0,
    }


class VolumeDocuments(VolumeKind):
    """Volumes, which live by their lifecycle."""

    def _cloud(self, context: RequestContext) -> Timeline:
        return context.cloud.volumes.cloud

    def items(self, context: RequestContext) -> Iterable[Item]:
        """Return the volumes, the newest first."""
        every = context.request.query_params.get("all_tenants", "").lower() in ("1", "true")
        seen = every and context.caller.admin
        return [
            self.item(context, volume)
            for volume in reversed([*self._cloud(context).instances.values()])
            if seen or volume.project_id == context.caller.project_id
        ]

    def get(self, context: RequestContext, item_id: str) -> Item | None:
        """Return a volume."""
        volume = self._cloud(context).instances.get(item_id)
        return self.item(context, volume) if volume else None

    def instance(self, context: RequestContext, volume_id: str) -> Instance:
        """Return a volume of the project. Raise 404 for others."""
        return self._cloud(context).instances[self.find(context, volume_id)["id"]]

    def require_room(
        self, context: RequestContext, project_id: str, size: int, new: int = 1
    ) -> None:
        """Raise 413 for a volume, or more of one, that exceeds the quotas of a project."""
        quotas = context.quotas_of(project_id)
        if max(quotas["volumes"], quotas["gigabytes"], quotas["per_volume_gigabytes"]) < 0:
            return
        used, most = usage_of(context, project_id), quotas["volumes"]
        if 0 <= most < used["volumes"] + new:
            raise self.service.error(413, "exceeds_number", most=most)
        has, most = used["gigabytes"], quotas["gigabytes"]
        if 0 <= most < has + size:
            raise self.service.error(413, "exceeds_size", size=size, most=most, has=has)

    def _date(self, context: RequestContext, seconds: float) -> str:
        return context.cloud.clock.date(seconds).strftime(self.service.form["date"])

    def item(self, context: RequestContext, volume: Instance) -> Item:
        """Return a volume as a document."""
        status, details = volume.state.status.value, volume.details
        attached = [
            {
                "id": volume.id,
                "attachment_id": each["id"],
                "attached_at": self._date(context, each["at"]),
                "host_name": None,
                "volume_id": volume.id,
                "server_id": each["server_id"],
                "device": each["device"],
            }
            for each in context.cloud.volumes.attachments(volume)
            if status == VOLUME_USED or volume.operation not in (CREATE, ATTACH)
        ]
        return {
            **{name: details.get(name) for name in ("description", "snapshot_id", "source_volid")},
            **{name: getattr(volume, name) for name in ("id", "name", "project_id", "user_id")},
            "size": details["size"],
            "status": VOLUME_SHOWN.get(status, status),
            "metadata": {**volume.metadata},
            "availability_zone": details.get("zone") or context.cloud.catalog.zones[0],
            "volume_type": volume.flavor,
            "created_at": self._date(context, volume.created),
            "updated_at": self._date(context, volume.updated),
            "bootable": "true" if details.get("bootable") else "false",
            "attachments": attached,
        }

    def more(self, context: RequestContext, item: Item) -> Item:
        """Add what is not a field of its own."""
        volume = self._cloud(context).instances[item["id"]]
        image = context.images.find(volume.image or "", None, True)
        view: Item = {
            "links": links(context, "volumes", item["id"]),
            "volume_type_id": identifier("volume type", item["volume_type"]),
        }
        meta = {"image_id": image["id"], "image_name": image["name"]} if image else {}
        meta |= cast(Mapping[str, str], volume.details.get("image_metadata") or {})
        return view | ({"volume_image_metadata": meta} if meta else {})

    def create(self, context: RequestContext, given: Item) -> Item:
        """Create a volume, blank or from an image, a snapshot or another volume."""
        kept, image = context.cloud.resources, given.get("imageRef")
        source: Item = kept.of("snapshots").get(given.get("snapshot_id")) or {}
        if given.get("source_volid"):
            source = self.find(context, given["source_volid"])
        if given.get("backup_id"):
            source = kept.of("backups").get(given["backup_id"]) or {}
        text = str(given.get("size") or source.get("size") or "")
        if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**31):
            raise self.service.error(400, "no_size", size=text[:20])
        size = int(text)
        if size < source.get("size", 0):
            raise self.service.error(400, "too_small", size=size, least=source["size"])
        if flag(given.get("multiattach")):
            raise self.service.error(400, "multiattach")
        name = given.get("volume_type") or USUAL_TYPE
        kind = self.type_of(context, name)
        if kind is None:
            raise self.service.error(404, "no_type", name=name)
        zone = given.get("availability_zone")
        if zone and zone not in context.cloud.catalog.zones:
            raise self.service.error(400, "no_zone", zone=zone)
        if image:
            self._require_image(context, image, size)
        self.require_room(context, context.project_id, size)
        names = ("description", "snapshot_id", "source_volid", "metadata")
        details: dict[str, Json] = {
            **{name: given.get(name) for name in names},
            "zone": zone,
            "type": kind,
        }
        if source.get("bootable") == "true":
            details["bootable"] = True
        asker, name = context.asker(CREATE), given.get("name") or ""
        volume = context.cloud.volumes.create(asker, name, size, image, **details)
        return self.item(context, volume)

    def type_of(self, context: RequestContext, named: object) -> str | None:
        """Return the name of the type of that id or name, None without one."""
        types = self.service.kinds["types"].items(context)
        return next((each["name"] for each in types if named in (each["id"], each["name"])), None)

    def _require_image(self, context: RequestContext, image_id: str, size: int) -> None:
        image = context.images.find(image_id, context.caller.project_id, context.caller.admin)
        if image is None or image["status"] != ACTIVE:
            raise self.service.error(400, "no_image", id=image_id)
        if image["min_disk"] > size:
            raise self.service.error(400, "below_image", size=size, least=image["min_disk"])

    def update(self, context: RequestContext, item: Item, changes: Item) -> Item:
        """Change the name, the description or the metadata."""
        volume = self._cloud(context).instances[item["id"]]
        for name in ("name", "description"):
            if (old := f"display_{name}") in changes:
                changes.setdefault(name, changes.pop(old))
        empty: Item = {"name": "", "description": changes.get("description"), "metadata": {}}
        known = {name: changes[name] or usual for name, usual in empty.items() if name in changes}
        context.cloud.volumes.change(volume, **known)
        return self.item(context, volume)

    def delete(self, context: RequestContext, item: Item) -> None:
        """Delete a volume that is free. Raise 400 for others, with Cinder's text."""
        volume = self._cloud(context).instances[item["id"]]
        snapshots = context.cloud.resources.of("snapshots").by("volume_id", volume.id)
        cascade = flag(context.request.query_params.get("cascade"))
        if not volume.server.may(DELETE) or (snapshots and not cascade) or item["attachments"]:
            raise self.service.error(400, "undeletable")
        for snapshot in snapshots:
            context.cloud.resources.of("snapshots").drop(snapshot["id"])
        self.act(context, volume, DELETE)

    def act(
        self, context: RequestContext, volume: Instance, operation: str, **changes: Json
    ) -> None:
        """Request an operation of a volume. Raise 400 if its lifecycle refuses it."""
        try:
            context.cloud.volumes.request(volume, operation, context.asker(operation), **changes)
        except Refused as error:
            words = {"id": volume.id, "status": volume.state.status.value}
            words |= {"operation": error.operation, "able": ", ".join(error.allowed) or "nothing"}
            raise self.service.error(400, "refused", **words) from None

    def add_more(self, add: Handlers, one: str) -> None:
        """Add the summary."""
        add.get("/volumes/summary", name="summarize_volumes")(self._summary)

    def _summary(self, context: RequestContext) -> Response:
        own = [*self.items(context)]
        total = {"total_count": len(own), "total_size": sum(item["size"] for item in own)}
        return respond({"volume-summary": {**total, "metadata": {}}})


def links(context: RequestContext, kind: str, name: str) -> list[Item]:
    """Return the links to a resource."""
    root, project = f"{context.base}/volume", context.caller.project_id
    return [
        {"rel": "self", "href": f"{root}/v3/{project}/{kind}/{name}"},
        {"rel": "bookmark", "href": f"{root}/{project}/{kind}/{name}"},
    ]
