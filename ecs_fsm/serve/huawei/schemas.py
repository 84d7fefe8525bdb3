"""Requests to the cloudservers API: their bodies, their project, and the jobs that they start.

Keys of bodies that change nothing here are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from ecs_fsm.core.errors import Refused
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.cloud.jobs import Job, JobKind, JobStep
from ecs_fsm.serve.cloud.resources import tables
from ecs_fsm.serve.compute.api import refusal
from ecs_fsm.serve.compute.schemas import Items, Text, not_blank
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Body, respond
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.handlers import answered

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


ERRORS: dict[int | str, dict[str, object]] = {
    code: answered("WordedError") for code in (400, 401, 403, 404, 409)
}
"""Answers of every handler other than success."""
V1, V11, V2 = (f"/{version}/{{project_id}}/cloudservers" for version in ("v1", "v1.1", "v2"))
OTHER_PROJECT, TOO_MANY, SYSTEM_ERROR = "Ecs.0003", "Ecs.0118", "Ecs.0002"
"""Error codes."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a request comes to, as `huawei.toml` says: a kind of job, and operations."""

    kind: JobKind
    operation: str
    then: Sequence[str] = ()
    around: Sequence[str] = ("", "")
    types: Mapping[str, str] = field(default_factory=dict)


def calls(table: str) -> dict[str, Call]:
    """Return the calls of a table."""
    found = {}
    for name, row in tables()["huawei"][table].items():
        known = {key: row[key] for key in ("then", "around", "types") if key in row}
        kind = JobKind(row["job"], row["part"], row.get("code", SYSTEM_ERROR))
        found[name] = Call(kind, row["operation"], **known)
    return found


def job_response(job: Job, **more: Json) -> Response:
    """Return the answer to a request that a job carries out."""
    return respond({"job_id": job.id, **more})


class ProjectContext(RequestContext):
    """A request in a project. Raises 403 in a project that is not the caller's.

    `root` is the URL of the compute API that links lead to.
    """

    __slots__ = ("root",)

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        if not self.caller.admin and self.caller.project_id not in (None, self.project_id):
            message = f"The token is not good for the project {self.project_id}."
            raise ApiError(403, message, word=OTHER_PROJECT)
        self.root = f"{self.base}/v2.1/{self.project_id}"

    @property
    def project_id(self) -> str:
        """The project of the path, also for callers without one."""
        return str(self.request.path_params["project_id"])

    def asker(self, action: str) -> Asker:
        """Return the caller in this project, as the cloud records it."""
        return super().asker(action)._replace(project_id=self.project_id)

    def look_up(self, server_id: str) -> Instance | None:
        """Return a server, None if it is gone, unknown or of another project."""
        instance = self.cloud.instances.get(server_id)
        return instance if instance and instance.project_id == self.project_id else None

    def find(self, server_id: str) -> Instance:
        """Return a server. Raises 404 if it is gone, unknown or of another project."""
        instance = self.look_up(server_id)
        if instance is None:
            raise ApiError(404, f"The server {server_id[:255]} could not be found.")
        return instance

    def servers(self) -> list[Instance]:
        """Return the servers of the project, the newest first."""
        every = reversed(self.cloud.instances.values())
        return [instance for instance in every if instance.project_id == self.project_id]

    def start_job(
        self, call: Call, instance: Instance, steps: Iterable[JobStep], *, batch: bool = False
    ) -> Job:
        """Request steps of one server. Raises 409 if it refuses the first."""
        action = self.request.scope["path"].rpartition("/")[2]
        try:
            return self.jobs.request(call.kind, instance, steps, self.asker(action), batch)
        except Refused as error:
            raise ApiError(409, refusal(instance, error)) from None

    def start_batch(
        self, call: Call, operation: str, servers: Iterable[ResourceId], action: str
    ) -> Response:
        """Request an operation of each server. Raises 404 if none of them exists."""
        found = {named.id: self.look_up(named.id) for named in servers}
        if len(found) > MOST_SERVERS:
            message = f"The number of ECSs {len(found)} is greater than {MOST_SERVERS}."
            raise ApiError(400, message, word=TOO_MANY)
        if not any(found.values()):
            raise ApiError(404, f"The server {next(iter(found))} could not be found.")
        step = JobStep(operation, {})
        only = next(iter(found.values())) if len(found) == 1 else None
        if only is not None:
            return job_response(self.start_job(call, only, [step], batch=True))
        return job_response(self.jobs.request_each(call.kind, found, [step], self.asker(action)))
