"""How the rows of a table are written: the way the specifications write them, read into states.

Sources name a set of states: every vm_state before the slash with every task after it, sets joined
by `;`. A path names the states that are entered, in order: `->` is a step of the system's own, `+`
joins states that one event enters one after the other.

    sources   active, stopped/-       active/-; active/SOFT, migrating       building/any
    path      same/REBUILD -> active/- + active/powering-off -> stopped/-

`-` is a null task_state and `any` every task of that vm_state; `same` repeats the vm_state or the
task of the source. A group in capitals stands for its tasks: for each of them in a set, for all of
them one after the other in a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ecs_fsm.errors import InvalidInput

if TYPE_CHECKING:
    from ecs_fsm.lifecycle import State

NO_TASK = "-"
NO_SERVER = "(no server)"


def words(text: str) -> list[str]:
    """The parts of a comma-separated list."""
    return [word.strip() for word in text.split(",")]


class Notation:
    """Reads sources and paths over one set of states."""

    def __init__(self, states: Mapping[str, State], groups: Mapping[str, str]) -> None:
        self._states = states
        self._groups = {name: words(tasks) for name, tasks in groups.items()}

    def sources(self, text: str) -> list[State | None]:
        """The states of a set, in its order; `[None]` where there is no server yet."""
        if text == NO_SERVER:
            return [None]
        found: list[State | None] = []
        for part in text.split(";"):
            vm_states, tasks = _split(part)
            for vm_state in words(vm_states):
                found += [self._state(vm_state, task) for task in self._tasks(vm_state, tasks)]
        return found

    def path(self, text: str, source: State | None) -> list[tuple[State, ...]]:
        """What each event of a path enters: the first the request's, the rest the system's own."""
        entered: list[tuple[State, ...]] = []
        for step in text.split("->"):
            writes = [self._write(part, source) for part in step.split("+")]
            if len(writes) == 1:
                entered += [(state,) for state in writes[0]]
            else:
                entered.append(tuple(state for write in writes for state in write))
        return entered

    def _write(self, text: str, source: State | None) -> list[State]:
        vm_state, task = _split(text)
        if source is not None:
            vm_state = source.vm_state if vm_state == "same" else vm_state
            task = (source.task_state or NO_TASK) if task == "same" else task
        return [self._state(vm_state, name) for name in self._groups.get(task, [task])]

    def _tasks(self, vm_state: str, text: str) -> list[str]:
        if text == "any":
            there = (s for s in self._states.values() if s.vm_state == vm_state)
            return [s.task_state or NO_TASK for s in there]
        return [task for word in words(text) for task in self._groups.get(word, [word])]

    def _state(self, vm_state: str, task: str) -> State:
        name = f"{vm_state}/{task}"
        if name not in self._states:
            raise InvalidInput(f"{name} is not one of the {len(self._states)} pairs")
        return self._states[name]


def _split(text: str) -> tuple[str, str]:
    vm_state, slash, task = (part.strip() for part in text.partition("/"))
    if not (vm_state and slash and task):
        raise InvalidInput(
            f"{text.strip()!r} is no state; write vm_state/task_state, - for no task"
        )
    return vm_state, task
