"""What else can happen in a lane: a few sentences above it, or marks at its steps with a legend."""

from __future__ import annotations

from collections.abc import Iterator

from ecs_fsm.core.model import Kind
from ecs_fsm.core.word import Tone
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.picture import Box, Look, Text
from ecs_fsm.draw.rows import Lane, LaneNote

SIGN, SIGNS_HIGH = 6.5, 6.0
"""The size of the signs at a box, and the air below it for them."""
MOST_NOTES = 6
"""The notes of a lane that stand as sentences above it; more of them are marks at the steps."""


def numbered(lane: Lane) -> bool:
    """Return whether the notes of a lane are marks at its steps, with a legend."""
    return len(lane.notes) > MOST_NOTES


def signs(lane: Lane) -> dict[str, LaneNote]:
    """Return the notes of a lane by their signs: numbers for failures, letters for the system."""
    failures = [note for note in lane.notes if note.kind is Kind.FAILURE]
    others = [note for note in lane.notes if note.kind is not Kind.FAILURE]
    found = {str(n): note for n, note in enumerate(failures, start=1)}
    return found | {_letter(n): note for n, note in enumerate(others)}


def _letter(place: int) -> str:
    more, rest = divmod(place, 26)
    return (_letter(more - 1) if more else "") + chr(ord("a") + rest)


def lines(lane: Lane, width: float, size: float) -> list[str]:
    """Return the notes of a lane as text: the meanings of its marks, or a few sentences."""
    if numbered(lane):
        return _legend(lane, width, size)
    whole = make.wrapped(";  ".join(note.words for note in lane.notes), width, size)
    if len(whole) <= 1:
        return whole
    return [line for note in lane.notes for line in make.wrapped(note.words, width, size)]


def _legend(lane: Lane, width: float, size: float) -> list[str]:
    """Return what the signs mean, in as many lines as it needs; no meaning begins in between."""
    found: list[str] = []
    for sign, note in signs(lane).items():
        words = f"{sign}: {note.trigger} → {note.seen}"
        both = f"{found[-1]}  |  {words}" if found else words
        if found and make.width_of(both, size) <= width:
            found[-1] = both
        else:
            found += make.wrapped(words, width, size)
    return found


def marks(lane: Lane, box: Box) -> Iterator[Box]:
    """Yield the signs of what else can happen in a state, at the lower border of its own box."""
    if not numbered(lane) or box.look is not Look.STEP or box.bounds is None:
        return
    at = box.bounds
    left, y = at.x - at.width / 2 + 4, at.y + at.height / 2 + 3.5
    here = {sign: note for sign, note in signs(lane).items() if box.state in note.sources}
    failures = [sign for sign in here if sign.isdecimal()]
    others = [sign for sign in here if not sign.isdecimal()]
    for name, found in (("failures", failures), ("others", others)):
        if found:
            text = (Text(" ".join(found), SIGN, bold=True),)
            title = "; ".join(f"{here[sign].trigger}: {here[sign].seen}" for sign in found)
            tone = Tone.RED if name == "failures" else None
            mark = Box(f"{name}-{box.key}", Look.BADGE, text, tone=tone, title=title)
            width = make.width_for(mark) - 3
            yield make.placed(mark, left, y, width, 8.5)
            left += width + 2
