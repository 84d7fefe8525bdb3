"""A real `transitions.Machine` built from a lifecycle's table, and a short way through it.

Callbacks, `events`, `get_triggers`, `add_model` and the rest work as the library documents them. An
event in which nobody's callback has a part is remembered with its outcome, and forgotten as soon as
anything that it depends on is changed.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, cast

import transitions
from transitions.core import Condition

from ecs_fsm.core.model import Steps, bracketed

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle
    from ecs_fsm.core.model import State, Transition, Word


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

    def __init__(self, name: State, **kwargs: Any) -> None:
        if not hasattr(name, "vm_state"):
            raise ValueError(f"{name!r} is no state of the lifecycle: add it to the table")
        super().__init__(name, **kwargs)

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


class FactCondition(Condition):
    """The condition that the facts are those of a row of the table."""

    def __init__(self, row: Transition) -> None:
        super().__init__(bracketed(row.when))
        self.row = row

    def check(self, event_data: transitions.EventData) -> bool:
        """Whether the model, if it remembers anything, is in the row's case."""
        allows = getattr(event_data.model, "_allows", None)
        return allows is None or bool(allows(self.row))


class PathTransition(_Watched, transitions.Transition):
    """A transition that really enters every state on its path; `dest` is the last of them.

    `row` is the table's transition, None for one that was added to the machine.
    """

    def __init__(self, *args: Any, row: Transition | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row
        self.path: tuple[str, ...] = row.path if row else (self.dest,) if self.dest else ()
        if row and row.when:
            self.conditions.append(FactCondition(row))

    def execute(self, event_data: transitions.EventData) -> bool:
        """Execute the transition; one without a path changes no state."""
        done = super().execute(event_data)
        finish = getattr(event_data.model, "_finish", None)
        if done and not self.path and finish:
            finish()
        return done

    def _change_state(self, event_data: transitions.EventData) -> None:
        machine, model = event_data.machine, event_data.model
        enter = getattr(model, "_enter", None)
        source = self.source
        for count, name in enumerate(self.path):
            machine.get_state(source).exit(event_data)
            if enter:
                enter(event_data.event.name, name, count)
            else:
                machine.set_state(name, model)
            event_data.update(name)
            state = machine.get_state(name)
            state.enter(event_data)
            if state.final:
                machine.callbacks(machine.on_final, event_data)
            if machine.get_model_state(model) is not state:
                return  # a callback took the model elsewhere: the rest of the path is overtaken
            source = name


class PathEvent(_Watched, transitions.Event):
    """An event of the machine."""

    machine: LifecycleMachine

    def add_transition(self, transition: transitions.Transition) -> None:
        """Add a transition. Raises `ValueError` for a state that the machine has not."""
        transition = cast(PathTransition, transition)
        for name in (transition.source, *transition.path):
            self.machine.get_state(name)
        transition.machine = self.machine
        super().add_transition(transition)
        self.changed()

    def trigger(self, model: object, *args: Any, **kwargs: Any) -> bool:
        """Trigger the event, as the library does; a server sees to its own history and facts."""
        through = getattr(model, "_through", None)
        return bool(through(self, *args, **kwargs)) if through else self.go(model, *args, **kwargs)

    def go(self, model: object, *args: Any, **kwargs: Any) -> bool:
        """Do what the library does when the event is triggered."""
        return super().trigger(model, *args, **kwargs)

    def _process(self, event_data: transitions.EventData) -> bool:
        mark = getattr(event_data.model, "_mark", None)
        undo = mark() if mark else None
        try:
            return super()._process(event_data)
        except BaseException:
            if undo:
                undo()
            raise


class LifecycleMachine(_Watched, transitions.Machine):
    """The machine of one lifecycle: flat, without auto-transitions, no model of its own.

    States are named `vm_state/task_state` and carry vm_state, task_state and status.
    """

    state_cls = MachineState
    transition_cls = PathTransition
    event_cls = PathEvent
    states: dict[str, MachineState]  # type: ignore[assignment]
    events: dict[str, PathEvent]  # type: ignore[assignment]
    steps: Steps

    def __init__(self, lifecycle: Lifecycle) -> None:
        object.__setattr__(self, "steps", lifecycle.steps)
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
                dest = t.path[-1] if t.path else None
                self.add_transition(t.trigger, t.source, dest, row=t)

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

    def has_callbacks(self, trigger: str, source: str, rows: int) -> bool:
        """Whether somebody's callback, or a transition beside the table's `rows`, has a part."""
        found = self.events[trigger].transitions[source]
        entered = [self.get_state(name) for t in found for name in cast(PathTransition, t).path]
        left = [self.get_state(source), *entered]
        conditions = [c for t in found for c in t.conditions if not isinstance(c, FactCondition)]
        return len(found) != rows or any(
            (
                *(self.prepare_event, self.before_state_change, self.after_state_change),
                *(self.finalize_event, conditions),
                *(hooks for t in found for hooks in (t.prepare, t.before, t.after)),
                *(state.on_exit for state in left),
                *(state.on_enter for state in entered),
                *(self.on_final for state in entered if state.final),
            )
        )

    def may(self, model: object, trigger: str) -> bool:
        """Whether `trigger` is possible for `model` now, conditions included."""
        return bool(self._can_trigger(model, trigger))
