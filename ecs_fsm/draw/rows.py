"""The lifecycle as lanes and rows: for each vm_state its operations and what they show.

A row is an operation with the states that it enters when nothing goes wrong; operations that show
the same share a row. Notes name everything else that can happen under a vm_state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, Kind, Node, State, Transition, Trigger
from ecs_fsm.core.word import Word


class Entered(NamedTuple):
    """A state that a row enters, and the transition that enters it."""

    state: State
    by: Transition


class Row(NamedTuple):
    """Operations with the states that they enter, one after the other; the last is their end.

    `source` is the state in which they are requested, None without a server; `over` are the running
    tasks that they can interrupt, `when` the facts on which this row depends.
    """

    names: tuple[str, ...]
    kind: Kind
    source: State | None
    over: tuple[State, ...]
    when: Facts
    entered: tuple[Entered, ...]
    requests: tuple[Transition, ...]

    @property
    def entered_states(self) -> tuple[State, ...]:
        """The entered states."""
        return tuple(entered.state for entered in self.entered)


class LaneNote(NamedTuple):
    """What else can happen in some states of a lane: an event, and what it shows."""

    trigger: str
    kind: Kind
    seen: str
    sources: tuple[State, ...]
    words: str


class Lane(NamedTuple):
    """Everything that can happen under one vm_state.

    Where a state is one word, it is everything that can happen in a state at rest and in the steps
    that lead on from there, and `vm_state` is the word of the first of them. `rest` is the
    state at rest, if there is one. `notes` are what else can happen there, `unseen` operations
    that change neither attribute, `lonely` the states that no row enters.
    """

    vm_state: Word
    states: tuple[State, ...]
    rest: State | None
    rows: tuple[Row, ...]
    unseen: tuple[str, ...]
    notes: tuple[LaneNote, ...]
    lonely: tuple[State, ...]


def lanes_of(lifecycle: Lifecycle, only: Collection[str] = ()) -> tuple[Lane, ...]:
    """Return a lane for each vm_state (of `only`, if given), in the order of the table.

    Where a state is one word, `only` names any state of a lane.
    """
    return tuple(
        lane
        for lane in _every_lane(lifecycle)
        if not only or any(state.vm_state in only for state in lane.states)
    )


@cache
def _every_lane(lifecycle: Lifecycle) -> tuple[Lane, ...]:
    groups = _homes(lifecycle) if lifecycle.table.one_word else _under(lifecycle)
    return tuple(_lane(lifecycle, vm_state, states) for vm_state, states in groups.items())


def _under(lifecycle: Lifecycle) -> dict[Word, list[State]]:
    """Return the states of each vm_state."""
    groups: dict[Word, list[State]] = {vm_state: [] for vm_state in lifecycle.table.vm_states}
    for state in lifecycle.states.values():
        groups[state.vm_state].append(state)
    return groups


def _homes(lifecycle: Lifecycle) -> dict[Word, list[State]]:
    """Return the states of one word of each lane.

    A state at rest has a lane of its own. A step is in the lane of the first creation, state at
    rest or other step that leads to it.
    """
    homes: dict[State, State] = {s: s for s in lifecycle.states.values() if lifecycle.rests(s)}
    begun = [t.path[0] for made in lifecycle.creations.values() for t in made]
    for first in begun:
        homes.setdefault(first, first)
    waiting = list(dict.fromkeys([*begun, *homes]))
    for by in ((lifecycle.advance,), lifecycle.operations, lifecycle.triggers):
        for state in waiting:  # the list grows while it is read
            for trigger in by:
                for t in lifecycle.find(trigger, state):
                    for entered in t.path:
                        if entered not in homes:
                            homes[entered] = homes[state]
                            waiting.append(entered)
                            waiting += _followed(lifecycle, entered, homes)
    groups: dict[Word, list[State]] = {}
    for state in lifecycle.states.values():
        groups.setdefault(homes.get(state, state).vm_state, []).append(state)
    return groups


def _followed(lifecycle: Lifecycle, state: State, homes: dict[State, State]) -> list[State]:
    """Give the steps that follow a step by themselves the same home, and return them."""
    found: list[State] = []
    for t in lifecycle.find(lifecycle.advance, state):
        for entered in t.path:
            if entered not in homes:
                homes[entered] = homes[state]
                found += [entered, *_followed(lifecycle, entered, homes)]
    return found


def _lane(lifecycle: Lifecycle, vm_state: Word, states: list[State]) -> Lane:
    rest = next((s for s in states if not s.task_state and lifecycle.rests(s)), None)
    rows = tuple(_rows(lifecycle, states, rest))
    seen = {entered.state for row in rows for entered in row.entered} | {rest}
    unseen = dict.fromkeys(t.trigger for s in states for t in lifecycle.leaving(s) if not t.path)
    return Lane(
        vm_state,
        tuple(states),
        rest,
        rows,
        tuple(unseen),
        tuple(_notes(lifecycle, states, rest)),
        tuple(s for s in states if s not in seen),
    )


def _rows(lifecycle: Lifecycle, states: list[State], rest: State | None) -> Iterator[Row]:
    found: dict[object, Row] = {}
    for trigger in lifecycle.triggers.values():
        if trigger.kind in (Kind.REQUEST, Kind.SYSTEM):
            for source in _sources(lifecycle, trigger.name, states, rest):
                for row in _of_trigger(lifecycle, trigger, source, states):
                    key = row.kind, row.source, row.over, row.when, row.entered_states
                    same = found.get(key)
                    found[key] = _joined(same, row) if same else row
    yield from found.values()


def _of_trigger(
    lifecycle: Lifecycle, trigger: Trigger, source: State | None, states: list[State]
) -> list[Row]:
    """Return a row for each way of an operation; of equal ones that with fewer conditions."""
    ways = lifecycle.ways(_unsaid(lifecycle, source), trigger.name)
    rows = [_row(lifecycle, trigger, source, states, w) for w in ways if w[0].transition.path]
    return [
        row
        for n, row in enumerate(rows)
        if not any(
            row.entered_states == other.entered_states
            and ({*other.when} < {*row.when} or (row.when == other.when and other in rows[:n]))
            for other in rows
        )
    ]


def _joined(row: Row, other: Row) -> Row:
    names = tuple(dict.fromkeys(row.names + other.names))
    requests = tuple(dict.fromkeys(row.requests + other.requests))
    return row._replace(names=names, requests=requests)


def _sources(
    lifecycle: Lifecycle, trigger: str, states: Sequence[State], rest: State | None
) -> Sequence[State | None]:
    """Return where a row of `trigger` begins: at rest, or else at the first task that accepts it.

    System events during a task have no row.
    """
    made = lifecycle.find(trigger, None)
    if made and made[0].path[0] in states:
        return [None]
    if rest is not None and (lifecycle.find(trigger, rest) or not rest.one_word):
        return [rest] if lifecycle.find(trigger, rest) else []
    if trigger not in lifecycle.operations:
        return []
    if lifecycle.table.one_word:
        first = {t.path: s for s in reversed(states) for t in lifecycle.find(trigger, s)}
        return [s for s in states if s in first.values()]
    return [s for s in states if lifecycle.find(trigger, s)][:1]


def _unsaid(lifecycle: Lifecycle, source: State | None) -> Node | None:
    """Return the node of a server whose state is known and whose facts are not."""
    return None if source is None else lifecycle.found(source)


def _row(
    lifecycle: Lifecycle,
    trigger: Trigger,
    source: State | None,
    states: list[State],
    way: Sequence[Outcome],
) -> Row:
    first = way[0].transition
    own = [
        t
        for s in states
        for t in lifecycle.find(trigger.name, s)
        if t.path == first.path and t.when == first.when
    ]
    requests = tuple(dict.fromkeys([first, *own])) if trigger.kind is Kind.REQUEST else (first,)
    usual = [(name, value) for name, value in trigger.given.items() if value is not None]
    facts = dict.fromkeys(fact for outcome in way for fact in outcome.facts)
    return Row(
        names=(trigger.name,),
        kind=trigger.kind,
        source=source,
        over=tuple(t.source for t in requests if t.source and t.source != source),
        when=lifecycle.memory.ordered(dict(fact for fact in facts if fact not in usual)),
        entered=tuple(Entered(node.state, o.transition) for o in way for node in o.nodes),
        requests=requests,
    )


def _notes(lifecycle: Lifecycle, states: list[State], rest: State | None) -> Iterator[LaneNote]:
    """Yield what else can happen there, a note for each event and its result."""
    tasks = [s for s in states if s != rest]
    at_rest = [n for n, t in lifecycle.operations.items() if t.unseen and rest in t.steps]
    for trigger in lifecycle.events:
        sources_of: dict[str, list[State]] = {}
        for state in states:
            for t in lifecycle.find(trigger, state):
                in_row = t.kind is Kind.SYSTEM and state == rest
                if not in_row and trigger != lifecycle.advance:
                    seen = f"{seen_after(t)}{lifecycle.because(t.when)}"
                    sources_of.setdefault(seen, []).append(state)
        for seen, sources in sources_of.items():
            where = named(sources, tasks, rest_is=", ".join(at_rest))
            kind = lifecycle.triggers[trigger].kind
            yield LaneNote(trigger, kind, seen, tuple(sources), f"{trigger} at {where}: {seen}")


def seen_after(transition: Transition) -> str:
    """Return the statuses that an event shows one after the other, and the task at its end."""
    shown = [transition.source.status if transition.source else None]
    for state in transition.path:
        if state.status != shown[-1]:
            shown.append(state.status)
    statuses = ", then ".join(str(status) for status in shown[1:] or shown)
    task = transition.path[-1].task_state if transition.path else None
    if task and transition.source and task == transition.source.task_state:
        return f"the same {type(transition.source.status).task} ({statuses})"
    return f"{task} ({statuses})" if task else statuses


def named(states: Sequence[State], every: Sequence[State], rest_is: str = "") -> str:
    """Return the tasks of states by name, or "any step" with exceptions.

    `every` are all possible states; `rest_is` is the name for any other state.
    """
    missing = [s for s in every if s not in states]
    most = len(states) > 1 and set(states) <= set(every)
    if most and (not missing or len(missing) < 3 < len(states)):
        but = f" but {', '.join(task_of(s) for s in missing)}" if missing else ""
        return f"any step{but}"
    return ", ".join(task_of(s) if s in every or not rest_is else rest_is for s in states)


def task_of(state: State) -> str:
    """Return the task of a state for use in a sentence, or its one word."""
    if state.one_word or state.gone:
        return str(state)
    return state.task_state or f"no {type(state.status).task}"
