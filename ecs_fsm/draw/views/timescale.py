"""What was seen of a server along time, to scale: its attributes in tracks over an axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, Kind, State
from ecs_fsm.core.word import Tone
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.picture import Box, Ink, Look, Picture, Text
from ecs_fsm.draw.views.timeline import HIGH, TRACK, WIDE, Tracks

TICKS = 6
LABEL = 8.0
LABEL_HIGH = 12.0
THIN = 0.75
"""The least width of a bar, so that what is too short for the scale can still be seen."""
EXPLAINED = "Time goes right, to scale; a word stands where there is room. Bold: requests."


class Stay(NamedTuple):
    """A state as it was seen: from when to when, in seconds, and the events that led to it.

    `events` is None where nothing explains it.
    """

    state: State
    begin: float
    end: float
    events: tuple[str, ...] | None = ()


class AxisMark(NamedTuple):
    """A time on the axis, and how it is written."""

    time: float
    words: str


def timescale(
    lifecycle: Lifecycle, stays: Sequence[Stay], title: str, moments: Sequence[AxisMark]
) -> Picture:
    """Return the stays of one server as tracks, with the moments as marks below."""
    tracks = Tracks.of(lifecycle)
    scale = _Scale(stays[0].begin, stays[-1].end, tracks.side)
    head = make.heading(title, make.wrapped(EXPLAINED, WIDE, 8), WIDE)
    top = make.bottom_of(head) + 8.0
    labels, high = _labels(lifecycle, stays, scale, top)
    top += high
    boxes = [*head, *labels]
    for number, key in enumerate(tracks.names):
        boxes += _track(tracks, stays, scale, key, top + (number + 0.5) * HIGH)
    top += len(tracks.names) * HIGH
    for number, moment in enumerate(moments):
        text = Box(f"tick-{number}", Look.PLAIN, (Text(moment.words, LABEL, ink=Ink.MUTED),))
        wide = make.width_for(text)
        left = min(max(scale.at(moment.time) - wide / 2, 0), WIDE - wide)
        boxes.append(make.placed(text, left, top + LABEL_HIGH, wide, LABEL_HIGH))
    return Picture(
        view="timeline",
        lifecycle=lifecycle.name,
        title=title,
        description=EXPLAINED,
        boxes=tuple(boxes),
        steps=tuple((" ".join(stay.events or ()) or None, stay.state) for stay in stays),
    )


def ticks(begin: float, end: float) -> list[float]:
    """Return the times to mark, evenly."""
    return [begin + (end - begin) * n / (TICKS - 1) for n in range(TICKS)]


class _Scale(NamedTuple):
    """From seconds to points."""

    begin: float
    end: float
    side: float

    def at(self, time: float) -> float:
        share = (time - self.begin) / (self.end - self.begin)
        return self.side + share * (WIDE - self.side)


def _labels(
    lifecycle: Lifecycle, stays: Sequence[Stay], scale: _Scale, top: float
) -> tuple[list[Box], float]:
    """The events at their times, in as many lines as they need, and how high these are."""
    ends: list[float] = []
    found: list[tuple[Box, float, int, float]] = []
    for number, stay in enumerate(stays):
        named = [e for e in stay.events or () if e != lifecycle.advance]
        if stay.events is None:
            named = ["?"]
        if not named:
            continue
        kinds = {lifecycle.triggers[e].kind for e in named if e in lifecycle.triggers}
        bold = Kind.REQUEST in kinds
        ink = Ink.REQUEST if bold else Ink.MUTED
        if stay.events is None or Kind.FAILURE in kinds:
            ink = Ink.FAILURE
        text = Text(" ".join(named), LABEL, bold=bold, ink=ink)
        box = Box(f"event-{number}", Look.PLAIN, (text,), left=True)
        wide = make.width_for(box)
        left = min(scale.at(stay.begin), WIDE - wide)
        line = next((n for n, end in enumerate(ends) if end <= left), len(ends))
        ends[line : line + 1] = [left + wide]
        found.append((box, left, line, wide))
    high = len(ends) * LABEL_HIGH + 4
    placed = [
        make.placed(box, left, top + high - 4 - (line + 0.5) * LABEL_HIGH, wide, LABEL_HIGH)
        for box, left, line, wide in found
    ]
    return placed, high


def _track(
    tracks: Tracks, stays: Sequence[Stay], scale: _Scale, key: str, middle: float
) -> Iterator[Box]:
    called = tracks.names[key]
    side = Box(f"track-{called}", Look.PLAIN, (Text(called, TRACK, bold=True),), left=True)
    yield make.placed(side, 0, middle, tracks.side - 4, HIGH - 2)
    last = key == list(tracks.names)[-1]

    def word(stay: Stay) -> str:
        return getattr(stay.state, key) or NO_TASK

    for number, (shown, several) in enumerate(groupby(stays, key=word)):
        same = list(several)
        left, right = scale.at(same[0].begin), scale.at(same[-1].end)
        wide = max(right - left, THIN)
        text = Text(shown, make.STATUS, last, Ink.STATUS)
        fits = make.width_of(shown, make.STATUS, bold=True) + 8 <= wide
        state = same[0].state
        tone = state.status.tone if last else Tone.GREY
        look = Look.EMPTY if shown == NO_TASK else Look.STEP
        title = f"{shown}, {same[-1].end - same[0].begin:g} s: {make.description(state)}"
        bar = Box(f"bar-{called}-{number}", look, (text,) if fits else (), state, tone, title)
        yield make.placed(bar, left, middle, wide, HIGH - 2)
