"""Writes what a watch saw as a record that `replay` and `fleet fit` read.

A row says what a server showed at the time of a poll. There is one for each change, with one before
it of the last poll that showed the state before, and at each full list one for each server that is
not at rest; so the record shows how long everything took without a row for each server and poll.
"""

from __future__ import annotations

import json
from typing import TextIO

from ecs_fsm.core.model import State
from ecs_fsm.io.console import visible_json
from ecs_fsm.monitor.polling import CloudPoll
from ecs_fsm.monitor.tracking import Tracking
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.times import iso

KEYS = {
    "status": "status",
    "vm_state": "OS-EXT-STS:vm_state",
    "task_state": "OS-EXT-STS:task_state",
}


class Recorder:
    """Appends rows to a file; `begin` and `end` stand around the taking in of each poll."""

    def __init__(self, out: TextIO, tracking: Tracking) -> None:
        self._out, self._tracking = out, tracking
        self._rows: dict[str, Observation] = {}

    def begin(self) -> None:
        """Note what was known before a poll."""
        self._rows = {s: one.standing.row for s, one in self._tracking.servers.items()}

    def end(self, poll: CloudPoll, last: float | None) -> None:
        """Write what a poll brought; `last` is the time of the poll before."""
        now = self._tracking.servers
        for server, one in now.items():
            before = self._rows.get(server)
            if before is one.standing.row:
                if poll.full and self._works(one.standing.states):
                    self._write(before, poll.at)
                continue
            self._write_last(before, last)
            self._write(one.standing.row, poll.at)
        for server, before in self._rows.items():
            if server not in now:
                self._write_last(before, last)
                self._write_gone(before, poll.at)
        self._out.flush()

    def close(self) -> None:
        """Write once more what is not at rest, and close the file."""
        at = self._tracking.at
        if at is not None:
            for standing in self._tracking.standing():
                self._write(standing.row, at)
        self._out.close()

    def _works(self, states: tuple[State, ...]) -> bool:
        return not any(map(self._tracking.lifecycle.rests, states))

    def _write_last(self, before: Observation | None, last: float | None) -> None:
        if before is not None and last is not None and before.time != last:
            self._write(before, last)

    def _write_gone(self, before: Observation, at: float) -> None:
        for state in self._tracking.lifecycle.states.values():
            if not self._tracking.lifecycle.leaving(state):
                shown = {key: word for key, word in state.as_dict().items() if key in before.shown}
                self._write(before._replace(shown=shown), at)
                return

    def _write(self, row: Observation, at: float) -> None:
        words = {KEYS[key]: word for key, word in row.shown.items() if key in KEYS}
        fields = {
            "time": iso(at),
            **row.others,
            "status": None,
            **words,
            "OS-EXT-SRV-ATTR:host": row.host,
            "updated": None if row.updated is None else iso(row.updated),
        }
        self._out.write(visible_json(json.dumps(fields, ensure_ascii=False)) + "\n")
