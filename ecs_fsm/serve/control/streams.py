"""Streams of changes as server-sent events: bounded in number, and in what each sends at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ecs_fsm.serve.cloud.eventlog import EventLog
from ecs_fsm.serve.http.api_errors import spelled

MOST_STREAMS = 100
PIECE = 50
"""Changes that a stream sends before others get their turn."""
KEEP_ALIVE = 15.0
"""Seconds after which an idle stream sends a comment."""


class ChangeStream(StreamingResponse):
    """The changes after a number, until the reader has `gone`; 503 above `MOST_STREAMS`."""

    def __init__(self, log: EventLog, number: int, gone: asyncio.Event | None) -> None:
        self._log, self._woken, self._gone = log, asyncio.Event(), gone
        super().__init__(
            self._pieces(number),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        if self._log.listeners >= MOST_STREAMS:
            message = f"There are {MOST_STREAMS} streams of changes, which is the most."
            await spelled(scope["path"], 503, message)(scope, receive, send)
            return
        unlisten = self._log.listen(self._woken.set)
        try:
            await super().__call__(scope, receive, send)
        finally:
            unlisten()

    async def _pieces(self, number: int) -> AsyncIterator[str]:
        yield ": changes\n\n"
        while self._gone is None or not self._gone.is_set():
            self._woken.clear()
            rows = self._log.since(number, PIECE)
            if rows:
                number = rows[-1].number
                yield "".join(
                    f"id: {row.number}\ndata: {json.dumps(row.as_dict())}\n\n" for row in rows
                )
                await asyncio.sleep(0)  # to send to a reader that has gone takes no time
                continue
            try:
                await asyncio.wait_for(self._woken.wait(), KEEP_ALIVE)
            except TimeoutError:
                yield ": still there\n\n"
