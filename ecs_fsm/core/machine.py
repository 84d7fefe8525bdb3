"""A `transitions.Machine` built from a lifecycle's table, which servers with callbacks run on.

Callbacks, `events`, `get_triggers`, `add_model` and the rest work as the library documents them.
The machine and a server meet in `MachineModel` only. Whatever can add, change or remove a callback
or a transition makes the machine forget the known events, so that servers stop taking short cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from enum import Enum
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, Self, cast

import transitions
from transitions.core import Condition

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.machine_model import IN_LOOP, KnownEvents, MachineModel
from ecs_fsm.core.model import State, Transition, bracketed
from ecs_fsm.core.rules import Rules
from ecs_fsm.core.word import Word


class _Callbacks(list[Any]):
    """A list that notifies its owner when it is changed."""

    owner: _Watched | None = None
    """None only while the list is read from a pickle."""

    def __init__(self, items: list[Any], owner: _Watched) -> None:
        super().__init__(items)
        self.owner = owner


def _notifying(name: str) -> Any:
    change_list = getattr(list, name)

    def changed(self: _Callbacks, *args: Any) -> Any:
        try:
            return change_list(self, *args)
        finally:
            if self.owner is not None:
                self.owner.changed()

    return changed


for _name in ("append", "extend", "insert", "remove", "pop", "clear"):
    setattr(_Callbacks, _name, _notifying(_name))
for _name in ("__setitem__", "__delitem__", "__iadd__", "__imul__"):
    setattr(_Callbacks, _name, _notifying(_name))


class _Watched:
    """A part of a machine whose every change makes the machine forget the known events.

    Lists are wrapped when they are assigned: the library and its users append callbacks to them.
    """

    machine: LifecycleMachine | None = None

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, _Callbacks(value, self) if type(value) is list else value)
        self.changed()

    def changed(self) -> None:
        """Make the machine forget the known events."""
        if self.machine is not None:
            self.machine.forget()


class MachineState(_Watched, transitions.State):
    """A state of the machine; its value is the lifecycle's `State`, whose parts it carries."""

    value: State

    def __init__(self, name: State, **kwargs: Any) -> None:
        if not hasattr(name, "vm_state"):
            raise ValueError(f"{name!r} is not a state of the lifecycle: add it to the table")
        super().__init__(name, **kwargs)

    def add_callback(self, trigger: str, func: str | Callable[..., object]) -> None:
        """Add a callback for `enter` or `exit`, which can be a coroutine."""
        super().add_callback(trigger, cast(Any, func))

    @property
    def vm_state(self) -> Word:
        """Its vm_state."""
        return self.value.vm_state

    @property
    def task_state(self) -> Word | None:
        """Its task_state, None for no task."""
        return self.value.task_state

    @property
    def status(self) -> Word:
        """The status that the API shows for it."""
        return self.value.status


class FactCondition(Condition):
    """The condition that the model's facts are those of a transition of the table."""

    def __init__(self, row: Transition) -> None:
        super().__init__(bracketed(row.when))
        self.row = row

    def check(self, event_data: transitions.EventData) -> bool:
        """Return whether the transition can be taken; a model without facts can take any."""
        model = event_data.model
        return not isinstance(model, MachineModel) or model.event_allows(self.row)


class PathTransition(_Watched, transitions.Transition):
    """A transition that enters every state on its path; `dest` is the last of them.

    `row` is the table's transition, or None for a transition that was added to the machine.
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
        model = event_data.model
        if done and not self.path and isinstance(model, MachineModel):
            model.event_ends()
        return done

    def _change_state(self, event_data: transitions.EventData) -> None:
        machine, model = event_data.machine, event_data.model
        source = self.source
        for count, name in enumerate(self.path):
            machine.get_state(source).exit(event_data)
            if isinstance(model, MachineModel):
                model.event_enters(event_data.event.name, name, count)
            else:
                machine.set_state(name, model)
            event_data.update(name)
            state = machine.get_state(name)
            state.enter(event_data)
            if state.final:
                machine.callbacks(machine.on_final, event_data)
            if machine.get_model_state(model) is not state:
                return  # a callback moved the model elsewhere, which overtakes the rest of the path
            source = name


class PathEvent(_Watched, transitions.Event):
    """An event of the machine."""

    machine: LifecycleMachine

    def add_transition(self, transition: transitions.Transition) -> None:
        """Add a transition. Raise `ValueError` for a state that the machine does not have."""
        transition = cast(PathTransition, transition)
        for name in (transition.source, *transition.path):
            self.machine.get_state(name)
        transition.machine = self.machine
        super().add_transition(transition)
        self.changed()

    def trigger(self, model: object, *args: Any, **kwargs: Any) -> bool:
        """Trigger the event, as the library does; a server keeps its history and facts."""
        proceed = partial(self.proceed, model, *args, **kwargs)
        if isinstance(model, MachineModel):
            return model.event_triggered(self.name, self.transitions, proceed)
        return proceed()

    def proceed(self, model: object, *args: Any, **kwargs: Any) -> bool:
        """Do what the library does for a trigger: run callbacks, take a transition."""
        return super().trigger(model, *args, **kwargs)

    def _process(self, event_data: transitions.EventData) -> bool:
        # The library moves a model and then runs more callbacks. One that raises leaves it where it
        # was moved; a server goes back instead. What a handler of exceptions (`on_exception`) or
        # `finalize_event` triggers comes after this, and stands.
        model = event_data.model
        undo = model.event_begins() if isinstance(model, MachineModel) else None
        try:
            return super()._process(event_data)
        except BaseException:
            if undo:
                undo()
            raise


def _kept(value: object) -> object:
    """Return a copy of what a part of a machine holds in lists and dictionaries."""
    if isinstance(value, dict):
        kept = copy(value)
        kept.update({key: copy(v) if isinstance(v, list) else v for key, v in value.items()})
        return kept
    return copy(value) if isinstance(value, list) else value


class LifecycleMachine(_Watched, transitions.Machine):
    """The machine of one lifecycle: flat, without automatic transitions, without a first model.

    States are named `vm_state/task_state` and have vm_state, task_state and status as attributes.
    `known` holds the events that servers may take a short cut through.
    """

    state_cls = MachineState
    transition_cls = PathTransition
    event_cls = PathEvent
    states: dict[str, MachineState]  # type: ignore[assignment]
    events: dict[str, PathEvent]  # type: ignore[assignment]
    known: KnownEvents

    def __init__(self, lifecycle: Rules, known: KnownEvents | None = None) -> None:
        # Set past `_Watched.__setattr__`, which needs it.
        object.__setattr__(self, "known", known or KnownEvents())
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
        """Return the state of that name. Raise `ValueError` if there is none."""
        return cast(MachineState, super().get_state(state))

    @staticmethod
    def resolve_callable(func: Any, event_data: Any) -> Any:
        """Return the callback, so that it runs in the event loop while the event is awaited.

        Raise `InvalidInput` for a coroutine in an event that nothing awaits.
        """
        callback = transitions.Machine.resolve_callable(func, event_data)
        if in_loop := IN_LOOP.get():
            return in_loop(callback)
        if iscoroutinefunction(callback):
            name = getattr(callback, "__name__", repr(callback))
            event = event_data.event.name
            how = f"await server.trigger_async({event!r})"
            raise InvalidInput(f"the callback {name} of {event} is a coroutine: {how}")
        return callback

    @contextmanager
    def temporary_callbacks(self) -> Iterator[Self]:
        """Let callbacks, and transitions, that are added in a `with` block go at its end."""
        parts: list[_Watched] = [self, *self.states.values(), *self.events.values()]
        parts += [cast(PathTransition, t) for t in self.get_transitions()]
        kept = [(part, {name: _kept(v) for name, v in vars(part).items()}) for part in parts]
        try:
            yield self
        finally:
            for part, attributes in kept:
                vars(part).clear()
                for name, value in attributes.items():
                    # Lists of callbacks are wrapped again, as at every assignment.
                    setattr(part, name, [*value] if type(value) is _Callbacks else value)
            self.forget()

    def changed(self) -> None:
        """Forget the known events: an attribute of the machine itself was set."""
        self.forget()

    def forget(self) -> None:
        """Forget the known events: whether a callback takes part has to be looked up again."""
        # A new dictionary, not an empty one: a thread that looks an event up at this moment stores
        # what it finds in the dictionary that it began with, where no server looks any more.
        self.known.by_trigger = {}

    def has_callbacks(self, trigger: str, source: str, rows: int) -> bool:
        """Return whether a callback, or a transition beside the table's `rows`, takes part."""
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
        """Return whether `trigger` is possible for `model` now, conditions included."""
        return bool(self._can_trigger(model, trigger))
