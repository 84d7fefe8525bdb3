"""What is drawn can be read: measured on the SVG, with the fonts that come with the package."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations, pairwise
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest
from fontTools.ttLib import TTFont

from ecs_fsm import ECS, draw
from ecs_fsm.core.scenario import simulate
from ecs_fsm.draw.boxes import FONTS, extent, width_of
from ecs_fsm.draw.lane_rows import BoardStyle
from ecs_fsm.draw.picture import Box, Look, Picture
from ecs_fsm.draw.rows import lanes_of
from ecs_fsm.draw.views.lanes import sheet
from ecs_fsm.lifecycles import server_class
from ecs_fsm.web.lanes_svg import WIDE
from tests.pictures import LIFECYCLES, every, still

SVG = "{http://www.w3.org/2000/svg}"
GROUND = (Look.LANE, Look.EMPTY, Look.FIELD)
"""What lies under other boxes."""
MEASURED = [
    (f"{lifecycle.name} {name}", picture)
    for lifecycle in LIFECYCLES
    for name, picture in still(lifecycle).items()
]
HEAD = 3
"""The points of the head of an arrow; one to a knot has none."""
EVERY = every()
ON_A_PAGE = BoardStyle(wide=WIDE, heads=False, legend=False)
LANES = [(name, picture) for name, picture in MEASURED if picture.view == "lanes"] + [
    (f"{each.name} page", sheet(lanes_of(each), "", ON_A_PAGE, lifecycle=each))
    for each in LIFECYCLES
]


class Area(NamedTuple):
    """A rectangle: left, bottom, right, top, in points."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Area) -> bool:
        """Whether they share more than a border."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.top, other.top) - max(self.bottom, other.bottom)
        return wide > 0.5 and high > 0.5

    def cuts(self, other: Area) -> bool:
        """Whether two lines that are level or upright cross."""
        across = self.left < other.right - 0.5 and other.left < self.right - 0.5
        down = self.bottom < other.top - 0.5 and other.bottom < self.top - 0.5
        return across and down

    def holds(self, other: Area, room: float) -> bool:
        """Whether the other lies inside."""
        return (
            other.left >= self.left - room
            and other.right <= self.right + room
            and other.bottom >= self.bottom - room
            and other.top <= self.top + room
        )


@cache
def advances(style: str) -> tuple[dict[int, str], Any]:
    """The letters of a font that comes with the package, and their widths, read by fontTools."""
    font = TTFont(FONTS / f"LifecycleSans-{style}.ttf")
    return font.getBestCmap(), font["hmtx"]


def wide(text: ET.Element) -> float:
    """The width of a text in its font."""
    style = "Bold" if text.get("font-weight") else "Regular"
    letters, widths = advances(style)
    total = sum(widths[letters[ord(letter)]][0] for letter in text.text or "")
    return float(total) / 2048 * float(text.get("font-size", 0))


class Drawn(NamedTuple):
    """What an SVG shows: boxes by key, lines of text, and arrows, each with where it is."""

    boxes: dict[str, Area]
    texts: list[tuple[str, Area]]
    arrows: list[tuple[str, str, list[tuple[float, float]]]]


@cache
def seen(picture: Picture) -> Drawn:
    """Read a picture back from its SVG; y goes down, so `bottom` is the smaller number."""
    top = ET.fromstring(draw.render(picture, "svg"))  # noqa: S314 our own
    boxes = {}
    for box in picture.boxes:
        at = box.bounds
        assert at is not None
        across, down = at.width / 2, at.height / 2
        boxes[box.key] = Area(at.x - across, at.y - down, at.x + across, at.y + down)
    texts, arrows = [], []
    for group in top.iter(f"{SVG}g"):
        key = group.get("id", "")
        for text in group.findall(f"{SVG}text") if key in boxes else ():
            size = float(text.get("font-size", 0))
            x, y = float(text.get("x", 0)), float(text.get("y", 0))
            left = x - wide(text) / 2 if text.get("text-anchor") == "middle" else x
            texts.append((key, Area(left, y - 0.72 * size, left + wide(text), y + 0.21 * size)))
        if key.startswith("arrow-"):
            arrow = picture.arrows[int(key.removeprefix("arrow-"))]
            drawn = [part.get("d") or part.get("points") or "" for part in group]
            numbers = [float(n) for text in drawn for n in re.findall(r"-?[\d.]+", text)]
            arrows.append((arrow.tail, arrow.head, list(zip(numbers[::2], numbers[1::2]))))  # noqa: B905
    return Drawn(boxes, texts, arrows)


def along(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points on the line of an arrow, close to each other, and those of its head."""
    (x1, y1), (x2, y2) = points[0], points[2] if len(points) > 2 else points[1]
    return [(x1 + (x2 - x1) * n / 60, y1 + (y2 - y1) * n / 60) for n in range(61)] + points


def boxes_to_keep_apart(picture: Picture) -> list[Box]:
    """Everything but grounds, and marks, which lie on the border of a box."""
    apart = (box for box in picture.boxes if box.look not in (Look.BADGE, Look.SIGN))
    return [box for box in apart if box.look not in GROUND or box.lines]


@pytest.mark.parametrize(("name", "picture"), MEASURED, ids=[name for name, _ in MEASURED])
def test_no_boxes_and_no_labels_overlap(name: str, picture: Picture) -> None:
    found = seen(picture).boxes
    kept = [box.key for box in boxes_to_keep_apart(picture)]
    assert [pair for pair in combinations(kept, 2) if found[pair[0]].meets(found[pair[1]])] == []
    texts = seen(picture).texts
    assert [key for key, text in texts if not found[key].holds(text, 1)] == []
    overlapping = [(a, b) for (a, one), (b, two) in combinations(texts, 2) if one.meets(two)]
    assert overlapping == []


@pytest.mark.parametrize(("name", "picture"), EVERY, ids=[name for name, _ in EVERY])
def test_every_text_fits_its_box(name: str, picture: Picture) -> None:
    drawn = seen(picture)
    assert [key for key, text in drawn.texts if not drawn.boxes[key].holds(text, 1)] == []


@pytest.mark.parametrize("name", ["ecs lanes", "ecs status", "ecs resize"])
def test_the_only_line_of_a_box_stands_in_its_middle(name: str) -> None:
    picture = dict(MEASURED)[name]
    looks = (Look.GOAL, Look.REST, Look.STEP)
    alone = {box.key for box in picture.boxes if box.look in looks and len(box.lines) == 1}
    found = seen(picture).boxes
    assert alone
    for key, text in seen(picture).texts:
        if key in alone:
            middle = text.bottom + 0.39 * (text.top - text.bottom)
            assert abs(middle - (found[key].bottom + found[key].top) / 2) < 1.2


@pytest.mark.parametrize(
    ("lifecycle", "scenario"),
    [
        (
            "ecs",
            "create hard_reboot reboot hard_reboot stop start stop resize revert_resize delete",
        ),
        ("nova", "create shelve unshelve shelve unshelve pause unpause delete"),
        ("ecs", "create hard_reboot:hang@reboot_started_hard stop"),
    ],
)
def test_no_mark_of_a_run_hides_a_text(lifecycle: str, scenario: str) -> None:
    server, refused = simulate(server_class(lifecycle), scenario.split())
    picture = draw.run(server, refused)
    found = seen(picture).boxes
    marks = [box.key for box in picture.boxes if box.look is Look.BADGE]
    texts = [(key, text) for key, text in seen(picture).texts if key not in marks]
    assert [(mark, key) for mark in marks for key, text in texts if found[mark].meets(text)] == []


FAILING = ("create", "resize:fail@resize_finish")


@pytest.mark.parametrize(
    ("lifecycle", "scenario"),
    [("ecs", ("create", "stop", FAILING[1], "delete")), ("nova", FAILING)],
)
def test_neither_an_arrow_of_a_failure_nor_the_frame_of_the_server_runs_over_a_text(
    lifecycle: str, scenario: tuple[str, ...]
) -> None:
    picture = draw.animate(*simulate(server_class(lifecycle), scenario))
    of_boxes = {box.key for box in picture.boxes if box.look is not Look.BADGE}
    texts = [text for key, text in seen(picture).texts if key in of_boxes]
    ways = [arrow.way for arrow in picture.arrows if arrow.tail.startswith("jump-")]
    frames = [moment.box.bounds for moment in picture.moments]
    for at in frames:
        assert at is not None
        (left, right), (top, bottom) = (
            (middle - size / 2 - 3.5, middle + size / 2 + 3.5)
            for middle, size in ((at.x, at.width), (at.y, at.height))
        )
        ways += [((left, top), (right, top)), ((left, bottom), (right, bottom))]
    assert len(ways) > len(frames) * 2
    for way in ways:
        for (x1, y1), (x2, y2) in pairwise(way):
            line = Area(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
            assert [text for text in texts if line.cuts(text)] == []


@pytest.mark.parametrize(("name", "picture"), LANES, ids=[name for name, _ in LANES])
def test_lines_of_lanes_turn_at_right_angles_cross_nothing_and_lie_under_no_text(
    name: str, picture: Picture
) -> None:
    found, texts, arrows = seen(picture)
    lines = []
    ends = {(a.tail, a.head): 0 if a.knot else HEAD for a in picture.arrows}
    for tail, head, points in arrows:
        for (x1, y1), (x2, y2) in pairwise(points[: len(points) - ends[tail, head]]):
            assert x1 == x2 or y1 == y2, f"{tail} to {head} is oblique"
            across, down = sorted((x1, x2)), sorted((y1, y2))
            lines.append((tail, head, Area(across[0], down[0], across[1], down[1])))
    assert [key for key, text in texts for *_, line in lines if line.cuts(text)] == []
    crossing = [(a, b) for a, b in combinations(lines, 2) if a[:2] != b[:2] and a[2].cuts(b[2])]
    assert crossing == []
    hit = [
        (tail, head, box.key)
        for tail, head, line in lines
        for box in boxes_to_keep_apart(picture)
        if box.key not in (tail, head) and line.cuts(found[box.key])
    ]
    assert hit == []


@pytest.mark.parametrize("name", ["ecs overview", *(f"ecs {name}" for name in ECS.operations)])
def test_no_arrow_runs_over_a_text(name: str) -> None:
    _, texts, arrows = seen(dict(MEASURED)[name])
    for _, _, points in arrows:
        for x, y in along(points):
            dot = Area(x - 0.3, y - 0.3, x + 0.3, y + 0.3)
            assert [key for key, text in texts if text.meets(dot)] == []


def test_the_lanes_of_the_ecs_are_legible_on_one_sheet_of_a4() -> None:
    left, top, right, bottom = extent(draw.lanes(ECS))
    width, height = right - left, bottom - top
    margin = 17  # points: 6 mm, which every printer can do
    scale = min((842 - 2 * margin) / width, (595 - 2 * margin) / height)
    sizes = {line.size for box in draw.lanes(ECS).boxes for line in box.lines}
    names = {line.size for box in draw.lanes(ECS).boxes if box.state for line in box.lines[:1]}
    assert min(sizes) * scale >= 6.8
    assert min(names) * scale >= 7.6


@pytest.mark.parametrize("style", ["Regular", "Bold"])
def test_text_is_measured_as_the_fonts_are(style: str) -> None:
    letters, widths = advances(style)
    for code, glyph in letters.items():
        measured = width_of(chr(code), 1000, bold=style == "Bold")
        assert abs(measured - widths[glyph][0] / 2.048) < 0.6, chr(code)


def test_the_fonts_are_renamed_and_come_with_their_licence() -> None:
    for path in FONTS.glob("*.ttf"):
        names = [record.toUnicode() for record in TTFont(path)["name"].names if record.nameID < 7]
        assert names
        assert [name for name in names if "Liberation" in name and "Copyright" not in name] == []
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text(encoding="utf-8")
