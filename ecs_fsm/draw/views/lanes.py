"""The whole lifecycle on one page: a lane for each vm_state, a row for each operation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import product

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.board import LANES_APART, LaneBoard, in_columns
from ecs_fsm.draw.lane_notes import signs_of
from ecs_fsm.draw.lane_rows import USUAL, BoardStyle
from ecs_fsm.draw.merged import aside
from ecs_fsm.draw.picture import Arrow, Box, Picture
from ecs_fsm.draw.request import DrawRequest
from ecs_fsm.draw.rows import Lane, lanes_of
from ecs_fsm.draw.slide import READABLE, slide_of, smallest_text

ALL_ON_ONE_SHEET = 24
"""The lanes of a lifecycle with one attribute that fit on one sheet."""
WIDE = 920.0
"""The width of the rows of a picture with more lanes than fit on one sheet."""
ON_ONE_SHEET = 6
"""The lanes that fit on one sheet of paper; with more, each has its own sheet."""


def lanes_view(request: DrawRequest) -> Picture:
    """The whole lifecycle on one page, a lane for each vm_state (the default)."""
    request.without("lanes", "words", "begin")
    return lanes(request.servers.lifecycle, request.only)


def lanes(lifecycle: Lifecycle, only: Collection[str] = ()) -> Picture:
    """Return the whole lifecycle, or the lanes of some vm_states only.

    Raise `InvalidInput` for an unknown vm_state.
    """
    chosen = [lifecycle.word("vm_state", name) for name in only]
    title = f"The lifecycle of {Phrases(lifecycle.table).subject} ({lifecycle.name})"
    if chosen:
        title += f": {', '.join(chosen)}"
    shown = lanes_of(lifecycle, chosen)
    style = USUAL if len(shown) <= ON_ONE_SHEET else USUAL._replace(wide=WIDE)
    whole = sheet(shown, title, style, lifecycle=lifecycle)
    if len(shown) <= (ALL_ON_ONE_SHEET if lifecycle.table.one_word else ON_ONE_SHEET):
        return whole
    return replace(whole, sheets=lambda: tuple(lanes(lifecycle, [lane.vm_state]) for lane in shown))


def explanation(lifecycle: Lifecycle) -> str:
    """Return what the parts of the picture stand for."""
    return f"{parts(lifecycle)} {SIGNS.format(thing=lifecycle.table.thing)}"


def parts(lifecycle: Lifecycle) -> str:
    """Return what a lane and a box are."""
    phrases = Phrases(lifecycle.table)
    if phrases.one_word:
        return f"A lane is a state in which {phrases.a_thing} rests, a box a step from there."
    lane, box, status = phrases.attributes
    return (
        f"A lane is a {lane}; a band is a {status} that the API shows, with its {box}s behind it."
    )


SIGNS = (
    "The last box of a row: where the {thing} is then. Marks: how a step may end otherwise, solid "
    "where it does not lead back. Dashed: also drawn elsewhere. Any step can hang."
)


def sheet(
    shown: Sequence[Lane],
    title: str,
    style: BoardStyle = USUAL,
    *,
    lifecycle: Lifecycle,
) -> Picture:
    """Return lanes one below the other under a title.

    A `plain` style explains itself in the description only, and has no small type.
    """
    explained = explanation(lifecycle)
    shown = [with_notes(lane) for lane in shown]
    boxes, arrows = _placed(lifecycle, shown, title, "" if style.plain else explained, style)
    return Picture(
        view="lanes",
        lifecycle=lifecycle.name,
        title=title,
        description=" ".join((explained, *_described(shown))),
        boxes=tuple(boxes),
        arrows=tuple(arrows),
        nowhere=Phrases(lifecycle.table).nowhere,
    )


def with_notes(lane: Lane) -> Lane:
    """Return a lane whose rare events at rest are notes."""
    _, notes = aside(lane.rows, lane.rest)
    return lane._replace(notes=(*lane.notes, *notes)) if lane.notes else lane


MOST_HIGH = 1140.0
"""The height above which lanes stand in two columns: a sheet of A4 at a readable size."""


def _placed(
    lifecycle: Lifecycle, shown: Sequence[Lane], title: str, explained: str, style: BoardStyle
) -> tuple[list[Box], list[Arrow]]:
    """Return the boxes and arrows of lanes; those of one attribute may stand in two columns."""
    signs = signs_of(shown)
    board = LaneBoard(lifecycle, shown, style, {}, signs)
    head = _heading(title, explained, board.right)
    top = make.bottom_of(head) + LANES_APART
    bottom = board.place(top)
    if not (lifecycle.table.one_word and len(shown) > 1 and bottom > MOST_HIGH):
        return [*head, *board.boxes], board.arrows
    heights = [
        box.bounds.height for box in board.boxes if box.key.startswith("lane-") and box.bounds
    ]
    cut = min(range(1, len(shown)), key=lambda n: abs(sum(heights[:n]) - sum(heights[n:])))
    own: dict[State, str] = {}
    halves = [
        LaneBoard(lifecycle, shown[part], style, own, signs[part])
        for part in (slice(cut), slice(cut, None))
    ]
    head = _heading(title, explained, sum(half.right for half in halves) + LANES_APART)
    boxes, arrows = in_columns(halves, make.bottom_of(head) + LANES_APART)
    return [*head, *boxes], arrows


SIZE, SLIDE_TEXT = 8.5, 10.0
"""The size of the explanation, and on a slide."""


def _heading(title: str, explained: str, wide: float, size: float = SIZE) -> list[Box]:
    return make.heading(title, make.wrapped(explained, wide, size) or [""], wide, size)


def _described(shown: Sequence[Lane]) -> Iterator[str]:
    for lane in shown:
        names = ", ".join(name for row in lane.rows for name in row.names)
        yield f"{lane.vm_state}: {lane.vm_state.meaning}"
        if names:
            yield f"Possible: {names}."


ON_A_SLIDE = USUAL._replace(wide=900.0, heads=False)
"""Rows of an operation on a slide."""


def bands_of(lifecycle: Lifecycle, name: str, start: State | None = None) -> Picture:
    """Return one operation or system event as bands, for a slide: a row for each state at rest.

    It has as many of the marks as leave its text readable there: all, those of failures, or none.
    """
    meaning = lifecycle.triggers[name].meaning
    lanes = [_only(lane, name, start) for lane in lanes_of(lifecycle)]
    shown = [lane for lane in lanes if lane.rows]
    still = [str(lane.vm_state) for lane in lanes if name in lane.unseen]
    unseen = f"It changes nothing visible of {', '.join(still)}." if still else ""
    title = f"{name}{f' from {start}' if start else ''} ({lifecycle.name})"
    picture = Picture(
        view="operation",
        lifecycle=lifecycle.name,
        title=title,
        description=meaning,
        boxes=(),
        nowhere=Phrases(lifecycle.table).nowhere,
    )
    pictures = []
    said = f"{meaning} {unseen}".strip()
    for kinds, columns in product((tuple(Kind), (Kind.FAILURE,), ()), (1, 2)):
        kept = [_with_kinds(lane, kinds) for lane in shown]
        boxes, arrows = _on_a_slide(lifecycle, kept, (title, said), columns)
        pictures.append(replace(picture, boxes=tuple(boxes), arrows=tuple(arrows)))
        if smallest_text(pictures[-1], slide_of("16:9")) >= READABLE:
            return pictures[-1]
    return max(pictures, key=lambda made: smallest_text(made, slide_of("16:9")))


def _with_kinds(lane: Lane, kinds: Collection[Kind]) -> Lane:
    return lane._replace(notes=tuple(note for note in lane.notes if note.kind in kinds))


def _on_a_slide(
    lifecycle: Lifecycle, lanes: Sequence[Lane], said: tuple[str, str], columns: int
) -> tuple[list[Box], list[Arrow]]:
    """Return lanes under a title and a text, in one column or two."""
    if not lanes:
        return _heading(*said, ON_A_SLIDE.wide / 2, SLIDE_TEXT), []
    signs = signs_of(lanes, shared=True)
    cut = -(-len(lanes) // columns)
    own: dict[State, str] = {}
    boards = [
        LaneBoard(lifecycle, lanes[n : n + cut], ON_A_SLIDE, own, signs[n : n + cut])
        for n in range(0, len(lanes), cut)
    ]
    wide = sum(board.right + LANES_APART for board in boards)
    head = _heading(*said, wide, SLIDE_TEXT)
    boxes, arrows = in_columns(boards, make.bottom_of(head) + LANES_APART)
    return [*head, *boxes], arrows


def _only(lane: Lane, name: str, start: State | None) -> Lane:
    """Return a lane with the rows of one operation, and what can go wrong in their steps."""
    found = [row for row in lane.rows if name in row.names and start in (None, row.source)]
    rows = [row._replace(names=(name,), over=()) for row in found]
    entered = {state for row in rows for state in row.entered_states[:-1]}
    notes = [
        note._replace(sources=sources)
        for note in lane.notes
        if (sources := tuple(state for state in note.sources if state in entered))
    ]
    return lane._replace(rows=tuple(rows), notes=tuple(notes), lonely=(), unseen=())
