"""A picture as a value: boxes and arrows with their meaning, before anything is drawn.

Views make pictures from a lifecycle, formats make text and images from pictures; they do not know
each other. Lengths are points (1/72 inch), x goes right and y goes down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ecs_fsm.core.model import NO_SERVER, State, Transition
from ecs_fsm.core.word import Tone


class Look(StrEnum):
    """The meaning of a box or an arrow for the reader; a format decides how it looks."""

    PLAIN = "plain"
    """Bare text."""
    LANE = "lane"
    """The ground under everything that belongs to one vm_state."""
    REST = "rest"
    """A state in which a server stays until the next request."""
    STEP = "step"
    """A state with a running task."""
    AGAIN = "again"
    """A state whose own box stands elsewhere in the picture."""
    GOAL = "goal"
    """Where the server is at the end, instead of a long arrow back there."""
    ORIGIN = "origin"
    """Where the server does not exist yet."""
    DOT = "dot"
    """Where an arrow begins or ends in a column."""
    REQUEST = "request"
    """A request of a user."""
    PROGRESS = "progress"
    """Something that the system does by itself."""
    FAILURE = "failure"
    """A failure."""
    BADGE = "badge"
    """A mark on a box."""
    SIGN = "sign"
    """A mark of less weight: only its border is coloured."""
    BAND = "band"
    """The status of the steps behind it, which is written once for all of them."""
    EMPTY = "empty"
    """An empty cell of a table."""
    FIELD = "field"
    """The ground of a cell with words on it."""


class Ink(StrEnum):
    """The meaning of a text for the reader; a format decides its colour."""

    MAIN = "main"
    MUTED = "muted"
    REQUEST = "request"
    FAILURE = "failure"
    STATUS = "status"
    """In the tone of its box."""


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text in a box."""

    words: str
    size: float = 9
    bold: bool = False
    ink: Ink = Ink.MAIN
    italic: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """The rectangle of a box: its centre, its width and its height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Box:
    """A place in a picture.

    `key` identifies it within the picture, `state` is the state that it stands for, and `title`
    describes it in a sentence. `ports` are the heights, from the top, of the parts of its right
    side that arrows leave from.
    """

    key: str
    look: Look
    lines: tuple[Text, ...] = ()
    state: State | None = None
    tone: Tone | None = None
    title: str = ""
    bounds: Bounds | None = None
    ports: tuple[float, ...] = ()
    left: bool = False
    """Whether its lines begin at the left."""
    faint: bool = False
    transitions: tuple[Transition, ...] = ()
    """What a cell of a table stands for, in place of an arrow."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from box to box, and the transitions that it stands for.

    An arrow has no text: its name is a box of its own in the middle, to which a `knot` leads, an
    arrow without a head. `port` is the index of the part of its tail that it leaves from.
    """

    tail: str
    head: str
    look: Look
    transitions: tuple[Transition, ...] = ()
    port: int | None = None
    faint: bool = False
    knot: bool = False
    way: tuple[tuple[float, float], ...] = ()
    """The points that it goes through, from border to border; empty for a straight arrow."""


RunStep = tuple[str | None, State]
"""An event and the state that it entered; the event is None at a start without one."""


CAPTION = "caption"
"""The key of the box with the caption of an animated picture."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A box on which the server of an animated picture stands for a while, and the caption then."""

    box: Box
    caption: str


class Slide(NamedTuple):
    """The size of a slide, in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a lifecycle; `title` and `description` say in words what it shows.

    `nowhere` stands for the source of a creation, where there is no state yet.
    `steps` are the events of a run with the states that they enter, in order. A picture with
    `moments` is animated in formats that support it. One that makes `sheets` is too large for one
    sheet of paper and is printed sheet by sheet. With a `slide` it is as large and fills it.
    """

    view: str
    lifecycle: str
    title: str
    description: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...] = ()
    steps: tuple[RunStep, ...] = ()
    moments: tuple[Moment, ...] = ()
    nowhere: str = NO_SERVER
    sheets: Callable[[], tuple[Picture, ...]] | None = None
    slide: Slide | None = None
