"""What the package prints: tables and lines for a person, coloured on a terminal only.

Words from outside (names in files, arguments, file names) pass through `visible` on their way to a
terminal, or through `visible_json` where the answer is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ecs_fsm.core.history import cells
from ecs_fsm.core.phrases import Phrases, with_status

if TYPE_CHECKING:
    from rich.console import Console

    from ecs_fsm.core.explain import Description
    from ecs_fsm.core.lifecycle import Lifecycle
    from ecs_fsm.core.model import AnyChange, State, Transition

UNBOUNDED = 1000
"""Columns to assume where nobody reads along on a terminal: nothing is cut or wrapped there."""
MOST_SOURCES = 4
"""States to name one by one before they are counted."""


_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


def visible(text: str) -> str:
    r"""Return a text with escapes in place of the characters that a reader cannot see.

    Those are control characters (they command a terminal, or break the line), marks of direction
    (they reorder what is read) and characters without a width. Other spaces than " " stay.

    >>> print(visible("a\x1b[2J b\u202ec\n"))
    a\x1b[2J b\u202ec\n
    """
    return _replaced(text, lambda character: character.encode("unicode_escape").decode())


def visible_json(text: str) -> str:
    r"""Return a JSON text with the same escapes, as JSON writes them: the data stays the same.

    >>> print(visible_json('["\u202e"]'))
    ["\u202e"]
    """
    if "\n" not in text:
        return _replaced(text, lambda character: json.dumps(character)[1:-1])
    return "\n".join(map(visible_json, text.split("\n")))


def json_line(value: object) -> str:
    """Return a value as JSON in one line, with these escapes."""
    return visible_json(_ENCODE(value))


def _replaced(text: str, escape: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    from unicodedata import category

    return "".join(c if c.isprintable() or category(c) == "Zs" else escape(c) for c in text)


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
        table.add_row(*map(visible, row))
    shown = on or console()
    columns, shown.width = shown.width, UNBOUNDED  # a terminal wraps what rich would cut
    with shown.capture() as captured:
        shown.print(table)
    shown.width = columns
    shown.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def print_history(changes: Sequence[AnyChange], on: Console | None = None) -> None:
    """Print a history, `-` for no event and no task, with what is remembered if anything is."""
    print_table(*cells(changes), on)


def print_transitions(transitions: Iterable[Transition], lifecycle: Lifecycle) -> None:
    """Print transitions as a table."""
    place, because = Phrases(lifecycle.table).place, lifecycle.because
    print_table(
        ("trigger", "kind", "at", "leads to"),
        [
            (t.trigger, t.kind, place(t.source), f"{path(t.path)}{because(t.when)}")
            for t in transitions
        ],
    )


def path(states: Iterable[State]) -> str:
    """States one after the other, each with its status."""
    return " → ".join(map(with_status, states)) or "(no change)"


def print_description(described: Description, lifecycle: Lifecycle) -> None:
    """Print an explanation as paragraphs."""
    shown = console()
    shown.print(
        f"{described.thing} ({Phrases(lifecycle.table).kind(described.kind)})", style="bold"
    )
    shown.print(described.meaning)
    shown_by = described.shown_by if described.kind in ("vm_state", "task_state", "status") else ()
    nexts = (
        "where it is possible" if described.kind in ("operation", "event") else "what can come next"
    )
    sections: list[tuple[str, list[str]]] = [
        ("what is seen", [path(way) for way in described.ways]),
        ("shown by", [with_status(state) for state in shown_by]),
        ("how one gets there", grouped(described.reached_by, lifecycle)),
        (nexts, grouped(described.next, lifecycle)),
        ("what goes wrong", grouped(described.failures, lifecycle)),
        ("surprise", list(described.surprises)),
    ]
    for title, lines in sections:
        if lines:
            shown.print()
            shown.print(title, style="bold")
            for line in lines:
                shown.print(f"  {line}", soft_wrap=True)


def grouped(transitions: Iterable[Transition], lifecycle: Lifecycle) -> list[str]:
    """One line for all sources from which a trigger leads the same way for the same reason."""
    place, because = Phrases(lifecycle.table).place, lifecycle.because
    sources: dict[tuple[str, tuple[State, ...], str], list[str]] = {}
    for t in transitions:
        sources.setdefault((t.trigger, t.path, because(t.when)), []).append(place(t.source))
    return [
        f"{trigger} at {_named(states)} → {path(states_entered)}{reason}"
        for (trigger, states_entered, reason), states in sources.items()
    ]


def _named(states: Sequence[str]) -> str:
    if len(states) <= MOST_SOURCES:
        return ", ".join(states)
    return f"{', '.join(states[:MOST_SOURCES])} and {len(states) - MOST_SOURCES} more"
