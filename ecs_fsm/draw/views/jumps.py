"""What no row of the lanes shows: a step of a run that ends otherwise, and where it leads.

An arrow leaves a mark at the step and runs in the gaps between rows and lanes and beside the lanes,
so it crosses no box and no word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind
from ecs_fsm.core.word import Tone
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.picture import Arrow, Bounds, Box, Look, Picture, RunStep, Text

GUTTER = 3.0
"""How far beside the lanes the first arrow runs; the next ones are closer by `APART`."""
APART = 1.2
ABOVE_LANE, ABOVE_BOX = 2.0, 6.5
"""How far above its goal an arrow runs."""


class Visit(NamedTuple):
    """The box of the server after a change, and the keys and arrows that led to it."""

    box: Box
    taken: frozenset[str]
    arrows: tuple[Arrow, ...]


class RunJump(NamedTuple):
    """A mark at the step that ended, and the arrow from there."""

    mark: Box
    arrow: Arrow


def jumps_of(
    lifecycle: Lifecycle, base: Picture, visits: Sequence[Visit], steps: Sequence[RunStep]
) -> Iterator[RunJump]:
    """Yield a jump for each change of a run that no arrow of the lanes shows."""
    right = max(b.x + b.width / 2 for box in base.boxes if (b := box.bounds))
    marked: dict[str, int] = {}
    for n, (before, after) in enumerate(pairwise(visits), start=1):
        event, state = steps[n]
        if after.arrows or event is None or before.box.key == after.box.key:
            continue
        place = marked[before.box.key] = marked.get(before.box.key, -1) + 1
        failed = lifecycle.triggers[event].kind is Kind.FAILURE
        text = (Text(f"{event} → {n + 1}", 8, bold=True),)
        title = f"{n + 1}: {event} leads to {state}"
        mark = Box(f"jump-{n}", Look.BADGE, text, tone=Tone.RED if failed else None, title=title)
        mark = _at_corner(mark, before.box.bounds or make.NOWHERE, place)
        look = Look.FAILURE if failed else Look.PROGRESS
        found = lifecycle.find(event, steps[n - 1][1])
        by = tuple(t for t in found if state in t.path)
        way = _way(base, mark.bounds or make.NOWHERE, after.box, right + GUTTER - APART * (n % 3))
        yield RunJump(mark, Arrow(mark.key, after.box.key, look, by, way=way))


def _at_corner(mark: Box, bounds: Bounds, place: int) -> Box:
    width = make.width_for(mark)
    left = max(bounds.x + bounds.width / 2 - width, bounds.x - bounds.width / 2 + 20) + 4
    return make.placed(
        mark, left + place * (width + 2), bounds.y + bounds.height / 2 + 5, width, 11
    )


def _way(base: Picture, mark: Bounds, goal: Box, gutter: float) -> tuple[tuple[float, float], ...]:
    """Return the points of the arrow from a mark to a box."""
    at = goal.bounds or make.NOWHERE
    left, top = at.x - at.width / 2, at.y - at.height / 2
    bottom, right = top + at.height, at.x + at.width / 2
    start = mark.x + mark.width / 2, mark.y
    back = mark.x - mark.width / 2, mark.y
    if right < back[0] and top < mark.y < bottom:
        return back, (right, mark.y)
    if abs(bottom - mark.y) < mark.height and at.x < back[0]:
        return back, (at.x, mark.y), (at.x, bottom)
    lane = next((b for box in base.boxes if (b := box.bounds) and _holds(box, b, at)), at)
    above = top - ABOVE_BOX
    if goal.look is Look.REST:
        above = lane.y - lane.height / 2 - ABOVE_LANE
    beside = lane.x - lane.width / 2 - GUTTER
    out = start, (gutter, mark.y), (gutter, above)
    if goal.look is Look.REST and lane.x - lane.width / 2 < GUTTER:
        return (*out, (beside, above), (beside, at.y), (left, at.y))
    return (*out, (at.x, above), (at.x, top))


def _holds(box: Box, lane: Bounds, at: Bounds) -> bool:
    across, down = abs(at.x - lane.x), abs(at.y - lane.y)
    return box.look is Look.LANE and across <= lane.width / 2 and down <= lane.height / 2
