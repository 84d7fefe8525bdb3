"""Runs somebody's own waiting code, unchanged, against everything that a server may answer.

A `Polling` is one run of an operation and what is seen of it; its `FakeServer` is a callable that
answers, poll after poll, as the compute API does. Nothing sleeps: a waiter that still polls long
after the end is stopped.

>>> from ecs_fsm.testing import pollings, try_out
>>> def our_loop(get_server):
...     while (status := get_server()["status"]) != "VERIFY_RESIZE":
...         if status == "ERROR":
...             raise RuntimeError("the resize failed")
>>> found = try_out(our_loop, pollings("resize", from_="stopped/-"))
>>> print(found[0].fault, "in", found[0].polling)
hangs in stopped/- —resize→ stopped/resize_prep —roll_back→ stopped/-, seen: all

With pytest, each polling can be a test of its own:

    @pytest.mark.parametrize("polling", pollings("resize", from_="stopped/-"), ids=str)
    def test_our_loop_waits_for_a_resize(polling):
        assert polling.fault(our_loop, failures=OurError) is None
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.core.server import API_STATUS, API_TASK_STATE, API_VM_STATE
from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.waiters.findings import run_in_words
from ecs_fsm.waiters.judge import GONE, FindingKind, broken
from ecs_fsm.waiters.runs import OperationRun, Runs, runs_of
from ecs_fsm.waiters.waiter import Words, facts_of, listed

BOUND = 10
"""Polls of the end after which a waiter is taken to go on for ever."""
ID = "00000000-0000-4000-8000-000000000000"

Failures = type[Exception] | tuple[type[Exception], ...]


class Gone(Exception):
    """The answer 404: there is no such server any more."""


class StillWaiting(BaseException):
    """A waiter goes on for ever. It is no `Exception`, so no loop's own handling swallows it."""


class Answer(dict[str, str | None]):
    """A server as the compute API answers; its attributes are there under their usual names too."""

    def __getattr__(self, name: str) -> str | None:
        """The attribute of that name, or of that name with the API's prefix."""
        for key in (name, f"OS-EXT-STS:{name}"):
            if key in self:
                return self[key]
        raise AttributeError(f"the answer has no {name}, only {', '.join(self)}")


class FakeServer:
    """A `get_server` that answers from one polling; what it is called with does not matter.

    Once all is seen that the polling shows, it answers with the end again and again, at most
    `bound` times; then it raises `StillWaiting`. Of a server that is gone it raises what `gone`
    makes. `place` is that of the last answer in the run, -1 before the first.
    """

    def __init__(
        self, polling: Polling, gone: Callable[[], Exception] = Gone, bound: int = BOUND
    ) -> None:
        self.place = -1
        self._ahead = list(polling.places)
        self._states: list[State | None] = [node.state for node in polling.run.nodes]
        self._states += [None] * polling.run.gone
        self._gone = gone
        self._left = bound

    def __call__(self, *args: object, **kwargs: object) -> Answer:
        """The next answer."""
        if self._ahead:
            self.place = self._ahead.pop(0)
        elif self._left > 0:
            self.place = len(self._states) - 1
            self._left -= 1
        else:
            raise StillWaiting("the end was polled again and again, and nothing was reported")
        state = self._states[self.place]
        if state is None:
            raise self._gone()
        shown = state.as_dict()
        return Answer(
            {
                "id": ID,
                "name": "server",
                API_STATUS: shown["status"],
                API_VM_STATE: shown["vm_state"],
                API_TASK_STATE: shown["task_state"],
            }
        )


class Polling(NamedTuple):
    """A run, the places in it that are seen before its end, and what it means to wait for ever."""

    run: OperationRun
    places: tuple[int, ...]
    for_ever: FindingKind

    def __str__(self) -> str:
        nodes = self.run.nodes
        seen = [nodes[n].state if n < len(nodes) else GONE for n in self.places]
        whole = len(self.places) == len(nodes) + self.run.gone > 1
        shown = "all" if whole else ", ".join(seen)
        return f"{run_in_words(self.run)}, seen: {shown}"

    def server(self, gone: Callable[[], Exception] = Gone, bound: int = BOUND) -> FakeServer:
        """A new `get_server` that answers from this polling."""
        return FakeServer(self, gone, bound)

    def fault(
        self,
        wait: Callable[[FakeServer], object],
        *,
        failures: Failures = Exception,
        gone: Callable[[], Exception] = Gone,
        bound: int = BOUND,
    ) -> FindingKind | None:
        """What is wrong with a waiter that is given this polling's `get_server`, None for nothing.

        It reports success by returning and failure by raising one of `failures`; whatever else it
        raises is raised here.
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
    """A fault of a waiter, and the polling that shows it, None if it is all of them together."""

    fault: FindingKind
    polling: Polling | None


def pollings(
    operation: str,
    *,
    from_: Words = (),
    remember: Mapping[str, str] | Words = (),
    lifecycle: Lifecycle = ECS,
) -> list[Polling]:
    """The runs and pollings that tell waiters apart, each state of a run seen first in one of them.

    Of the shortest run through every state, with every end, there is what is seen of it if nothing
    is missed, if one state alone is seen before the end, and if nothing but the end is. `from_` and
    `remember` choose the starts, as in `ecs_fsm.waiters.Waiter`.
    """
    runs = runs_of(lifecycle, operation, listed(from_), facts_of(remember))
    found: dict[tuple[object, ...], Polling] = {}
    for run, place in _runs(runs):
        states = tuple(node.state for node in run.nodes)
        end = len(states) if run.gone else len(states) - 1
        for places in (tuple(range(end + 1)), (place,), (end,)):
            seen = tuple((*states, GONE)[n] for n in places)
            found.setdefault(
                (seen, states[-1], run.succeeded), Polling(run, places, _for_ever(runs, run))
            )
    return list(found.values())


def try_out(
    wait: Callable[[FakeServer], object],
    pollings: Iterable[Polling],
    *,
    failures: Failures = Exception,
    gone: Callable[[], Exception] = Gone,
    bound: int = BOUND,
) -> list[Tried]:
    """Everything that is wrong with a waiter in the given pollings; see `Polling.fault`."""
    found, succeeds = [], False
    for polling in pollings:
        fault = polling.fault(wait, failures=failures, gone=gone, bound=bound)
        if fault:
            found.append(Tried(fault, polling))
        succeeds |= fault in (FindingKind.LEAVES_EARLY, FindingKind.FALSE_SUCCESS)
        succeeds |= fault is None and polling.run.succeeded
    return found if succeeds else [Tried(FindingKind.NEVER_SUCCEEDS, None), *found]


def _runs(runs: Runs) -> Iterator[tuple[OperationRun, int]]:
    """The shortest run of each kind through every moment, and the place of the moment in it."""
    for succeeding in (True, False):
        for position in runs.positions:
            if runs.length(position, succeeding=succeeding) is not None:
                yield runs.through(position, succeeding=succeeding)


def _for_ever(runs: Runs, run: OperationRun) -> FindingKind:
    """What it is called if a waiter goes on for ever at the end of a run."""
    if run.succeeded:
        return FindingKind.MISSES
    return FindingKind.BLIND if run.nodes[-1].state in broken(runs.lifecycle) else FindingKind.HANGS


@contextmanager
def sleepless(*modules: ModuleType) -> Iterator[None]:
    """While it lasts, `time.sleep` returns at once in this thread; in others it sleeps.

    `modules` are those that have taken `sleep` out of `time` by its name. A loop that pauses in
    another way (an event, asyncio) needs its interval set to nothing.
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
