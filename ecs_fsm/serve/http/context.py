"""What a handler knows of its request: the caller, the cloud behind it, and the microversion.

Services with more to share extend `RequestContext`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import cast

from starlette.requests import Request

from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.imagestore import ImageStore
from ecs_fsm.serve.cloud.instance import Asker
from ecs_fsm.serve.cloud.jobs import Jobs
from ecs_fsm.serve.http.access import Access, Caller
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.versions import HIGHEST, LOWEST, OLD, STANDARD, base_of

NOT_AUTHENTICATED = "The request you have made requires authentication."
NOT_SCOPED = "This token is not scoped to a project."
_SIGNED = re.compile(r"SDK-HMAC-SHA256 (?:.*[ ,])?Access=([^,\s]{1,255})")


def unauthenticated() -> ApiError:
    """Return the error of a request without a valid token."""
    return ApiError(401, NOT_AUTHENTICATED, {"WWW-Authenticate": "Keystone"})


def access_of(request: Request) -> Access:
    """Return the tokens of the application that answers the request."""
    return cast(Access, request.app.state.access)


def caller_of(request: Request) -> Caller:
    """Return the caller, by token or by a signature of the Huawei SDK, which is not verified.

    With a signature, the user is the access key and the project that of the header or of the path.
    Raise 401 for an invalid token, and for a request with neither.
    """
    access, given = access_of(request), request.headers.get("x-auth-token")
    found = access.find(given)
    if found is not None:
        return found.caller
    signed = _SIGNED.match(request.headers.get("authorization", "")) if given is None else None
    if signed is None:
        raise unauthenticated()
    user = access.users.named(signed[1])
    project = request.headers.get("x-project-id") or request.path_params.get("project_id")
    return Caller(*user, *(access.projects.of_id(str(project)[:64]) if project else (None, None)))


@lru_cache(maxsize=256)
def _minor(standard: str | None, old: str | None) -> int:
    """Return the number after `2.` in the headers, 1 without such headers."""
    parts = (part.split() for part in (standard or "").split(","))
    wanted = next((p[1] for p in parts if len(p) == 2 and p[0].lower() == "compute"), old)
    if wanted is None:
        return LOWEST
    if wanted.lower() == "latest":
        return HIGHEST
    found = re.fullmatch(r"(\d{1,4})\.(0|[1-9]\d{0,4})", wanted, re.ASCII)
    if found is None:
        form = "is of invalid format. Must be of format MajorNum.MinorNum."
        raise ApiError(400, f"API Version String {wanted[:40]} {form}")
    if found[1] != "2" or not LOWEST <= int(found[2]) <= HIGHEST:
        span = f"Minimum is 2.{LOWEST} and maximum is 2.{HIGHEST}."
        raise ApiError(406, f"Version {wanted} is not supported by the API. {span}")
    return int(found[2])


def microversion(request: Request) -> int:
    """Return the number after `2.` of the version that the request gets.

    Raise 406 for one out of range and 400 for a malformed one.
    """
    headers = request.headers
    minor = _minor(headers.get(STANDARD), headers.get(OLD))
    request.state.microversion = minor
    return minor


class RequestContext:
    """A request with what it is answered from, and its caller, by default that of its token.

    Raise 401 for a request without a valid token.
    """

    __slots__ = ("caller", "request")

    def __init__(self, request: Request, caller: Caller | None = None) -> None:
        self.request, self.caller = request, caller or caller_of(request)

    @property
    def cloud(self) -> Cloud:
        """The cloud."""
        return cast(Cloud, self.request.app.state.cloud)

    @property
    def images(self) -> ImageStore:
        """The images of the cloud."""
        state = self.request.app.state
        if state.images.cloud is not state.cloud:
            state.images = ImageStore(state.cloud)
        return cast(ImageStore, state.images)

    @property
    def jobs(self) -> Jobs:
        """Its jobs."""
        return cast(Jobs, self.request.app.state.jobs)

    @property
    def base(self) -> str:
        """The URL under which the client reached the server, without a slash at its end."""
        return base_of(self.request)

    @property
    def project_id(self) -> str:
        """The project of the caller. Raise 403 for a token without one."""
        if self.caller.project_id is None:
            raise ApiError(403, NOT_SCOPED)
        return self.caller.project_id

    @property
    def request_id(self) -> str:
        """The id of the request, which the headers of the answer carry as well."""
        return cast(str, getattr(self.request.state, "request_id", ""))

    def quotas_of(self, project_id: str) -> dict[str, int]:
        """Return what a project may have, as the catalog and administrators say."""
        own = self.cloud.resources.of("quotas").get(project_id)
        return {**self.cloud.catalog.quotas, **(own["limits"] if own else {})}

    def asker(self, action: str) -> Asker:
        """Return the caller as the cloud records it, with the name that the API has for the action.

        Its project is empty for a token without one.
        """
        known = self.caller
        return Asker(self.request_id, known.user_id, known.project_id or "", action, known.admin)
