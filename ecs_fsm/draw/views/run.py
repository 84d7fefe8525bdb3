"""A run of a server on the lanes: what it entered, numbered in order; the rest fades."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State, Tone
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.asked import Asked
from ecs_fsm.draw.grid import text_at
from ecs_fsm.draw.picture import Arrow, Box, Ink, Look, Picture, Text, wrapped
from ecs_fsm.draw.rows import Lane, lanes_of
from ecs_fsm.draw.sheet import row_key, sheet
from ecs_fsm.draw.walk import Run, Visit, walk

STAYS = (Look.LANE, Look.PLAIN)
"""What never fades: the ground and what is written on it."""
MANY = 6
"""From so many lanes on, only what the run touches is drawn."""
AIR = 8.0
"""Room between rows for the marks on their boxes."""
MOST = 4
"""Numbers to show on one box."""


def picture(asked: Asked) -> Picture:
    """WORD... (as in simulate): a run on the lanes, its states numbered in order."""
    asked.without("run", "only")
    return run(asked.servers.lifecycle, asked.run())


def run(lifecycle: Lifecycle, happened: Run) -> Picture:
    """A run on the lanes that it touches, of a small lifecycle on all of them."""
    return drawn(lifecycle, happened)[0]


def drawn(lifecycle: Lifecycle, happened: Run) -> tuple[Picture, list[Visit]]:
    """The picture of a run, and its way over the lanes."""
    base, visits = walked(lifecycle, happened)
    made = replace(
        base,
        view="run",
        description=_told(lifecycle, happened),
        boxes=tuple(_boxes(base, visits, happened)),
        arrows=tuple(_arrows(base, visits)),
        steps=happened.steps(lifecycle),
    )
    return made, visits


def walked(lifecycle: Lifecycle, happened: Run) -> tuple[Picture, list[Visit]]:
    """The lanes of a run and its way over them; of many lanes only the rows that it takes."""
    steps = happened.steps(lifecycle)
    entered = [state for _, state in steps]
    title = _title(lifecycle, happened)
    every = lanes_of(lifecycle)
    picture = sheet(every, title, AIR, lifecycle=lifecycle)
    if len(every) > MANY:
        taken = {key for visit in walk(picture, steps) for key in visit.taken}
        touched = [lane for lane in every if lane.vm_state in {s.vm_state for s in entered}]
        reduced = [_reduced(lane, taken, entered) for lane in touched]
        picture = sheet(reduced, title, AIR, lifecycle=lifecycle)
    return picture, walk(picture, steps)


def _reduced(lane: Lane, taken: Collection[str], entered: Sequence[State]) -> Lane:
    """A lane with the rows of a run only, and with the states in which it was otherwise."""
    rows = [row for n, row in enumerate(lane.rows) if row_key(lane, n) in taken]
    shown = {state for row in rows for state in row.entered_states} | {lane.rest}
    lonely = [s for s in lane.states if s in entered and s not in shown]
    return lane._replace(rows=tuple(rows), lonely=tuple(lonely), notes=(), unseen=())


def _title(lifecycle: Lifecycle, happened: Run) -> str:
    if happened.title:
        return f"{happened.title} ({lifecycle.name})"
    return happened.headline(lifecycle, "A run")


def _told(lifecycle: Lifecycle, happened: Run) -> str:
    steps = (
        f"{number} {event or 'begins'}: {state} {state.status}"
        for number, (event, state) in enumerate(happened.steps(lifecycle), start=1)
    )
    return " ".join([f"{'; '.join(steps)}.", str(happened.refused or happened.remark)]).strip()


def _boxes(base: Picture, visits: Sequence[Visit], happened: Run) -> Iterator[Box]:
    taken = frozenset(key for visit in visits for key in visit.taken)
    taken |= {arrow.tail for visit in visits for arrow in visit.arrows}
    for box in base.boxes:
        stays = box.look in STAYS or box.key in taken
        yield box if stays else replace(box, faint=True)
    numbers: dict[str, list[int]] = {}
    for number, visit in enumerate(visits, start=1):
        numbers.setdefault(visit.box.key, []).append(number)
    for visit in {visit.box.key: visit for visit in visits}.values():
        yield _badge(visit.box, numbers[visit.box.key])
    yield from _marks(visits, happened)
    remark = str(happened.refused) if happened.refused else happened.remark
    if remark:
        right = max(box.spot.x + box.spot.width / 2 for box in base.boxes if box.spot)
        lines = [Text(n, 9, ink=Ink.FAILURE) for n in wrapped(remark, right - 10, 9)]
        told = Box("remark", Look.PLAIN, tuple(lines), left=True)
        yield text_at(told, 0, make.bottom_of(base.boxes) + 5, right)


def _badge(box: Box, numbers: Sequence[int]) -> Box:
    more = "…" if len(numbers) > MOST else ""
    text = ", ".join(map(str, numbers[:MOST])) + more
    badge = Box(f"badge-{box.key}", Look.BADGE, (Text(text, 8, bold=True),))
    spot = box.spot or make.NOWHERE
    width = make.width_for(badge)
    left, bottom = spot.x - spot.width / 2 - 5, spot.y + spot.height / 2
    return make.placed(badge, left, bottom if box.look is Look.REST else bottom + 4, width, 11)


def _marks(visits: Sequence[Visit], happened: Run) -> Iterator[Box]:
    """What was polled, and what was refused, at the lower border of where that was."""
    refused = happened.refused
    marks: dict[str, list[str]] = {}
    for poll in happened.polls:
        marks.setdefault(visits[poll.number].box.key, []).append(poll.value)
    boxes = {visit.box.key: visit.box for visit in visits}
    for key, values in marks.items():
        text = (Text(f"polled: {', '.join(values)}", 8, bold=True),)
        yield _at_border(Box(f"polled-{key}", Look.BADGE, text, tone=Tone.RED), boxes[key])
    if refused:
        text = (Text(f"{refused.operation} refused", 8, bold=True),)
        mark = Box("refused", Look.BADGE, text, tone=Tone.RED, title=str(refused))
        yield _at_border(mark, visits[-1].box)


def _at_border(mark: Box, box: Box) -> Box:
    spot = box.spot or make.NOWHERE
    width = make.width_for(mark)
    left = max(spot.x - width / 2, spot.x - spot.width / 2 + 16)
    below = 3 if box.look is Look.REST else 5
    return make.placed(mark, left, spot.y + spot.height / 2 + below, width, 12)


def _arrows(base: Picture, visits: Iterable[Visit]) -> Iterator[Arrow]:
    taken = {(a.tail, a.head) for visit in visits for a in visit.arrows}
    for arrow in base.arrows:
        yield arrow if (arrow.tail, arrow.head) in taken else replace(arrow, faint=True)
