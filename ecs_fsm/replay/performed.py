"""A record of actions alone: each is a change by itself, with what it came to where it failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.records.meanings import failure_words
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.explanation import Explanation
from ecs_fsm.replay.shares import Other


def performed(lifecycle: Lifecycle, rows: Iterable[Observation]) -> Iterator[Explanation]:
    """Yield a change for each action.

    Its events are the operation and, where it failed, the event by which its step fails. An action
    that changes nothing that a server shows has none.
    """
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
        yield Explanation(None, row, events, others=alike)
