"""Every change of the cloud, by the control API: page by page, or as it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from ecs_fsm.serve.cloud.eventlog import EventLog
from ecs_fsm.serve.control.controlled import record_of
from ecs_fsm.serve.http.handlers import Handlers

router = Handlers(prefix="/_ecs", tags=["control"])
MOST_CHANGES = 1000
KEEP_ALIVE = 15.0
"""Seconds after which an idle stream says that it is still there."""


@router.get("/changes")
async def list_changes(
    request: Request,
    since: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_CHANGES)] = MOST_CHANGES,
) -> Response:
    """The changes after that number, in order."""
    rows = record_of(request).since(since, limit)
    return JSONResponse({"changes": [row.as_dict() for row in rows]})


@router.get("/events", response_class=StreamingResponse)
async def stream_changes(
    request: Request, since: Annotated[int | None, Query(ge=0, le=2**53)] = None
) -> Response:
    """Every change as a server-sent event, from now on or after that number."""
    last = request.headers.get("last-event-id", "")
    record = record_of(request)
    number = int(last) if last.isascii() and last.isdecimal() and len(last) < 17 else since
    begin = record.count if number is None else number
    return StreamingResponse(
        _stream(record, begin),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


async def _stream(record: EventLog, number: int) -> AsyncIterator[str]:
    """The events after that number; ends when the reader leaves."""
    woken = asyncio.Event()
    unlisten = record.listen(woken.set)
    try:
        yield ": changes\n\n"
        while True:
            woken.clear()
            rows = record.since(number, MOST_CHANGES)
            if rows:
                number = rows[-1].number
                yield "".join(
                    f"id: {row.number}\ndata: {json.dumps(row.as_dict())}\n\n" for row in rows
                )
                continue
            try:
                await asyncio.wait_for(woken.wait(), KEEP_ALIVE)
            except TimeoutError:
                yield ": still there\n\n"
    finally:
        unlisten()
