"""Rows of a lane that differ only by a fact as one, with an arc over skipped steps or a branch.

The first way of an operation in the table is the main one; every other way is a detour from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ecs_fsm.core.model import Facts, Kind, State, Transition
from ecs_fsm.draw.rows import Entered, LaneNote, Row


class Detour(NamedTuple):
    """Another way of a row, from behind its first `leaves` states on (0: from its request).

    It joins the main way again at the place `joins`, or has states of its own until its end.
    """

    when: Facts
    leaves: int
    joins: int | None
    entered: tuple[Entered, ...]


class MergedRow(NamedTuple):
    """Every way of some operations from a state, in one row; `also` are events that show the same.

    `moves` are the transitions from one state of it (None: the request) to the next, on all ways.
    """

    row: Row
    detours: tuple[Detour, ...]
    also: tuple[str, ...]
    moves: Mapping[tuple[State | None, State], tuple[Transition, ...]]

    def by(self, before: State | None, after: State) -> tuple[Transition, ...]:
        """Return the transitions from a state of the row, or its request, to the next one."""
        return self.moves.get((before, after), ())


def merged(rows: Sequence[Row]) -> list[MergedRow]:
    """Return rows with all ways of their operations; what the system does alike joins a row."""
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault((row.names, row.kind, row.source), []).append(row)
    found = [_merged(group) for group in groups.values()]
    requests = [each for each in found if each.row.kind is Kind.REQUEST]
    shown: list[MergedRow] = []
    for each in found:
        alike = [r for r in requests if each.row.kind is Kind.SYSTEM and _same(r.row, each.row)]
        if alike:
            place = shown.index(alike[0])
            both = _moves(((alike[0].row), each.row), alike[0].moves)
            also = (*alike[0].also, *each.row.names)
            shown[place] = alike[0]._replace(also=also, moves=both)
        else:
            shown.append(each)
    return shown


def _same(row: Row, other: Row) -> bool:
    return row.source == other.source and row.entered_states == other.entered_states


def _merged(group: Sequence[Row]) -> MergedRow:
    main, *others = group
    common = tuple(fact for fact in main.when if all(fact in row.when for row in others))
    over = tuple(dict.fromkeys(state for row in group for state in row.over))
    requests = tuple(dict.fromkeys(t for row in group for t in row.requests))
    detours: list[Detour] = []
    for other in others:
        detour = _detour(main, other)
        if not _composed(main, detours, other):
            detours.append(detour)
    row = main._replace(when=common, over=over, requests=requests)
    return MergedRow(row, tuple(detours), (), _moves(group, {}))


def _moves(
    rows: Iterable[Row], known: Mapping[tuple[State | None, State], tuple[Transition, ...]]
) -> Mapping[tuple[State | None, State], tuple[Transition, ...]]:
    found = {pair: dict.fromkeys(by) for pair, by in known.items()}
    for row in rows:
        before: State | None = None
        for place, entered in enumerate(row.entered):
            by = row.requests if place == 0 else (entered.by,)
            found.setdefault((before, entered.state), {}).update(dict.fromkeys(by))
            before = entered.state
    return {pair: tuple(by) for pair, by in found.items()}


def _detour(main: Row, other: Row) -> Detour:
    own, there = other.entered_states, main.entered_states
    when = tuple(fact for fact in other.when if fact not in main.when)
    leaves = 0
    while leaves < min(len(own), len(there)) and own[leaves] == there[leaves]:
        leaves += 1
    rest = len(own) - leaves
    if 0 < rest < len(there) - leaves and own[leaves:] == there[len(there) - rest :]:
        return Detour(when, leaves, len(there) - rest, ())
    leaves = min(leaves, len(own) - 1)
    return Detour(when, leaves, None, other.entered[leaves:])


def _composed(main: Row, detours: Sequence[Detour], other: Row) -> bool:
    """Return whether a way is that of several detours together: an arc, and a branch after it."""
    when = {fact for fact in other.when if fact not in main.when}
    inside = [d for d in detours if d.when and set(d.when) < when]
    arcs = [d for d in inside if d.joins is not None]
    for end in (d for d in inside if d.joins is None):
        for arc in arcs:
            joins = arc.joins or 0
            states = (*main.entered_states[: arc.leaves], *main.entered_states[joins : end.leaves])
            whole = (*states, *(entered.state for entered in end.entered))
            if whole == other.entered_states and {*arc.when, *end.when} == when:
                return True
    return False


def aside(rows: Sequence[Row], rest: State | None) -> tuple[list[Row], list[LaneNote]]:
    """Return the rows, and as notes at rest what the system does there in rare circumstances."""
    kept: list[Row] = []
    notes: list[LaneNote] = []
    for row in rows:
        rare = row.kind is Kind.SYSTEM and row.when and len(row.entered) == 1
        if rare and rest is not None and row.source == rest:
            seen = str(row.entered[0].state.status)
            when = " ".join(f"{name}={value}" for name, value in row.when)
            for name in row.names:
                words = f"{name} at rest: {seen} if {when}"
                notes.append(LaneNote(name, row.kind, f"{seen} if {when}", (rest,), words))
        else:
            kept.append(row)
    return kept, notes
