"""POST servers/{id}/action: an object of one key, which names the action, with its argument.

What an action is, its row in `compute.toml` says; the model of its argument, with what it changes
and answers, is here, in `guests`, `migrations` or `nics`. A lifecycle without the operation lacks
the action.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from pydantic import Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.resources import tables
from ecs_fsm.serve.compute.action import (
    ActionAnswer,
    Argument,
    Changes,
    NoArgument,
    OneKey,
    ServerAction,
)
from ecs_fsm.serve.compute.api import ComputeContext, router
from ecs_fsm.serve.compute.disks import check_size, flavor_of, image_of
from ecs_fsm.serve.compute.guests import GUEST_ARGUMENTS
from ecs_fsm.serve.compute.migrations import Evacuate, Migrate, MigrateLive, moved_to, require_up
from ecs_fsm.serve.compute.nics import ADDRESS_ARGUMENTS
from ecs_fsm.serve.compute.schemas import (
    Address4,
    Address6,
    Disk,
    Items,
    Name,
    Text,
    within_quota,
)
from ecs_fsm.serve.compute.servers import key_of, password, zone_of
from ecs_fsm.serve.compute.views import AnswerKind, server_view
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import respond


@router.post("/servers/{server_id}/action", status_code=202)
async def act_on_server(server_id: str, body: OneKey, context: ComputeContext) -> Response:
    """Carry out an action, named by the one key of the body, with its argument."""
    ((key, given),) = body.items()
    action = _action(context, key)
    if action.admin:
        context.require_admin(f"os_compute_api:{key}")
    instance = context.find(server_id)
    action.require(context)
    with context.cloud.state.one_change():
        answer = action.perform(context, instance, action.read(context.minor, given))
    headers = {"Location": answer.location} if answer.location else None
    if answer.body is None:
        return Response(status_code=action.code, headers=headers)
    return respond(answer.body, action.code, headers)


def _action(context: ComputeContext, key: str) -> ServerAction:
    """Return the action of a key. Raises 400 for one that the microversion does not have."""
    action = ACTIONS.get(key)
    if action is None:
        raise ApiError(400, f"There is no such action: {key[:255]}")
    if not action.since <= context.minor <= action.until:
        raise ApiError(404, "The resource could not be found.")
    return action


class OperationChoice(Argument):
    """What chooses the operation: how to reboot, or the state that the server gets."""

    type: str = ""
    state: str = ""

    def operation(self, action: ServerAction) -> str:
        """Return the operation of the type or of the state."""
        return cast(Mapping[str, str], action.operation)[self.type.upper() or self.state]


class Resize(Argument):
    """The new flavor of the server, which then is on the next host."""

    flavorRef: str | int  # noqa: N815
    disk_config: Disk | None = Field(None, alias="OS-DCF:diskConfig")

    def changes(self, context: ComputeContext, instance: Instance) -> Changes:
        """Keep the old flavor for a revert. Raises 400 for the flavor that the server has."""
        require_up(context, instance)
        flavor, old = flavor_of(context, self.flavorRef), context.cloud.flavor(instance)
        new = context.cloud.resources.of("flavors").all[flavor]
        zero = instance.image and not new["disk"] and old["disk"]
        if zero:
            reason = "Resize to zero disk flavor is not allowed."
            raise ApiError(400, f"Server disk was unable to be resized because: {reason}")
        if flavor == instance.flavor:
            raise ApiError(400, "When resizing, instances must change flavor!")
        disk: Changes = {"disk_config": self.disk_config} if self.disk_config else {}
        moved = moved_to(context, instance, None, "No valid host found for resize")
        return {"flavor": flavor, "old_flavor": instance.flavor, **disk, **moved}


class ConfirmResize(NoArgument):
    """Keep what a resize or a migration changed."""

    def changes(self, context: ComputeContext, instance: Instance) -> Changes:
        """Forget the way back."""
        return {"old_flavor": None, "old_host": None}


class RevertResize(NoArgument):
    """Undo a resize or a migration."""

    def changes(self, context: ComputeContext, instance: Instance) -> Changes:
        """Go back to the old flavor and host."""
        before = instance.details.get("old_host")
        return {
            "flavor": instance.old_flavor or instance.flavor,
            "host": instance.host if before is None else before,
            "old_flavor": None,
            "old_host": None,
        }


class Rebuild(Argument):
    """The image of the server, and its other attributes that change."""

    imageRef: str  # noqa: N815
    name: Name | None = None
    metadata: Items | None = None
    adminPass: str | None = None  # noqa: N815
    description: Text | None = None
    key_name: Text | None = None
    user_data: str | None = None
    hostname: str | None = None
    accessIPv4: Address4 = None  # noqa: N815
    accessIPv6: Address6 = None  # noqa: N815
    disk_config: Disk | None = Field(None, alias="OS-DCF:diskConfig")

    def changes(self, context: ComputeContext, instance: Instance) -> Changes:
        """Return the attributes that the microversion lets a rebuild change."""
        since = {"description": 19, "key_name": 54, "user_data": 57, "hostname": 90}
        image = image_of(context, self.imageRef)
        if instance.image is not None:
            found = context.images.find(image, context.project_id, context.caller.admin)
            check_size(context.cloud.flavor(instance), found)
            properties: Json = {**found["properties"]} if found else {}
        within_quota(self.metadata or {})
        if context.minor >= since["key_name"]:
            key_of(context, self.key_name)
        given = self.model_dump(exclude_unset=True, exclude={"imageRef", "adminPass"})
        changes: dict[str, Json] = {
            name: value
            for name, value in given.items()
            if context.minor >= since.get(name, 0) and (value is not None or name in since)
        }
        if instance.image is None:
            return changes
        return {"image": image, "image_properties": properties, **changes}

    def answer(self, context: ComputeContext, instance: Instance) -> ActionAnswer:
        """Return the server as it is now, with its password."""
        view = context.view(AnswerKind.CHANGED)
        shown = server_view(context.cloud, instance, view)
        shown.pop("OS-EXT-SRV-ATTR:user_data", None)  # a rebuild has it under its short name
        shown["adminPass"] = self.adminPass or password(context.request_id)
        if context.minor >= 54:
            shown["key_name"] = instance.details.get("key_name")
        if context.minor >= 57:
            shown["user_data"] = instance.details.get("user_data")
        return ActionAnswer({"server": shown}, f"{context.root}/servers/{instance.id}")


class Rescue(Argument):
    """The password of the rescued server, and the image that it starts from."""

    adminPass: str | None = None  # noqa: N815
    rescue_image_ref: Text | None = None

    def answer(self, context: ComputeContext, instance: Instance) -> ActionAnswer:
        """Return the password of the request, or a new one."""
        return ActionAnswer({"adminPass": self.adminPass or password(context.request_id)})


class Unshelve(Argument):
    """The zone or the host of the server from now on."""

    host: str | None = None
    availability_zone: str | None = None

    def changes(self, context: ComputeContext, instance: Instance) -> Changes:
        """Move the server if it names another host; off its host, it may come back there."""
        if self.host is not None:
            context.require_admin("os_compute_api:os-shelve:unshelve_to_host")
        zone = zone_of(context, self.availability_zone)
        here = self.host in (None, context.cloud.hosts[instance.host].name)
        host = {} if here else moved_to(context, instance, self.host)
        return {**host, **({"zone": zone} if "availability_zone" in self.model_fields_set else {})}


class Lock(Argument):
    """The reason of the lock."""

    locked_reason: str | None = Field(None, min_length=1, max_length=255)

    def changes(self, context: ComputeContext, instance: Instance) -> Changes:
        """Set the reason, None without one."""
        return {"locked_reason": self.locked_reason}


class Unlock(NoArgument):
    """The end of a lock, and of its reason."""

    def changes(self, context: ComputeContext, instance: Instance) -> Changes:
        """Remove the reason."""
        return {"locked_reason": None}


ARGUMENTS: Mapping[str, type[Argument]] = {
    **{
        "reboot": OperationChoice,
        "os-resetState": OperationChoice,
        "resize": Resize,
        "rebuild": Rebuild,
    },
    **{"confirmResize": ConfirmResize, "revertResize": RevertResize, "rescue": Rescue},
    **{"unshelve": Unshelve, "lock": Lock, "unlock": Unlock},
    **{"migrate": Migrate, "os-migrateLive": MigrateLive, "evacuate": Evacuate},
    **GUEST_ARGUMENTS,
    **ADDRESS_ARGUMENTS,
}
"""The models of arguments, by the keys of their actions; the others have none."""
ACTIONS: Mapping[str, ServerAction] = {
    key: ServerAction(key, ARGUMENTS.get(key, NoArgument), **row)
    for key, row in tables()["compute"]["actions"].items()
}
"""The actions by their keys, as `compute.toml` has them."""
