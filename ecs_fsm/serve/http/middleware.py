"""What surrounds the application: the access log, merged slashes, response headers, the guard.

The guard lets in bodies of a bounded size, and nothing from pages of other sites.
"""

from __future__ import annotations

import json
import logging
import re
import time
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecs_fsm.io.console import visible
from ecs_fsm.serve.cloud.clock import Clock
from ecs_fsm.serve.http.api_errors import Api, spelled
from ecs_fsm.serve.http.versions import OLD, STANDARD

MOST_BODY = 1024 * 1024
"""Bytes of the body of a request."""
TOO_LARGE = f"The body of a request may have {MOST_BODY} bytes."
HALF = "The body of a request has half a character in it: a surrogate without its other half."
SAFE = ("GET", "HEAD", "OPTIONS")
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
SLASHES = re.compile("//+")
access_logger = logging.getLogger("ecs_fsm.access")


class AccessLog:
    """Writes a line for each request, in the combined log format that log readers know.

    A request that got no response has the status `-`.
    """

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self.app, self.clock = app, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not access_logger.isEnabledFor(logging.INFO):
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
            access_logger.info(_line(scope, status, size, self.clock.wall()))


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


class SlashMerger:
    """Merges adjacent slashes of paths, as the web server in front of a real cloud does.

    Clients that join a URL and a path blindly request `/compute/v2.1//limits`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if "//" in scope.get("path", ""):
            scope["path"] = SLASHES.sub("/", scope["path"])
        await self.app(scope, receive, send)


class ResponseHeaders:
    """Gives responses a request id, and those of the compute API their microversion."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        number = f"req-{uuid4()}"
        state["request_id"] = number
        api = Api.of(scope["path"])

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                headers += _headers(api, number, state.get("microversion"))
            await send(message)

        await self.app(scope, receive, with_headers)


def _headers(api: Api, number: str, minor: int | None) -> list[tuple[bytes, bytes]]:
    own = number.encode()
    if api is Api.HUAWEI:
        return [(b"x-request-id", own)]
    headers = [(b"x-openstack-request-id", own)]
    if api is Api.COMPUTE:
        headers.append((b"x-compute-request-id", own))
    if api is Api.COMPUTE and minor is not None:
        headers += [
            (STANDARD.encode(), b"compute 2.%d" % minor),
            (OLD.encode(), b"2.%d" % minor),
            (b"vary", b"OpenStack-API-Version"),
            (b"vary", b"X-OpenStack-Nova-API-Version"),
        ]
    return headers


class BadBody(HTTPException):
    """A body that is too large, or that has invalid text, found while it was read."""


class RequestGuard:
    """Refuses bodies that are too large, and requests from pages of other sites.

    `hosts` are the names of this machine if only its own programs reach the server, else None.
    """

    # Which headers are checked, and why that is enough:
    #
    # A page of another site can make a browser send requests here. Its form is stopped by Origin,
    # which browsers send with everything that changes something, and which the page cannot forge.
    # If the site's name server points its own name at 127.0.0.1 (DNS rebinding), Origin and Host
    # agree, since both name the attacker; only the name in Host shows that it is not ours. Host is
    # therefore compared with our names whenever a browser takes part: if there is an Origin, and
    # for paths without a token (the page and the control API), where a mere GET would read or
    # change something. All other paths need a token, which the foreign page does not have, and
    # clients that are not browsers may reach them under any name of this machine. If other
    # machines may reach the server, its names are not known, so that only Origin is compared.

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] | None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._foreign(scope) or _announced(scope)
        if refusal is not None:
            code, message = refusal
            await spelled(scope["path"], code, message)(scope, receive, send)
            return
        body = bytearray()

        async def bounded() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            if len(body) > MOST_BODY:
                raise BadBody(413, TOO_LARGE)
            if not message.get("more_body", False) and SURROGATE.search(body) and _halved(body):
                raise BadBody(400, HALF)
            return message

        try:
            await self.app(scope, bounded, send)
        except BadBody as bad:  # raised outside the application, whose handlers do not see it
            await spelled(scope["path"], bad.status_code, bad.detail)(scope, receive, send)

    def _foreign(self, scope: Scope) -> tuple[int, str] | None:
        host, origin = _header(scope, b"host"), _header(scope, b"origin")
        own = scope["path"] == "/" or (scope["path"] + "/").startswith("/_ecs/")
        if self.hosts is not None and (own or origin) and _without_port(host) not in self.hosts:
            return 403, f"The header Host is none of {', '.join(dict.fromkeys(self.hosts))}."
        ours = ("", f"http://{host}", f"https://{host}")
        if scope["method"] not in SAFE and origin not in ours:
            return 403, "This was sent by a page of another site."
        return None


def _header(scope: Scope, wanted: bytes) -> str:
    """Return the value of a header in small letters, empty without one."""
    value = next((value for name, value in scope["headers"] if name == wanted), b"")
    return str(value.decode("latin-1").lower())


def _announced(scope: Scope) -> tuple[int, str] | None:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    too_large = length.isdigit() and int(length[:20]) > MOST_BODY
    return (413, TOO_LARGE) if too_large else None


def _halved(body: bytearray) -> bool:
    """Return whether the JSON has text that no file, response or database can hold."""
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
