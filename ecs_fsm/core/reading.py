"""From the rows of a table to its transitions, with the conditions that decide between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput, InvalidTable
from ecs_fsm.core.facts import Memory
from ecs_fsm.core.model import Facts, Kind, Rows, State, Table, Transition, bracketed
from ecs_fsm.core.notation import Entry, Notation, Source

Ways = dict[tuple[str, State | None], list[Transition]]


class _Told(NamedTuple):
    """A transition with everything that its row says of the facts, needed or not."""

    transition: Transition
    when: Mapping[str, str]


def read_rows(table: Table, notation: Notation, memory: Memory) -> Ways:
    """The transitions of every trigger at every source, one for each combination of facts.

    Raises `InvalidTable` that names the row, or the source where two rows contradict each other.
    """
    kinds = {row.name: row.kind for row in table.rows}
    if len(kinds) < len(table.rows) or table.advance not in kinds:
        twice = [row.name for row in table.rows if kinds.pop(row.name, None) is None]
        raise InvalidTable(f"rows: written twice, or missing: {', '.join(twice) or table.advance}")
    reader = _Reader(table, notation, memory, kinds[table.advance])
    told: dict[tuple[str, State | None], list[_Told]] = {}
    for row in table.rows:
        for sources, path in row.paths.items():
            try:
                for entry in reader.read(row, sources, path):
                    key = entry.transition.trigger, entry.transition.source
                    _add(told.setdefault(key, []), entry, table.advance)
            except InvalidInput as error:
                raise InvalidTable(f"{row.name}, {sources!r}: {path!r}: {error}") from error
    return {key: reader.decide(key[0], entries) for key, entries in told.items()}


def _add(known: list[_Told], new: _Told, advance: str) -> None:
    for other in known:
        if other.when == new.when and (
            other.transition != new.transition or new.transition.trigger != advance
        ):
            ends = " and to ".join(" + ".join(t.transition.path) for t in (other, new))
            where = f"{new.transition.trigger} at {new.transition.source}"
            raise InvalidInput(f"two transitions for {where}: to {ends}")
    known.append(new)


class _Reader:
    def __init__(self, table: Table, notation: Notation, memory: Memory, progress: Kind) -> None:
        self._table = table
        self._notation = notation
        self._memory = memory
        self._progress = progress

    def read(self, row: Rows, sources: str, path: str) -> Iterator[_Told]:
        starts = self._notation.sources(sources)
        for text, named in self._notation.variants(path):
            followed: object = None
            for state, when in starts:
                if all(when.get(name, value) == value for name, value in named):
                    entries = self._notation.path(text, state)
                    rest = entries[0].states[-1:], when, entries[1:]
                    if rest == followed:
                        entries = entries[:1]  # the rest stands there already
                    followed = rest
                    yield from self._follow(row, Source(state, {**when, **dict(named)}), entries)

    def _follow(self, row: Rows, source: Source, entries: list[Entry]) -> Iterator[_Told]:
        trigger, kind, at = row.name, row.kind, source.state
        known, given = source.when, row.given
        for states, learned in entries:
            learns = self._memory.ordered(learned) if learned else ()
            transition = Transition(trigger, at, states, kind, (), learns)
            allowed = self._memory.possible(at, known, given) if known else {}
            if allowed is not None:
                yield _Told(transition, self._guarded(trigger, kind, at, allowed))
            if states:
                known = {**known, **learned}
                trigger, kind, at, given = self._table.advance, self._progress, states[-1], {}

    def _guarded(
        self, trigger: str, kind: Kind, at: State | None, when: dict[str, str]
    ) -> dict[str, str]:
        if kind is not Kind.REQUEST or at is None:
            return when
        guards = {}
        for guard in self._table.guards:
            if trigger not in guard.allows and self._memory.open(guard.fact, at):
                (guards[guard.fact],) = self._memory.others(guard.fact, guard.value)
        return when | guards

    def decide(self, trigger: str, told: list[_Told]) -> list[Transition]:
        """One transition for each way, with the conditions without which ways would be confused."""
        if len(told) == 1:
            only, when = told[0].transition, told[0].when
            if not when or trigger == self._table.advance:
                return [only]
            return [only._replace(when=self._memory.ordered(when))]
        rows = [(dict(t.when), t.transition) for t in told]
        for fact in {name: None for when, _ in rows for name in when}:
            shorter = [({k: v for k, v in w.items() if k != fact}, t) for w, t in rows]
            if _agree(shorter) and (
                trigger == self._table.advance or self._covered(fact, rows, shorter)
            ):
                rows = shorter
        found = [t._replace(when=self._memory.ordered(when)) for when, t in rows]
        found = list(dict.fromkeys(found))
        for n, one in enumerate(found):
            for other in found[:n]:
                if _overlap(one.when, other.when):
                    whens = " and ".join(bracketed(t.when) or "always" for t in (other, one))
                    raise InvalidTable(f"two transitions for {trigger} at {one.source}: {whens}")
        return found

    def _covered(
        self,
        fact: str,
        rows: list[tuple[dict[str, str], Transition]],
        shorter: list[tuple[dict[str, str], Transition]],
    ) -> bool:
        """Whether every way without the fact stands there for each value of it."""
        values: dict[Facts, set[str | None]] = {}
        for (when, _), (rest, _) in zip(rows, shorter, strict=True):
            values.setdefault(tuple(sorted(rest.items())), set()).add(when.get(fact))
        every = {*self._memory.values(fact)}
        return all(None in seen or seen == every for seen in values.values())


def _agree(rows: Iterable[tuple[dict[str, str], Transition]]) -> bool:
    """Whether no two rows that can hold at once lead to different ends."""
    seen = list(rows)
    return not any(
        one != other and _overlap(tuple(when.items()), tuple(elsewhen.items()))
        for n, (when, one) in enumerate(seen)
        for elsewhen, other in seen[:n]
    )


def _overlap(one: Facts, other: Facts) -> bool:
    elsewhere = dict(other)
    return all(elsewhere.get(name, value) == value for name, value in one)
