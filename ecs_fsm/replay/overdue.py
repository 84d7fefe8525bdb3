"""Servers whose step has run longer than its limit: since when, and what frees them.

The limit of a step is a percentile of its time in a profile, or one time for all steps. A server is
overdue where even the shortest time that the record allows is above the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.profiles.durations import Duration
from ecs_fsm.profiles.durations import seconds as seconds_of
from ecs_fsm.replay.changes import Standing
from ecs_fsm.replay.ways_out import Freeing, ways_out

USUAL = "p99"
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,6})?)")
EXPECTED = "expected a percentile such as p99.9, or a time such as 10m"


class Limits:
    """The time that each step may take.

    `source` says in words where the times come from: "built in", or a file.
    """

    def __init__(
        self, durations: Mapping[State, Duration], limit: str | None = None, source: str = ""
    ) -> None:
        self._durations = durations
        self._source = source
        self._found: dict[State, float | None] = {}
        text = (limit or USUAL).strip().lower()
        percentile = _PERCENTILE.fullmatch(text)
        self._name = text
        self._share = float(percentile[1]) / 100 if percentile else None
        self._given: float | None = None
        if percentile is None:
            try:
                self._given = seconds_of(text)
            except InvalidInput:
                raise InvalidInput(f"--overdue {limit!r}: {EXPECTED}") from None
            if self._given == 0:
                raise InvalidInput(f"--overdue {limit!r}: {EXPECTED}, above 0")
        elif not self._share:
            raise InvalidInput(f"--overdue {limit!r}: {EXPECTED}, above p0")

    @property
    def source(self) -> str:
        """Where the limits come from: built in, fitted, or given."""
        if self._share is None:
            return f"given: {self._name} for every step"
        return f"{self._source}: {self._name} of the step"

    def of(self, state: State) -> float | None:
        """Return the limit of a step in seconds, None where none is known."""
        if self._share is None:
            return self._given
        if state not in self._found:
            time = self._durations.get(state)
            self._found[state] = None if time is None else round(time.quantile(self._share), 3)
        return self._found[state]

    def of_any(self, states: Iterable[State]) -> float | None:
        """Return the limit where a server can be in any of several steps, one after the other."""
        if self._share is None:
            return self._given
        found = {state.step: self.of(state) for state in states}
        known = [limit for limit in found.values() if limit is not None]
        return sum(known) if known and len(known) == len(found) else None


class Overdue(NamedTuple):
    """A server whose step has run longer than `limit` seconds.

    It has run at least `at_least` and at most `at_most` seconds; the latter is None where the
    record does not show the begin.
    """

    standing: Standing
    at_least: float
    at_most: float | None
    limit: float
    limit_from: str
    frees: tuple[Freeing, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the entry of the answer in JSON."""
        row = self.standing.row
        shown = dict.fromkeys(("vm_state", "task_state", "status"))
        most = None if self.at_most is None else _short(self.at_most)
        return {
            "server": row.server,
            **shown,
            **row.shown,
            "since": {"at_least": _short(self.at_least), "at_most": most},
            "limit": _short(self.limit),
            "limit_from": self.limit_from,
            "frees": [way.as_dict() for way in self.frees],
        }


def _short(seconds: float) -> float | int:
    rounded = round(seconds, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def overdue(
    lifecycle: Lifecycle, standing: Iterable[Standing], limits: Limits, now: float, *, sampled: bool
) -> Iterator[Overdue]:
    """Yield the servers whose step has run too long at a time, `now`.

    Where the row leaves several states open, it is overdue only if none of them is at rest, and by
    the sum of their limits, as one step may have followed the other.
    """
    for server in standing:
        states = server.states
        begun = server.begun
        if begun is None or not states or any(map(lifecycle.rests, states)):
            continue
        limit = limits.of_any(states)
        if limit is None:
            continue
        least = now - begun
        if least > limit:
            most = None if server.left is None else now - (server.left if sampled else begun)
            frees = dict.fromkeys(way for state in states for way in ways_out(lifecycle, state))
            yield Overdue(server, least, most, limit, limits.source, tuple(frees))
