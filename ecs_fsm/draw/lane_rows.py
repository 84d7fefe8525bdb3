"""The lanes of a page, placed across: their columns, the names of their rows, their bands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw import lane_notes as notes
from ecs_fsm.draw.bands import SMALL, Flow, Item, RowFlow, RowPlace, by_section, row_key
from ecs_fsm.draw.merged import MergedRow
from ecs_fsm.draw.picture import Box, Ink, Look, Text
from ecs_fsm.draw.rows import Lane, named, task_of

PAD = 4.0
"""The room at a lane's border."""
STEM = 15.0
"""The least length of the arrow from a request to its band."""
LEAST, MOST_REMARK = 420.0, 100.0
FEW = 3
"""The states that no row enters which stand in a legend."""


class BoardStyle(NamedTuple):
    """How lanes are drawn: the width after which a row goes on below, what stands around the rows.

    `air` is more room between rows, `below_head` below the heading of a lane. A `plain` one has no
    small type. A legend `beside` the rows
    names the few states that no row enters.
    """

    wide: float = 1150.0
    heads: bool = True
    legend: bool = True
    air: float = 0.0
    below_head: float = 0.0
    plain: bool = False
    beside: bool = False


USUAL = BoardStyle()


@dataclass(slots=True)
class FlowingLane:
    """A lane whose rows are placed across, in their sections; `remarks` stand in the legend."""

    lane: Lane
    signs: notes.Signs
    sections: list[tuple[str, list[tuple[MergedRow, Flow]]]]
    rest: Box | None
    remarks: list[str]
    lonely: list[Flow]
    aside: list[Flow]
    """Rows of the states that no row enters: below the rows, or in the legend."""

    @property
    def flows(self) -> list[Flow]:
        """All that stands below each other."""
        rows = (flow for _, flows in self.sections for _, flow in flows)
        return [*rows, *self.lonely]


class LaneColumns:
    """Reads lanes and places them across; `own` are the keys of the boxes of states."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        lanes: Sequence[Lane],
        style: BoardStyle,
        own: dict[State, str],
        signs: Sequence[notes.Signs],
    ) -> None:
        self.lifecycle, self.lanes, self.style = lifecycle, lanes, style
        self.own = own
        self._merged = {lane.vm_state: by_section(lifecycle, lane) for lane in lanes}
        self._columns()
        self.drawn = [self._read(*both) for both in zip(lanes, signs, strict=True)]
        ends = (flow.right() + PAD for lane in self.drawn for flow in lane.flows)
        self.right = max([LEAST, *ends])

    def _columns(self) -> None:
        """Decide where the columns are: states at rest, sections, requests, bands."""
        rests = [self._rest_box(lane) for lane in self.lanes]
        wide = max([make.width_for(box) for box in rests if box], default=0.0)
        self.section_left = PAD + (wide + 8 if wide else 0)
        self.rest_wide = wide
        labels = [name for found in self._merged.values() for name, _ in found if name]
        side = max([make.width_of(name, SMALL, bold=True) for name in labels], default=0.0)
        self.chip_left = self.section_left + (side + 14 if labels else 10)
        self.origins = PAD + wide - 12
        if not wide:
            self.origins = self.chip_left
            self.chip_left += 24
        chips = [
            make.width_for(self._chip(lane, number, row)[0])
            for lane in self.lanes
            for number, row in self._numbered(lane)
        ]
        self.bands_left = self.chip_left + max(chips, default=0.0) + STEM
        limit = self.style.wide - PAD
        self.limit = max(limit, self.bands_left + 150)

    def sections_of(self, lane: Lane) -> Sequence[tuple[str, Sequence[MergedRow]]]:
        """Return the rows of a lane in their sections."""
        return self._merged[lane.vm_state]

    def _numbered(self, lane: Lane) -> Iterator[tuple[int, MergedRow]]:
        rows = [row for _, found in self._merged[lane.vm_state] for row in found]
        return enumerate(rows)

    def _alone(self) -> frozenset[str]:
        """Return the statuses that occur under one vm_state only."""
        of: dict[str, set[str]] = {}
        for state in self.lifecycle.states.values():
            of.setdefault(state.status, set()).add(state.vm_state)
        return frozenset(status for status, found in of.items() if len(found) == 1)

    def _rest_box(self, lane: Lane) -> Box | None:
        if not lane.rest:
            return None
        made = make.plain(make.rest_box(lane.rest))
        return replace(made, lines=tuple(replace(line, size=make.NAME) for line in made.lines))

    def _read(self, lane: Lane, signs: notes.Signs) -> FlowingLane:
        if lane.rest:
            self.own[lane.rest] = make.state_key(lane.rest)
        numbers = {id(row): number for number, row in self._numbered(lane)}
        place = RowPlace(
            lane, signs, self.lifecycle.table.thing, self.chip_left, self.bands_left, self.limit,
            self.origins, self.cell, self._alone(),
        )  # fmt: skip
        remarks: list[str] = []
        sections = []
        for name, rows in self._merged[lane.vm_state]:
            flows = []
            for row in rows:
                chip, more = self._chip(lane, numbers[id(row)], row)
                remarks += more
                flows.append((row, RowFlow(place, row, chip).flow()))
            sections.append((name, flows))
        few = self.style.beside and len(lane.lonely) <= FEW
        lonely = list(self._lonely(lane, signs, few=few))
        below, aside = ([], lonely) if few else (lonely, [])
        return FlowingLane(lane, signs, sections, self._rest_box(lane), remarks, below, aside)

    def _chip(self, lane: Lane, number: int, merged_row: MergedRow) -> tuple[Box, list[str]]:
        """Return the name of a row with its conditions, and what the legend says of it."""
        row = merged_row.row
        lines = make.conditions(row.when)
        said: list[str] = []
        over, others = row.over, [s for s in lane.states if s != row.source]
        if row.source is not None and row.source.one_word and row.source != lane.rest:
            over = (row.source, *over)
            others = [s for s in lane.states if s != lane.rest]
        if over:
            whole = f"over {named(over, others)}"
            if make.width_of(whole, SMALL) <= MOST_REMARK:
                lines.append(whole)
            else:
                lines.append("over some steps")
                said.append(f"{', '.join(row.names)}: {whole}")
        if merged_row.also:
            lines += make.wrapped(f"also {', '.join(merged_row.also)}", MOST_REMARK, SMALL)
        names = make.wrapped(" / ".join(row.names), MOST_REMARK, make.NAME)
        made = make.chip_box(row_key(lane, number), names, row.kind)
        if not self.style.plain:
            small = tuple(Text(line, SMALL, ink=Ink.MUTED) for line in lines)
            made = replace(made, lines=made.lines + small)
        return replace(made, left=True), said

    def _lonely(self, lane: Lane, signs: notes.Signs, *, few: bool) -> Iterator[Flow]:
        """Yield rows of the states that no row enters; a few have the width of a legend."""
        if not lane.lonely:
            return
        words = (Text("reached from elsewhere", SMALL, ink=Ink.MUTED),)
        name = Box(f"elsewhere-{make.slug(lane.vm_state)}", Look.PLAIN, words, left=True)
        chip = Item(name, 0, self.chip_left, make.width_for(name))
        items: list[Item] = []
        left, line = chip.right + 6 if few else max(self.bands_left, chip.right + 6), 0
        begin, limit = left, self.chip_left + notes.COLUMN if few else self.limit
        for state in lane.lonely:
            box = self.cell(lane, state, f"lonely-{make.slug(state)}", alone=True)
            marks = list(notes.marks(lane, signs, box))
            wide = max(make.width_for(box), notes.total(marks) + 4)
            if left + wide > limit and items:
                line, left = line + 1, begin
            items.append(Item(box, line, left, wide, marks))
            left += wide + 6
        yield Flow(chip, None, items, [], [], line + 1, {})

    def cell(self, lane: Lane, state: State, key: str, *, alone: bool = False) -> Box:
        """Return the box of a step: its own where it stands first, else a dashed one."""
        name = str(state) if state.one_word or state.gone else task_of(state)
        lines: tuple[Text, ...] = (Text(name, make.NAME, ink=Ink.STATUS),)
        if alone and not (state.one_word or state.gone):
            lines = (Text(f"{name} {state.status}", make.NAME, ink=Ink.STATUS),)
        elsewhere = state not in lane.states
        again = elsewhere or state in self.own
        if not again:
            self.own[state] = key = make.state_key(state)
        look = Look.AGAIN if again else Look.STEP
        return Box(key, look, lines, state, state.status.tone, make.description(state))

    def unseen(self, lane: Lane) -> list[str]:
        """Return a sentence on the operations of a lane that change nothing visible."""
        if not lane.unseen:
            return []
        names = Phrases(self.lifecycle.table).attributes
        what = f"change neither {names.vm_state} nor {names.task_state}"
        if self.lifecycle.table.one_word:
            what = f"do not change {names.status}"
        return [f"{what}: {', '.join(lane.unseen)}"]
