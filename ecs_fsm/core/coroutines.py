"""Callbacks that are coroutines: they run in the event loop while their event waits in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from inspect import isawaitable
from threading import Thread
from typing import Any, TypeVar

from ecs_fsm.core.machine_model import IN_LOOP

Result = TypeVar("Result")


async def awaited(event: Callable[[], Result]) -> Result:
    """Return what `event` returns; callbacks that it calls meanwhile run in this event loop."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[Result] = loop.create_future()

    def in_loop(callback: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(_called(callback, args, kwargs), loop).result()

        return call

    def finish(result: Result | None, error: BaseException | None) -> None:
        if finished.cancelled():
            return
        if error is None:
            finished.set_result(result)  # type: ignore[arg-type]  # what the event returned
        else:
            finished.set_exception(error)

    def run() -> None:
        IN_LOOP.set(in_loop)
        try:
            result = event()
        except BaseException as error:  # it belongs to the caller
            loop.call_soon_threadsafe(finish, None, error)
        else:
            loop.call_soon_threadsafe(finish, result, None)

    Thread(target=copy_context().run, args=(run,), daemon=True).start()
    return await finished


async def _called(callback: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    IN_LOOP.set(None)  # an event that a callback triggers without awaiting it runs right here
    result = callback(*args, **kwargs)
    return await result if isawaitable(result) else result
