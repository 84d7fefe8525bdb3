"""A picture as a value: boxes and arrows with what they stand for, before anything is drawn.

Views make pictures from a lifecycle, formats make text and images from pictures; neither knows the
other. Lengths are points (1/72 inch), x goes right and y goes down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ecs_fsm.core.model import State, Tone, Transition


class Look(StrEnum):
    """What a box or an arrow is for the reader; a format decides how that looks."""

    PLAIN = "plain"
    """Bare text."""
    LANE = "lane"
    """The ground under everything that belongs to one vm_state."""
    REST = "rest"
    """A state in which a server stays until somebody asks for something."""
    STEP = "step"
    """A state with a running task."""
    AGAIN = "again"
    """A state whose own box stands elsewhere in the picture."""
    GOAL = "goal"
    """Where the server is at the end, instead of a long arrow back there."""
    ORIGIN = "origin"
    """Where there is no server yet."""
    REQUEST = "request"
    """What a user asks."""
    PROGRESS = "progress"
    """What the system does by itself."""
    FAILURE = "failure"
    """What goes wrong."""
    BADGE = "badge"
    """A mark on a box."""
    EMPTY = "empty"
    """A place of a table in which nothing stands."""


class Ink(StrEnum):
    """What a text is for the reader."""

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


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a box lies: its centre, its width and its height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Box:
    """A place in a picture.

    `key` names it within the picture, `state` is what it stands for if it is one, `title` tells it
    in a sentence. `ports` are the heights, from the top, of the parts of its right side that arrows
    leave from.
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


@dataclass(frozen=True, slots=True)
class Arrow:
    """What leads from box to box, and the transitions that it stands for.

    Nothing is written on an arrow: its name is a box of its own in the middle, to which a `knot`
    leads, an arrow without a head. A `port` is the number of the part of its tail that it leaves.
    """

    tail: str
    head: str
    look: Look
    transitions: tuple[Transition, ...] = ()
    port: int | None = None
    faint: bool = False
    knot: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """How the boxes of a picture come to their places: each has a bounds, or they flow."""

    flow: str = ""
    """`LR` from left to right, `TB` from top to bottom, nothing where every box has its bounds."""
    between: float = 18
    """The least distance between two boxes one after the other, where they flow."""
    beside: float = 10
    """The least distance between two boxes side by side, where they flow."""


RunStep = tuple[str | None, State]
"""An event, None where a run begins without one, and the state that it entered."""


CAPTION = "caption"
"""The key of the box in which a picture that moves says what happens."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a server stands for a while in a picture that moves, and what is said meanwhile."""

    box: Box
    caption: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a lifecycle: `title` and `description` say in words what it shows.

    `steps` are the events of a run with the states that they enter, in order. A picture with
    `moments` moves where a format can do that; one with `sheets` is too large for paper, and is put
    on it sheet by sheet.
    """

    view: str
    lifecycle: str
    title: str
    description: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...] = ()
    page: Page = field(default_factory=Page)
    steps: tuple[RunStep, ...] = ()
    moments: tuple[Moment, ...] = ()
    sheets: tuple[Picture, ...] = ()
