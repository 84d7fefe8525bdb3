"""How long steps and operations took, for each server and over all.

A step counts where the record shows its begin and its end, each by one event; an operation from its
request until the server is at rest. Instance actions have times of their own, which are exact.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind
from ecs_fsm.io.console import visible, visible_json
from ecs_fsm.records.observations import Observation, RecordedAction
from ecs_fsm.records.record import Record
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.contradictions import Contradiction
from ecs_fsm.replay.forms import Form, overdue_lines
from ecs_fsm.replay.overdue import Overdue

STEP, OPERATION = "step", "operation"
NUMBERS = ("n", "mean", "p50", "p95", "p99", "max")


class Took(NamedTuple):
    """Times of one step or operation in seconds; `server` is None over all servers."""

    server: str | None
    kind: str
    name: str
    n: int
    mean: float
    p50: float
    p95: float
    p99: float
    max: float


class _Under(NamedTuple):
    """What runs at a server: a step and an operation, with their begins where these are known."""

    step: str | None = None
    entered: float = 0.0
    operation: str | None = None
    requested: float = 0.0


class StepTimes:
    """Collects the times."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._times: dict[tuple[str | None, str, str], array[float]] = {}
        self._under: dict[str | None, _Under] = {}

    def action(self, row: Observation, action: RecordedAction) -> None:
        """Count an action, whose times are exact."""
        for step in action.steps:
            if step.began is not None and step.finished is not None:
                self._count(row.server, STEP, "+".join(step.tasks) or step.word,
                            step.finished - step.began)  # fmt: skip
        if row.time is not None and action.finished is not None and action.operations:
            self._count(row.server, OPERATION, action.operations[0], action.finished - row.time)

    def change(self, change: Explanation) -> None:
        """Count what a change ends."""
        server, time, state = change.after.server, change.after.time, change.after.state
        under = self._under.pop(server, _Under())
        events = change.events
        if events is None or time is None:
            return
        if under.step is not None and len(events) < 2:
            self._count(server, STEP, under.step, time - under.entered)
        operation, requested = under.operation, under.requested
        for event in events:
            trigger = self._lifecycle.triggers.get(event)
            if trigger and trigger.kind is Kind.REQUEST:
                operation, requested = (None if trigger.unseen else event), time
        rests = state is not None and self._lifecycle.rests(state)
        if rests and operation is not None:
            if requested < time:
                self._count(server, OPERATION, operation, time - requested)
            operation = None
        step = None
        if state is not None and not rests and len(events) < 2:
            step = state.step
        if step is not None or operation is not None:
            self._under[server] = _Under(step, time, operation, requested)

    def _count(self, server: str | None, kind: str, name: str, seconds: float) -> None:
        owners = (None, server) if server is not None else (None,)
        for owner in owners:
            self._times.setdefault((owner, kind, name), array("d")).append(seconds)

    def __iter__(self) -> Iterator[Took]:
        """Yield the rows: over all servers first."""
        order = sorted(self._times, key=lambda key: (key[0] is not None, key[0] or "", key[1:]))
        for server, kind, name in order:
            yield _took(server, kind, name, sorted(self._times[server, kind, name]))


def _took(server: str | None, kind: str, name: str, times: Sequence[float]) -> Took:
    from statistics import fmean, quantiles

    cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else [times[0]] * 99
    numbers = (fmean(times), cuts[49], cuts[94], cuts[98], times[-1])
    return Took(server, kind, name, len(times), *(round(number, 6) for number in numbers))


class DurationsForm(Form):
    """The times as a table, as JSON, or as Parquet in a file (`parquet`)."""

    def __init__(
        self, out: IO[str], lifecycle: Lifecycle, *, as_json: bool, parquet: str | None = None
    ) -> None:
        super().__init__(out)
        self._times = StepTimes(lifecycle)
        self._as_json = as_json
        self._parquet = parquet

    def row(self, row: Observation) -> None:
        """Count an action."""
        if row.action is not None:
            self._times.action(row, row.action)

    def change(self, change: Explanation) -> None:
        """Count a change."""
        if change.after.shown:
            self._times.change(change)

    def head(self, record: Record) -> str:
        """Return what comes before the times."""
        if not self._as_json:
            return f"{record}\n"
        head = visible_json(json.dumps(record.as_dict(), ensure_ascii=False))
        return f'{{"record": {head},\n"durations": ['

    def end(self, late: Sequence[Overdue], contradictions: Sequence[Contradiction]) -> None:
        """Write the times."""
        rows = list(self._times)
        if self._parquet:
            write_parquet(self._parquet, rows)
        if self._as_json:
            shown = ",\n  ".join(
                visible_json(json.dumps(row._asdict(), ensure_ascii=False)) for row in rows
            )
            self.out.write(f"\n  {shown}\n]" if rows else "]")
            overdue = [visible_json(json.dumps(one.as_dict(), ensure_ascii=False)) for one in late]
            listed = ",\n  ".join(overdue)
            self.out.write(',\n"overdue": [' + (f"\n  {listed}\n]" if late else "]"))
            self.out.write(f', "explained": {json.dumps(not self.unexplained)}}}\n')
            return
        self._write_table([row for row in rows if row.server is None])
        for one in late:
            self.out.write(f"{overdue_lines(one)[0]}\n")
        self.out.write(f"{self.verdict(late)}\n")

    def _write_table(self, rows: Sequence[Took]) -> None:
        """Write the times over all servers, in seconds."""
        if not rows:
            self.out.write("no step or operation with a known begin and end\n")
            return
        wide = max(len(visible(row.name)) for row in rows)
        head = "".join(f"{name:>10}" for name in NUMBERS)
        self.out.write(f"{'':<9}  {'seconds':<{wide}}{head}\n")
        for row in rows:
            numbers = "".join(f"{number:>10.4g}" for number in row[4:])
            self.out.write(f"{row.kind:<9}  {visible(row.name):<{wide}}{row.n:>10}{numbers}\n")


def write_parquet(path: str, rows: Sequence[Took]) -> None:
    """Write times to a Parquet file, one row for each server and name."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    from ecs_fsm.io.files import write_whole

    numbers = [(name, pa.float64()) for name in NUMBERS[1:]]
    words = [(name, pa.string()) for name in ("server", "kind", "name")]
    schema = pa.schema([*words, ("n", pa.int64()), *numbers])
    table = pa.Table.from_pylist([row._asdict() for row in rows], schema=schema)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    write_whole(path, sink.getvalue())
