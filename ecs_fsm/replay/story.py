"""The story of each server in sentences with times, for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, bracketed
from ecs_fsm.io.console import visible
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.record import Record
from ecs_fsm.records.times import LIKE_A_DATE, iso
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.contradictions import Contradiction
from ecs_fsm.replay.forms import Form, TableForm, counted, others, overdue_lines, span
from ecs_fsm.replay.overdue import Overdue

FEW_SERVERS, FEW_CHANGES = 5, 100
"""Up to these numbers a terminal shows the story instead of the table."""


class StoryForm(Form):
    """Sentences for each server, kept until the record has ended."""

    def __init__(self, out: IO[str], lifecycle: Lifecycle) -> None:
        super().__init__(out)
        self._lifecycle = lifecycle
        self._changes: dict[str | None, list[Explanation]] = {}

    def change(self, change: Explanation) -> None:
        """Keep a change."""
        self._changes.setdefault(change.after.server, []).append(change)

    def end(self, late: Sequence[Overdue], contradictions: Sequence[Contradiction]) -> None:
        """Write the sentences of each server, what contradicts them, and what is overdue."""
        thing = self._lifecycle.table.thing
        for server, changes in self._changes.items():
            self.out.write(f"{thing if server is None else visible(server)}\n")
            self.out.writelines(f"  {sentence}\n" for sentence in self._sentences(changes))
        for contradiction in contradictions:
            self.out.write(f"CONTRADICTED: {contradiction}\n")
        for one in late:
            self.out.writelines(f"{text}\n" for text in overdue_lines(one))
        self.out.write(f"{self.verdict(late)}\n")

    def _sentences(self, changes: Sequence[Explanation]) -> Iterator[str]:
        parts: list[str] = []
        day = ""
        for number, change in enumerate(changes):
            after = changes[number + 1] if number + 1 < len(changes) else None
            begins = any(self._kind(event) is Kind.REQUEST for event in change.events or ())
            at = change.after.time
            if parts and (begins or change.events is None):
                yield "; ".join(parts)
                parts = []
            if not parts and at is not None:
                today = iso(at)[:10] if abs(at) >= LIKE_A_DATE else ""
                if today != day:
                    yield today
                    day = today
            clock = moment(at)
            said = [part for part in (*self._said(change), self._shows(change, after)) if part]
            parts += [f"{clock} {said[0]}".lstrip(), *said[1:]] if not parts else said
            if change.events is None or self._at_rest(change.after):
                yield "; ".join(parts)
                parts = []
        if parts:
            yield "; ".join(parts)

    def _said(self, change: Explanation) -> Iterator[str]:
        """The events of a change in words, without those that only go on."""
        action = change.after.action
        if not change.after.shown and action is not None:
            yield f"{visible(action.word)} requested"
            failures = (f"({e})" for e in change.events or () if self._kind(e) is Kind.FAILURE)
            failed = " ".join(("FAILED", *failures))
            yield {None: "no end recorded", True: failed, False: "done"}[action.failed]
            return
        if change.events is None:
            yield f"NOT EXPLAINED: {change.reason}"
            return
        for event in change.events:
            kind = self._kind(event)
            if event == self._lifecycle.advance:
                continue
            if kind is Kind.REQUEST:
                yield f"{event} requested"
            elif change.of:
                yield f"{event} of {change.of}"
            else:
                yield f"FAILED ({event})" if kind is Kind.FAILURE else event
        if change.facts:
            yield f"unusual: {bracketed(change.facts)[1:-1]}"
        if change.others:
            events = counted(change.events) or "the same event goes on"
            yield f"{events}{others(change)}"
        if not change.settled:
            yield "not settled"

    def _shows(self, change: Explanation, after: Explanation | None) -> str:
        """What the server shows then: a step and how long it took, or a state and since when."""
        row = change.after
        if not row.shown:
            return "" if row.action is None or row.action.finished is None else _lasted(row)
        if row.state is None or self._lifecycle.rests(row.state):
            word = row.state.vm_state if row.state else str(row)
            return f"{word} at {moment(row.time)}" if row.time is not None else str(word)
        step = row.state.step.replace("-", " ").replace("_", " ").strip() or str(row.state)
        if after is None or row.time is None or after.after.time is None:
            return step
        return f"{step} for {span(after.after.time - row.time)}"

    def _kind(self, event: str) -> Kind | None:
        found = self._lifecycle.triggers.get(event)
        return found.kind if found else None

    def _at_rest(self, row: Observation) -> bool:
        return row.state is None or self._lifecycle.rests(row.state)


class TerminalForm(Form):
    """The story where servers are few, else the table."""

    def __init__(self, out: IO[str], lifecycle: Lifecycle) -> None:
        super().__init__(out)
        self._lifecycle = lifecycle
        self._first: list[Explanation] = []
        self._servers: set[str | None] = set()
        self._table: TableForm | None = None

    def change(self, change: Explanation) -> None:
        """Keep a change, or write it where there are many."""
        if self._table is not None:
            self._table.add(change)
            return
        self._first.append(change)
        self._servers.add(change.after.server)
        if len(self._servers) > FEW_SERVERS or len(self._first) > FEW_CHANGES:
            self._table = TableForm(self.out)
            _add_all(self._table, self._first)
            self._first.clear()

    def end(self, late: Sequence[Overdue], contradictions: Sequence[Contradiction]) -> None:
        """Write the story, or the end of the table."""
        form: Form | None = self._table
        if form is None:
            form = StoryForm(self.out, self._lifecycle)
            _add_all(form, self._first)
        form.end(late, contradictions)

    def head(self, record: Record) -> str:
        """Return what comes before all."""
        return f"{record}\n"


def _add_all(form: Form, changes: Iterable[Explanation]) -> None:
    for change in changes:
        form.add(change)


def _lasted(row: Observation) -> str:
    finished = row.action.finished if row.action else None
    if finished is None or row.time is None:
        return ""
    return f"took {span(finished - row.time)}"


def moment(time: float | None) -> str:
    """Return the time of a day, or seconds where the record counts from 0; empty for none."""
    if time is None:
        return ""
    if abs(time) < LIKE_A_DATE:
        return f"{time:g} s"
    clock = iso(round(time))[11:19]
    return clock.removesuffix(":00")
