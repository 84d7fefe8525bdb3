"""The clock's loop: makes each change of the cloud when it is due, beside the requests.

One task serves all servers. Between batches of changes the requests get their turn, also while a
whole year passes at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from ecs_fsm.serve.cloud.cloud import Cloud

BATCH = 20
"""Changes that are made before requests get their turn; one takes well under 0.1 ms."""
LONGEST_SLEEP = 3600.0


class Clockwork:
    """Makes the changes of a cloud: those that are due, and those up to a requested time.

    Only one `advance` or `step` runs at once: others wait, and continue from its end.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self.follow(cloud)

    def follow(self, cloud: Cloud) -> None:
        """Make the changes of this cloud from now on."""
        self.cloud = cloud
        cloud.on_wake(self._woken.set)
        self._woken.set()

    async def run(self) -> None:
        """Make every change when it is due, in batches between which requests are answered."""
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
        """Let that many seconds pass at once. Return the number of changes."""
        return await self._make(lambda: self.cloud.advancing(seconds, BATCH))

    async def step(self, count: int) -> int:
        """Advance to the end of the next `count` steps. Return how many there were."""
        return await self._make(lambda: self.cloud.stepping(count))

    async def _make(self, begin: Callable[[], Iterator[int]]) -> int:
        done = 0
        async with self._turn:
            cloud, batches = self.cloud, begin()
            for made in batches:
                done += made
                await asyncio.sleep(0)
                if cloud is not self.cloud:
                    break
        self._woken.set()  # the next change may be due earlier than `run` expects
        return done
