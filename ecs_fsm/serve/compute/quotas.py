"""Limits and quotas of a project, and what its servers use.

Servers, cores and RAM have no limit (-1) until the settings of the cloud or an administrator give
one.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from ecs_fsm.serve.compute.api import ComputeContext, Versioned, respond_json
from ecs_fsm.serve.compute.flavors import SERVICE
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.quota_requests import QuotaRequests

NO_PROXIES, NO_IMAGE_META, NO_FILES = 36, 39, 57
"""Microversions from which these limits are gone."""
FILES = {"injected_files": 5, "injected_file_content_bytes": 10240, "injected_file_path_bytes": 255}
KEPT = ("key_pairs", "metadata_items", "server_groups", "server_group_members")
OF_THE_NETWORK = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")

router = Handlers(tags=["compute"], responses=COMPUTE_ERRORS)


def _used(context: ComputeContext, project_id: str | None) -> Mapping[str, int]:
    """Return what the servers of a project use; RAM in MiB."""
    own = [s for s in context.cloud.instances.values() if s.project_id == project_id]
    flavors = [context.cloud.flavor(server) for server in own]
    return {
        "instances": len(own),
        "cores": sum(flavor["vcpus"] for flavor in flavors),
        "ram": sum(flavor["ram"] for flavor in flavors),
    }


def check_quota(context: ComputeContext, project_id: str, **wanted: int) -> None:
    """Raise 403 if a project would have more than its quotas of what is wanted."""
    quotas = QUOTAS.of(context, project_id)
    limited = {name: quotas[name] for name in wanted if quotas[name] >= 0}
    if not limited:
        return
    used = _used(context, project_id)
    over = [name for name, most in limited.items() if used[name] + wanted[name] > most]
    if over:
        what, asked, has, most = (
            ", ".join(str(of[name]) for name in over)
            for of in ({n: n for n in over}, wanted, used, quotas)
        )
        raise ApiError(
            403,
            f"Quota exceeded for {what}: Requested {asked}, but already used {has} of {most} "
            f"{what}",
        )


def _quotas(context: ComputeContext) -> dict[str, int]:
    """Return what every project may have."""
    quotas = {
        **context.cloud.policy.quotas,
        **dict.fromkeys(KEPT, 0),
    }
    chosen = context.cloud.catalog.quotas
    quotas |= {name: chosen[name] for name in quotas if name in chosen}
    if context.minor < NO_PROXIES:
        quotas |= dict.fromkeys(OF_THE_NETWORK, -1)
    return quotas | (FILES if context.minor < NO_FILES else {})


@router.get("/limits", answer="Limits")
async def show_limits(context: Versioned) -> Response:
    """The quotas of a project, and what it uses."""
    project_id = context.caller.project_id or ""
    if context.caller.admin and "tenant_id" in context.request.query_params:
        project_id = context.request.query_params["tenant_id"]
    used, quotas = _used(context, project_id), QUOTAS.of(context, project_id)
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


QUOTAS = QuotaRequests(SERVICE, _quotas, _used)
