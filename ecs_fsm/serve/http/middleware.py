"""What surrounds the application: the access log, merged slashes, response headers, the guard.

The guard lets in bodies of a bounded size, and nothing from pages of other sites.
"""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache, lru_cache
from ipaddress import ip_address
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecs_fsm.io.console import visible
from ecs_fsm.serve.cloud.clock import Clock
from ecs_fsm.serve.cloud.store import NoRoom, StateLost
from ecs_fsm.serve.http.api_errors import Api, spelled
from ecs_fsm.serve.http.versions import OLD, STANDARD, VERSIONS

MOST_BODY = 1024 * 1024
"""Bytes of the body of a request."""
TOO_LARGE = f"The body of a request may have {MOST_BODY} bytes."
HALF = "The body of a request has half a character in it: a surrogate without its other half."
NOT_FINITE = "The body of a request has a number that is not finite."
UNUSUAL = re.compile(rb"NaN|Infinity|\d[eE]\+?\d{2}|\d{300}|\\u[dD][89a-fA-F]")
"""What may be a number that is not finite, or half a character, which JSON cannot write."""
UNKEPT = ("/_ecs/advance", "/auth/tokens")
"""Paths of what the state does not keep."""
SLASHES = re.compile("//+")
access_logger = logging.getLogger("ecs_fsm.access")


class RequestLayer:
    """A layer around the application, which sees requests and nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a request, or pass on what is not one."""
        answer = self._answer if scope["type"] == "http" else self.app
        return answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError


class AccessLog(RequestLayer):
    """Writes a line for each request, in the combined log format that log readers know.

    A request that got no response has the status `-`.
    """

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not access_logger.isEnabledFor(logging.INFO):
            await self.app(scope, receive, send)
            return
        status, size = "-", 0

        async def counted(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = str(message["status"])
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            access_logger.info(_line(scope, status, size, time.time()))


def _line(scope: Scope, status: str, size: int, now: float) -> str:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    client = scope.get("client") or ("-",)
    query = scope["query_string"]
    target = scope.get("raw_path", b"-") + (b"?" + query if query else b"")
    at = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now))
    user = scope.get("state", {}).get("user") or "-"
    request = f"{scope['method']} {target.decode('latin-1')} HTTP/{scope['http_version']}"
    return (
        f'{client[0]} - {_escaped(user).replace(" ", "%20")} [{at}] "{_escaped(request)}" {status} '
        f'{size or "-"} "{_escaped(headers.get(b"referer", "-"))}" '
        f'"{_escaped(headers.get(b"user-agent", "-"))}"'
    )


def _escaped(text: str) -> str:
    """Return text that can end neither its quotes nor its line."""
    return visible(text.replace("\\", "\\\\").replace('"', '\\"'))


class ResponseHeaders(RequestLayer):
    """Gives responses a request id and a date, and those of the compute API their microversion.

    The date is that of the simulated clock: a client takes it for the cloud's own. Before, adjacent
    slashes of the path are merged, as the web server in front of a real cloud does: clients that
    join a URL and a path blindly request `/compute/v2.1//limits`.
    """

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        state, number = scope.setdefault("state", {}), f"req-{uuid4()}"
        state["request_id"], scope["path"] = number, SLASHES.sub("/", scope["path"])
        api = Api.of(scope["path"])

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                headers += _headers(api, number, state.get("microversion"))
                clock: Clock = scope["app"].state.cloud.clock
                headers.append((b"date", _date(clock.date().replace(microsecond=0))))
            await send(message)

        await self.app(scope, receive, with_headers)


@lru_cache(maxsize=8)
def _date(date: datetime) -> bytes:
    return format_datetime(date.astimezone(UTC), usegmt=True).encode()


REQUEST_IDS = {
    Api.HUAWEI: (b"x-request-id",),
    Api.COMPUTE: (b"x-openstack-request-id", b"x-compute-request-id"),
}
"""The headers with the id of a request, by API; the first of the compute API for others."""


def _headers(api: Api, number: str, minor: int | None) -> list[tuple[bytes, bytes]]:
    names = REQUEST_IDS.get(api, REQUEST_IDS[Api.COMPUTE][:1])
    headers = [(name, number.encode()) for name in names]
    if api is Api.VOLUME:
        headers.append((STANDARD.encode(), f"volume {VERSIONS['volume']['version']}".encode()))
    if api is Api.COMPUTE and minor is not None:
        headers += _version_headers(minor)
    return headers


@cache
def _version_headers(minor: int) -> list[tuple[bytes, bytes]]:
    return [
        (STANDARD.encode(), b"compute 2.%d" % minor),
        (OLD.encode(), b"2.%d" % minor),
        (b"vary", b"OpenStack-API-Version"),
        (b"vary", b"X-OpenStack-Nova-API-Version"),
    ]


class RequestGuard(RequestLayer):
    """Refuses bodies that are too large, and requests from pages of other sites.

    `hosts` are the names in the header Host beside those that no site can have: addresses, and
    names without a dot. None lets in any name.
    """

    # Which headers are checked, and why that is enough:
    #
    # A page of another site can make a browser send requests here. It is stopped by Origin, which
    # browsers send with all that changes something or that scripts read, and which the page cannot
    # forge. If the site's name server points its own name at 127.0.0.1 (DNS rebinding), Origin and
    # Host agree, since both name the attacker; only the name in Host shows that it is not ours.
    # Such a page can log in, since passwords are not checked: Host is compared on every path. If
    # other machines may reach the server, its names are not known until they are given.

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] | None) -> None:
        super().__init__(app)
        self.hosts = hosts

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal, body = self._foreign(scope) or _announced(scope) or _without_room(scope), b""
        more = refusal is None
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False) and len(body) <= MOST_BODY
        refusal = refusal or _unusable(body)
        if refusal is not None:
            code, text = refusal
            await spelled(scope["path"], code, text)(scope, receive, send)
            return
        scope["state"]["body"], pending = body, [{"type": "http.request", "body": body}]

        async def whole() -> Message:
            return pending.pop() if pending else await receive()

        await self.app(scope, whole, send)

    def _foreign(self, scope: Scope) -> tuple[int, str] | None:
        host, origin = _header(scope, b"host"), _header(scope, b"origin")
        if sum(name == b"host" for name, _ in scope["headers"]) > 1:
            return 400, "There are two headers Host; expected one."
        if self.hosts is not None and not _reaches(_without_port(host), self.hosts):
            known = ", ".join(dict.fromkeys(self.hosts))
            return 403, (
                f"The header Host is none of {known}, nor an address or a name without a dot; "
                "the option --allow-host allows more names."
            )
        if origin not in ("", f"http://{host}", f"https://{host}"):
            return 403, "This was sent by a page of another site."
        return None


def _header(scope: Scope, wanted: bytes) -> str:
    """Return the value of a header in small letters, empty without one."""
    value = next((value for name, value in scope["headers"] if name == wanted), b"")
    return str(value.decode("latin-1").lower())


def _announced(scope: Scope) -> tuple[int, str] | None:
    length = _header(scope, b"content-length")
    too_large = length.isdecimal() and int(length[:20]) > MOST_BODY
    return (413, TOO_LARGE) if too_large else None


def _without_room(scope: Scope) -> tuple[int, str] | None:
    """Return why a change is refused while no room is left for it; time and logins go on."""
    if scope["method"] in ("GET", "HEAD", "OPTIONS") or scope["path"].endswith(UNKEPT):
        return None
    try:
        scope["app"].state.cloud.state.require_room()
    except NoRoom as error:
        return 507, str(error)
    except StateLost as error:
        scope["app"].state.end(str(error))
        return 500, str(error)
    return None


def _unusable(body: bytes) -> tuple[int, str] | None:
    """Return why a body is too large, or its JSON what no file, response or database can hold."""
    found: list[float] = []

    def number(text: str) -> float:
        found.append(float(text))
        return found[-1]

    if len(body) > MOST_BODY:
        return 413, TOO_LARGE
    if not UNUSUAL.search(body):
        return None
    try:
        read = json.loads(body, parse_float=number, parse_constant=number)
        if not all(map(math.isfinite, found)):
            return 400, NOT_FINITE
        json.dumps(read, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return 400, HALF
    except (ValueError, RecursionError):
        return None
    return None


@lru_cache(maxsize=64)
def _reaches(host: str, known: tuple[str, ...]) -> bool:
    """Return whether no site of the internet can have the name."""
    if "." not in host and ":" not in host:
        return True
    try:
        return bool(ip_address(host.strip("[]")))
    except ValueError:
        return host in known


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
