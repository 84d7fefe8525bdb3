"""What all requests to the cloudservers API share: the project, who asks, and how jobs begin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, cast

from fastapi import Depends, Path, Request
from starlette.responses import Response

from ecs_fsm.core.errors import Refused
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.cloud.jobs import Job, Jobs, JobStep
from ecs_fsm.serve.compute.asking import compute_of, refusal, told
from ecs_fsm.serve.http.context import Known, base_of
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.huawei import cloudservers
from ecs_fsm.serve.huawei.calls import Call, calls
from ecs_fsm.serve.huawei.cloudbodies import MOST_SERVERS, Error, Named

ERRORS: dict[int | str, dict[str, object]] = {
    code: {"model": Error} for code in (400, 401, 403, 404, 409)
}
"""What every route can answer beside success."""
V1, V11, V2 = (f"/{version}/{{project_id}}/cloudservers" for version in ("v1", "v1.1", "v2"))


def begun(job: Job, **more: Json) -> Response:
    """The answer to a request that takes its time."""
    return told({"job_id": job.id, **more})


class Place:
    """A request: in which project, who asks. Raises 403 in a project that is not the caller's."""

    def __init__(
        self, request: Request, caller: Known, project_id: Annotated[str, Path(max_length=64)]
    ) -> None:
        if not caller.admin and caller.project_id not in (None, project_id):
            message = f"The token is not good for the project {project_id}."
            raise ApiError(403, message, word=calls().other_project)
        self.request, self.caller, self.project_id = request, caller, project_id
        self.compute = compute_of(request)
        self.cloud, self.jobs = self.compute.cloud, cast(Jobs, request.app.state.jobs)
        self.root = f"{base_of(request)}/v2.1/{project_id}"

    def asker(self, action: str) -> Asker:
        """Who asks, by the word of the API."""
        number = getattr(self.request.state, "request_id", "")
        return Asker(number, self.caller.user_id, self.project_id, action, self.caller.admin)

    def look_up(self, server_id: str) -> Instance | None:
        """The server of that id, None for one that is gone, unknown or of another project."""
        instance = self.cloud.instances.get(server_id)
        return instance if instance and instance.project_id == self.project_id else None

    def find(self, server_id: str) -> Instance:
        """The server of that id. Raises 404 where `look_up` finds none."""
        instance = self.look_up(server_id)
        if instance is None:
            raise ApiError(404, f"The server {server_id[:255]} could not be found.")
        return instance

    def servers(self) -> list[Instance]:
        """Those of the project, the newest first."""
        every = reversed(self.cloud.instances.values())
        return [instance for instance in every if instance.project_id == self.project_id]

    def shown(self, instance: Instance) -> dict[str, Json]:
        """A server as this API shows it."""
        return cloudservers.server(self.compute.shapes, instance, self.root)

    def one(self, call: Call, instance: Instance, steps: Iterable[JobStep], batch: bool) -> Job:
        """Ask for steps of one server. Raises 409 where it refuses the first."""
        action = self.request.scope["path"].rpartition("/")[2]
        try:
            return self.jobs.request(call.kind, instance, steps, self.asker(action), batch)
        except Refused as error:
            raise ApiError(409, refusal(instance, error)) from None

    def each(self, call: Call, operation: str, servers: Iterable[Named], action: str) -> Response:
        """Ask for an operation of each server. Raises 404 where there is none of them."""
        found = {named.id: self.look_up(named.id) for named in servers}
        if len(found) > MOST_SERVERS:
            message = f"The number of ECSs {len(found)} is greater than {MOST_SERVERS}."
            raise ApiError(400, message, word=calls().too_many)
        if not any(found.values()):
            raise ApiError(404, f"The server {next(iter(found))} could not be found.")
        step = JobStep(operation, {})
        only = next(iter(found.values())) if len(found) == 1 else None
        if only is not None:
            return begun(self.one(call, only, [step], True))
        return begun(self.jobs.request_each(call.kind, found, [step], self.asker(action)))


Placed = Annotated[Place, Depends(Place)]
"""The request of a handler."""
