"""The volume service, block storage v3: what `volume.toml` declares, quotas, limits and zones."""

from __future__ import annotations

from typing import cast

from fastapi import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS
from ecs_fsm.serve.http.context import base_of, plain_context
from ecs_fsm.serve.http.declared import DeclaredService
from ecs_fsm.serve.http.declared_routes import serve
from ecs_fsm.serve.http.fields import respond
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.quota_requests import QuotaRequests
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
QUOTAS = QuotaRequests(
    SERVICE,
    lambda context: {name: context.cloud.catalog.quotas[name] for name in usage_of(context, "")},
    usage_of,
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


@router.get("/limits", plain=True)
async def show_volume_limits(request: Request) -> Response:
    """What the project may have, and has."""
    context = await plain_context(request)
    project = context.project_id
    quotas, used = QUOTAS.of(context, project), usage_of(context, project)
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
