"""The rows of a table, read into transitions, with the facts that decide between these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ecs_fsm.core.errors import Fault, InvalidInput, InvalidTable
from ecs_fsm.core.facts import Memory
from ecs_fsm.core.model import Facts, Guard, Kind, Rows, State, Table, Transition, bracketed
from ecs_fsm.core.notation import Entry, Notation, Source

Conditioned = tuple[dict[str, str], Transition]
"""A transition and the facts under which it is taken."""


class RowReader:
    """Reads the rows of a table into transitions, and finds the facts that decide between them."""

    def __init__(
        self, table: Table, notation: Notation, memory: Memory, faults: list[Fault]
    ) -> None:
        self.endless: set[State | None] = set()
        self._faults = faults
        self._guards = [*self._readable_guards(table)]
        self._table = table
        self._notation = notation
        self._memory = memory
        self._kinds = {row.name: row.kind for row in table.rows}
        self._held: dict[tuple[tuple[Guard, ...], State], dict[str, str] | None] = {}
        self._holding = {
            name: tuple(guard for guard in self._guards if name not in guard.allows)
            for name in self._kinds
        }
        self._ordered: dict[Facts, Facts] = {}

    def _readable_guards(self, table: Table) -> Iterator[Guard]:
        values = {fact.name: fact.values for fact in table.facts}
        for number, guard in enumerate(table.guards):
            among = values.get(guard.fact, ())
            if guard.value in among and len({*among}) == 2:
                yield guard
                continue
            wrong = f"there is no fact {guard.fact!r} with {guard.value!r} and one other value"
            self._faults.append(Fault(wrong, "guards", ("guards", number)))

    def read(self) -> dict[tuple[str, State | None], list[Transition]]:
        """Return the transitions by trigger and source, one for each combination of facts.

        Note what cannot be read, and where two rows contradict each other.
        """
        rows, advance, kinds = self._table.rows, self._table.advance, dict(self._kinds)
        if len(kinds) < len(rows) or advance not in kinds:
            twice = [row.name for row in rows if kinds.pop(row.name, None) is None]
            wrong = f"written twice, or missing: {', '.join(twice) or advance}"
            self._faults.append(Fault(wrong, "rows", ("events",)))
        found: dict[tuple[str, State | None], list[Conditioned]] = {}
        for row in rows:
            for sources, path in row.paths.items():
                try:
                    for when, transition in self._read_row(row, sources, path):
                        key = transition.trigger, transition.source
                        self._add(found.setdefault(key, []), when, transition)
                except InvalidInput as error:
                    where = f"{row.name}, {sources!r}: {path!r}"
                    self._faults.append(Fault(str(error), where, _path(row, sources)))
        decided = {}
        for key, entries in found.items():
            try:
                decided[key] = self._decide(key[0], entries)
            except InvalidTable as error:
                self._faults += error.faults
        return decided

    def _add(self, known: list[Conditioned], when: dict[str, str], new: Transition) -> None:
        # Paths of several operations may share a step and then say the same of its end. Any other
        # trigger is written once for each source and set of facts.
        for other_when, other in known:
            if other_when == when and (other != new or new.trigger != self._table.advance):
                ends = " and to ".join(" + ".join(t.path) for t in (other, new))
                where = f"{new.trigger} at {new.source}"
                raise InvalidInput(f"two transitions for {where}: to {ends}")
        known.append((when, new))

    def _read_row(self, row: Rows, sources: str, path: str) -> Iterator[Conditioned]:
        starts = self._notation.sources(sources)
        for text, named in self._notation.variants(path):
            followed: object = None
            for state, when in starts:
                if not named or all(when.get(name, value) == value for name, value in named):
                    entries = self._notation.path(text, state)
                    rest = entries[0].states[-1:], when, entries[1:]
                    if rest == followed:
                        entries = entries[:1]  # the previous source has the same rest
                    followed = rest
                    known = {**when, **dict(named)} if named else when
                    yield from self._follow(row, Source(state, known), entries)

    def _follow(self, row: Rows, source: Source, entries: list[Entry]) -> Iterator[Conditioned]:
        trigger, kind, at = row.name, row.kind, source.state
        known, given = source.when, row.given
        for states, learned in entries:
            learns = self._memory.ordered(learned) if learned else ()
            transition = Transition(trigger, at, states, kind, (), learns)
            allowed = self._memory.possible(at, known, given) if known else {}
            when = None if allowed is None else self._guarded(trigger, kind, at, allowed)
            if when is not None:
                yield when, transition
            if states:
                known = {**known, **learned}
                trigger, at, given = self._table.advance, states[-1], {}
                kind = self._kinds.get(trigger, Kind.PROGRESS)

    def _guarded(
        self, trigger: str, kind: Kind, at: State | None, when: dict[str, str]
    ) -> dict[str, str] | None:
        """Return the conditions with those of the guards; None where a guard always refuses."""
        if kind is not Kind.REQUEST or at is None:
            return when
        key = self._holding[trigger], at
        if key not in self._held:
            self._held[key] = self._conditions(*key)
        guards = self._held[key]
        if guards is None or not when:
            return guards
        return when | guards if guards else when

    def _conditions(self, holding: tuple[Guard, ...], at: State) -> dict[str, str] | None:
        guards = {}
        for guard in holding:
            if self._memory.implied(at).get(guard.fact) == guard.value:
                return None
            if self._memory.open(guard.fact, at):
                (guards[guard.fact],) = self._memory.others(guard.fact, guard.value)
        return guards

    def _decide(self, trigger: str, found: list[Conditioned]) -> list[Transition]:
        """Return one transition for each way, with the conditions that keep the ways apart.

        A row states all conditions of its whole path; most of them decide nothing at one of its
        steps. So each fact is left out in turn, and stays out if no two transitions that could then
        be taken at once lead to different ends. An event that is not `advance` may need a fact to
        happen at all: there it stays out only if the rows cover each of its values.
        """
        advances = trigger == self._table.advance
        if len(found) == 1:
            when, only = found[0]
            if advances and not only.path:
                return []
            return [only if advances or not when else self._conditioned(when, only)]
        rows = found
        for fact in {name: None for when, _ in rows for name in when}:
            shorter = [({k: v for k, v in w.items() if k != fact}, t) for w, t in rows]
            if _agree(shorter) and (advances or self._covered(fact, rows, shorter)):
                rows = shorter
        decided = list(dict.fromkeys(self._conditioned(when, t) for when, t in rows))
        if advances:  # an empty path says under which facts a step never ends
            self.endless.update(t.source for t in decided if not t.path)
            decided = [transition for transition in decided if transition.path]
        for n, one in enumerate(decided):
            for other in decided[:n]:
                if _overlap(one.when, other.when):
                    whens = " and ".join(bracketed(t.when) or "always" for t in (other, one))
                    wrong = f"two transitions for {trigger} at {one.source}: {whens}"
                    raise InvalidTable(Fault(wrong, "", self._written(trigger)))
        return decided

    def _written(self, trigger: str) -> tuple[str, ...]:
        return next(row_path(row) for row in self._table.rows if row.name == trigger)

    def _conditioned(self, when: Mapping[str, str], transition: Transition) -> Transition:
        key = tuple(when.items())
        facts = self._ordered.get(key)
        if facts is None:
            facts = self._ordered[key] = self._memory.ordered(when)
        return Transition(*transition[:4], facts, transition.learns)

    def _covered(self, fact: str, rows: list[Conditioned], shorter: list[Conditioned]) -> bool:
        """Return whether each set of conditions without the fact has rows for all its values."""
        values: dict[Facts, set[str | None]] = {}
        for (when, _), (rest, _) in zip(rows, shorter, strict=True):
            values.setdefault(tuple(sorted(rest.items())), set()).add(when.get(fact))
        every = {*self._memory.values(fact)}
        return all(None in seen or seen == every for seen in values.values())


def row_path(row: Rows) -> tuple[str, str]:
    """Return the keys that lead to a trigger in a lifecycle file."""
    return ("operations" if row.kind is Kind.REQUEST else "events", row.name)


def _path(row: Rows, sources: str) -> tuple[str, ...]:
    return (*row_path(row), "paths", sources)


def _agree(seen: list[Conditioned]) -> bool:
    """Return whether no two transitions that can be taken at once lead to different ends."""
    return not any(
        one != other and _overlap(tuple(when.items()), tuple(elsewhen.items()))
        for n, (when, one) in enumerate(seen)
        for elsewhen, other in seen[:n]
    )


def _overlap(one: Facts, other: Facts) -> bool:
    elsewhere = dict(other)
    return all(elsewhere.get(name, value) == value for name, value in one)
