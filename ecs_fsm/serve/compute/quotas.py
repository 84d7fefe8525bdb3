"""Limits and quotas of a project, larger than anything needs, and what its servers use."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from ecs_fsm.serve.cloud.catalog import catalog
from ecs_fsm.serve.compute.api import FORBIDDEN, ComputeContext, Versioned, respond_json
from ecs_fsm.serve.compute.keypairs import MOST_KEYPAIRS
from ecs_fsm.serve.compute.schemas import MOST_ITEMS
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, Body
from ecs_fsm.serve.http.handlers import Handlers

UNLIMITED = 1_000_000
NO_PROXIES, NO_IMAGE_META, NO_FILES = 36, 39, 57
"""Microversions from which these limits are gone."""
FILES = {"injected_files": 5, "injected_file_content_bytes": 10240, "injected_file_path_bytes": 255}
OF_THE_NETWORK = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")

router = Handlers(tags=["compute"], responses=COMPUTE_ERRORS)


class LimitsAnswer(Body):
    """The quotas of a project, and what it uses."""

    limits: dict[str, dict[str, int] | list[object]]


class QuotasAnswer(Body):
    """The quotas of a project with its id."""

    quota_set: dict[str, str | int | dict[str, int]]


def _used(context: ComputeContext, project_id: str | None) -> Mapping[str, int]:
    """Return what the servers of a project use; RAM in MiB."""
    own = [s for s in context.cloud.instances.values() if s.project_id == project_id]
    flavors = [catalog().flavors[server.flavor] for server in own]
    return {
        "instances": len(own),
        "cores": sum(flavor.vcpus for flavor in flavors),
        "ram": sum(flavor.ram for flavor in flavors),
    }


def _quotas(context: ComputeContext) -> dict[str, int]:
    quotas = {
        "instances": UNLIMITED,
        "cores": UNLIMITED,
        "ram": UNLIMITED * 1024,
        "key_pairs": MOST_KEYPAIRS,
        "metadata_items": MOST_ITEMS,
        "server_groups": 10,
        "server_group_members": 10,
    }
    if context.minor < NO_PROXIES:
        quotas |= dict.fromkeys(OF_THE_NETWORK, -1)
    return quotas | (FILES if context.minor < NO_FILES else {})


@router.get("/limits", response_model=LimitsAnswer)
async def show_limits(context: Versioned) -> Response:
    """The quotas of a project, and what it uses."""
    used, quotas = _used(context, context.caller.project_id), _quotas(context)
    if context.caller.admin and "tenant_id" in context.request.query_params:
        used = _used(context, context.request.query_params["tenant_id"])
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
    if context.minor < NO_PROXIES:
        for name in ("maxTotalFloatingIps", "maxSecurityGroups", "maxSecurityGroupRules"):
            absolute[name] = -1
        absolute |= {"totalFloatingIpsUsed": 0, "totalSecurityGroupsUsed": 0}
    if context.minor < NO_IMAGE_META:
        absolute["maxImageMeta"] = 128
    if context.minor < NO_FILES:
        absolute |= {"maxPersonality": 5, "maxPersonalitySize": 10240}
    return respond_json({"limits": {"rate": [], "absolute": absolute}})


def _require_own(context: ComputeContext, project_id: str) -> None:
    """Raise 403 for another project, unless the caller is an administrator."""
    if not context.caller.admin and project_id != context.caller.project_id:
        raise ApiError(403, FORBIDDEN.format("os_compute_api:os-quota-sets:show"))


@router.get("/os-quota-sets/{owner_id}", response_model=QuotasAnswer)
async def show_quotas(owner_id: str, context: Versioned) -> Response:
    """The quotas of a project."""
    _require_own(context, owner_id)
    return respond_json({"quota_set": {"id": owner_id, **_quotas(context)}})


@router.get("/os-quota-sets/{owner_id}/defaults", response_model=QuotasAnswer)
async def show_default_quotas(owner_id: str, context: Versioned) -> Response:
    """The quotas of every project."""
    return respond_json({"quota_set": {"id": owner_id, **_quotas(context)}})


@router.get("/os-quota-sets/{owner_id}/detail", response_model=QuotasAnswer)
async def show_quotas_in_detail(owner_id: str, context: Versioned) -> Response:
    """The quotas of a project, and what it uses."""
    _require_own(context, owner_id)
    used = _used(context, owner_id)
    detail = {
        name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
        for name, limit in _quotas(context).items()
    }
    return respond_json({"quota_set": {"id": owner_id, **detail}})
