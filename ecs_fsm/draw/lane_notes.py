"""What else can happen in a lane: marks at its steps, and a legend that says what they mean."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from ecs_fsm.core.model import Kind
from ecs_fsm.core.word import Tone
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.picture import Box, Look, Text
from ecs_fsm.draw.rows import Lane, LaneNote

GAP = "\u00a0 "
"""Between two signs: 1 and 2 must not read as twelve, and a reader joins plain spaces."""
SIGN, HIGH = 9.4, 9.5
"""The size of the signs, and the height of a mark."""
BELOW = 1.0
"""How far the middle of a mark lies below the border of its step."""
MOST_SHARED = 12
"""The meanings that all lanes of a picture may share; with more each lane has signs of its own."""


class Signs(NamedTuple):
    """The signs of notes, by an event and what it shows: numbers for failures, letters for others.

    The failures of `back` lead back to where the operation began, in every lane that has them.
    """

    of: Mapping[tuple[str, str], str]
    back: frozenset[str]


def meaning(note: LaneNote) -> tuple[str, str]:
    """Return what a sign stands for."""
    return note.trigger, note.seen


def signs_of(lanes: Sequence[Lane], *, shared: bool = False) -> list[Signs]:
    """Return the signs of each lane: the same for all if there are few, or states are one word."""
    every = _signs(lanes)
    shared = shared or any(state.one_word for lane in lanes for state in lane.states)
    if shared or len(every.of) <= MOST_SHARED:
        return [every] * len(lanes)
    return [_signs([lane]) for lane in lanes]


def _signs(lanes: Sequence[Lane]) -> Signs:
    notes = [note for lane in lanes for note in lane.notes]
    failures = dict.fromkeys(meaning(n) for n in notes if n.kind is Kind.FAILURE)
    others = dict.fromkeys(meaning(n) for n in notes if n.kind is not Kind.FAILURE)
    found = {each: str(number) for number, each in enumerate(failures, start=1)}
    on = {
        meaning(note)
        for lane in lanes
        for note in lane.notes
        if lane.rest is None or note.seen != lane.rest.status
    }
    back = frozenset(sign for each, sign in found.items() if each not in on)
    return Signs(found | {each: letter(place) for place, each in enumerate(others)}, back)


def used(signs: Signs, lanes: Sequence[Lane]) -> Signs:
    """Return the signs that stand in some lanes."""
    here = {meaning(note) for lane in lanes for note in lane.notes}
    return signs._replace(of={each: sign for each, sign in signs.of.items() if each in here})


def letter(place: int) -> str:
    """Return the letter of a place: a to z, then aa and on."""
    more, rest = divmod(place, 26)
    return (letter(more - 1) if more else "") + chr(ord("a") + rest)


def marks(lane: Lane, signs: Signs, box: Box) -> Iterator[Box]:
    """Yield the marks of a state, without bounds: what ends it, what leads back, what else."""
    here = [note for note in lane.notes if box.state in note.sources]
    failures = [note for note in here if note.kind is Kind.FAILURE]
    back = [note for note in failures if signs.of[meaning(note)] in signs.back]
    groups = (
        ("ends", Look.BADGE, Tone.RED, [n for n in failures if n not in back]),
        ("returns", Look.SIGN, Tone.RED, back),
        ("system", Look.SIGN, None, [n for n in here if n.kind is not Kind.FAILURE]),
    )
    for name, look, tone, notes in groups:
        if notes:
            words = GAP.join(dict.fromkeys(signs.of[meaning(note)] for note in notes))
            title = "; ".join(dict.fromkeys(f"{n.trigger}: {n.seen}" for n in notes))
            text = (Text(words, SIGN, bold=True),)
            yield Box(f"{name}-{box.key}", look, text, tone=tone, title=title)


def wide(mark: Box) -> float:
    """Return the width of a mark."""
    return max(HIGH, make.width_for(mark) - 4)


def total(found: Collection[Box]) -> float:
    """Return the width of marks side by side."""
    return sum(wide(mark) + 1 for mark in found)


def placed(found: Sequence[Box], left: float, bottom: float) -> Iterator[Box]:
    """Yield marks with bounds, from `left` on at a border."""
    for mark in found:
        yield make.placed(mark, left, bottom + BELOW, wide(mark), HIGH)
        left += wide(mark) + 1


COLUMN, NARROW, APART = 264.0, 180.0, 16.0
"""The width of a legend beside a lane, the least one of a column below, the room between these."""
SIZE = 9.25


def legend(signs: Signs, remarks: Sequence[str], key: str, width: float) -> list[Box]:
    """Return the legend in columns, with bounds below the origin; `remarks` stand below it."""
    columns = max(1, min(3, int((width + APART) / (NARROW + APART))))
    across = (width + APART) / columns - APART
    entries = [
        (sign, make.wrapped(f"{trigger} → {seen}", across - 22, SIZE))
        for (trigger, seen), sign in signs.of.items()
    ]
    most = -(-sum(len(lines) for _, lines in entries) // columns)
    found: list[Box] = []
    column, line, deepest = 0, 0, 0
    for sign, lines in entries:
        if line and line + len(lines) > most and column < columns - 1:
            column, line = column + 1, 0
        left, top = column * (across + APART), line * make.LINE * SIZE
        failure = sign.isdecimal()
        mark = Box(
            f"legend-{key}-{sign}",
            Look.BADGE if failure and sign not in signs.back else Look.SIGN,
            (Text(sign, SIGN, bold=True),),
            tone=Tone.RED if failure else None,
        )
        found.append(make.placed(mark, left, top + make.LINE * SIZE / 2, wide(mark), HIGH))
        text = tuple(Text(words, SIZE) for words in lines)
        words = Box(f"means-{key}-{sign}", Look.PLAIN, text, left=True)
        high = make.height_for(words)
        found.append(make.placed(words, left + 18, top + high / 2, make.width_for(words)))
        line += len(lines)
        deepest = max(deepest, line)
    top = deepest * make.LINE * SIZE + (3 if deepest else 0)
    for n, remark in enumerate(remarks):
        text = tuple(Text(words, SIZE) for words in make.wrapped(remark, width, SIZE))
        aside = Box(f"remark-{key}-{n}", Look.PLAIN, text, left=True)
        high = make.height_for(aside)
        found.append(make.placed(aside, 0, top + high / 2, make.width_for(aside)))
        top += high
    return found
