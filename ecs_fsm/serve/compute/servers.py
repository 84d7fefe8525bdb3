"""Servers: create, show, list, change and delete them.

What the request of a creation names must exist and go together. The functions that look up a name
return it, or answer as Nova does; other requests use them too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from string import ascii_letters, digits
from uuid import NAMESPACE_OID, uuid5

from starlette.responses import Response

from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import NOT_ENOUGH, Instance, Json, NewServer
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import DELETE, FROM_VOLUME, WITHOUT_NETWORK
from ecs_fsm.serve.compute.api import ComputeContext, compute_context, error
from ecs_fsm.serve.compute.disks import boots, check_size, disk_config_of, disks_of, flavor_of, give
from ecs_fsm.serve.compute.kinds import keypair_of
from ecs_fsm.serve.compute.listing import ServerPage, servers_of
from ecs_fsm.serve.compute.nics import networks_of
from ecs_fsm.serve.compute.nova_schemas import (
    ADDRESSES,
    DISK_CONFIG,
    address_of,
    as_flag,
    changed_fields,
    within_quota,
)
from ecs_fsm.serve.compute.usage import check_quota
from ecs_fsm.serve.compute.views import AnswerKind, links
from ecs_fsm.serve.http.api_errors import Api, ApiError
from ecs_fsm.serve.http.bodies import respond
from ecs_fsm.serve.http.handlers import Handlers

MOST_AT_ONCE = 1000
HINTS = ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")
"""The keys of a creation's hints for the scheduler."""


def host_numbers(cloud: Cloud) -> dict[str, int]:
    """Return the numbers of the hosts by their names."""
    return {host.name: number for number, host in enumerate(cloud.hosts)}


def _hosts(context: ComputeContext, given: Item) -> tuple[str | None, tuple[int, ...] | None, str]:
    """Return the zone of a creation, the hosts that it names, and why none takes the server.

    Raises 400 for an unknown zone or host, 403 if the caller may not name a host.
    """
    zone, *names = (given.get("availability_zone") or "").split(":")
    if len(names) > 2:
        raise ApiError(400, "Invalid input received: Unable to parse availability_zone")
    forced = next((name for name in names if name), None)
    named = given.get("host") or given.get("hypervisor_hostname")
    if forced is not None:
        context.require_admin("os_compute_api:servers:create:forced_host")
    if named is not None:
        context.require_admin("compute:servers:create:requested_destination")
    if named is not None and forced is not None:
        raise error(400, "two_hosts")
    found, known = zone_of(context, zone or None), host_numbers(context.cloud)
    if named is not None and named not in known:
        raise ApiError(400, f"Compute host {named} could not be found.")
    if forced is not None and forced not in known:
        return found, (), f"No such host - host: {forced} node: None "
    name = named or forced
    return found, None if name is None else (known[name],), NOT_ENOUGH


def key_of(context: ComputeContext, name: str | None) -> str | None:
    """Return the name of a keypair of the caller, or None. Raises 400 for others."""
    if name is not None and keypair_of(context, name) is None:
        raise ApiError(400, "Invalid key_name provided.")
    return name


def group_of(context: ComputeContext, name: str, code: int = 400) -> Item:
    """Return the security group of that name or id. Raises 400, or another code, if none is."""
    found = context.cloud.ports.group(context.project_id, name)
    if found is None:
        raise ApiError(code, f"Unable to find security_group with name or id '{name}'")
    return found


def zone_of(context: ComputeContext, zone: str | None) -> str | None:
    """Return the name of the zone, or None to have it chosen. Raises 400 for others."""
    if zone is not None and zone not in context.cloud.zones:
        raise ApiError(400, "The requested availability zone is not available")
    return zone


def host_name_of(name: str) -> str:
    """Return the host name that follows from the name of a server."""
    return re.sub(r"[^a-z0-9.-]+", "", re.sub(r"[ _]+", "-", name.lower())).strip(".-")[:63]


def create(
    context: ComputeContext, given: Item, hints: Mapping[str, Json]
) -> tuple[list[Instance], str]:
    """Create servers; return them with the password of their administrator.

    `hints` are those for the scheduler. Raises 400 for what does not exist or does not go together,
    403 above a quota.
    """
    cloud = context.cloud
    count, metadata = _count(given), given.get("metadata") or {}
    flavor, image, disks = flavor_of(context, given["flavorRef"]), *disks_of(context, given, count)
    size = context.cloud.resources.of("flavors").all[flavor]
    source = image or next((disk.image for disk in disks if boots(disk.device)), None)
    stored = source and context.images.find(source, context.project_id, context.caller.admin)
    if stored and image:
        check_size(size, stored)
    zone, hosts, why = _hosts(context, given)
    group = _group(context, hints, count)
    cores, ram = size["vcpus"] * count, size["ram"] * count
    check_quota(context, instances=count, cores=cores, ram=ram)
    networks = networks_of(context, given)
    if count > 1 and any(nic.address for nic in networks):
        reason = "max_count cannot be greater than 1 if an IP address is specified."
        raise ApiError(400, f"Failed to launch instances: {reason}")
    within_quota(metadata)
    key_of(context, given.get("key_name"))
    groups = dict.fromkeys(group_of(context, name)["name"] for name in group_names(given))
    facts = (FROM_VOLUME if image is None else {}) | ({} if networks else WITHOUT_NETWORK)
    accepted = cloud.lifecycle.triggers[cloud.lifecycle.creation.trigger].given
    facts = {name: value for name, value in facts.items() if name in accepted}
    requester = context.asker(cloud.lifecycle.creation.trigger)
    reservation = f"r-{uuid5(NAMESPACE_OID, requester.request_id).hex[:8]}"
    details: dict[str, Json] = {
        "networks": [[*nic] for nic in networks],
        "volumes": [],
        "group": group,
        **{name: given.get(name) for name in ("key_name", "user_data", "description")},
        "config_drive": "True" if as_flag(given.get("config_drive")) else "",
        "tags": list(dict.fromkeys(given.get("tags", ()))),
        "certificates": given.get("trusted_image_certificates") or None,
        **{name: address_of(given.get(name)) or "" for name in ADDRESSES},
        **{"security_groups": [*groups], "reservation_id": reservation},
        **{"zone": zone, "hints": {**hints}},
        "disk_config": given.get(DISK_CONFIG) or (stored and disk_config_of(stored)) or "MANUAL",
        **({"image_properties": {**stored["properties"]}} if stored else {}),
    }
    made = []
    with cloud.state.one_change():
        for index in range(count):
            name = given["name"] if count == 1 else f"{given['name']}-{index + 1}"
            host = given.get("hostname") or host_name_of(name) or f"server-{cloud.count + 1}"
            own: dict[str, Json] = {"launch_index": index, "hostname": host}
            wanted = NewServer(name, flavor, image, metadata, facts, details | own, hosts, why)
            made.append(cloud.create(wanted, requester))
            give(context, made[-1], disks, requester)
        cloud.finish(*made)
    return made, given.get("adminPass") or password(requester.request_id)


def password(seed: str) -> str:
    """Return twelve letters and digits, the same for the same request."""
    return "".join(Random(seed).choices(ascii_letters + digits, k=12))  # noqa: S311 -- for show


def group_names(given: Item) -> list[str]:
    """Return the names of the security groups of a creation; one without a name is none."""
    groups = given.get("security_groups", [{"name": "default"}])
    return [group["name"] for group in groups if group.get("name")]


def _count(given: Item) -> int:
    fewest = int(given.get("min_count") or 1)
    most = int(given.get("max_count") or fewest)
    if fewest > most:
        raise ApiError(400, "min_count must be <= max_count")
    if most > MOST_AT_ONCE:
        raise ApiError(403, f"Quota exceeded for instances: requested {most}, at most 1000 at once")
    return most


def _group(context: ComputeContext, hints: Mapping[str, Json], count: int) -> str | None:
    """Return the server group of a creation. Raises 400 for an unknown one, 403 for a full one."""
    named = hints.get("group")
    if named is None:
        return None
    group = context.cloud.groups.get(named)
    if group is None or group["project_id"] != context.project_id:
        raise ApiError(400, f"Instance group {str(named)[:255]} could not be found.")
    most = context.quotas_of(context.project_id)["server_group_members"]
    if 0 <= most < len(group["members"]) + count:
        raise ApiError(403, "Quota exceeded, too many servers in group")
    return str(named)


router = Handlers(Api.COMPUTE, compute_context)
"""What clients poll: the application looks for their paths first."""


@router.get("/servers/detail", answer="ServerList")
def list_servers_in_detail(context: ComputeContext) -> Response:
    """Servers with their details, the newest first."""
    page, view = servers_of(context), context.view(AnswerKind.DETAIL)
    written = b", ".join(context.compute.written(instance, view) for instance in page.servers)
    return _written(b'{"servers": [%b]%b}' % (written, _next(context, page)))


def _written(text: bytes) -> Response:
    """Return an answer whose body is JSON already."""
    return Response(text, media_type="application/json")


@router.get("/servers/{server_id}", answer="OneServer")
def show_server(server_id: str, context: ComputeContext) -> Response:
    """A server."""
    shown = context.compute.written(context.find(server_id), context.view(AnswerKind.SHOW))
    return _written(b'{"server": %b}' % shown)


@router.get("/servers", answer="BriefServerList")
def list_servers(context: ComputeContext) -> Response:
    """Servers by id and name, the newest first."""
    page = servers_of(context)
    shown = [
        {"id": one.id, "name": one.name, "links": links(context.root, "servers", one.id)}
        for one in page.servers
    ]
    written = respond({"servers": shown}).body
    return _written(b"%b%b}" % (bytes(written)[:-1], _next(context, page)))


def _next(context: ComputeContext, page: ServerPage) -> bytes:
    """Return the link of a list to its next page as JSON, nothing on the last one."""
    if page.more is None:
        return b""
    url = f"{context.base}{context.request.scope['path']}?{page.more}"
    return b', "servers_links": %b' % bytes(respond([{"rel": "next", "href": url}]).body)


@router.post("/servers", answer="Creation", status_code=202)
def create_server(body: Item, context: ComputeContext) -> Response:
    """Create servers; the answer shows the first."""
    given = body["server"]
    created, password = create(context, given, next((body[k] for k in HINTS if k in body), {}))
    first, url = created[0], f"{context.root}/servers/{created[0].id}"
    if as_flag(given.get("return_reservation_id")):
        return respond({"reservation_id": first.details["reservation_id"]}, 202)
    shown: Json = {
        "id": first.id,
        "links": links(context.root, "servers", first.id),
        "OS-DCF:diskConfig": first.details["disk_config"],
        "security_groups": [{"name": name} for name in group_names(given)],
        "adminPass": password,
    }
    return respond({"server": shown}, 202, {"Location": url})


PINNED = "pinned_availability_zone"


def _pin(context: ComputeContext, instance: Instance, zone: str | None) -> str | None:
    """Return the zone that a server is pinned to. Raises 409 for any but its own."""
    pinned, here = instance.details.get("zone"), context.cloud.hosts[instance.host].zone
    if zone is not None and pinned not in (None, zone):
        raise error(409, "pinned")
    if zone is not None and pinned is None and zone != here:
        raise error(409, "elsewhere", here=here, zone=zone)
    return zone


SINCE = {"description": 19, "hostname": 90, "zone": 104}
"""The microversions that brought these."""


@router.put("/servers/{server_id}", answer="OneServer")
def update_server(server_id: str, body: Item, context: ComputeContext) -> Response:
    """Change the name, the description or the host name."""
    instance = context.find(server_id)
    fields = changed_fields(body["server"])
    if PINNED in fields:
        fields["zone"] = _pin(context, instance, fields.pop(PINNED))
    changes = {
        name: value
        for name, value in fields.items()
        if context.minor >= SINCE.get(name, 0) and (value is not None or name in SINCE)
    }
    context.cloud.keep(instance, changes)
    written = context.compute.written(instance, context.view(AnswerKind.CHANGED))
    return _written(b'{"server": %b}' % written)


@router.delete("/servers/{server_id}", status_code=204)
def delete_server(server_id: str, context: ComputeContext) -> Response:
    """Delete a server; it is gone once a request for it is answered with 404."""
    instance = context.find(server_id)
    context.compute.request(instance, DELETE, context.asker(DELETE))
    context.cloud.finish(instance)
    return Response(status_code=204)
