"""The network service, neutron v2.0: what `network.toml` declares, and the quotas of projects."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.context import RequestContext, base_of
from ecs_fsm.serve.http.declared import DeclaredService, plain_context
from ecs_fsm.serve.http.declared_routes import serve
from ecs_fsm.serve.http.fields import body_of, respond
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.project_quotas import quotas_of, set_quotas
from ecs_fsm.serve.network.kinds import KINDS
from ecs_fsm.serve.network.schemas import ERRORS, NetworkVersions

SERVICE = DeclaredService("network", plain_context, ["network service"], ERRORS)
V2 = SERVICE.form["root"]
router = Handlers(tags=["network service"], responses=ERRORS)
serve(SERVICE, KINDS)


@router.get("/network", "/network/", response_model=NetworkVersions)
async def list_network_versions(request: Request) -> Response:
    """The versions of the network service."""
    links = [{"rel": "self", "href": f"{base_of(request)}/network/v2.0/"}]
    return JSONResponse({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})


@router.get(V2, f"{V2}/", response_model=dict[str, list[dict[str, object]]])
async def show_network_version(request: Request) -> Response:
    """The kinds of resources of the network service."""
    kinds = [
        {
            "name": kind.one,
            "collection": kind.many,
            "links": [{"rel": "self", "href": base_of(request) + kind.path}],
        }
        for kind in SERVICE.kinds.values()
    ]
    return JSONResponse({"resources": kinds})


def _limits(context: RequestContext, project_id: str) -> dict[str, int]:
    known = quotas_of(context, project_id)
    kinds = SERVICE.kinds.values()
    return {kind.row["quota"]: known[kind.row["quota"]] for kind in kinds if "quota" in kind.row}


async def _quota(request: Request, verb: str = "get") -> RequestContext:
    """Return the context. Raise 403 for another project, and for changes by users."""
    context = await plain_context(request)
    own = request.path_params["project_id"] == context.caller.project_id
    if not context.caller.admin and (verb != "get" or not own):
        raise ApiError(403, SERVICE.text("forbidden", what=f"{verb}_quota"))
    return context


@router.get(f"{V2}/quotas/{{project_id}}", f"{V2}/quotas/{{project_id}}.json", plain=True)
async def show_network_quota(request: Request) -> Response:
    """What a project may have."""
    context = await _quota(request)
    return respond({"quota": _limits(context, request.path_params["project_id"])})


@router.get(f"{V2}/quotas/{{project_id}}/default", plain=True)
async def show_default_network_quota(request: Request) -> Response:
    """What every project may have."""
    return respond({"quota": _limits(await _quota(request), "")})


@router.get(f"{V2}/quotas/{{project_id}}/details.json", plain=True)
async def show_network_quota_in_detail(request: Request) -> Response:
    """What a project may have, and has."""
    context, project_id = await _quota(request), request.path_params["project_id"]
    limits = _limits(context, project_id)
    detail = {
        kind.row["quota"]: {
            "limit": limits[kind.row["quota"]],
            "used": len(kind.shelf(context).by("project_id", project_id)),
            "reserved": 0,
        }
        for kind in SERVICE.kinds.values()
        if "quota" in kind.row
    }
    return respond({"quota": detail})


@router.put(f"{V2}/quotas/{{project_id}}", f"{V2}/quotas/{{project_id}}.json", plain=True)
async def update_network_quota(request: Request) -> Response:
    """Set what a project may have."""
    context, project_id = await _quota(request, "update"), request.path_params["project_id"]
    given, known = (await body_of(request)).get("quota"), _limits(context, project_id)
    if not isinstance(given, dict):
        raise ApiError(400, SERVICE.text("no_object", name="quota"))
    given = {name: most for name, most in given.items() if name not in ("force", "check_limit")}
    for name, most in given.items():
        if name not in known:
            raise ApiError(400, SERVICE.text("unknown", name=name[:80]))
        if not isinstance(most, int) or isinstance(most, bool) or not -1 <= most < 2**31:
            reason = f"'{str(most)[:40]}' is not an integer of -1 or more"
            raise ApiError(400, SERVICE.text("invalid", name=name, reason=reason))
    set_quotas(context, project_id, given)
    return respond({"quota": _limits(context, project_id)})


@router.delete(
    f"{V2}/quotas/{{project_id}}",
    f"{V2}/quotas/{{project_id}}.json",
    plain=True,
    status_code=204,
)
async def delete_network_quota(request: Request) -> Response:
    """Return a project to what every project may have."""
    context = await _quota(request, "delete")
    project_id = request.path_params["project_id"]
    set_quotas(context, project_id, {}, [*_limits(context, project_id)])
    return Response(status_code=204)
