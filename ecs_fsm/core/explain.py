"""What a word of a lifecycle means: its states, what leads to them, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ecs_fsm.core.errors import unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State, Transition, Trigger
from ecs_fsm.core.phrases import Phrases

Json = dict[str, object]


class Description(NamedTuple):
    """What the table says about one word: a trigger, a part of a state, or a state."""

    thing: str
    kind: str
    meaning: str
    shown_by: tuple[State, ...]
    """The states that show the word, or through which the trigger passes."""
    reached_by: tuple[Transition, ...]
    next: tuple[Transition, ...]
    """What the system does next, and what a user can request; of a trigger: its transitions."""
    failures: tuple[Transition, ...]
    ways: tuple[tuple[State, ...], ...]
    """Of an operation: the states of each way without failures, from each vm_state."""
    surprises: tuple[str, ...]

    def as_dict(self) -> Json:
        """Return the same as plain data; transitions as in `operations --json`."""
        return {
            "thing": self.thing,
            "kind": self.kind,
            "meaning": self.meaning,
            "shown_by": [state.as_dict() for state in self.shown_by],
            "reached_by": [t.as_dict() for t in self.reached_by],
            "next": [t.as_dict() for t in self.next],
            "failures": [t.as_dict() for t in self.failures],
            "ways": [[state.as_dict() for state in way] for way in self.ways],
            "surprises": list(self.surprises),
        }


def things(lifecycle: Lifecycle) -> list[str]:
    """Return every word that `describe` knows."""
    table = lifecycle.table
    words = (*table.vm_states, *table.task_states, *table.statuses)
    return list(dict.fromkeys([*lifecycle.triggers, *map(str, words), *lifecycle.states]))


def describe(lifecycle: Lifecycle, thing: str) -> Description:
    """Describe an operation, an event, a vm_state, a task_state, a status or a state.

    Raise `InvalidInput` with the nearest word for anything else.
    """
    table = lifecycle.table
    if thing in lifecycle.triggers:
        return _describe_trigger(lifecycle, thing)
    if state := lifecycle.states.get(thing):
        parts = [state.vm_state.meaning, *([state.task_state.meaning] if state.task_state else [])]
        meaning = " ".join(parts)
        if not (state.one_word or state.gone):
            name = Phrases(table).attributes.status
            meaning += f" The API shows {name} {state.status}."
        if state in table.unreached:
            meaning += " It is documented, and nothing enters it."
        return _describe_states(lifecycle, thing, "state", meaning)
    for kind, words in (
        ("vm_state", table.vm_states),
        ("task_state", table.task_states),
        ("status", table.statuses),
    ):
        if thing in list(words):
            word = lifecycle.word(kind, thing)
            return _describe_states(lifecycle, thing, kind, word.meaning)
    raise unknown("word", thing, things(lifecycle))


def _describe_states(lifecycle: Lifecycle, thing: str, kind: str, meaning: str) -> Description:
    among = lifecycle.states.values()
    states = tuple(s for s in among if thing == (s if kind == "state" else getattr(s, kind)))
    entered = (
        t
        for t in lifecycle.transitions
        if any(s in states for s in t.path) and t.source not in states
    )
    left = tuple(t for state in states for t in lifecycle.leaving(state))
    return Description(
        thing=thing,
        kind=kind,
        meaning=meaning,
        shown_by=states,
        reached_by=tuple(entered),
        next=tuple(t for t in left if t.kind is not Kind.FAILURE),
        failures=tuple(t for t in left if t.kind is Kind.FAILURE),
        ways=(),
        surprises=_surprises(lifecycle, thing),
    )


def _describe_trigger(lifecycle: Lifecycle, name: str) -> Description:
    trigger = lifecycle.triggers[name]
    request = trigger.kind is Kind.REQUEST
    events = [
        t
        for step in trigger.steps
        for t in lifecycle.leaving(step)
        if t.kind is Kind.FAILURE or not (t.kind is Kind.REQUEST or lifecycle.rests(step))
    ]
    return Description(
        thing=name,
        kind="operation" if request else "event",
        meaning=trigger.meaning,
        shown_by=trigger.steps,
        reached_by=(),
        next=trigger.transitions,
        failures=tuple(t for t in events if t.trigger != lifecycle.advance),
        ways=tuple(dict.fromkeys(_ways(lifecycle, trigger))) if request else (),
        surprises=_surprises(lifecycle, name),
    )


def _ways(lifecycle: Lifecycle, trigger: Trigger) -> Iterator[tuple[State, ...]]:
    """Return the states of each way from rest; requests over a running task are left out."""
    for source in dict.fromkeys(t.source for t in trigger.transitions):
        if source is None or lifecycle.rests(source):
            begun = () if source is None else (source,)
            node = None if source is None else lifecycle.found(source)
            for nodes in lifecycle.runs(node, trigger.name):
                yield (*begun, *(node.state for node in nodes))


def _surprises(lifecycle: Lifecycle, thing: str) -> tuple[str, ...]:
    return tuple(s.text for s in lifecycle.table.surprises if thing in s.about)
