"""Bodies of requests to the cloudservers API, and the models of its answers.

Keys that change nothing here are ignored.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ecs_fsm.serve.compute.schemas import Items, Text, not_blank
from ecs_fsm.serve.http.bodies import Body

MOST_CREATED, MOST_SERVERS, MOST_TAGS = 500, 1000, 20
ShortName = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(not_blank)]
ShortText = Annotated[str, Field(max_length=255)]


class ResourceId(Body):
    """A server or a security group by its id."""

    id: Text


class Nic(Body):
    """A network card; a subnet outside of the catalog means the default network."""

    subnet_id: Text


class VolumeSize(Body):
    """A disk."""

    volumetype: ShortText
    size: int | None = Field(None, ge=1, le=32768)


class KeyValueTag(Body):
    """A tag of a server."""

    key: str = Field(min_length=1, max_length=36, pattern=r"^[^=,/]+$")
    value: str = Field("", max_length=43, pattern=r"^[^,/]*$")


class Billing(Body):
    """How a server is paid for."""

    charging_mode: Literal["prePaid", "postPaid", "0", "1"] | None = Field(
        None, alias="chargingMode"
    )


class NewServers(Body):
    """The fields of new servers; the real API requires `vpcid`, `nics` and `root_volume` too."""

    name: ShortName
    image: Text = Field(alias="imageRef")
    flavor: Text = Field(alias="flavorRef")
    vpcid: Text | None = None
    nics: list[Nic] = Field(default_factory=list, max_length=12)
    root_volume: VolumeSize | None = None
    data_volumes: list[VolumeSize] = Field(default_factory=list, max_length=59)
    security_groups: list[ResourceId] = Field(default_factory=list, max_length=50)
    count: int = Field(1, ge=1, le=MOST_CREATED)
    availability_zone: Text | None = None
    key_name: Text | None = None
    user_data: str | None = Field(None, max_length=65535)
    description: ShortText | None = None
    metadata: Items = Field(default_factory=dict, max_length=128)
    server_tags: list[KeyValueTag] = Field(default_factory=list, max_length=MOST_TAGS)
    extendparam: Billing | None = None


class CreateServers(Body):
    """The body of a creation; a dry run only checks it."""

    server: NewServers
    dry_run: bool = False


class ServersAction(Body):
    """The servers of an action, and its type."""

    servers: list[ResourceId] = Field(min_length=1)
    type: Text | None = None


class DeleteServers(Body):
    """The body of a deletion."""

    servers: list[ResourceId] = Field(min_length=1)
    delete_publicip: bool = False
    delete_volume: bool = False


class NewFlavor(Body):
    """A flavor; with the mode `withStopServer` a running server is stopped for it."""

    flavor: Text = Field(alias="flavorRef")
    mode: ShortText | None = None


class ResizeServer(Body):
    """The body of a change of flavor; a dry run only checks it."""

    resize: NewFlavor
    dry_run: bool = False


class Reinstallation(Body):
    """The credentials for the server afterwards."""

    adminpass: ShortText | None = None
    keyname: Text | None = None
    userid: Text | None = None
    mode: ShortText | None = None


class ImageChange(Reinstallation):
    """An image, and the credentials for the server afterwards."""

    imageid: Text


class ReinstallServer(Body):
    """The body of a new installation from the image of the server."""

    os_reinstall: Reinstallation = Field(alias="os-reinstall")


class ChangeImage(Body):
    """The body of an installation from another image."""

    os_change: ImageChange = Field(alias="os-change")


class NewNames(Body):
    """New names and a description of a server."""

    name: ShortName | None = None
    description: ShortText | None = None
    hostname: Text | None = None


class RenameServer(Body):
    """The body of a change of names."""

    server: NewNames


class ServerQuery(Body):
    """Filters and the page of a list of servers: its number, or `marker`, the last id seen.

    A name is a part of a server's, in which `.` is any character.
    """

    name: Text | None = None
    status: Text | None = None
    flavor: Text | None = None
    ip: Text | None = None
    tags: Text | None = None
    not_tags: Text | None = Field(None, alias="not-tags")
    server_id: str | None = Field(None, max_length=40_000)
    limit: int = Field(25, ge=1, le=1000)
    offset: int = Field(1, ge=0, le=10**9)
    marker: Text | None = None


class MetadataEntries(Body):
    """Entries of a server's metadata."""

    metadata: Items


class TagAction(Body):
    """Tags to set or remove."""

    action: str = Field(pattern=r"^(create|delete)$")
    tags: list[KeyValueTag] = Field(min_length=1, max_length=MOST_TAGS)

    @property
    def sets(self) -> bool:
        """Whether to set the tags."""
        return self.action.startswith("c")
