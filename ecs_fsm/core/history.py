"""What happened to a server, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Self

from ecs_fsm.core.model import AnyChange

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle, Outcome


class History(tuple[AnyChange, ...]):
    """What happened to a server, in order; `print` shows it as a table, a notebook as more.

    `lifecycle` is that of the server, None where nobody said.
    """

    lifecycle: Lifecycle | None

    def __new__(cls, changes: Iterable[AnyChange] = (), lifecycle: Lifecycle | None = None) -> Self:
        """The history of those changes."""
        history = super().__new__(cls, changes)
        history.lifecycle = lifecycle
        return history

    def __str__(self) -> str:
        from ecs_fsm.io.console import history_table

        return history_table(self)

    def _repr_html_(self) -> str:
        from ecs_fsm.integrations.jupyter import history_html

        return history_html(self)


class Attention:
    """Who is told of a server's changes, what they were not told of yet, and the event under way.

    `outcome` is what the event under way comes to by the table, None for one that was added to the
    machine.
    """

    __slots__ = ("callables", "outcome", "pending", "under_way")

    def __init__(self) -> None:
        self.callables: list[Callable[[AnyChange], object]] = []
        self.pending: list[AnyChange] = []
        self.under_way = 0
        self.outcome: Outcome | None = None

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
