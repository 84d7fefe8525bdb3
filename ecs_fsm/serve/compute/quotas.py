"""Limits and quotas of a project, and what its servers use.

Servers, cores and RAM have no limit (-1) until the settings of the cloud or an administrator give
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Request
from pydantic import ConfigDict, Field
from starlette.responses import Response

from ecs_fsm.serve.cloud.repository import Repository
from ecs_fsm.serve.cloud.store import StateFile
from ecs_fsm.serve.compute.api import FORBIDDEN, ComputeContext, Versioned, respond_json
from ecs_fsm.serve.compute.keypairs import MOST_KEYPAIRS
from ecs_fsm.serve.compute.schemas import MOST_ITEMS
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, Body
from ecs_fsm.serve.http.context import collection
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.project_quotas import set_quotas

NO_PROXIES, NO_IMAGE_META, NO_FILES = 36, 39, 57
"""Microversions from which these limits are gone."""
FILES = {"injected_files": 5, "injected_file_content_bytes": 10240, "injected_file_path_bytes": 255}
OF_GROUPS = ("server_groups", "server_group_members")
OF_THE_NETWORK = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")

router = Handlers(tags=["compute"], responses=COMPUTE_ERRORS)


class LimitsAnswer(Body):
    """The quotas of a project, and what it uses."""

    limits: dict[str, dict[str, int] | list[object]]


class QuotasAnswer(Body):
    """The quotas of a project with its id."""

    quota_set: dict[str, str | int | dict[str, int]]


class QuotaStore:
    """The quotas that administrators have set, by project, in the state of the cloud."""

    def __init__(self, state: StateFile) -> None:
        self.shelf = Repository(state, "quota", dict[str, int])


class QuotaChange(Body):
    """New quotas of a project, -1 for no limit."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, bool | Annotated[int, Field(ge=-1, le=2**31 - 1)]]


class QuotaRequest(Body):
    """The body of a request for new quotas."""

    quota_set: QuotaChange


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
    quotas = _quotas_of(context, project_id)
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


def _store(request: Request) -> Repository[dict[str, int]]:
    return collection(request, QuotaStore).shelf


def _quotas_of(context: ComputeContext, project_id: str) -> dict[str, int]:
    known = _quotas(context)
    own = _store(context.request).get(project_id) or {}
    return known | {name: most for name, most in own.items() if name in known}


def _quotas(context: ComputeContext) -> dict[str, int]:
    quotas = {
        **context.cloud.policy.quotas,
        "key_pairs": MOST_KEYPAIRS,
        "metadata_items": MOST_ITEMS,
        **dict.fromkeys(OF_GROUPS, 0),
    }
    chosen = context.cloud.catalog.quotas
    quotas |= {name: chosen[name] for name in quotas if name in chosen}
    if context.minor < NO_PROXIES:
        quotas |= dict.fromkeys(OF_THE_NETWORK, -1)
    return quotas | (FILES if context.minor < NO_FILES else {})


@router.get("/limits", response_model=LimitsAnswer)
async def show_limits(context: Versioned) -> Response:
    """The quotas of a project, and what it uses."""
    project_id = context.caller.project_id or ""
    if context.caller.admin and "tenant_id" in context.request.query_params:
        project_id = context.request.query_params["tenant_id"]
    used, quotas = _used(context, project_id), _quotas_of(context, project_id)
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
    return respond_json({"quota_set": {"id": owner_id, **_quotas_of(context, owner_id)}})


@router.put("/os-quota-sets/{owner_id}", response_model=QuotasAnswer)
async def update_quotas(owner_id: str, body: QuotaRequest, context: Versioned) -> Response:
    """Set quotas of a project."""
    context.require_admin("os_compute_api:os-quota-sets:update")
    wanted = dict(body.quota_set.model_extra or {})
    force, known = wanted.pop("force", False), _quotas(context)
    for name in wanted:
        if name not in known:
            raise ApiError(
                400,
                "Invalid input for field/attribute quota_set. Additional properties are not "
                f"allowed ('{name[:40]}' was unexpected)",
            )
    used = _used(context, owner_id)
    for name, most in wanted.items():
        if not force and 0 <= most < used.get(name, 0):
            raise ApiError(
                400,
                f"Quota limit {most} for {name} must be greater than or equal to already "
                f"used and reserved {used[name]}.",
            )
    groups = {name: int(wanted[name]) for name in OF_GROUPS if name in wanted}
    if groups:
        set_quotas(context, owner_id, groups)
    store = _store(context.request)
    store.put(owner_id, {**(store.get(owner_id) or {}), **wanted})
    store.commit()
    return respond_json({"quota_set": _quotas_of(context, owner_id)})


@router.delete("/os-quota-sets/{owner_id}", status_code=202, response_class=Response)
async def delete_quotas(owner_id: str, context: Versioned) -> Response:
    """Return a project to the quotas that every project has."""
    context.require_admin("os_compute_api:os-quota-sets:delete")
    _store(context.request).drop(owner_id)
    _store(context.request).commit()
    return Response(status_code=202)


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
        for name, limit in _quotas_of(context, owner_id).items()
    }
    return respond_json({"quota_set": {"id": owner_id, **detail}})
