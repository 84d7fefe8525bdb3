"""What was seen of one server of a record, along time, to be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.draw.views.timescale import AxisMark, Stay, ticks, timescale
from ecs_fsm.io.console import visible
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.record import Record, RecordOptions
from ecs_fsm.records.times import for_a_reader
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain
from ecs_fsm.replay.story import moment

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle
    from ecs_fsm.draw.picture import Picture

MOST_STAYS = 500
"""States that are drawn at most; a longer record is drawn from its last ones."""
MOST_SERVERS = 10_000
A_DAY = 86_400


def seen_along_time(lifecycle: Lifecycle, paths: Sequence[str], server: str | None) -> Picture:
    """Return the timeline of one server of a record, to scale.

    Raise `InvalidInput` where the record has no times or several servers and none is named, and
    where a status alone leaves open which states were seen.
    """
    record = Record(lifecycle, paths, RecordOptions())
    stays, found = record.follow(lambda rows: _stays(lifecycle, record, rows, server))
    thing = lifecycle.table.thing
    if server is not None and server not in found:
        raise unknown(thing, server, [name for name in found if name])
    if server is None and len(found) > 1:
        named = ", ".join(str(name) for name in list(found)[:3])
        raise InvalidInput(
            f"{len(found)} {thing}s, such as {visible(named)}: choose one by --server"
        )
    if not stays:
        raise InvalidInput("a timeline to scale needs times, and a state in every row")
    begin, end = stays[0].begin, stays[-1].end
    if end <= begin:
        raise InvalidInput("a timeline to scale needs rows at different times")
    of_day = end - begin < A_DAY
    marks = [
        AxisMark(time, for_a_reader(time) if number == 0 or not of_day else moment(time))
        for number, time in enumerate(ticks(begin, end))
    ]
    name = next(iter(found)) if server is None else server
    title = f"What was seen of {visible(name)}" if name else f"What was seen of the {thing}"
    return timescale(lifecycle, stays, title, marks)


def _stays(
    lifecycle: Lifecycle, record: Record, rows: Iterator[Observation], server: str | None
) -> tuple[list[Stay], dict[str | None, None]]:
    found: dict[str | None, None] = {}
    first: Observation | None = None
    last: float | None = None

    def own() -> Iterator[Observation]:
        nonlocal first, last
        for row in rows:
            if len(found) < MOST_SERVERS or row.server == server:
                found.setdefault(row.server)
            if row.shown and (server is None or row.server == server):
                first = first or row
                last = row.time
                yield row

    changes = list(explain(Replay(lifecycle, sampled=not record.complete), own()))[-MOST_STAYS:]
    begins = [(change.after, change.events) for change in changes if change.before is not None]
    if first is not None and len(begins) < MOST_STAYS:
        begins.insert(0, (first, ()))
    end = max(last or 0, record.last or 0)
    ends = [*(row.time for row, _ in begins[1:]), end][: len(begins)]
    stays = [
        Stay(row.state, row.time, end, events)
        for (row, events), end in zip(begins, ends, strict=True)
        if row.state is not None and row.time is not None and end is not None
    ]
    return (stays if len(stays) == len(begins) else []), found
