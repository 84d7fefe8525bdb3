"""What comes with an action, by the names that `actions.toml` uses."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from ecs_fsm.serve.compute.values import (
    Address4,
    Address6,
    Disk,
    Flag,
    Host,
    Items,
    Name,
    Text,
    UserData,
)
from ecs_fsm.serve.http.bodies import Body


class Argument(Body):
    """What comes with an action; the server's name for it ignores keys that nobody knows."""


class Nothing(Argument):
    """An action that needs no more than its key; a value that is no object says nothing."""

    model_config = ConfigDict(extra="forbid")


class Reboot(Argument):
    """How to reboot: SOFT or HARD."""

    type: str


class Resize(Argument):
    """The flavor that the server is to have."""

    flavorRef: str | int  # noqa: N815
    disk_config: Disk | None = Field(None, alias="OS-DCF:diskConfig")


class Rebuild(Argument):
    """The image that the server is to have, and what else is to be new about it."""

    imageRef: str  # noqa: N815
    name: Name | None = None
    metadata: Items | None = None
    adminPass: Text | None = None  # noqa: N815
    description: Text | None = None
    key_name: Text | None = None
    user_data: UserData | None = None
    hostname: Host | None = None
    accessIPv4: Address4 = None  # noqa: N815
    accessIPv6: Address6 = None  # noqa: N815
    disk_config: Disk | None = Field(None, alias="OS-DCF:diskConfig")


class Rescue(Argument):
    """The password of the rescued server, and the image that it starts from."""

    adminPass: Text | None = None  # noqa: N815
    rescue_image_ref: Text | None = None


class Somewhere(Argument):
    """A host, or none to have one chosen."""

    host: Text | None = None


class Unshelve(Somewhere):
    """Where the server is to come back."""

    availability_zone: Text | None = None


class Migrate(Somewhere):
    """Where the server is to go while it is off."""


class MigrateLiveFirst(Somewhere):
    """Where the running server is to go, below 2.25."""

    host: Text | None
    block_migration: Flag
    disk_over_commit: Flag


class MigrateLive(Somewhere):
    """Where the running server is to go."""

    host: Text | None
    block_migration: Flag | Literal["auto"]
    force: Flag | None = None


class EvacuateFirst(Somewhere):
    """Where the server of a lost host is to come back, below 2.14."""

    adminPass: Text | None = None  # noqa: N815
    onSharedStorage: Flag  # noqa: N815


class Evacuate(Somewhere):
    """Where the server of a lost host is to come back."""

    adminPass: Text | None = None  # noqa: N815
    force: Flag | None = None


class ResetState(Argument):
    """What is to be said of the server."""

    state: str


class Lock(Argument):
    """Why the server is locked."""

    locked_reason: str | None = Field(None, min_length=1, max_length=255)


class CreateImage(Argument):
    """The name of the image."""

    name: Name
    metadata: Items | None = None


class CreateBackup(CreateImage):
    """The name of the backup, and how many of its kind are kept."""

    backup_type: str = Field(max_length=255)
    rotation: int = Field(ge=0, le=10_000)


class ChangePassword(Argument):
    """The new password."""

    adminPass: Text  # noqa: N815


class SecurityGroup(Argument):
    """A security group by its name."""

    name: str = Field(min_length=1, max_length=255)


class Console(Argument):
    """The kind of console."""

    type: str = Field(pattern="^(novnc|xvpvnc|spice-html5|serial|rdp-html5)$")


class ConsoleOutput(Argument):
    """How many lines, from the end; all where none is said."""

    length: int | None = Field(None, ge=-1)
