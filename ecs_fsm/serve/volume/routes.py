"""The volume service, block storage v3: what `volume.toml` declares, quotas, limits and zones."""

from __future__ import annotations

from typing import cast

from fastapi import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS
from ecs_fsm.serve.http.context import RequestContext, base_of
from ecs_fsm.serve.http.declared import DeclaredService, plain_context
from ecs_fsm.serve.http.declared_routes import serve
from ecs_fsm.serve.http.fields import body_of, respond
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.project_quotas import quotas_of, set_quotas
from ecs_fsm.serve.volume.belongings import KINDS
from ecs_fsm.serve.volume.kinds import VolumeDocuments, usage_of
from ecs_fsm.serve.volume.volume_actions import action_of

HIGHEST = "3.65"
SERVICE = DeclaredService("volume", plain_context, ["volumes"], COMPUTE_ERRORS)
serve(SERVICE, KINDS)
versions = Handlers(tags=["volumes"])
router = Handlers(tags=["volumes"], responses=COMPUTE_ERRORS)
router.post("/volumes/{item_id}/action", plain=True, name="act_on_volume")(
    action_of(cast(VolumeDocuments, SERVICE.kinds["volumes"]))
)
LIMITS = {
    "maxTotalVolumes": "volumes",
    "maxTotalSnapshots": "snapshots",
    "maxTotalVolumeGigabytes": "gigabytes",
    "maxTotalBackups": "backups",
    "maxTotalBackupGigabytes": "backup_gigabytes",
}
USED = {
    "totalVolumesUsed": "volumes",
    "totalSnapshotsUsed": "snapshots",
    "totalGigabytesUsed": "gigabytes",
    "totalBackupsUsed": "backups",
    "totalBackupGigabytesUsed": "backup_gigabytes",
}


def _versions(request: Request) -> dict[str, object]:
    version = {
        "id": "v3.0",
        "status": "CURRENT",
        "version": HIGHEST,
        "min_version": "3.0",
        "updated": "2022-08-31T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base_of(request)}/volume/v3/"}],
        "media-types": [],
    }
    return {"versions": [version]}


@versions.get("/volume", "/volume/", status_code=300, response_model=dict[str, object])
async def list_volume_versions(request: Request) -> Response:
    """The versions of the volume service."""
    return JSONResponse(_versions(request), 300)


@versions.get("/volume/v3", "/volume/v3/", response_model=dict[str, object])
async def show_volume_version(request: Request) -> Response:
    """The version document of the volume service."""
    return JSONResponse(_versions(request))


def _quotas(context: RequestContext, project_id: str) -> dict[str, int]:
    known = quotas_of(context, project_id)
    return {name: known[name] for name in usage_of(context, project_id)}


async def _context(request: Request, verb: str = "show") -> RequestContext:
    """Return the context. Raise 403 for the quotas of another project, and changes by users."""
    context = await plain_context(request)
    own = request.path_params["owner_id"] == context.caller.project_id
    if not context.caller.admin and not (own and verb == "show"):
        raise ApiError(403, SERVICE.text("forbidden", what=f"{verb}_quota"))
    return context


@router.get("/os-quota-sets/{owner_id}", plain=True)
async def show_volume_quotas(request: Request) -> Response:
    """What a project may have, with what it has if the query asks for it."""
    context, owner = await _context(request), request.path_params["owner_id"]
    shown: dict[str, object] = {**_quotas(context, owner)}
    if request.query_params.get("usage", "").lower() in ("true", "1"):
        used = usage_of(context, owner)
        shown = {n: {"limit": most, "in_use": used[n], "reserved": 0} for n, most in shown.items()}
    return respond({"quota_set": {"id": owner, **shown}})


@router.get("/os-quota-sets/{owner_id}/defaults", plain=True)
async def show_default_volume_quotas(request: Request) -> Response:
    """What every project may have."""
    context = await _context(request)
    return respond({"quota_set": {"id": request.path_params["owner_id"], **_quotas(context, "")}})


@router.put("/os-quota-sets/{owner_id}", plain=True)
async def update_volume_quotas(request: Request) -> Response:
    """Set what a project may have."""
    context, owner = await _context(request, "update"), request.path_params["owner_id"]
    given = (await body_of(request)).get("quota_set")
    if not isinstance(given, dict):
        raise ApiError(400, SERVICE.text("no_object", name="quota_set"))
    known, limits = _quotas(context, owner), {}
    for name, most in given.items():
        text = str(most)
        if name in known and not (text.removeprefix("-").isdecimal() and -1 <= int(text) < 2**31):
            raise ApiError(400, SERVICE.text("invalid", name=name, value=text[:40], reason=""))
        if name in known:
            limits[name] = int(text)
    set_quotas(context, owner, limits)
    return respond({"quota_set": _quotas(context, owner)})


@router.delete("/os-quota-sets/{owner_id}", plain=True, response_class=Response)
async def delete_volume_quotas(request: Request) -> Response:
    """Return a project to what every project may have."""
    context, owner = await _context(request, "delete"), request.path_params["owner_id"]
    set_quotas(context, owner, {}, [*_quotas(context, owner)])
    return Response(status_code=200)


@router.get("/limits", plain=True)
async def show_volume_limits(request: Request) -> Response:
    """What the project may have, and has."""
    context = await plain_context(request)
    project = context.project_id
    quotas, used = _quotas(context, project), usage_of(context, project)
    absolute = {shown: quotas[name] for shown, name in LIMITS.items()}
    absolute |= {shown: used[name] for shown, name in USED.items()}
    return respond({"limits": {"rate": [], "absolute": absolute}})


@router.get("/os-availability-zone", plain=True)
async def list_volume_zones(request: Request) -> Response:
    """The availability zones."""
    zones = (await plain_context(request)).cloud.catalog.zones
    shown = [{"zoneName": zone, "zoneState": {"available": True}} for zone in zones]
    return respond({"availabilityZoneInfo": shown})


@router.get("/extensions", plain=True)
async def list_volume_extensions(request: Request) -> Response:
    """What the service can do beside its version."""
    await plain_context(request)
    aliases = ("os-extend", "os-quota-sets", "os-volume-type-access", "os-availability-zone")
    shown = [
        {"alias": alias, "name": alias, "description": "", "links": [], "updated": ""}
        for alias in aliases
    ]
    return respond({"extensions": shown})


@router.get("/os-services", plain=True)
async def list_volume_services(request: Request) -> Response:
    """The services of volumes; for administrators."""
    context = await plain_context(request)
    if not context.caller.admin:
        raise ApiError(403, SERVICE.text("forbidden", what="get_all_services"))
    common = {"zone": context.cloud.catalog.zones[0], "status": "enabled", "state": "up"}
    updated = SERVICE.kinds["volumes"].now(context)
    shown = [
        {"binary": binary, "host": host, **common, "updated_at": updated, "disabled_reason": None}
        for binary, host in (("cinder-scheduler", "cinder"), ("cinder-volume", "cinder@emulated"))
    ]
    return respond({"services": shown})
