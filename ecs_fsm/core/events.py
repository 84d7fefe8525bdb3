"""How events happen to a server: the short cut, the machine with its callbacks, observers."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from functools import partial
from typing import ClassVar, TypeVar

from ecs_fsm.core.errors import Refused
from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.machine_model import IN_LOOP, KnownEvents, MachineModel
from ecs_fsm.core.model import AnyChange, Node, State, Transition
from ecs_fsm.core.outcomes import NOTHING_GIVEN, Outcomes

Observer = TypeVar("Observer", bound=Callable[..., object])


class Observers:
    """The observers of one server, the changes they have not been notified of, the present event.

    `under_way` counts events that run callbacks and notifications that have begun and not ended;
    `outcome` is that of the innermost such event by the table, None for one that was added to the
    machine.
    """

    __slots__ = ("callables", "outcome", "pending", "under_way")

    def __init__(self) -> None:
        self.callables: list[Callable[[AnyChange], object]] = []
        self.pending: list[AnyChange] = []
        self.under_way = 0
        self.outcome: Outcome | None = None

    def notify(self) -> None:
        """Notify every observer of each pending change in order, once no event is under way.

        Events that an observer triggers add changes behind those still pending, so all observers
        get all changes in the order in which they happened. Raise what observers raised, after all
        were notified.
        """
        if self.under_way:
            return
        self.under_way += 1
        errors: list[Exception] = []
        try:
            while self.pending:
                entry = self.pending.pop(0)
                for observer in tuple(self.callables):
                    try:
                        in_loop = IN_LOOP.get()
                        (in_loop(observer) if in_loop else observer)(entry)
                    except Exception as error:
                        errors.append(error)
        finally:
            self.under_way -= 1
        if len(errors) > 1:
            raise ExceptionGroup("observers raised", errors)
        if errors:
            raise errors[0]


class ServerEvents(MachineModel):
    """The part of a server that lets events happen, and remembers where they led.

    While nobody has used `lifecycle.machine` there are no callbacks, and the table alone decides.
    Afterwards an event still takes the short cut, until a callback takes part in it; then the
    machine runs it and comes back through the methods of `MachineModel`.
    """

    __slots__ = ("_changes", "_node", "_observers")

    lifecycle: ClassVar[Outcomes]
    _known_events: ClassVar[KnownEvents]
    _node: Node
    _changes: list[AnyChange] | None
    """The history; None where none is kept."""
    _observers: Observers | None
    """None while there are no observers and no callbacks run: most servers need neither."""

    @property
    def state(self) -> State:
        """The present state, such as `"active/powering-off"`, with its parts as attributes."""
        return self._node.state

    @state.setter
    def state(self, name: str) -> None:
        # `machine.set_state` moves a model this way.
        self._node = self.lifecycle.node(self.lifecycle.states[name], dict(self._node.facts))

    def trigger(self, trigger: str, **given: str | None) -> bool:
        """Let an operation or an event of the system happen, by name.

        `given` holds facts that are given with it; None stands for one that is not given. Return
        True, or False if a condition that was added to the machine prevented it. Raise `Refused` if
        the lifecycle does not allow it, `UnknownFact` if it depends on a fact that is not known,
        `InvalidInput` for an unknown name. An event that is refused, or whose callback raises,
        changes nothing.
        """
        facts = {name: value for name, value in given.items() if value is not None}
        return self._in_full(trigger, facts) if facts else self._fire(trigger)

    async def trigger_async(self, trigger: str, **given: str | None) -> bool:
        """Let an event happen as `trigger` does, and await the callbacks that are coroutines.

        All callbacks and observers run in the event loop of the caller, one after the other, while
        the event itself waits in a thread. Await it before you trigger the next event of the same
        server; an event that has begun is completed even if the caller is cancelled.
        """
        if self.lifecycle.built_machine is None and self._observers is None:
            return self.trigger(trigger, **given)
        from ecs_fsm.core.coroutines import awaited

        return await awaited(partial(self.trigger, trigger, **given))

    def _fire(self, trigger: str) -> bool:
        # The short cut: two look-ups replace the rules and the machine. What the table does depends
        # on the node alone, and nothing is stored of an event that had callbacks or was given
        # facts. A machine that gets a callback replaces the dictionary, so no entry is out of date.
        try:
            node, changes = self._known_events.by_trigger[trigger][self._node]
        except KeyError:
            return self._in_full(trigger, NOTHING_GIVEN)
        self._node = node
        if self._changes is not None:
            self._changes += changes
        if self._observers is not None:
            self._observers.pending += changes
            self._observers.notify()
        return True

    def _move(self, node: Node, changes: tuple[AnyChange, ...]) -> bool:
        self._node = node
        if self._changes is not None:
            self._changes += changes
        if self._observers is not None:
            self._observers.pending += changes
            self._observers.notify()
        return True

    def _in_full(self, trigger: str, given: Mapping[str, str]) -> bool:
        # The dictionary is read before the machine. If another thread builds the machine or adds a
        # callback meanwhile, this event is stored in a dictionary that has been replaced.
        by_trigger = self._known_events.by_trigger
        machine = self.lifecycle.built_machine
        rows = self.lifecycle.find(trigger, self.state)
        if machine is not None:
            event = machine.events.get(trigger)
            if event is None or self.state not in event.transitions:
                raise self._refusal(trigger)
            if machine.has_callbacks(trigger, self.state, len(rows)):
                return self._with_callbacks(trigger, given, partial(event.proceed, self))
        elif not rows:
            raise self._refusal(trigger)
        outcome = self.lifecycle.outcome(trigger, self._node, given)
        changes = tuple(self.lifecycle.change(trigger, node) for node in outcome.nodes)
        if not given:
            by_trigger.setdefault(trigger, {})[self._node] = (outcome.end, changes)
        return self._move(outcome.end, changes)

    def _with_callbacks(
        self, trigger: str, given: Mapping[str, str], proceed: Callable[[], bool]
    ) -> bool:
        """Let the machine run an event; its callbacks may trigger further events of this server."""
        in_table = self.lifecycle.find(trigger, self.state)
        outcome = self.lifecycle.outcome(trigger, self._node, given) if in_table else None
        observers = self._observers = self._observers or Observers()
        outer, observers.outcome = observers.outcome, outcome
        observers.under_way += 1
        try:
            happened = proceed()
        finally:
            observers.under_way -= 1
            observers.outcome = outer
            if not observers.callables and not observers.under_way:
                self._observers = None
        observers.notify()
        return happened

    def event_triggered(
        self, event: str, sources: Container[str], proceed: Callable[[], bool]
    ) -> bool:
        """Let an event happen that was triggered at the machine; see `MachineModel`."""
        if self.state not in sources:
            raise self._refusal(event)
        return self._with_callbacks(event, NOTHING_GIVEN, proceed)

    def event_begins(self) -> Callable[[], None]:
        """Return what undoes everything since now, for an event whose callback raises."""
        observers = self._observers = self._observers or Observers()
        node, kept, pending = self._node, len(self._changes or ()), len(observers.pending)

        def undo() -> None:
            # Also what callbacks triggered: observers are not notified before the event is over.
            self._node = node
            del observers.pending[pending:]
            if self._changes is not None:
                del self._changes[kept:]

        return undo

    def event_allows(self, row: Transition) -> bool:
        """Return whether a transition of the table is the one for the facts that are known."""
        if self._observers and self._observers.outcome:
            return row == self._observers.outcome.transition
        return row in self.lifecycle.possible(row.trigger, self._node)

    def event_enters(self, event: str, state: str, count: int) -> None:
        """Enter a state of an event's path."""
        outcome = self._observers and self._observers.outcome
        if outcome:
            self._node = outcome.nodes[count]
        else:
            self.state = self.lifecycle.states[state]
        entry = self.lifecycle.change(event, self._node)
        if self._changes is not None:
            self._changes.append(entry)
        if self._observers is not None:
            self._observers.pending.append(entry)

    def event_ends(self) -> None:
        """End an event that enters no state; it may have changed facts."""
        if self._observers and self._observers.outcome:
            self._node = self._observers.outcome.end

    def _refusal(self, trigger: str) -> Refused:
        lifecycle, machine = self.lifecycle, self.lifecycle.built_machine
        if trigger in lifecycle.triggers and lifecycle.possible(trigger, self._node):
            reason = "its transition was taken from the machine"
        elif machine and trigger in machine.events and trigger not in lifecycle.triggers:
            reason = "the transitions that were added for it start elsewhere"
        else:
            return lifecycle.refusal(trigger, self._node)
        return Refused(trigger, self.state, reason, lifecycle.requests(self._node))

    def may(self, trigger: str) -> bool:
        """Return whether `trigger` is possible now. Raise `InvalidInput` for an unknown name."""
        machine = self.lifecycle.built_machine
        if machine is not None and trigger in machine.events:
            return machine.may(self, trigger)
        if trigger not in self.lifecycle.triggers:
            raise self.lifecycle.refusal(trigger, self._node)
        return machine is None and bool(self.lifecycle.possible(trigger, self._node))

    def triggers(self) -> list[str]:
        """Return the operations and events that are possible now, in the order of the table."""
        machine = self.lifecycle.built_machine
        names = self.lifecycle.triggers if machine is None else machine.get_triggers(self.state)
        return [name for name in names if self.may(name)]

    def run(self) -> State:
        """Let the system continue until the server is at rest, and return that state."""
        while self._can_advance() and self._fire(self.lifecycle.advance):
            pass
        return self.state

    def _can_advance(self) -> bool:
        machine, node = self.lifecycle.built_machine, self._node
        if machine is None or node.state in self.lifecycle.endless:
            return not self.lifecycle.stays(node)
        event = machine.events.get(self.lifecycle.advance)
        return event is not None and self.state in event.transitions

    def observe(self, observer: Observer) -> Observer:
        """Call `observer` with each `AnyChange` from now on, in order, once its event is complete.

        All observers are notified even if one raises; what they raised then reaches the caller, and
        the event stands. Observers are neither copied nor pickled.
        """
        if self._observers is None:
            self._observers = Observers()
        self._observers.callables.append(observer)
        return observer
