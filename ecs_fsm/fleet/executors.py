"""Executors of chunks: threads of this process, or a Dask cluster; and their results in order.

A cluster needs the extra `ecs-fsm[dask]` here and `ecs-fsm[fleet]` on its workers.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import count
from threading import current_thread, main_thread
from typing import TypeVar

from ecs_fsm.core.errors import InvalidInput, require

Task = TypeVar("Task")
Found = TypeVar("Found")

CONNECTION_TIMEOUT = 4
"""Seconds to wait for a scheduler."""
IN_FLIGHT = 16
"""Tasks that an executor has at a time, so that memory stays bounded."""
POLL_INTERVAL = 0.2
"""Seconds between two checks for Ctrl-C while a task is waited for."""


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
