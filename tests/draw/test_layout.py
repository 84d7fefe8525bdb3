"""What is drawn can be read: measured on the geometry that the engine returns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import pytest

from ecs_fsm import ECS, draw
from ecs_fsm.core.scenario import simulate
from ecs_fsm.draw.picture import Box, Look, Picture
from ecs_fsm.lifecycles import server_class
from tests.pictures import LIFECYCLES, every, laid_out, still

GROUND = (Look.LANE, Look.EMPTY, Look.FIELD)
"""What lies under other boxes."""
MEASURED = [
    (f"{lifecycle.name} {name}", picture)
    for lifecycle in LIFECYCLES
    for name, picture in still(lifecycle).items()
]
EVERY = list(every())
LANES = [(name, picture) for name, picture in MEASURED if picture.view == "lanes"]


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

    def holds(self, other: Area, room: float) -> bool:
        """Whether the other lies inside."""
        return (
            other.left >= self.left - room
            and other.right <= self.right + room
            and other.bottom >= self.bottom - room
            and other.top <= self.top + room
        )


def areas(answer: dict[str, Any]) -> dict[str, Area]:
    found = {}
    for node in answer["objects"]:
        x, y = map(float, node["pos"].split(","))
        wide, high = (float(node[side]) * 36 for side in ("width", "height"))
        found[node["name"]] = Area(x - wide, y - high, x + wide, y + high)
    return found


def labels(answer: dict[str, Any]) -> Iterator[tuple[str, Area]]:
    """Every line of text with the room that it takes."""
    for node in answer["objects"]:
        size = 0.0
        for step in node.get("_ldraw_", ()):
            size = step.get("size", size)
            if step["op"] == "T":
                x, y = step["pt"]
                left = {"l": x, "c": x - step["width"] / 2, "r": x - step["width"]}[step["align"]]
                area = Area(left, y - 0.2 * size, left + step["width"], y + 0.7 * size)
                yield node["name"], area


def segments(answer: dict[str, Any]) -> list[tuple[str, str, list[tuple[float, float]]]]:
    """Every arrow with its ends and the points that it goes through, its head included."""
    names = [node["name"] for node in answer["objects"]]
    found = []
    for edge in answer.get("edges", ()):
        line = [tuple(p) for step in edge["_draw_"] if step["op"] == "b" for p in step["points"]]
        head = [
            tuple(p)
            for step in edge.get("_hdraw_", ())
            if step["op"] == "P"
            for p in step["points"]
        ]
        points = [(x, y) for x, y in [*line, *head]]
        found.append((names[edge["tail"]], names[edge["head"]], points))
    return found


def boxes_to_keep_apart(picture: Picture) -> list[Box]:
    return [box for box in picture.boxes if box.look not in GROUND or box.lines]


@pytest.mark.parametrize(("name", "picture"), MEASURED, ids=[name for name, _ in MEASURED])
def test_no_boxes_and_no_labels_overlap(name: str, picture: Picture) -> None:
    answer, complaints = laid_out(picture)
    assert complaints == ""
    found = areas(answer)
    kept = [box.key for box in boxes_to_keep_apart(picture)]
    assert [pair for pair in combinations(kept, 2) if found[pair[0]].meets(found[pair[1]])] == []
    texts = list(labels(answer))
    assert [key for key, text in texts if not found[key].holds(text, 1)] == []
    overlapping = [(a, b) for (a, one), (b, two) in combinations(texts, 2) if one.meets(two)]
    assert overlapping == []


@pytest.mark.parametrize(("name", "picture"), EVERY, ids=[name for name, _ in EVERY])
def test_every_text_fits_its_box(name: str, picture: Picture) -> None:
    assert laid_out(picture).complaints == ""


@pytest.mark.parametrize("name", ["ecs lanes", "ecs status", "ecs resize"])
def test_the_only_line_of_a_box_stands_in_its_middle(name: str) -> None:
    picture = dict(MEASURED)[name]
    looks = (Look.GOAL, Look.REST, Look.STEP)
    alone = {box.key for box in picture.boxes if box.look in looks and len(box.lines) == 1}
    answer, _ = laid_out(picture)
    found = areas(answer)
    assert alone
    for key, text in labels(answer):
        if key in alone:
            middle = (text.bottom + text.top) / 2 + 0.1 * (text.top - text.bottom)
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
    answer, _ = laid_out(picture)
    found = areas(answer)
    marks = [box.key for box in picture.boxes if box.look is Look.BADGE]
    texts = [(key, text) for key, text in labels(answer) if key not in marks]
    assert [(mark, key) for mark in marks for key, text in texts if found[mark].meets(text)] == []


@pytest.mark.parametrize(("name", "picture"), LANES, ids=[name for name, _ in LANES])
def test_lines_of_lanes_are_level_cross_nothing_and_lie_under_no_text(
    name: str, picture: Picture
) -> None:
    answer, _ = laid_out(picture)
    texts = list(labels(answer))
    lines = []
    for tail, head, points in segments(answer):
        left, right = min(x for x, _ in points), max(x for x, _ in points)
        low, high = min(y for _, y in points), max(y for _, y in points)
        assert high - low < 8, f"{tail} to {head} is not level"
        lines.append((tail, head, Area(left, low, right, high)))
    assert [key for key, text in texts for *_, line in lines if line.meets(text)] == []
    crossing = [(a, b) for a, b in combinations(lines, 2) if a[2].meets(b[2])]
    assert crossing == []
    found = areas(answer)
    hit = [
        (tail, head, box.key)
        for tail, head, line in lines
        for box in boxes_to_keep_apart(picture)
        if box.key not in (tail, head) and line.meets(found[box.key])
    ]
    assert hit == []


@pytest.mark.parametrize("name", ["ecs overview", *(f"ecs {name}" for name in ECS.operations)])
def test_no_arrow_runs_over_a_text(name: str) -> None:
    answer, _ = laid_out(dict(MEASURED)[name])
    for _, _, points in segments(answer):
        for x, y in points:
            dot = Area(x - 0.3, y - 0.3, x + 0.3, y + 0.3)
            assert [key for key, text in labels(answer) if text.meets(dot)] == []


def test_the_lanes_of_the_ecs_are_legible_on_one_sheet_of_a4() -> None:
    answer, _ = laid_out(draw.lanes(ECS))
    _, _, width, height = map(float, answer["bb"].split(","))
    margin = 17  # points: 6 mm, which every printer can do
    scale = min((842 - 2 * margin) / width, (595 - 2 * margin) / height)
    sizes = {line.size for box in draw.lanes(ECS).boxes for line in box.lines}
    names = {line.size for box in draw.lanes(ECS).boxes if box.state for line in box.lines[:1]}
    assert min(sizes) * scale >= 6.8
    assert min(names) * scale >= 7.6
