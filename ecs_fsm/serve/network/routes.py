"""The network service, neutron v2.0: what `network.toml` declares, and the quotas of projects."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.http.context import RequestContext, base_of, plain_context
from ecs_fsm.serve.http.declared import Declared, DeclaredService
from ecs_fsm.serve.http.declared_routes import serve
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.quota_requests import QuotaRequests
from ecs_fsm.serve.network.kinds import KINDS
from ecs_fsm.serve.network.schemas import ERRORS

SERVICE = DeclaredService("network", plain_context, ["network service"], ERRORS)
V2 = SERVICE.form["root"]
router = Handlers(tags=["network service"], responses=ERRORS)
serve(SERVICE, KINDS)


@router.get("/network", "/network/", answer="Versions")
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


def _counted(context: RequestContext) -> dict[str, Declared[RequestContext]]:
    """Return the kinds by their quotas."""
    return {kind.row["quota"]: kind for kind in SERVICE.kinds.values() if "quota" in kind.row}


QuotaRequests(
    SERVICE,
    lambda context: {name: context.cloud.catalog.quotas[name] for name in _counted(context)},
    lambda context, owner: {
        name: len(kind.shelf(context).by("project_id", owner))
        for name, kind in _counted(context).items()
    },
)
