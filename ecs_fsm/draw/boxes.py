"""The boxes that several views have in common, and the room that their texts need.

Text is measured with the fonts that come with the package, so a picture has the same layout on
every machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from math import ceil
from pathlib import Path

from ecs_fsm.core.model import Facts, Kind, State, bracketed
from ecs_fsm.draw.picture import Bounds, Box, Ink, Look, Picture, Text
from ecs_fsm.draw.rows import task_of

FONTS = Path(__file__).with_name("fonts")
"""The folder of the fonts, regular and bold, and of their widths; only the regular one has
Greek and Cyrillic letters."""
UNKNOWN = 1000
"""The width of a letter that the fonts lack, in thousandths of its size: rather too much."""


@cache
def _advances() -> tuple[dict[str, int], dict[str, int]]:
    """Return the width of each letter, regular and bold, in thousandths of its size."""
    weights = json.loads((FONTS / "widths.json").read_text(encoding="utf-8"))
    regular, bold = (
        {letter: int(width) for width, letters in weights[name].items() for letter in letters}
        for name in ("regular", "bold")
    )
    return regular, bold


def measured(words: str) -> bool:
    """Return whether the fonts have every letter of a text."""
    return all(letter in _advances()[0] for letter in words)


@lru_cache(maxsize=4096)
def width_of(words: str, size: float, bold: bool = False) -> float:
    """Return how wide a line of text is, in points; italics are as wide as upright letters."""
    advances = _advances()[bold]
    return sum(advances.get(letter, UNKNOWN) for letter in words) * size / 1000


def broken(word: str, most: float, size: float) -> list[str]:
    """Return a long word of the API on two lines, broken behind an underscore or a hyphen."""
    if width_of(word, size) <= most:
        return [word]
    places = [n + 1 for n, letter in enumerate(word[:-1]) if letter in "_-/ "]
    if not places:
        return [word]

    def longer(place: int) -> float:
        return max(width_of(word[:place], size), width_of(word[place:], size))

    best = min(places, key=longer)
    return [word[:best], word[best:]]


def wrapped(sentence: str, most: float, size: float) -> list[str]:
    """Return a sentence on as many lines as it needs."""
    lines: list[str] = []
    for word in sentence.split():
        if lines and width_of(f"{lines[-1]} {word}", size) <= most:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def flowed(sentence: str, beside: float, most: float, size: float) -> list[str]:
    """Return a sentence in lines, the first of them in the room beside something else.

    The first line is empty if not even a word fits there.
    """
    words, first = sentence.split(), ""
    while words and width_of(f"{first} {words[0]}".strip(), size) <= beside:
        first = f"{first} {words.pop(0)}".strip()
    return [first, *wrapped(" ".join(words), most, size)] if sentence else []


NAME = 10.0
STATUS = 9.0
REMARK = 8.0
MOST_NAME = 109.0
"""How wide a task_state may be before it goes on two lines."""
EXPLAINED = "explained"
"""The key of the box that explains a picture."""
LINE = 1.2
"""The height of a line of text, in sizes."""
BESIDE = {Look.PLAIN: 6.0, Look.ORIGIN: 12.0, Look.GOAL: 18.0, Look.REST: 14.0, Look.STEP: 9.0}
"""Room at the sides of a text together; 8 for other looks."""
AROUND = {Look.PLAIN: 0.0, Look.GOAL: 6.0}
"""Room above and below a text together; 2 for other looks."""


def state_key(state: State) -> str:
    """Return the key of a state's own box: letters, digits and hyphens, as an id needs."""
    return f"state-{slug(state)}"


def slug(text: str) -> str:
    """Return a text as part of an id: letters, digits and hyphens."""
    plain = re.sub(r"[_\s()]+", "-", text)
    return "-".join(part.strip("-") or "none" for part in plain.split("/"))


def description(state: State) -> str:
    """Return a description of a state in a sentence or two."""
    meanings = [state.vm_state.meaning, *([state.task_state.meaning] if state.task_state else [])]
    if state.one_word or state.gone:
        return f"{state}: {' '.join(meanings)}"
    return f"{state}: {type(state.status).attribute} {state.status}. {' '.join(meanings)}"


def rest_box(state: State) -> Box:
    """Return the box of a state at rest."""
    lines: tuple[Text, ...] = (Text(state.status, 11, bold=True, ink=Ink.STATUS),)
    if not (state.one_word or state.gone):
        lines += (Text(state.vm_state, NAME), Text(task_of(state), REMARK, ink=Ink.STATUS))
    return _state_box(state_key(state), Look.REST, lines, state)


def plain(box: Box) -> Box:
    """Return a box without lines in small type."""
    return replace(box, lines=tuple(line for line in box.lines if line.size > REMARK))


def step_box(state: State) -> Box:
    """Return the box of a state with a running task, or of one without that does not last."""
    lines = _named(task_of(state), state)
    return _state_box(state_key(state), Look.STEP, lines, state)


def again_box(state: State, key: str, *, elsewhere: bool) -> Box:
    """Return a second box of a state whose own box is elsewhere in the picture."""
    lines = _named(str(state) if elsewhere else task_of(state), state)
    return _state_box(key, Look.AGAIN, lines, state)


def _named(name: str, state: State) -> tuple[Text, ...]:
    names = broken(name, MOST_NAME, NAME)
    if state.one_word or state.gone:
        return tuple(Text(n, NAME, ink=Ink.STATUS) for n in names)
    return (*(Text(n, NAME) for n in names), Text(state.status, STATUS, ink=Ink.STATUS))


def goal_box(state: State, key: str, *, back: bool = False, at_once: str = "now") -> Box:
    """Return the box of the state at the end of a row."""
    lines = (Text(f"{'back to' if back else at_once} {state.status}", STATUS, True, Ink.STATUS),)
    return _state_box(key, Look.GOAL, lines, state)


def _state_box(key: str, look: Look, lines: tuple[Text, ...], state: State) -> Box:
    return Box(key, look, lines, state, state.status.tone, description(state))


def origin_box(thing: str, key: str = "origin") -> Box:
    """Return the box of the start where there is nothing yet."""
    return Box(key, Look.ORIGIN, title=f"There is no {thing} yet.")


def chip_box(
    key: str, names: Sequence[str], kind: Kind, remarks: Iterable[str] = (), title: str = ""
) -> Box:
    """Return the box in the middle of an arrow: the names of the events and their conditions."""
    ink = {Kind.REQUEST: Ink.REQUEST, Kind.FAILURE: Ink.FAILURE}.get(kind, Ink.MUTED)
    look = look_of(kind)
    bold = kind is Kind.REQUEST
    lines = [Text(name, NAME if bold else STATUS, bold, ink) for name in names]
    lines += [Text(remark, REMARK, ink=Ink.MUTED) for remark in remarks]
    return Box(key, look, tuple(lines), title=title)


def look_of(kind: Kind) -> Look:
    """Return the look of boxes and arrows for events of a kind."""
    return {Kind.REQUEST: Look.REQUEST, Kind.FAILURE: Look.FAILURE}.get(kind, Look.PROGRESS)


def conditions(facts: Facts) -> list[str]:
    """Return a line for each fact of a condition."""
    return [bracketed((fact,)) for fact in facts]


def width_for(box: Box) -> float:
    """Return the width that the lines of a box need."""
    least = max([width_of(t.words, t.size, t.bold) for t in box.lines], default=0)
    return least + BESIDE.get(box.look, 8.0)


def height_for(box: Box) -> float:
    """Return the height that the lines of a box need."""
    return LINE * sum([t.size for t in box.lines]) + AROUND.get(box.look, 2.0)


def placed(box: Box, left: float, middle: float, width: float, height: float = 0) -> Box:
    """Return the box with bounds: from `left`, around `middle`, `height` or its lines high."""
    bounds = Bounds(left + width / 2, middle, width, height or height_for(box))
    return replace(box, bounds=bounds)


def heading(title: str, lines: Iterable[str], width: float, size: float = 8) -> list[Box]:
    """Return the boxes above a picture: its title and its explanation."""
    name = Box("title", Look.PLAIN, (Text(title, 14, bold=True),), left=True)
    below = Box(
        EXPLAINED, Look.PLAIN, tuple(Text(n, size, ink=Ink.MUTED) for n in lines), left=True
    )
    top = height_for(name) + 1
    return [
        placed(name, 0, height_for(name) / 2, max(width, width_for(name))),
        placed(below, 0, top + height_for(below) / 2, max(width, width_for(below))),
    ]


def bottom_of(boxes: Iterable[Box]) -> int:
    """Return how far down the boxes reach."""
    return ceil(max(box.bounds.y + box.bounds.height / 2 for box in boxes if box.bounds))


NOWHERE = Bounds(0, 0, 0, 0)
MARGIN = 8.0
"""Around a picture."""


def extent(picture: Picture) -> tuple[float, float, float, float]:
    """Return the left, top, right and bottom of a picture, with its margin."""
    bounds = [box.bounds or NOWHERE for box in picture.boxes]
    return (
        min(b.x - b.width / 2 for b in bounds) - MARGIN,
        min(b.y - b.height / 2 for b in bounds) - MARGIN,
        max(b.x + b.width / 2 for b in bounds) + MARGIN,
        max(b.y + b.height / 2 for b in bounds) + MARGIN,
    )
