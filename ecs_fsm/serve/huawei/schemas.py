"""Requests to the cloudservers API: their project, and the jobs that they start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from ecs_fsm.core.errors import Refused
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.cloud.jobs import Job, JobKind, JobStep
from ecs_fsm.serve.cloud.resources import Item, tables
from ecs_fsm.serve.compute.api import refusal
from ecs_fsm.serve.http.api_errors import Api, ApiError
from ecs_fsm.serve.http.bodies import respond
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.handlers import Handlers

MOST_SERVERS = 1000
V1, V11, V2 = (f"/{version}/{{project_id}}/cloudservers" for version in ("v1", "v1.1", "v2"))
OTHER_PROJECT, TOO_MANY, SYSTEM_ERROR = "Ecs.0003", "Ecs.0118", "Ecs.0002"
"""Error codes."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a request comes to, as `huawei.toml` says: a kind of job, and operations."""

    job: str
    part: str
    operation: str
    code: str = SYSTEM_ERROR
    then: Sequence[str] = ()
    around: Sequence[str] = ("", "")
    types: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> JobKind:
        """The kind of its jobs."""
        return JobKind(self.job, self.part, self.code)


def calls(table: str) -> dict[str, Call]:
    """Return the calls of a table."""
    return {name: Call(**row) for name, row in tables()["huawei"][table].items()}


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
        self, call: Call, instance: Instance, steps: Sequence[JobStep], *, batch: bool = False
    ) -> Job:
        """Request steps of one server. Raises 409 if it refuses the first."""
        action = self.request.scope["path"].rpartition("/")[2]
        try:
            return self.jobs.request(call.kind, instance, steps, self.asker(action), batch)
        except Refused as error:
            raise ApiError(409, refusal(instance, error)) from None

    def start_batch(
        self, call: Call, operation: str, servers: Iterable[Item], action: str
    ) -> Response:
        """Request an operation of each server. Raises 404 if none of them exists."""
        found = {named["id"]: self.look_up(named["id"]) for named in servers}
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


router = Handlers(Api.HUAWEI, ProjectContext)
"""The handlers, which each module adds."""
