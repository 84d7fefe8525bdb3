"""The lifecycle as rows: for each vm_state what can be asked there, and what is seen of it then.

A row is an operation with the states that it enters when nothing goes wrong; operations that show
the same share a row. Everything else that can happen under a vm_state is told in its notes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, Kind, Node, State, Transition, Trigger, Word


class Entered(NamedTuple):
    """A state that a row enters, and the transition by which."""

    state: State
    by: Transition


class Row(NamedTuple):
    """Operations with the states that they enter, one after the other; the last is their end.

    `source` is where they are asked, None where there is no server yet; `over` are the tasks over
    which they can be asked as well, `when` the facts on which this way depends.
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
        """The states alone."""
        return tuple(entered.state for entered in self.entered)


class Lane(NamedTuple):
    """Everything that can happen under one vm_state.

    `rest` is the state in which a server stays there, None where there is none. `unseen` are
    operations that change neither attribute, `lonely` the states that no row enters.
    """

    vm_state: Word
    states: tuple[State, ...]
    rest: State | None
    rows: tuple[Row, ...]
    unseen: tuple[str, ...]
    notes: tuple[str, ...]
    lonely: tuple[State, ...]


def lanes_of(lifecycle: Lifecycle, only: Collection[str] = ()) -> tuple[Lane, ...]:
    """A lane for each vm_state, or for some only, in the order of the table."""
    return tuple(_lane(lifecycle, v) for v in lifecycle.table.vm_states if not only or v in only)


def _lane(lifecycle: Lifecycle, vm_state: Word) -> Lane:
    states = [s for s in lifecycle.states.values() if s.vm_state == vm_state]
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
    """A row for each way of an operation; of two that look alike the one with fewer conditions."""
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
    """Where a row of `trigger` begins: at rest, else at the first task that it can be asked over.

    What the system does to a running task is no row of its own.
    """
    made = lifecycle.find(trigger, None)
    if made and made[0].path[0] in states:
        return [None]
    if rest is not None:
        return [rest] if lifecycle.find(trigger, rest) else []
    if trigger not in lifecycle.operations:
        return []
    return [s for s in states if lifecycle.find(trigger, s)][:1]


def _unsaid(lifecycle: Lifecycle, source: State | None) -> Node | None:
    """The node of a server of which nothing is known but where it is."""
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


def _notes(lifecycle: Lifecycle, states: list[State], rest: State | None) -> Iterator[str]:
    """What else can happen there, a sentence for each event and what it comes to."""
    tasks = [s for s in states if s != rest]
    at_rest = [n for n, t in lifecycle.operations.items() if t.unseen and rest in t.steps]
    for trigger in lifecycle.events:
        told: dict[str, list[State]] = {}
        for state in states:
            for t in lifecycle.find(trigger, state):
                asked = t.kind is Kind.SYSTEM and state == rest
                if not asked and trigger != lifecycle.advance:
                    seen = f"{seen_after(t)}{lifecycle.because(t.when)}"
                    told.setdefault(seen, []).append(state)
        for seen, sources in told.items():
            where = named(sources, tasks, rest_is=", ".join(at_rest))
            yield f"{trigger} at {where}: {seen}"


def seen_after(transition: Transition) -> str:
    """The statuses that an event shows one after the other, and the task that it ends in."""
    shown = [transition.source.status if transition.source else None]
    for state in transition.path:
        if state.status != shown[-1]:
            shown.append(state.status)
    statuses = ", then ".join(str(status) for status in shown[1:] or shown)
    task = transition.path[-1].task_state
    return f"{task} ({statuses})" if task else statuses


def named(states: Sequence[State], every: Sequence[State], rest_is: str = "") -> str:
    """The tasks of states by name, or what they have in common.

    `every` are all that there could be; `rest_is` names what goes on unseen in any other one.
    """
    missing = [s for s in every if s not in states]
    most = len(states) > 1 and set(states) <= set(every)
    if most and (not missing or len(missing) < 3 < len(states)):
        but = f" but {', '.join(task_of(s) for s in missing)}" if missing else ""
        return f"any step{but}"
    return ", ".join(task_of(s) if s in every or not rest_is else rest_is for s in states)


def task_of(state: State) -> str:
    """The task of a state in a sentence."""
    return state.task_state or "no task"
