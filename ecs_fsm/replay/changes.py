"""An observed change with the events that explain it, and where a server stands at the end."""

from __future__ import annotations

from typing import NamedTuple

from ecs_fsm.core.model import Facts, State
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.shares import Other


class Explanation(NamedTuple):
    """An observed change and the events that cause it.

    `events` is empty where an event goes on, None where nothing explains the change; `reason` says
    why then. `facts` are those that decided the events, `others` other ways with their shares, the
    likeliest first. `settled` is false where later rows could still decide for another way. `of` is
    the operation whose step makes a late write.
    """

    before: Observation | None
    after: Observation
    events: tuple[str, ...] | None
    facts: Facts = ()
    others: tuple[Other, ...] = ()
    reason: str | None = None
    settled: bool = True
    of: str | None = None


class Standing(NamedTuple):
    """Where a server stands when its record ends.

    `row` was the first to show it, at its time; `left` is the time of the last row that showed
    something else, None where there was none. `states` are those that it can be in.
    """

    row: Observation
    left: float | None
    states: tuple[State, ...]

    @property
    def begun(self) -> float | None:
        """The earliest time at which it stood there for sure: of the last write, where known."""
        row = self.row
        if row.time is None or row.updated is None:
            return row.time
        return row.updated if (self.left or row.updated) <= row.updated < row.time else row.time


class ExplainedChange:
    """How a change of any server is explained: `change` names none, and has no time.

    `steps` are the operations that a late write can be of, `events` what happened, a character for
    each. `server` is the first to which an unexplained change happened. `text` and `json` are for
    forms: a line, and the object's parts behind the columns of the row before and of the row.
    """

    __slots__ = ("change", "events", "json", "server", "steps", "text")

    def __init__(self, change: Explanation, events: str = "", steps: tuple[str, ...] = ()) -> None:
        self.change, self.events, self.steps = change, events, steps
        self.text: str | None = None
        self.json = "", ""
        self.server: str | None = None


class ExplainedChanges(NamedTuple):
    """Changes with their servers, in the order in which they are decided.

    Where a form asks for rows, the last three have the other columns of the row before (None for
    none), and the time and the other columns of the row, all as JSON (`RowBlock.columns`).
    """

    servers: list[str | None]
    explained: list[ExplainedChange]
    before: list[str | None]
    times: list[str]
    after: list[str]

    @classmethod
    def none(cls) -> ExplainedChanges:
        """Return lists to add to."""
        return cls([], [], [], [], [])
