"""Images that were made while the cloud runs: of its servers, or by an upload.

An image of a server is queued, saving while the server sends it, and active when the operation has
succeeded; if it fails, the image is deleted. Images are stored beside the servers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from uuid import NAMESPACE_OID, uuid5

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.catalog import Image
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Asker, HistoryEntry, Instance
from ecs_fsm.serve.cloud.repository import Repository

MOST_IMAGES = 10_000
QUEUED, SAVING, ACTIVE = "queued", "saving", "active"
BACKUP = "backup_type"
"""The property by which backups of a server are grouped."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image with its number, its server and, while it runs, the operation that makes it.

    `rotation` is how many backups are kept.
    """

    number: int
    image: Image
    server_id: str | None = None
    operation: str | None = None
    rotation: int | None = None

    def is_for(self, project_id: str | None, admin: bool) -> bool:
        """Return whether that project sees it."""
        return admin or self.image.owner == project_id or self.image.visibility == "public"


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A request for an image of a server; `operation` is the one that makes it."""

    operation: str
    name: str
    properties: Mapping[str, str]
    rotation: int | None = None


class ImageStore:
    """The images of a cloud. Raise `InvalidInput` for invalid images in its state file."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._kept = Repository(cloud.state, "image", StoredImage, lambda kept: kept.number)
        self._count = 0
        text = (resources.files("ecs_fsm.serve.cloud") / "cloud.toml").read_text(encoding="utf-8")
        self._sent = frozenset(tomllib.loads(text)["images"]["sent"])
        self._making: dict[str, list[str]] = {}
        cloud.on_entry(self._went_on)
        cloud.on_end(self._over)
        self._follow()

    def seen_by(self, project_id: str | None, admin: bool) -> Iterator[Image]:
        """Yield the images that a project sees, in the order of their creation."""
        yield from self.cloud.catalog.images.values()
        for kept in self._kept:
            if kept.is_for(project_id, admin):
                yield kept.image

    def find(self, image_id: str, project_id: str | None, admin: bool) -> Image | None:
        """Return the image of that id, None if the project does not see it."""
        kept = self._kept.get(image_id)
        if kept is None:
            return self.cloud.catalog.images.get(image_id)
        return kept.image if kept.is_for(project_id, admin) else None

    def add(self, image: Image) -> None:
        """Store a new image, or a new state of one. Raise `InvalidInput` beyond `MOST_IMAGES`."""
        old = self._kept.get(image.id)
        if old is None and len(self._kept) >= MOST_IMAGES:
            raise InvalidInput(f"there are {MOST_IMAGES} images, which is the most")
        if old is None:
            self._count += 1
        self._put(replace(old, image=image) if old else StoredImage(self._count, image))
        self._kept.commit()

    def delete(self, image_id: str) -> None:
        """Delete an image."""
        self._kept.drop(image_id)
        self._kept.commit()

    def date(self) -> str:
        """Return the present date in the form of images."""
        return self.cloud.date(self.cloud.now).strftime("%Y-%m-%dT%H:%M:%SZ")

    def make(self, instance: Instance, wanted: ImageRequest, asker: Asker) -> str:
        """Make an image of a server whose operation was just requested. Return its id."""
        now, base = self.date(), self.cloud.catalog.images.get(instance.image or "")
        image = Image(
            id=str(uuid5(NAMESPACE_OID, f"{asker.request_id}/{instance.id}")),
            name=wanted.name,
            size=base.size if base else 0,
            min_disk=self.cloud.flavor(instance)["disk"],
            min_ram=base.min_ram if base else 0,
            status=QUEUED,
            created=now,
            updated=now,
            owner=asker.project_id,
            visibility="private",
            properties={
                **wanted.properties,
                "base_image_ref": instance.image or "",
                "instance_uuid": instance.id,
                "user_id": asker.user_id,
            },
        )
        self.add(image)
        self._put(StoredImage(self._count, image, instance.id, wanted.operation, wanted.rotation))
        self._making.setdefault(instance.id, []).append(image.id)
        if instance.operation != wanted.operation:  # it ended already, or has no steps
            trouble = instance.fault
            wrong = trouble is not None and trouble.at >= self.cloud.now
            self._over(instance, wanted.operation, wrong)
        self._kept.commit()
        return image.id

    def _went_on(self, instance: Instance, seen: HistoryEntry) -> None:
        if instance.id in self._making and seen.state.task_state in self._sent:
            for image_id in self._making[instance.id]:
                self._become(image_id, SAVING)

    def _over(self, instance: Instance, operation: str, went_wrong: bool) -> None:
        """Finish the images of an operation that ended."""
        for image_id in self._making.pop(instance.id, []):
            kept = self._kept.get(image_id)
            if kept is None:
                continue
            if went_wrong or kept.operation != operation:
                self._kept.drop(image_id)
                continue
            self._become(image_id, ACTIVE)
            if kept.rotation is not None:
                self._rotate(kept.image, kept.rotation)

    def _rotate(self, newest: Image, rotation: int) -> None:
        """Delete the oldest backups of the same kind."""
        kind = [newest.properties.get(name) for name in ("instance_uuid", BACKUP)]
        alike = [
            kept.image.id
            for kept in self._kept
            if [kept.image.properties.get(name) for name in ("instance_uuid", BACKUP)] == kind
        ]
        for image_id in alike[: max(len(alike) - rotation, 0)]:
            self._kept.drop(image_id)

    def _become(self, image_id: str, status: str) -> None:
        kept = self._kept.get(image_id)
        if kept is not None:
            operation = None if status == ACTIVE else kept.operation
            image = replace(kept.image, status=status, updated=self.date())
            self._put(replace(kept, image=image, operation=operation))

    def _put(self, kept: StoredImage) -> None:
        self._kept.put(kept.image.id, kept)

    def _follow(self) -> None:
        """Continue with the stored images."""
        for kept in list(self._kept):
            self._count = kept.number
            if kept.operation is not None and kept.server_id is not None:
                self._take_over(kept)
        self._kept.commit()

    def _take_over(self, kept: StoredImage) -> None:
        """Follow the creation of an image again; it failed if its server does something else."""
        instance = self.cloud.instances.get(kept.server_id or "")
        if instance is None or instance.operation != kept.operation:
            self._kept.drop(kept.image.id)
        else:
            self._making.setdefault(instance.id, []).append(kept.image.id)
