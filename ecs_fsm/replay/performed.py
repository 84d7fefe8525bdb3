"""A record of actions alone: each is a change by itself, with what it came to where it failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.records.meanings import failure_words
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.changes import Explanation, Standing
from ecs_fsm.replay.shares import Other

MOST_RUNNING = 100_000
"""Actions without an end that are kept at most."""


def performed(
    lifecycle: Lifecycle, rows: Iterable[Observation], standing: list[Standing] | None = None
) -> Iterator[Explanation]:
    """Yield a change for each action; add those whose end is not recorded to `standing`.

    Its events are the operation and, where it failed, the event by which its step fails. An action
    that changes nothing that a server shows has none. An action that did not fail ends
    the one before.
    """
    running: dict[str | None, tuple[str, Standing]] = {}
    for row in rows:
        if row.action is None:
            continue
        operations = row.action.operations
        events = operations[:1]
        if row.action.failed and operations:
            events += failure_words(lifecycle, row.action)[:1]
        others = operations[1:] if len(events) == 1 else ()
        # Nothing in the record says which of them it was.
        alike = tuple(Other((other,), 1 / len(operations)) for other in others)
        request = row.action.request or row.action.word
        before = running.get(row.server)
        later = not row.action.failed and _has_steps(lifecycle, operations)
        if before and (later or before[0] == request):
            del running[row.server]
        if (under := _running(lifecycle, row)) and len(running) < MOST_RUNNING:
            running[row.server] = request, under
        yield Explanation(None, row, events, others=alike)
    if standing is not None:
        standing += (under for _, under in running.values())


def _has_steps(lifecycle: Lifecycle, operations: Sequence[str]) -> bool:
    return any(lifecycle.triggers[name].steps for name in operations)


def _running(lifecycle: Lifecycle, row: Observation) -> Standing | None:
    """What an action without an end does: the step that has not finished, else its first one."""
    action = row.action
    if action is None or action.failed is not None or not action.operations:
        return None
    if not action.shows_end:
        return None
    steps = lifecycle.triggers[action.operations[0]].steps
    under = next((step for step in reversed(action.steps) if step.finished is None), None)
    begun = row.time
    tasks: tuple[str, ...] = tuple(step.task_state for step in steps[:1] if step.task_state)
    if under is not None and under.began is not None:
        begun, tasks = under.began, under.tasks or tasks
    states = tuple(s for s in steps if s.task_state in tasks and not lifecycle.rests(s))
    if not states or begun is None:
        return None
    shown = {"task_state": states[0].step} if len({s.step for s in states}) == 1 else {}
    seen = row._replace(shown=shown, time=begun, updated=None)
    return Standing(seen, begun, states)
