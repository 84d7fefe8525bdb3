"""A run on the lanes: what the server entered, numbered in order or walking; the rest fades."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.core.word import Tone
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.bands import chosen_rows
from ecs_fsm.draw.lane_rows import BoardStyle
from ecs_fsm.draw.layout import text_at
from ecs_fsm.draw.picture import (
    CAPTION,
    Arrow,
    Box,
    Ink,
    Look,
    Moment,
    Picture,
    RunStep,
    Text,
)
from ecs_fsm.draw.request import DrawnRun, DrawRequest
from ecs_fsm.draw.rows import Lane, lanes_of
from ecs_fsm.draw.views.jumps import Visit, jumps_of
from ecs_fsm.draw.views.lanes import sheet

STAYS = (Look.LANE, Look.PLAIN)
"""What never fades: the ground and the text on it."""
MANY = 6
"""With more lanes than that, only the rows of the run are drawn."""
WIDE_ON_A_SLIDE = 900.0
AIR = 8.0
"""Room between rows for the marks on boxes."""
BELOW_HEAD = 6.0
"""Room below a heading for the frame of the server, and for arrows to the first row."""
MOST = 4
"""The most numbers on one box."""


def run_view(request: DrawRequest) -> Picture:
    """WORD... (as in simulate): a run on the lanes, its states numbered in order."""
    request.without("run", "only")
    return run(request.servers.lifecycle, request.run())


def run(lifecycle: Lifecycle, happened: DrawnRun) -> Picture:
    """Return a run on the lanes; for a large lifecycle only on those that it touches."""
    return drawn(lifecycle, happened)[0]


def drawn(lifecycle: Lifecycle, happened: DrawnRun) -> tuple[Picture, list[Visit]]:
    """Return the picture of a run, and its path over the lanes."""
    base, visits = walked(lifecycle, happened)
    jumps = list(jumps_of(lifecycle, base, visits, happened.steps(lifecycle)))
    made = replace(
        base,
        view="run",
        description=_described(lifecycle, happened),
        boxes=(*_boxes(base, visits, happened), *(jump.mark for jump in jumps)),
        arrows=(*_arrows(base, visits), *(jump.arrow for jump in jumps)),
        steps=happened.steps(lifecycle),
    )
    return made, visits


def walked(lifecycle: Lifecycle, happened: DrawnRun) -> tuple[Picture, list[Visit]]:
    """Return the lanes of a run and its path; of many lanes only the rows that it takes."""
    steps = happened.steps(lifecycle)
    entered = [state for _, state in steps]
    title = _title(lifecycle, happened)
    every = lanes_of(lifecycle)
    style = BoardStyle(air=AIR, below_head=BELOW_HEAD, legend=False)
    picture = sheet([lane._replace(notes=()) for lane in every], title, style, lifecycle=lifecycle)
    if len(every) > MANY or happened.slide:
        taken = {key for visit in walk(picture, steps) for key in visit.taken}
        touched = [lane for lane in every if not {*lane.states}.isdisjoint(entered)]
        reduced = [_reduced(lifecycle, lane, taken, entered) for lane in touched]
        if happened.slide:
            style = style._replace(plain=True, wide=WIDE_ON_A_SLIDE)
        picture = sheet(reduced, title, style, lifecycle=lifecycle)
    return picture, walk(picture, steps)


def _reduced(
    lifecycle: Lifecycle, lane: Lane, taken: Collection[str], entered: Sequence[State]
) -> Lane:
    """Return a lane with the rows of a run only, and the other states that it entered."""
    rows = chosen_rows(lifecycle, lane, taken)
    shown = {state for row in rows for state in row.entered_states} | {lane.rest}
    lonely = [s for s in lane.states if s in entered and s not in shown]
    return lane._replace(rows=tuple(rows), lonely=tuple(lonely), notes=(), unseen=())


def _title(lifecycle: Lifecycle, happened: DrawnRun) -> str:
    if happened.title:
        return f"{happened.title} ({lifecycle.name})"
    return happened.headline(lifecycle, "A run")


def _described(lifecycle: Lifecycle, happened: DrawnRun) -> str:
    steps = (
        f"{number} {event or 'begins'}: {_shown(state, ' ')}"
        for number, (event, state) in enumerate(happened.steps(lifecycle), start=1)
    )
    return " ".join([f"{'; '.join(steps)}.", str(happened.refused or happened.remark)]).strip()


def _shown(state: State, before: str) -> str:
    """Return a state with its status behind a few words; without, where they are one word."""
    return str(state) if state.one_word or state.gone else f"{state}{before}{state.status}"


def _boxes(base: Picture, visits: Sequence[Visit], happened: DrawnRun) -> Iterator[Box]:
    taken = frozenset(key for visit in visits for key in visit.taken)
    taken |= {arrow.tail for visit in visits for arrow in visit.arrows}
    shown: list[Box] = []
    banded = False
    for box in reversed(base.boxes):
        # A band stays if one of the steps behind it does.
        stays = box.look in STAYS or box.key in taken or (banded and box.look is Look.BAND)
        banded = box.look in (Look.STEP, Look.AGAIN) and (banded or stays)
        shown.append(box if stays else replace(box, faint=True))
    yield from reversed(shown)
    numbers: dict[str, list[int]] = {}
    for number, visit in enumerate(visits, start=1):
        numbers.setdefault(visit.box.key, []).append(number)
    for visit in {visit.box.key: visit for visit in visits}.values():
        yield _badge(visit.box, numbers[visit.box.key])
    yield from _marks(visits, happened)
    remark = str(happened.refused) if happened.refused else happened.remark
    if remark:
        right = max(box.bounds.x + box.bounds.width / 2 for box in base.boxes if box.bounds)
        lines = [Text(n, 9, ink=Ink.FAILURE) for n in make.wrapped(remark, right - 10, 9)]
        text = Box("remark", Look.PLAIN, tuple(lines), left=True)
        yield text_at(text, 0, make.bottom_of(base.boxes) + 5, right)


def _badge(box: Box, numbers: Sequence[int]) -> Box:
    more = "…" if len(numbers) > MOST else ""
    text = ", ".join(map(str, numbers[:MOST])) + more
    badge = Box(f"badge-{box.key}", Look.BADGE, (Text(text, 8, bold=True),))
    bounds = box.bounds or make.NOWHERE
    width = make.width_for(badge)
    left, bottom = bounds.x - bounds.width / 2 - 5, bounds.y + bounds.height / 2
    return make.placed(badge, left, bottom if box.look is Look.REST else bottom + 4, width, 11)


def _marks(visits: Sequence[Visit], happened: DrawnRun) -> Iterator[Box]:
    """Yield polls and the refusal as marks at the lower borders of their states."""
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
    bounds = box.bounds or make.NOWHERE
    width = make.width_for(mark)
    left = max(bounds.x - width / 2, bounds.x - bounds.width / 2 + 16)
    below = 3 if box.look is Look.REST else 5
    return make.placed(mark, left, bounds.y + bounds.height / 2 + below, width, 12)


def _arrows(base: Picture, visits: Iterable[Visit]) -> Iterator[Arrow]:
    taken = {(a.tail, a.head) for visit in visits for a in visit.arrows}
    for arrow in base.arrows:
        yield arrow if (arrow.tail, arrow.head) in taken else replace(arrow, faint=True)


def animate_view(request: DrawRequest) -> Picture:
    """WORD... (as in simulate): the server walks from state to state, in one animated SVG."""
    request.without("animate", "only")
    return animate(request.servers.lifecycle, request.run())


def animate(lifecycle: Lifecycle, happened: DrawnRun) -> Picture:
    """Return a run on the lanes, animated as an SVG."""
    still, visits = drawn(lifecycle, happened)
    status = f", {Phrases(lifecycle.table).attributes.status} "
    moments = [
        Moment(visit.box, f"{number}  {event or 'begins'}: {_shown(state, status)}")
        for number, (visit, (event, state)) in enumerate(
            zip(visits, happened.steps(lifecycle), strict=True), start=1
        )
    ]
    if happened.refused:
        refused = f"{moments[-1].caption}; {happened.refused.operation} is refused"
        moments[-1] = replace(moments[-1], caption=refused)
    boxes = tuple(
        _caption(box, moments[-1]) if box.key == make.EXPLAINED else box for box in still.boxes
    )
    return replace(still, view="animate", boxes=boxes, moments=tuple(moments))


def _caption(box: Box, moment: Moment) -> Box:
    """Return the caption of a moment in the place of the explanation."""
    text = Text(moment.caption, 10, bold=True, ink=Ink.REQUEST)
    bounds = replace(box.bounds or make.NOWHERE, height=15)
    return replace(box, key=CAPTION, lines=(text,), bounds=bounds)


def walk(picture: Picture, steps: Sequence[RunStep]) -> list[Visit]:
    """Return the path of a run over a picture: a visit for each state that it enters.

    A row is followed as long as the run goes on in it. If several rows begin alike, the one that
    can be followed farthest is taken: only the later states tell them apart. A change that no arrow
    shows, such as a failure, leads to the state's own box.
    """
    lanes = _Lanes(picture)
    visits: list[Visit] = []
    at: Box | None = None
    for number in range(len(steps)):
        taken = lanes.best(at, steps[number:])
        at = lanes.boxes[taken[-1].head] if taken else lanes.own[steps[number][1]]
        passed = frozenset(arrow.head for arrow in taken)
        at = lanes.stand(at)
        visits.append(Visit(at, passed | {at.key}, taken))
    return visits


class _Lanes:
    """The arrows of a picture by their tails, and the own box of each state."""

    def __init__(self, picture: Picture) -> None:
        self.boxes = {box.key: box for box in picture.boxes}
        own = (Look.REST, Look.STEP)
        self.own = {box.state: box for box in picture.boxes if box.state and box.look in own}
        self._origins = [box.key for box in picture.boxes if box.look is Look.ORIGIN]
        self._leaving: dict[str, list[Arrow]] = {}
        for arrow in picture.arrows:
            self._leaving.setdefault(arrow.tail, []).append(arrow)

    def stand(self, box: Box) -> Box:
        """Return the box of a server that reached `box`: for a goal the own box of its state."""
        return self.own[box.state] if box.look is Look.GOAL and box.state else box

    def best(self, at: Box | None, steps: Sequence[RunStep]) -> tuple[Arrow, ...]:
        """Return the arrows of the first step from which most of the next steps can be followed."""
        ways = self._ways(at, *steps[0])
        return max(ways, key=lambda way: self._followed(way, steps[1:]), default=())

    def _followed(self, way: tuple[Arrow, ...], steps: Sequence[RunStep]) -> int:
        head = self.boxes[way[-1].head]
        if not steps or head.look is Look.GOAL:
            return 0
        return max(
            (1 + self._followed(w, steps[1:]) for w in self._ways(head, *steps[0])), default=0
        )

    def _ways(self, at: Box | None, event: str | None, state: State) -> list[tuple[Arrow, ...]]:
        found: list[tuple[Arrow, ...]] = []
        for tail in [at.key] if at else self._origins:
            for first in self._by(tail, event):
                after = self._by(first.head, event) if first.knot else ()
                ways = [(first, second) for second in after] if first.knot else [(first,)]
                found += [way for way in ways if self.boxes[way[-1].head].state == state]
        return found

    def _by(self, tail: str, event: str | None) -> list[Arrow]:
        leaving = self._leaving.get(tail, [])
        return [arrow for arrow in leaving if any(t.trigger == event for t in arrow.transitions)]
