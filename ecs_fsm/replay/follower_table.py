"""Many servers followed at once: what a row does to a server is looked up in a table.

What a follower knows of its server (its memory, and what the last row showed) is one entry for all
servers that are alike; rows that show the same have one number. What the row with a number leads to
there, and what it tells, is found by the means of `explanation` when it is met for the first time.
Only the changes that are not decided, and the times of the last rows, are kept for each server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecs_fsm.core.model import State
from ecs_fsm.records.blocks import RowBlock
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.times import IsoTimes
from ecs_fsm.replay.changes import ExplainedChange, ExplainedChanges, Explanation, Standing
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.likelihood import bin_of
from ecs_fsm.replay.open_rows import OpenRows
from ecs_fsm.replay.places import DecidedChanges, Key, OpenChanges, Place, TableEntry
from ecs_fsm.replay.remembered import MOST_UNDECIDED, Followed, Step, Ways

MOST_KEPT = 20_000
"""Entries and texts that are kept at most, of each."""
MOST_OPEN = 10_000
"""Series of open changes that are kept at most."""
SHORT = 8
"""Open changes up to which a series is kept."""


class Life:
    """One server: its place, when it came there, what it left before, and what is not decided.

    The first open changes are `open`, those beyond `SHORT` are `more`. Where a form asks for rows,
    `row` has the columns of the last row whose change is explained, `rows` is the place of the last
    row with an open change (`OpenRows`).
    """

    __slots__ = ("events", "first", "left", "more", "open", "place", "row", "rows", "seen")

    def __init__(self, place: Place, unopened: OpenChanges) -> None:
        self.place, self.open = place, unopened
        self.more: tuple[TableEntry, ...] = ()
        self.first: float | None = None
        self.seen: float | None = None
        self.left: float | None = None
        self.row: str | None = None
        self.rows = 0
        self.events = ""


class _Lives(dict[str | None, Life]):
    def __init__(self, table: FollowerTable) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, server: str | None) -> Life:
        life = self[server] = Life(self._table.start, self._table.unopened)
        return life


class FollowerTable:
    """Follows the servers of a record, block by block.

    Forms that ask for rows need `open_rows`.
    """

    def __init__(
        self, replay: Replay, rows: Sequence[Observation], open_rows: OpenRows | None = None
    ) -> None:
        self._replay, self._rows, self._open_rows = replay, rows, open_rows
        self._entries = 0
        self._iso = IsoTimes()
        self._places: dict[tuple[int, int], Place] = {}
        self._opened: list[OpenChanges] = []
        self._changes: dict[tuple[int, int, tuple[object, ...], State | None], ExplainedChange] = {}
        self._late: dict[tuple[ExplainedChange, str | None], ExplainedChange] = {}
        self.start = Place(self.found, replay.nothing, -1)
        self.unopened = OpenChanges()
        self._lives = _Lives(self)
        self._names = {name: chr(number) for number, name in enumerate(replay.overwritten)}

    def feed(self, block: RowBlock) -> ExplainedChanges:
        """Return what is decided by the rows of a block."""
        explained = ExplainedChanges.none()
        add_server, add = explained.servers.append, explained.explained.append
        lives, with_rows, iso_of = self._lives, self._open_rows is not None, self._iso.of
        key_of = self._timed if self._replay.sampled else None
        for server, time, number, columns in zip(*block, strict=True):
            life = lives[server]
            place = life.place
            if number == place.number:
                life.seen = time
                continue
            entry = place[key_of(life, time, number) if key_of else number]
            life.left, life.first, life.seen, life.place = life.seen, time, time, entry.place
            if entry.special:
                self._special(life, server, entry, columns, explained)
                continue
            if entry.explained is not None:
                add_server(server)
                add(entry.explained)
                if with_rows:
                    explained.before.append(life.row)
                    explained.times.append(iso_of(time))
                    explained.after.append(columns)
                if entry.events:
                    life.events = (life.events + entry.events)[-MOST_UNDECIDED:]
            if with_rows:
                life.row = columns
        return explained

    def _timed(self, life: Life, time: float | None, number: int) -> Key:
        """The number of a row of a sampled record, with its bins of time."""
        seen, first = life.seen, life.first
        if seen is None or time is None:
            return number, self._replay.likelihood.usual_bin, None
        stayed = None
        if life.place.varied and first is not None and seen > first:
            stayed = bin_of(seen - first)
        return number, bin_of(time - seen), stayed

    def finish(self) -> Iterator[ExplainedChanges]:
        """Yield what is left of all servers, by the best ways so far."""
        for server, life in self._lives.items():
            if life.open.count:
                explained = ExplainedChanges.none()
                self._flush(life, server, explained, settled=False)
                yield explained

    def standing(self) -> Iterator[Standing]:
        """Yield where the servers stand that live when the record ends."""
        for server, life in self._lives.items():
            row = self._rows[life.place.number]._replace(server=server, time=life.first)
            states = (row.state,) if row.state else self._replay.states(life.place.memory.costs)
            yield Standing(row, life.left, states)

    def _special(
        self,
        life: Life,
        server: str | None,
        entry: TableEntry,
        columns: str,
        explained: ExplainedChanges,
    ) -> None:
        """Add the changes that a row explains or decides; the server is at the place after it."""
        if entry.step is not None:
            self._open(life, entry)
            if self._open_rows:
                row = f"{self._iso.of(life.first)} {columns}"
                life.rows = self._open_rows.add(row, life.rows)
            if entry.settles or life.open.count + len(life.more) > MOST_UNDECIDED:
                self._decide(life, server, explained)
        elif entry.explained is not None:
            change = entry.explained
            if change.change.events is None:
                self._flush(life, server, explained, settled=True)
                change.server = server if change.server is None else change.server
            else:
                change = self._happened(life, change)
            explained.servers.append(server)
            explained.explained.append(change)
            if self._open_rows:
                explained.before.append(life.row)
                explained.times.append(self._iso.of(life.first))
                explained.after.append(columns)
                life.row = columns
        elif self._open_rows:
            life.row = columns
        if life.place.memory.ended and server is not None:
            self._flush(life, server, explained, settled=False)
            del self._lives[server]

    def _open(self, life: Life, entry: TableEntry) -> None:
        """Add an open change."""
        if life.more or life.open.count == SHORT:
            life.more = (*life.more, entry)
        else:
            life.open = self._after(life.open, entry)

    def _after(self, before: OpenChanges, entry: TableEntry) -> OpenChanges:
        """Return the series with one more change."""
        after = before.get(entry)
        if after is None:
            if len(self._opened) > MOST_OPEN:
                self._forget_open()
            after = before[entry] = OpenChanges(before, entry, before.count + 1)
            self._opened.append(after)
        return after

    def _decide(self, life: Life, server: str | None, explained: ExplainedChanges) -> None:
        """Add what is decided of the open changes of a server."""
        decision = None if life.more else life.open.decision
        if decision is None:
            entries = (*life.open.entries(), *life.more)
            settlement = self._replay.decide(life.place.memory, _steps(entries))
            if settlement is None:
                return
            place = self._place(settlement.memory, life.place.number)
            decision = self._decision(entries, settlement.ways, len(settlement.ways), place)
            if not life.more:
                life.open.decision = decision
        life.place = decision.place
        self._tell(life, server, decision, explained)

    def _flush(
        self, life: Life, server: str | None, explained: ExplainedChanges, *, settled: bool
    ) -> None:
        """Add what explains the open changes of a server if no row follows."""
        kept = life.open.finished if settled else life.open.unsettled
        decision = None if life.more else kept
        if decision is None:
            entries = (*life.open.entries(), *life.more)
            if not entries:
                return
            count, ways = self._replay.finished(entries[-1].place.memory, _steps(entries))
            decision = self._decision(entries, ways, len(ways) if settled else count, life.place)
            if not life.more and settled:
                life.open.finished = decision
            elif not life.more:
                life.open.unsettled = decision
        self._tell(life, server, decision, explained)

    def _decision(
        self, entries: Sequence[TableEntry], ways: Sequence[Ways], settled: int, place: Place
    ) -> DecidedChanges:
        """The decision that these ways explain the first open changes; `settled` of them are so."""
        explained = tuple(
            self._change(entry.before, entry.place.number, one, settled=n < settled)
            for n, (entry, one) in enumerate(zip(entries, ways, strict=False))
        )
        late = any(one.steps for one in explained)
        events = None if late else "".join(one.events for one in explained)
        left, series = entries[len(ways) :], self.unopened
        for entry in left[:SHORT]:
            series = self._after(series, entry)
        return DecidedChanges(explained, place, events, series, tuple(left[SHORT:]))

    def _tell(
        self, life: Life, server: str | None, decision: DecidedChanges, explained: ExplainedChanges
    ) -> None:
        """Add what a decision says of the first open changes."""
        count = len(decision.explained)
        explained.servers.extend([server] * count)
        if decision.events is None:
            explained.explained.extend(self._happened(life, one) for one in decision.explained)
        else:
            explained.explained.extend(decision.explained)
            life.events = (life.events + decision.events)[-MOST_UNDECIDED:]
        if self._open_rows:
            rows = self._open_rows.read(life.rows, life.open.count + len(life.more))
            times, after = zip(*(row.split(" ", 1) for row in rows[:count]), strict=True)
            explained.before.extend([life.row, *after[:-1]])
            explained.times.extend(times)
            explained.after.extend(after)
            life.row = after[-1]
        life.open, life.more = decision.open, decision.more

    def _change(
        self, before: int, after: int, ways: Ways, *, settled: bool = True
    ) -> ExplainedChange:
        way, others = ways
        change = Explanation(
            self._rows[before], self._rows[after], way.events, way.facts, others, None, settled
        )
        key = before, after, change[2:], way.replaced
        found = self._changes.get(key)
        if found is None:
            if len(self._changes) > MOST_KEPT:
                self._changes.clear()
            steps = () if way.replaced is None else self._replay.operations(way.replaced)
            events = "".join(self._names.get(event, "") for event in way.events)
            found = self._changes[key] = ExplainedChange(change, events, steps)
        return found

    def _happened(self, life: Life, explained: ExplainedChange) -> ExplainedChange:
        """Return what is explained, with the operation that a late write is of."""
        if explained.steps:
            numbers = {self._names[name]: name for name in explained.steps}
            seen = (numbers[event] for event in reversed(life.events) if event in numbers)
            of = next(seen, explained.steps[0])
            late = self._late.get((explained, of))
            if late is None:
                late = ExplainedChange(explained.change._replace(of=of), explained.events)
                self._late[explained, of] = late
            explained = late
        life.events = (life.events + explained.events)[-MOST_UNDECIDED:]
        return explained

    def found(self, place: Place, key: Key) -> TableEntry:
        """Return what a row does at a place."""
        self._entries += 1
        if self._entries > MOST_KEPT:
            self._forget()
        number, passed, stayed = key if isinstance(key, tuple) else (key, None, None)
        row, memory = self._rows[number], place.memory
        if place is self.start:
            wrong = (
                ExplainedChange(Explanation(None, row, None, reason=row.wrong))
                if row.wrong
                else None
            )
            return TableEntry(self._place(self._replay.begun(row), number), wrong)
        before = self._rows[place.number]
        move = None
        if not row.wrong and memory.costs:
            move = self._replay.moved(memory, row, passed, stayed)
        if move is None or move.memory is None:
            reason = row.wrong or self._replay.reason(before, row, memory.costs)
            explained = ExplainedChange(Explanation(before, row, None, reason=reason))
            return TableEntry(self._place(self._replay.begun(row), number), explained)
        after = self._place(move.memory, number)
        if move.ways:
            return TableEntry(after, self._change(place.number, number, move.ways))
        return TableEntry(after, before=place.number, step=move.step, settles=move.settles)

    def _place(self, memory: Followed, number: int) -> Place:
        found = self._places.get((id(memory), number))
        if found is None:
            found = self._places[id(memory), number] = Place(self.found, memory, number)
        return found

    def _forget(self) -> None:
        """Begin with an empty table; each server keeps its place."""
        for place in self._places.values():
            place.clear()
        self.start.clear()
        self._places.clear()
        self._late.clear()
        self._forget_open()
        self._replay.forget()
        self._entries = 0

    def _forget_open(self) -> None:
        """Begin without series of open changes; each server keeps its own."""
        for series in (self.unopened, *self._opened):
            series.forget()
        self._opened.clear()


def _steps(entries: Sequence[TableEntry]) -> list[Step]:
    return [entry.step for entry in entries if entry.step is not None]
