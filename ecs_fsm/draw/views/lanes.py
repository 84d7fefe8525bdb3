"""The whole lifecycle on one page: a lane for each vm_state, a row for each operation."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.layout import MOST_HIGH, Board, DrawnLane, DrawnRow, in_two_columns
from ecs_fsm.draw.picture import Arrow, Box, Ink, Look, Picture, Text
from ecs_fsm.draw.request import DrawRequest
from ecs_fsm.draw.rows import Lane, Row, lanes_of, named

ALL_ON_ONE_SHEET = 24
"""The lanes of a lifecycle with one attribute that fit on one sheet."""
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
    whole = sheet(shown, title, lifecycle=lifecycle)
    if len(shown) <= (ALL_ON_ONE_SHEET if lifecycle.table.one_word else ON_ONE_SHEET):
        return whole
    return replace(whole, sheets=tuple(lanes(lifecycle, [lane.vm_state]) for lane in shown))


MOST_REMARK = 104.0
"""The greatest width of a remark on a request."""


def explanation(lifecycle: Lifecycle) -> str:
    """Return what the parts of the picture stand for."""
    return f"{parts(lifecycle)} {SIGNS.format(thing=lifecycle.table.thing)}"


def parts(lifecycle: Lifecycle) -> str:
    """Return what a lane and a box are."""
    phrases = Phrases(lifecycle.table)
    if phrases.one_word:
        return f"A lane is a state in which {phrases.a_thing} rests, a box a step from there."
    lane, box, status = phrases.attributes
    return f"A lane is a {lane}, a box a {box} with the {status} that the API shows."


SIGNS = (
    "Bold: requests; thin: what the system does; the last box: where the {thing} is then. Dashed: "
    "also drawn elsewhere. Any step can hang."
)


def sheet(
    shown: Sequence[Lane],
    title: str,
    air: float = 0,
    *,
    lifecycle: Lifecycle,
    plain: bool = False,
) -> Picture:
    """Return lanes one below the other under a title, with some air between the rows.

    A `plain` one explains itself in its description only, and has no small type.
    """
    own: dict[State, str] = {}
    thing, explained = lifecycle.table.thing, explanation(lifecycle)
    read = [_read(thing, lane, own, air) for lane in shown]
    if plain:
        read = [replace(lane, rest=lane.rest and make.plain(lane.rest)) for lane in read]
    phrases = Phrases(lifecycle.table)
    names = phrases.attributes
    unseen = f"change neither {names.vm_state} nor {names.task_state}"
    if lifecycle.table.one_word:
        unseen = f"do not change {names.status}"
    return Picture(
        view="lanes",
        lifecycle=lifecycle.name,
        title=title,
        description=" ".join((explained, *_described(read))),
        boxes=_placed(read, unseen, title, "" if plain else explained, columns=phrases.one_word),
        arrows=tuple(arrow for lane in read for row in lane.rows for arrow in row.arrows),
        nowhere=phrases.nowhere,
    )


def _placed(
    read: Sequence[DrawnLane], unseen: str, title: str, explained: str, *, columns: bool
) -> tuple[Box, ...]:
    """Return the boxes of the lanes; those of one attribute may stand in two columns."""
    boxes = tuple(Board(read, unseen).boxes(title, explained))
    if columns and len(read) > 1 and make.bottom_of(boxes) > MOST_HIGH:
        return tuple(in_two_columns(read, unseen, title, explained))
    return boxes


def _described(shown: Sequence[DrawnLane]) -> Iterator[str]:
    for each in shown:
        names = ", ".join(name for row in each.lane.rows for name in row.names)
        yield f"{each.lane.vm_state}: {each.lane.vm_state.meaning}"
        if names:
            yield f"Possible: {names}."


def _read(thing: str, lane: Lane, own: dict[State, str], air: float) -> DrawnLane:
    rest = make.rest_box(lane.rest) if lane.rest else None
    read = DrawnLane(lane, rest, air)
    if lane.rest:
        own[lane.rest] = make.state_key(lane.rest)
    for number, row in enumerate(lane.rows):
        port = number if lane.rest and row.source == lane.rest else None
        origin = make.origin_box(thing, f"{row_key(lane, number)}{ORIGIN}")
        read.rows.append(_read_row(origin, lane, row, port, own))
    if lane.lonely:
        lonely = [_box_of(state, lane, f"lonely-{make.slug(state)}", own) for state in lane.lonely]
        remark = Text("reached from elsewhere", make.REMARK, ink=Ink.MUTED)
        aside = Box(f"elsewhere-{make.slug(lane.vm_state)}", Look.PLAIN, (remark,))
        read.rows += [DrawnRow(lonely[n : n + 5], [], 2) for n in range(0, len(lonely), 5)]
        first = read.rows[len(lane.rows)]
        read.rows[len(lane.rows)] = DrawnRow([aside, *first.boxes], [], 1)
    return read


ORIGIN = "-origin"
"""The end of the key of the box in which a row begins where nothing exists yet."""


def row_key(lane: Lane, number: int) -> str:
    """Return the key of the box that names a row."""
    return f"row-{make.slug(lane.vm_state)}-{number}"


def _read_row(
    origin: Box, lane: Lane, row: Row, port: int | None, own: dict[State, str]
) -> DrawnRow:
    key = origin.key.removesuffix(ORIGIN)
    remarks = [*make.conditions(row.when)]
    over, others = row.over, [s for s in lane.states if s != row.source]
    if row.source is not None and row.source.one_word and row.source != lane.rest:
        over = (row.source, *over)
        others = [s for s in lane.states if s != lane.rest]
    if over:
        tasks = named(over, others)
        remarks += make.wrapped(
            f"also over {tasks}" if row.source == lane.rest else f"over {tasks}",
            MOST_REMARK,
            make.REMARK,
        )
    chip = make.chip_box(key, row.names, row.kind, remarks)
    boxes = [chip]
    for place, entered in enumerate(row.entered, start=1):
        key = f"{chip.key}-{place}"
        if place == len(row.entered):
            boxes.append(make.goal_box(entered.state, key, back=entered.state == row.source))
        else:
            boxes.append(_box_of(entered.state, lane, key, own))
    look = make.look_of(row.kind)
    arrows = [Arrow(chip.key, boxes[1].key, look, row.requests)]
    for before, after, entered in zip(boxes[1:], boxes[2:], row.entered[1:], strict=False):
        arrows.append(Arrow(before.key, after.key, Look.PROGRESS, (entered.by,)))
    first = 1
    if row.source is None:
        boxes.insert(0, origin)
        first = 1 if lane.rest else 0
    if row.source is None or port is not None:
        tail = boxes[0].key if row.source is None else make.state_key(row.source)
        arrows.insert(0, Arrow(tail, chip.key, look, row.requests, port, knot=True))
    return DrawnRow(boxes, arrows, first)


def _box_of(state: State, lane: Lane, key: str, own: dict[State, str]) -> Box:
    elsewhere = state not in lane.states
    if elsewhere or state in own:
        return make.again_box(state, key, elsewhere=elsewhere)
    own[state] = make.state_key(state)
    return make.step_box(state)
