"""The clock's loop: makes each change of the cloud when it is due, beside the requests.

There is one task for all servers; between batches of changes the requests get their turn, also
where somebody has a whole year pass at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator

from fastapi import FastAPI

from ecs_fsm.serve.cloud.cloud import Cloud

BATCH = 20
"""Changes that are made before requests get their turn; one takes well under 0.1 ms."""
LONGEST_SLEEP = 3600.0


class Clockwork:
    """Makes the changes of a cloud: those that are due, and those up to a time that was asked for.

    Who asks for a time has it to themselves: others that ask wait, and go on from there.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        cloud.on_wake(self._woken.set)

    async def run(self) -> None:
        """Makes every change when it is due, in batches between which requests are answered."""
        while True:
            self._woken.clear()
            wait = self.cloud.wait()
            if wait is not None and wait <= 0:
                async with self._turn:
                    self.cloud.run(BATCH)
                await asyncio.sleep(0)
                continue
            with contextlib.suppress(TimeoutError):
                longest = LONGEST_SLEEP if wait is None else wait
                await asyncio.wait_for(self._woken.wait(), longest)

    async def advance(self, seconds: float) -> int:
        """Lets that many seconds pass at once; how many changes there were."""
        return await self._go_on(self.cloud.advancing(seconds, BATCH))

    async def step(self, count: int) -> int:
        """Goes on to the end of the next `count` steps; how many there were."""
        return await self._go_on(self.cloud.stepping(count))

    async def _go_on(self, batches: Iterator[int]) -> int:
        done = 0
        async with self._turn:
            for made in batches:
                done += made
                await asyncio.sleep(0)
        self._woken.set()  # what was far away may be near
        return done


@contextlib.asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """The lifespan of the application: the clock's loop runs while it is served."""
    clockwork: Clockwork = app.state.clockwork
    task = asyncio.create_task(clockwork.run())
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
