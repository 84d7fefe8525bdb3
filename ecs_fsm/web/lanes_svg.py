"""The lanes of a lifecycle as SVG for a page: small, without styles of its own.

The picture of the view `lanes`, with classes for its colours; a box carries `data-state`, an arrow
`data-transitions` and the name of a request `data-trigger`, each the place of that in the exported
table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from xml.etree import ElementTree as ET

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.draw import lanes, render
from ecs_fsm.draw.boxes import slug
from ecs_fsm.draw.formats.svg_shapes import SPACE
from ecs_fsm.draw.picture import Arrow, Bounds, Box, Look, Picture
from ecs_fsm.draw.rows import lanes_of
from ecs_fsm.draw.styles import Theme
from ecs_fsm.web.bundle import colour_names

ABOVE = ("title", "explained")
"""Boxes whose text the page shows elsewhere."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_BOUNDS = re.compile(r"translate\((\S+) (\S+)\)")


def lanes_svg(lifecycle: Lifecycle) -> str:
    """Return the lanes as an `<svg>` element."""
    return _LanesSvg(lifecycle, lanes(lifecycle)).text()


class _LanesSvg:
    """Writes one picture as markup for a page."""

    def __init__(self, lifecycle: Lifecycle, picture: Picture) -> None:
        self.picture = picture
        self.boxes: Mapping[str, Box] = {box.key: box for box in picture.boxes}
        self.arrows: Mapping[str, Arrow] = {f"arrow-{n}": a for n, a in enumerate(picture.arrows)}
        self.states = {state: n for n, state in enumerate(lifecycle.states.values())}
        self.triggers = {name: n for n, name in enumerate(lifecycle.triggers)}
        shown = lanes_of(lifecycle)
        self.lanes = {f"lane-{slug(lane.vm_state)}": n for n, lane in enumerate(shown)}
        self.transitions = {t: n for n, t in enumerate(lifecycle.transitions)}
        self.colours = colour_names()

    def text(self) -> str:
        """Return the whole picture as markup."""
        made = ET.fromstring(render(self.picture, "svg", Theme.LIGHT))  # noqa: S314 our own
        graph = next(g for g in made.iter(f"{{{SPACE}}}g") if g.get("class") == "graph")
        shift = _BOUNDS.search(graph.get("transform", ""))
        left, top = (float(n) for n in shift.groups()) if shift else (0.0, 0.0)
        _, _, width, height = (float(n) for n in made.get("viewBox", "0 0 0 0").split())
        skipped = max(self._bottom(key) for key in ABOVE) + left
        bounds = (-left, skipped - top, width, height - skipped)
        parts = [
            '<svg id="board" viewBox="' + " ".join(_short(n) for n in bounds) + '" role="img" '
            'aria-labelledby="board-title" xmlns="http://www.w3.org/2000/svg">',
            f'<title id="board-title">{escape(self.picture.title)}</title>',
        ]
        lanes: dict[str, list[str]] = {key: [] for key in self.lanes}
        for group in graph.findall(f"{{{SPACE}}}g"):
            key = group.get("id", "")
            if key not in ABOVE:
                lanes[self._lane(key)] += self._group(group, key)
        for key, drawn in lanes.items():
            parts += [f'<g data-lane="{self.lanes[key]}">', *drawn, "</g>"]
        return "".join((*parts, "</svg>"))

    def _lane(self, key: str) -> str:
        """Return the lane of a box or an arrow."""
        found = self.boxes[self.arrows[key].head if key in self.arrows else key].bounds
        for lane in self.lanes:
            ground = self.boxes[lane].bounds
            if found and ground and _within(found, ground):
                return lane
        raise ValueError(f"{key} lies in no lane")

    def _bottom(self, key: str) -> float:
        bounds = self.boxes[key].bounds
        return bounds.y + bounds.height / 2 if bounds else 0

    def _group(self, group: ET.Element, key: str) -> Iterator[str]:
        yield f"<g{self._attributes(key)}>"
        for part in group:
            yield self._part(part, part.tag.removeprefix(f"{{{SPACE}}}"), key)
        yield "</g>"

    def _attributes(self, key: str) -> str:
        if key in self.arrows:
            arrow = self.arrows[key]
            own = ",".join(str(self.transitions[t]) for t in arrow.transitions)
            return f' class="arrow" data-transitions="{own}"'
        box = self.boxes[key]
        if box.state and box.look in (Look.REST, Look.STEP):
            return f' class="box" data-state="{self.states[box.state]}"'
        if box.state:
            return f' class="box again" data-state="{self.states[box.state]}"'
        if box.look is Look.LANE:
            return ' class="lane"'
        return ""

    def _part(self, part: ET.Element, tag: str, key: str) -> str:
        drawn = self._classes(part)
        if tag == "text":
            return self._line(part, key, drawn)
        if tag == "rect":
            return _rounded(part, drawn)
        if tag == "path":
            return f'<path{_class(drawn)} d="{_line_of(part.get("d", ""))}"/>'
        if tag == "polygon":
            points = part.get("points", "").split()
            shortened = " ".join(_NUMBER.sub(_rounded_number, corner) for corner in points)
            return f'<polygon{_class(drawn)} points="{shortened}"/>'
        if tag == "ellipse":
            at = " ".join(f'{name}="{part.get(name)}"' for name in ("cx", "cy", "rx", "ry"))
            return f"<ellipse{_class(drawn)} {at}/>"
        return ""

    def _line(self, part: ET.Element, key: str, drawn: list[str]) -> str:
        words = part.text or ""
        box = self.boxes.get(key)
        chip = box and not box.state and box.look in (Look.REQUEST, Look.PROGRESS)
        trigger = (
            f' data-trigger="{self.triggers[words]}"' if chip and words in self.triggers else ""
        )
        at = f'x="{_short(float(part.get("x", 0)))}" y="{_short(float(part.get("y", 0)))}"'
        if part.get("textLength"):
            long = _short(float(part.get("textLength", 0)))
            at += f' textLength="{long}"'
        return f"<text{_class(drawn)} {at}{trigger}>{escape(words)}</text>"

    def _classes(self, part: ET.Element) -> list[str]:
        found = [
            f"{letter}-{self.colours[colour]}"
            for letter, name in (("f", "fill"), ("s", "stroke"))
            if (colour := part.get(name, "none")) != "none"
        ]
        if part.get("font-size"):
            found.append(f"t{float(part.get('font-size', 0)):g}")
        if part.get("font-weight"):
            found.append("bold")
        if part.get("text-anchor"):
            found.append("middle")
        if part.get("stroke-width"):
            found.append("thick")
        if part.get("stroke-dasharray"):
            found.append("dashed")
        return found


def _within(bounds: Bounds, ground: Bounds) -> bool:
    across, down = abs(bounds.x - ground.x), abs(bounds.y - ground.y)
    return across <= ground.width / 2 and down <= ground.height / 2


def _class(drawn: list[str]) -> str:
    return f' class="{" ".join(drawn)}"' if drawn else ""


def _short(number: float) -> str:
    return f"{round(number, 1):g}"


def _rounded_number(found: re.Match[str]) -> str:
    return _short(float(found[0]))


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def _rounded(part: ET.Element, drawn: list[str]) -> str:
    """Return a box with its corners."""
    at = " ".join(
        f'{name}="{_short(float(part.get(name, 0)))}"' for name in ("x", "y", "width", "height")
    )
    round_by = f' rx="{_short(float(part.get("rx", 0)))}"' if part.get("rx") else ""
    return f"<rect{_class(drawn)} {at}{round_by}/>"


def _line_of(path: str) -> str:
    """Return the path of an arrow, shorter if it is straight."""
    numbers = _numbers(path)
    across, down = numbers[::2], numbers[1::2]
    if len(set(down)) == 1:
        return f"M{_short(across[0])} {_short(down[0])}H{_short(across[-1])}"
    return _NUMBER.sub(_rounded_number, path)
