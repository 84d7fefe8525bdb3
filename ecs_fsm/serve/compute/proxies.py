"""What the compute API shows of other services below 2.36: images, security groups, addresses.

Clients look images up by name here before they have negotiated a microversion. The metadata of
images is there below 2.39.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.imagestore import ACTIVE, QUEUED, SAVING
from ecs_fsm.serve.cloud.instance import Json
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.compute.api import ComputeContext, router
from ecs_fsm.serve.compute.disks import disk_config_of
from ecs_fsm.serve.compute.listing import moment
from ecs_fsm.serve.compute.nova_schemas import MOST_ITEMS
from ecs_fsm.serve.compute.views import links, security_group_view
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.declared import Declared

IMAGE_TYPE = "application/vnd.openstack.image"
NO_PROXY, NO_METADATA = 36, 39
STATUSES = {QUEUED: ("SAVING", 25), SAVING: ("SAVING", 50), ACTIVE: ("ACTIVE", 100)}
"""The status and the progress that the proxy shows, by the status of the image service."""


class ComputeImages(Declared[ComputeContext]):
    """Images as the compute API shows them."""

    def visible(self, context: ComputeContext, item: Item) -> bool:
        """Return whether the caller sees an image. Raise 404 above the last microversion."""
        of_metadata = "/metadata" in context.request.scope["route"].path
        context.require_version(before=NO_METADATA if of_metadata else NO_PROXY)
        return context.images.is_for(item, context.caller.project_id, context.caller.admin)

    def find_own(self, context: ComputeContext, item_id: str, verb: str) -> Item:
        """Return an image that the caller can change. Raise 403 and 404 for others."""
        item, caller = self.find(context, item_id), context.caller
        if item["owner"] is None or not (caller.admin or item["owner"] == caller.project_id):
            raise ApiError(403, "You are not allowed to change this image.")
        return item

    def more(self, context: ComputeContext, item: Item) -> Item:
        """Add links, the status as Nova has it, and the server that the image is of."""
        status, progress = STATUSES[item["status"]]
        glance = f"{context.base}/image/images/{item['id']}"
        alternate: Json = {"rel": "alternate", "type": IMAGE_TYPE, "href": glance}
        disk_config, server_id = disk_config_of(item), item["properties"].get("instance_uuid")
        server = {"id": server_id, "links": links(context.root, "servers", str(server_id))}
        return {
            "links": [*links(context.root, "images", item["id"]), alternate],
            "status": status,
            "progress": progress,
            **({"OS-DCF:diskConfig": disk_config} if disk_config else {}),
            **({"server": server} if server_id else {}),
        }

    def listed(self, context: ComputeContext) -> Any:
        """Yield the images that the query selects, beside those by their name and status."""
        query = context.request.query_params
        server = query.get("server", "").rpartition("/")[2]
        for image in super().listed(context):
            own = image["properties"]
            kind = own.get("image_type", "server" if image["owner"] else "base")
            changed = moment("changes-since", image["updated_at"])
            since = query.get("changes-since")
            if (
                query.get("type", kind) == kind
                and server in ("", own.get("instance_uuid"))
                and (since is None or changed >= moment("changes-since", since))
            ):
                yield image

    def changed(self, context: ComputeContext, item: Item, new: Item) -> Item:
        """Refuse too much metadata."""
        if len(new["properties"]) > MOST_ITEMS:
            raise ApiError(403, f"Image metadata limit exceeded: {MOST_ITEMS} at most")
        return {**new, "updated_at": context.images.date()}


@router.get("/os-floating-ips", answer="object[]{}")
def list_floating_ips_of_compute(context: ComputeContext) -> Response:
    """The floating addresses of the project, below 2.36."""
    context.require_version(before=NO_PROXY)
    ports = context.cloud.ports
    shown = [
        {
            "id": floating["id"],
            "ip": floating["floating_ip_address"],
            "pool": (ports.networks.get(floating["floating_network_id"]) or {}).get("name"),
            "fixed_ip": floating.get("fixed_ip_address"),
            "instance_id": (ports.all.get(floating.get("port_id")) or {}).get("device_id"),
        }
        for floating in ports.floating.by("project_id", context.caller.project_id)
    ]
    return JSONResponse({"floating_ips": shown})


@router.get("/os-floating-ip-pools", answer="object[]{}")
def list_floating_ip_pools(context: ComputeContext) -> Response:
    """Pools of floating addresses, below 2.36: the external networks."""
    context.require_version(before=NO_PROXY)
    networks = context.cloud.ports.networks
    outside = [network["name"] for network in networks if network.get("router:external")]
    return JSONResponse({"floating_ip_pools": [{"name": name} for name in outside]})


@router.get("/os-security-groups", answer="object[]{}")
def list_security_groups_of_compute(context: ComputeContext) -> Response:
    """The security groups of the project, below 2.36."""
    context.require_version(before=NO_PROXY)
    shown = [
        security_group_view(context.cloud, group)
        for group in context.cloud.ports.groups_of(context.caller.project_id or "")
    ]
    return JSONResponse({"security_groups": shown})
