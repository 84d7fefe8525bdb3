"""The clock's loop: every change when it is due, and requests in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import cast

from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.followers import BATCH, Clockwork
from ecs_fsm.serve.cloud.instance import NewServer
from tests.clouds import LONG, USER, cloud_of
from tests.own_thread import run_in_own_thread


class Due:
    """A cloud in which `due` changes wait, and that counts those that are made.

    Without any, the next is due after it `rests` so many seconds.
    """

    def __init__(self, due: int) -> None:
        self.due = due
        self.rests: float | None = None
        self.batches: list[int] = []
        self.done = asyncio.Event()
        self.wake: Callable[..., None] = lambda *_: None

    def on_wake(self, heard: Callable[..., None]) -> None:
        self.wake = heard

    def wait(self) -> float | None:
        return 0.0 if self.due else self.rests

    def run(self, limit: int) -> int:
        made = min(limit, self.due)
        self.due -= made
        self.batches.append(made)
        if not self.due:
            self.done.set()
        return made


async def until_done(cloud: Due) -> None:
    async with asyncio.timeout(120):
        await cloud.done.wait()
    cloud.done.clear()


async def ended(loop: asyncio.Task[None]) -> None:
    loop.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await loop


def test_others_get_their_turn_between_batches() -> None:
    async def scene() -> tuple[list[int], int]:
        cloud, turns = Due(3 * BATCH + 1), 0
        loop = asyncio.create_task(Clockwork(cast(Cloud, cloud)).run())
        while not cloud.done.is_set():
            await asyncio.sleep(0)
            turns += 1
        await ended(loop)
        return cloud.batches, turns

    batches, turns = run_in_own_thread(scene())
    assert batches == [BATCH, BATCH, BATCH, 1]
    assert turns >= len(batches)


def test_a_change_wakes_the_loop_that_had_nothing_to_do() -> None:
    async def scene() -> list[int]:
        cloud = Due(1)
        loop = asyncio.create_task(Clockwork(cast(Cloud, cloud)).run())
        await until_done(cloud)
        cloud.due = 2
        cloud.wake()
        await until_done(cloud)
        await ended(loop)
        return cloud.batches

    assert run_in_own_thread(scene()) == [1, 2]


def test_the_loop_rests_until_the_next_change_is_due() -> None:
    async def scene() -> list[int]:
        cloud = Due(0)
        cloud.rests = 0.9
        loop = asyncio.create_task(Clockwork(cast(Cloud, cloud)).run())
        for _ in range(50):
            await asyncio.sleep(0)
        cloud.due = 1
        cloud.wake()
        await until_done(cloud)
        await ended(loop)
        return cloud.batches

    assert run_in_own_thread(scene()) == [1]


def crowd(servers: int = 3 * BATCH) -> Cloud:
    """A cloud with so many new servers, whose clock stands still."""
    cloud = cloud_of()
    for number in range(servers):
        cloud.create(NewServer(f"web-{number}", "1", None), USER)
    return cloud


def test_others_get_their_turn_while_a_long_time_passes() -> None:
    async def scene() -> tuple[int, list[float]]:
        cloud = crowd()
        passing = asyncio.create_task(Clockwork(cloud).advance(LONG))
        seen = []
        while not passing.done():
            await asyncio.sleep(0)
            seen.append(cloud.now)
        return passing.result(), seen

    made, seen = run_in_own_thread(scene())
    assert made == 3 * BATCH * 5
    assert len(set(seen)) > 10
    assert seen == sorted(seen)
    assert seen[-1] == LONG


def test_two_that_let_time_pass_at_once_do_so_one_after_the_other() -> None:
    async def scene() -> tuple[list[int], list[float], float, float]:
        cloud, ends = crowd(), list[float]()
        clockwork = Clockwork(cloud)

        async def noted(passing: Coroutine[object, object, int]) -> int:
            made = await passing
            ends.append(cloud.now)
            return made

        made = await asyncio.gather(
            noted(clockwork.advance(30)), noted(clockwork.step(7)), noted(clockwork.advance(LONG))
        )
        alone = crowd()
        first = alone.advance(30)
        alone.step(7)
        return list(made), ends, first, alone.now

    made, ends, first, then = run_in_own_thread(scene())
    assert made == [first, 7, 3 * BATCH * 5 - 7 - first]
    assert ends == [30, then, then + LONG]


def test_a_step_that_is_near_since_the_clock_was_put_forward_ends_in_time() -> None:
    async def scene() -> str:
        cloud = crowd(1)
        cloud.clock.speed = 1e-3  # a second takes a quarter of an hour
        (instance,) = cloud.instances.values()
        clockwork = Clockwork(cloud)
        loop = asyncio.create_task(clockwork.run())
        await asyncio.sleep(0)  # the loop waits for the end of the step
        before = instance.state
        await clockwork.advance((cloud.next_due() or 0) - cloud.now - 1e-5)
        async with asyncio.timeout(120):
            while instance.state == before:
                await asyncio.sleep(0)
        await ended(loop)
        return instance.state

    assert run_in_own_thread(scene()) == "building/-"
