"""A picture that moves: CSS lets a server walk over an SVG, without a script."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from ecs_fsm.draw.boxes import NOWHERE
from ecs_fsm.draw.palette import COLOURS, Theme
from ecs_fsm.draw.picture import Ink, Look, Moment, Picture, Spot

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
        f".walker{{animation:walk {whole:g}s ease-in-out infinite}}"
        f".moment{{opacity:0;animation:shown {whole:g}s linear infinite}}"
        "@media (prefers-reduced-motion:reduce){"
        ".walker{animation:none;visibility:hidden}.moment{animation:none;opacity:0}"
        ".moment.last{opacity:1}}"
    )


def moving(picture: Picture, theme: Theme) -> Iterator[ET.Element]:
    """What moves: a frame and a caption for each moment, and the server that walks."""
    ink = COLOURS[theme].inks[Ink.REQUEST]
    right = max(b.spot.x + b.spot.width / 2 for b in picture.boxes if b.spot)
    title = next(b.spot for b in picture.boxes if b.look is Look.PLAIN and b.spot)
    x, y = _placed(picture, Spot(right - 4, title.y + 4, 0, 0))
    for number, moment in enumerate(picture.moments):
        last = number == len(picture.moments) - 1
        group = element(
            "g",
            class_="moment last" if last else "moment",
            opacity="1" if last else "0",
            style=f"animation-delay:{SECONDS * number:g}s",
        )
        caption = element("text", moment.caption, x=f"{x:.1f}", y=f"{y:.1f}", fill=ink)
        caption.attrib |= {"font-size": "14", "font-weight": "bold", "style": "text-anchor:end"}
        group.extend((_frame(picture, moment, ink), caption))
        yield group
    spot = picture.moments[-1].box.spot or NOWHERE
    x, y = _placed(picture, spot)
    place = f"translate({x - spot.width / 2:.1f} {y:.1f})"
    yield element("circle", class_="walker", r="6", fill=ink, transform=place)


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
