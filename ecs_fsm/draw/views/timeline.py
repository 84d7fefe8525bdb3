"""A run along time: vm_state, task_state and status in three tracks, which shows their lag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from math import ceil
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, AnyChange, Kind
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.core.word import Tone
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.picture import Box, Ink, Look, Picture, Text
from ecs_fsm.draw.request import DrawnRun, DrawRequest
from ecs_fsm.draw.slide import slide_of, smallest_text

SIDE = 62.0
"""The width of the column with the names of the tracks."""
TRACK = 9.0
"""The size of these names."""
LEAST = 36.0
"""The least width of one state."""
WIDE = 900.0
"""The width after which time continues in a line below."""
ON_A_SLIDE = (760.0, 640.0, 540.0, 460.0)
"""The widths to try for a slide; the one that gives the largest type is used."""
HIGH = 27.0
EVENTS = 16.0
MOST_WORD = 84.0
EXPLAINED = "Time goes right, with a column for each state that the {thing} enters. Bold: requests."
LAG = " While only the {task} changes, the {status} does not show the progress."


class Tracks(NamedTuple):
    """The tracks by the attributes of a change, with their names, and the room for these."""

    names: Mapping[str, str]
    side: float

    @classmethod
    def of(cls, lifecycle: Lifecycle) -> Tracks:
        """Return the tracks of a lifecycle."""
        columns = Phrases(lifecycle.table).columns
        widest = max(make.width_of(name, TRACK, bold=True) for name in columns.values())
        return cls(columns, max(SIDE, ceil(widest) + 10))

    def words(self, change: AnyChange) -> list[str]:
        """Return what a change shows on each track."""
        return [getattr(change, key) or NO_TASK for key in self.names]


def timeline_view(request: DrawRequest) -> Picture:
    """WORD... (as in simulate): a run along time, with its three attributes in tracks."""
    request.without("timeline", "only")
    return timeline(request.servers.lifecycle, request.run())


def timeline(lifecycle: Lifecycle, happened: DrawnRun) -> Picture:
    """Return a run as three tracks."""
    if not happened.slide:
        return _as_wide_as(WIDE, lifecycle, happened)
    pictures = [_as_wide_as(most, lifecycle, happened) for most in ON_A_SLIDE]
    return max(pictures, key=lambda made: smallest_text(made, slide_of("16:9")))


def _as_wide_as(most: float, lifecycle: Lifecycle, happened: DrawnRun) -> Picture:
    title = happened.headline(lifecycle, "A run in time")
    tracks, phrases = Tracks.of(lifecycle), Phrases(lifecycle.table)
    explained = EXPLAINED.format(thing=lifecycle.table.thing)
    explained += (
        ""
        if lifecycle.table.one_word
        else LAG.format(task=phrases.task, status=tracks.names["status"])
    )
    lines = list(_lines(tracks, happened.changes, most))
    right = max(tracks.side + sum(_widths(tracks, line)) for line in lines)
    head = make.heading(title, make.wrapped(explained, max(right, 300), 8), max(right, 300))
    boxes = [*head]
    top = make.bottom_of(head) + 8.0
    for number, line in enumerate(lines):
        boxes += _line(lifecycle, tracks, line, top, f"{number}")
        top += EVENTS + len(tracks.names) * HIGH + 12
    if happened.refused:
        lines_of = make.wrapped(str(happened.refused), max(right, 300), 9)
        words = tuple(Text(part, 9, ink=Ink.FAILURE) for part in lines_of)
        refusal = Box("refusal", Look.PLAIN, words, left=True)
        boxes.append(make.placed(refusal, 0, top + make.height_for(refusal) / 2, max(right, 300)))
    return Picture(
        view="timeline",
        lifecycle=lifecycle.name,
        title=title,
        description=explained,
        boxes=tuple(boxes),
        steps=happened.steps(lifecycle),
    )


def _lines(tracks: Tracks, changes: Sequence[AnyChange], most: float) -> Iterator[list[AnyChange]]:
    """Yield the changes of each line of the page."""
    line: list[AnyChange] = []
    for change in changes:
        if line and tracks.side + sum(_widths(tracks, [*line, change])) > most:
            yield line
            line = []
        line.append(change)
    yield line


def _widths(tracks: Tracks, line: Sequence[AnyChange]) -> list[float]:
    """Return the width of each column: every word fits into the columns that it lasts for."""
    events = (make.width_of(change.event or "", 8, bold=True) + 8 for change in line)
    widths = [max(LEAST, wide) for wide in events]
    for track in range(len(tracks.names)):
        for word, columns in _bars(tracks, line, track):
            needed = max(make.width_of(p, make.STATUS, bold=True) for p in _parts(word)) + 8
            missing = needed - sum(widths[n] for n in columns)
            widths[columns[-1]] += max(missing, 0)
    return widths


def _bars(tracks: Tracks, line: Sequence[AnyChange], track: int) -> Iterator[tuple[str, list[int]]]:
    """Yield the words of a track, each with the columns that it lasts for."""
    numbered = [(tracks.words(change)[track], n) for n, change in enumerate(line)]
    for word, members in groupby(numbered, key=lambda pair: pair[0]):
        yield word, [n for _, n in members]


def _parts(word: str) -> list[str]:
    return make.broken(word, MOST_WORD, make.STATUS)


def _line(
    lifecycle: Lifecycle, tracks: Tracks, line: Sequence[AnyChange], top: float, number: str
) -> Iterator[Box]:
    widths = _widths(tracks, line)
    lefts = [tracks.side + sum(widths[:n]) for n in range(len(line))]
    for n, change in enumerate(line):
        if change.event:
            kind = lifecycle.triggers[change.event].kind
            ink = {Kind.REQUEST: Ink.REQUEST, Kind.FAILURE: Ink.FAILURE}.get(kind, Ink.MUTED)
            text = Text(change.event, 8, bold=kind is Kind.REQUEST, ink=ink)
            event = Box(f"event-{number}-{n}", Look.PLAIN, (text,), left=True)
            wide = make.width_for(event)
            yield make.placed(event, lefts[n] + 1, top + EVENTS / 2, wide, EVENTS)
    for track, called in enumerate(tracks.names.values()):
        middle = top + EVENTS + (track + 0.5) * HIGH
        heading = (Text(called, TRACK, bold=True),)
        side = Box(f"track-{number}-{called}", Look.PLAIN, heading, left=True)
        yield make.placed(side, 0, middle, tracks.side - 4, HIGH - 2)
        for word, columns in _bars(tracks, line, track):
            first = line[columns[0]]
            state = lifecycle.state(first.vm_state, first.task_state)
            wide = sum(widths[n] for n in columns)
            bold = track == len(tracks.names) - 1
            lines = tuple(Text(part, make.STATUS, bold, Ink.STATUS) for part in _parts(word))
            bar_key = f"bar-{number}-{called}-{columns[0]}"
            tone = state.status.tone if bold else Tone.GREY
            look = Look.EMPTY if word == NO_TASK else Look.STEP
            bar = Box(bar_key, look, lines, state, tone, make.description(state))
            yield make.placed(bar, lefts[columns[0]], middle, wide - 1, HIGH - 2)
