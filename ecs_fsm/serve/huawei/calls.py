"""The cloudservers API of Huawei Cloud and OTC: the requests that jobs carry out.

Callers authenticate by a token or by the SDK's signature, which is not verified. A job ends when
its operation is over. It fails if the operation failed, another one took its place or its server is
gone.

The job of a resize confirms by itself, as the real cloud's does ("SUCCESS: the specifications are
modified"): it ends with the server at rest as before, never in VERIFY_RESIZE. With the mode
`withStopServer` a running server is stopped before and started again after. (A resize through
`/v2.1/{project_id}/servers/{id}/action` stays in VERIFY_RESIZE, as Nova's does.) If one server of
several refuses a request, its part of the job fails; the refusal of a single one is a 409.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from ecs_fsm.core.errors import Refused
from ecs_fsm.serve.cloud.imagestore import ACTIVE
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json, NewServer
from ecs_fsm.serve.cloud.jobs import JobKind, JobStep
from ecs_fsm.serve.cloud.resources import Item, tables
from ecs_fsm.serve.compute.api import refusal
from ecs_fsm.serve.compute.servers import host_name_of
from ecs_fsm.serve.http.api_errors import Api, ApiError
from ecs_fsm.serve.http.bodies import respond
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.handlers import Alias, Handlers

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


router = Handlers(Api.HUAWEI, ProjectContext)
"""The handlers of the API."""
WITH_STOP = "withStopServer"
PREPAID = ("prePaid", "1")
SAME_FLAVOR, UNKNOWN_FLAVOR, UNKNOWN_IMAGE = "Ecs.0009", "Ecs.0008", "Ecs.0007"
"""Error codes."""
CREATE, DELETE, RESIZE, REINSTALL, CHANGE_IMAGE = (
    Call(**row) for row in tables()["huawei"]["calls"].values()
)
ACTIONS = {key: Call(**row) for key, row in tables()["huawei"]["actions"].items()}
"""The actions on several servers, by the key of their body."""


@router.post(V1, Alias(V11, "create_cloudservers_v11"), body="CreateServers", answer="JobId")
def create_cloudservers(context: ProjectContext, body: Item) -> Response:
    """Create servers; several get numbers after their name."""
    servers = _new_servers(context, body["server"])
    if body["dry_run"]:
        return Response(status_code=202)
    job = context.jobs.create(CREATE.kind, servers, context.asker(CREATE.job))
    more: dict[str, Json] = {"serverIds": [part.server_id for part in job.parts]}
    billing = body["server"]["extendparam"]
    if billing and billing["charging_mode"] in PREPAID:
        more["order_id"] = f"CS{job.number:013}"
    return respond({"job_id": job.id, **more})


def _new_servers(context: ProjectContext, given: Item) -> list[NewServer]:
    """Return the servers of a creation. Raises 400 for what the catalog does not have."""
    flavor, image, metadata = given["flavor"], given["image"], given["metadata"]
    _require_flavor(context, flavor)
    _require_image(context, image)
    details = _details(context, given)
    taken = (instance.name for instance in context.servers())
    found = []
    for index, name in enumerate(numbered(given["name"], given["count"], taken)):
        own: dict[str, Json] = {"launch_index": index, "hostname": host_name_of(name)}
        found.append(NewServer(name, flavor, image, metadata, details={**details, **own}))
    return found


def numbered(name: str, count: int, taken: Iterator[str]) -> Iterator[str]:
    """Yield the names of `count` servers: `web`, or `web-0001` and so on after those taken."""
    if count == 1:
        yield name
        return
    pattern = re.compile(rf"{re.escape(name)}-(\d{{4,}})", re.ASCII)
    found = (pattern.fullmatch(other) for other in taken)
    last = max((int(match[1]) for match in found if match), default=0)
    for number in range(last + 1, last + count + 1):
        yield f"{name}-{number:04}"


def _details(context: ProjectContext, given: Item) -> Mapping[str, Json]:
    ports = context.cloud.ports
    subnets = {subnet["id"]: subnet["network_id"] for subnet in ports.subnets}
    named = [subnets.get(nic["subnet_id"], nic["subnet_id"]) for nic in given["nics"]]
    networks = [name for name in named if name in ports.networks.all] or ports.usual_network()
    tags = {tag["key"]: tag["value"] for tag in given["server_tags"]}
    kept = ("key_name", "user_data", "description")
    return {
        **{name: given[name] for name in kept},
        "networks": [*dict.fromkeys(networks)],
        "volumes": [],
        "security_groups": [group["id"] for group in given["security_groups"]] or ["default"],
        "tags": [f"{key}={value}" for key, value in tags.items()],
        "vpc": given["vpcid"],
        **({"zone": given["availability_zone"]} if given["availability_zone"] else {}),
    }


def _require_flavor(context: ProjectContext, name: str) -> None:
    """Raise 400 for a flavor that does not exist."""
    if name not in context.cloud.resources.of("flavors").all:
        message = f"The flavor {name} could not be found."
        raise ApiError(400, message, word=UNKNOWN_FLAVOR)


def _require_image(context: ProjectContext, name: str) -> None:
    """Raise 400 for an image that is not there."""
    image = context.images.find(name, context.project_id, context.caller.admin)
    if image is None or image["status"] != ACTIVE:
        message = f"The image {name} could not be found."
        raise ApiError(400, message, word=UNKNOWN_IMAGE)


def _started(
    context: ProjectContext,
    call: Call,
    instance: Instance,
    steps: Sequence[JobStep],
    *,
    batch: bool = False,
) -> Response:
    """Request steps of one server. Raise 409 if it refuses the first."""
    asker = context.asker(context.request.scope["path"].rpartition("/")[2])
    try:
        job = context.jobs.request(call.kind, instance, steps, asker, batch)
    except Refused as error:
        raise ApiError(409, refusal(instance, error)) from None
    return respond({"job_id": job.id})


def _batch_started(
    context: ProjectContext, call: Call, operation: str, servers: Sequence[Item], action: str
) -> Response:
    """Request an operation of each server. Raise 404 if none of them exists."""
    found = {named["id"]: context.look_up(named["id"]) for named in servers}
    if len(found) > MOST_SERVERS:
        message = f"The number of ECSs {len(found)} is greater than {MOST_SERVERS}."
        raise ApiError(400, message, word=TOO_MANY)
    first, *others = found.values()
    if not any(found.values()):
        raise ApiError(404, f"The server {next(iter(found))} could not be found.")
    step = JobStep(operation, {})
    if first is not None and not others:
        return _started(context, call, first, [step], batch=True)
    job = context.jobs.request_each(call.kind, found, [step], context.asker(action))
    return respond({"job_id": job.id})


@router.post(f"{V1}/action", body="ServersActions", answer="JobId")
def act_on_cloudservers(context: ProjectContext, body: Item) -> Response:
    """Start, stop or reboot servers: `{"os-stop": {"servers": [{"id"}], "type": "SOFT"}}`."""
    key = next(iter(body), "")
    call = ACTIONS.get(key)
    if call is None or len(body) != 1:
        known = " or ".join(ACTIONS)
        raise ApiError(400, f"Invalid action {', '.join(body)[:255]!r}; expected {known}.")
    kind, operation = body[key]["type"], call.operation
    if kind is not None and call.types:
        if kind not in call.types:
            types = " or ".join(call.types)
            raise ApiError(400, f"Invalid type {kind!r} of {key}; expected {types}.")
        operation = call.types[kind]
    return _batch_started(context, call, operation, body[key]["servers"], key)


@router.post(f"{V1}/delete", body="DeleteServers", answer="JobId")
def delete_cloudservers(context: ProjectContext, body: Item) -> Response:
    """Delete servers."""
    return _batch_started(context, DELETE, DELETE.operation, body["servers"], DELETE.job)


@router.post(
    f"{V1}/{{server_id}}/resize",
    Alias(f"{V11}/{{server_id}}/resize", "resize_cloudserver_v11"),
    body="ResizeServer",
    answer="JobId",
)
def resize_cloudserver(context: ProjectContext, server_id: str, body: Item) -> Response:
    """Resize a server; the job confirms it."""
    instance, flavor = context.find(server_id), body["resize"]["flavor"]
    _require_flavor(context, flavor)
    if flavor == instance.flavor:
        message = "Another flavor must be used for resizing."
        raise ApiError(400, message, word=SAME_FLAVOR)
    host = (instance.host + 1) % len(context.cloud.hosts)  # the server ends on the next one
    moved = {"flavor": flavor, "old_flavor": instance.flavor, "host": host}
    then = (JobStep(operation, {"old_flavor": None}) for operation in RESIZE.then)
    steps = [JobStep(RESIZE.operation, moved), *then]
    before, after = RESIZE.around
    if body["resize"]["mode"] == WITH_STOP and instance.server.may(before):
        steps = [JobStep(before, {}), *steps, JobStep(after, {})]
    if body["dry_run"]:
        if not instance.server.may(steps[0].operation):
            refused = context.cloud.lifecycle.refusal(steps[0].operation, instance.server.node)
            raise ApiError(409, refusal(instance, refused))
        return Response(status_code=202)
    return _started(context, RESIZE, instance, steps)


@router.post(
    f"{V1}/{{server_id}}/reinstallos",
    Alias(f"{V2}/{{server_id}}/reinstallos", "reinstall_cloudserver_v2"),
    body="ReinstallServer",
    answer="JobId",
)
def reinstall_cloudserver(context: ProjectContext, server_id: str, body: Item) -> Response:
    """Install a server again from its image."""
    return _install(context, REINSTALL, server_id, body["os_reinstall"])


@router.post(
    f"{V1}/{{server_id}}/changeos",
    Alias(f"{V2}/{{server_id}}/changeos", "change_cloudserver_os_v2"),
    body="ChangeImage",
    answer="JobId",
)
def change_cloudserver_os(context: ProjectContext, server_id: str, body: Item) -> Response:
    """Install a server from another image."""
    image = body["os_change"]["imageid"]
    _require_image(context, image)
    return _install(context, CHANGE_IMAGE, server_id, body["os_change"], image=image)


def _install(
    context: ProjectContext, call: Call, server_id: str, body: Item, **changes: Json
) -> Response:
    if body["keyname"] is not None:
        changes["key_name"] = body["keyname"]
    step = JobStep(call.operation, changes)
    return _started(context, call, context.find(server_id), [step])
