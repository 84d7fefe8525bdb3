"""The guest and the security groups of a server: reports about them, and actions on them.

The actions are about images, rebuilds among them, passwords, locks, security groups and consoles.
"""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.imagestore import BACKUP as BACKUP_TYPE
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import BACKUP, CREATE_IMAGE, GET_CONSOLE
from ecs_fsm.serve.compute.actions import ANSWERS, CHANGES, ActionAnswer, Changes, of_actions
from ecs_fsm.serve.compute.api import ComputeContext, refusal, router
from ecs_fsm.serve.compute.disks import check_size, image_of
from ecs_fsm.serve.compute.nova_schemas import ADDRESSES, changed_fields, within_quota
from ecs_fsm.serve.compute.servers import group_of, key_of, password
from ecs_fsm.serve.compute.views import AnswerKind, addresses_view, security_group_view, server_view
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import respond

CONSOLES_SINCE, DIAGNOSTICS_SINCE, TOPOLOGY_SINCE = 6, 48, 78


@router.get("/servers/{server_id}/ips", answer="AddressList")
def list_ips(server_id: str, context: ComputeContext) -> Response:
    """The addresses by network."""
    instance = context.find(server_id)
    return respond({"addresses": addresses_view(context.cloud, instance, whole=False)})


@router.get("/servers/{server_id}/ips/{label}", answer="Address[]{}")
def show_ips(server_id: str, label: str, context: ComputeContext) -> Response:
    """The addresses on one network."""
    addresses = addresses_view(context.cloud, context.find(server_id), whole=False)
    if label not in addresses:
        raise ApiError(404, "Network label not found.")
    return respond({label: addresses[label]})


NO_TRAFFIC = {
    f"{way}_{what}": 0
    for way in ("rx", "tx")
    for what in ("octets", "errors", "drop", "packets", "rate")
}
OF_DISKS = ("read_bytes", "read_requests", "write_bytes", "write_requests", "errors_count")
OLD_TRAFFIC = [f"{way}{what}" for way in ("rx", "tx") for what in ("", "_drop", "_errors", "_packets")]  # fmt: skip  # noqa: E501


@router.get("/servers/{server_id}/diagnostics")
def show_diagnostics(server_id: str, context: ComputeContext) -> Response:
    """The resources of the server as its host sees them; for administrators."""
    context.require_admin("os_compute_api:os-server-diagnostics")
    instance = context.find(server_id)
    flavor, ports = context.cloud.flavor(instance), context.cloud.ports.shown(instance)
    if context.minor < DIAGNOSTICS_SINCE:
        names = [f"cpu{n}_time" for n in range(flavor["vcpus"])]
        names += [f"vda_{what}" for what in ("read", "read_req", "write", "write_req", "errors")]
        names += [f"vnet{n}_{what}" for n, _ in enumerate(ports, start=1) for what in OLD_TRAFFIC]
        return respond({"memory": flavor["ram"] * 1024, **dict.fromkeys(names, 0)})
    up = 0.0 if instance.launched is None else context.cloud.now - instance.launched
    shown = {
        "config_drive": bool(instance.details.get("config_drive")),
        "cpu_details": [{"id": n, "time": 0, "utilisation": 0} for n in range(flavor["vcpus"])],
        "disk_details": [dict.fromkeys(OF_DISKS, 0)],
        "driver": "libvirt",
        "hypervisor": "kvm",
        "hypervisor_os": "linux",
        "memory_details": {"maximum": flavor["ram"], "used": 0},
        "nic_details": [{"mac_address": port["mac_address"]} | NO_TRAFFIC for port in ports],
        "num_cpus": flavor["vcpus"],
        "num_disks": 1,
        "num_nics": len(ports),
        "state": "running" if instance.launched is not None else "pending",
        "uptime": int(up),
    }
    return respond(shown)


@router.get("/servers/{server_id}/topology")
async def show_topology(server_id: str, context: ComputeContext) -> Response:
    """The NUMA topology from 2.78 on; no server has one."""
    context.require_version(since=TOPOLOGY_SINCE)
    context.find(server_id)
    return respond({"nodes": [], "pagesize_kb": None})


@router.get("/servers/{server_id}/os-server-password", answer="Password")
def show_password(server_id: str, context: ComputeContext) -> Response:
    """The encrypted password; no guest ever sets one."""
    context.find(server_id)
    return respond({"password": ""})


@router.delete("/servers/{server_id}/os-server-password", status_code=204)
def clear_password(server_id: str, context: ComputeContext) -> Response:
    """Remove the encrypted password."""
    context.find(server_id)
    return Response(status_code=204)


@router.get("/servers/{server_id}/os-security-groups")
def list_security_groups_of_server(server_id: str, context: ComputeContext) -> Response:
    """The security groups."""
    instance = context.find(server_id)
    cloud, own = context.cloud, instance.project_id
    found = (
        cloud.ports.group(own, name) or {"id": name, "name": name, "project_id": own}
        for name in instance.names("security_groups")
    )
    return JSONResponse({"security_groups": [security_group_view(cloud, group) for group in found]})


@router.post("/servers/{server_id}/remote-consoles")
def create_remote_console(server_id: str, body: Item, context: ComputeContext) -> Response:
    """The URL of a console; nothing listens there."""
    context.require_version(since=CONSOLES_SINCE)
    instance, console = context.find(server_id), body["remote_console"]
    if console["protocol"] == "rdp":
        raise ApiError(400, "Unavailable console type rdp.")
    url = console_url(context, instance, console["type"])
    shown = {"protocol": console["protocol"], "type": console["type"], "url": url}
    return respond({"remote_console": shown})


@of_actions(ANSWERS, "createImage", "createBackup")
def _create_image(context: ComputeContext, instance: Instance, given: Item) -> ActionAnswer:
    """Return the id of the new image, below 2.45 its URL; of a backup, only the newest are kept."""
    rotation, kind = given.get("rotation"), {"image_type": "snapshot"}
    if rotation is not None:
        kind = {"image_type": "backup", BACKUP_TYPE: given["backup_type"]}
    image_id = context.images.make(
        instance,
        CREATE_IMAGE if rotation is None else BACKUP,
        given["name"],
        {**kind, **(given.get("metadata") or {})},
        context.asker(""),
        rotation=None if rotation is None else int(rotation),
    )
    if context.minor >= 45:
        return ActionAnswer({"image_id": image_id})
    return ActionAnswer(location=f"{context.base}/image/v2/images/{image_id}")


@of_actions(CHANGES, "addSecurityGroup")
def _add_group(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Add a group. Raises 404 if it does not exist."""
    name = group_of(context, given["name"], 404)["name"]
    return {"security_groups": [*dict.fromkeys((*instance.names("security_groups"), name))]}


@of_actions(CHANGES, "removeSecurityGroup")
def _remove_group(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Remove a group. Raises 404 if the server is not in it."""
    name, groups = given["name"], instance.names("security_groups")
    if name not in groups:
        raise ApiError(404, f"Security group {name} not associated with the instance")
    return {"security_groups": [group for group in groups if group != name]}


@of_actions(ANSWERS, "addSecurityGroup", "removeSecurityGroup")
def _regrouped(context: ComputeContext, instance: Instance, given: Item) -> ActionAnswer:
    """Set the groups of the ports as well."""
    context.cloud.ports.regroup(instance)
    return ActionAnswer()


@of_actions(ANSWERS, "os-getConsoleOutput")
def _console_output(context: ComputeContext, instance: Instance, given: Item) -> ActionAnswer:
    """Return what the server wrote since it began: its states, one a line, or the last of them."""
    lines = [f"[{seen.at - instance.created:12.6f}] {seen.state}" for seen in instance.history]
    length = int(-1 if given.get("length") is None else given["length"])
    shown = lines if length == -1 else lines[len(lines) - min(length, len(lines)) :]
    return ActionAnswer({"output": "\n".join(shown)})


@of_actions(ANSWERS, *(f"os-get{name}Console" for name in ("VNC", "SPICE", "Serial")))
def _console(context: ComputeContext, instance: Instance, given: Item) -> ActionAnswer:
    """Return the URL of a console; nothing listens there."""
    url = console_url(context, instance, given["type"])
    return ActionAnswer({"console": {"type": given["type"], "url": url}})


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


@of_actions(CHANGES, "lock", "unlock")
def _lock(context: ComputeContext, instance: Instance, given: Item) -> Changes:
    """Set the reason of a lock, None without one and after its end."""
    return {"locked_reason": given.get("locked_reason")}


CONSOLES = {
    "spice-html5": "spice_auto.html?token={}",
    "spice-direct": "nova?token={}",
    "serial": "?token={}",
    "webmks": "mks.html?token={}",
}
"""What the URLs of consoles end in, but for those of VNC."""


def console_url(context: ComputeContext, instance: Instance, kind: str) -> str:
    """Return the URL of a console, of one use. Raise 409 where the lifecycle refuses consoles."""
    lifecycle, node = context.cloud.lifecycle, instance.server.node
    if GET_CONSOLE in lifecycle.operations and not lifecycle.possible(GET_CONSOLE, node):
        raise ApiError(409, refusal(instance, lifecycle.refusal(GET_CONSOLE, node)))
    token = uuid5(NAMESPACE_OID, f"{context.request_id}/{instance.id}")
    base = context.base.replace("http", "ws", 1) if kind == "serial" else context.base
    return f"{base}/{CONSOLES.get(kind, 'vnc_auto.html?path=%3Ftoken%3D{}').format(token)}"
