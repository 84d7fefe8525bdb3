"""Puts the page together: template, styles, scripts and data, in one text.

What it shows is made here from the table; what it does with that stands in its scripts.
"""

from __future__ import annotations

from html import escape
from string import Template

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.explore.content import Content, as_data
from ecs_fsm.web import colours
from ecs_fsm.web.board import board
from ecs_fsm.web.bundle import data, policy, read, script
from ecs_fsm.web.exported import exported

SCRIPTS = (
    "constants", "machine", "run", "address", "dom", "view", "choose", "board", "now", "controls",
    "timeline", "panels", "polling", "waiters", "lessons", "quiz", "share", "main",
)  # fmt: skip
"""The scripts in their order: each may use what those before it made."""
STYLES = ("page", "parts", "tables", "panels", "media")
"""The styles in their order: a later one has the last word."""


def explorer(lifecycle: Lifecycle, taught: Content | None = None) -> str:
    """The page of a lifecycle with what is taught beside it."""
    styles = {
        "colours": colours.sheet(),
        "drawing": read("style/drawing.css"),
        "style": "".join(read(f"style/{name}.css") for name in STYLES),
    }
    program = script(read(f"script/{name}.js") for name in SCRIPTS)
    return Template(read("page.html")).substitute(
        title=f"The lifecycle of a server ({escape(lifecycle.name)})",
        policy=policy(program, styles.values()),
        styles="\n".join(f'<style id="{n}">{text}</style>' for n, text in styles.items()),
        board=board(lifecycle),
        lifecycle=data(exported(lifecycle)),
        content=data(as_data(lifecycle, taught or Content())),
        script=program,
    )
