"""Images that were made while the cloud runs: of its servers, or by an upload.

An image of a server is queued, saving while the server sends it, and active when the operation has
succeeded; if it fails, the image is deleted. Images are stored beside the servers.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import NAMESPACE_OID, uuid4, uuid5

from ecs_fsm.serve.cloud.catalog import IMAGE
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Asker, HistoryEntry, Instance
from ecs_fsm.serve.cloud.requests import TABLE
from ecs_fsm.serve.cloud.resources import Item

QUEUED, SAVING, ACTIVE = "queued", "saving", "active"
BACKUP = "backup_type"
"""The property by which backups of a server are grouped."""


class ImageStore:
    """The images of a cloud.

    One that an operation makes has its `server` and its `operation` until then, and `rotation`, how
    many backups are kept.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.shelf = cloud, cloud.resources.of("images")
        self._failed: dict[str, str] = {}
        cloud.schedule.entries.append(self._went_on)
        cloud.schedule.ends.append(self._over)
        for image in [*self.shelf] if cloud.state.stored else ():
            instance = cloud.instances.get(str(image.get("server")))
            operation = image.get("operation")  # which failed if its server does something else
            if operation and (instance is None or instance.operation != operation):
                self.shelf.drop(image["id"])
        cloud.state.commit()

    @staticmethod
    def is_for(image: Item, project_id: str | None, admin: bool) -> bool:
        """Return whether that project sees an image."""
        return admin or image["visibility"] == "public" or image["owner"] == project_id

    def find(self, image_id: str, project_id: str | None, admin: bool) -> Item | None:
        """Return the image of that id, None if the project does not see it."""
        image = self.shelf.get(image_id)
        return image if image and self.is_for(image, project_id, admin) else None

    def date(self) -> str:
        """Return the present date in the form of images."""
        return self.cloud.clock.date().strftime("%Y-%m-%dT%H:%M:%SZ")

    def add(self, **fields: object) -> Item:
        """Store a new image, private if the fields do not say otherwise, and return it."""
        own = {"created_at": self.date(), "updated_at": self.date(), "visibility": "private"}
        return self.shelf.put({**IMAGE, "id": str(uuid4()), **own, **fields})

    def make(
        self,
        instance: Instance,
        operation: str,
        name: str,
        properties: Mapping[str, str],
        asker: Asker,
        **more: object,
    ) -> str:
        """Make an image of a server whose operation was just requested. Return its id."""
        base = self.shelf.get(instance.image) or IMAGE
        image = self.add(
            id=str(uuid5(NAMESPACE_OID, f"{asker.request_id}/{instance.id}")),
            name=name,
            size=base["size"],
            min_disk=self.cloud.flavor(instance)["disk"],
            min_ram=base["min_ram"],
            status=QUEUED,
            owner=asker.project_id,
            properties={
                **properties,
                "base_image_ref": instance.image or "",
                "instance_uuid": instance.id,
                "user_id": asker.user_id,
            },
            server=instance.id,
            operation=operation,
            **more,
        )
        if instance.operation != operation:  # it ended already, or has no steps
            self._over(instance, operation, self._failed.get(instance.id) == operation)
        self.cloud.state.commit()
        return str(image["id"])

    def _making(self, instance: Instance) -> list[Item]:
        """Return the images of a server that are not made yet."""
        return [image for image in self.shelf.by("server", instance.id) if image.get("operation")]

    def _went_on(self, instance: Instance, seen: HistoryEntry) -> None:
        sent = seen.state.task_state in TABLE["images"]["sent"]
        for image in self._making(instance) if sent else ():
            self.shelf.change(image, status=SAVING, updated_at=self.date())

    def _over(self, instance: Instance, operation: str, went_wrong: bool) -> None:
        """Finish the images of an operation that ended."""
        self._failed.pop(instance.id, None)
        if went_wrong:
            self._failed[instance.id] = operation
        for image in self._making(instance):
            if went_wrong or image["operation"] != operation:
                self.shelf.drop(image["id"])
                continue
            self.shelf.change(image, status=ACTIVE, updated_at=self.date(), operation=None)
            if image.get("rotation") is not None:
                self._rotate(image, image["rotation"])

    def _rotate(self, newest: Item, rotation: int) -> None:
        """Delete the oldest backups of the same kind."""

        def kind(image: Item) -> list[str | None]:
            return [image["properties"].get(name) for name in ("instance_uuid", BACKUP)]

        alike = [image["id"] for image in self.shelf if kind(image) == kind(newest)]
        for image_id in alike[: max(len(alike) - rotation, 0)]:
            self.shelf.drop(image_id)
