"""A run along time: vm_state, task_state and status in three tracks, which shows their lag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, AnyChange, Kind
from ecs_fsm.core.word import Tone
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.picture import Box, Ink, Look, Picture, Text
from ecs_fsm.draw.request import DrawnRun, DrawRequest

SIDE = 62.0
"""The width of the column with the names of the tracks."""
LEAST = 36.0
"""The least width of one state."""
WIDE = 900.0
"""The width after which time continues in a line below."""
HIGH = 27.0
EVENTS = 16.0
TRACKS = ("vm_state", "task_state", "status")
MOST_WORD = 84.0
EXPLAINED = (
    "Time goes right, with a column for each state that the server enters. Bold: requests. While "
    "only the task changes, the status does not show the progress."
)


def timeline_view(request: DrawRequest) -> Picture:
    """WORD... (as in simulate): a run along time, with its three attributes in tracks."""
    request.without("timeline", "only")
    return timeline(request.servers.lifecycle, request.run())


def timeline(lifecycle: Lifecycle, happened: DrawnRun) -> Picture:
    """Return a run as three tracks."""
    title = happened.headline(lifecycle, "A run in time")
    lines = list(_lines(happened.changes))
    widths = [_widths(line) for line in lines]
    right = max(SIDE + sum(line) for line in widths)
    head = make.heading(title, make.wrapped(EXPLAINED, max(right, 300), 8), max(right, 300))
    boxes = [*head]
    top = make.bottom_of(head) + 8.0
    for number, (line, wide) in enumerate(zip(lines, widths, strict=True)):
        boxes += _line(lifecycle, line, wide, top, f"{number}")
        top += EVENTS + len(TRACKS) * HIGH + 12
    if happened.refused:
        lines_of = make.wrapped(str(happened.refused), max(right, 300), 9)
        words = tuple(Text(part, 9, ink=Ink.FAILURE) for part in lines_of)
        refusal = Box("refusal", Look.PLAIN, words, left=True)
        boxes.append(make.placed(refusal, 0, top + make.height_for(refusal) / 2, max(right, 300)))
    return Picture(
        view="timeline",
        lifecycle=lifecycle.name,
        title=title,
        description=EXPLAINED,
        boxes=tuple(boxes),
        steps=happened.steps(lifecycle),
    )


def _words(change: AnyChange) -> tuple[str, str, str]:
    return change.vm_state, change.task_state or NO_TASK, change.status


def _lines(changes: Sequence[AnyChange]) -> Iterator[list[AnyChange]]:
    """Yield the changes of each line of the page."""
    line: list[AnyChange] = []
    for change in changes:
        if line and SIDE + sum(_widths([*line, change])) > WIDE:
            yield line
            line = []
        line.append(change)
    yield line


def _widths(line: Sequence[AnyChange]) -> list[float]:
    """Return the width of each column: every word fits into the columns that it lasts for."""
    events = (make.width_of(change.event or "", 8, bold=True) + 8 for change in line)
    widths = [max(LEAST, wide) for wide in events]
    for track in range(len(TRACKS)):
        for word, columns in _bars(line, track):
            needed = max(make.width_of(p, make.STATUS, bold=True) for p in _parts(word)) + 8
            missing = needed - sum(widths[n] for n in columns)
            widths[columns[-1]] += max(missing, 0)
    return widths


def _bars(line: Sequence[AnyChange], track: int) -> Iterator[tuple[str, list[int]]]:
    """Yield the words of a track, each with the columns that it lasts for."""
    numbered = [(_words(change)[track], n) for n, change in enumerate(line)]
    for word, members in groupby(numbered, key=lambda pair: pair[0]):
        yield word, [n for _, n in members]


def _parts(word: str) -> list[str]:
    return make.broken(word, MOST_WORD, make.STATUS)


def _line(
    lifecycle: Lifecycle,
    line: Sequence[AnyChange],
    widths: Sequence[float],
    top: float,
    number: str,
) -> Iterator[Box]:
    lefts = [SIDE + sum(widths[:n]) for n in range(len(line))]
    for n, change in enumerate(line):
        if change.event:
            kind = lifecycle.triggers[change.event].kind
            ink = {Kind.REQUEST: Ink.REQUEST, Kind.FAILURE: Ink.FAILURE}.get(kind, Ink.MUTED)
            text = Text(change.event, 8, bold=kind is Kind.REQUEST, ink=ink)
            event = Box(f"event-{number}-{n}", Look.PLAIN, (text,), left=True)
            wide = make.width_for(event)
            yield make.placed(event, lefts[n] + 1, top + EVENTS / 2, wide, EVENTS)
    for track, name in enumerate(TRACKS):
        middle = top + EVENTS + (track + 0.5) * HIGH
        side = Box(f"track-{number}-{name}", Look.PLAIN, (Text(name, 9, bold=True),), left=True)
        yield make.placed(side, 0, middle, SIDE - 4, HIGH - 2)
        for word, columns in _bars(line, track):
            first = line[columns[0]]
            state = lifecycle.state(first.vm_state, first.task_state)
            wide = sum(widths[n] for n in columns)
            bold = track == len(TRACKS) - 1
            lines = tuple(Text(part, make.STATUS, bold, Ink.STATUS) for part in _parts(word))
            key = f"bar-{number}-{name}-{columns[0]}"
            tone = state.status.tone if bold else Tone.GREY
            look = Look.EMPTY if word == NO_TASK else Look.STEP
            bar = Box(key, look, lines, state, tone, make.description(state))
            yield make.placed(bar, lefts[columns[0]], middle, wide - 1, HIGH - 2)
