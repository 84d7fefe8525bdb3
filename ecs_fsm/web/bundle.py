"""What makes one page of several files: it holds them all, and its policy allows nothing else.

Scripts and styles are named by their hashes in a Content-Security-Policy; data stands in elements
that no browser runs.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from importlib.resources import files


def read(path: str, package: str = "ecs_fsm.explore") -> str:
    """The text of a file of a package."""
    return files(package).joinpath(path).read_text(encoding="utf-8")


def script(parts: Iterable[str]) -> str:
    """One script of several that follow one another and leave nothing behind."""
    together = "\n".join(parts)
    return f'"use strict";\n(() => {{\n{together}}})();\n'


def policy(program: str, styles: Iterable[str]) -> str:
    """The policy of a page that runs this script, and shows these styles."""
    shown = " ".join(_hash(text) for text in styles)
    return (
        f"default-src 'none'; script-src {_hash(program)}; style-src {shown}; "
        f"img-src data:; base-uri 'none'; form-action 'none'"
    )


def data(value: object) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
