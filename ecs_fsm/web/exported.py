"""A lifecycle as plain data, small enough for a page.

Each word is written once; everything else refers to it by number. The data has the reason for every
refusal (`Lifecycle.reason`) except those by guards, which depend on facts: the reader of the data
decides these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ecs_fsm import lifecycles
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import GONE as GONE_STATE
from ecs_fsm.core.model import Facts, State, Transition, Trigger
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.core.scenario import HANG, WAIT
from ecs_fsm.core.word import Word
from ecs_fsm.draw.rows import lanes_of
from ecs_fsm.lifecycles.registry import option_of
from ecs_fsm.waiters.judge import GONE, attribute_names

Json = dict[str, object]
NOWHERE = -1
"""Stands for no task, no server yet, or no refusal."""


def exported(lifecycle: Lifecycle) -> Json:
    """Return the lifecycle as data for JSON."""
    return _Export(lifecycle).everything()


class _Export:
    """Numbers the words of a lifecycle, and writes everything else with these numbers."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self.states = {state: n for n, state in enumerate(lifecycle.states.values())}
        self.triggers = {name: n for n, name in enumerate(lifecycle.triggers)}
        self.facts = {name: n for n, name in enumerate(lifecycle.memory.names)}

    def everything(self) -> Json:
        """Return the whole data."""
        lifecycle, table = self.lifecycle, self.lifecycle.table
        return {
            "lifecycle": lifecycle.name,
            "option": Path(option_of(lifecycle)).name,
            "api": self._api(),
            "attributes": list(attribute_names(lifecycle)),
            "gone": GONE,
            "lifecycles": list(lifecycles.NAMES),
            "hang": HANG,
            "wait": WAIT,
            **self._phrases(),
            "vm_states": _words(table.vm_states),
            "task_states": _words(table.task_states),
            "statuses": [[word.value, word.meaning, word.tone] for word in table.statuses],
            "states": [self._state(state) for state in self.states],
            "facts": [self._fact(name) for name in self.facts],
            "triggers": [self._trigger(t) for t in lifecycle.triggers.values()],
            "onward": self.triggers[lifecycle.advance],
            "transitions": [self._transition(t) for t in lifecycle.transitions],
            "guards": [self._guard(*guard) for guard in table.guards],
            **self._refusals(),
            "surprises": [[s.text, list(s.about)] for s in table.surprises],
        }

    def _api(self) -> list[str]:
        """Return what the API calls its attributes: one, or status, vm_state and task_state."""
        names = self.lifecycle.table.attributes
        return [names["status"]] if self.lifecycle.table.one_word else [*names.values()]

    def _phrases(self) -> Json:
        """Return the nouns of the texts."""
        phrases = Phrases(self.lifecycle.table)
        return {
            "thing": phrases.thing,
            "columns": list(phrases.columns.values()),
            "task": phrases.task,
            "gone_state": GONE_STATE,
            "single": [n for state, n in self.states.items() if state.one_word or state.gone],
            "lanes": self._lanes(),
        }

    def _lanes(self) -> list[int]:
        """Return the number of the lane that each state is drawn in."""
        lanes = lanes_of(self.lifecycle)
        number = {state: n for n, lane in enumerate(lanes) for state in lane.states}
        return [number[state] for state in self.states]

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
            "given": dict(trigger.given),
        }

    def _transition(self, transition: Transition) -> list[object]:
        source = NOWHERE if transition.source is None else self.states[transition.source]
        path = [self.states[state] for state in transition.path]
        row: list[object] = [self.triggers[transition.trigger], source, path]
        if transition.when or transition.learns:
            row.append(self._pairs(transition.when))
        if transition.learns:
            row.append(self._pairs(transition.learns))
        return row

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


def _words(words: Iterable[Word]) -> list[list[str]]:
    return [[word.value, word.meaning] for word in words]
