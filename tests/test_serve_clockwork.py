"""The clock's loop: every change when it is due, and requests in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

from ecs_fsm.serve.clockwork import BATCH, run
from ecs_fsm.serve.cloud import Cloud
from tests.apart import apart


class Due:
    """A cloud in which `due` changes wait, and that tells when they are made."""

    def __init__(self, due: int) -> None:
        self.due = due
        self.batches: list[int] = []
        self.done = asyncio.Event()
        self.wake: Callable[..., None] = lambda *_: None

    def on_wake(self, heard: Callable[..., None]) -> None:
        self.wake = heard

    def wait(self) -> float | None:
        return 0.0 if self.due else None

    def run(self, limit: int) -> int:
        made = min(limit, self.due)
        self.due -= made
        self.batches.append(made)
        if not self.due:
            self.done.set()
        return made


async def until_done(cloud: Due) -> None:
    async with asyncio.timeout(20):
        await cloud.done.wait()
    cloud.done.clear()


async def ended(loop: asyncio.Task[None]) -> None:
    loop.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await loop


def test_others_get_their_turn_between_batches() -> None:
    async def scene() -> tuple[list[int], int]:
        cloud, turns = Due(3 * BATCH + 1), 0
        loop = asyncio.create_task(run(cast(Cloud, cloud)))
        while not cloud.done.is_set():
            await asyncio.sleep(0)
            turns += 1
        await ended(loop)
        return cloud.batches, turns

    batches, turns = apart(scene())
    assert batches == [BATCH, BATCH, BATCH, 1]
    assert turns >= len(batches)


def test_a_change_wakes_the_loop_that_had_nothing_to_do() -> None:
    async def scene() -> list[int]:
        cloud = Due(1)
        loop = asyncio.create_task(run(cast(Cloud, cloud)))
        await until_done(cloud)
        cloud.due = 2
        cloud.wake()
        await until_done(cloud)
        await ended(loop)
        return cloud.batches

    assert apart(scene()) == [1, 2]
