"""What may come in: bodies of a bounded size, and nothing from pages of other sites.

A page that a name server points at the loopback address must not drive the emulator (DNS
rebinding), nor one that merely sends a form to it.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecs_fsm.serve.api.errors import spelled
from ecs_fsm.serve.settings import LOCAL_NAMES, Settings

MOST_BODY = 1024 * 1024
"""Bytes of the body of a request."""
TOO_LARGE = f"The body of a request may have {MOST_BODY} bytes."
SAFE = ("GET", "HEAD", "OPTIONS")


class TooLarge(HTTPException):
    """A body turned out too large while it was read."""


class Guarded:
    """Refuses what is too large, and what comes from elsewhere where that could harm."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.hosts = (*LOCAL_NAMES, settings.host.lower()) if settings.loopback else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._foreign(scope) or _announced(scope)
        if refusal is not None:
            code, message = refusal
            await spelled(scope["path"], code, message)(scope, receive, send)
            return
        size = 0

        async def bounded() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MOST_BODY:
                raise TooLarge(413, TOO_LARGE)
            return message

        try:
            await self.app(scope, bounded, send)
        except TooLarge:  # read outside the application, which has its own way to tell
            await spelled(scope["path"], 413, TOO_LARGE)(scope, receive, send)

    def _foreign(self, scope: Scope) -> tuple[int, str] | None:
        path = scope["path"]
        control = path == "/_ecs" or path.startswith("/_ecs/")
        if not control and path != "/":
            return None
        headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if self.hosts is not None and _without_port(host) not in self.hosts:
            return 403, f"The header Host is none of {', '.join(dict.fromkeys(self.hosts))}."
        origin = headers.get(b"origin")
        if (
            control
            and scope["method"] not in SAFE
            and origin is not None
            and origin not in (f"http://{host}", f"https://{host}")
        ):
            return 403, "This was sent by a page of another site."
        return None


def _announced(scope: Scope) -> tuple[int, str] | None:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    too_large = length.isdigit() and int(length[:20]) > MOST_BODY
    return (413, TOO_LARGE) if too_large else None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
