"""A lifecycle and its servers: each of the two names the other.

A `Lifecycle` is a value. The command line, pictures and checks learn from it which states,
operations and steps there are. Its servers are of a class with a method for each event, which is
made at run time; the generated modules of `lifecycles` hold such a class as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, cast
from weakref import WeakValueDictionary

from ecs_fsm.core.answers import api_attributes, state_of
from ecs_fsm.core.errors import unknown
from ecs_fsm.core.events import ServerEvents
from ecs_fsm.core.history import History
from ecs_fsm.core.model import (
    AnyChange,
    Kind,
    Node,
    Table,
    Trigger,
    bracketed,
)
from ecs_fsm.core.outcomes import Outcomes
from ecs_fsm.core.word import Word

_PICKLED: WeakValueDictionary[str, Lifecycle] = WeakValueDictionary()
"""Lifecycles that were pickled, by mark: in the same process a pickle leads back to the same."""


class Lifecycle(Outcomes):
    """A checked table, and its state graph.

    A node of the graph is a state with its facts; outcomes lead from one to the next. The paths of
    the graph are the runs that a server can do, and no others. Raise `InvalidTable`, naming each
    row that `Rules` cannot read, each state that nothing reaches, each task without a way out.
    """

    file: str
    """The lifecycle file that it was read from; empty for a table in Python."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._server_class: type[BaseServer] | None = None
        self._mark = ""
        self.file = ""

    def __repr__(self) -> str:
        return f"<Lifecycle {self.name}>"

    def __eq__(self, other: object) -> bool:
        return self.table == other.table if isinstance(other, Lifecycle) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.name)

    def __copy__(self) -> Lifecycle:
        return self

    def __deepcopy__(self, memo: object) -> Lifecycle:
        return self

    def __reduce__(self) -> tuple[object, tuple[type[Lifecycle], Table, str, str]]:
        from uuid import uuid4

        self._mark = self._mark or uuid4().hex
        _PICKLED[self._mark] = self
        return _restored, (type(self), self.table, self.file, self._mark)

    def fresh(self) -> Self:
        """Return an equal lifecycle with a machine of its own.

        Its servers are those of its `server_class`, so callbacks reach no others.
        """
        lifecycle = type(self)(self.table)
        lifecycle.file = self.file
        return lifecycle

    def server_class(self) -> type[BaseServer]:
        """Return the class of this lifecycle's servers, with a method for each event.

        It is made once. Its servers can be copied and pickled; one that is read from a pickle in
        another process belongs to an equal lifecycle without callbacks.
        """
        with self._building:
            if self._server_class is None:
                self._server_class = _class_with_methods(self)
            return self._server_class


class BaseServer(ServerEvents):
    """A server of `lifecycle`; a subclass names the lifecycle and has a method for each event.

    A copy is an independent server with the same state and history. Two servers are equal if their
    states, facts and histories are. Servers of one lifecycle may be used in different threads
    without a lock; one server that several threads use needs the caller's lock around each use.
    `to_svg` makes the picture that a notebook shows; the package sets it, since the core draws
    nothing.
    """

    __slots__ = ()

    lifecycle: ClassVar[Lifecycle]
    to_svg: ClassVar[Callable[[BaseServer], str]]
    _created: ClassVar[tuple[Node, AnyChange]]

    def __init_subclass__(cls) -> None:
        lifecycle = cls.lifecycle
        cls._known_events = lifecycle.known_events
        made = lifecycle.outcome(lifecycle.creation.trigger, None)
        cls._created = made.end, lifecycle.change(lifecycle.creation.trigger, made.end)

    def __init__(self, node: Node, *, history: bool = True) -> None:
        self._node = node
        self._changes = [self.lifecycle.change(None, node)] if history else None
        self._observers = None

    @classmethod
    def create(cls, operation: str | None = None, *, history: bool = True, **given: str) -> Self:
        """Make a new server, in the first state of its creation.

        `operation` is the one that makes it, otherwise the first of the table that does; `given`
        holds facts that are given with it. Raise `InvalidInput` for an operation that makes none.
        """
        node, entry = cls._created
        if given or operation is not None:
            makers = cls.lifecycle.creations
            if operation is not None and operation not in makers:
                raise unknown("operation that makes one", operation, makers)
            name = operation or cls.lifecycle.creation.trigger
            node = cls.lifecycle.outcome(name, None, given).end
            entry = cls.lifecycle.change(name, node)
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
        """Make a server in a state of the table; None means no task, `remembers` are its facts.

        Raise `InvalidInput` for a state that does not occur, or a fact that does not fit it.
        """
        state = cls.lifecycle.state(vm_state, task_state)
        return cls(cls.lifecycle.place(state, remembers), history=history)

    @classmethod
    def from_api(cls, answer: Mapping[str, Any], *, history: bool = True, **remembers: str) -> Self:
        """Make the server that an answer of the API describes.

        Reads the attributes that the table names (`status`, `OS-EXT-STS:vm_state` and
        `OS-EXT-STS:task_state` for the compute API), with or without `{"server": …}` around them;
        a dot in a name leads into the value. `remembers` are facts, which the API does not show.
        Raise `InvalidInput` for a missing attribute, an unknown state, a fact that does not fit it
        or a status that contradicts it.
        """
        return cls(cls.lifecycle.place(state_of(cls.lifecycle, answer), remembers), history=history)

    def to_api(self) -> dict[str, object]:
        """Return the attributes as the API spells and nests them, with None for no task."""
        return api_attributes(self.state, self.lifecycle.table.attributes)

    @property
    def node(self) -> Node:
        """The present state with its facts, as a vertex of the lifecycle's state graph."""
        return self._node

    @property
    def remembers(self) -> dict[str, str]:
        """The facts known of this server that its state does not show, without default values."""
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
        """The status that the API shows: a function of vm_state and task_state."""
        return self._node.state.status

    @property
    def history(self) -> History:
        """Every state entered so far with the event that entered it; empty if none is kept."""
        return History(self._changes or (), self.lifecycle)

    def __getstate__(self) -> tuple[Any, dict[str, Any]]:
        attributes, slots = cast(tuple[Any, dict[str, Any]], object.__getstate__(self))
        changes = None if self._changes is None else list(self._changes)
        where = (self._node.state, self._node.facts)
        return attributes, {**slots, "_changes": changes, "_observers": None, "_node": where}

    def __setstate__(self, state: tuple[Any, dict[str, Any]]) -> None:
        attributes, slots = state
        at, facts = slots["_node"]
        node = self.lifecycle.node(self.lifecycle.states[at], dict(facts))
        for name, value in {**(attributes or {}), **slots, "_node": node}.items():
            setattr(self, name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BaseServer):
            return NotImplemented
        here, there = self._node, other._node
        return (self.lifecycle, here.state, here.facts, self._changes) == (
            other.lifecycle,
            there.state,
            there.facts,
            other._changes,
        )

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        status = "" if self.state.one_word else f" {self.status}"
        return f"<{type(self).__name__} {self.state}{bracketed(self._node.facts)}{status}>"

    def _repr_svg_(self) -> str:
        return self.to_svg()


def _restored(kind: type[Lifecycle], table: Table, file: str, mark: str) -> Lifecycle:
    lifecycle = _PICKLED.get(mark)
    if lifecycle is None:
        lifecycle = _PICKLED[mark] = kind(table)
        lifecycle.file, lifecycle._mark = file, mark
    return lifecycle


def _class_with_methods(lifecycle: Lifecycle) -> type[BaseServer]:
    """Return a class of servers with a method, and one that begins with `may_`, for each event."""
    attributes: dict[str, object] = {
        "__doc__": f"A {lifecycle.table.thing} of the lifecycle {lifecycle.name}.",
        "__module__": __name__,
        "__slots__": (),
        "lifecycle": lifecycle,
        "__reduce__": _reduced,
    }
    for trigger in lifecycle.triggers.values():
        if any(transition.source for transition in trigger.transitions):
            attributes[trigger.name] = _method(trigger)
            attributes[f"may_{trigger.name}"] = _question(trigger.name)
    name = "".join(word.capitalize() for word in lifecycle.table.thing.split())
    return type(name, (BaseServer,), attributes)


def _reduced(server: BaseServer) -> str | tuple[object, ...]:
    # The class stands in no module, so a pickle holds its lifecycle; one that is derived from it
    # is found by its name.
    if type(server) is not server.lifecycle.server_class():
        return object.__reduce_ex__(server, 2)
    return _new, (server.lifecycle,), server.__getstate__()


def _new(lifecycle: Lifecycle) -> BaseServer:
    kind = lifecycle.server_class()
    return kind.__new__(kind)


def _method(trigger: Trigger) -> Callable[..., bool]:
    name, takes = trigger.name, trigger.given

    def method(self: BaseServer, **given: str | None) -> bool:
        if not given:
            return self._fire(name)
        for fact in given:
            if fact not in takes:
                raise TypeError(f"{name}() got an unexpected keyword argument {fact!r}")
        return self.trigger(name, **given)

    return _called(method, name, f"{trigger.meaning}\n\n{where_possible(trigger)}")


def _question(name: str) -> Callable[..., bool]:
    def question(self: BaseServer) -> bool:
        return self.may(name)

    return _called(question, f"may_{name}", f"Return whether `{name}` is possible now.")


def _called(function: Any, name: str, document: str) -> Callable[..., bool]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = document
    made: Callable[..., bool] = function
    return made


def where_possible(trigger: Trigger) -> str:
    """Return under which vm_states, or in which states of one word, a trigger is possible."""
    sources = [t.source for t in trigger.transitions if t.source]
    under: Mapping[str, None] = dict.fromkeys(source.vm_state for source in sources)
    verb = "Accepted" if trigger.kind is Kind.REQUEST else "Can happen"
    place = "at" if sources[0].one_word else "under"
    return f"{verb} {place} {', '.join(under)}."
