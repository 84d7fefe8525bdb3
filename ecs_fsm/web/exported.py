"""A lifecycle as plain data: the table with its words, as small as a page needs it.

Words stand once, everything else names them by their place. Why an event is refused was found out
by `Lifecycle.reason` for every trigger in every state; only what guards hold back is left to
whoever reads the data, because it depends on what a server remembers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ecs_fsm import lifecycles
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, State, Transition, Trigger, Word
from ecs_fsm.core.scenario import HANG, WAIT
from ecs_fsm.core.server import API_STATUS, API_TASK_STATE, API_VM_STATE
from ecs_fsm.waiters.judge import GONE, NAMES

Json = dict[str, object]
NOWHERE = -1
"""The place of what is not there: no task, no server yet, no refusal."""


def exported(lifecycle: Lifecycle) -> Json:
    """The lifecycle as data that JSON can hold."""
    return _Export(lifecycle).everything()


class _Export:
    """The places of a lifecycle's words, and what is told by them."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self.states = {state: n for n, state in enumerate(lifecycle.states.values())}
        self.triggers = {name: n for n, name in enumerate(lifecycle.triggers)}
        self.facts = {name: n for n, name in enumerate(lifecycle.memory.names)}

    def everything(self) -> Json:
        """All that the page knows."""
        lifecycle, table = self.lifecycle, self.lifecycle.table
        return {
            "lifecycle": lifecycle.name,
            "api": [API_STATUS, API_VM_STATE, API_TASK_STATE],
            "attributes": list(NAMES),
            "gone": GONE,
            "lifecycles": list(lifecycles.NAMES),
            "hang": HANG,
            "wait": WAIT,
            "vm_states": _words(table.vm_states),
            "task_states": _words(table.task_states),
            "statuses": [[*told, s.tone] for told, s in _with(table.statuses)],
            "states": [self._state(state) for state in self.states],
            "facts": [self._fact(name) for name in self.facts],
            "triggers": [self._trigger(t) for t in lifecycle.triggers.values()],
            "onward": self.triggers[lifecycle.advance],
            "transitions": [self._transition(t) for t in lifecycle.transitions],
            "guards": [self._guard(*guard) for guard in table.guards],
            **self._refusals(),
            "surprises": [[s.text, list(s.about)] for s in table.surprises],
        }

    def _state(self, state: State) -> list[object]:
        table = self.lifecycle.table
        memory = self.lifecycle.memory
        return [
            list(table.vm_states).index(state.vm_state),
            list(table.task_states).index(state.task_state) if state.task_state else NOWHERE,
            list(table.statuses).index(state.status),
            [self.facts[name] for name in memory.remembered(state)],
            self._pairs(memory.implied(state).items()),
        ]

    def _fact(self, name: str) -> Json:
        fact = self.lifecycle.memory.fact(name)
        return {
            "name": name,
            "values": list(fact.values),
            "meaning": fact.meaning,
            "usual": fact.default,
        }

    def _trigger(self, trigger: Trigger) -> Json:
        return {
            "name": trigger.name,
            "kind": trigger.kind,
            "meaning": trigger.meaning,
            "unseen": trigger.unseen,
            "given": dict(trigger.given),
        }

    def _transition(self, transition: Transition) -> list[object]:
        source = NOWHERE if transition.source is None else self.states[transition.source]
        path = [self.states[state] for state in transition.path]
        told: list[object] = [self.triggers[transition.trigger], source, path]
        if transition.when or transition.learns:
            told.append(self._pairs(transition.when))
        if transition.learns:
            told.append(self._pairs(transition.learns))
        return told

    def _pairs(self, facts: Facts | Iterable[tuple[str, str]]) -> list[list[int]]:
        values = self.lifecycle.memory.values
        return [[self.facts[name], values(name).index(value)] for name, value in facts]

    def _guard(self, fact: str, value: str, allows: Sequence[str], why: str) -> list[object]:
        return [fact, value, [self.triggers[name] for name in allows], why]

    def _refusals(self) -> Mapping[str, object]:
        reasons: dict[str, int] = {}
        rows = [
            [self._refusal(trigger, state, reasons) for state in self.states]
            for trigger in self.lifecycle.triggers.values()
        ]
        return {"reasons": list(reasons), "refusals": rows}

    def _refusal(self, trigger: Trigger, state: State, reasons: dict[str, int]) -> int:
        found = self.lifecycle.find(trigger.name, state)
        if any(not t.when for t in found):
            return NOWHERE
        why = self.lifecycle.reason(trigger.name, self.lifecycle.node(state))
        return reasons.setdefault(why, len(reasons))


def _with(words: Iterable[Word]) -> list[tuple[list[str], Word]]:
    return [([word.value, word.meaning], word) for word in words]


def _words(words: Iterable[Word]) -> list[list[str]]:
    return [told for told, _ in _with(words)]
