"""Runs an existing wait loop, unchanged, against everything that a server may answer.

A `Polling` is one run of an operation and the states that are polled. Its `FakeServer` is a
callable that answers each poll as the lifecycle's API does. Nothing sleeps, and a loop that still
polls long after the end is stopped.

>>> from ecs_fsm.testing import pollings, try_out
>>> def our_loop(get_server):
...     while (status := get_server()["status"]) != "VERIFY_RESIZE":
...         if status == "ERROR":
...             raise RuntimeError("the resize failed")
>>> found = try_out(our_loop, pollings("resize", from_="stopped/-"))
>>> print(found[0].fault, "in", found[0].polling)
hangs in stopped/- —resize→ stopped/resize_prep —roll_back→ stopped/-, seen: all

With pytest, each polling can be a test of its own:

    @pytest.mark.parametrize("polling", pollings("resize", from_="stopped/-"), ids=lambda p: p.id)
    def test_our_loop_waits_for_a_resize(polling):
        assert polling.fault(our_loop, failures=OurError) is None
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any, NamedTuple

from ecs_fsm.core.answers import api_attributes
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.waiters.findings import run_in_words
from ecs_fsm.waiters.judge import GONE, FindingKind, broken
from ecs_fsm.waiters.runs import OperationRun, Runs, runs_of
from ecs_fsm.waiters.waiter import Words, facts_of, listed

BOUND = 10
"""Polls of the last state after which a loop counts as waiting forever."""
ID = "00000000-0000-4000-8000-000000000000"

Failures = type[Exception] | tuple[type[Exception], ...]


class Gone(Exception):
    """The answer 404: the server is deleted."""


class StillWaiting(BaseException):
    """A loop waits forever. A `BaseException`, so that the loop's own handlers do not catch it."""


class Answer(dict[str, Any]):
    """A server in the form of its API; the keys are attributes as well."""

    def __getattr__(self, name: str) -> Any:
        """Return the value of the key `name`, with or without the API's prefix."""
        for key in (name, f"OS-EXT-STS:{name}"):
            if key in self:
                return self[key]
        raise AttributeError(f"the answer has no {name}, only {', '.join(self)}")


class FakeServer:
    """A `get_server` that answers from one polling and ignores its arguments.

    After the polled states it answers with the last one, at most `bound` times; then it raises
    `StillWaiting`. For a deleted server it raises the result of `gone()`. `place` is the index of
    the last answer in the run, -1 before the first one.
    """

    def __init__(
        self, polling: Polling, gone: Callable[[], Exception] = Gone, bound: int = BOUND
    ) -> None:
        self.place = -1
        self._ahead = list(polling.places)
        self._states: list[State | None] = [node.state for node in polling.run.nodes]
        self._states += [None] * polling.run.gone
        self._lifecycle = polling.lifecycle
        self._gone = gone
        self._left = bound

    def __call__(self, *args: object, **kwargs: object) -> Answer:
        """Return the next answer."""
        if self._ahead:
            self.place = self._ahead.pop(0)
        elif self._left > 0:
            self.place = len(self._states) - 1
            self._left -= 1
        else:
            raise StillWaiting("the loop polls the last state again and again without an end")
        state = self._states[self.place]
        if state is None:
            raise self._gone()
        shown = api_attributes(state, self._lifecycle.table.attributes)
        return Answer({"id": ID, "name": self._lifecycle.table.thing} | shown)


class Polling(NamedTuple):
    """A run, the indexes of its polled states, and the finding if a loop then waits forever."""

    run: OperationRun
    places: tuple[int, ...]
    for_ever: FindingKind
    lifecycle: Lifecycle = ECS

    def __str__(self) -> str:
        nodes = self.run.nodes
        seen = [nodes[n].state if n < len(nodes) else GONE for n in self.places]
        whole = len(self.places) == len(nodes) + self.run.gone > 1
        shown = "all" if whole else ", ".join(seen)
        return f"{run_in_words(self.run)}, seen: {shown}"

    @property
    def id(self) -> str:
        """The polling in ASCII, as the id of a test."""
        return str(self).replace("—", "-").replace("→", "->")

    def server(self, gone: Callable[[], Exception] = Gone, bound: int = BOUND) -> FakeServer:
        """Return a new `get_server` that answers from this polling."""
        return FakeServer(self, gone, bound)

    def fault(
        self,
        wait: Callable[[FakeServer], object],
        *,
        failures: Failures = Exception,
        gone: Callable[[], Exception] = Gone,
        bound: int = BOUND,
    ) -> FindingKind | None:
        """Run a loop with this polling's `get_server` and return what is wrong with it, or None.

        The loop reports success by returning and failure by raising one of `failures`. Any other
        exception is raised here.
        """
        server = self.server(gone, bound)
        try:
            with sleepless():
                wait(server)
        except StillWaiting:
            return self.for_ever
        except failures:
            return FindingKind.SPURIOUS_FAILURE if self.run.succeeded else None
        if not self.run.succeeded:
            return FindingKind.FALSE_SUCCESS
        return FindingKind.LEAVES_EARLY if server.place < len(self.run.nodes) - 1 else None


class Tried(NamedTuple):
    """Something wrong with a loop and the polling that shows it, None for all pollings together."""

    fault: FindingKind
    polling: Polling | None


def pollings(
    operation: str,
    *,
    from_: Words = (),
    remember: Mapping[str, str] | Words = (),
    lifecycle: Lifecycle = ECS,
) -> list[Polling]:
    """Return pollings that show everything that can be wrong with a loop.

    For the shortest run through each state to each end there are three: one polls every state, one
    this state and the end, one only the end. A loop decides at the first state that it polls, so
    longer pollings would show nothing else. `from_` and `remember` select the starts, as in
    `ecs_fsm.waiters.Waiter`.
    """
    runs = runs_of(lifecycle, operation, listed(from_), facts_of(remember))
    found: dict[tuple[object, ...], Polling] = {}
    for run, place in _runs(runs):
        states = tuple(node.state for node in run.nodes)
        end = len(states) if run.gone else len(states) - 1
        for places in (tuple(range(end + 1)), (place,), (end,)):
            seen = tuple((*states, GONE)[n] for n in places)
            made = Polling(run, places, _waiting_forever(runs, run), lifecycle)
            found.setdefault((seen, states[-1], run.succeeded), made)
    return list(found.values())


def try_out(
    wait: Callable[[FakeServer], object],
    pollings: Iterable[Polling],
    *,
    failures: Failures = Exception,
    gone: Callable[[], Exception] = Gone,
    bound: int = BOUND,
) -> list[Tried]:
    """Return everything that is wrong with a loop in the given pollings; see `Polling.fault`."""
    found, succeeds = [], False
    for polling in pollings:
        fault = polling.fault(wait, failures=failures, gone=gone, bound=bound)
        if fault:
            found.append(Tried(fault, polling))
        succeeds |= fault in (FindingKind.LEAVES_EARLY, FindingKind.FALSE_SUCCESS)
        succeeds |= fault is None and polling.run.succeeded
    return found if succeeds else [Tried(FindingKind.NEVER_SUCCEEDS, None), *found]


def _runs(runs: Runs) -> Iterator[tuple[OperationRun, int]]:
    """Yield the shortest run to each end through every position, with the index of the position."""
    for succeeding in (True, False):
        for position in runs.positions:
            if runs.length(position, succeeding=succeeding) is not None:
                yield runs.through(position, succeeding=succeeding)


def _waiting_forever(runs: Runs, run: OperationRun) -> FindingKind:
    """Return the finding for a loop that waits forever at the end of a run."""
    if run.succeeded:
        return FindingKind.MISSES
    return FindingKind.BLIND if run.nodes[-1].state in broken(runs.lifecycle) else FindingKind.HANGS


@contextmanager
def sleepless(*modules: ModuleType) -> Iterator[None]:
    """Make `time.sleep` return at once in this thread; other threads sleep as usual.

    `modules` are those that imported `sleep` from `time` by name. A loop that pauses in another way
    (an event, asyncio) needs an interval of 0.
    """
    from unittest.mock import patch

    here, real = threading.get_ident(), time.sleep

    def sleep(seconds: float) -> None:
        if threading.get_ident() != here:
            real(seconds)

    with ExitStack() as stack:
        for module in (time, *modules):
            stack.enter_context(patch.object(module, "sleep", sleep))
        yield
