"""What a project may have, which is more than anybody needs, and what it has: limits and quotas."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from ecs_fsm.serve.compute.asking import FORBIDDEN, Asked, Asking, told
from ecs_fsm.serve.compute.keypairs import MOST_KEYPAIRS
from ecs_fsm.serve.compute.values import MOST_ITEMS
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, Body
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers

UNLIMITED = 1_000_000
NO_PROXIES, NO_IMAGE_META, NO_FILES = 36, 39, 57
"""Microversions from which these limits are gone."""
FILES = {"injected_files": 5, "injected_file_content_bytes": 10240, "injected_file_path_bytes": 255}
OF_THE_NETWORK = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")

router = Handlers(tags=["compute"], responses=COMPUTE_ERRORS)


class Limits(Body):
    """What a project may have, and has."""

    limits: dict[str, dict[str, int] | list[object]]


class Quotas(Body):
    """The quotas of a project, with its id unless they are those of all."""

    quota_set: dict[str, str | int | dict[str, int]]


def _used(asking: Asking, project_id: str | None) -> Mapping[str, int]:
    """What the servers of a project use; RAM in MiB."""
    own = [s for s in asking.cloud.instances.values() if s.project_id == project_id]
    flavors = [asking.compute.catalog.flavors[server.flavor] for server in own]
    return {
        "instances": len(own),
        "cores": sum(flavor.vcpus for flavor in flavors),
        "ram": sum(flavor.ram for flavor in flavors),
    }


def _quotas(asking: Asking) -> dict[str, int]:
    quotas = {
        "instances": UNLIMITED,
        "cores": UNLIMITED,
        "ram": UNLIMITED * 1024,
        "key_pairs": MOST_KEYPAIRS,
        "metadata_items": MOST_ITEMS,
        "server_groups": 10,
        "server_group_members": 10,
    }
    if asking.minor < NO_PROXIES:
        quotas |= dict.fromkeys(OF_THE_NETWORK, -1)
    return quotas | (FILES if asking.minor < NO_FILES else {})


@router.get("/limits", response_model=Limits)
async def show_limits(asked: Asked) -> Response:
    """What a project may have; it is more than anybody needs."""
    used, quotas = _used(asked, asked.caller.project_id), _quotas(asked)
    if asked.caller.admin and "tenant_id" in asked.request.query_params:
        used = _used(asked, asked.request.query_params["tenant_id"])
    absolute = {
        "maxServerMeta": quotas["metadata_items"],
        "maxTotalInstances": quotas["instances"],
        "maxTotalCores": quotas["cores"],
        "maxTotalRAMSize": quotas["ram"],
        "maxTotalKeypairs": quotas["key_pairs"],
        "maxServerGroups": quotas["server_groups"],
        "maxServerGroupMembers": quotas["server_group_members"],
        "totalInstancesUsed": used["instances"],
        "totalCoresUsed": used["cores"],
        "totalRAMUsed": used["ram"],
        "totalServerGroupsUsed": 0,
    }
    if asked.minor < NO_PROXIES:
        for name in ("maxTotalFloatingIps", "maxSecurityGroups", "maxSecurityGroupRules"):
            absolute[name] = -1
        absolute |= {"totalFloatingIpsUsed": 0, "totalSecurityGroupsUsed": 0}
    if asked.minor < NO_IMAGE_META:
        absolute["maxImageMeta"] = 128
    if asked.minor < NO_FILES:
        absolute |= {"maxPersonality": 5, "maxPersonalitySize": 10240}
    return told({"limits": {"rate": [], "absolute": absolute}})


def _own(asking: Asking, project_id: str) -> None:
    """Raises 403 for another project, unless for administrators."""
    if not asking.caller.admin and project_id != asking.caller.project_id:
        raise ApiError(403, FORBIDDEN.format("os_compute_api:os-quota-sets:show"))


@router.get("/os-quota-sets/{owner_id}", response_model=Quotas)
async def show_quotas(owner_id: str, asked: Asked) -> Response:
    """What a project may have."""
    _own(asked, owner_id)
    return told({"quota_set": {"id": owner_id, **_quotas(asked)}})


@router.get("/os-quota-sets/{owner_id}/defaults", response_model=Quotas)
async def show_default_quotas(owner_id: str, asked: Asked) -> Response:
    """What every project may have."""
    return told({"quota_set": {"id": owner_id, **_quotas(asked)}})


@router.get("/os-quota-sets/{owner_id}/detail", response_model=Quotas)
async def show_quotas_in_detail(owner_id: str, asked: Asked) -> Response:
    """What a project may have, and has."""
    _own(asked, owner_id)
    used = _used(asked, owner_id)
    detail = {
        name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
        for name, limit in _quotas(asked).items()
    }
    return told({"quota_set": {"id": owner_id, **detail}})
