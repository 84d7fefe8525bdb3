"""Words of records as the states, operations and results of a lifecycle.

States are written as the cloud writes them, in any case; what is done to a server has names of its
own in each API, which `words.toml` translates.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import GONE, NO_TASK, Kind, State
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.io.toml import shipped
from ecs_fsm.records.observations import Observation, RecordedAction

NOTHING = ("", NO_TASK, "null", "none", "n/a")
"""Values that stand for none, in any case."""
Cells = tuple[object, object, object]
"""The vm_state, task_state and status of a row; `ABSENT` for a column that it does not have."""
ABSENT = object()
MOST_WORDS = 10_000


@cache
def cloud_words() -> Mapping[str, Mapping[str, object]]:
    """Return the tables of `words.toml`."""
    return shipped("ecs_fsm.records", "words.toml")


class Meanings:
    """What rows mean in a lifecycle; equal rows mean the same object, which is `known`."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        table = lifecycle.table
        kinds = {
            "vm_state": table.vm_states,
            "task_state": table.task_states,
            "status": table.statuses,
        }
        self._words = {
            kind: {str(word).lower(): str(word) for word in words} for kind, words in kinds.items()
        }
        self._names, self._task = Phrases(table).attributes, Phrases(table).task
        self.known: dict[Cells, Observation] = {}
        self._gone: Observation | None = None

    def of(self, cells: Cells) -> Observation:
        """Return the observation. Raise `InvalidInput` for words that are not known."""
        try:
            found = self.known.get(cells)
        except TypeError:
            found = None
        if found is None:
            found = self._read(cells)
            if len(self.known) < MOST_WORDS:
                self.known[cells] = found
        return found

    @property
    def gone(self) -> Observation | None:
        """What is seen of a server that a full list leaves out: the end of its life, if any."""
        if self._gone is None:
            for state in self.lifecycle.states.values():
                if next(iter(self.lifecycle.leaving(state)), None) is None:
                    self._gone = Observation(state.as_dict(), state, None)
                    break
        return self._gone

    def _read(self, cells: Cells) -> Observation:
        vm_state, task_state, status = map(_word, ("vm_state", "task_state", "status"), cells)
        if self.lifecycle.table.one_word:
            return self._one_word(status)
        named_task = cells[1] is not ABSENT
        if vm_state is None and status is None:
            names = self._names
            wrong = f"no {names.vm_state} and no {names.status}; a row has one of them"
            raise InvalidInput(wrong)
        status = status and self._spelt("status", status)
        task = task_state and self._spelt("task_state", task_state)
        if vm_state is None:
            return self._by_status(str(status), task) if named_task else _status_alone(str(status))
        vm = self._spelt("vm_state", vm_state)
        if not named_task:
            beside = f"no {self._names.task_state} beside {self._names.vm_state}"
            raise InvalidInput(f"{beside}; write null or - for no {self._task}")
        state = self.lifecycle.states.get(f"{vm}/{task or NO_TASK}")
        if state is None:
            shown = {"vm_state": vm, "task_state": task, "status": status}
            count = len(self.lifecycle.states)
            wrong = f"{vm}/{task or NO_TASK} is not one of the {count} pairs"
            return Observation(shown, None, wrong)
        if status not in (None, state.status):
            wrong = f"{self._names.status} {status} contradicts {state}, which shows {state.status}"
            return Observation({**state.as_dict(), "status": status}, state, wrong)
        return Observation(state.as_dict(), state, None)

    def _one_word(self, word: str | None) -> Observation:
        """What the only attribute says; none is shown where nothing exists any more."""
        states = self.lifecycle.states
        if word is None and GONE not in states:
            raise InvalidInput(f"no {self.lifecycle.table.attributes['status']}")
        state = states[GONE if word is None else self._spelt("status", word)]
        return Observation(state.as_dict(), state, None)

    def _by_status(self, status: str, task: str | None) -> Observation:
        """What a status with a task_state says: mostly the whole pair."""
        states = self.lifecycle.states.values()
        found = [s for s in states if (s.task_state, s.status) == (task, status)]
        if len(found) == 1:
            return Observation(found[0].as_dict(), found[0], None)
        wrong = None if found else f"no pair shows {status} with the {self._task} {task or NO_TASK}"
        return Observation({"task_state": task, "status": status}, None, wrong)

    def _spelt(self, kind: str, word: str) -> str:
        known = self._words[kind]
        if (found := known.get(word.lower())) is not None:
            return found
        error = unknown(Phrases(self.lifecycle.table).kind(kind), word[:60], known.values())
        other = _other_lifecycle(self.lifecycle, lambda one: Meanings(one).has(kind, word))
        raise InvalidInput(f"{error}; {other}" if other else str(error))

    def has(self, kind: str, word: str) -> bool:
        """Return whether the lifecycle has a vm_state, task_state or status (`kind`)."""
        return word.lower() in self._words[kind]

    def action(self, table: str, word: str) -> tuple[str, ...]:
        """Return the operations that a cloud's word for an action may mean.

        Raise `InvalidInput` for one that only another lifecycle has.
        """
        names = cloud_words()[table].get(word)
        if names is None:
            names = [word] if word in self.lifecycle.operations else []
        assert isinstance(names, list)  # noqa: S101  # our own file
        found = tuple(name for name in names if name in self.lifecycle.triggers)
        if names and not found:
            other = _other_lifecycle(self.lifecycle, lambda one: names[0] in one.triggers)
            more = f"; {other}" if other else ""
            raise InvalidInput(f"the lifecycle {self.lifecycle.name} has no {names[0]}{more}")
        return found

    def tasks(self, word: str) -> tuple[str, ...]:
        """Return the task_states through which an event of an instance action lasts."""
        named = cloud_words()["steps"].get(word)
        tasks = named if isinstance(named, list) else [word.removeprefix("compute_")]
        return tuple(task for task in tasks if task in self._words["task_state"].values())


def failed(result: object) -> bool | None:
    """Return whether a result says that an action failed; None where it says nothing."""
    found = cloud_words()["failed"].get(str(result))
    return found if isinstance(found, bool) else None


def failure_words(lifecycle: Lifecycle, action: RecordedAction) -> tuple[str, ...]:
    """Return the events by which the steps of an action can fail, the most usual first."""
    tasks = {task for step in action.steps if step.failed for task in step.tasks}
    found: dict[str, None] = {}
    for name in action.operations:
        steps: Iterable[State] = lifecycle.operations[name].steps
        for state in steps:
            if not tasks or state.task_state in tasks:
                for transition in lifecycle.leaving(state):
                    if lifecycle.triggers[transition.trigger].kind is Kind.FAILURE:
                        found.setdefault(transition.trigger)
    return tuple(sorted(found, key=list(lifecycle.triggers).index))


def _status_alone(status: str) -> Observation:
    return Observation({"status": status}, None, None)


def _word(kind: str, value: object) -> str | None:
    if value is ABSENT or value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput(f"{kind} is {json.dumps(value, default=str)[:60]}, not a word")
    word = value.strip()
    return None if word.lower() in NOTHING else word


def _other_lifecycle(lifecycle: Lifecycle, has: Callable[[Lifecycle], bool]) -> str | None:
    """The hint at a lifecycle with a name that has what this one does not."""
    from ecs_fsm.lifecycles import names, server_class

    for name in names():
        if name != lifecycle.name:
            with suppress(InvalidInput):  # of a package that is not what it says
                if has(server_class(name).lifecycle):
                    return f"the lifecycle {name} has it: --lifecycle {name}"
    return None
