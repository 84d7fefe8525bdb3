"""A picture as SVG: what the engine paints, with data for screen readers, styles and scripts.

Every box of a state carries `data-vm-state`, `data-task-state` (`-` for none) and `data-status`,
every arrow `data-transitions`, and both a title. A picture in the light theme follows the reader's
`prefers-color-scheme`. A picture with moments is animated by CSS, without a script.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import NO_TASK
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.formats.dot import PURE, dot, listed, painted
from ecs_fsm.draw.picture import CAPTION, Arrow, Bounds, Box, Ink, Look, Moment, Picture
from ecs_fsm.draw.styles import COLOURS, Theme, counterparts

FONTS = "Arimo, 'Liberation Sans', Helvetica, Arial, sans-serif"
SPACE = "http://www.w3.org/2000/svg"
SECONDS = 1.2
"""How long the server stays on a state, in seconds."""
MOVING = 0.35
"""The part of that time in which the server moves there."""
ET.register_namespace("", SPACE)


def svg(picture: Picture, theme: Theme | None = None, program: str | None = None) -> bytes:
    """Return the SVG of a picture; without a theme it is light or dark as its reader prefers.

    Raise `InvalidInput` if the engine is missing or does not write SVG.
    """
    made = painted(dot(picture, theme), "svg", program)
    try:
        top = ET.fromstring(made)  # noqa: S314 what our own engine wrote
    except ET.ParseError as error:
        raise InvalidInput(f"{program or PURE} did not write SVG: {error}") from error
    top.set("role", "img")
    top.set("aria-labelledby", "picture-title picture-description")
    parts = (
        element("title", picture.title, id="picture-title"),
        element("desc", picture.description, id="picture-description"),
        element("style", _style(picture, theme, made.decode())),
    )
    for place, part in enumerate(parts):
        top.insert(place, part)
    _describe(top, picture)
    if picture.moments:
        page = top[len(parts)]
        groups = [place for place, group in enumerate(page) if _is_badge(group)]
        for part in reversed(list(moving(picture, theme or Theme.LIGHT))):
            page.insert(groups[0], part)
    ET.indent(top, "")
    written: bytes = ET.tostring(top, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _is_badge(group: ET.Element) -> bool:
    return Look.BADGE in str(group.get("class")).split()


def _style(picture: Picture, theme: Theme | None, drawn: str) -> str:
    shown = [f"text{{font-family:{FONTS}}}"]
    if theme is None:
        used = ((light, dark) for light, dark in counterparts().items() if f'"{light}"' in drawn)
        dark = "".join(_swaps(used))
        shown.append(f"@media (prefers-color-scheme:dark){{{dark}}}")
    if picture.moments:
        shown.append(rules(picture))
    return "\n".join(shown)


def _swaps(colours: Iterable[tuple[str, str]]) -> Iterable[str]:
    for light, dark in colours:
        for attribute in ("fill", "stroke"):
            yield f'[{attribute}="{light}"]{{{attribute}:{dark}}}'


def _describe(top: ET.Element, picture: Picture) -> None:
    boxes = {box.key: box for box in picture.boxes}
    arrows = {f"arrow-{number}": arrow for number, arrow in enumerate(picture.arrows)}
    for group in top.iter(f"{{{SPACE}}}g"):
        key = group.get("id", "")
        heading = group.find(f"{{{SPACE}}}title")
        if heading is None:
            continue
        if key in boxes:
            _describe_box(group, heading, boxes[key])
        elif key in arrows:
            _describe_arrow(group, heading, arrows[key], picture.nowhere)
        else:
            group.remove(heading)


def _describe_box(group: ET.Element, heading: ET.Element, box: Box) -> None:
    if box.title:
        heading.text = box.title
    else:
        group.remove(heading)
    if box.state:
        if box.state.one_word or box.state.gone:
            group.set("data-state", box.state)
            return
        group.set("data-vm-state", box.state.vm_state)
        group.set("data-task-state", box.state.task_state or NO_TASK)
        group.set("data-status", box.state.status)


def _describe_arrow(group: ET.Element, heading: ET.Element, arrow: Arrow, nowhere: str) -> None:
    triggers = dict.fromkeys(t.trigger for t in arrow.transitions)
    heading.text = ", ".join(triggers)
    group.set("data-trigger", " ".join(triggers))
    group.set("data-transitions", listed(arrow.transitions, nowhere))


def element(name: str, text: str = "", **attributes: str) -> ET.Element:
    """Return an element of SVG; underscores in the names of attributes become hyphens."""
    made = ET.Element(f"{{{SPACE}}}{name}")
    made.text = text
    for attribute, value in attributes.items():
        made.set(attribute.strip("_").replace("_", "-"), value)
    return made


def rules(picture: Picture) -> str:
    """Return the style of a looping animation; it is off for readers who prefer less motion."""
    spots = [moment.box.bounds or make.NOWHERE for moment in picture.moments]
    whole = SECONDS * len(spots)
    share = 100 / len(spots)
    places = []
    for number, bounds in enumerate(spots):
        x, y = _centre(picture, bounds)
        place = f"transform:translate({x - bounds.width / 2:.1f}px,{y:.1f}px)"
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
    """Yield the animated elements: a frame and a caption for each moment, and the server."""
    ink = COLOURS[theme].inks[Ink.REQUEST]
    (place,) = (box.bounds or make.NOWHERE for box in picture.boxes if box.key == CAPTION)
    x, y = _centre(picture, place)
    for number, moment in enumerate(picture.moments):
        delay = f"animation-delay:{SECONDS * number:g}s"
        group = element("g", class_="moment", opacity="0", style=delay)
        left = f"{x - place.width / 2 + 1:.1f}"
        caption = element("text", moment.caption, x=left, y=f"{y + 4:.1f}", fill=ink)
        caption.attrib |= {"font-size": "12", "font-weight": "bold"}
        group.extend((_frame(picture, moment, ink), caption))
        yield group
    bounds = picture.moments[-1].box.bounds or make.NOWHERE
    x, y = _centre(picture, bounds)
    at = f"translate({x - bounds.width / 2:.1f} {y:.1f})"
    yield element("circle", class_="walker", r="6", fill=ink, opacity="0", transform=at)


def _frame(picture: Picture, moment: Moment, ink: str) -> ET.Element:
    bounds = moment.box.bounds or make.NOWHERE
    x, y = _centre(picture, bounds)
    return element(
        "rect",
        x=f"{x - bounds.width / 2 - 2:.1f}",
        y=f"{y - bounds.height / 2 - 2:.1f}",
        width=f"{bounds.width + 4:.1f}",
        height=f"{bounds.height + 4:.1f}",
        rx="11",
        fill="none",
        stroke=ink,
        stroke_width="3",
    )


def _centre(picture: Picture, bounds: Bounds) -> tuple[float, float]:
    """Return the centre of a box in the coordinates of the engine's drawing."""
    boxes = [box.bounds for box in picture.boxes if box.bounds]
    left = min(s.x - s.width / 2 for s in boxes)
    bottom = max(s.y + s.height / 2 for s in boxes)
    return bounds.x - left, bounds.y - bottom
