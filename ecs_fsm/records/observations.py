"""What one row of a record says: what was seen of a server, or done to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ecs_fsm.core.model import NO_TASK, State


class ActionStep(NamedTuple):
    """One step of an action, as the cloud timed it: seconds since 1970, None where not known.

    `tasks` are the task_states that it covers in the lifecycle, `failed` is None while it runs.
    """

    word: str
    tasks: tuple[str, ...] = ()
    began: float | None = None
    finished: float | None = None
    failed: bool | None = None
    host: str | None = None


class RecordedAction(NamedTuple):
    """What a record names as done to a server: the cloud's word, and what it may mean.

    `operations` are triggers of the lifecycle, the first the most usual; none for what changes
    nothing that a server shows. `failed` is None where the record does
    not say how it ended, or not yet. It begins at the time of its row. `shows_end` is false where
    the record would not say that it has ended.
    """

    word: str
    operations: tuple[str, ...] = ()
    failed: bool | None = None
    finished: float | None = None
    request: str | None = None
    steps: tuple[ActionStep, ...] = ()
    shows_end: bool = True


class Observation(NamedTuple):
    """One row of a record: what was seen of a server, or done to it.

    `shown` has vm_state, task_state and status where the pair is known; status and task_state, or
    status, where only these are known and several pairs fit; nothing in a row about an action.
    `wrong` says in what a row of known words contradicts the table, `state` is None where its pair
    does not occur or is not known. `others` are the other columns of the row, among them the one
    that names its `server`, None where the recording names none. `time` is in seconds since 1970;
    `updated` is the time of the last write before, where the row has both.
    `before` is the state before, where the record names it: a reader gives it as a row of its own.
    """

    shown: Mapping[str, str | None]
    state: State | None
    wrong: str | None
    others: Mapping[str, object] = {}
    server: str | None = None
    time: float | None = None
    updated: float | None = None
    host: str | None = None
    action: RecordedAction | None = None
    before: Observation | None = None

    def fits(self, state: State) -> bool:
        """Return whether a server in `state` can show this row."""
        if "vm_state" in self.shown or state.one_word:
            return state == self.state
        same_task = "task_state" not in self.shown or self.shown["task_state"] == state.task_state
        return same_task and self.shown.get("status") == state.status

    def as_dict(self) -> dict[str, object]:
        """What it shows, with the other columns of its row."""
        return {**self.others, **self.shown}

    def __str__(self) -> str:
        if self.state is not None and self.state.one_word:
            return str(self.state)
        first = self.shown.get("vm_state") or self.shown.get("status")
        if "task_state" in self.shown:
            task = self.shown["task_state"] or NO_TASK
            return f"{first}/{task}" if first else task
        return str(first)
