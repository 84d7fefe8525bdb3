"""What a request names must exist: each function gives the name back, or answers as nova does."""

from __future__ import annotations

from ecs_fsm.serve.cloud.imagestore import ACTIVE
from ecs_fsm.serve.compute.asking import Asking
from ecs_fsm.serve.compute.keypairs import keypairs_of
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.image.images import images_of
from ecs_fsm.serve.network.groups import Group, groups_of


def flavor_of(asking: Asking, ref: str | int) -> str:
    """The id of a flavor that exists. Raises 400 for others."""
    if str(ref) not in asking.compute.catalog.flavors:
        raise ApiError(400, f"Flavor {str(ref)[:255]} could not be found.")
    return str(ref)


def image_of(asking: Asking, ref: str) -> str:
    """The id of an image that is there; its URL will do. Raises 400 for others."""
    named, caller = ref.rpartition("/images/")[2], asking.caller
    image = images_of(asking.request).find(named, caller.project_id, caller.admin)
    if image is None:
        raise ApiError(400, f"Can not find requested image {named[:255]}.")
    if image.status != ACTIVE:
        raise ApiError(400, f"Image {named} is not active.")
    return named


def key_of(asking: Asking, name: str | None) -> str | None:
    """The name of a keypair of the caller, or None. Raises 400 for others."""
    if name is not None and name not in keypairs_of(asking.request, asking.caller):
        raise ApiError(400, "Invalid key_name provided.")
    return name


def group_of(asking: Asking, name: str, code: int = 400) -> Group:
    """The security group of that name or id. Raises 400, or another code, for others."""
    found = groups_of(asking.request).named(asking.project_id, name)
    if found is None:
        raise ApiError(code, f"Unable to find security_group with name or id '{name}'")
    return found


def zone_of(asking: Asking, zone: str | None) -> str | None:
    """The name of the zone, or None to have it chosen. Raises 400 for others."""
    if zone not in (None, asking.compute.catalog.availability_zone):
        raise ApiError(400, "The requested availability zone is not available")
    return zone
