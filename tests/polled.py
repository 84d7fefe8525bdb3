"""Random waiters, and what they do at a value."""

from __future__ import annotations

from hypothesis import strategies as st

from ecs_fsm import Lifecycle
from ecs_fsm.waiters import Waiter
from ecs_fsm.waiters.judge import NAMES, find_attribute
from ecs_fsm.waiters.starts import all_starts


def places(lifecycle: Lifecycle, operation: str) -> list[str]:
    starts = all_starts(lifecycle, operation)
    return [start.full_name for start in starts if not start.rare and not start.repeated]


@st.composite
def waiters(draw: st.DrawFn, lifecycle: Lifecycle, operations: tuple[str, ...]) -> Waiter:
    operation = draw(st.sampled_from(operations))
    attribute = draw(st.sampled_from(NAMES))
    known = list(find_attribute(lifecycle, attribute).values)
    chosen = draw(st.lists(st.sampled_from(known), min_size=1, unique=True))
    cuts = sorted(draw(st.tuples(*[st.integers(0, len(chosen) - 1)] * 2)))
    target, failure, pending = (
        chosen[: cuts[0] + 1],
        chosen[cuts[0] + 1 : cuts[1] + 1],
        chosen[cuts[1] + 1 :],
    )
    starts = draw(st.lists(st.sampled_from(places(lifecycle, operation)), min_size=1, max_size=3))
    return Waiter(
        operation,
        target,
        pending=draw(st.sampled_from([None, pending])),
        failure=failure,
        attribute=attribute,
        from_=starts,
        lifecycle=lifecycle,
    )


def meant(waiter: Waiter, value: str) -> str:
    if value in waiter.target:
        return "success"
    if value in waiter.failure or (waiter.pending is not None and value not in waiter.pending):
        return "failure"
    return "go on"
