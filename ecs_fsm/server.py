"""A server of a lifecycle: a state, what happened to it, and who wants to hear of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeVar, cast

from ecs_fsm.errors import InvalidInput, Refused
from ecs_fsm.lifecycle import Lifecycle, State, Word
from ecs_fsm.machine import Change, Steps, change

API_STATUS = "status"
API_VM_STATE = "OS-EXT-STS:vm_state"
API_TASK_STATE = "OS-EXT-STS:task_state"

Observer = TypeVar("Observer", bound=Callable[[Change], object])


class History(tuple[Change, ...]):
    """What happened to a server, in order; `print` shows it as a table."""

    __slots__ = ()

    def __str__(self) -> str:
        from ecs_fsm.text import history_table

        return history_table(self)


class _Observers:
    """Who is told of a server's changes, and the changes that they were not told of yet."""

    __slots__ = ("callables", "pending", "under_way")

    def __init__(self) -> None:
        self.callables: list[Callable[[Change], object]] = []
        self.pending: list[Change] = []
        self.under_way = 0

    def tell(self) -> None:
        """Tell everybody, each change in its order, unless an event or a telling is under way."""
        if self.under_way:
            return
        self.under_way += 1
        errors: list[Exception] = []
        try:
            while self.pending:
                entry = self.pending.pop(0)
                for observer in tuple(self.callables):
                    try:
                        observer(entry)
                    except Exception as error:
                        errors.append(error)
        finally:
            self.under_way -= 1
        if len(errors) > 1:
            raise ExceptionGroup("observers raised", errors)
        if errors:
            raise errors[0]


class BaseServer:
    """A server of `lifecycle`; a subclass names the lifecycle and has a method for each event.

    A copy is a server of its own with the same state and history. Two servers are equal when state
    and history are. Servers of one lifecycle may live in different threads without a lock; one
    server that several threads use needs the caller's lock around each use.
    """

    __slots__ = ("_changes", "_observers", "state")

    lifecycle: ClassVar[Lifecycle]
    _steps: ClassVar[Steps]
    _created: ClassVar[Change]

    state: State
    """Where the server is: `"active/powering-off"`, with `vm_state`, `task_state` and `status`."""

    def __init_subclass__(cls) -> None:
        cls._steps = cls.lifecycle.machine.steps
        creation = cls.lifecycle.creation
        cls._created = change(creation.trigger, creation.path[-1])

    def __init__(self, state: State, *, history: bool = True) -> None:
        self.state = state
        self._changes: list[Change] | None = [change(None, state)] if history else None
        self._observers: _Observers | None = None

    @classmethod
    def create(cls, *, history: bool = True) -> Self:
        """A new server, in the first state of its creation."""
        server = cls(cls.lifecycle.creation.path[-1], history=False)
        if history:
            server._changes = [cls._created]
        return server

    @classmethod
    def at(cls, vm_state: str, task_state: str | None = None, *, history: bool = True) -> Self:
        """A server somewhere in the table; no task is None. Raises `InvalidInput` elsewhere."""
        return cls(cls.lifecycle.state(vm_state, task_state), history=history)

    @classmethod
    def from_api(cls, answer: Mapping[str, Any], *, history: bool = True) -> Self:
        """The server that an answer of the compute API describes.

        Reads `status`, `OS-EXT-STS:vm_state` and `OS-EXT-STS:task_state`, with or without the
        `{"server": …}` around them. Raises `InvalidInput` for a missing attribute, an unknown pair
        or a status that contradicts it.
        """
        body = answer.get("server", answer) if isinstance(answer, Mapping) else answer
        if not isinstance(body, Mapping):
            raise InvalidInput(f"an answer of the API is a mapping, not {type(body).__name__}")
        for name in (API_STATUS, API_VM_STATE, API_TASK_STATE):
            if name not in body:
                raise InvalidInput(f"the answer has no {name!r}")
            if not isinstance(body[name], str) and (body[name], name) != (None, API_TASK_STATE):
                raise InvalidInput(f"{name} is {body[name]!r}; a word of the API was expected")
        state = cls.lifecycle.state(body[API_VM_STATE], body[API_TASK_STATE])
        if body[API_STATUS] != state.status:
            raise InvalidInput(
                f"status {body[API_STATUS]!r} contradicts {state}, which shows {state.status}"
            )
        return cls(state, history=history)

    def to_api(self) -> dict[str, str | None]:
        """The three attributes as the compute API spells them, None for no task."""
        shown = self.state.as_dict()
        return {
            API_STATUS: shown["status"],
            API_VM_STATE: shown["vm_state"],
            API_TASK_STATE: shown["task_state"],
        }

    @property
    def vm_state(self) -> Word:
        """The stable state that the last finished operation left behind."""
        return self.state.vm_state

    @property
    def task_state(self) -> Word | None:
        """The step now running, or None."""
        return self.state.task_state

    @property
    def status(self) -> Word:
        """What the API shows as status: a function of vm_state and task_state."""
        return self.state.status

    @property
    def history(self) -> History:
        """Every state entered so far with the event that entered it; empty where none is kept."""
        return History(self._changes or ())

    def trigger(self, trigger: str) -> bool:
        """Let an operation or an event of the system happen, by name.

        True when it happened, False when a condition that somebody put on the machine stopped it.
        Raises `Refused` where the lifecycle does not allow it and `InvalidInput` for an unknown
        name. A refused event changes nothing, nor does one whose callback raises.
        """
        try:
            state, changes = self._steps.known[trigger][self.state]
        except KeyError:
            return self._trigger_in_full(trigger)
        self.state = state
        if self._changes is not None:
            self._changes += changes
        if self._observers is not None:
            self._observers.pending += changes
            self._observers.tell()
        return True

    def _trigger_in_full(self, trigger: str) -> bool:
        machine = self.lifecycle.machine
        if machine.quicken(trigger, self.state):
            return self.trigger(trigger)
        event = machine.events.get(trigger)
        if event is None or self.state not in event.transitions:
            raise self._refusal(trigger)
        told = self._observers = self._observers or _Observers()
        state, kept, pending = self.state, len(self._changes or ()), len(told.pending)
        happened = False
        told.under_way += 1
        try:
            happened = event.trigger(self)
        finally:
            told.under_way -= 1
            if not happened:
                self.state = state
                del told.pending[pending:]
                if self._changes is not None:
                    del self._changes[kept:]
            if not told.callables and not told.under_way:
                self._observers = None
        told.tell()
        return happened

    def _refusal(self, trigger: str) -> Refused:
        if trigger in self.lifecycle.machine.events and trigger not in self.lifecycle.triggers:
            reason = "the transitions that were added for it start elsewhere"
            return Refused(trigger, self.state, reason, self.lifecycle.requests(self.state))
        return self.lifecycle.refusal(trigger, self.state)

    def _entered(self, entry: Change) -> None:
        if self._changes is not None:
            self._changes.append(entry)
        if self._observers is not None:
            self._observers.pending.append(entry)

    def may(self, trigger: str) -> bool:
        """Whether `trigger` is possible now. Raises `InvalidInput` for an unknown name."""
        if trigger not in self.lifecycle.machine.events:
            self.lifecycle.refusal(trigger, self.state)
            return False
        return self.lifecycle.machine.may(self, trigger)

    def triggers(self) -> list[str]:
        """The operations and events that are possible now, in the order of the table."""
        machine = self.lifecycle.machine
        return [name for name in machine.get_triggers(self.state) if machine.may(self, name)]

    def run(self) -> State:
        """Let the system go on until the server rests; the state that it rests in."""
        advance = self.lifecycle.advance
        while self.may(advance) and self.trigger(advance):
            pass
        return self.state

    def observe(self, observer: Observer) -> Observer:
        """Call `observer` with each `Change` from now on, in order, once its event is complete.

        Every observer is told even where one raises; what they raised then reaches the caller, and
        the event stands. Observers are neither copied nor pickled.
        """
        if self._observers is None:
            self._observers = _Observers()
        self._observers.callables.append(observer)
        return observer

    def __getstate__(self) -> tuple[dict[str, Any] | None, dict[str, Any]]:
        attributes, slots = cast(tuple[Any, dict[str, Any]], object.__getstate__(self))
        changes = None if self._changes is None else list(self._changes)
        return attributes, {**slots, "_changes": changes, "_observers": None}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BaseServer):
            return NotImplemented
        return (self.lifecycle, self.state, self._changes) == (
            other.lifecycle,
            other.state,
            other._changes,
        )

    __hash__ = None  # type: ignore[assignment]  # what can change is no key

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state} {self.status}>"
