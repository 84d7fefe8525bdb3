"""A real `transitions.Machine` built from a lifecycle's table, and a short way through it.

Callbacks, `events`, `get_triggers`, `add_model` and the rest work as the library documents them. An
event in which nobody's callback has a part is remembered with its outcome, and forgotten as soon as
anything that it depends on is changed.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import transitions

if TYPE_CHECKING:
    from ecs_fsm.lifecycle import Lifecycle, State, Word


class Change(NamedTuple):
    """One state that an event entered. `event` is None where a history begins without one."""

    event: str | None
    vm_state: Word
    task_state: Word | None
    status: Word


def change(event: str | None, state: State) -> Change:
    """The change that `event` makes by entering `state`."""
    return Change(event, state.vm_state, state.task_state, state.status)


class _Callbacks(list[Any]):
    """A list that tells its owner when it is changed."""

    owner: _Watched | None = None
    """None only while the list is being read from a pickle."""

    def __init__(self, items: list[Any], owner: _Watched) -> None:
        super().__init__(items)
        self.owner = owner


def _telling(name: str) -> Any:
    change_list = getattr(list, name)

    def changed(self: _Callbacks, *args: Any) -> Any:
        try:
            return change_list(self, *args)
        finally:
            if self.owner is not None:
                self.owner.changed()

    return changed


for _name in ("append", "extend", "insert", "remove", "pop", "clear"):
    setattr(_Callbacks, _name, _telling(_name))
for _name in ("__setitem__", "__delitem__", "__iadd__", "__imul__"):
    setattr(_Callbacks, _name, _telling(_name))


class _Watched:
    """A part of a machine that makes it forget its steps when one of its attributes is changed."""

    machine: LifecycleMachine | None = None

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, _Callbacks(value, self) if type(value) is list else value)
        self.changed()

    def changed(self) -> None:
        """Make the machine forget its steps."""
        if self.machine is not None:
            self.machine.forget()


class MachineState(_Watched, transitions.State):
    """A state of the machine; its value is the lifecycle's `State`, whose parts it carries."""

    value: State

    @property
    def vm_state(self) -> Word:
        """The vm_state of the pair."""
        return self.value.vm_state

    @property
    def task_state(self) -> Word | None:
        """The task_state of the pair, None for no task."""
        return self.value.task_state

    @property
    def status(self) -> Word:
        """The status that the API shows for the pair."""
        return self.value.status


class PathTransition(_Watched, transitions.Transition):
    """A transition that really enters every state on its path; `dest` is the last of them."""

    def __init__(self, *args: Any, path: tuple[State, ...] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.path: tuple[str, ...] = path if path else (self.dest,) if self.dest else ()
        self.changes: tuple[Change, ...] = ()

    def _change_state(self, event_data: transitions.EventData) -> None:
        machine, model = event_data.machine, event_data.model
        entered = getattr(model, "_entered", None)
        source = self.source
        for name, entry in zip(self.path, self.changes, strict=True):
            machine.get_state(source).exit(event_data)
            machine.set_state(name, model)
            if entered:
                entered(entry)
            event_data.update(name)
            state = machine.get_state(name)
            state.enter(event_data)
            if state.final:
                machine.callbacks(machine.on_final, event_data)
            if machine.get_model_state(model) is not state:
                return  # a callback took the model elsewhere: the rest of the path is overtaken
            source = name


class PathEvent(_Watched, transitions.Event):
    """An event of the machine; it says which changes each of its transitions makes."""

    machine: LifecycleMachine

    def add_transition(self, transition: transitions.Transition) -> None:
        """Add a transition. Raises `ValueError` for a state that the machine has not."""
        transition = cast(PathTransition, transition)
        states = [self.machine.get_state(name) for name in transition.path]
        transition.changes = tuple(change(self.name, state.value) for state in states)
        transition.machine = self.machine
        super().add_transition(transition)
        self.changed()


class Steps:
    """The events of a machine that are known to run no callback.

    By trigger and source: the state at the event's end, and the changes that lead there. Plain
    tuples and dictionaries, because a server's every event looks something up here.
    """

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[str, dict[str, tuple[State, tuple[Change, ...]]]] = {}


class LifecycleMachine(_Watched, transitions.Machine):
    """The machine of one lifecycle: flat, without auto-transitions, no model of its own.

    States are named `vm_state/task_state` and carry vm_state, task_state and status.
    """

    state_cls = MachineState
    transition_cls = PathTransition
    event_cls = PathEvent
    states: dict[str, MachineState]  # type: ignore[assignment]
    steps: Steps

    def __init__(self, lifecycle: Lifecycle) -> None:
        object.__setattr__(self, "steps", Steps())
        super().__init__(
            model=None,
            states=[
                MachineState(state, final=not lifecycle.leaving(state))
                for state in lifecycle.states.values()
            ],
            initial=lifecycle.creation.path[-1],
            auto_transitions=False,
            name=lifecycle.name,
        )
        for t in lifecycle.transitions:
            if t.source is not None:
                self.add_transition(t.trigger, t.source, t.path[-1], path=t.path)

    def add_states(self, *args: Any, **kwargs: Any) -> None:
        """Add states, and watch them."""
        super().add_states(*args, **kwargs)
        for state in self.states.values():
            state.machine = self

    def remove_transition(self, trigger: str, source: str = "*", dest: str = "*") -> None:
        """Remove transitions, as the library does."""
        super().remove_transition(trigger, source, dest)
        self.forget()

    def get_state(self, state: str | Enum) -> MachineState:
        """The state of that name. Raises `ValueError` where there is none."""
        return cast(MachineState, super().get_state(state))

    def changed(self) -> None:
        """Forget the steps: something about the machine itself is new."""
        self.forget()

    def forget(self) -> None:
        """Take no short way until it is known again that no callback lies on it."""
        self.steps.known = {}

    def quicken(self, trigger: str, source: str) -> bool:
        """Remember the step of `trigger` at `source` if no callback has a part in it."""
        known = self.steps.known  # taken first: a callback added meanwhile empties another one
        found = self.events[trigger].transitions.get(source, []) if trigger in self.events else []
        if len(found) != 1 or not isinstance(found[0], PathTransition) or not found[0].path:
            return False
        transition = found[0]
        passed = [self.get_state(name) for name in (source, *transition.path)]
        hooks = [
            *(self.prepare_event, self.before_state_change, self.after_state_change),
            *(self.finalize_event, transition.prepare, transition.conditions),
            *(transition.before, transition.after),
            *(state.on_exit for state in passed[:-1]),
            *(state.on_enter for state in passed[1:]),
            *(self.on_final for state in passed[1:] if state.final),
        ]
        if any(hooks):
            return False
        known.setdefault(trigger, {})[source] = (passed[-1].value, transition.changes)
        return True

    def may(self, model: object, trigger: str) -> bool:
        """Whether `trigger` is possible for `model` now, conditions included."""
        return bool(self._can_trigger(model, trigger))
