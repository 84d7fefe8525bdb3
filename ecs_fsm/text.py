"""What the package prints: tables and lines for a person, coloured on a terminal only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ecs_fsm.notation import NO_TASK

if TYPE_CHECKING:
    from rich.console import Console

    from ecs_fsm.machine import Change

UNBOUNDED = 1000
"""Columns to assume where nobody reads along on a terminal: nothing is cut or wrapped there."""


def console(*, stderr: bool = False, terminal: bool | None = None) -> Console:
    """A console that colours only on a terminal and never cuts what goes to a file."""
    from rich.console import Console

    made = Console(
        stderr=stderr, highlight=False, emoji=False, markup=False, force_terminal=terminal
    )
    if not made.is_terminal:
        made.width = UNBOUNDED
    return made


def print_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], on: Console | None = None
) -> None:
    """Print aligned columns under bold headings."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    shown = on or console()
    with shown.capture() as captured:
        shown.print(table)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    shown.file.write("\n".join(lines) + "\n")


HISTORY_HEADINGS = ("event", "vm_state", "task_state", "status")


def history_rows(changes: Iterable[Change]) -> list[tuple[str, str, str, str]]:
    """The cells of a history, `-` for no event and no task."""
    return [
        (c.event or NO_TASK, str(c.vm_state), str(c.task_state or NO_TASK), str(c.status))
        for c in changes
    ]


def history_table(changes: Iterable[Change]) -> str:
    """A history as plain text."""
    from io import StringIO

    shown = console(terminal=False)
    shown.file = StringIO()
    print_table(HISTORY_HEADINGS, history_rows(changes), shown)
    return shown.file.getvalue().rstrip("\n")
