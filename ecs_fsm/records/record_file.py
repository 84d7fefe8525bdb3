"""One file of a record: its shape and its layout, by its first rows, and its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.records.blocks import RowBlock, RowNumbers, blocks
from ecs_fsm.records.columns import MEANING_OF, normal
from ecs_fsm.records.json_text import LIST, MORE, Row
from ecs_fsm.records.layouts import (
    ColumnsLayout,
    Layout,
    Listed,
    Reading,
    ServerLists,
    Servers,
)
from ecs_fsm.records.recorded_actions import InstanceActions, JobAnswers, Notifications
from ecs_fsm.records.shapes import shaped
from ecs_fsm.records.sources import RecordSource

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Notifications(), InstanceActions(), JobAnswers(), Servers(), ServerLists(), ColumnsLayout(),
    )
}  # fmt: skip
"""The layouts by name; the first that fits a record's first row is taken."""
FIRST_ROWS = 200
EXPECTED = "expected rows with vm_state and task_state, a status, or an action"


class RecordFile:
    """One file of a record, with its layout."""

    def __init__(self, source: RecordSource, reading: Reading, wanted: str | None) -> None:
        self.source = source
        self._reading = reading
        self._wanted = wanted
        self._begin()
        self.layout = self._detect()
        rows = [row for row, _ in self._first]
        self.sampled = not self._whole(rows) and self.layout.sampled(rows)

    def _begin(self) -> None:
        shape = shaped(self.source, self._reading.choice.known)
        self.shape = shape.title
        self._columns = shape.blocks
        self._rows = shape.rows
        self._first = [(row, self.source.line) for row in islice(self._rows, FIRST_ROWS)]
        self._fresh = True

    def _whole(self, rows: Sequence[Row]) -> bool:
        """Return whether rows show whole states, in columns that only the table names."""
        table = self._reading.meanings.lifecycle.table
        own = normal(table.attributes.get("vm_state", ""))
        named = {normal(name) for names, _ in rows for name in names}
        return table.one_word or (own not in MEANING_OF and own in named)

    def _detect(self) -> Layout:
        found = next((first for first in self._first if first[0][0] not in (LIST, MORE)), None)
        if self._wanted:
            return LAYOUTS[self._wanted]
        if found is None and self.source.columns:
            if not self._reading.choice.known(self.source.columns):
                raise self._unknown(self.source.columns)
            return LAYOUTS["columns"]
        if found is None:
            of_api = self._first and self._first[0][0][1]
            return LAYOUTS["servers" if of_api else "columns"]
        (names, values), line = found
        self.source.line, end = line, self.source.line
        if not names:
            raise self.source.error("a row without columns")
        row = dict(zip(names, values, strict=True))
        choice = self._reading.choice
        if choice.given:
            return LAYOUTS["columns"]
        folded = tuple(map(normal, names))
        own = {normal(name) for key, name in choice.table.items() if key not in ("server", name)}
        if not own.isdisjoint({*folded} - {*MEANING_OF}):
            self.source.line = end
            return LAYOUTS["columns"]
        for layout in LAYOUTS.values():
            if layout.fits(folded, row):
                self.source.line = end
                answers = self.source.answers and layout.name == "columns"
                return LAYOUTS["servers"] if answers else layout
        raise self._unknown(names)

    def _unknown(self, names: Sequence[str]) -> InvalidInput:
        shown = ", ".join(names)[:60]
        return self.source.error(
            f"no column of a known meaning for a state or an action among {shown!r}; {EXPECTED}; "
            "--columns server=…,time=…,vm_state=…,task_state=… or --format names them",
            of_names=True,
        )

    def rows(self, *, complete: bool) -> Iterator[Listed]:
        """The rows, from the first on."""
        if not self._fresh:
            self.source.rewind()
            self._begin()
        self._fresh = False
        reading = self._reading._replace(complete=complete)
        return self.layout.read(chain(self._again(), self._rows), reading)

    @property
    def in_blocks(self) -> bool:
        """Return whether the rows may be read in blocks."""
        return type(self.layout) is ColumnsLayout and self._columns is not None

    def blocks(self, numbers: RowNumbers) -> Iterator[RowBlock]:
        """The rows in blocks, from the first on."""
        assert self._columns is not None  # noqa: S101  # as `in_blocks` says
        self.source.rewind()
        self._fresh = False
        return blocks(self._columns(), self._reading, numbers)

    def _again(self) -> Iterator[Row]:
        """The first rows once more, each at its line."""
        first, self._first, end = self._first, [], self.source.line
        for row, line in first:
            self.source.line = line
            yield row
        self.source.line = end
