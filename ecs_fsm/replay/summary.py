"""A record on one screen: what happened how often, what is unexplained, what is overdue."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import IO, NamedTuple

from ecs_fsm.io.console import visible_json
from ecs_fsm.records.record import Record
from ecs_fsm.replay.changes import ExplainedChange, ExplainedChanges, Explanation
from ecs_fsm.replay.contradictions import Contradiction
from ecs_fsm.replay.forms import Form, line, overdue_lines, span
from ecs_fsm.replay.overdue import Overdue

MOST_KINDS = 10
"""Kinds of events, unexplained changes and overdue steps that are listed, the most frequent."""
MOST_COUNTED = 10_000


class _Found(NamedTuple):
    """How often something was found, and the first of its kind."""

    number: int
    example: Explanation


class SummaryForm(Form):
    """Counts, with one example of each kind of what is not explained."""

    takes_many = True

    def __init__(self, out: IO[str], *, as_json: bool) -> None:
        super().__init__(out)
        self._as_json = as_json
        self._events: Counter[str] = Counter()
        self._ways: dict[tuple[str, ...], int] = {}
        self._told: Counter[ExplainedChange] = Counter()
        self._unexplained: dict[str, _Found] = {}
        self._unsettled = 0
        self._record: dict[str, object] = {}

    def change(self, change: Explanation) -> None:
        """Count a change."""
        self._several(change, 1)

    def tell_many(self, changes: ExplainedChanges) -> None:
        """Count changes."""
        super().tell_many(changes)
        self._told.update(changes.explained)
        if len(self._told) > MOST_COUNTED:
            self._count()

    def _several(self, change: Explanation, times: int) -> None:
        self._unsettled += times * (not change.settled)
        if change.events is not None:
            self._ways[change.events] = self._ways.get(change.events, 0) + times
            if len(self._ways) > MOST_COUNTED:
                self._count_events()
            return
        kind = f"{change.before or '?'} → {change.after}"
        found = self._unexplained.get(kind)
        if found is None and len(self._unexplained) >= MOST_COUNTED:
            kind = "others"
            found = self._unexplained.get(kind)
        count, example = found or (0, change)
        self._unexplained[kind] = _Found(count + times, example)

    def _count(self) -> None:
        for explained, times in self._told.items():
            change = explained.change
            after = change.after._replace(server=explained.server)
            self._several(change._replace(after=after), times)
        self._told.clear()
        self._count_events()

    def _count_events(self) -> None:
        for events, times in self._ways.items():
            for event in events:
                self._events[event] += times
        self._ways.clear()

    def head(self, record: Record) -> str:
        """Return what comes before the counts."""
        if not self._as_json:
            lasted = ""
            if record.first is not None and record.last is not None:
                lasted = f", {span(record.last - record.first)}"
            return f"{record}{lasted}\n"
        head = visible_json(json.dumps(record.as_dict(), ensure_ascii=False))
        return f'{{"record": {head},\n'

    def end(self, late: Sequence[Overdue], contradictions: Sequence[Contradiction]) -> None:
        """Write all."""
        self._count()
        kinds = sorted(self._unexplained.items(), key=lambda item: -item[1].number)
        if self._as_json:
            answer = {
                "changes": self.changes,
                "unsettled": self._unsettled,
                "events": dict(self._events.most_common()),
                "unexplained": [
                    {"kind": kind, "count": found.number, "server": found.example.after.server,
                     "reason": found.example.reason}
                    for kind, found in kinds
                ],
                "overdue": [one.as_dict() for one in late],
                "contradictions": [one.as_dict() for one in contradictions],
                "explained": not self.unexplained,
            }  # fmt: skip
            self.out.write(visible_json(json.dumps(answer, ensure_ascii=False))[1:] + "\n")
            return
        write = self.out.write
        self._write_events()
        for _, (count, example) in kinds[:MOST_KINDS]:
            write(f"{count:>8} {TIMES_NOT_EXPLAINED} {line(example)}\n")
        _more(self.out, len(kinds), "kinds of what is not explained")
        grouped: dict[str, list[Overdue]] = {}
        for one in late:
            grouped.setdefault(str(one.standing.row), []).append(one)
        for several in list(grouped.values())[:MOST_KINDS]:
            first, *ways = overdue_lines(several[0])
            write(f"{len(several):>8} {first}\n")
            write("".join(f"         {way}\n" for way in ways))
        _more(self.out, len(grouped), "steps that are overdue")
        if contradictions:
            write(f"{len(contradictions):>8} CONTRADICTED, such as {contradictions[0]}\n")
        if self._unsettled:
            write(f"{self._unsettled:>8} not settled: later rows could still decide otherwise\n")
        write(f"{self.verdict(late)}\n")

    def _write_events(self) -> None:
        counts = self._events.most_common()
        wide = max((len(event) for event, _ in counts), default=0)
        cells = [f"{times:>8} {event:<{wide}}" for event, times in counts]
        for n in range(0, len(cells), 3):
            self.out.write("".join(cells[n : n + 3]).rstrip() + "\n")


TIMES_NOT_EXPLAINED = "not explained, such as"


def _more(out: IO[str], count: int, what: str) -> None:
    if count > MOST_KINDS:
        out.write(f"         and {count - MOST_KINDS} more {what}\n")
