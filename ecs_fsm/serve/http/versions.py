"""Which microversion of the compute API a request gets, and the documents that tell of them.

The dependency `Microversion` negotiates; `Marked` writes what was chosen into the answer, also
into that of an error.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated
from uuid import uuid4

from fastapi import Depends, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecs_fsm.serve.http.bodies import Body, Link
from ecs_fsm.serve.http.errors import ApiError, Service
from ecs_fsm.serve.http.handlers import Handlers

LOWEST, HIGHEST = 1, 96
UPDATED = "2013-07-23T11:33:21Z"
STANDARD, OLD = "openstack-api-version", "x-openstack-nova-api-version"


@lru_cache(maxsize=256)
def _minor(standard: str | None, old: str | None) -> int:
    """The number behind `2.` that the headers ask for, 1 where they ask for none."""
    parts = (part.split() for part in (standard or "").split(","))
    asked = next((p[1] for p in parts if len(p) == 2 and p[0].lower() == "compute"), old)
    if asked is None:
        return LOWEST
    if asked.lower() == "latest":
        return HIGHEST
    found = re.fullmatch(r"(\d{1,4})\.(0|[1-9]\d{0,4})", asked, re.ASCII)
    if found is None:
        raise ApiError(
            400,
            f"API Version String {asked[:40]} is of invalid format. Must be of format "
            "MajorNum.MinorNum.",
        )
    if found[1] != "2" or not LOWEST <= int(found[2]) <= HIGHEST:
        raise ApiError(
            406,
            f"Version {asked} is not supported by the API. Minimum is 2.{LOWEST} and maximum is "
            f"2.{HIGHEST}.",
        )
    return int(found[2])


async def microversion(request: Request) -> int:
    """The number behind `2.` of the version that the request gets.

    Raises 406 for one out of range and 400 for what is none.
    """
    headers = request.headers
    minor = _minor(headers.get(STANDARD), headers.get(OLD))
    request.state.microversion = minor
    return minor


Microversion = Annotated[int, Depends(microversion)]
"""The microversion of a handler, as the number behind `2.`."""


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
        service = Service.of(scope["path"])

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                headers += _marks(service, number, state.get("microversion"))
            await send(message)

        await self.app(scope, receive, marked)


def _marks(service: Service, number: str, minor: int | None) -> list[tuple[bytes, bytes]]:
    own = number.encode()
    if service is Service.HUAWEI:
        return [(b"x-request-id", own)]
    marks = [(b"x-openstack-request-id", own)]
    if service is Service.COMPUTE:
        marks.append((b"x-compute-request-id", own))
    if service is Service.COMPUTE and minor is not None:
        marks += [
            (STANDARD.encode(), b"compute 2.%d" % minor),
            (OLD.encode(), b"2.%d" % minor),
            (b"vary", b"OpenStack-API-Version"),
            (b"vary", b"X-OpenStack-Nova-API-Version"),
        ]
    return marks


class Version(Body):
    """A version of an API as its documents tell of it."""

    id: str
    status: str
    version: str
    min_version: str
    updated: str
    links: list[Link]


class OneVersion(Body):
    """The document of one version."""

    version: Version


class Versions(Body):
    """The list of versions."""

    versions: list[Version]


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


router = Handlers(tags=["compute"])


@router.get("/compute", "/compute/", plain=True, response_model=Versions)
async def list_compute_versions(request: Request) -> Response:
    """The versions of the compute API."""
    return compute_versions(request)


@router.get("/compute/v2.1", "/compute/v2.1/", plain=True, response_model=OneVersion)
async def show_compute_version(request: Request) -> Response:
    """The version document of the compute API."""
    return JSONResponse({"version": version_of(f"{base(request)}/compute/v2.1/")})


@router.get("/v2.1", "/v2.1/", plain=True, response_model=OneVersion)
async def show_compute_version_at_root(request: Request) -> Response:
    """The version document of the compute API for clients whose paths begin at the root."""
    return JSONResponse({"version": version_of(f"{base(request)}/v2.1/")})
