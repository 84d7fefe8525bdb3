"""A picture as SVG, with data for screen readers, styles and scripts.

It is written here from the places of the layout, so the same picture is the same bytes everywhere.

Every box of a state carries `data-vm-state`, `data-task-state` (`-` for none) and `data-status`,
every arrow `data-transitions`, and both a title. A picture in the light theme follows the reader's
`prefers-color-scheme`. A picture with moments is animated by CSS, without a script.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.formats.dot import dot, listed, painted
from ecs_fsm.draw.formats.svg_shapes import SPACE, arrow_group, box_group, data_of, element, number
from ecs_fsm.draw.picture import CAPTION, Arrow, Bounds, Box, Ink, Look, Moment, Picture
from ecs_fsm.draw.styles import COLOURS, Theme, counterparts

FONTS = "Arimo, 'Liberation Sans', Helvetica, Arial, sans-serif"
SECONDS = 1.2
"""How long the server stays on a state, in seconds."""
MOVING = 0.35
"""The part of that time in which the server moves there."""
MARKS = (Look.BADGE, Look.SIGN)
"""What is drawn over everything else."""
ET.register_namespace("", SPACE)


def svg(picture: Picture, theme: Theme | None = None, program: str | None = None) -> bytes:
    """Return the SVG of a picture; without a theme it is light or dark as its reader prefers.

    `program` is an installed `dot` that places and paints instead. Raise `InvalidInput` if it is
    missing or does not write SVG.
    """
    top = _painted(picture, theme, program) if program else drawn(picture, theme)
    top.set("role", "img")
    top.set("aria-labelledby", "picture-title picture-description")
    parts = (
        element("title", picture.title, id="picture-title"),
        element("desc", picture.description, id="picture-description"),
        element("style", _style(picture, theme, ET.tostring(top, encoding="unicode"))),
    )
    for place, part in enumerate(parts):
        top.insert(place, part)
    ET.indent(top, "")
    written: bytes = ET.tostring(top, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def drawn(picture: Picture, theme: Theme | None = None, fonts: str = FONTS) -> ET.Element:
    """Return a picture as an element: a page, and on it the boxes and then the arrows."""
    colours = COLOURS[theme or Theme.LIGHT]
    left, top, *size = paper(picture)
    wide, high = (number(side) for side in size)
    shown = (f"{wide}pt", f"{high}pt")
    if picture.slide is not None:
        shown = (str(picture.slide.width), str(picture.slide.height))
    made = element("svg", width=shown[0], height=shown[1], viewBox=f"0 0 {wide} {high}")
    made.append(element("rect", width=wide, height=high, fill=colours.page))
    shift = f"translate({number(-left)} {number(-top)})"
    page = element("g", class_="graph", transform=shift, font_family=fonts)
    boxes = {box.key: box for box in picture.boxes}
    marks = [box for box in picture.boxes if box.look in MARKS]
    page.extend(box_group(box, colours) for box in picture.boxes if box.look not in MARKS)
    for place, arrow in enumerate(picture.arrows):
        ends = boxes[arrow.tail], boxes[arrow.head]
        page.append(arrow_group(arrow, f"arrow-{place}", ends, colours, picture.nowhere))
    page.extend(moving(picture, theme or Theme.LIGHT))
    page.extend(box_group(box, colours) for box in marks)
    made.append(page)
    return made


def paper(picture: Picture) -> tuple[float, float, float, float]:
    """Return the left, top, width and height of the page: the picture's own, or as a slide is."""
    left, top, right, bottom = make.extent(picture)
    wide, high = right - left, bottom - top
    if picture.slide is None:
        return left, top, wide, high
    scale = min(picture.slide.width / wide, picture.slide.height / high)
    across, down = picture.slide.width / scale, picture.slide.height / scale
    return left - (across - wide) / 2, top - (down - high) / 2, across, down


def _painted(picture: Picture, theme: Theme | None, program: str) -> ET.Element:
    """Return what an installed `dot` paints, with the same data as our own."""
    try:
        top = ET.fromstring(painted(dot(picture, theme), "svg", program))  # noqa: S314 a program of the user's
    except ET.ParseError as error:
        raise InvalidInput(f"{program} did not write SVG: {error}") from error
    _describe(top, picture)
    page = next((g for g in top.iter(f"{{{SPACE}}}g") if g.get("class") == "graph"), top)
    page.set("font-family", FONTS)
    if picture.moments:
        left, _, _, bottom = make.extent(picture)
        group = element(
            "g",
            transform=f"translate({number(-left - make.MARGIN)} {number(make.MARGIN - bottom)})",
        )
        group.extend(moving(picture, theme or Theme.LIGHT))
        page.append(group)
    return top


def _style(picture: Picture, theme: Theme | None, drawn: str) -> str:
    shown: list[str] = []
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
    for name, value in data_of(box).items():
        group.set(name, value)


def _describe_arrow(group: ET.Element, heading: ET.Element, arrow: Arrow, nowhere: str) -> None:
    triggers = dict.fromkeys(t.trigger for t in arrow.transitions)
    heading.text = ", ".join(triggers)
    group.set("data-trigger", " ".join(triggers))
    group.set("data-transitions", listed(arrow.transitions, nowhere))


def rules(picture: Picture) -> str:
    """Return the style of a looping animation; it is off for readers who prefer less motion."""
    spots = [moment.box.bounds or make.NOWHERE for moment in picture.moments]
    whole = SECONDS * len(spots)
    share = 100 / len(spots)
    places = []
    for place, bounds in enumerate(spots):
        at = f"transform:translate({bounds.x - bounds.width / 2:.1f}px,{bounds.y:.1f}px)"
        places.append(f"{share * (place + MOVING):.3f}%,{share * (place + 1):.3f}%{{{at}}}")
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
    if not picture.moments:
        return
    ink = COLOURS[theme].inks[Ink.REQUEST]
    (place,) = (box.bounds or make.NOWHERE for box in picture.boxes if box.key == CAPTION)
    for n, moment in enumerate(picture.moments):
        group = moment_group(moment, place, theme)
        group.set("class", "moment")
        group.set("opacity", "0")
        group.set("style", f"animation-delay:{SECONDS * n:g}s")
        yield group
    bounds = picture.moments[-1].box.bounds or make.NOWHERE
    x, y = bounds.x, bounds.y
    at = f"translate({x - bounds.width / 2:.1f} {y:.1f})"
    yield element("circle", class_="walker", r="6", fill=ink, opacity="0", transform=at)


def moment_group(moment: Moment, place: Bounds | None, theme: Theme) -> ET.Element:
    """Return the frame around the server's box at a moment, and the caption in its place."""
    ink, at = COLOURS[theme].inks[Ink.REQUEST], place or make.NOWHERE
    caption = element("text", moment.caption, fill=ink)
    caption.attrib |= {"x": f"{at.x - at.width / 2 + 3:.1f}", "y": f"{at.y + 4:.1f}"}
    caption.attrib |= {"font-size": "12", "font-weight": "bold"}
    group = element("g")
    group.extend((_frame(moment, ink), caption))
    return group


def _frame(moment: Moment, ink: str) -> ET.Element:
    bounds = moment.box.bounds or make.NOWHERE
    x, y = bounds.x, bounds.y
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
