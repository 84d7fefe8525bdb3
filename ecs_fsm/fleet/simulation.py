"""Simulates a fleet in chunks of servers, which any executor may simulate in any order.

Executors are threads of this process, or a Dask cluster, which needs the extra `ecs-fsm[dask]` here
and `ecs-fsm[fleet]` on its workers.
"""

from __future__ import annotations

import math
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import count
from threading import current_thread, main_thread
from typing import NamedTuple, TypeVar

import numpy as np

from ecs_fsm.core.errors import InvalidInput, require
from ecs_fsm.fleet.arrays import Arrays, CompiledProfile, compile_profile
from ecs_fsm.fleet.legs import Legs, legs_of, new_block
from ecs_fsm.fleet.machine_code import MachineCode
from ecs_fsm.fleet.random_numbers import mix_int, seed_key
from ecs_fsm.fleet.result import FleetResult
from ecs_fsm.fleet.tally import (
    MICRO,
    EventRows,
    Grid,
    Sizes,
    Tally,
    add,
    empty_rows,
    empty_tally,
)
from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.profiles.durations import seconds
from ecs_fsm.profiles.loader import built_in
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.profiles.profile_validation import POISSON

Task = TypeVar("Task")
Found = TypeVar("Found")

CONNECTION_TIMEOUT = 4
"""Seconds to wait for a scheduler."""
IN_FLIGHT = 16
"""Tasks that an executor has at a time, so that memory stays bounded."""
POLL_INTERVAL = 0.2
"""Seconds between two checks for Ctrl-C while a task is waited for."""
LARGEST, SMALLEST, CHUNKS = 1 << 16, 1 << 13, 16
"""Servers in a chunk, at most and at least; chunks of a fleet between these limits."""
WITH_EVENTS = 1 << 10
"""Servers in a chunk whose events are kept."""
ROOM = 1024
"""Jumps of a server with events to make room for at first."""
ROWS_EACH = 128
"""Events of a server to make room for at first."""
MOST_SERVERS = 1 << 48
MOST_POINTS = 1_000_000
MOST_IN_CHUNK = 1 << 20
MOST_SUM = 1 << 62
"""Microseconds that all servers of a chunk together may spend."""
MOST_SECONDS = float(1 << 32)
"""The longest duration: 136 years, which are fewer than 2**52 microseconds."""

_simulate = MachineCode("ecs_fsm.fleet.kernel", "simulate")
_follow = MachineCode("ecs_fsm.fleet.trajectory", "follow")

Progress = Callable[[int, int], None]
"""Receives how many servers are simulated, and how many there are."""
Consumer = Callable[[EventRows], None]
"""Receives the events of a chunk; chunks come in the order of server numbers."""


class Plan(NamedTuple):
    """Size, time and seed of a simulation.

    `servers` in all, those from number `late` on at random times; `key` of the seed; `horizon` and
    `step` of the time grid in seconds; `sizes` of the tally.
    """

    servers: int
    late: int
    key: int
    horizon: float
    step: float
    sizes: Sizes


class Chunk(NamedTuple):
    """`size` servers from number `first` on, with everything that simulating them takes.

    `repeated` marks a chunk that was lost once and is submitted again.
    """

    first: int
    size: int
    plan: Plan
    arrays: Arrays
    legs: Legs
    events: bool
    repeated: bool = False


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
    take: Consumer | None = None,
    progress: Progress | None = None,
) -> FleetResult:
    """Simulate `servers` servers of a profile for `duration` (seconds, or a word such as "30d").

    Without a profile, it is the built-in one of an ECS. Servers are counted every `step` seconds,
    by default 100 times. `executor` is any `concurrent.futures.Executor`; without one, `threads`
    threads are used. `seed` determines the result: executor, threads and `chunk` (servers in a
    chunk) do not change it. `take` receives every event, by server. Raise `InvalidInput` for
    invalid sizes. A KeyboardInterrupt ends the simulation; its result is marked partial.
    """
    compiled = compile_profile(built_in(ECS) if profile is None else profile)
    plan = plan_for(compiled, servers, duration, step, seed)
    size = chunk or _chunk_size(plan.servers, take is not None)
    if size < 1 or threads < 1:
        raise InvalidInput("invalid threads or chunk: expected whole numbers above 0")
    size = min(size, MOST_IN_CHUNK, max(MOST_SUM // round(plan.horizon * MICRO), 1))
    legs = legs_of(compiled)
    chunks = (
        Chunk(n, min(size, plan.servers - n), plan, compiled.arrays, legs, take is not None)
        for n in range(0, plan.servers, size)
    )
    done, total, partial = 0, empty_tally(plan.sizes), False
    try:
        with threads_or(executor, threads) as workers:
            for tally, rows in in_order(workers, simulate_chunk, chunks, _repeated):
                if take is not None:
                    take(rows)
                total = add(total, tally)
                done += int(tally.totals[0])
                if progress is not None:
                    progress(done, plan.servers)
    except KeyboardInterrupt:
        partial = True
    return result_of(compiled, plan, seed, total, partial)


def plan_for(
    compiled: CompiledProfile,
    servers: int,
    duration: float | str,
    step: float | str | None,
    seed: int,
) -> Plan:
    """Return the plan of a simulation. Raise `InvalidInput` for invalid sizes."""
    horizon = seconds(duration)
    every = horizon / 100 if step is None else seconds(step)
    if not 1 <= servers <= MOST_SERVERS or seed < 0:
        raise InvalidInput("invalid servers or seed: expected servers from 1 on, a seed from 0 on")
    if horizon <= 0 or every <= 0:
        raise InvalidInput("invalid duration or step: expected times above 0")
    if horizon > MOST_SECONDS:
        raise InvalidInput(
            f"invalid duration {horizon:g} s: expected at most {MOST_SECONDS:g} s (136 years)"
        )
    if horizon / every > MOST_POINTS:
        raise InvalidInput(
            f"invalid step {every:g} s: it makes more than {MOST_POINTS:,} counts; expected at "
            f"least {horizon / MOST_POINTS:g} s"
        )
    # Rounding must not lose the last point where the step divides the duration.
    points = math.floor(horizon / every * (1 + 1e-12)) + 1
    key, arrivals = seed_key(seed), compiled.profile.arrivals
    further = _poisson(horizon / arrivals.every, key) if arrivals.kind == POISSON else 0
    sizes = Sizes(len(compiled.states), len(compiled.events), len(compiled.classes), points)
    return Plan(servers + further, servers, key, horizon, every, sizes)


def result_of(
    compiled: CompiledProfile, plan: Plan, seed: int, tally: Tally, partial: bool
) -> FleetResult:
    """Return the result of a simulation."""
    return FleetResult(
        compiled, plan.servers, plan.late, plan.horizon, plan.step, seed, tally, partial
    )


def grid_of(plan: Plan) -> Grid:
    """Return the time grid of a plan in microseconds."""
    horizon, points = round(plan.horizon * MICRO), np.arange(plan.sizes.points)
    # A thousandth of a microsecond makes up for rounding, where the step is a fraction.
    limits = np.minimum(np.floor(points * (plan.step * MICRO) + 1e-3), horizon).astype(np.int64)
    inverse = (1 + 2.0**-50) / (plan.step * MICRO)
    return Grid(horizon, inverse, np.append(limits, [horizon, horizon]))


def simulate_chunk(chunk: Chunk) -> tuple[Tally, EventRows]:
    """Simulate a chunk; return its counts, and its events if they are wanted."""
    plan, a, legs = chunk.plan, chunk.arrays, chunk.legs
    grid, key = grid_of(plan), np.uint64(plan.key)
    rows, room = empty_rows(chunk.size * ROWS_EACH if chunk.events else 0), ROOM
    while True:
        tally = empty_tally(plan.sizes)
        given = (chunk.first, chunk.size, plan.late, key, grid, legs, a, tally, rows)
        if not chunk.events:
            _simulate(*given, new_block(legs, tally))
            return tally, rows
        written = _follow(*given, np.empty(room, np.int64), np.empty(room, np.int32))
        if written < 0:
            room = -written
        elif written <= len(rows.servers):
            return tally, rows.first(written)
        else:
            rows = empty_rows(written)


def _repeated(chunk: Chunk) -> Chunk:
    return chunk._replace(repeated=True)


def _poisson(mean: float, key: int) -> int:
    """The number of servers that arrive later: a Poisson number, from the seed."""
    # Given their number, the arrivals of a Poisson process are independent and uniform in time, so
    # that each server draws its own.
    generator = np.random.Generator(np.random.Philox(key=mix_int(key)))
    return int(generator.poisson(mean))


def _chunk_size(servers: int, events: bool) -> int:
    return WITH_EVENTS if events else max(SMALLEST, min(LARGEST, servers // CHUNKS))


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Yield the cluster whose scheduler has this address. Raise `InvalidInput` if none answers."""
    require("distributed", extra="dask")
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECTION_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        yield client.get_executor()


@contextmanager
def threads_or(executor: Executor | None, threads: int) -> Iterator[Executor]:
    """Yield the executor, or, if it is None, one with so many threads for the time being."""
    if executor is not None:
        yield executor
        return
    own = ThreadPoolExecutor(threads)
    try:
        yield own
    finally:
        own.shutdown(cancel_futures=True)


def in_order(
    executor: Executor,
    work: Callable[[Task], Found],
    tasks: Iterable[Task],
    again: Callable[[Task], Task],
) -> Iterator[Found]:
    """Yield what `work` returns for each task, in their order, with a few in flight at a time.

    A task that is lost, as with a worker of a cluster, is submitted once more as `again` of it: an
    equal task would be answered with the stored loss by a cluster that identifies work by its
    arguments. Raise KeyboardInterrupt after Ctrl-C, between two results.
    """
    waiting: deque[tuple[Task, bool, Future[Found]]] = deque()
    left = iter(tasks)
    with _ctrl_c() as pressed:
        try:
            for _ in count():
                while len(waiting) < IN_FLIGHT:
                    try:
                        task = next(left)
                    except StopIteration:
                        break
                    waiting.append((task, False, executor.submit(work, task)))
                if not waiting:
                    return
                task, repeated, first = waiting[0]
                while not pressed() and not wait([first], POLL_INTERVAL).done:
                    pass
                if pressed():
                    raise KeyboardInterrupt
                lost = first.cancelled() or first.exception() is not None
                if lost and not repeated:
                    task = again(task)
                    waiting[0] = task, True, executor.submit(work, task)
                    continue
                waiting.popleft()
                yield first.result()
        finally:
            for _, _, future in waiting:
                future.cancel()


@contextmanager
def _ctrl_c() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed.

    Without this, the interrupt could come between writing a chunk's events and adding its counts.
    """
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
