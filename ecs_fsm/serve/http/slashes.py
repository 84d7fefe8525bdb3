"""Slashes that stand together are one, as for the web server in front of a real cloud.

Clients that join a URL and a path without looking ask for `/compute/v2.1//limits`.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

TOGETHER = re.compile("//+")


class Merged:
    """Gives the application paths without empty parts."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if "//" in scope.get("path", ""):
            scope["path"] = TOGETHER.sub("/", scope["path"])
        await self.app(scope, receive, send)
