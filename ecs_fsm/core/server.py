"""A server of a lifecycle: a state, what happened to it, and who wants to hear of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

from ecs_fsm.core.errors import InvalidInput, Refused
from ecs_fsm.core.history import Attention, History
from ecs_fsm.core.lifecycle import NOTHING_GIVEN, Lifecycle, Outcome
from ecs_fsm.core.model import AnyChange, Node, State, Steps, Transition, Word, bracketed

if TYPE_CHECKING:
    from ecs_fsm.core.machine import PathEvent

API_STATUS = "status"
API_VM_STATE = "OS-EXT-STS:vm_state"
API_TASK_STATE = "OS-EXT-STS:task_state"

Observer = TypeVar("Observer", bound=Callable[..., object])


def said(**given: str | None) -> dict[str, str]:
    """The facts among `given` that somebody said."""
    return {name: value for name, value in given.items() if value is not None}


class BaseServer:
    """A server of `lifecycle`; a subclass names the lifecycle and has a method for each event.

    A copy is a server of its own with the same state and history. Two servers are equal when state
    and history are. Servers of one lifecycle may live in different threads without a lock; one
    server that several threads use needs the caller's lock around each use.
    """

    __slots__ = ("_attention", "_changes", "_node")

    lifecycle: ClassVar[Lifecycle]
    _steps: ClassVar[Steps]
    _created: ClassVar[tuple[Node, AnyChange]]

    def __init_subclass__(cls) -> None:
        lifecycle = cls.lifecycle
        cls._steps = lifecycle.steps
        made = lifecycle.outcome(lifecycle.creation.trigger, None)
        cls._created = made.end, lifecycle.change(lifecycle.creation.trigger, made.end)

    def __init__(self, node: Node, *, history: bool = True) -> None:
        self._node = node
        self._changes: list[AnyChange] | None = (
            [self.lifecycle.change(None, node)] if history else None
        )
        self._attention: Attention | None = None

    @classmethod
    def create(cls, *, history: bool = True, **given: str) -> Self:
        """A new server, in the first state of its creation; `given` are facts of its creation."""
        node, entry = cls._created
        if given:
            node = cls.lifecycle.outcome(cls.lifecycle.creation.trigger, None, given).end
            entry = cls.lifecycle.change(cls.lifecycle.creation.trigger, node)
        server = cls(node, history=False)
        if history:
            server._changes = [entry]
        return server

    @classmethod
    def at(
        cls,
        vm_state: str,
        task_state: str | None = None,
        *,
        history: bool = True,
        **remembers: str,
    ) -> Self:
        """A server somewhere in the table; no task is None, `remembers` are facts known there.

        Raises `InvalidInput` for a pair or a fact that cannot be.
        """
        state = cls.lifecycle.state(vm_state, task_state)
        return cls(cls.lifecycle.place(state, remembers), history=history)

    @classmethod
    def from_api(cls, answer: Mapping[str, Any], *, history: bool = True, **remembers: str) -> Self:
        """The server that an answer of the compute API describes, `remembers` what it leaves out.

        Reads `status`, `OS-EXT-STS:vm_state` and `OS-EXT-STS:task_state`, with or without the
        `{"server": …}` around them. Raises `InvalidInput` for a missing attribute, an unknown pair
        or a status that contradicts it.
        """
        if not isinstance(answer, Mapping):
            raise InvalidInput(f"an answer of the API is a mapping, not {type(answer).__name__}")
        body = answer
        if "server" in answer and API_STATUS not in answer:
            body = answer["server"]
        if not isinstance(body, Mapping):
            raise InvalidInput(f"a server in an answer is a mapping, not {type(body).__name__}")
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
        return cls(cls.lifecycle.place(state, remembers), history=history)

    def to_api(self) -> dict[str, str | None]:
        """The three attributes as the compute API spells them, None for no task."""
        shown = self.state.as_dict()
        return {
            API_STATUS: shown["status"],
            API_VM_STATE: shown["vm_state"],
            API_TASK_STATE: shown["task_state"],
        }

    @property
    def state(self) -> State:
        """Where it is: `"active/powering-off"`, with its vm_state, task_state and status."""
        return self._node.state

    @state.setter
    def state(self, name: str) -> None:
        # How a `transitions` machine puts its model somewhere else.
        self._node = self.lifecycle.node(self.lifecycle.states[name], dict(self._node.facts))

    @property
    def node(self) -> Node:
        """The state with what is remembered there: the lifecycle's one object for both."""
        return self._node

    @property
    def remembers(self) -> dict[str, str]:
        """The facts known of this server that its state does not show; usual ones are left out."""
        return dict(self._node.facts)

    @property
    def vm_state(self) -> Word:
        """The stable state that the last finished operation left behind."""
        return self._node.state.vm_state

    @property
    def task_state(self) -> Word | None:
        """The step now running, or None."""
        return self._node.state.task_state

    @property
    def status(self) -> Word:
        """What the API shows as status: a function of vm_state and task_state."""
        return self._node.state.status

    @property
    def history(self) -> History:
        """Every state entered so far with the event that entered it; empty where none is kept."""
        return History(self._changes or (), self.lifecycle)

    def trigger(self, trigger: str, **given: str) -> bool:
        """Let an operation or an event of the system happen, by name.

        `given` are facts that are given with it. True when it happened, False when a condition that
        somebody put on the machine stopped it. Raises `Refused` where the lifecycle does not allow
        it, `UnknownFact` where it depends on something that nobody said, `InvalidInput` for an
        unknown name. A refused event changes nothing, nor does one whose callback raises.
        """
        return self._in_full(trigger, given) if given else self._fire(trigger)

    def _fire(self, trigger: str) -> bool:
        try:
            node, changes = self._steps.known[trigger][self._node]
        except KeyError:
            return self._in_full(trigger, NOTHING_GIVEN)
        self._node = node
        if self._changes is not None:
            self._changes += changes
        if self._attention is not None:
            self._attention.pending += changes
            self._attention.tell()
        return True

    def _in_full(self, trigger: str, given: Mapping[str, str]) -> bool:
        machine, known = self.lifecycle.machine, self._steps.known
        event, rows = machine.events.get(trigger), self.lifecycle.find(trigger, self.state)
        if event is None or self.state not in event.transitions:
            raise self._refusal(trigger)
        outcome = self.lifecycle.outcome(trigger, self._node, given) if rows else None
        if outcome and not given and not machine.has_callbacks(trigger, self.state, len(rows)):
            changes = tuple(self.lifecycle.change(trigger, node) for node in outcome.nodes)
            # Remembered where it was looked up, before the callbacks were: one that was added
            # meanwhile has emptied another dictionary.
            known.setdefault(trigger, {})[self._node] = (outcome.end, changes)
            return self._fire(trigger)
        return self._with_callbacks(event, outcome)

    def _through(self, event: PathEvent, *args: Any, **kwargs: Any) -> bool:
        """Let an event of the machine happen that was triggered there."""
        if self.state not in event.transitions:
            raise self._refusal(event.name)
        rows = self.lifecycle.find(event.name, self.state)
        outcome = self.lifecycle.outcome(event.name, self._node) if rows else None
        return self._with_callbacks(event, outcome, *args, **kwargs)

    def _with_callbacks(
        self, event: PathEvent, outcome: Outcome | None, *args: Any, **kwargs: Any
    ) -> bool:
        attention = self._attention = self._attention or Attention()
        outer, attention.outcome = attention.outcome, outcome
        attention.under_way += 1
        try:
            happened = event.go(self, *args, **kwargs)
        finally:
            attention.under_way -= 1
            attention.outcome = outer
            if not attention.callables and not attention.under_way:
                self._attention = None
        attention.tell()
        return happened

    def _mark(self) -> Callable[[], None]:
        """How to get back to where the server is now, for an event whose callback raises."""
        attention = self._attention = self._attention or Attention()
        node, kept, told = self._node, len(self._changes or ()), len(attention.pending)

        def undo() -> None:
            self._node = node
            del attention.pending[told:]
            if self._changes is not None:
                del self._changes[kept:]

        return undo

    def _refusal(self, trigger: str) -> Refused:
        if trigger in self.lifecycle.machine.events and trigger not in self.lifecycle.triggers:
            reason = "the transitions that were added for it start elsewhere"
        elif trigger in self.lifecycle.triggers and self.lifecycle.possible(trigger, self._node):
            reason = "its transition was taken from the machine"
        else:
            return self.lifecycle.refusal(trigger, self._node)
        return Refused(trigger, self.state, reason, self.lifecycle.requests(self._node))

    def _allows(self, row: Transition) -> bool:
        """Whether a transition of the table is the one for what is known; the machine asks."""
        if self._attention and self._attention.outcome:
            return row == self._attention.outcome.transition
        return row in self.lifecycle.possible(row.trigger, self._node)

    def _enter(self, event: str, name: str, count: int) -> None:
        """Enter a state of an event's path; the machine says when."""
        outcome = self._attention and self._attention.outcome
        if outcome:
            self._node = outcome.nodes[count]
        else:
            self.state = self.lifecycle.states[name]
        entry = self.lifecycle.change(event, self._node)
        if self._changes is not None:
            self._changes.append(entry)
        if self._attention is not None:
            self._attention.pending.append(entry)

    def _finish(self) -> None:
        """End an event that enters nothing; the machine says when."""
        if self._attention and self._attention.outcome:
            self._node = self._attention.outcome.end

    def may(self, trigger: str) -> bool:
        """Whether `trigger` is possible now. Raises `InvalidInput` for an unknown name."""
        if trigger not in self.lifecycle.machine.events:
            self.lifecycle.refusal(trigger, self._node)
            return False
        return self.lifecycle.machine.may(self, trigger)

    def triggers(self) -> list[str]:
        """The operations and events that are possible now, in the order of the table."""
        machine = self.lifecycle.machine
        return [name for name in machine.get_triggers(self.state) if machine.may(self, name)]

    def run(self) -> State:
        """Let the system go on until the server rests; the state that it rests in."""
        advance = self.lifecycle.machine.events.get(self.lifecycle.advance)
        while advance and self.state in advance.transitions and self._fire(advance.name):
            pass
        return self.state

    def observe(self, observer: Observer) -> Observer:
        """Call `observer` with each `AnyChange` from now on, in order, once its event is complete.

        Every observer is told even where one raises; what they raised then reaches the caller, and
        the event stands. Observers are neither copied nor pickled.
        """
        if self._attention is None:
            self._attention = Attention()
        self._attention.callables.append(observer)
        return observer

    def __getstate__(self) -> tuple[Any, dict[str, Any]]:
        attributes, slots = cast(tuple[Any, dict[str, Any]], object.__getstate__(self))
        changes = None if self._changes is None else list(self._changes)
        where = (self._node.state, self._node.facts)
        return attributes, {**slots, "_changes": changes, "_attention": None, "_node": where}

    def __setstate__(self, state: tuple[Any, dict[str, Any]]) -> None:
        attributes, slots = state
        at, facts = slots["_node"]
        node = self.lifecycle.node(self.lifecycle.states[at], dict(facts))
        for name, value in {**(attributes or {}), **slots, "_node": node}.items():
            setattr(self, name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BaseServer):
            return NotImplemented
        return (self.lifecycle, self._node, self._changes) == (
            other.lifecycle,
            other._node,
            other._changes,
        )

    __hash__ = None  # type: ignore[assignment]  # what can change is no key

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state}{bracketed(self._node.facts)} {self.status}>"

    def _repr_svg_(self) -> str:
        from ecs_fsm.integrations.jupyter import server_svg

        return server_svg(self)
