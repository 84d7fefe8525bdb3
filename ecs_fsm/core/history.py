"""The history of a server: the changes so far, as a value and as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Self

from ecs_fsm.core.model import NO_TASK, AnyChange, ChangeWithFacts, bracketed
from ecs_fsm.core.outcomes import Outcomes
from ecs_fsm.core.phrases import Phrases

HEADINGS = ("event", "vm_state", "task_state", "status", "remembers")
GAP = "   "
"""What stands between two columns of a table."""


class History(tuple[AnyChange, ...]):
    """The changes of a server, in order; `print` shows a table, a notebook a table and a picture.

    `lifecycle` is that of the server, or None if it is not known. `to_html` makes what a notebook
    shows; the package sets it, since the core draws nothing.
    """

    lifecycle: Outcomes | None
    to_html: ClassVar[Callable[[History], str]]

    def __new__(cls, changes: Iterable[AnyChange] = (), lifecycle: Outcomes | None = None) -> Self:
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
