"""What must hold for a table as a whole, after each of its rows was read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from keyword import iskeyword

from ecs_fsm.core.errors import Fault, InvalidTable, unknown
from ecs_fsm.core.model import Kind, State
from ecs_fsm.core.notation import words
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.core.row_reader import row_path
from ecs_fsm.core.rules import Rules

METHOD_OF_EVERY_EVENT = "may_"
"""What the methods begin with that say whether an event is possible."""

RESERVED = ("cls", "self", "history", "operation", "trigger", "vm_state", "task_state", "answer")
"""Names of parameters beside which facts are given."""


def check(lifecycle: Rules) -> None:
    """Raise `InvalidTable` with everything that is wrong, each with its row.

    Where rows could not be read, a search for what nothing reaches would only repeat that; a state
    that no path names is reported all the same.
    """
    faults = list(lifecycle.faults)
    faults += _every_pair_once(lifecycle)
    faults += _every_word_used(lifecycle)
    faults += _names_exist(lifecycle)
    faults += _pauses_are_progress(lifecycle)
    faults += _sections_hold_operations(lifecycle)
    if lifecycle.faults:
        faults += _every_state_named(lifecycle)
    else:
        faults += _every_advance_ends(lifecycle)
        faults += _something_made(lifecycle)
        faults += _every_state_reached(lifecycle)
        faults += _every_task_left(lifecycle)
    if faults:
        raise InvalidTable(*dict.fromkeys(faults))


def _at(lifecycle: Rules, state: State) -> tuple[str, tuple[str, ...]]:
    """Return where a state is written: in the table, and in a lifecycle file."""
    if state.one_word:
        return "statuses", ("statuses", state)
    shown = (state.vm_state, state.status)
    row = next(
        row
        for row in lifecycle.table.pairs
        if (row[0], row[2]) == shown and state.step in words(row[1])
    )
    return f"pairs {row}", ("pairs", f"{row[0]}/{row[1]}")


def _every_pair_once(lifecycle: Rules) -> Iterator[Fault]:
    pairs = [row for row in lifecycle.table.pairs if len(row) == 3]
    written = Counter(f"{vm}/{task}" for vm, tasks, _ in pairs for task in words(tasks))
    for pair, times in written.items():
        if times > 1:
            yield Fault(f"{pair} stands there {times} times", "pairs", ("pairs",))


def _sections_hold_operations(lifecycle: Rules) -> Iterator[Fault]:
    seen: set[str] = set()
    for section, names in lifecycle.sections.items():
        for name in names:
            if name not in lifecycle.operations:
                wrong = f"{name!r} is not an operation"
                yield Fault(wrong, f"sections {section}", ("sections", section))
            elif name in seen:
                wrong = f"{name} stands in two sections"
                yield Fault(wrong, f"sections {section}", ("sections", section))
            seen.add(name)


def _every_word_used(lifecycle: Rules) -> Iterator[Fault]:
    if lifecycle.table.one_word:
        return
    for name in ("vm_state", "task_state", "status"):
        used = {getattr(state, name) for state in lifecycle.states.values()}
        key = f"{name}s" if name != "status" else "statuses"
        for word in getattr(lifecycle.table, key):
            if word not in used:
                where = f"{type(word).__name__}.{word.name}"
                yield Fault(f"no pair has this {name}", where, (key, str(word)))


def _something_made(lifecycle: Rules) -> Iterator[Fault]:
    if not lifecycle.creations:
        make = 'begin a path with "(no server)"'
        yield Fault(
            f"nothing makes {Phrases(lifecycle.table).a_thing}: {make}", "rows", ("operations",)
        )


def _every_advance_ends(lifecycle: Rules) -> Iterator[Fault]:
    ended: set[State] = set()
    for state in lifecycle.states.values():
        passed: dict[State, None] = {}
        waiting = [(state, False)]
        while waiting:
            here, left = waiting.pop()
            if left:
                del passed[here]
                ended.add(here)
            elif here in passed:
                wrong = f"it goes round from {here} to {here}"
                yield Fault(wrong, lifecycle.advance, ("events", lifecycle.advance))
                return
            elif here not in ended:
                passed[here] = None
                following = lifecycle.find(lifecycle.advance, here)
                waiting += [(here, True), *((t.path[-1], False) for t in following if t.path)]


def _every_state_reached(lifecycle: Rules) -> Iterator[Fault]:
    entered = reached(lifecycle)
    unreached = set(lifecycle.table.unreached)
    for state in lifecycle.states.values():
        if state not in entered and state not in unreached:
            where, path = _at(lifecycle, state)
            yield Fault(f"nothing reaches {state}", where, path)
    for name in lifecycle.table.unreached:
        if name in entered:
            yield Fault(f"{name} is reached", "unreached", ("unreached",))


def _every_state_named(lifecycle: Rules) -> Iterator[Fault]:
    """Yield the states that no path names, whether it could be read or not.

    One that a fault suggests is left out: it is probably what was meant there.
    """
    table = lifecycle.table
    paths = [path for row in table.rows for path in row.paths.values()]
    texts = [*paths, *table.groups.values()]
    named = {part.strip(" ~") for text in texts for part in _SEPARATORS.split(text)}
    suggested = " ".join(fault.wrong for fault in lifecycle.faults)
    for state in lifecycle.states.values():
        parts = {str(state)} if state.one_word or state.gone else {str(state.vm_state), state.step}
        meant = any(repr(part) in suggested for part in parts)
        known = bool({"any", "same"} & named) or parts <= named or state in table.unreached
        if not (known or meant):
            where, path = _at(lifecycle, state)
            yield Fault(f"nothing reaches {state}", where, path)


_SEPARATORS = re.compile(r"\s*(?:->|[;+,/])\s*|\s*[\[{][^\]}]*[\]}]")


def reached(lifecycle: Rules) -> set[State]:
    """Return the states that something can enter, from a creation on."""
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
    return entered


def _every_task_left(lifecycle: Rules) -> Iterator[Fault]:
    for state in lifecycle.states.values():
        leads_on = any(t.path not in ((), (state,)) for t in lifecycle.leaving(state))
        if state.task_state and not leads_on and state not in lifecycle.table.unreached:
            where, path = _at(lifecycle, state)
            yield Fault(f"{state} has no way out", where, path)


def _pauses_are_progress(lifecycle: Rules) -> Iterator[Fault]:
    for row in lifecycle.table.rows:
        if row.pauses and (row.kind is not Kind.PROGRESS or row.name == lifecycle.advance):
            wrong = f"only an event of kind progress pauses, and not {lifecycle.advance}"
            yield Fault(wrong, row.name, (*row_path(row), "pauses"))


def _names_exist(lifecycle: Rules) -> Iterator[Fault]:
    table = lifecycle.table
    under = list(table.vm_states)
    for (operation, vm_state), first in table.undocumented.items():
        path = ("undocumented", f"{operation} {vm_state}")
        names = Phrases(table).kind("vm_state")
        if operation not in lifecycle.operations:
            wrong = str(unknown("operation", operation, lifecycle.operations))
            yield Fault(wrong, "undocumented", path)
        if vm_state not in under:
            yield Fault(str(unknown(names, vm_state, under)), "undocumented", path)
        if first in lifecycle.states:
            wrong = f"{operation} under {vm_state}: {first} is documented"
            yield Fault(wrong, "undocumented", path)
    for name in table.unreached:
        if name not in lifecycle.states:
            yield Fault(f"there is no state {name!r}", "unreached", ("unreached",))
    yield from _names_of_methods(lifecycle)
    yield from _names_of_facts(lifecycle)
    things = {*lifecycle.triggers, *lifecycle.states}
    things |= {*table.vm_states, *table.task_states, *table.statuses}
    for number, surprise in enumerate(table.surprises):
        for thing in surprise.about:
            if thing not in things:
                where = f"surprise {surprise.text!r}"
                yield Fault(f"there is no {thing!r}", where, ("surprises", number, "about"))


def _names_of_methods(lifecycle: Rules) -> Iterator[Fault]:
    for row in lifecycle.table.rows:
        name, path = row.name, row_path(row)
        if not name.isidentifier() or iskeyword(name):
            yield Fault(f"{name!r} cannot be the name of a method", "rows", path)
        elif name.startswith((METHOD_OF_EVERY_EVENT, "_")):
            wrong = f"{name!r}: a name that begins so is taken by methods of every server"
            yield Fault(wrong, "rows", path)


def _names_of_facts(lifecycle: Rules) -> Iterator[Fault]:
    facts = {fact.name: fact for fact in lifecycle.table.facts}
    for fact in facts.values():
        if not fact.name.isidentifier() or fact.name in RESERVED:
            yield Fault(f"{fact.name!r} cannot be a fact's name", "facts", ("facts", fact.name))
        if fact.default is not None and fact.default not in fact.values:
            wrong = f"the default {fact.default!r} is not one of {', '.join(fact.values)}"
            yield Fault(wrong, f"facts {fact.name}", ("facts", fact.name, "default"))
    for number, guard in enumerate(lifecycle.table.guards):
        for name in guard.allows:
            if name not in lifecycle.operations:
                wrong = str(unknown("operation", name, lifecycle.operations))
                yield Fault(wrong, "guards", ("guards", number, "allows"))
    for row in lifecycle.table.rows:
        for name, value in row.given.items():
            path = (*row_path(row), "given", name)
            if name not in facts:
                yield Fault(f"there is no fact {name!r}", row.name, path)
            elif value is not None and value not in facts[name].values:
                wrong = f"{name} is one of {', '.join(facts[name].values)}, not {value!r}"
                yield Fault(wrong, row.name, path)
