"""What projects may have, and what they use and have used.

Servers, cores and RAM have no limit (-1) until the settings of the cloud or an administrator give
one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.resources import Item, tables
from ecs_fsm.serve.compute.api import FORBIDDEN, ComputeContext, error, router
from ecs_fsm.serve.compute.kinds import SERVICE
from ecs_fsm.serve.compute.listing import moment
from ecs_fsm.serve.compute.views import Fields, long_time
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import page_of, respond
from ecs_fsm.serve.http.declared_routes import QuotaRequests


def _used(context: ComputeContext, project_id: str | None) -> Mapping[str, int]:
    """Return what a project uses; RAM in MiB."""
    own = [s for s in context.cloud.instances.values() if s.project_id == project_id]
    flavors = [context.cloud.flavor(server) for server in own]
    return {
        "server_groups": len(context.cloud.groups.by("project_id", project_id)),
        "instances": len(own),
        "cores": sum(flavor["vcpus"] for flavor in flavors),
        "ram": sum(flavor["ram"] for flavor in flavors),
    }


def check_quota(context: ComputeContext, **wanted: int) -> None:
    """Raise 403 if the project would have more than its quotas of what is wanted."""
    quotas = QUOTAS.of(context, context.project_id)
    limited = {name: quotas[name] for name in wanted if quotas[name] >= 0}
    if not limited:
        return
    used = _used(context, context.project_id)
    over = [name for name, most in limited.items() if used[name] + wanted[name] > most]
    if over:
        numbers = {"asked": wanted, "has": used, "most": quotas}
        words = {key: ", ".join(str(of[n]) for n in over) for key, of in numbers.items()}
        raise error(403, "over_quota", what=", ".join(over), **words)


def _quotas(context: ComputeContext) -> dict[str, int]:
    """Return what every project may have."""
    chosen = {**context.cloud.policy.quotas, **context.cloud.catalog.quotas}
    return {
        name: row["is"] if "is" in row else chosen[name]
        for name, row in tables()["compute"]["usual_quotas"].items()
        if context.minor <= row.get("until", context.minor)
    }


@router.get("/limits", answer="Limits")
def show_limits(context: ComputeContext) -> Response:
    """The quotas of a project, and what it uses."""
    project_id = context.caller.project_id or ""
    if context.caller.admin and "tenant_id" in context.request.query_params:
        project_id = context.request.query_params["tenant_id"]
    return QUOTAS.limits(context, project_id)


QUOTAS = QuotaRequests(SERVICE, _quotas, _used)
PAGED_SINCE = 40
SIZES = ("vcpus", "memory_mb", "local_gb")


def _period(context: ComputeContext) -> tuple[datetime, datetime]:
    """Return the times between which a query asks. Raises 400 for invalid ones."""
    query, now = context.request.query_params, context.cloud.clock.date()
    try:
        start = moment("start", query["start"]) if "start" in query else now - timedelta(days=28)
        stop = moment("end", query["end"]) if "end" in query else now
    except ApiError:
        raise ApiError(400, "Invalid datetime string: expected ISO 8601") from None
    if start >= stop:
        raise ApiError(400, "Invalid start time. The start time cannot occur after the end time.")
    return start, stop


def _server(context: ComputeContext, instance: Instance, start: datetime, stop: datetime) -> Item:
    """Return what one server has used between two times."""
    cloud, flavor = context.cloud, context.cloud.flavor(instance)
    begun, now = cloud.clock.date(instance.launched or instance.created), cloud.clock.date()
    ended = None if instance.terminated is None else cloud.clock.date(instance.terminated)
    seconds = (min(ended or now, stop, now) - max(begun, start)).total_seconds()
    return {
        "instance_id": instance.id,
        "name": instance.name,
        "tenant_id": instance.project_id,
        "flavor": flavor["name"],
        "hours": max(seconds, 0.0) / 3600,
        "vcpus": flavor["vcpus"],
        "memory_mb": flavor["ram"],
        "local_gb": flavor["disk"],
        "started_at": long_time(begun),
        "ended_at": ended and long_time(ended),
        "state": "terminated" if ended else instance.state.vm_state.value,
        "uptime": int(max(((ended or now) - begun).total_seconds(), 0)),
    }


def _usages(
    context: ComputeContext, detailed: bool, links: str, only: str | None = None
) -> tuple[dict[str, Fields], Fields]:
    """Return what each project has used, or only one, with the link to the next page of servers."""
    start, stop = _period(context)
    servers: Sequence[Instance] = [
        instance
        for pool in (context.cloud.instances, context.cloud.gone)
        for instance in pool.values()
        if only in (None, instance.project_id)
        and (instance.terminated is None or context.cloud.clock.date(instance.terminated) >= start)
    ]
    following: Fields = {}
    if context.minor >= PAGED_SINCE:
        servers, following = page_of(context.request, context.base, servers, links)
    found: dict[str, list[Item]] = {}
    for one in servers:
        found.setdefault(one.project_id, []).append(_server(context, one, start, stop))
    usages: dict[str, Fields] = {
        project: {
            "tenant_id": project,
            "start": long_time(start),
            "stop": long_time(stop),
            "total_hours": sum(row["hours"] for row in rows),
            **{f"total_{n}_usage": sum(row["hours"] * row[n] for row in rows) for n in SIZES},
            **({"server_usages": [*rows]} if detailed else {}),
        }
        for project, rows in found.items()
    }
    return usages, following


@router.get("/os-simple-tenant-usage")
def list_usage(context: ComputeContext) -> Response:
    """What all projects have used; for administrators."""
    context.require_admin("os_compute_api:os-simple-tenant-usage:list")
    detailed = context.request.query_params.get("detailed") == "1"
    usages, following = _usages(context, detailed, "tenant_usages_links")
    return respond({"tenant_usages": [*usages.values()], **following})


@router.get("/os-simple-tenant-usage/{tenant_id}")
def show_usage(tenant_id: str, context: ComputeContext) -> Response:
    """What one project has used, with its servers."""
    if not context.caller.admin and tenant_id != context.caller.project_id:
        raise ApiError(403, FORBIDDEN.format("os_compute_api:os-simple-tenant-usage:show"))
    usages, following = _usages(context, True, "tenant_usage_links", tenant_id)
    return respond({"tenant_usage": usages.get(tenant_id, {}), **following})
