"""From status to status: what leads from each status at rest to where a server ends.

Read from the lanes: a row of a lane is an operation without disturbance; everything else that
leaves a state of the lane (a failure, a system event, a request over a running step) belongs to the
status at rest of that lane. So every transition of the table that changes a status is in a passage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State, Transition
from ecs_fsm.core.word import Word
from ecs_fsm.draw.rows import Lane, Row, lanes_of, task_of

MOST_LEFT_OUT = 2
"""The most operations that are named as exceptions from all of them."""


ORDER = (Kind.REQUEST, Kind.PROGRESS, Kind.SYSTEM, Kind.FAILURE)
"""The order of entries that lead from one status to another."""


class StatusPassage(NamedTuple):
    """What leads from a status at rest (None: no server yet) to the status where a server ends.

    `passed` are the statuses shown on the way. `during` says which operations' steps it happens in,
    empty at rest.
    """

    name: str
    kind: Kind
    before: Word | None
    passed: tuple[Word, ...]
    after: Word
    during: str
    transitions: tuple[Transition, ...]


class StatusPassages(NamedTuple):
    """Every passage of a lifecycle: by its status at rest, and those from every status alike."""

    before: tuple[Word | None, ...]
    after: tuple[Word, ...]
    each: tuple[StatusPassage, ...]
    everywhere: tuple[StatusPassage, ...]


def passages_of(lifecycle: Lifecycle) -> StatusPassages:
    """Return the passages of a lifecycle; those that all statuses share stand apart."""
    found = [p for lane in lanes_of(lifecycle) for p in _LanePassages(lifecycle, lane).passages()]
    joined = _joined(found)
    before = [
        status for status in lifecycle.table.statuses if any(p.before == status for p in joined)
    ]
    shared = dict(_shared(joined, before))
    each = tuple(p for p in joined if _alike(p) not in shared)
    ends = {p.after for p in joined}
    starts = [None] if any(p.before is None for p in each) else []
    return StatusPassages(
        (*starts, *(b for b in before if any(p.before == b for p in each))),
        tuple(status for status in lifecycle.table.statuses if status in ends),
        each,
        tuple(shared.values()),
    )


def _alike(passage: StatusPassage) -> object:
    return passage.name, passage.passed, passage.after, passage.during, passage.before is None


def _joined(found: Iterable[StatusPassage]) -> list[StatusPassage]:
    """Return passages that read alike as one."""
    by: dict[object, StatusPassage] = {}
    for passage in found:
        key = passage.before, _alike(passage)
        same = by.setdefault(key, passage)
        both = dict.fromkeys((*same.transitions, *passage.transitions))
        by[key] = same._replace(transitions=tuple(both))
    return list(by.values())


def _shared(
    found: Sequence[StatusPassage], before: Sequence[Word]
) -> Iterator[tuple[object, StatusPassage]]:
    """Yield what leads to a status from every other one."""
    groups: dict[object, list[StatusPassage]] = {}
    for passage in found:
        if passage.before is not None:
            groups.setdefault(_alike(passage), []).append(passage)
    for key, group in groups.items():
        lacking = {*before} - {p.before for p in group}
        if len(before) > 1 and lacking <= {group[0].after}:
            every = dict.fromkeys(t for p in group for t in p.transitions)
            yield key, group[0]._replace(before=None, transitions=tuple(every))


class CellEntry(NamedTuple):
    """What stands in a cell by one name: the statuses on its way, and those on some ways only."""

    name: str
    kind: Kind
    passed: tuple[Word, ...]
    sometimes: frozenset[Word]
    during: str
    transitions: tuple[Transition, ...]


def entries_of(passages: Sequence[StatusPassage]) -> Iterator[CellEntry]:
    """Yield the entries of a cell; ways that differ in the statuses that they pass are one."""
    groups: dict[object, list[StatusPassage]] = {}
    for passage in sorted(passages, key=lambda p: ORDER.index(p.kind)):
        groups.setdefault((passage.name, passage.during), []).append(passage)
    for group in groups.values():
        ways = [{*p.passed} for p in group]
        passed = tuple(dict.fromkeys(status for p in group for status in p.passed))
        sometimes = frozenset(passed) - ways[0].intersection(*ways)
        by = tuple(dict.fromkeys(t for p in group for t in p.transitions))
        yield CellEntry(group[0].name, group[0].kind, passed, sometimes, group[0].during, by)


class _LanePassages:
    """Reads the passages of one lane."""

    def __init__(self, lifecycle: Lifecycle, lane: Lane) -> None:
        self.lifecycle, self.lane = lifecycle, lane
        self.before = lane.rest.status if lane.rest else None
        self.names: dict[State, list[str]] = {}
        for row in sorted(lane.rows, key=lambda row: row.kind is not Kind.REQUEST):
            for entered in row.entered[:-1]:
                if row.kind is Kind.REQUEST or entered.state not in self.names:
                    self.names.setdefault(entered.state, []).extend(row.names)
        self.every = list(dict.fromkeys(name for names in self.names.values() for name in names))

    def passages(self) -> Iterator[StatusPassage]:
        """Yield the rows, then what else can happen: in its states at rest, and in its steps."""
        rows = list(self._rows())
        yield from rows
        direct = {(p.name, p.after): p for p in rows}
        aside: dict[tuple[str, tuple[Word, ...], Word], list[Transition]] = {}
        known = {t for p in rows for t in p.transitions}
        for state in self.lane.states:
            for t in self.lifecycle.leaving(state):
                if t in known or not self._counts(t):
                    continue
                for passed, after, by in self._ends(t):
                    if same := direct.get((t.trigger, after)):
                        yield same._replace(transitions=(t, *by))
                    else:
                        aside.setdefault((t.trigger, passed, after), []).extend((t, *by))
        yield from self._unmet(known | {t for found in aside.values() for t in found})
        for (name, passed, after), found in aside.items():
            kind = self.lifecycle.triggers[name].kind
            during = self._during([t.source for t in found if t.trigger == name and t.source])
            by = tuple(dict.fromkeys(found))
            yield StatusPassage(name, kind, self.before, passed, after, during, by)

    def _unmet(self, known: set[Transition]) -> Iterator[StatusPassage]:
        """Yield the ends of steps that no row enters, by the names of what leads to such a step."""
        for state in self.lane.states:
            for t in self.lifecycle.find(self.lifecycle.advance, state):
                if t in known or all(s.status == state.status for s in t.path):
                    continue
                leading = (o for o in self.lifecycle.transitions if state in o.path)
                for name in dict.fromkeys(o.trigger for o in leading if o.kind is Kind.REQUEST):
                    yield StatusPassage(
                        name, Kind.REQUEST, self.before, (), t.path[-1].status, "", (t,)
                    )

    def _rows(self) -> Iterator[StatusPassage]:
        for row in self.lane.rows:
            before = row.source.status if row.source else None
            passed, after = _shown(before, row)
            by = tuple(dict.fromkeys((*row.requests, *(e.by for e in row.entered))))
            for name in row.names:
                own = tuple(t for t in by if t.trigger == name or t not in row.requests)
                yield StatusPassage(name, row.kind, self.before, passed, after, "", own)

    def _counts(self, t: Transition) -> bool:
        """Return whether a transition changes the status, or is a failure that ends a step."""
        if not t.path or (t.trigger == self.lifecycle.advance):
            return False
        changes = any(t.source and state.status != t.source.status for state in t.path)
        return changes or (t.kind is Kind.FAILURE and self.lifecycle.rests(t.path[-1]))

    def _ends(
        self, t: Transition
    ) -> Iterator[tuple[tuple[Word, ...], Word, tuple[Transition, ...]]]:
        """Yield the statuses passed, the last one, and the transitions that lead on to rest."""
        last = t.path[-1]
        if self.lifecycle.rests(last):
            yield (), last.status, ()
            return
        ways = self.lifecycle.ways(self.lifecycle.found(last), self.lifecycle.advance)
        ends: dict[Word, list[Transition]] = {}
        for way in ways:
            ends.setdefault(way[-1].end.state.status, []).extend(o.transition for o in way)
        for after, by in ends.items():
            yield (), after, tuple(dict.fromkeys(by))

    def _during(self, sources: Sequence[State]) -> str:
        """Return in which operations' steps something happens, in as few words as possible."""
        steps = [s for s in sources if not self.lifecycle.rests(s)]
        if not steps:
            return ""
        names = dict.fromkeys(n for s in steps for n in self.names.get(s, [task_of(s)]))
        missing = [name for name in self.every if name not in names]
        if len(names) > 1 and not missing:
            return "any operation"
        if len(missing) <= MOST_LEFT_OUT and len(names) > len(missing) + 1:
            return f"any but {', '.join(missing)}"
        return ", ".join(names)


def _shown(before: Word | None, row: Row) -> tuple[tuple[Word, ...], Word]:
    """Return the statuses that a row shows on the way, and the last one."""
    shown = [before]
    for state in row.entered_states:
        if state.status != shown[-1]:
            shown.append(state.status)
    after = row.entered[-1].state.status
    return tuple(s for s in shown[1:-1] if s is not None), after
