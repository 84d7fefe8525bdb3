"""What a record names as done to a server, held against the story of what was seen of it.

An action that failed where the story has no failure, one of another kind, or one that a complete
record does not show is named; the story stays as the states give it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind
from ecs_fsm.records.observations import Observation, RecordedAction
from ecs_fsm.records.times import for_a_reader, iso
from ecs_fsm.replay.changes import Explanation

SLACK = 2.0
"""Seconds by which the clock of an action and that of the states may differ."""
MOST_HELD = 1000
"""Actions, and requests of the story, that are kept for each server at most."""


class Contradiction(NamedTuple):
    """An action, and what the story has instead."""

    server: str | None
    at: float
    action: str
    failed: bool | None
    story: str

    def as_dict(self) -> dict[str, object]:
        """Return `{"server", "at", "action", "failed", "story"}`."""
        return {
            "server": self.server,
            "at": iso(self.at),
            "action": self.action,
            "failed": self.failed,
            "story": self.story,
        }

    def __str__(self) -> str:
        outcome = {None: "", True: ", which failed", False: ", which was done"}[self.failed]
        who = "" if self.server is None else f"{self.server}  "
        return f"{who}{self.action} at {for_a_reader(self.at)}{outcome}: {self.story}"


class _Action(NamedTuple):
    time: float
    action: RecordedAction


class _Requested(NamedTuple):
    """A request in the story: when it can have been made, and whether its way had a failure."""

    earliest: float
    latest: float
    operation: str
    failed: bool


class Evidence:
    """Collects actions and the story, server by server."""

    def __init__(self, lifecycle: Lifecycle, *, sampled: bool) -> None:
        self._lifecycle = lifecycle
        self._sampled = sampled
        self._actions: dict[str | None, dict[str, _Action]] = {}
        self._story: dict[str | None, deque[_Requested]] = {}
        self._seen: dict[str | None, tuple[float, float]] = {}

    def row(self, row: Observation) -> None:
        """Hear of a row."""
        if row.time is None:
            return
        if row.shown:
            first, _ = self._seen.get(row.server, (row.time, row.time))
            self._seen[row.server] = first, row.time
        action = row.action
        if action is None or not action.operations:
            return
        held = self._actions.setdefault(row.server, {})
        key = f"{action.word} {action.request or len(held)}"
        begun = held.get(key)  # an action's end comes in a row of its own
        held[key] = _Action(begun.time if begun else row.time, action)
        if len(held) > MOST_HELD:
            del held[next(iter(held))]

    def change(self, change: Explanation) -> None:
        """Hear of a change of the story."""
        before, after = change.before, change.after
        if change.events is None or not after.shown or after.time is None:
            return
        story = self._story.setdefault(after.server, deque(maxlen=MOST_HELD))
        earliest = after.time
        if self._sampled and before is not None and before.time is not None:
            earliest = before.time
        for event in change.events:
            kind = self._lifecycle.triggers[event].kind if event in self._lifecycle.triggers else ""
            if kind is Kind.REQUEST:
                story.append(_Requested(earliest, after.time, event, failed=False))
            elif kind is Kind.FAILURE and story:
                story[-1] = story[-1]._replace(failed=True)

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield what contradicts the story, in the order of time for each server."""
        for server, held in self._actions.items():
            story = self._story.get(server, ())
            first, last = self._seen.get(server, (0.0, -1.0))
            for time, action in sorted(held.values(), key=itemgetter(0)):
                if first <= time <= last:
                    against = self._against(time, action, story)
                    if against:
                        yield Contradiction(server, time, action.word, action.failed, against)

    def _against(
        self, time: float, action: RecordedAction, story: Iterable[_Requested]
    ) -> str | None:
        near = [r for r in story if r.earliest - SLACK <= time <= r.latest + SLACK]
        same = [r for r in near if r.operation in action.operations]
        if same:
            failures = {requested.failed for requested in same}
            if action.failed is not None and action.failed not in failures:
                name = same[0].operation
                outcome = "without a failure" if action.failed else "with a failure"
                return f"the story names {name} {outcome}"
            return None
        if near:
            return f"the story names {', '.join(dict.fromkeys(r.operation for r in near))}"
        unseen = all(self._lifecycle.triggers[name].unseen for name in action.operations)
        if self._sampled or unseen or action.failed:
            return None  # it can have come and gone between two rows, or changed nothing
        return "the story does not name it"
