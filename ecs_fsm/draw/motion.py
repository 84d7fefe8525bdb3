"""A picture that moves: CSS lets a server walk over an SVG, without a script."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from ecs_fsm.draw.boxes import NOWHERE
from ecs_fsm.draw.palette import COLOURS, Theme
from ecs_fsm.draw.picture import CAPTION, Ink, Moment, Picture, Spot

SPACE = "http://www.w3.org/2000/svg"
SECONDS = 1.2
"""How long the server stays on a state."""
MOVING = 0.35
"""The part of that time in which it goes there."""


def element(name: str, text: str = "", **attributes: str) -> ET.Element:
    """An element of SVG; an underscore in the name of an attribute is a hyphen."""
    made = ET.Element(f"{{{SPACE}}}{name}")
    made.text = text
    for attribute, value in attributes.items():
        made.set(attribute.strip("_").replace("_", "-"), value)
    return made


def rules(picture: Picture) -> str:
    """The style by which a picture moves, over and over; still where motion is unwanted."""
    spots = [moment.box.spot or NOWHERE for moment in picture.moments]
    whole = SECONDS * len(spots)
    share = 100 / len(spots)
    places = []
    for number, spot in enumerate(spots):
        x, y = _placed(picture, spot)
        place = f"transform:translate({x - spot.width / 2:.1f}px,{y:.1f}px)"
        places.append(f"{share * (number + MOVING):.3f}%,{share * (number + 1):.3f}%{{{place}}}")
    shown = f"0%,{share - 0.01:.3f}%{{opacity:1}}{share:.3f}%,100%{{opacity:0}}"
    return (
        f"@keyframes walk{{{''.join(places)}}}"
        f"@keyframes shown{{{shown}}}"
        f"#{CAPTION}{{visibility:hidden}}"
        f".walker{{opacity:1;animation:walk {whole:g}s ease-in-out infinite}}"
        f".moment{{opacity:0;animation:shown {whole:g}s linear infinite}}"
        "@media (prefers-reduced-motion:reduce){"
        f".walker,.moment{{animation:none;visibility:hidden}}#{CAPTION}{{visibility:visible}}}}"
    )


def moving(picture: Picture, theme: Theme) -> Iterator[ET.Element]:
    """What moves: a frame and a caption for each moment, and the server that walks."""
    ink = COLOURS[theme].inks[Ink.REQUEST]
    (place,) = (box.spot or NOWHERE for box in picture.boxes if box.key == CAPTION)
    x, y = _placed(picture, place)
    for number, moment in enumerate(picture.moments):
        delay = f"animation-delay:{SECONDS * number:g}s"
        group = element("g", class_="moment", opacity="0", style=delay)
        left = f"{x - place.width / 2 + 1:.1f}"
        caption = element("text", moment.caption, x=left, y=f"{y + 4:.1f}", fill=ink)
        caption.attrib |= {"font-size": "12", "font-weight": "bold"}
        group.extend((_frame(picture, moment, ink), caption))
        yield group
    spot = picture.moments[-1].box.spot or NOWHERE
    x, y = _placed(picture, spot)
    at = f"translate({x - spot.width / 2:.1f} {y:.1f})"
    yield element("circle", class_="walker", r="6", fill=ink, opacity="0", transform=at)


def _frame(picture: Picture, moment: Moment, ink: str) -> ET.Element:
    spot = moment.box.spot or NOWHERE
    x, y = _placed(picture, spot)
    return element(
        "rect",
        x=f"{x - spot.width / 2 - 2:.1f}",
        y=f"{y - spot.height / 2 - 2:.1f}",
        width=f"{spot.width + 4:.1f}",
        height=f"{spot.height + 4:.1f}",
        rx="11",
        fill="none",
        stroke=ink,
        stroke_width="3",
    )


def _placed(picture: Picture, spot: Spot) -> tuple[float, float]:
    """Where the centre of a box is in the drawing of the engine."""
    boxes = [box.spot for box in picture.boxes if box.spot]
    left = min(s.x - s.width / 2 for s in boxes)
    bottom = max(s.y + s.height / 2 for s in boxes)
    return spot.x - left, spot.y - bottom
