"""The microversions of the compute API, and the documents that list its versions."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.http.handlers import Handlers

LOWEST, HIGHEST = 1, 104
UPDATED = "2013-07-23T11:33:21Z"
STANDARD, OLD = "openstack-api-version", "x-openstack-nova-api-version"


def version_of(url: str) -> dict[str, object]:
    """Return the version document of the compute API at that URL."""
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": f"2.{HIGHEST}",
        "min_version": f"2.{LOWEST}",
        "updated": UPDATED,
        "links": [
            {"rel": "self", "href": url},
            {"rel": "describedby", "type": "text/html", "href": f"{url}openapi"},
        ],
        "media-types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.compute+json;version=2.1",
            }
        ],
    }


def base(request: Request) -> str:
    """Return the URL under which the client reached the server, without a slash at its end."""
    return str(request.base_url).rstrip("/")


def compute_versions(request: Request, prefix: str = "/compute") -> Response:
    """Return the list of versions of the compute API whose paths begin with the prefix."""
    return JSONResponse({"versions": [version_of(f"{base(request)}{prefix}/v2.1/")]})


router = Handlers(tags=["compute"])


@router.get("/compute", "/compute/", plain=True, answer="Versions")
async def list_compute_versions(request: Request) -> Response:
    """The versions of the compute API."""
    return compute_versions(request)


@router.get("/compute/v2.1", "/compute/v2.1/", plain=True, answer="OneVersion")
async def show_compute_version(request: Request) -> Response:
    """The version document of the compute API."""
    return JSONResponse({"version": version_of(f"{base(request)}/compute/v2.1/")})


@router.get("/v2.1", "/v2.1/", plain=True, answer="OneVersion")
async def show_compute_version_at_root(request: Request) -> Response:
    """The version document of the compute API for clients whose paths begin at the root."""
    return JSONResponse({"version": version_of(f"{base(request)}/v2.1/")})
