"""The clock's loop: makes each change of the cloud when it is due, beside the requests.

There is one task for all servers; between batches of changes the requests get their turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from fastapi import FastAPI

from ecs_fsm.serve.cloud import Cloud

BATCH = 20
"""Changes that are made before requests get their turn; one takes well under 0.1 ms."""
LONGEST_SLEEP = 3600.0


async def run(cloud: Cloud) -> None:
    """Makes every change when it is due, in batches between which requests are answered."""
    woken = asyncio.Event()
    cloud.on_wake(woken.set)
    while True:
        woken.clear()
        wait = cloud.wait()
        if wait is not None and wait <= 0:
            cloud.run(BATCH)
            await asyncio.sleep(0)
            continue
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), LONGEST_SLEEP if wait is None else wait)


@contextlib.asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """The lifespan of the application: the clock's loop runs while it is served."""
    task = asyncio.create_task(run(app.state.cloud))
    task.add_done_callback(_told)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _told(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logging.getLogger("uvicorn.error").error("the clock's loop ended", exc_info=error)
