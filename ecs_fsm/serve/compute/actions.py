"""POST servers/{id}/action: an object of one key, which names the action, with its argument.

What an action is, its row in `compute.toml` says; what it changes and answers is here, in `guests`,
`migrations` or `nics`. A lifecycle without the operation lacks the action.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.resources import Item, tables
from ecs_fsm.serve.compute.action import (
    ANSWERS,
    CHANGES,
    ActionAnswer,
    Changes,
    ServerAction,
    of_actions,
)
from ecs_fsm.serve.compute.api import ComputeContext, error, router
from ecs_fsm.serve.compute.disks import check_size, flavor_of, image_of
from ecs_fsm.serve.compute.migrations import moved_to, require_up
from ecs_fsm.serve.compute.schemas import ADDRESSES, DISK_CONFIG, changed_fields, within_quota
from ecs_fsm.serve.compute.servers import key_of, password, zone_of
from ecs_fsm.serve.compute.views import AnswerKind, server_view
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import respond


@router.post("/servers/{server_id}/action", body="OneKey", status_code=202)
async def act_on_server(server_id: str, body: Item, context: ComputeContext) -> Response:
    """Carry out an action, named by the one key of the body, with its argument."""
    ((key, given),) = body.items()
    action = _action(context, key)
    if action.admin:
        context.require_admin(f"os_compute_api:{key}")
    instance = context.find(server_id)
    action.require(context)
    with context.cloud.state.one_change():
        answer = action.perform(context, instance, given)
    headers = {"Location": answer.location} if answer.location else None
    if answer.body is None:
        return Response(status_code=action.code, headers=headers)
    return respond(answer.body, action.code, headers)


def _action(context: ComputeContext, key: str) -> ServerAction:
    """Return the action of a key. Raises 400 for one that the microversion does not have."""
    action = ACTIONS.get(key)
    if action is None:
        raise error(400, "unknown_action", action=key[:255])
    if not action.since <= context.minor <= action.until:
        raise ApiError(404, "The resource could not be found.")
    return action


@of_actions(CHANGES, "resize")
def _resize(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Keep the old flavor for a revert. Raises 400 for the flavor that the server has."""
    require_up(context, instance)
    flavor, old = flavor_of(context, given["flavorRef"]), context.cloud.flavor(instance)
    new = context.cloud.resources.of("flavors").all[flavor]
    if instance.image and not new["disk"] and old["disk"]:
        reason = "Resize to zero disk flavor is not allowed."
        raise ApiError(400, f"Server disk was unable to be resized because: {reason}")
    if flavor == instance.flavor:
        raise ApiError(400, "When resizing, instances must change flavor!")
    disk: Changes = {"disk_config": given[DISK_CONFIG]} if given.get(DISK_CONFIG) else {}
    moved = moved_to(context, instance, None, "No valid host found for resize")
    return {"flavor": flavor, "old_flavor": instance.flavor, **disk, **moved}


@of_actions(CHANGES, "confirmResize")
def _confirm_resize(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Forget the way back."""
    return {"old_flavor": None, "old_host": None}


@of_actions(CHANGES, "revertResize")
def _revert_resize(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Go back to the old flavor and host."""
    before = instance.details.get("old_host")
    host = instance.host if before is None else before
    flavor = instance.old_flavor or instance.flavor
    return {"flavor": flavor, "host": host, "old_flavor": None, "old_host": None}


@of_actions(CHANGES, "rebuild")
def _rebuild(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Return the attributes that the microversion lets a rebuild change."""
    since = {"description": 19, "key_name": 54, "user_data": 57, "hostname": 90}
    image = image_of(context, given["imageRef"])
    if instance.image is not None:
        found = context.images.find(image, context.project_id, context.caller.admin)
        check_size(context.cloud.flavor(instance), found)
        properties: Json = {**found["properties"]} if found else {}
    within_quota(given.get("metadata") or {})
    if context.minor >= since["key_name"]:
        key_of(context, given.get("key_name"))
    changes: dict[str, Json] = {
        name: value
        for name, value in changed_fields(given).items()
        if name in REBUILT and (value is not None or name in since)
    }
    if instance.image is None:
        return changes
    return {"image": image, "image_properties": properties, **changes}


REBUILT = {"name", "metadata", "description", "key_name", "user_data", "hostname", "disk_config"}
REBUILT |= {*ADDRESSES}
"""What a rebuild changes of a server beside its image."""


@of_actions(ANSWERS, "rebuild")
def _rebuilt(context: ComputeContext, instance: Instance, given: Item) -> ActionAnswer:
    """Return the server as it is now, with its password."""
    shown = server_view(context.cloud, instance, context.view(AnswerKind.CHANGED))
    shown.pop("OS-EXT-SRV-ATTR:user_data", None)  # a rebuild has it under its short name
    shown["adminPass"] = given.get("adminPass") or password(context.request_id)
    if context.minor >= 54:
        shown["key_name"] = instance.details.get("key_name")
    if context.minor >= 57:
        shown["user_data"] = instance.details.get("user_data")
    return ActionAnswer({"server": shown}, f"{context.root}/servers/{instance.id}")


@of_actions(ANSWERS, "rescue")
def _with_password(context: ComputeContext, instance: Instance, given: Item) -> ActionAnswer:
    """Return the password of the request, or a new one."""
    return ActionAnswer({"adminPass": given.get("adminPass") or password(context.request_id)})


@of_actions(ANSWERS, "evacuate")
def _evacuated(context: ComputeContext, instance: Instance, given: Item) -> ActionAnswer:
    """Return the password below 2.14."""
    return _with_password(context, instance, given) if context.minor < 14 else ActionAnswer()


@of_actions(CHANGES, "unshelve")
def _unshelve(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Move the server if it names another host; off its host, it may come back there."""
    host = given.get("host")
    if host is not None:
        context.require_admin("os_compute_api:os-shelve:unshelve_to_host")
    zone = zone_of(context, given.get("availability_zone"))
    here = host in (None, context.cloud.hosts[instance.host].name)
    moved = {} if here else moved_to(context, instance, host)
    return {**moved, **({"zone": zone} if "availability_zone" in given else {})}


@of_actions(CHANGES, "lock", "unlock")
def _lock(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Set the reason of a lock, None without one and after its end."""
    return {"locked_reason": given.get("locked_reason")}


ACTIONS: Mapping[str, ServerAction] = {
    key: ServerAction(key, **row) for key, row in tables()["compute"]["actions"].items()
}
"""The actions by their keys, as `compute.toml` has them."""
