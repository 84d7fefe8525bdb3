"""Colours: a hue for each tone, and what follows from it on a light and on a dark page.

Text has a contrast of at least 4.5 to 1 to its background (WCAG 2.2, 1.4.3) in both.
"""

from __future__ import annotations

from colorsys import hls_to_rgb
from enum import StrEnum
from typing import NamedTuple

from ecs_fsm.core.word import Tone
from ecs_fsm.draw.picture import Box, Ink, Look

HUES: dict[Tone, tuple[int, float]] = {
    Tone.BLUE: (212, 0.75),
    Tone.SKY: (193, 0.70),
    Tone.TEAL: (174, 0.60),
    Tone.GREEN: (142, 0.55),
    Tone.LIME: (84, 0.60),
    Tone.OLIVE: (62, 0.45),
    Tone.SAND: (40, 0.38),
    Tone.AMBER: (44, 0.95),
    Tone.ORANGE: (26, 0.90),
    Tone.BROWN: (18, 0.38),
    Tone.RED: (2, 0.75),
    Tone.ROSE: (346, 0.62),
    Tone.PINK: (328, 0.70),
    Tone.PLUM: (300, 0.45),
    Tone.VIOLET: (264, 0.65),
    Tone.INDIGO: (236, 0.55),
    Tone.STONE: (100, 0.06),
    Tone.GREY: (220, 0.04),
    Tone.SLATE: (216, 0.28),
}
"""Hue in degrees and saturation of each tone."""


class Theme(StrEnum):
    """The background of a picture."""

    LIGHT = "light"
    DARK = "dark"


class Tint(NamedTuple):
    """The colours of a box: its background, its border, its text."""

    fill: str
    line: str
    ink: str


class Colours(NamedTuple):
    """Every colour of a page."""

    page: str
    lane: str
    lane_line: str
    inks: dict[Ink, str]
    lines: dict[Look, str]
    faint: Tint
    badge: Tint
    stop: Tint
    tones: dict[Tone, Tint]
    bands: dict[Tone, str]
    """The background of a status that is written once for several steps."""


def _hex(hue: float, saturation: float, lightness: float) -> str:
    red, green, blue = hls_to_rgb(hue / 360, lightness, saturation)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _tints(fill: float, line: float, ink: float) -> dict[Tone, Tint]:
    return {
        tone: Tint(*(_hex(hue, saturation, light) for light in (fill, line, ink)))
        for tone, (hue, saturation) in HUES.items()
    }


def _bands(lightness: float) -> dict[Tone, str]:
    return {
        tone: _hex(hue, saturation * 0.9, lightness) for tone, (hue, saturation) in HUES.items()
    }


COLOURS = {
    Theme.LIGHT: Colours(
        page="#ffffff",
        lane="#f7f8fa",
        lane_line="#d3d8e0",
        inks={
            Ink.MAIN: "#1b2230",
            Ink.MUTED: "#55607a",
            Ink.REQUEST: "#14346b",
            Ink.FAILURE: "#a31d1d",
        },
        lines={Look.REQUEST: "#1d4690", Look.PROGRESS: "#5a6478", Look.FAILURE: "#c03030"},
        faint=Tint("#fdfdfe", "#d6dae1", "#6a7284"),
        badge=Tint("#243b6b", "#243a6b", "#fefefe"),
        stop=Tint("#9b1c1c", "#9a1c1c", "#fffefe"),
        tones=_tints(0.91, 0.40, 0.23),
        bands=_bands(0.83),
    ),
    Theme.DARK: Colours(
        page="#12161e",
        lane="#191f29",
        lane_line="#39424f",
        inks={
            Ink.MAIN: "#e8ecf3",
            Ink.MUTED: "#a3aec0",
            Ink.REQUEST: "#a9c8ff",
            Ink.FAILURE: "#ff9d98",
        },
        lines={Look.REQUEST: "#7aa5f0", Look.PROGRESS: "#9aa6ba", Look.FAILURE: "#e86a66"},
        faint=Tint("#161b24", "#313a47", "#8a95a8"),
        badge=Tint("#c9dbff", "#c8dbff", "#0e1a33"),
        stop=Tint("#ffb0ab", "#feb0ab", "#330b0a"),
        tones=_tints(0.17, 0.58, 0.88),
        bands=_bands(0.25),
    ),
}
"""The colours of each theme."""


def tint_of(box: Box, colours: Colours) -> Tint:
    """Return the colours of a box on its page."""
    if box.look is Look.FIELD:
        fill = colours.faint.fill if box.faint else colours.lane
        return Tint(fill, fill, colours.inks[Ink.MUTED])
    if box.faint:
        return colours.faint
    main = colours.inks[Ink.MAIN]
    ground = Tint(colours.lane, colours.lane_line, colours.inks[Ink.MUTED])
    plain = Tint(colours.page, colours.page, main)
    toned = colours.tones[box.tone] if box.tone is not None else plain
    if box.look is Look.SIGN:
        ring = Look.PROGRESS if box.tone is None else Look.FAILURE
        ink = colours.inks[Ink.MUTED if box.tone is None else Ink.FAILURE]
        return Tint(colours.page, colours.lines[ring], ink)
    if box.look is Look.BAND and box.tone is not None:
        return toned._replace(fill=colours.bands[box.tone])
    return {
        Look.LANE: ground,
        Look.EMPTY: ground,
        Look.BADGE: colours.badge if box.tone is None else colours.stop,
        Look.ORIGIN: Tint(main, main, main),
        Look.DOT: Tint(toned.line, toned.line, toned.line),
    }.get(box.look, toned)


def counterparts() -> dict[str, str]:
    """Return the colour of a dark page for each colour of a light page."""
    light, dark = (_listed(COLOURS[theme]) for theme in Theme)
    return dict(zip(light, dark, strict=True))


def _listed(colours: Colours) -> list[str]:
    named = (colours.page, colours.lane, colours.lane_line)
    tints = (colours.faint, colours.badge, colours.stop, *colours.tones.values())
    return [
        *named,
        *colours.inks.values(),
        *colours.lines.values(),
        *(colour for tint in tints for colour in tint),
        *colours.bands.values(),
    ]
