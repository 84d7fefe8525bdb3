"""The forms of a story: as a table, and as JSON.

A form writes each change as it comes, and at the end what is overdue.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from json.encoder import encode_basestring
from typing import IO, ClassVar

from ecs_fsm.core.model import bracketed
from ecs_fsm.io.console import json_line, visible
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.record import Record
from ecs_fsm.records.times import iso
from ecs_fsm.replay.changes import ExplainedChanges, Explanation
from ecs_fsm.replay.contradictions import Contradiction
from ecs_fsm.replay.explanation import LEAST_SHARE
from ecs_fsm.replay.overdue import Overdue

TIMES = "\N{MULTIPLICATION SIGN}"
MOST_TEXTS = 10_000
"""Lines without their server that are kept at most."""
UNITS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))


class Form(ABC):
    """One form. It writes to `out`, which comes behind what the record is (`head`).

    `complete` says whether the record is read as one without missed states.
    `takes_many` says whether it needs only what a change has in common for all servers
    (`ExplainedChange`), and, where it `shows_rows`, the times and columns of its rows.
    """

    takes_many: ClassVar[bool] = False
    shows_rows: ClassVar[bool] = False

    def __init__(self, out: IO[str]) -> None:
        self.out = out
        self.changes = 0
        self.unexplained = 0
        self.complete = False

    def row(self, row: Observation) -> None:  # noqa: B027  # most forms need no rows
        """Hear of a row, before the changes that it decides."""

    def add(self, change: Explanation) -> None:
        """Write a change."""
        self.changes += 1
        self.unexplained += change.events is None
        self.change(change)

    @abstractmethod
    def change(self, change: Explanation) -> None:
        """Write a change, or keep it for the end."""

    @abstractmethod
    def end(self, late: Sequence[Overdue], contradictions: Sequence[Contradiction]) -> None:
        """Write what comes at the end."""

    def tell_many(self, changes: ExplainedChanges) -> None:
        """Write changes of many servers; only where the form `takes_many`."""
        explained = changes.explained
        self.changes += len(explained)
        unexplained = (one for one in set(explained) if one.change.events is None)
        self.unexplained += sum(explained.count(one) for one in unexplained)

    def head(self, record: Record) -> str:
        """Return what comes before all."""
        return f"{record}\n"

    def verdict(self, late: Sequence[Overdue]) -> str:
        """Return how many changes there were, what is not explained, and what is overdue."""
        verdict = f"{self.unexplained} not explained" if self.unexplained else "all explained"
        more = f", {len(late)} overdue" if late else ""
        if self.unexplained and self.complete:
            more += " (--sampled, if states may have been missed)"
        return f"{self.changes} change{'' if self.changes == 1 else 's'}, {verdict}{more}"


class TableForm(Form):
    """A line for each change, for a person."""

    takes_many = True

    def __init__(self, out: IO[str]) -> None:
        super().__init__(out)
        self._texts: dict[tuple[int, int, int, int, int], tuple[Explanation, str]] = {}

    def change(self, change: Explanation) -> None:
        """Write a line; what is the same for many servers is made once."""
        before, after, events, facts, ways, reason, _, of = change
        if before is None or events is None or of or reason or not after.shown:
            self.out.write(f"{self.changes:>6}  {line(change)}\n")
            return
        key = id(before.shown), id(after.shown), id(events), id(facts), id(ways)
        known = self._texts.get(key)
        if known is None:
            if len(self._texts) > MOST_TEXTS:
                self._texts.clear()
            # The change is kept with its text, so that nothing else has an identity of the key.
            known = self._texts[key] = change, line(change._replace(after=_anonymous(after)))
        server = "" if after.server is None else f"{after.server}  "
        self.out.write(f"{self.changes:>6}  {server}{known[1]}\n")

    def tell_many(self, changes: ExplainedChanges) -> None:
        """Write a line for each change."""
        for one in set(changes.explained):
            if one.text is None:
                one.text = line(one.change)
        pairs = zip(changes.servers, changes.explained, strict=True)
        numbered = enumerate(pairs, start=self.changes + 1)
        self.out.write(
            "".join(
                [
                    f"{n:>6}  {one.text}\n" if server is None else f"{n:>6}  {server}  {one.text}\n"
                    for n, (server, one) in numbered
                ]
            )
        )
        super().tell_many(changes)

    def end(self, late: Sequence[Overdue], contradictions: Sequence[Contradiction]) -> None:
        """Write what is overdue and what contradicts the story, and the verdict."""
        for contradiction in contradictions:
            self.out.write(f"CONTRADICTED: {contradiction}\n")
        for one in late:
            self.out.write("".join(f"{text}\n" for text in overdue_lines(one)))
        self.out.write(f"{self.verdict(late)}\n")


class JsonForm(Form):
    """The answer of `--json`."""

    takes_many = True
    shows_rows = True

    def __init__(self, out: IO[str]) -> None:
        super().__init__(out)
        self._ends: dict[tuple[int, int, int, bool], tuple[Explanation, str]] = {}

    def head(self, record: Record) -> str:
        """Return the begin of the object."""
        head = json_line(record.as_dict())
        return f'{{"record": {head},\n"changes": ['

    def change(self, change: Explanation) -> None:
        """Write a change as an object."""
        comma = "," if self.changes > 1 else ""
        self.out.write(f"{comma}\n  {json_line(_begin(change))[:-1]}, {self._end(change)}")

    def tell_many(self, changes: ExplainedChanges) -> None:
        """Write an object for each change."""
        if not changes.explained:
            return
        for one in set(changes.explained):
            if not any(one.json):
                one.json = _columns_apart(one.change)
        texts: Iterator[str] = (
            f',\n  {{"server": {"null" if server is None else encode_basestring(server)}, '
            f'"at": {time}, "from": '
            f"{'null' if before is None else before}{explained.json[0]}{after}{explained.json[1]}"
            for server, explained, before, time, after in zip(*changes, strict=True)
        )
        if not self.changes:
            texts = chain((next(texts)[1:],), texts)
        self.out.writelines(texts)
        super().tell_many(changes)

    def _end(self, change: Explanation) -> str:
        """The object from the events on; what is the same for many changes is made once."""
        if change.reason is not None or change.of is not None:
            return json_line(_explained(change))[1:]
        key = id(change.events), id(change.facts), id(change.others), change.settled
        known = self._ends.get(key)
        if known is None:
            if len(self._ends) > MOST_TEXTS:
                self._ends.clear()
            known = self._ends[key] = change, json_line(_explained(change))[1:]
        return known[1]

    def end(self, late: Sequence[Overdue], contradictions: Sequence[Contradiction]) -> None:
        """Write what is overdue, and whether everything is explained."""
        self.out.write("\n]" + _listed("overdue", late))
        if contradictions:
            self.out.write(_listed("contradictions", contradictions))
        self.out.write(f', "explained": {json.dumps(not self.unexplained)}}}\n')


def _listed(name: str, entries: Sequence[Overdue] | Sequence[Contradiction]) -> str:
    rows = ",\n  ".join(json_line(entry.as_dict()) for entry in entries)
    return f',\n"{name}": [' + (f"\n  {rows}\n]" if rows else "]")


def _columns_apart(change: Explanation) -> tuple[str, str]:
    """What stands in the object of a change behind the other columns of the first and second row.

    These columns end with the bracket and the comma before what a row shows.
    """
    before = "" if change.before is None else json_line(change.before.as_dict())[1:]
    after = json_line(change.after.as_dict())[1:]
    return f'{before}, "to": ', f"{after}, {json_line(_explained(change))[1:]}"


def _anonymous(row: Observation) -> Observation:
    return row._replace(server=None)


def line(change: Explanation) -> str:
    """Return a change in one line."""
    shown = f"{change.before or '?'} → {change.after}"
    action = change.after.action
    if not change.after.shown and action is not None:
        outcome = {None: "", True: " (failed)", False: " (done)"}[action.failed]
        shown = f"{visible(action.word)}{outcome}"
    server = change.after.server
    head = f"{shown:<72}" if server is None else f"{server}  {shown:<72}"
    if change.events is None:
        return f"{head}  NOT EXPLAINED: {change.reason}"
    events = counted(change.events) or "(the same event goes on)"
    events += f" of {change.of}" if change.of else bracketed(change.facts)
    return f"{head}  {events}{others(change)}"


def others(change: Explanation) -> str:
    """The other ways with their shares, such as ` 97 % (or roll_back 2 %)`."""
    if not change.others:
        return ""
    left = 1 - sum(other.share for other in change.others)
    ways = "; ".join(
        f"{counted(o.events) or '(the same event goes on)'} {_percent(o.share)}"
        for o in change.others
    )
    return f" {_percent(left)} (or {ways})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= LEAST_SHARE else f"{100 * share:.2g} %"


def counted(events: Iterable[str]) -> str:
    """Events in a row, repetitions counted."""
    runs = [(name, sum(1 for _ in members)) for name, members in groupby(events)]
    return " ".join(name if count == 1 else f"{name} {TIMES}{count}" for name, count in runs)


def span(seconds: float) -> str:
    """A time for a reader, in its two largest units.

    >>> span(32), span(138.2), span(21_600)
    ('32 s', '2 min 18 s', '6 h')
    """
    if seconds < UNITS[-1][0]:
        return f"{seconds:.3g} s"
    left, parts = round(seconds), []
    for size, unit in (*UNITS, (1.0, "s")):
        number, left = divmod(left, int(size))
        if number:
            parts.append(f"{number} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def overdue_lines(one: Overdue) -> list[str]:
    """A server that is overdue, in a line, and a line for each way that frees it."""
    row = one.standing.row
    who = "" if row.server is None else f"{row.server}  "
    if one.at_most is None:
        since = f"at least {span(one.at_least)}"
    elif one.at_most == one.at_least:
        since = span(one.at_least)
    else:
        since = f"{span(one.at_least)} to {span(one.at_most)}"
    first = f"OVERDUE: {who}{row} for {since}; limit {span(one.limit)} ({one.limit_from})"
    return [first, *(f"  frees it: {way}" for way in one.frees)]


def as_dict(change: Explanation) -> dict[str, object]:
    """Return a change as `--json` writes it."""
    return {**_begin(change), **_explained(change)}


def _begin(change: Explanation) -> dict[str, object]:
    before, after = change.before, change.after
    return {
        "server": after.server,
        "at": None if after.time is None else iso(after.time),
        "from": before and before.as_dict(),
        "to": after.as_dict() if after.shown else None,
    }


def _explained(change: Explanation) -> dict[str, object]:
    return {
        "events": None if change.events is None else list(change.events),
        "facts": dict(change.facts),
        "or": [
            {"events": list(other.events), "share": round(other.share, 4)}
            for other in change.others
        ],
        "settled": change.settled,
        "reason": change.reason,
        **({"of": change.of} if change.of else {}),
    }
