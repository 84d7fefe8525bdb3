"""Runs a fleet: cut in chunks by server number, which any executor may simulate in any order."""

from __future__ import annotations

import math
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import count
from threading import current_thread, main_thread
from typing import NamedTuple

import numpy as np

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.fleet.compiled import Arrays, Compiled, compile_profile
from ecs_fsm.fleet.draws import mix_int, seed_key
from ecs_fsm.fleet.engine import Rows, room, simulate
from ecs_fsm.fleet.result import Result
from ecs_fsm.fleet.tally import Sizes, Tally, add, empty
from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.profiles.durations import seconds
from ecs_fsm.profiles.loader import built_in
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.profiles.validation import POISSON

LARGEST, SMALLEST, PARTS = 1 << 14, 1 << 10, 64
WITH_EVENTS = 1 << 10
"""Servers in a chunk: at most, at least, as a part of the fleet; where events are kept."""
IN_FLIGHT = 16
"""Chunks that are given to an executor at a time, so that memory stays bounded."""
LISTENING = 0.2
"""Seconds between two looks whether Ctrl-C was pressed, while a chunk is waited for."""
ROWS_EACH = 64
"""Changes of a server to make room for at first."""
MOST_POINTS = 1_000_000

Progress = Callable[[int, int], None]
"""Told how many servers are done, and of how many."""
Taker = Callable[[Rows], None]
"""Takes the changes of a chunk; chunks come in the order of server numbers."""


class Plan(NamedTuple):
    """What a fleet's size, time and seed come to."""

    servers: int
    late: int
    key: int
    horizon: float
    step: float
    sizes: Sizes


class Part(NamedTuple):
    """One chunk to simulate, with all that it takes: `size` servers from number `first` on.

    `again` says that it was lost once; a cluster that knows its work by what is given then takes it
    for another.
    """

    first: int
    size: int
    plan: Plan
    arrays: Arrays
    events: bool
    again: bool = False


def run(
    profile: Profile | None = None,
    *,
    servers: int,
    duration: float | str,
    step: float | str | None = None,
    seed: int = 0,
    threads: int = 1,
    executor: Executor | None = None,
    chunk: int | None = None,
    take: Taker | None = None,
    progress: Progress | None = None,
) -> Result:
    """Simulate `servers` servers of a profile for `duration` (seconds, or a word such as "30d").

    Without a profile it is the built-in one of an ECS. Counts are taken every `step` seconds, 100
    times if that is None. `executor` is anything with the interface of
    `concurrent.futures.Executor`; without one, `threads` threads do it. Neither they nor the size
    of a chunk change the result, which `seed` determines. `take` gets every change, by server.
    Raises `InvalidInput` for sizes that make no sense; a KeyboardInterrupt ends with what is done
    so far, which the result says.
    """
    compiled = compile_profile(built_in(ECS) if profile is None else profile)
    plan = plan_for(compiled, servers, duration, step, seed)
    size = chunk or _chunk(plan.servers, take is not None)
    if size < 1 or threads < 1:
        raise InvalidInput("threads and the size of a chunk are whole numbers above 0")
    parts = (
        Part(n, min(size, plan.servers - n), plan, compiled.arrays, take is not None)
        for n in range(0, plan.servers, size)
    )
    done, total, partial = 0, empty(plan.sizes), False
    try:
        with _own_threads(threads, executor) as workers, _ctrl_c() as pressed:
            for tally, rows in _in_order(workers, parts, pressed):
                if take is not None:
                    take(rows)
                total = add(total, tally)
                done += int(tally.totals[0])
                if progress is not None:
                    progress(done, plan.servers)
    except KeyboardInterrupt:
        partial = True
    return Result(compiled, plan.servers, plan.late, plan.horizon, plan.step, seed, total, partial)


def plan_for(
    compiled: Compiled, servers: int, duration: float | str, step: float | str | None, seed: int
) -> Plan:
    """The plan for a fleet. Raises `InvalidInput` for sizes that make no sense."""
    horizon = seconds(duration)
    every = horizon / 100 if step is None else seconds(step)
    if servers < 1 or servers > 1 << 48 or seed < 0:
        raise InvalidInput("servers is a whole number above 0, a seed one that is not negative")
    if horizon <= 0 or every <= 0:
        raise InvalidInput("a duration and a step are times above 0")
    if horizon / every > MOST_POINTS:
        raise InvalidInput(f"a step of {every:g} s makes over {MOST_POINTS:,} counts; take longer")
    points = math.floor(horizon / every * (1 + 1e-12)) + 1
    key, arrivals = seed_key(seed), compiled.profile.arrivals
    further = _poisson(horizon / arrivals.every, key) if arrivals.kind == POISSON else 0
    sizes = Sizes(len(compiled.states), len(compiled.events), len(compiled.groups), points)
    return Plan(servers + further, servers, key, horizon, every, sizes)


def simulate_part(part: Part) -> tuple[Tally, Rows]:
    """Simulate a chunk: its counts, and its changes where events are wanted."""
    plan = part.plan
    rows = room(part.size * ROWS_EACH if part.events else 0)
    while True:
        tally = empty(plan.sizes)
        written = simulate(
            part.first,
            part.size,
            plan.late,
            np.uint64(plan.key),
            plan.horizon,
            plan.step,
            part.arrays,
            tally,
            rows,
        )
        if not part.events or written <= len(rows.servers):
            return tally, rows.first(written)
        rows = room(written)


def _poisson(mean: float, key: int) -> int:
    """How many further servers come: a Poisson number, by the seed."""
    generator = np.random.Generator(np.random.Philox(key=mix_int(key)))
    return int(generator.poisson(mean))


def _chunk(servers: int, events: bool) -> int:
    return WITH_EVENTS if events else max(SMALLEST, min(LARGEST, servers // PARTS))


@contextmanager
def _own_threads(threads: int, executor: Executor | None) -> Iterator[Executor]:
    if executor is not None:
        yield executor
        return
    own = ThreadPoolExecutor(threads)
    try:
        yield own
    finally:
        own.shutdown(cancel_futures=True)


@contextmanager
def _ctrl_c() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed: it must not come between the file of events and the counts."""
    pressed: list[int] = []
    here = current_thread() is main_thread()
    if not here or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _in_order(
    workers: Executor, parts: Iterator[Part], pressed: Callable[[], bool]
) -> Iterator[tuple[Tally, Rows]]:
    """What the parts come to, in their order, a few of them under way at a time."""
    waiting: deque[tuple[Part, Future[tuple[Tally, Rows]]]] = deque()
    try:
        for _ in count():
            while len(waiting) < IN_FLIGHT and (part := next(parts, None)) is not None:
                waiting.append((part, workers.submit(simulate_part, part)))
            if not waiting:
                return
            part, first = waiting[0]
            while not pressed() and not wait([first], LISTENING).done:
                pass
            if pressed():
                raise KeyboardInterrupt
            lost = first.cancelled() or first.exception() is not None
            if lost and not part.again:  # as a cluster may with a worker; it comes to the same
                part = part._replace(again=True)
                waiting[0] = part, workers.submit(simulate_part, part)
                continue
            waiting.popleft()
            yield first.result()
    finally:
        for _, future in waiting:
            future.cancel()
