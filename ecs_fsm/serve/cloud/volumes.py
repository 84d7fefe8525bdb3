"""The volumes of a cloud: instances of a lifecycle of their own, by the clock of the servers.

A volume is attached to a server as long as the server names it among its details. What a request
for a server does to its volumes is requested of them, and takes their time.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import resources
from string import ascii_lowercase
from typing import Any, cast
from uuid import uuid4

from ecs_fsm.core.errors import Refused
from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.registry import find
from ecs_fsm.profiles.loader import built_in_text, parse
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.serve.cloud import vocabulary as words
from ecs_fsm.serve.cloud.clock import Timeline
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json, NewServer
from ecs_fsm.serve.cloud.schedule import PATIENCE

KINDS = ("volume", "volumes")
USUAL_TYPE = "__DEFAULT__"


def volume_life() -> tuple[type[BaseServer], Profile]:
    """Return the lifecycle of volumes, and how long their steps take."""
    with resources.as_file(resources.files("ecs_fsm.serve.cloud") / "volume.toml") as path:
        kind = server_class(str(path))
    return kind, parse(
        kind.lifecycle, built_in_text(find(words.VOLUME_LIFECYCLE)), words.VOLUME_LIFECYCLE
    )


class Volumes:
    """The volumes of the servers of a cloud; `cloud` is theirs."""

    def __init__(self, servers: Timeline, cloud: Timeline) -> None:
        self._servers, self.cloud = servers, cloud
        self.cloud.schedule.ends.append(self._over)
        self.cloud.on_wake(servers.schedule.wake)

    def create(
        self, asker: Asker, name: str, size: int, image: str | None = None, **details: Json
    ) -> Instance:
        """Return a new volume of so many GiB, filled from an image if there is one."""
        metadata = cast(dict[str, str], details.pop("metadata", None) or {})
        kind = str(details.pop("type", None) or USUAL_TYPE)
        given = words.FROM_IMAGE if image else {}
        more: dict[str, Json] = {"size": size, "attachments": [], "bootable": bool(image)}
        return self.cloud.create(
            NewServer(name, kind, image, metadata, given, {**more, **details}), asker
        )

    def attachments(self, volume: Instance) -> list[dict[str, Any]]:
        """Return the attachments of a volume."""
        return cast(list[dict[str, Any]], volume.details.get("attachments") or [])

    def change(self, volume: Instance, **details: Json) -> None:
        """Set details of a volume at once."""
        self.cloud.keep(volume, details)

    def request(self, volume: Instance, operation: str, asker: Asker, **changes: Json) -> None:
        """Request an operation of a volume. Raise `Refused`."""
        self.cloud.request(volume, operation, {}, asker, changes)

    def attach(
        self, volume: Instance, instance: Instance, device: str | None, asker: Asker, **more: Json
    ) -> dict[str, Json]:
        """Attach a volume to a server, and return its row there. Raise `Refused`.

        One that is not there yet is attached when it is.
        """
        rows = self.rows(instance)
        taken = {row["device"] for row in rows}
        letters = ascii_lowercase if more.pop("boots", False) else ascii_lowercase[1:]
        free = (f"/dev/vd{letter}" for letter in letters)
        row: dict[str, Json] = {
            "id": volume.id,
            "device": device or next(name for name in free if name not in taken),
            "attachment": str(uuid4()),
            **more,
        }
        if volume.operation != words.CREATE:
            self.request(volume, words.ATTACH, asker)
        attachment: Json = {
            "id": row["attachment"],
            "server_id": instance.id,
            "device": row["device"],
            "at": self.cloud.clock.moment,
            "row": row,
        }
        self.change(volume, attachments=[*cast(list[Json], self.attachments(volume)), attachment])
        self._servers.keep(instance, {"volumes": [*cast(list[Json], rows), row]})
        return row

    def rows(self, instance: Instance) -> list[dict[str, Any]]:
        """Return what a server knows of its volumes."""
        return [*cast(list[dict[str, Any]], instance.details.get("volumes") or [])]

    def detach(self, volume: Instance, instance: Instance, asker: Asker) -> None:
        """Detach a volume from a server. Raise `Refused`."""
        self.request(volume, words.DETACH, asker)
        self._leave(volume.id, instance)

    def forget(self, volume: Instance, server_id: str) -> None:
        """Have a volume and a server forget each other."""
        left = [row for row in self.attachments(volume) if row["server_id"] != server_id]
        self.change(volume, attachments=cast(list[Json], left))
        self._leave(volume.id, self._servers.instances.get(server_id))

    def _leave(self, volume_id: str, instance: Instance | None) -> None:
        """Have a server forget a volume."""
        if instance is not None:
            left = [row for row in self.rows(instance) if row["id"] != volume_id]
            self._servers.keep(instance, {"volumes": cast(list[Json], left)})

    def hold(self, instance: Instance) -> bool:
        """Return whether a new server waits for a volume; one that does not come fails it."""
        waits, waited = False, self.cloud.clock.moment - instance.history[-1].at
        for row in self.rows(instance):
            volume = self.cloud.instances.get(row["id"])
            status = volume.state.status.value if volume else words.DELETE
            busy = volume is not None and volume.operation in (words.CREATE, words.ATTACH)
            if busy and not (volume and volume.hangs and waited >= PATIENCE):
                waits = True
            elif status != words.VOLUME_USED:
                attempts = min(1 + waited // 3, 61)
                reason = (
                    f"Volume {row['id']} could not be attached."
                    if status == words.VOLUME_FREE
                    else f"Volume {row['id']} did not finish being created even after we waited "
                    f"{waited:.0f} seconds or {attempts:.0f} attempts. And its status is {status}."
                )
                message = f"Build of instance {instance.id} aborted: {reason}"
                self._servers.fail(instance, message)
                return True
        instance.details["held"] = waits
        return waits

    def part(self, instance: Instance) -> None:
        """Detach the volumes of a server that is gone, and delete those that go with it."""
        asker = instance.requests[-1].asker
        for row in self.rows(instance):
            volume = self.cloud.instances.get(row["id"])
            if volume is None:
                continue
            if row.get("delete_on_termination"):
                volume.details["goes"] = True
            if volume.server.may(words.DETACH):
                self.request(volume, words.DETACH, asker)
            elif volume.operation in (words.CREATE, words.ATTACH):
                self.change(volume, attachments=[], leaves=True)
            elif volume.details.get("goes") and volume.server.may(words.DELETE):
                self.request(volume, words.DELETE, asker)

    def _over(self, volume: Instance, operation: str, went_wrong: bool) -> None:
        """Go on when an operation of a volume has ended."""
        asker = volume.requests[-1].asker
        for attachment in self.attachments(volume):
            instance = self._servers.instances.get(attachment["server_id"])
            if instance is None:
                continue
            if operation == words.CREATE and not went_wrong:
                self._try(volume, words.ATTACH, asker)
            elif operation == words.ATTACH and went_wrong and instance.launched is not None:
                self._leave(volume.id, instance)
            elif operation == words.DETACH and went_wrong:
                rows = [*self.rows(instance), attachment["row"]]
                self._servers.keep(instance, {"volumes": rows})
            if instance.details.pop("held", False):
                self._servers.hasten(instance)
        freed = volume.state.status == words.VOLUME_FREE
        if (operation == words.ATTACH and went_wrong) or (operation == words.DETACH and freed):
            self.change(volume, attachments=[])
        if volume.details.get("leaves") and operation in (words.CREATE, words.ATTACH):
            volume.details["leaves"] = False
            self._try(volume, words.DETACH, asker)
        if freed and volume.details.get("goes") and not self.attachments(volume):
            self._try(volume, words.DELETE, asker)

    def _try(self, volume: Instance, operation: str, asker: Asker) -> None:
        with suppress(Refused):
            self.request(volume, operation, asker)
