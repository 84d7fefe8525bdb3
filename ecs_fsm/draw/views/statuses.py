"""The public statuses: which operation leads from one to the next, and which state shows which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, Kind, State, Transition
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.core.word import Word
from ecs_fsm.draw import boxes as make
from ecs_fsm.draw.layout import Columns
from ecs_fsm.draw.picture import Arrow, Box, Ink, Look, Page, Picture, Text
from ecs_fsm.draw.request import DrawRequest
from ecs_fsm.draw.rows import Row, lanes_of

OVERVIEW_EXPLAINED = "Bold: requests; thin: what follows by itself; red: where a failed step leads."
StatusChange = tuple[Word | None, Word]
WIDE = 130.0
"""The greatest width of a list of statuses."""
MANY = 3
"""That many statuses or more are drawn as one group."""


def overview_view(request: DrawRequest) -> Picture:
    """The statuses and the operations that lead from one to another."""
    request.without("overview", "words", "begin", "only")
    return overview(request.servers.lifecycle)


def overview(lifecycle: Lifecycle) -> Picture:
    """Return the statuses of a lifecycle and the operations between them without failures."""
    requested: dict[str, dict[StatusChange, list[Transition]]] = {}
    going: dict[StatusChange, tuple[list[str], list[Transition]]] = {}
    for lane in lanes_of(lifecycle):
        for row in lane.rows:
            if row.kind is Kind.REQUEST:
                _read(row, requested, going)
    drawing = _OverviewDrawing(lifecycle)
    for names, before, after, by in _grouped(requested):
        drawing.request(names, before, after, by)
    resting = {s.status for s in lifecycle.states.values() if lifecycle.rests(s)}
    drawing.go_on(going, resting)
    drawing.fail(lifecycle)
    phrases = Phrases(lifecycle.table)
    what = "states" if phrases.one_word else "statuses"
    return Picture(
        view="overview",
        lifecycle=lifecycle.name,
        title=f"The {what} of {phrases.subject} ({lifecycle.name})",
        description=OVERVIEW_EXPLAINED,
        boxes=tuple(drawing.boxes),
        arrows=tuple(drawing.arrows),
        page=Page("TB", between=11, beside=14),
        nowhere=phrases.nowhere,
    )


def _read(
    row: Row,
    requested: dict[str, dict[StatusChange, list[Transition]]],
    going: dict[StatusChange, tuple[list[str], list[Transition]]],
) -> None:
    """Collect the changes of status in a row: the first one is requested, others follow."""
    shown = row.source.status if row.source else None
    changes: list[tuple[StatusChange, Transition]] = []
    for state, by in row.entered:
        if state.status != shown:
            changes.append(((shown, state.status), by))
            shown = state.status
    for (_, after), _ in changes[:1]:
        for t in row.requests:
            before = t.source.status if t.source else None
            if before != after:
                requested.setdefault(t.trigger, {}).setdefault((before, after), []).append(t)
    for change, by in changes[1:]:
        names, transitions = going.setdefault(change, ([], []))
        names += row.names
        transitions.append(by)


def _grouped(
    requested: dict[str, dict[StatusChange, list[Transition]]],
) -> Iterator[tuple[list[str], tuple[Word | None, ...], Word, list[Transition]]]:
    """Yield requests with their statuses before and after, grouped by equal ends."""
    ends: dict[tuple[tuple[Word | None, ...], Word], dict[str, list[Transition]]] = {}
    for name, changes in requested.items():
        targets: dict[Word, list[Word | None]] = {}
        for before, after in changes:
            targets.setdefault(after, []).append(before)
        for after, befores in targets.items():
            parts: list[tuple[Word | None, ...]] = [(before,) for before in befores]
            for part in [tuple(befores)] if len(befores) >= MANY else parts:
                by = [t for before in part for t in changes[before, after]]
                ends.setdefault((part, after), {})[name] = by
    for (part, after), names in ends.items():
        yield [*names], part, after, [t for by in names.values() for t in by]


class _OverviewDrawing:
    """The picture in the making."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.boxes = [make.origin_box(lifecycle.table.thing)]
        self.boxes += [_status_box(lifecycle, status) for status in lifecycle.table.statuses]
        self.arrows: list[Arrow] = []

    def request(
        self,
        names: Sequence[str],
        before: tuple[Word | None, ...],
        after: Word,
        by: Sequence[Transition],
    ) -> None:
        """Draw requests."""
        if len(before) > 1:
            tail = self._group([str(status) for status in before])
        else:
            tail = _key(before[0]) if before[0] else "origin"
        self._named(tail, names, Kind.REQUEST, after, by)

    def _group(self, statuses: Sequence[str]) -> str:
        names = make.wrapped(", ".join(statuses), WIDE, make.REMARK)
        lines = [Text("any of", make.REMARK, ink=Ink.MUTED)]
        lines += [Text(line, make.REMARK) for line in names]
        group = Box(f"any-{len(self.boxes)}", Look.LANE, tuple(lines))
        self.boxes.append(group)
        return group.key

    def _named(
        self, tail: str, names: Sequence[str], kind: Kind, after: Word, by: Sequence[Transition]
    ) -> None:
        chip = make.chip_box(f"asked-{len(self.boxes)}", names, kind)
        self.boxes.append(chip)
        look = make.look_of(kind)
        self.arrows.append(Arrow(tail, chip.key, look, tuple(by), knot=True))
        self.arrows.append(Arrow(chip.key, _key(after), look, tuple(by)))

    def fail(self, lifecycle: Lifecycle) -> None:
        """Draw the end of most failures, and the statuses that they come from."""
        failures = [t for t in lifecycle.transitions if t.kind is Kind.FAILURE and t.source]
        ends = Counter(t.path[-1] for t in failures)
        if not ends:
            return
        ((worst, _),) = ends.most_common(1)
        by = [t for t in failures if t.path[-1] == worst and t.source]
        statuses = dict.fromkeys(t.source.status for t in by if t.source)
        before = [str(status) for status in statuses if status != worst.status]
        names = list(dict.fromkeys(t.trigger for t in by))
        self._named(self._group(before), names, Kind.FAILURE, worst.status, by)

    def go_on(
        self,
        going: dict[StatusChange, tuple[list[str], list[Transition]]],
        resting: Collection[Word],
    ) -> None:
        """Draw what follows by itself; after a status at rest with the operation it ends."""
        for (before, after), (names, by) in going.items():
            transitions = tuple(dict.fromkeys(by))
            if before and before in resting:
                ends = [f"end of {name}" for name in dict.fromkeys(names)]
                self._named(_key(before), ends, Kind.PROGRESS, after, transitions)
            elif before:
                self.arrows.append(Arrow(_key(before), _key(after), Look.PROGRESS, transitions))


def _key(status: Word) -> str:
    return f"status-{make.slug(status)}"


def _status_box(lifecycle: Lifecycle, status: Word) -> Box:
    rests = any(s.status == status and lifecycle.rests(s) for s in lifecycle.states.values())
    look = Look.REST if rests else Look.STEP
    lines = (Text(status, 12 if rests else 11, bold=rests, ink=Ink.STATUS),)
    return Box(_key(status), look, lines, None, status.tone, f"{status}: {status.meaning}")


HIGH = 18.0
STATUS_EXPLAINED = (
    "Find the {vm_state} at the top and the {task_state} at the left; empty cells do not occur."
)
LIST_EXPLAINED = "Every state with its meaning. Bold: nothing runs there."


def status_view(request: DrawRequest) -> Picture:
    """The status of every state, by vm_state and task_state; or every state with its meaning."""
    request.without("status", "words", "begin", "only")
    return status(request.servers.lifecycle)


def status(lifecycle: Lifecycle) -> Picture:
    """Return the status of every state that occurs, as a table."""
    names = Phrases(lifecycle.table).attributes
    title = f"Which {names.status} the API shows ({lifecycle.name})"
    listed = lifecycle.table.one_word
    explained = LIST_EXPLAINED if listed else STATUS_EXPLAINED.format(**names._asdict())
    boxes = _list_boxes if listed else _status_boxes
    return Picture(
        view="status",
        lifecycle=lifecycle.name,
        title=title,
        description=explained,
        boxes=tuple(boxes(lifecycle, title, explained)),
    )


def _list_boxes(lifecycle: Lifecycle, title: str, explained: str) -> Iterator[Box]:
    """Yield each state and, beside it, what it means."""
    cells = [_cell(state, lifecycle.rests(state)) for state in lifecycle.states.values()]
    meanings = [
        Box(f"meaning-{number}", Look.PLAIN, (Text(cell.state.vm_state.meaning, make.STATUS),))
        for number, cell in enumerate(cells)
        if cell.state
    ]
    columns = Columns([*((0, cell) for cell in cells), *((1, box) for box in meanings)], 4)
    head = make.heading(title, [explained], columns.right)
    yield from head
    top = make.bottom_of(head) + HIGH
    for row, (cell, box) in enumerate(zip(cells, meanings, strict=True)):
        yield columns.place(cell, 0, top + row * HIGH, HIGH - 3)
        place, own = columns.lefts[1], make.width_for(box)
        yield make.placed(replace(box, left=True), place, top + row * HIGH, own, HIGH - 1)


def _status_boxes(lifecycle: Lifecycle, title: str, explained: str) -> Iterator[Box]:
    vm_states = list(lifecycle.table.vm_states)
    tasks = [NO_TASK, *lifecycle.table.task_states]
    names = [_heading(f"vm-{make.slug(v)}", v, v.meaning, left=False) for v in vm_states]
    sides = [_heading("task-none", f"{NO_TASK} (no task)", "No operation is running.")]
    sides += [_heading(f"task-{make.slug(t)}", t, t.meaning) for t in lifecycle.table.task_states]
    cells = {state: _cell(state, lifecycle.rests(state)) for state in lifecycle.states.values()}
    members = [(0, box) for box in sides]
    members += [(n, box) for n, box in enumerate(names, start=1)]
    members += [(1 + vm_states.index(state.vm_state), box) for state, box in cells.items()]
    columns = Columns(members, 4)
    head = make.heading(title, [explained], columns.right)
    yield from head
    top = make.bottom_of(head) + HIGH
    for number, box in enumerate(names, start=1):
        yield columns.place(box, number, top)
    for row, (task, side) in enumerate(zip(tasks, sides, strict=True), start=1):
        middle = top + row * HIGH
        if row % 2:
            ground = Box(f"row-{row}", Look.EMPTY)
            yield make.placed(ground, 0, middle, columns.right + 4, HIGH)
        own = make.width_for(side)
        yield make.placed(side, columns.lefts[0], middle, own, HIGH - 1)
        for state, box in cells.items():
            if (state.task_state or NO_TASK) == task:
                number = 1 + vm_states.index(state.vm_state)
                yield columns.place(box, number, middle, HIGH - 3)


def _heading(key: str, word: str, meaning: str, *, left: bool = True) -> Box:
    lines = (Text(word, make.NAME, bold=True),)
    return Box(key, Look.PLAIN, lines, title=f"{word}: {meaning}", left=left)


def _cell(state: State, rests: bool) -> Box:
    look = Look.REST if rests else Look.STEP
    text = Text(state.status, make.STATUS, bold=rests, ink=Ink.STATUS)
    key = make.state_key(state)
    return Box(key, look, (text,), state, state.status.tone, make.description(state))
