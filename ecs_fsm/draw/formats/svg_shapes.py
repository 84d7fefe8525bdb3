"""The boxes and arrows of a picture as elements of SVG, exactly where the layout put them."""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot
from typing import NamedTuple
from xml.etree import ElementTree as ET

from ecs_fsm.core.model import NO_TASK
from ecs_fsm.draw.boxes import LINE, NOWHERE, width_of
from ecs_fsm.draw.formats.dot import BARE, PEN, listed
from ecs_fsm.draw.picture import Arrow, Bounds, Box, Ink, Look, Text
from ecs_fsm.draw.styles import Colours, Tint, tint_of

SPACE = "http://www.w3.org/2000/svg"
HEAD, HALF = 6.0, 2.9
"""The length of the head of an arrow, and half of its width."""
POINT = 6.0
"""How far the side of a goal comes to a point."""
SIDE = 3.0
"""Room before a text that begins at the left."""
CAPITAL = 0.36
"""Half of the height of a capital letter, in sizes: the middle of a line is there."""
ROUND = {Look.LANE: 8.0, Look.REST: 6.0, Look.BADGE: 5.0, Look.SIGN: 5.0} | dict.fromkeys(
    (Look.STEP, Look.BAND), 3.0
)
"""The radius of corners; 5 for other boxes."""


def number(value: float) -> str:
    """Return a number as short text, to a hundredth."""
    return f"{round(value, 2):g}"


def element(name: str, text: str = "", **attributes: str) -> ET.Element:
    """Return an element of SVG; underscores in the names of attributes become hyphens."""
    made = ET.Element(f"{{{SPACE}}}{name}")
    made.text = text or None
    for attribute, value in attributes.items():
        made.set(attribute.strip("_").replace("_", "-"), value)
    return made


def box_group(box: Box, colours: Colours) -> ET.Element:
    """Return a box: its shape and its lines of text, with what it stands for as data."""
    group = element("g", id=box.key, class_=class_of(box))
    if box.title:
        group.append(element("title", box.title))
    for name, value in data_of(box).items():
        group.set(name, value)
    tint, bounds = tint_of(box, colours), box.bounds or NOWHERE
    if box.look not in BARE:
        group.append(_shape(box, bounds, tint))
    group.extend(_lines(box, bounds, colours, tint))
    return group


def class_of(box: Box) -> str:
    """Return the classes of a box: its look, its status, whether it fades."""
    words = [box.look.value]
    if box.state:
        words += ["state", f"status-{box.state.status.replace(' ', '-')}"]
    return " ".join([*words, *(["faint"] if box.faint else [])])


def data_of(box: Box) -> dict[str, str]:
    """Return the state that a box stands for, and the transitions of a cell, as attributes."""
    if box.transitions:
        return {"data-transitions": listed(box.transitions)}
    if box.state is None:
        return {}
    if box.state.one_word or box.state.gone:
        return {"data-state": box.state}
    return {
        "data-vm-state": box.state.vm_state,
        "data-task-state": box.state.task_state or NO_TASK,
        "data-status": box.state.status,
    }


def _shape(box: Box, bounds: Bounds, tint: Tint) -> ET.Element:
    left, top = bounds.x - bounds.width / 2, bounds.y - bounds.height / 2
    if box.look in (Look.ORIGIN, Look.DOT):
        at = {"cx": bounds.x, "cy": bounds.y, "rx": bounds.width / 2, "ry": bounds.height / 2}
        made = element("ellipse", **{name: number(value) for name, value in at.items()})
    elif box.look is Look.GOAL:
        right, bottom = left + bounds.width, top + bounds.height
        point = right - POINT
        corners = ((left, top), (point, top), (right, bounds.y), (point, bottom), (left, bottom))
        made = element("polygon", points=" ".join(f"{number(x)},{number(y)}" for x, y in corners))
    else:
        size = {"x": left, "y": top, "width": bounds.width, "height": bounds.height}
        made = element("rect", **{name: number(value) for name, value in size.items()})
        if box.look is not Look.EMPTY:
            made.set("rx", number(min(ROUND.get(box.look, 5.0), bounds.height / 2)))
    made.set("fill", tint.fill)
    made.set("stroke", tint.line)
    if PEN.get(box.look, "1") != "1":
        made.set("stroke-width", PEN[box.look])
    if box.look is Look.AGAIN:
        made.set("stroke-dasharray", "4,2")
    return made


def _lines(box: Box, bounds: Bounds, colours: Colours, tint: Tint) -> Iterator[ET.Element]:
    y = bounds.y - LINE * sum(line.size for line in box.lines) / 2
    for line in box.lines:
        y += LINE * line.size / 2
        if line.words:
            yield _line(
                line, box, bounds, y + CAPITAL * line.size, _colour(line, box, colours, tint)
            )
        y += LINE * line.size / 2


def _colour(line: Text, box: Box, colours: Colours, tint: Tint) -> str:
    of_box = box.faint or line.ink is Ink.STATUS or box.look in (Look.BADGE, Look.SIGN)
    return tint.ink if of_box else colours.inks[line.ink]


def _line(line: Text, box: Box, bounds: Bounds, y: float, colour: str) -> ET.Element:
    x = bounds.x - (POINT / 2 if box.look is Look.GOAL else 0)
    if box.left:
        room = (bounds.width - width_of(line.words, line.size, line.bold)) / 2
        x = bounds.x - bounds.width / 2 + max(0.0, min(SIDE, room))
    made = element("text", line.words, x=number(x), y=number(y))
    if not box.left:
        made.set("text-anchor", "middle")
    made.set("textLength", number(width_of(line.words, line.size, line.bold)))
    made.set("lengthAdjust", "spacingAndGlyphs")
    made.set("font-size", f"{line.size:g}")
    if line.bold:
        made.set("font-weight", "bold")
    if line.italic:
        made.set("font-style", "italic")
    made.set("fill", colour)
    return made


class Segment(NamedTuple):
    """The straight line of an arrow, from the border of its tail to that of its head."""

    x1: float
    y1: float
    x2: float
    y2: float


def arrow_group(
    arrow: Arrow, key: str, ends: tuple[Box, Box], colours: Colours, nowhere: str
) -> ET.Element:
    """Return an arrow: its line and its head, with its transitions as data."""
    triggers = dict.fromkeys(t.trigger for t in arrow.transitions)
    words = " ".join([arrow.look.value, *(["faint"] if arrow.faint else [])])
    group = element("g", id=key, class_=words)
    group.append(element("title", ", ".join(triggers)))
    group.set("data-trigger", " ".join(triggers))
    group.set("data-transitions", listed(arrow.transitions, nowhere))
    colour = colours.faint.line if arrow.faint else colours.lines[arrow.look]
    line = Segment(*arrow.way[-2], *arrow.way[-1]) if arrow.way else segment(arrow, *ends)
    long = hypot(line.x2 - line.x1, line.y2 - line.y1)
    if not long:
        return group
    to_right, to_bottom = (line.x2 - line.x1) / long, (line.y2 - line.y1) / long
    back = 0.0 if arrow.knot else min(HEAD, long)
    x, y = line.x2 - back * to_right, line.y2 - back * to_bottom
    points = (*arrow.way[:-2], (line.x1, line.y1), (x, y))
    d = "M" + "L".join(f"{number(across)},{number(down)}" for across, down in points)
    path = element("path", d=d, fill="none", stroke=colour)
    if PEN.get(arrow.look, "1") != "1":
        path.set("stroke-width", PEN[arrow.look])
    group.append(path)
    if back:
        side = HALF * to_bottom, HALF * to_right
        corners = ((line.x2, line.y2), (x - side[0], y + side[1]), (x + side[0], y - side[1]))
        at = " ".join(f"{number(px)},{number(py)}" for px, py in corners)
        group.append(element("polygon", points=at, fill=colour))
    return group


def segment(arrow: Arrow, tail: Box, head: Box) -> Segment:
    """Return where an arrow runs: level or upright where its boxes allow it."""
    one, other = tail.bounds or NOWHERE, head.bounds or NOWHERE
    x, y = one.x, one.y
    if arrow.port is not None:
        top = one.y - one.height / 2
        y = top + sum(tail.ports[: arrow.port]) + tail.ports[arrow.port] / 2
        x = one.x + one.width / 2
    elif abs(other.y - one.y) < one.height / 2 and abs(other.x - one.x) > one.width / 2:
        y = other.y
    elif abs(other.x - one.x) < one.width / 2:
        x = other.x
    begin = (x, y) if arrow.port is not None else _at_border(one, (x, y), (other.x, other.y))
    return Segment(*begin, *_at_border(other, (other.x, other.y), begin))


def _at_border(
    bounds: Bounds, inside: tuple[float, float], outside: tuple[float, float]
) -> tuple[float, float]:
    """Return where a line from a point in a rectangle to one outside leaves it."""
    shares = [1.0]
    for middle, half, start, end in (
        (bounds.x, bounds.width / 2, inside[0], outside[0]),
        (bounds.y, bounds.height / 2, inside[1], outside[1]),
    ):
        if end != start:
            border = middle + half if end > start else middle - half
            shares.append(max(0.0, (border - start) / (end - start)))
    share = min(shares)
    return (
        inside[0] + share * (outside[0] - inside[0]),
        inside[1] + share * (outside[1] - inside[1]),
    )
