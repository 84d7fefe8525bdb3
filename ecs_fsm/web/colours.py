"""The colours of the pictures as custom properties of CSS, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_fsm.core.model import Tone
from ecs_fsm.draw.palette import COLOURS, Colours, Theme

PARTS = ("fill", "line", "ink")


def _named(colours: Colours) -> Iterator[tuple[str, str]]:
    yield "page", colours.page
    yield "lane", colours.lane
    yield "edge", colours.lane_line
    yield from ((f"ink-{ink}", colour) for ink, colour in colours.inks.items())
    yield from ((f"line-{look}", colour) for look, colour in colours.lines.items())
    own = (("faint", colours.faint), ("badge", colours.badge), ("halt", colours.stop))
    for name, tint in (*own, *colours.tones.items()):
        yield from ((f"{name}-{part}", c) for part, c in zip(PARTS, tint, strict=True))


def names() -> dict[str, str]:
    """The name of each colour of a light picture."""
    return {colour: name for name, colour in _named(COLOURS[Theme.LIGHT])}


def sheet() -> str:
    """The rules: what each colour is in each theme, and the classes that paint with it."""
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
    for name in names().values():
        rules.append(f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}")
    return "\n".join(rules)


def _toned(tone: Tone) -> str:
    own = "".join(f"--{part}:var(--{tone}-{part});" for part in PARTS)
    return f".tone-{tone}{{{own}}}"
