"""The Huawei/OTC face of the cloud: the cloudservers API, whose requests are followed as jobs.

Who asks is known by a token or by the SDK's signature, which is not checked. A job ends when its
operation is over, and fails when that went wrong, was given up for another one, or lost its server.
The job of a resize confirms by itself, as the cloud's "SUCCESS: the specifications are modified"
has it: it ends with the server at rest as it was before, never in VERIFY_RESIZE; with the mode
`withStopServer` a running server is stopped before and started again after. (A resize through
`/v2.1/{project_id}/servers/{id}/action` stays in VERIFY_RESIZE, as Nova's does.) What is refused to
one server of several fails its part of the job; what is refused to a single one is a 409.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Body
from starlette.responses import Response

from ecs_fsm.serve.cloud.cloud import HOSTS
from ecs_fsm.serve.cloud.imagestore import ACTIVE
from ecs_fsm.serve.cloud.instance import Instance, Json, NewServer
from ecs_fsm.serve.cloud.jobs import JobStep
from ecs_fsm.serve.compute.asking import refusal, told
from ecs_fsm.serve.compute.creating import host_name_of
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.huawei import cloudservers
from ecs_fsm.serve.huawei.calls import Call, calls
from ecs_fsm.serve.huawei.cloudbodies import (
    ChangeImage,
    CreateServers,
    DeleteServers,
    Id,
    JobShown,
    NewServers,
    Reinstall,
    ReinstallServer,
    ResizeServer,
    ServersAction,
)
from ecs_fsm.serve.huawei.cloudplace import ERRORS, V1, V2, V11, Place, Placed, begun
from ecs_fsm.serve.image.images import images_of

WITH_STOP = "withStopServer"
PREPAID = ("prePaid", "1")
router = Handlers(tags=["cloudservers"], responses=ERRORS)


@router.post(V1, name="create_cloudservers", response_model=Id)
@router.post(V11, name="create_cloudservers_v11", response_model=Id)
async def create_cloudservers(asked: Placed, body: CreateServers) -> Response:
    """Creates servers; several get numbers behind their name."""
    wanted = _wanted(asked, body.server)
    if body.dry_run:
        return Response(status_code=202)
    job = asked.jobs.create(calls().create, wanted, asked.asker(calls().create.job))
    more: dict[str, Json] = {"serverIds": [part.server_id for part in job.parts]}
    extend = body.server.extendparam
    if extend and extend.charging_mode in PREPAID:
        more["order_id"] = f"CS{job.number:013}"
    return begun(job, **more)


def _wanted(asked: Place, body: NewServers) -> list[NewServer]:
    """The servers of a creation. Raises 400 for what the catalog does not have."""
    _flavor(asked, body.flavor)
    _image(asked, body.image)
    taken = (instance.name for instance in asked.servers())
    names = cloudservers.numbered(body.name, body.count, taken)
    details = _details(asked, body)
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


def _details(asked: Place, body: NewServers) -> Mapping[str, Json]:
    catalog = asked.compute.catalog
    subnets = {network.subnet.id: network.id for network in catalog.networks.values()}
    named = [subnets.get(nic.subnet_id, nic.subnet_id) for nic in body.nics]
    networks = [name for name in named if name in catalog.networks] or [catalog.default_network.id]
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


def _flavor(asked: Place, name: str) -> None:
    if name not in asked.compute.catalog.flavors:
        message = f"The flavor {name} could not be found."
        raise ApiError(400, message, word=calls().unknown_flavor)


def _image(asked: Place, name: str) -> None:
    image = images_of(asked.request).find(name, asked.project_id, asked.caller.admin)
    if image is None or image.status != ACTIVE:
        message = f"The image {name} could not be found."
        raise ApiError(400, message, word=calls().unknown_image)


ACTIONS = " or ".join(calls().actions)


@router.post(f"{V1}/action", response_model=Id)
async def act_on_cloudservers(
    asked: Placed, body: Annotated[dict[str, ServersAction], Body(max_length=10)]
) -> Response:
    """Starts, stops or restarts servers: `{"os-stop": {"servers": [{"id"}], "type": "SOFT"}}`."""
    key = next(iter(body), "")
    call = calls().actions.get(key)
    if call is None or len(body) != 1:
        raise ApiError(400, f"Invalid action {', '.join(body)[:255]!r}; expected {ACTIONS}.")
    hardness = body[key].type
    operation = call.operation
    if hardness is not None and call.types:
        if hardness not in call.types:
            types = " or ".join(call.types)
            raise ApiError(400, f"Invalid type {hardness!r} of {key}; expected {types}.")
        operation = call.types[hardness]
    return asked.each(call, operation, body[key].servers, key)


@router.post(f"{V1}/delete", response_model=Id)
async def delete_cloudservers(asked: Placed, body: DeleteServers) -> Response:
    """Deletes servers."""
    call = calls().remove
    return asked.each(call, call.operation, body.servers, call.kind.job)


@router.post(f"{V1}/{{server_id}}/resize", name="resize_cloudserver", response_model=Id)
@router.post(f"{V11}/{{server_id}}/resize", name="resize_cloudserver_v11", response_model=Id)
async def resize_cloudserver(asked: Placed, server_id: str, body: ResizeServer) -> Response:
    """Gives a server another flavor; the job confirms it."""
    instance, call, flavor = asked.find(server_id), calls().change_flavor, body.resize.flavor
    _flavor(asked, flavor)
    if flavor == instance.flavor:
        message = "Another flavor must be used for resizing."
        raise ApiError(400, message, word=calls().same_flavor)
    steps = [
        JobStep(call.operation, _moved(instance, flavor)),
        *(JobStep(operation, {"old_flavor": None}) for operation in call.then),
    ]
    before, after = call.around
    if body.resize.mode == WITH_STOP and instance.server.may(before):
        steps = [JobStep(before, {}), *steps, JobStep(after, {})]
    if body.dry_run:
        if not instance.server.may(steps[0].operation):
            refused = asked.cloud.lifecycle.refusal(steps[0].operation, instance.server.node)
            raise ApiError(409, refusal(instance, refused))
        return Response(status_code=202)
    return begun(asked.one(call, instance, steps, False))


@router.post(f"{V1}/{{server_id}}/reinstallos", name="reinstall_cloudserver", response_model=Id)
@router.post(f"{V2}/{{server_id}}/reinstallos", name="reinstall_cloudserver_v2", response_model=Id)
async def reinstall_cloudserver(asked: Placed, server_id: str, body: ReinstallServer) -> Response:
    """Installs a server again from its image."""
    return _install(asked, calls().reinstall, server_id, body.os_reinstall, {})


@router.post(f"{V1}/{{server_id}}/changeos", name="change_cloudserver_os", response_model=Id)
@router.post(f"{V2}/{{server_id}}/changeos", name="change_cloudserver_os_v2", response_model=Id)
async def change_cloudserver_os(asked: Placed, server_id: str, body: ChangeImage) -> Response:
    """Installs a server from another image."""
    image = body.os_change.imageid
    _image(asked, image)
    return _install(asked, calls().change_image, server_id, body.os_change, {"image": image})


def _moved(instance: Instance, flavor: str) -> dict[str, Json]:
    """What a resize changes: it ends on the next host."""
    host = (instance.host + 1) % HOSTS
    return {"flavor": flavor, "old_flavor": instance.flavor, "host": host}


def _install(
    asked: Place, call: Call, server_id: str, body: Reinstall, changes: dict[str, Json]
) -> Response:
    if body.keyname is not None:
        changes["key_name"] = body.keyname
    step = JobStep(call.operation, changes)
    return begun(asked.one(call, asked.find(server_id), [step], False))


@router.get("/v1/{project_id}/jobs/{job_id}", response_model=JobShown)
async def show_job(asked: Placed, job_id: str) -> Response:
    """How far a job is."""
    job = asked.jobs.find(job_id, asked.project_id)
    if job is None:
        raise ApiError(404, f"The job {job_id[:255]} could not be found.")
    return told(cloudservers.job(asked.cloud, job))
