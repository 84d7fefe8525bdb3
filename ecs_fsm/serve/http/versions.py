"""Which microversion of the compute API a request gets, and the documents that tell of them.

The dependency `Microversion` negotiates; `Marked` writes what was chosen into the answer, also
into that of an error.
"""

from __future__ import annotations

from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecs_fsm.serve.http.errors import Api
from ecs_fsm.serve.http.handlers import Handlers

LOWEST, HIGHEST = 1, 96
UPDATED = "2013-07-23T11:33:21Z"
STANDARD, OLD = "openstack-api-version", "x-openstack-nova-api-version"


class Marked:
    """Gives answers an id, and those of the compute service the version that was chosen."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        number = f"req-{uuid4()}"
        state["request_id"] = number
        api = Api.of(scope["path"])

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                headers += _marks(api, number, state.get("microversion"))
            await send(message)

        await self.app(scope, receive, marked)


def _marks(api: Api, number: str, minor: int | None) -> list[tuple[bytes, bytes]]:
    own = number.encode()
    if api is Api.HUAWEI:
        return [(b"x-request-id", own)]
    marks = [(b"x-openstack-request-id", own)]
    if api is Api.COMPUTE:
        marks.append((b"x-compute-request-id", own))
    if api is Api.COMPUTE and minor is not None:
        marks += [
            (STANDARD.encode(), b"compute 2.%d" % minor),
            (OLD.encode(), b"2.%d" % minor),
            (b"vary", b"OpenStack-API-Version"),
            (b"vary", b"X-OpenStack-Nova-API-Version"),
        ]
    return marks


def version_of(url: str) -> dict[str, object]:
    """The version document of the compute API at that URL."""
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
    """The URL under which the client reached the server, without a slash at its end."""
    return str(request.base_url).rstrip("/")


def compute_versions(request: Request, prefix: str = "/compute") -> Response:
    """The list of versions of the compute API whose paths begin with the prefix."""
    return JSONResponse({"versions": [version_of(f"{base(request)}{prefix}/v2.1/")]})


def _list_model() -> type:
    from ecs_fsm.serve.http.bodies import Versions

    return Versions


def _version_model() -> type:
    from ecs_fsm.serve.http.bodies import OneVersion

    return OneVersion


router = Handlers(tags=["compute"])


@router.get("/compute", "/compute/", plain=True, late_model=_list_model)
async def list_compute_versions(request: Request) -> Response:
    """The versions of the compute API."""
    return compute_versions(request)


@router.get("/compute/v2.1", "/compute/v2.1/", plain=True, late_model=_version_model)
async def show_compute_version(request: Request) -> Response:
    """The version document of the compute API."""
    return JSONResponse({"version": version_of(f"{base(request)}/compute/v2.1/")})


@router.get("/v2.1", "/v2.1/", plain=True, late_model=_version_model)
async def show_compute_version_at_root(request: Request) -> Response:
    """The version document of the compute API for clients whose paths begin at the root."""
    return JSONResponse({"version": version_of(f"{base(request)}/v2.1/")})
