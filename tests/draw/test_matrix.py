"""From status to status: the matrix and the overview hold everything that changes a status."""

from __future__ import annotations

from itertools import combinations

import pytest

from ecs_fsm import Lifecycle, draw
from ecs_fsm.core.model import Kind, State
from ecs_fsm.core.word import Word
from ecs_fsm.draw.passages import passages_of
from ecs_fsm.draw.picture import Box, Look, Picture
from ecs_fsm.lifecycles import server_class
from tests import facts

NAMES = ("ecs", "nova", "ec2", "ironic")
TABLES: list[Lifecycle] = [server_class(name).lifecycle for name in NAMES]
ECS = TABLES[0]


def cells(picture: Picture) -> dict[tuple[str, str], Box]:
    """The cells by the words of their row and their column."""
    found = {}
    for box in picture.boxes:
        if box.look is Look.FIELD:
            before, _, after = box.title.removeprefix("From ").partition(":")[0].partition(" to ")
            found[before, after] = box
    return found


def words_in(picture: Picture, cell: Box) -> list[str]:
    """The words within a cell, from the places of their boxes."""
    ground = cell.bounds
    assert ground
    inside = []
    for box in picture.boxes:
        at = box.bounds
        if at and box.key.startswith("in-"):
            across, down = abs(at.x - ground.x), abs(at.y - ground.y)
            if across < ground.width / 2 and down < ground.height / 2:
                inside += [text.words for text in box.lines]
    return inside


def home(lifecycle: Lifecycle, state: State | None) -> Word | None:
    """The status at rest of a vm_state, None where nothing rests there."""
    same = [s for s in lifecycle.states.values() if state and s.vm_state == state.vm_state]
    resting = (s.status for s in same if lifecycle.rests(s) and not s.task_state)
    return next(resting, None)


@pytest.mark.parametrize("lifecycle", TABLES, ids=NAMES)
def test_every_transition_that_changes_a_status_is_in_a_cell(lifecycle: Lifecycle) -> None:
    shown = {t for box in draw.matrix(lifecycle).boxes for t in box.transitions}
    changing = {
        t
        for t in lifecycle.transitions
        if any(state.status != (t.source.status if t.source else None) for state in t.path)
    }
    assert changing - shown == set()


@pytest.mark.parametrize("lifecycle", TABLES[:2], ids=NAMES[:2])
def test_a_cell_names_what_leads_from_its_row_to_its_column(lifecycle: Lifecycle) -> None:
    picture = draw.matrix(lifecycle)
    found = cells(picture)
    every = next((b for b, _ in found if b.startswith("every")), "")
    for t in lifecycle.transitions:
        if not t.path or not lifecycle.rests(t.path[-1]) or t.trigger == lifecycle.advance:
            continue
        if t.kind is not Kind.FAILURE and t.source and t.path[-1].status == t.source.status:
            continue
        row, end = str(home(lifecycle, t.source) or "(no server)"), str(t.path[-1].status)
        places = [found[key] for key in ((row, end), (every, end)) if key in found]
        words = {word.rstrip(":") for cell in places for word in words_in(picture, cell)}
        assert t.trigger in words, f"{t.trigger} from {t.source} to {end}"


def test_the_matrix_of_the_ecs_shows_what_the_specification_says_of_each_operation() -> None:
    """Judged by the facts: an operation is played through them, status by status."""
    picture = draw.matrix(ECS)
    found = cells(picture)
    status = {f"{v}/{t or '-'}": s for v, t, s in facts.STATUS_TABLE}
    operations, events = facts.by_source(facts.OPERATIONS), facts.by_source(facts.EVENTS)
    played = 0
    for (name, source), path in operations.items():
        if not source.endswith("/-"):
            continue
        at, seen = path[0], [status[source]]
        states = [at]
        while ("advance", at) in events:
            states += events["advance", at]
            at = states[-1]
        for state in states:
            if status.get(state, state) != seen[-1]:
                seen.append(status[state])
        end = status[at]
        passed = seen[1:-1] if seen[-1] == end else seen[1:]
        words = words_in(picture, found[seen[0], end])
        assert name in words
        assert {*passed} <= {*words}, (name, source, seen)
        played += 1
    assert played >= 14


def test_a_failure_of_a_running_step_stands_in_the_row_where_its_operation_began() -> None:
    picture = draw.matrix(ECS)
    words = words_in(picture, cells(picture)["SHUTOFF", "ERROR"])
    assert words[:2] == ["fail:", "any but start"]
    assert "roll_back:" in words_in(picture, cells(picture)["SHUTOFF", "SHUTOFF"])


def test_requests_are_bold_what_the_system_does_is_italic_and_failures_are_neither() -> None:
    lifecycle = TABLES[1]
    for box in draw.matrix(lifecycle).boxes:
        text = box.lines[0] if box.key.startswith("in-") else None
        name = text.words.rstrip(":") if text else ""
        if text and name in lifecycle.triggers:
            kind = lifecycle.triggers[name].kind
            if text.size == 9:
                assert text.bold is (kind is Kind.REQUEST)
                assert text.italic is (kind in (Kind.SYSTEM, Kind.PROGRESS))


def test_what_holds_for_every_status_stands_once_in_the_last_row() -> None:
    found = passages_of(TABLES[1])
    shared = {p.name for p in found.everywhere}
    assert {"delete", "reset_state_error"} <= shared
    assert not [p for p in found.each if p.name == "reset_state_error" and p.before]
    last = list(dict.fromkeys(b for b, _ in cells(draw.matrix(TABLES[1]))))[-1]
    assert last == "every status"


def test_the_matrix_of_nova_fits_one_screen() -> None:
    bounds = [box.bounds for box in draw.matrix(TABLES[1]).boxes if box.bounds]
    wide = max(b.x + b.width / 2 for b in bounds) - min(b.x - b.width / 2 for b in bounds)
    high = max(b.y + b.height / 2 for b in bounds) - min(b.y - b.height / 2 for b in bounds)
    assert wide / high < 1.9
    assert wide < 1400
    assert high < 860


def test_many_statuses_have_the_matrix_as_their_overview() -> None:
    assert draw.overview(TABLES[1]) == draw.matrix(TABLES[1])
    assert draw.overview(ECS).view == "overview"


@pytest.mark.parametrize("name", ["ecs", "ec2"])
def test_the_overview_draws_every_change_of_status_and_no_two_arrows_end_alike(name: str) -> None:
    lifecycle = server_class(name).lifecycle
    picture = draw.overview(lifecycle)
    shown = {t for arrow in picture.arrows for t in arrow.transitions}
    assert shown >= {t for p in passages_of(lifecycle).each for t in p.transitions}
    boxes = {box.key: box for box in picture.boxes}
    ends = [boxes[arrow.head].bounds for arrow in picture.arrows if not arrow.knot]
    assert [pair for pair in combinations(ends, 2) if pair[0] == pair[1]] == []
    if name == "ecs":
        words = {text.words.rstrip(":") for box in picture.boxes for text in box.lines}
        assert words >= {*facts.STATUSES.split(), *facts.OPERATIONS}
