"""Bodies about servers: types of their fields, creations and changes, and models of answers.

The models of answers serve the API document alone. What an answer contains depends on the
microversion and on the caller, so most of their keys are optional.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool

from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, COMPUTE_FAULT, errors

MOST_ITEMS = 128
"""Metadata entries of a server or an image."""
TRUTHS = {
    **dict.fromkeys(("1", "t", "true", "on", "y", "yes"), True),
    **dict.fromkeys(("0", "f", "false", "off", "n", "no", ""), False),
}
"""Texts that Nova takes for truth values; it takes no empty one in bodies."""
REFUSED = {
    **COMPUTE_ERRORS,
    **errors(COMPUTE_FAULT, _409="The lifecycle does not allow it in this state."),
}
"""Answers to requests that the lifecycle can refuse."""


def not_blank(text: str) -> str:
    """Return a text with printable content on one line. Raises `ValueError` for others."""
    if not text.strip():
        raise ValueError("it is blank")
    if unprintable := next((c for c in text if not (c.isprintable() or c.isspace())), None):
        raise ValueError(f"a character in it does not print: {unprintable!a}")
    if any(c in text for c in "\r\n"):
        raise ValueError("it has more than one line")
    return text


def is_uuid(text: str | None) -> bool:
    """Return whether a text is the id of something that has a UUID."""
    try:
        return bool(UUID(text or ""))
    except ValueError:
        return False


# The name of this function is in messages about invalid bodies, so it is part of the API.
def as_flag(value: object) -> object:
    """Return the truth value that a text means for old clients, other values as they are."""
    return TRUTHS.get(value.lower(), value) if isinstance(value, str) else value


Name = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(not_blank)]
Flag = Annotated[StrictBool, BeforeValidator(as_flag)]
Text = Annotated[str, Field(max_length=255)]
Items = dict[Annotated[str, Field(min_length=1, max_length=255)], Text]
Address4 = Annotated[str | None, AfterValidator(lambda text: text and str(IPv4Address(text)))]
Address6 = Annotated[str | None, AfterValidator(lambda text: text and str(IPv6Address(text)))]
FixedAddress = Annotated[str, AfterValidator(lambda text: str(ip_address(text)))]
Disk = Literal["AUTO", "MANUAL"]


def within_quota(metadata: Mapping[str, str]) -> None:
    """Raise 403 for more entries than a server can have."""
    if len(metadata) > MOST_ITEMS:
        raise ApiError(403, f"Maximum number of metadata items exceeds {MOST_ITEMS}")


ADDRESSES, DISK_CONFIG = ("accessIPv4", "accessIPv6"), "OS-DCF:diskConfig"


def address_of(text: str | None) -> str | None:
    """Return an address in its short form, None or an empty text as it is."""
    return text and str(ip_address(text))


class Device(Body):
    """A disk of a new server: its source and its destination."""

    boot_index: int | Literal["-1", "0"] | None = None
    uuid: str | None = None
    source_type: Literal["volume", "image", "snapshot", "blank"] = "volume"
    destination_type: Literal["volume", "local"] | None = None
    volume_size: int | str | None = None
    delete_on_termination: Flag = False
    device_name: str | None = None
    tag: str | None = None

    @property
    def first(self) -> bool:
        """Whether the server boots from it."""
        return str(self.boot_index) == "0"

    @property
    def is_volume(self) -> bool:
        """Whether it becomes a volume rather than a disk of the host."""
        usual = "volume" if self.source_type in ("volume", "snapshot") else "local"
        return (self.destination_type or usual) == "volume"


class NewServerFields(Body):
    """The fields of a new server."""

    name: Name
    flavorRef: str | int  # noqa: N815
    imageRef: str | None = None  # noqa: N815
    metadata: Items = Field(default_factory=dict)
    networks: Literal["auto", "none"] | list[NetworkRequest] | None = None
    block_device_mapping_v2: list[Device] = Field(default_factory=list, max_length=64)
    security_groups: list[GroupName] = Field(default_factory=lambda: [GroupName(name="default")])
    availability_zone: Text | None = None
    host: Text | None = None
    hypervisor_hostname: Text | None = None
    key_name: Text | None = None
    config_drive: Flag | None = None
    user_data: str | None = None
    adminPass: str | None = None  # noqa: N815
    description: str | None = Field(None, max_length=255)
    tags: list[str] = Field(default_factory=list)
    hostname: str | None = None
    trusted_image_certificates: list[str] | None = Field(None, max_length=50)
    min_count: Count | None = None
    max_count: Count | None = None
    return_reservation_id: Flag = False
    accessIPv4: Address4 = None  # noqa: N815
    accessIPv6: Address6 = None  # noqa: N815
    disk_config: Disk | None = Field(None, alias="OS-DCF:diskConfig")

    @property
    def group_names(self) -> list[str]:
        """The names of its security groups; one without a name is none."""
        return [group.name for group in self.security_groups if group.name]


class CreateServer(Body):
    """The body of a creation."""

    server: NewServerFields
    hints: dict[str, Any] = Field(
        default_factory=dict,
        validation_alias=AliasChoices("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"),
    )


class ServerChanges(Body):
    """The fields of a server that change."""

    name: Name | None = None
    description: str | None = Field(None, max_length=255)
    hostname: str | None = None
    accessIPv4: Address4 = None  # noqa: N815
    accessIPv6: Address6 = None  # noqa: N815
    disk_config: Disk | None = Field(None, alias="OS-DCF:diskConfig")
    pinned_availability_zone: str | None = None


class UpdateServer(Body):
    """The body of a change."""

    server: ServerChanges
