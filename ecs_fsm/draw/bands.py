"""One row of the lanes, placed across: its request, its bands, its detours.

A band is a status, written once, with the tasks under it as cells; it goes on in a line below where
the page is not wide enough.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, State, Transition
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw import lane_notes as notes
from ecs_fsm.draw.merged import Detour, MergedRow, aside, merged
from ecs_fsm.draw.picture import Box, Ink, Look, Text
from ecs_fsm.draw.rows import Entered, Lane, Row

GAP = 13.0
"""Between two bands: room for an arrow."""
DROP = 4.0
"""How far before the end of a box a line leaves it downwards."""
SMALL = 9.4
"""The size of all small type."""


class RowPlace(NamedTuple):
    """Where rows are: in a lane, with its signs, from the left of bands to the limit of a line."""

    lane: Lane
    signs: notes.Signs
    thing: str
    chips: float
    left: float
    limit: float
    origins: float
    cell: Callable[[Lane, State, str], Box]
    alone: frozenset[str]
    """Statuses that need no vm_state beside them."""


@dataclass(slots=True)
class Item:
    """A box of a row: its line, its place across, and the marks at it."""

    box: Box
    line: int
    left: float
    wide: float
    marks: list[Box] = field(default_factory=list)

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.left + self.wide


@dataclass(slots=True)
class Joint:
    """An arrow between two items of a row."""

    tail: Item
    head: Item
    by: tuple[Transition, ...]
    knot: bool = False
    look: Look = Look.PROGRESS
    drawn: bool = True


@dataclass(slots=True)
class Arc:
    """A way over some boxes of a row, at a level above it."""

    tail: Item
    head: Item
    label: Box
    by: tuple[Transition, ...]
    level: int


@dataclass(slots=True)
class Flow:
    """A row, with everything placed across."""

    chip: Item
    origin: Item | None
    items: list[Item]
    links: list[Joint]
    arcs: list[Arc]
    lines: int
    rises: dict[int, int]
    """By line, the levels of arcs above it."""

    def right(self) -> float:
        """Return how far the row reaches."""
        return max(item.right for item in (self.chip, *self.items))


def row_key(lane: Lane, number: int) -> str:
    """Return the key of the box that names a row."""
    return f"row-{make.slug(lane.vm_state)}-{number}"


def by_section(lifecycle: Lifecycle, lane: Lane) -> list[tuple[str, list[MergedRow]]]:
    """Return the rows of a lane by the sections of the table."""
    rows, _ = aside(lane.rows, lane.rest)
    found: dict[str, list[MergedRow]] = {name: [] for name in lifecycle.table.sections}
    of = {name: section for section, names in lifecycle.sections.items() for name in names}
    for row in merged(rows):
        found.setdefault(of.get(row.row.names[0], ""), []).append(row)
    return [(name, rows) for name, rows in found.items() if rows]


def chosen_rows(lifecycle: Lifecycle, lane: Lane, keys: Collection[str]) -> list[Row]:
    """Return the rows that the boxes of these keys name, with all their ways."""
    numbered = enumerate(row for _, rows in by_section(lifecycle, lane) for row in rows)
    chosen = [each.row for n, each in numbered if row_key(lane, n) in keys]
    named_by = {(row.names, row.source) for row in chosen}
    return [row for row in lane.rows if (row.names, row.source) in named_by]


class RowFlow:
    """Places the boxes of one row across."""

    def __init__(self, place: RowPlace, merged_row: MergedRow, chip: Box) -> None:
        self.place = place
        self.merged, self.row = merged_row, merged_row.row
        self.chip = Item(chip, 0, place.chips, make.width_for(chip))
        self.items: list[Item] = []
        self.links: list[Joint] = []
        self.line = 0
        self.count = 0

    def flow(self) -> Flow:
        """Return the row with its detours."""
        origin = None
        if self.row.source is None:
            box = make.origin_box(self.place.thing, f"{self.chip.box.key}-origin")
            origin = Item(box, 0, self.place.origins, 12.0)
        main = self._path(self.row.entered, self.chip, self.place.left, None)
        arcs: list[Arc] = []
        rises: dict[int, int] = {}
        for detour in sorted(self.merged.detours, key=_reach):
            leaves = main[detour.leaves - 1] if detour.leaves else self.chip
            joined = main[detour.joins] if detour.joins is not None else None
            before = self.row.entered[detour.leaves - 1].state if detour.leaves else None
            if joined is not None and joined.line == leaves.line:
                by = self.merged.by(before, joined.box.state or self.row.entered[-1].state)
                level = 1 + max(
                    [
                        a.level
                        for a in arcs
                        if a.tail.line == leaves.line
                        and a.tail.left < joined.right
                        and leaves.left < a.head.right
                    ],
                    default=0,
                )
                arcs.append(Arc(leaves, joined, self._label(detour.when), by, level))
                rises[leaves.line] = max(rises.get(leaves.line, 0), level)
            else:
                self._branch(detour, leaves, before)
        return Flow(self.chip, origin, self.items, self.links, arcs, self.line + 1, rises)

    def _barred(self, leaves: Item) -> bool:
        """Return whether a line from a box down to the next free line would cross the row."""
        x = leaves.right - DROP
        boxes = (item for item in self.items if item.line > leaves.line)
        turns = (j for j in self.links if leaves.line <= j.tail.line < j.head.line)
        return any(item.left <= x <= item.right for item in boxes) or any(
            turn.head.left < x < turn.tail.right - DROP for turn in turns
        )

    def _label(self, when: Facts, after: str = "") -> Box:
        self.count += 1
        words = after + (" ".join(make.conditions(when)) or "otherwise")
        text = (Text(words.replace("[", "").replace("]", ""), SMALL),)
        return Box(f"{self.chip.box.key}-if-{self.count}", Look.PLAIN, text)

    def _branch(self, detour: Detour, leaves: Item, before: State | None) -> None:
        """Draw a way that ends by itself: behind the end of the row, or on a line of its own."""
        entered = detour.entered
        if detour.joins is not None:
            entered = self.row.entered[detour.joins :]
        barred = self._barred(leaves)
        label = self._label(detour.when, f"after {leaves.box.lines[0].words} if " if barred else "")
        wide = make.width_for(label)
        left = leaves.right + 8
        fits = left + wide + 140 <= self.place.limit and not barred
        goes_on = leaves.box.look is Look.GOAL and leaves.line == self.line and fits
        self.line += not goes_on
        if not fits:
            left = self.place.left + 12
        item = Item(label, self.line, left, wide)
        self.items.append(item)
        first = entered[0].state
        by = self.merged.by(before, first)
        self.links.append(Joint(leaves, item, by, knot=True, drawn=not barred))
        self._path(entered, item, left + wide + GAP, before)

    def _path(
        self, entered: Sequence[Entered], tail: Item, left: float, before: State | None
    ) -> list[Item]:
        """Place states one behind the other, in bands of one status; return their boxes."""
        placed: list[Item] = []
        head: Item | None = None
        start = left
        look = make.look_of(self.row.kind) if before is None else Look.PROGRESS
        for place, each in enumerate(entered):
            state, last = each.state, place == len(entered) - 1
            box, marks = self._box(state, last)
            wide = max(make.width_for(box), notes.total(marks) + 3)
            fresh = head is None or last or not _together(placed[-1].box.state, state)
            banded = fresh and not last and not (state.one_word or state.gone)
            top = self._head(state) if banded else None
            room = wide + (make.width_for(top) if top else 0.0)
            if left + (GAP if fresh and placed else 0) + room > self.place.limit and placed:
                self.line += 1
                left = min(start, self.place.left) + 14
                top = self._head(state) if not last and not state.one_word else None
                fresh = True
            elif fresh and placed:
                left += GAP
            if top is not None:
                head = Item(top, self.line, left, make.width_for(top))
                self.items.append(head)
                left = head.right
            item = Item(box, self.line, left, wide, marks)
            begin = head if top is not None and head is not None else item
            by = self.merged.by(before, state)
            if fresh:
                target = Item(box, item.line, begin.left, wide)
                self.links.append(
                    Joint(tail, target, by, look=look if not placed else Look.PROGRESS)
                )
            else:
                self.links.append(Joint(tail, item, by))
            self.items.append(item)
            placed.append(item)
            tail, before, left = item, state, item.right
            if head is None:
                head = item
        return placed

    def _box(self, state: State, last: bool) -> tuple[Box, list[Box]]:
        self.count += 1
        key = f"{self.chip.box.key}-{self.count}"
        if last:
            text = (Text(str(state.status), make.NAME, True, Ink.STATUS),)
            title = make.description(state)
            return Box(key, Look.GOAL, text, state, state.status.tone, title), []
        box = self.place.cell(self.place.lane, state, key)
        return box, list(notes.marks(self.place.lane, self.place.signs, box))

    def _head(self, state: State) -> Box:
        """Return the box with the status of a band, and its vm_state if that is not the lane's."""
        self.count += 1
        words = str(state.status)
        here = {s.vm_state for s in self.place.lane.states}
        if state.vm_state not in here and state.status not in self.place.alone:
            words = f"{state.status} ({state.vm_state})"
        text = (Text(words, SMALL, True, Ink.STATUS),)
        key = f"{self.chip.box.key}-band-{self.count}"
        return Box(key, Look.BAND, text, None, state.status.tone, str(state.status.meaning))


def _together(before: State | None, state: State) -> bool:
    """Return whether two states share a band."""
    if before is None:
        return False
    return (before.status, before.vm_state) == (state.status, state.vm_state)


def _reach(detour: Detour) -> tuple[bool, int]:
    """Return the order of detours: arcs first, the shortest lowest."""
    return detour.joins is None, (detour.joins or 0) - detour.leaves
