"""Many servers followed at once: what a row does to a server is looked up in a table.

What a follower knows of its server (its memory, and what the last row showed) is one entry for all
servers that are alike; rows that show the same have one number. What the row with a number leads to
there, and what it tells, is found by the means of `explanation` when it is met for the first time.
Only the changes that are not decided, and the times of the last rows, are kept for each server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.records.blocks import RowBlock
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.changes import Explanation, Standing, Told
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.likelihood import bin_of
from ecs_fsm.replay.remembered import MOST_UNDECIDED, Followed, Step, Ways

MOST_KEPT = 20_000
"""Entries, decisions and texts that are kept at most, of each."""
SHORT = 8
"""Open changes up to which their decision is kept."""
Key = int | tuple[int, int | None, int | None]
"""The number of a row; in sampled records with the bins of the time that passed before it, and in
which the server had not changed."""


class TableEntry:
    """What a row does: the place after it, and what it tells at once.

    `special` is what needs more than that: a change that is not decided (`step`) or not explained,
    a late write, the end of a life.
    """

    __slots__ = ("before", "changed", "chosen", "events", "place", "settles", "special", "step")

    def __init__(
        self, place: Place, chosen: Told | None = None, *, before: int = -1, changed: bool = True
    ) -> None:
        self.place, self.chosen, self.before, self.changed = place, chosen, before, changed
        self.events = chosen.events if chosen else ""
        self.step: Step | None = None
        self.settles = False
        unusual = chosen is not None and (chosen.change.events is None or bool(chosen.steps))
        self.special = unusual or (changed and place.memory.ended)


class Place(dict[Key, TableEntry]):
    """What is known of a server: its memory and the number of its last row. Holds what follows."""

    __slots__ = ("_table", "memory", "number", "varied")

    def __init__(self, table: FollowerTable, memory: Followed, number: int) -> None:
        super().__init__()
        self._table, self.memory, self.number = table, memory, number
        self.varied = memory.varied

    def __missing__(self, key: Key) -> TableEntry:
        """Find out what a row does that is met here for the first time."""
        entry = self[key] = self._table.found(self, key)
        return entry


class Life:
    """One server: its place, when it came there, and what it left before; what is not decided."""

    __slots__ = ("chain", "events", "first", "left", "place", "seen")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.first: float | None = None
        self.seen: float | None = None
        self.left: float | None = None
        self.chain: tuple[TableEntry, ...] = ()
        self.events = ""


class _Lives(dict[str | None, Life]):
    def __init__(self, start: Place) -> None:
        super().__init__()
        self._start = start

    def __missing__(self, server: str | None) -> Life:
        life = self[server] = Life(self._start)
        return life


class ToldChanges(NamedTuple):
    """Changes with their servers, in the order in which they are decided."""

    servers: list[str | None]
    chosen: list[Told]


class _Decided(NamedTuple):
    chosen: tuple[Told, ...]
    place: Place


_DecisionKey = tuple[int, tuple[TableEntry, ...]]
DECIDED, FINISHED, UNSETTLED = range(3)
"""How open changes are chosen: as later rows decide, or as no later row does."""


class FollowerTable:
    """Follows the servers of a record, block by block."""

    def __init__(self, replay: Replay, rows: Sequence[Observation]) -> None:
        self._replay, self._rows = replay, rows
        self._entries = 0
        self._places: dict[tuple[int, int], Place] = {}
        self._decisions: dict[_DecisionKey, _Decided] = {}
        self._changes: dict[tuple[int, int, tuple[object, ...], State | None], Told] = {}
        self._late: dict[tuple[Told, str | None], Told] = {}
        self._start = Place(self, replay.nothing, -1)
        self._lives = _Lives(self._start)
        self._names = _numbered_events(replay)

    def feed(self, block: RowBlock) -> ToldChanges:
        """Return what is decided by the rows of a block."""
        return self._sampled(block) if self._replay.sampled else self._complete(block)

    def _complete(self, block: RowBlock) -> ToldChanges:
        servers: list[str | None] = []
        chosen: list[Told] = []
        lives = self._lives
        for server, time, number in zip(*block, strict=True):
            life = lives[server]
            entry = life.place[number]
            if entry.changed:
                life.left, life.first, life.place = life.seen, time, entry.place
                if entry.special:
                    life.seen = time
                    for change in self._special(life, server, entry):
                        servers.append(server)
                        chosen.append(change)
                    continue
                if entry.chosen is not None:
                    servers.append(server)
                    chosen.append(entry.chosen)
                    if entry.events:
                        life.events = (life.events + entry.events)[-MOST_UNDECIDED:]
            life.seen = time
        return ToldChanges(servers, chosen)

    def _sampled(self, block: RowBlock) -> ToldChanges:
        servers: list[str | None] = []
        chosen: list[Told] = []
        lives, usual = self._lives, self._replay.likelihood.usual_bin
        for server, time, number in zip(*block, strict=True):
            life = lives[server]
            place, seen = life.place, life.seen
            life.seen = time
            if number == place.number:
                continue
            stayed = None
            if seen is None or time is None:
                passed = usual
            else:
                passed = bin_of(time - seen)
                if place.varied and life.first is not None and seen > life.first:
                    stayed = bin_of(seen - life.first)
            entry = place[number, passed, stayed]
            life.left, life.first, life.place = seen, time, entry.place
            if entry.special:
                for change in self._special(life, server, entry):
                    servers.append(server)
                    chosen.append(change)
            elif entry.chosen is not None:
                servers.append(server)
                chosen.append(entry.chosen)
        return ToldChanges(servers, chosen)

    def finish(self) -> Iterator[ToldChanges]:
        """Yield what is left of all servers, by the best ways so far."""
        for server, life in self._lives.items():
            chosen = list(self._flushed(life, settled=False))
            if chosen:
                yield ToldChanges([server] * len(chosen), chosen)

    def standing(self) -> Iterator[Standing]:
        """Yield where the servers stand that live when the record ends."""
        for server, life in self._lives.items():
            row = self._rows[life.place.number]._replace(server=server, time=life.first)
            states = (row.state,) if row.state else self._replay.states(life.place.memory.costs)
            yield Standing(row, life.left, states)

    def _special(self, life: Life, server: str | None, entry: TableEntry) -> Iterator[Told]:
        """What a row tells of a server that has come to the place after it."""
        if entry.step is not None:
            life.chain = (*life.chain, entry)
            if entry.settles or len(life.chain) > MOST_UNDECIDED:
                yield from self._decided(life)
        elif entry.chosen is not None:
            chosen = entry.chosen
            if chosen.change.events is None:
                yield from self._flushed(life, settled=True)
                chosen.server = server if chosen.server is None else chosen.server
                yield chosen
            else:
                yield self._happened(life, chosen)
        if life.place.memory.ended and server is not None:
            yield from self._flushed(life, settled=False)
            del self._lives[server]

    def _decided(self, life: Life) -> Iterator[Told]:
        key = DECIDED, life.chain
        found = self._decisions.get(key)
        if found is None:
            chain = life.chain
            steps = [entry.step for entry in chain if entry.step is not None]
            decision = self._replay.decide(life.place.memory, steps)
            if decision is None:
                return
            chosen = self._of(chain[: len(decision.chosen)], decision.chosen, len(decision.chosen))
            place = self._place(decision.memory, life.place.number)
            found = self._kept(key, _Decided(chosen, place))
        life.chain = life.chain[len(found.chosen) :]
        life.place = found.place
        for one in found.chosen:
            yield self._happened(life, one)

    def _flushed(self, life: Life, *, settled: bool) -> Iterator[Told]:
        """What explains the open changes of a server if no row follows."""
        if not life.chain:
            return
        chain = life.chain
        key = (FINISHED if settled else UNSETTLED), chain
        found = self._decisions.get(key)
        if found is None:
            memory = chain[-1].place.memory
            steps = [entry.step for entry in chain if entry.step is not None]
            count, ways = self._replay.finished(memory, steps)
            chosen = self._of(chain, ways, len(ways) if settled else count)
            found = self._kept(key, _Decided(chosen, life.place))
        life.chain = ()
        for one in found.chosen:
            yield self._happened(life, one)

    def _kept(self, key: _DecisionKey, found: _Decided) -> _Decided:
        if len(key[1]) <= SHORT:
            if len(self._decisions) > MOST_KEPT:
                self._decisions.clear()
            self._decisions[key] = found
        return found

    def _of(
        self, chain: Sequence[TableEntry], ways: Sequence[Ways], settled: int
    ) -> tuple[Told, ...]:
        """What is chosen of changes, of which the first are settled."""
        return tuple(
            self._change(entry.before, entry.place.number, one, settled=n < settled)
            for n, (entry, one) in enumerate(zip(chain, ways, strict=True))
        )

    def _change(self, before: int, after: int, ways: Ways, *, settled: bool = True) -> Told:
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
            found = self._changes[key] = Told(change, events, steps)
        return found

    def _happened(self, life: Life, chosen: Told) -> Told:
        """Return what is chosen, with the operation that a late write is of."""
        if chosen.steps:
            numbers = {self._names[name]: name for name in chosen.steps}
            seen = (numbers[event] for event in reversed(life.events) if event in numbers)
            of = next(seen, chosen.steps[0])
            late = self._late.get((chosen, of))
            if late is None:
                late = Told(chosen.change._replace(of=of), chosen.events)
                self._late[chosen, of] = late
            chosen = late
        life.events = (life.events + chosen.events)[-MOST_UNDECIDED:]
        return chosen

    def found(self, place: Place, key: Key) -> TableEntry:
        """Return what a row does at a place."""
        self._entries += 1
        if self._entries > MOST_KEPT:
            self._forget()
        number, passed, stayed = key if isinstance(key, tuple) else (key, None, None)
        row, memory = self._rows[number], place.memory
        if place is self._start:
            wrong = Told(Explanation(None, row, None, reason=row.wrong)) if row.wrong else None
            return TableEntry(self._place(self._replay.begun(row), number), wrong)
        if number == place.number:
            return TableEntry(place, changed=False)
        before = self._rows[place.number]
        move = None
        if not row.wrong and memory.costs:
            move = self._replay.moved(memory, row, passed, stayed)
        if move is None or move.memory is None:
            reason = row.wrong or self._replay.reason(before, row, memory.costs)
            chosen = Told(Explanation(before, row, None, reason=reason))
            return TableEntry(self._place(self._replay.begun(row), number), chosen)
        after = self._place(move.memory, number)
        if move.chosen:
            return TableEntry(after, self._change(place.number, number, move.chosen))
        entry = TableEntry(after, before=place.number)
        entry.step, entry.settles, entry.special = move.step, move.settles, True
        return entry

    def _place(self, memory: Followed, number: int) -> Place:
        found = self._places.get((id(memory), number))
        if found is None:
            found = self._places[id(memory), number] = Place(self, memory, number)
        return found

    def _forget(self) -> None:
        """Begin with an empty table; each server keeps its place."""
        for place in self._places.values():
            place.clear()
        self._start.clear()
        self._places.clear()
        self._decisions.clear()
        self._late.clear()
        self._replay.forget()
        self._entries = 0


def _numbered_events(replay: Replay) -> dict[str, str]:
    """A character for each event, where what happened tells of which operation a late write is."""
    lifecycle: Lifecycle = replay.lifecycle
    if replay.sampled or not lifecycle.late_writes:
        return {}
    return {name: chr(number) for number, name in enumerate(lifecycle.triggers)}
