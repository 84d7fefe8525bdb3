"""One line for each request, in the combined log format that log readers know."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecs_fsm.serve.cloud.clock import Clock

logger = logging.getLogger("ecs_fsm.access")


class Logged:
    """Writes the line when the request ended; without an answer, its status is `-`."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self.app, self.clock = app, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or not logger.isEnabledFor(logging.INFO):
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
            logger.info(_line(scope, status, size, self.clock.wall()))


def _line(scope: Scope, status: str, size: int, now: float) -> str:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    client = scope.get("client") or ("-",)
    query = scope["query_string"]
    target = scope.get("raw_path", b"-") + (b"?" + query if query else b"")
    at = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now))
    user = scope.get("state", {}).get("user") or "-"
    request = f"{scope['method']} {target.decode('latin-1')} HTTP/{scope['http_version']}"
    return (
        f'{client[0]} - {_shown(user).replace(" ", "%20")} [{at}] "{_shown(request)}" {status} '
        f'{size or "-"} "{_shown(headers.get(b"referer", "-"))}" '
        f'"{_shown(headers.get(b"user-agent", "-"))}"'
    )


def _shown(text: str) -> str:
    """Text that cannot end its quotes, nor its line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in escaped)
