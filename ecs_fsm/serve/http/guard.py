"""What may come in: bodies of a bounded size, and nothing from pages of other sites.

A page that a name server points at the loopback address must not drive the emulator (DNS
rebinding), nor one that merely sends a form to it. Browsers say from which page a request comes
that changes something (`Origin`), other clients never do and may use any name for this machine.
"""

from __future__ import annotations

import json
import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecs_fsm.serve.http.errors import spelled
from ecs_fsm.serve.http.settings import LOCAL_NAMES, Settings

MOST_BODY = 1024 * 1024
"""Bytes of the body of a request."""
TOO_LARGE = f"The body of a request may have {MOST_BODY} bytes."
SAFE = ("GET", "HEAD", "OPTIONS")


HALF = "The body of a request has half a character in it: a surrogate without its other half."
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class BadBody(HTTPException):
    """A body turned out too large, or to be no text, while it was read."""


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
        except BadBody as bad:  # read outside the application, which has its own way to tell
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
    """The value of a header in small letters, empty where there is none."""
    value = next((value for name, value in scope["headers"] if name == wanted), b"")
    return str(value.decode("latin-1").lower())


def _announced(scope: Scope) -> tuple[int, str] | None:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    too_large = length.isdigit() and int(length[:20]) > MOST_BODY
    return (413, TOO_LARGE) if too_large else None


def _halved(body: bytearray) -> bool:
    """Whether the JSON has a text in it that no file, answer or database can hold."""
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
