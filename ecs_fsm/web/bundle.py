"""Builds one page of several files, with a policy that allows nothing else.

Scripts and styles are named by their hashes in a Content-Security-Policy; data stands in elements
that no browser runs.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.resources import files

from ecs_fsm.core.word import Tone
from ecs_fsm.draw.styles import COLOURS, Colours, Theme

PARTS = ("fill", "line", "ink")


def read(path: str, package: str = "ecs_fsm.explore") -> str:
    """Return the text of a file of a package."""
    return files(package).joinpath(path).read_text(encoding="utf-8")


def script(parts: Iterable[str]) -> str:
    """Return one script of several parts, which define no globals."""
    together = "\n".join(parts)
    return f'"use strict";\n(() => {{\n{together}}})();\n'


def policy(program: str, styles: Iterable[str]) -> str:
    """Return the Content-Security-Policy of a page with this script and these styles."""
    shown = " ".join(_hash(text) for text in styles)
    return (
        f"default-src 'none'; script-src {_hash(program)}; style-src {shown}; "
        f"img-src data:; base-uri 'none'; form-action 'none'"
    )


def data(value: object) -> str:
    """Return JSON that cannot end its `<script>` element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _named(colours: Colours) -> Iterator[tuple[str, str]]:
    yield "page", colours.page
    yield "lane", colours.lane
    yield "edge", colours.lane_line
    yield from ((f"ink-{ink}", colour) for ink, colour in colours.inks.items())
    yield from ((f"line-{look}", colour) for look, colour in colours.lines.items())
    own = (("faint", colours.faint), ("badge", colours.badge), ("halt", colours.stop))
    for name, tint in (*own, *colours.tones.items()):
        yield from ((f"{name}-{part}", c) for part, c in zip(PARTS, tint, strict=True))


def colour_names() -> dict[str, str]:
    """Return the name of each colour of a light picture."""
    return {colour: name for name, colour in _named(COLOURS[Theme.LIGHT])}


def colour_sheet() -> str:
    """Return CSS: each colour in both themes, and the classes that use it."""
    light, dark = (
        "".join(f"--{name}:{colour};" for name, colour in _named(COLOURS[theme]))
        for theme in (Theme.LIGHT, Theme.DARK)
    )
    rules = [
        f":root{{color-scheme:light;{light}}}",
        f"@media screen and (prefers-color-scheme:dark)"
        f"{{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}",
        f"@media screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}",
    ]
    rules += [_toned(tone) for tone in Tone]
    for name in colour_names().values():
        rules.append(f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}")
    return "\n".join(rules)


def _toned(tone: Tone) -> str:
    own = "".join(f"--{part}:var(--{tone}-{part});" for part in PARTS)
    return f".tone-{tone}{{{own}}}"
