"""The cloudservers API of Huawei Cloud and OTC: requests that jobs carry out, and the jobs.

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

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.imagestore import ACTIVE
from ecs_fsm.serve.cloud.instance import Instance, Json, NewServer
from ecs_fsm.serve.cloud.jobs import JobStep
from ecs_fsm.serve.compute.api import refusal
from ecs_fsm.serve.compute.servers import host_name_of
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import respond
from ecs_fsm.serve.http.handlers import Alias, Face, Handlers
from ecs_fsm.serve.huawei import lists
from ecs_fsm.serve.huawei.lists import job_view, numbered
from ecs_fsm.serve.huawei.schemas import (
    ERRORS,
    V1,
    V2,
    V11,
    Call,
    ChangeImage,
    CreateServers,
    DeleteServers,
    NewServers,
    ProjectContext,
    Reinstallation,
    ReinstallServer,
    ResizeServer,
    ServersAction,
    calls,
    job_response,
)

WITH_STOP = "withStopServer"
PREPAID = ("prePaid", "1")
SAME_FLAVOR, UNKNOWN_FLAVOR, UNKNOWN_IMAGE = "Ecs.0009", "Ecs.0008", "Ecs.0007"
"""Error codes."""
CREATE, DELETE, RESIZE, REINSTALL, CHANGE_IMAGE = calls("calls").values()
ACTIONS = calls("actions")
"""The actions on several servers, by the key of their body."""
router = Handlers(tags=["cloudservers"], responses=ERRORS, context=ProjectContext)
FACES: Sequence[Face] = (Face(router), Face(lists.router))


@router.post(V1, Alias(V11, "create_cloudservers_v11"), answer="JobId")
def create_cloudservers(context: ProjectContext, body: CreateServers) -> Response:
    """Create servers; several get numbers after their name."""
    servers = _new_servers(context, body.server)
    if body.dry_run:
        return Response(status_code=202)
    job = context.jobs.create(CREATE.kind, servers, context.asker(CREATE.kind.job))
    more: dict[str, Json] = {"serverIds": [part.server_id for part in job.parts]}
    billing = body.server.extendparam
    if billing and billing.charging_mode in PREPAID:
        more["order_id"] = f"CS{job.number:013}"
    return job_response(job, **more)


def _new_servers(context: ProjectContext, body: NewServers) -> list[NewServer]:
    """Return the servers of a creation. Raises 400 for what the catalog does not have."""
    _require_flavor(context, body.flavor)
    _require_image(context, body.image)
    taken = (instance.name for instance in context.servers())
    names = numbered(body.name, body.count, taken)
    details = _details(context, body)
    return [
        NewServer(
            name=name,
            flavor=body.flavor,
            image=body.image,
            metadata=body.metadata,
            details={**details, "launch_index": index, "hostname": host_name_of(name)},
        )
        for index, name in enumerate(names)
    ]


def _details(context: ProjectContext, body: NewServers) -> Mapping[str, Json]:
    ports = context.cloud.ports
    subnets = {subnet["id"]: subnet["network_id"] for subnet in ports.subnets}
    named = [subnets.get(nic.subnet_id, nic.subnet_id) for nic in body.nics]
    networks = [name for name in named if name in ports.networks.all] or ports.usual_network()
    tags = {tag.key: tag.value for tag in body.server_tags}
    details: dict[str, Json] = {
        "networks": [*dict.fromkeys(networks)],
        "volumes": [],
        "security_groups": [group.id for group in body.security_groups] or ["default"],
        "key_name": body.key_name,
        "user_data": body.user_data,
        "description": body.description,
        "tags": [f"{key}={value}" for key, value in tags.items()],
        "vpc": body.vpcid,
    }
    if body.availability_zone:
        details["zone"] = body.availability_zone
    return details


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


@router.post(f"{V1}/action", answer="JobId")
def act_on_cloudservers(
    context: ProjectContext, body: Annotated[dict[str, ServersAction], Field(max_length=10)]
) -> Response:
    """Start, stop or reboot servers: `{"os-stop": {"servers": [{"id"}], "type": "SOFT"}}`."""
    key = next(iter(body), "")
    call = ACTIONS.get(key)
    if call is None or len(body) != 1:
        raise ApiError(
            400, f"Invalid action {', '.join(body)[:255]!r}; expected {' or '.join(ACTIONS)}."
        )
    kind = body[key].type
    operation = call.operation
    if kind is not None and call.types:
        if kind not in call.types:
            types = " or ".join(call.types)
            raise ApiError(400, f"Invalid type {kind!r} of {key}; expected {types}.")
        operation = call.types[kind]
    return context.start_batch(call, operation, body[key].servers, key)


@router.post(f"{V1}/delete", answer="JobId")
def delete_cloudservers(context: ProjectContext, body: DeleteServers) -> Response:
    """Delete servers."""
    return context.start_batch(DELETE, DELETE.operation, body.servers, DELETE.kind.job)


@router.post(
    f"{V1}/{{server_id}}/resize",
    Alias(f"{V11}/{{server_id}}/resize", "resize_cloudserver_v11"),
    answer="JobId",
)
def resize_cloudserver(context: ProjectContext, server_id: str, body: ResizeServer) -> Response:
    """Resize a server; the job confirms it."""
    instance, flavor = context.find(server_id), body.resize.flavor
    _require_flavor(context, flavor)
    if flavor == instance.flavor:
        message = "Another flavor must be used for resizing."
        raise ApiError(400, message, word=SAME_FLAVOR)
    steps = [
        JobStep(RESIZE.operation, _moved(context, instance, flavor)),
        *(JobStep(operation, {"old_flavor": None}) for operation in RESIZE.then),
    ]
    before, after = RESIZE.around
    if body.resize.mode == WITH_STOP and instance.server.may(before):
        steps = [JobStep(before, {}), *steps, JobStep(after, {})]
    if body.dry_run:
        if not instance.server.may(steps[0].operation):
            refused = context.cloud.lifecycle.refusal(steps[0].operation, instance.server.node)
            raise ApiError(409, refusal(instance, refused))
        return Response(status_code=202)
    return job_response(context.start_job(RESIZE, instance, steps))


@router.post(
    f"{V1}/{{server_id}}/reinstallos",
    Alias(f"{V2}/{{server_id}}/reinstallos", "reinstall_cloudserver_v2"),
    answer="JobId",
)
def reinstall_cloudserver(
    context: ProjectContext, server_id: str, body: ReinstallServer
) -> Response:
    """Install a server again from its image."""
    return _install(context, REINSTALL, server_id, body.os_reinstall, {})


@router.post(
    f"{V1}/{{server_id}}/changeos",
    Alias(f"{V2}/{{server_id}}/changeos", "change_cloudserver_os_v2"),
    answer="JobId",
)
def change_cloudserver_os(context: ProjectContext, server_id: str, body: ChangeImage) -> Response:
    """Install a server from another image."""
    image = body.os_change.imageid
    _require_image(context, image)
    return _install(context, CHANGE_IMAGE, server_id, body.os_change, {"image": image})


def _moved(context: ProjectContext, instance: Instance, flavor: str) -> dict[str, Json]:
    """Return what a resize changes; the server ends on the next host."""
    host = (instance.host + 1) % len(context.cloud.hosts)
    return {"flavor": flavor, "old_flavor": instance.flavor, "host": host}


def _install(
    context: ProjectContext,
    call: Call,
    server_id: str,
    body: Reinstallation,
    changes: dict[str, Json],
) -> Response:
    if body.keyname is not None:
        changes["key_name"] = body.keyname
    step = JobStep(call.operation, changes)
    return job_response(context.start_job(call, context.find(server_id), [step]))


@router.get("/v1/{project_id}/jobs/{job_id}", answer="Job")
def show_job(context: ProjectContext, job_id: str) -> Response:
    """The progress of a job."""
    job = context.jobs.find(job_id, context.project_id)
    if job is None:
        raise ApiError(404, f"The job {job_id[:255]} could not be found.")
    return respond(job_view(context.cloud, job))
