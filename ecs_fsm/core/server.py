"""A server of a lifecycle: how it is made, shown, copied and compared; and its history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self, cast

from ecs_fsm.core.answers import api_attributes, state_of
from ecs_fsm.core.errors import unknown
from ecs_fsm.core.events import ServerEvents
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import (
    ATTRIBUTES,
    NO_TASK,
    AnyChange,
    ChangeWithFacts,
    Node,
    bracketed,
)
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.core.word import Word

API_STATUS = ATTRIBUTES["status"]
API_VM_STATE = ATTRIBUTES["vm_state"]
API_TASK_STATE = ATTRIBUTES["task_state"]
HEADINGS = ("event", "vm_state", "task_state", "status", "remembers")
GAP = "   "
"""What stands between two columns of a table."""


class History(tuple[AnyChange, ...]):
    """The changes of a server, in order; `print` shows a table, a notebook a table and a picture.

    `lifecycle` is that of the server, or None if it is not known. `to_html` makes what a notebook
    shows; the package sets it, since the core draws nothing.
    """

    lifecycle: Lifecycle | None
    to_html: ClassVar[Callable[[History], str]]

    def __new__(cls, changes: Iterable[AnyChange] = (), lifecycle: Lifecycle | None = None) -> Self:
        """Make a history of these changes."""
        history = super().__new__(cls, changes)
        history.lifecycle = lifecycle
        return history

    def __str__(self) -> str:
        return plain_table(*cells(self))

    def _repr_html_(self) -> str:
        return self.to_html()


def cells(changes: Sequence[AnyChange]) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return the headings and rows of a history's table, `-` for no event and for no task.

    The column of what is remembered is left out where nothing is. A state of one word has one
    column, under the name of the attribute.
    """
    headings = list(HEADINGS[:-1])
    if one_word := bool(changes) and changes[0].vm_state is changes[0].status:
        headings[1:] = [type(changes[0].status).attribute]
    elif isinstance(changes, History) and changes.lifecycle is not None:
        headings[1:] = Phrases(changes.lifecycle.table).columns.values()
    rows = [
        [c.event or NO_TASK, c.status]
        if one_word
        else [c.event or NO_TASK, c.vm_state, c.task_state or NO_TASK, c.status]
        for c in changes
    ]
    facts = [c.remembers if isinstance(c, ChangeWithFacts) else () for c in changes]
    if not any(facts):
        return tuple(headings), rows
    for row, known in zip(rows, facts, strict=True):
        row.append(bracketed(known).strip("[]"))
    return (*headings, HEADINGS[-1]), rows


def plain_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return aligned columns under headings as text, without a newline at the end."""
    lines = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


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
        makers = cls.lifecycle.creations
        if operation is not None and operation not in makers:
            raise unknown("operation that makes one", operation, makers)
        if given or operation is not None:
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
