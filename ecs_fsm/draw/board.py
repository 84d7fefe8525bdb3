"""The lanes of a lifecycle as a page: one band for each operation, rows below each other.

A band is a status, written once, with the tasks under it as cells. What goes wrong is a mark at its
step. Ways that differ by a fact share a row, as an arc over the steps that are skipped or a branch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw import lane_notes as notes
from ecs_fsm.draw.bands import DROP, SMALL, Arc, Flow, Joint
from ecs_fsm.draw.lane_rows import PAD, BoardStyle, FlowingLane, LaneColumns
from ecs_fsm.draw.merged import MergedRow
from ecs_fsm.draw.picture import Arrow, Box, Ink, Look, Text
from ecs_fsm.draw.rows import Lane

CELL = 18.0
"""The height of a cell."""
ROWS_APART, LINES_APART, LANES_APART = 2.5, 8.5, 4.0
ARC = 12.0
"""The height of an arc with its label."""
Point = tuple[float, float]


class BoardRow(NamedTuple):
    """What a row consists of, and from where to where it goes down; `lane` is the lane's number."""

    lane: int
    top: float
    bottom: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


class LaneBoard:
    """Places lanes down; `boxes` and `arrows` are what it made.

    `own` are the keys of the boxes of states so far, `signs` those of the notes of each lane.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        lanes: Sequence[Lane],
        style: BoardStyle,
        own: dict[State, str],
        signs: Sequence[notes.Signs],
    ) -> None:
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self.rows: list[BoardRow] = []
        alike = signs and all(each is signs[0] for each in signs)
        alone = len(lanes) == 1 and style.heads and not lifecycle.table.one_word
        many = alone and len(signs[0].of) > notes.MOST_SHARED
        self.shared = notes.used(signs[0], lanes) if alike and not many else None
        beside = style.legend and self.shared is None and any(lane.notes for lane in lanes)
        self.across = LaneColumns(lifecycle, lanes, style._replace(beside=beside), own, signs)
        self.legend = notes.COLUMN + notes.APART if beside else 0.0
        self.right = self.across.right + self.legend

    def place(self, top: float) -> float:
        """Place every lane from `top` on; return how far down they go."""
        waiting = list(self.across.drawn)
        while waiting:
            lane = waiting.pop(0)
            beside = (
                waiting[0].rest if waiting and waiting[0].rest and not waiting[0].flows else None
            )
            last = max([flow.right() for flow in lane.flows], default=self.across.right)
            wide = make.width_for(beside) + 2 * PAD if beside else 0.0
            fits = beside is not None and last + PAD + LANES_APART + wide <= self.across.right
            right = self.across.right - (wide + LANES_APART if fits else 0.0)
            bottom = self._lane(lane, top, right)
            if fits and beside is not None and beside.state is not None:
                waiting.pop(0)
                left = right + LANES_APART
                tall, middle = bottom - top, (top + bottom) / 2
                ground = Box(f"lane-{make.slug(beside.state.vm_state)}", Look.LANE)
                self.boxes += (
                    make.placed(ground, left, middle, wide, tall),
                    make.placed(beside, left + PAD, middle, wide - 2 * PAD, tall - 2 * PAD),
                )
            top = bottom + LANES_APART
        if self.shared and self.across.style.legend:
            remarks = [remark for lane in self.across.drawn for remark in lane.remarks]
            top = self._legend(self.shared, remarks, "all", (PAD, top + 2))
        return top

    def _legend(self, signs: notes.Signs, remarks: Sequence[str], key: str, corner: Point) -> float:
        """Place a legend, beside the rows or below them; return how far down it goes."""
        left, top = corner
        wide = self.legend - notes.APART if self.legend else self.right - 2 * PAD
        found = notes.legend(signs, remarks, key, wide)
        for box in found:
            at = box.bounds or make.NOWHERE
            self.boxes.append(replace(box, bounds=replace(at, x=at.x + left, y=at.y + top)))
        ends = (box.bounds.y + box.bounds.height / 2 for box in found if box.bounds)
        return top + max(ends, default=0.0)

    def _lane(self, drawn: FlowingLane, top: float, right: float) -> float:
        lane = drawn.lane
        first = len(self.boxes)
        y = top + PAD
        if self.across.style.heads:
            head = _head(lane)
            self.boxes.append(make.placed(head, PAD, y + 4, make.width_for(head)))
            y += make.height_for(head) - 1 + self.across.style.below_head
        body = y
        ports: list[float] = []
        many = len(drawn.sections) > 1
        for name, flows in drawn.sections:
            if not flows:
                continue
            begin = len(self.boxes)
            start, y = y, y + (3 if many else 0)
            for merged_row, flow in flows:
                middle, y = self._row(lane, merged_row, flow, y)
                ports.append(middle)
            if many:
                y -= ROWS_APART - 3
                made = any(flow.origin for _, flow in flows)
                self._section(lane, "" if made else name, (start, y), right, begin)
                y += 3
        for flow in drawn.lonely:
            _, y = self._row(lane, None, flow, y)
        y = max(y - (ROWS_APART - 2 if not many else 0), body)
        if drawn.rest:
            room = self.across.style.air + 2
            y = max(y, body + make.height_for(drawn.rest) + room)
            heights = _ports(ports, body, y)
            rest = replace(drawn.rest, ports=heights)
            placed = make.placed(rest, PAD, (body + y) / 2, self.across.rest_wide, y - body)
            self.boxes.append(placed)
            marks = list(notes.marks(lane, drawn.signs, placed))
            self.boxes += notes.placed(marks, PAD + 4, y - 2)
        y += PAD
        if self.legend:
            remarks = [*drawn.remarks, *self.across.unseen(lane)]
            corner = self.across.right + notes.APART - PAD, body
            low = self._legend(drawn.signs, remarks, make.slug(lane.vm_state), corner) + PAD
            for flow in drawn.aside:
                low = self._aside(lane, flow, corner[0], low)
            y = max(y, low)
        elif self.across.style.legend:
            drawn.remarks += [f"{lane.vm_state}: {words}" for words in self.across.unseen(lane)]
        ground = Box(f"lane-{make.slug(lane.vm_state)}", Look.LANE, title=lane.vm_state.meaning)
        wide = right + self.legend
        self.boxes.insert(first, make.placed(ground, 0, (top + y) / 2, wide, y - top))
        return y

    def _aside(self, lane: Lane, flow: Flow, left: float, top: float) -> float:
        """Place a row in the legend; return how far down it goes."""
        first = len(self.boxes)
        _, bottom = self._row(lane, None, flow, top)
        moved = _moved(self.boxes[first:], left - self.across.chip_left)
        self.boxes[first:] = moved
        self.rows[-1] = self.rows[-1]._replace(boxes=tuple(moved))
        return bottom

    def _section(
        self, lane: Lane, name: str, size: tuple[float, float], right: float, begin: int
    ) -> None:
        """Draw the ground of a section below its rows, and its name."""
        top, bottom = size
        left = self.across.section_left
        key = f"section-{make.slug(lane.vm_state)}-{make.slug(name or 'others')}"
        ground = make.placed(
            Box(key, Look.LANE), left, (top + bottom) / 2, right - PAD - left, bottom - top
        )
        self.boxes.insert(begin, ground)
        if name:
            words = (Text(name, SMALL, bold=True, ink=Ink.MUTED),)
            label = Box(f"{key}-name", Look.PLAIN, words, left=True)
            wide = make.width_for(label)
            self.boxes.append(make.placed(label, left + 4, (top + bottom) / 2, wide))

    def _row(
        self, lane: Lane, merged_row: MergedRow | None, flow: Flow, top: float
    ) -> tuple[float, float]:
        """Place a row; return the middle of its request and how far down it goes."""
        middles: dict[int, float] = {}
        y = top
        chip_high = make.height_for(flow.chip.box)
        for line in range(flow.lines):
            level = flow.rises.get(line, 0)
            rise = level * ARC + 2 if level else 0.0
            high = max(CELL, chip_high if line == 0 else 0.0)
            middles[line] = y + rise + high / 2
            marked = any(item.marks for item in flow.items if item.line == line)
            low = max(high / 2, CELL / 2 + (notes.BELOW + notes.HIGH / 2 if marked else 0))
            y = middles[line] + low + self.across.style.air
            y += ROWS_APART if line == flow.lines - 1 else LINES_APART - ROWS_APART
        begin = len(self.boxes), len(self.arrows)
        for item in (flow.chip, *([flow.origin] if flow.origin else [])):
            high = item.wide if item.box.look is Look.ORIGIN else 0.0
            self.boxes.append(make.placed(item.box, item.left, middles[0], item.wide, high))
        for item in flow.items:
            middle = middles[item.line]
            self.boxes.append(make.placed(item.box, item.left, middle, item.wide, _high(item.box)))
            self.boxes += notes.placed(item.marks, item.left + 3, middle + CELL / 2)
        if merged_row:
            self._lines(lane, merged_row, flow, middles)
        for link in flow.links:
            self.arrows.append(self._link(link, middles))
        for arc in flow.arcs:
            self._arc(arc, middles[arc.tail.line])
        own = tuple(self.boxes[begin[0] :]), tuple(self.arrows[begin[1] :])
        self.rows.append(BoardRow(self.across.lanes.index(lane), top, y, *own))
        return middles[0], y

    def _lines(
        self, lane: Lane, merged_row: MergedRow, flow: Flow, middles: Mapping[int, float]
    ) -> None:
        """Draw the line that leads to the request."""
        row = merged_row.row
        look, y = make.look_of(row.kind), middles[0]
        if flow.origin:
            way = ((flow.origin.right, y), (flow.chip.left, y))
            tail = flow.origin.box.key
        elif lane.rest and row.source == lane.rest:
            begin = PAD + self.across.rest_wide
            if len(self.across.sections_of(lane)) > 1:
                begin = flow.chip.left
            way = ((begin, y), (flow.chip.left, y))
            tail = make.state_key(lane.rest)
        else:
            return
        port = (
            None if flow.origin else sum(a.port is not None for a in self.arrows if a.tail == tail)
        )
        made = Arrow(tail, flow.chip.box.key, look, row.requests, port, knot=True, way=way)
        self.arrows.append(made)

    def _link(self, link: Joint, middles: Mapping[int, float]) -> Arrow:
        tail, head = link.tail, link.head
        start, end = middles[tail.line], middles[head.line]
        if not link.drawn:
            way: tuple[Point, ...] = ((head.left, end), (head.left, end))
        elif tail.line == head.line:
            way = ((tail.right, start), (head.left, end))
        else:
            x = tail.right - DROP
            turn = end - CELL / 2 - LINES_APART / 2 + 1
            if head.left > x:
                way = ((x, start + CELL / 2), (x, end), (head.left, end))
            else:
                side = head.left - 8
                way = (
                    (x, start + CELL / 2),
                    (x, turn),
                    (side, turn),
                    (side, end),
                    (head.left, end),
                )
        key = tail.box.key, head.box.key
        return Arrow(*key, link.look, link.by, knot=link.knot, way=way)

    def _arc(self, arc: Arc, middle: float) -> None:
        up = middle - CELL / 2 - (arc.level - 1) * ARC - 7
        tail, head = arc.tail, arc.head
        left, right = tail.right - 5 - 3 * arc.level, head.left + 7 + 3 * arc.level
        end = middle - _high(head.box) / 2
        way = ((left, middle - CELL / 2), (left, up), (right, up), (right, end))
        self.arrows.append(Arrow(tail.box.key, head.box.key, Look.PROGRESS, arc.by, way=way))
        wide = make.width_for(arc.label)
        x = max(left + 2, (left + right - wide) / 2)
        self.boxes.append(make.placed(arc.label, x, up - 5.5, wide, 10.0))

    def shifted(self, across: float) -> tuple[list[Box], list[Arrow]]:
        """Return the boxes and arrows farther right."""
        boxes = _moved(self.boxes, across)
        arrows = [
            replace(arrow, way=tuple((x + across, y) for x, y in arrow.way))
            for arrow in self.arrows
        ]
        return boxes, arrows


def _moved(boxes: Iterable[Box], across: float) -> list[Box]:
    return [
        replace(box, bounds=replace(at, x=at.x + across)) for box in boxes if (at := box.bounds)
    ]


def _ports(middles: Sequence[float], top: float, bottom: float) -> tuple[float, ...]:
    """Return the heights of the parts of a side whose middles these are, as near as can be."""
    if not middles:
        return ()
    borders = [top, *((a + b) / 2 for a, b in pairwise(middles)), bottom]
    return tuple(b - a for a, b in pairwise(borders))


def _high(box: Box) -> float:
    return {Look.GOAL: CELL - 3, Look.PLAIN: 0.0}.get(box.look, CELL) or make.height_for(box)


def _head(lane: Lane) -> Box:
    """Return the heading of a lane."""
    title = (Text(f"{lane.vm_state}: {lane.vm_state.meaning}", make.NAME, bold=True),)
    return Box(f"head-{make.slug(lane.vm_state)}", Look.PLAIN, title, left=True)


def in_columns(boards: Iterable[LaneBoard], top: float) -> tuple[list[Box], list[Arrow]]:
    """Return boards side by side, all from `top` on."""
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    across = 0.0
    for board in boards:
        board.place(top)
        own, lines = board.shifted(across)
        boxes += own
        arrows += lines
        across += board.right + LANES_APART
    return boxes, arrows
