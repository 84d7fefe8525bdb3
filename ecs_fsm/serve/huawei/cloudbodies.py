"""The bodies of requests to the cloudservers API; keys that change nothing here are ignored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ecs_fsm.serve.compute.values import Items, Text, not_blank
from ecs_fsm.serve.http.bodies import Body

MOST_CREATED, MOST_SERVERS, MOST_TAGS = 500, 1000, 20
Name = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(not_blank)]
Words = Annotated[str, Field(max_length=255)]


class Named(Body):
    """A thing by its id."""

    id: Text


class Nic(Body):
    """A network card; its subnet is a network of the catalog, or stands for the usual one."""

    subnet_id: Text


class Volume(Body):
    """A disk."""

    volumetype: Words
    size: int | None = Field(None, ge=1, le=32768)


class Tag(Body):
    """A tag of a server."""

    key: str = Field(min_length=1, max_length=36, pattern=r"^[^=,/]+$")
    value: str = Field("", max_length=43, pattern=r"^[^,/]*$")


class Extend(Body):
    """What else there is to a server: how it is paid for."""

    charging_mode: Literal["prePaid", "postPaid", "0", "1"] | None = Field(
        None, alias="chargingMode"
    )


class NewServers(Body):
    """Servers that are to be made; the real API wants `vpcid`, `nics` and `root_volume` too."""

    name: Name
    image: Text = Field(alias="imageRef")
    flavor: Text = Field(alias="flavorRef")
    vpcid: Text | None = None
    nics: list[Nic] = Field(default_factory=list, max_length=12)
    root_volume: Volume | None = None
    data_volumes: list[Volume] = Field(default_factory=list, max_length=59)
    security_groups: list[Named] = Field(default_factory=list, max_length=50)
    count: int = Field(1, ge=1, le=MOST_CREATED)
    availability_zone: Text | None = None
    key_name: Text | None = None
    user_data: str | None = Field(None, max_length=65535)
    description: Words | None = None
    metadata: Items = Field(default_factory=dict, max_length=128)
    server_tags: list[Tag] = Field(default_factory=list, max_length=MOST_TAGS)
    extendparam: Extend | None = None


class CreateServers(Body):
    """The body of a creation; a dry run only looks whether it could be done."""

    server: NewServers
    dry_run: bool = False


class ServersAction(Body):
    """What an action is asked for: the servers, and how hard."""

    servers: list[Named] = Field(min_length=1)
    type: Text | None = None


class DeleteServers(Body):
    """The body of a deletion."""

    servers: list[Named] = Field(min_length=1)
    delete_publicip: bool = False
    delete_volume: bool = False


class NewFlavor(Body):
    """A flavor; `withStopServer` lets a running server be stopped for it."""

    flavor: Text = Field(alias="flavorRef")
    mode: Words | None = None


class ResizeServer(Body):
    """The body of a change of flavor; a dry run only looks whether it could be done."""

    resize: NewFlavor
    dry_run: bool = False


class Reinstall(Body):
    """Who can log in afterwards."""

    adminpass: Words | None = None
    keyname: Text | None = None
    userid: Text | None = None
    mode: Words | None = None


class NewImage(Reinstall):
    """The same, with an image."""

    imageid: Text


class ReinstallServer(Body):
    """The body of a new installation from the image that the server has."""

    os_reinstall: Reinstall = Field(alias="os-reinstall")


class ChangeImage(Body):
    """The body of an installation from another image."""

    os_change: NewImage = Field(alias="os-change")


class Changed(Body):
    """What a server is called from now on."""

    name: Name | None = None
    description: Words | None = None
    hostname: Text | None = None


class UpdateServer(Body):
    """The body of a change of names."""

    server: Changed


class Metadata(Body):
    """Entries of a server's metadata."""

    metadata: Items


class TagAction(Body):
    """Tags to be set or removed."""

    action: str = Field(pattern=r"^(create|delete)$")
    tags: list[Tag] = Field(min_length=1, max_length=MOST_TAGS)

    @property
    def sets(self) -> bool:
        """Whether the tags are to be set."""
        return self.action.startswith("c")


class Id(Body):
    """What a request that takes its time is answered with."""

    job_id: str | None = None
    server_ids: list[str] | None = Field(None, alias="serverIds")


class SubEntities(Body):
    """Which server a part of a job is about."""

    server_id: str


class SubJob(Body):
    """A part of a job."""

    status: Literal["INIT", "RUNNING", "SUCCESS", "FAIL"]
    job_id: str
    job_type: str
    begin_time: str
    end_time: str | None
    error_code: str | None
    fail_reason: str | None
    entities: SubEntities


class Entities(Body):
    """What a job is about: a server, or jobs for several."""

    server_id: str | None = None
    sub_jobs_total: int | None = None
    sub_jobs: list[SubJob] | None = None


class JobShown(Body):
    """A job."""

    status: Literal["INIT", "RUNNING", "SUCCESS", "FAIL"]
    job_id: str
    job_type: str
    begin_time: str
    end_time: str | None
    error_code: str | None
    fail_reason: str | None
    entities: Entities


class ErrorTold(Body):
    """An error: its code, such as `Ecs.0114`, and a sentence."""

    code: str
    message: str


class Error(Body):
    """What every error looks like."""

    error: ErrorTold
