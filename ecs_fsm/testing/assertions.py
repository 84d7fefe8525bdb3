"""Asserts that a person's own wait loop is right, and gives the story of each run that breaks it.

>>> from ecs_fsm.testing import assert_waits
>>> def our_loop(get_server):
...     while get_server()["status"] != "VERIFY_RESIZE":
...         pass
>>> try:
...     assert_waits(our_loop, "resize")
... except AssertionError as error:
...     print(str(error).splitlines()[0])
our_loop does not wait for resize: 13 of 19 pollings go wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.testing.loops import (
    BOUND,
    Failures,
    FakeServer,
    Gone,
    Polling,
    Tried,
    pollings,
    try_out,
)
from ecs_fsm.waiters.grouping import group_by_start
from ecs_fsm.waiters.judge import FindingKind, Reaction, attribute_names, find_attribute
from ecs_fsm.waiters.runs import runs_of
from ecs_fsm.waiters.waiter import Words, facts_of, listed

MOST_STORIES = 5
CLAIMS = {
    FindingKind.SPURIOUS_FAILURE: "It reports failure, although {operation} succeeds.",
    FindingKind.LEAVES_EARLY: "It reports success, while {operation} still goes on to {end}.",
    FindingKind.FALSE_SUCCESS: "It reports success, although {operation} failed and left {end}.",
    FindingKind.MISSES: "It waits forever, although {operation} succeeds.",
    FindingKind.BLIND: "It waits forever, although {operation} failed and left {end}.",
    FindingKind.HANGS: "It waits forever, although {operation} came to rest at {end}.",
}


def assert_waits(  # noqa: PLR0913 - keyword arguments
    loop: Callable[[FakeServer], object],
    operation: str,
    *,
    from_: Words = (),
    remember: Mapping[str, str] | Words = (),
    lifecycle: Lifecycle = ECS,
    failures: Failures = Exception,
    gone: Callable[[], Exception] = Gone,
    bound: int = BOUND,
    accept: Words = (),
) -> None:
    """Run a loop against every run of an operation that can show whether it waits rightly.

    The loop gets a `get_server`; it reports success by returning and failure by raising one of
    `failures`. Pass over what no loop can see, whatever it polls, and the kinds in `accept`. Raise
    `AssertionError` with what happened in words; parameters are those of `pollings` and `try_out`.
    """
    starts = listed(from_), facts_of(remember)
    polled = pollings(operation, from_=starts[0], remember=dict(starts[1]), lifecycle=lifecycle)
    found = try_out(loop, polled, failures=failures, gone=gone, bound=bound)
    accepted = {*listed(accept)}
    wrong = [
        tried
        for tried in found
        if tried.fault not in accepted
        and (tried.polling is None or not _unseen(tried, lifecycle, operation, starts))
    ]
    if wrong:
        name = getattr(loop, "__name__", type(loop).__name__)
        raise AssertionError("\n".join(_story(name, operation, wrong, len(polled))))


def _unseen(
    tried: Tried,
    lifecycle: Lifecycle,
    operation: str,
    starts: tuple[tuple[str, ...], tuple[tuple[str, str], ...]],
) -> bool:
    """Return whether the best waiter on all attributes goes wrong in the same way."""
    if tried.polling is None:
        return False
    runs = runs_of(lifecycle, operation, *starts)
    attribute = find_attribute(lifecycle, attribute_names(lifecycle)[-1])
    group = group_by_start(runs, attribute)[tried.polling.run.start.full_name]
    run = tried.polling.run
    states = [*(node.state for node in run.nodes), *([None] if run.gone else [])]
    for place in (*tried.polling.places, len(states) - 1):
        match group.reactions[attribute.of(states[place])]:
            case Reaction.SUCCESS if not run.succeeded:
                return tried.fault is FindingKind.FALSE_SUCCESS
            case Reaction.SUCCESS:
                early = place < len(run.nodes) - 1
                return early and tried.fault is FindingKind.LEAVES_EARLY
            case Reaction.FAILURE:
                return run.succeeded and tried.fault is FindingKind.SPURIOUS_FAILURE
    return tried.fault is tried.polling.for_ever


def _story(name: str, operation: str, wrong: Sequence[Tried], polled: int) -> Iterator[str]:
    yield f"{name} does not wait for {operation}: {len(wrong)} of {polled} pollings go wrong."
    shown: dict[tuple[FindingKind, str], Tried] = {}
    for tried in wrong:
        end = "" if tried.polling is None else str(tried.polling.run.nodes[-1].state)
        shown.setdefault((tried.fault, end), tried)
    for number, tried in enumerate([*shown.values()][:MOST_STORIES], start=1):
        yield ""
        if tried.polling is None:
            yield f"{number}. It never reports success, whatever it sees."
            continue
        end = tried.polling.run.nodes[-1].state
        yield f"{number}. {CLAIMS[tried.fault].format(operation=operation, end=end)}"
        yield from _told(tried.polling)
    more = len(shown) - MOST_STORIES
    if more > 0:
        yield f"\n{more} more kinds of runs go wrong."


def _told(polling: Polling) -> Iterator[str]:
    run = polling.run
    yield f"   The server was {run.start.name}."
    for event, node in zip(run.events, run.nodes, strict=True):
        what = f"After {event} it was" if event else "Then it was"
        yield f"   {what} {node.state} ({node.state.status})."
    if run.gone:
        yield "   Then it was gone: 404."
    shown = [
        str(run.nodes[place].state.status) if place < len(run.nodes) else "404"
        for place in polling.places
    ]
    yield f"   The loop polled {', then '.join(shown)}."
    yield f"   Run: {polling.id}"
