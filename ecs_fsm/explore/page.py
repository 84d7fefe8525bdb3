"""Puts the page together: template, styles, scripts and data, in one text.

Scripts and styles are named by their hashes in a Content-Security-Policy that allows nothing else;
data stands in elements that no browser runs.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template

from ecs_fsm.explore import colours
from ecs_fsm.explore.board import board
from ecs_fsm.explore.content import Content, as_data
from ecs_fsm.explore.export import exported
from ecs_fsm.lifecycle import Lifecycle

SCRIPTS = (
    "constants", "machine", "run", "address", "dom", "view", "choose", "board", "now", "controls",
    "timeline", "panels", "polling", "waiters", "lessons", "quiz", "share", "main",
)  # fmt: skip
"""The scripts in their order: each may use what those before it made."""
STYLES = ("page", "parts", "panels", "media")
"""The styles in their order: a later one has the last word."""


def explorer(lifecycle: Lifecycle, taught: Content | None = None) -> str:
    """The page of a lifecycle with what is taught beside it."""
    styles = {
        "colours": colours.sheet(),
        "drawing": _read("style", "drawing.css"),
        "style": "".join(_read("style", f"{name}.css") for name in STYLES),
    }
    script = _script()
    return Template(_read("page.html")).substitute(
        title=f"The lifecycle of a server ({escape(lifecycle.name)})",
        policy=_policy(styles.values(), script),
        styles="\n".join(f'<style id="{n}">{text}</style>' for n, text in styles.items()),
        board=board(lifecycle),
        lifecycle=_data(exported(lifecycle)),
        content=_data(as_data(lifecycle, taught or Content())),
        script=script,
    )


def _script() -> str:
    parts = "\n".join(_read("script", f"{name}.js") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _read(*path: str) -> str:
    return files(__package__).joinpath(*path).read_text(encoding="utf-8")


def _policy(styles: Iterable[str], script: str) -> str:
    shown = " ".join(_hash(text) for text in styles)
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {shown}; "
        f"img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _data(value: object) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
