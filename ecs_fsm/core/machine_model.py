"""Where a server and the machine of its lifecycle meet."""

from __future__ import annotations

from collections.abc import Callable, Container
from contextvars import ContextVar
from typing import Any, Protocol, runtime_checkable

from ecs_fsm.core.model import AnyChange, Node, Transition

IN_LOOP: ContextVar[Callable[[Callable[..., Any]], Callable[..., Any]] | None] = ContextVar(
    "IN_LOOP", default=None
)
"""While an event is awaited: makes a callback run in the event loop of the one who awaits it."""


class KnownEvents:
    """The events that are known to run no callback: a server takes a short cut through them.

    By trigger and node: the node at the event's end, and the changes that lead there. A machine
    whose callbacks are changed replaces `by_trigger` by an empty dictionary. Plain tuples and
    dictionaries, because every event of a server is looked up here.
    """

    __slots__ = ("by_trigger",)

    def __init__(self) -> None:
        self.by_trigger: dict[str, dict[Node, tuple[Node, tuple[AnyChange, ...]]]] = {}


@runtime_checkable
class MachineModel(Protocol):
    """What the machine asks of a model that keeps facts and a history itself, as servers do.

    `transitions` calls the object that a machine moves its model. Any other model has a state and
    nothing else, and the machine moves it as the library does.
    """

    __slots__ = ()

    def event_triggered(
        self, event: str, sources: Container[str], proceed: Callable[[], bool]
    ) -> bool:
        """Let an event happen that was triggered at the machine.

        `sources` are the states in which the machine has a transition for it. `proceed` does what
        the library does, and returns whether a transition was taken.
        """

    def event_begins(self) -> Callable[[], None]:
        """Return what takes the model back to its present node, for a callback that raises."""

    def event_allows(self, row: Transition) -> bool:
        """Return whether this transition of the table is the one for the model's facts."""

    def event_enters(self, event: str, state: str, count: int) -> None:
        """Enter `state`, number `count` (from 0) on the path of `event`."""

    def event_ends(self) -> None:
        """End an event that enters no state: it can still change facts."""
