"""What must hold for a table as a whole, after each of its rows could be read."""

from __future__ import annotations

from collections import Counter

from ecs_fsm.core.errors import InvalidTable
from ecs_fsm.core.model import State
from ecs_fsm.core.notation import words
from ecs_fsm.core.rules import Rules


def check(lifecycle: Rules) -> None:
    """Raise `InvalidTable`, naming the row, for the first thing that is wrong."""
    _every_advance_ends(lifecycle)
    _every_pair_once(lifecycle)
    _one_creation(lifecycle)
    _every_word_used(lifecycle)
    _every_state_reached(lifecycle)
    _every_task_left(lifecycle)
    _names_exist(lifecycle)


def _row(lifecycle: Rules, state: State) -> str:
    shown = (state.vm_state, state.status)
    return f"pairs {next(row for row in lifecycle.table.pairs if (row[0], row[2]) == shown)}"


def _every_pair_once(lifecycle: Rules) -> None:
    written = Counter(
        f"{vm_state}/{task}"
        for vm_state, tasks, _ in lifecycle.table.pairs
        for task in words(tasks)
    )
    for pair, times in written.items():
        if times > 1:
            raise InvalidTable(f"pairs: {pair} stands there {times} times")


def _every_word_used(lifecycle: Rules) -> None:
    for name in ("vm_state", "task_state", "status"):
        used = {getattr(state, name) for state in lifecycle.states.values()}
        for word in getattr(lifecycle.table, f"{name}s" if name != "status" else "statuses"):
            if word not in used:
                raise InvalidTable(f"{type(word).__name__}.{word.name}: no pair has this {name}")


def _one_creation(lifecycle: Rules) -> None:
    makers = [t.trigger for t in lifecycle.leaving(None)]
    if len(makers) > 1:
        raise InvalidTable(f"one operation makes a server, not {' and '.join(makers)}")


def _every_advance_ends(lifecycle: Rules) -> None:
    ended: set[State] = set()
    for state in lifecycle.states.values():
        _follow_advance(lifecycle, state, (), ended)


def _follow_advance(
    lifecycle: Rules, state: State, passed: tuple[State, ...], ended: set[State]
) -> None:
    if state in passed:
        raise InvalidTable(f"{lifecycle.advance}: it goes round from {state} to {state}")
    if state not in ended:
        for transition in lifecycle.find(lifecycle.advance, state):
            _follow_advance(lifecycle, transition.path[-1], (*passed, state), ended)
        ended.add(state)


def _every_state_reached(lifecycle: Rules) -> None:
    entered: set[State] = set()
    left: set[State | None] = set()
    waiting: list[State | None] = [None]
    while waiting:
        source = waiting.pop()
        if source not in left:
            left.add(source)
            for transition in lifecycle.leaving(source):
                entered.update(transition.path)
                waiting += transition.path[-1:]
    for state in lifecycle.states.values():
        if state not in entered:
            raise InvalidTable(f"{_row(lifecycle, state)}: nothing reaches {state}")


def _every_task_left(lifecycle: Rules) -> None:
    for state in lifecycle.states.values():
        leads_on = any(t.path not in ((), (state,)) for t in lifecycle.leaving(state))
        if state.task_state and not leads_on:
            raise InvalidTable(f"{_row(lifecycle, state)}: {state} has no way out")


def _names_exist(lifecycle: Rules) -> None:
    for operation, vm_state in lifecycle.table.undocumented:
        if operation not in lifecycle.operations or vm_state not in list(lifecycle.table.vm_states):
            raise InvalidTable(f"undocumented: no operation {operation!r} or vm_state {vm_state!r}")
        if (first := lifecycle.table.undocumented[operation, vm_state]) in lifecycle.states:
            raise InvalidTable(f"undocumented: {operation} under {vm_state}: {first} is documented")
    for trigger in lifecycle.triggers:
        if not trigger.isidentifier():
            raise InvalidTable(f"rows: {trigger!r} cannot be the name of a method")
    table = lifecycle.table
    things = {*lifecycle.triggers, *lifecycle.states}
    things |= {*table.vm_states, *table.task_states, *table.statuses}
    for surprise in table.surprises:
        for thing in surprise.about:
            if thing not in things:
                raise InvalidTable(f"surprise {surprise.text!r}: there is no {thing!r}")
