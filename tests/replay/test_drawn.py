"""A server of a record, drawn along time to scale."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecs_fsm import ECS
from ecs_fsm.replay.seen import seen_along_time
from tests.command import ecs_fsm

RECORD = (
    "time,server,vm_state,task_state\n"
    "2026-01-01T10:00:00Z,a,active,\n2026-01-01T10:10:00Z,a,active,powering-off\n"
    "2026-01-01T10:15:00Z,a,stopped,\n2026-01-01T10:30:00Z,a,stopped,\n"
    "2026-01-01T10:05:00Z,b,active,\n"
)


@pytest.fixture
def record(tmp_path: Path) -> str:
    path = tmp_path / "seen.csv"
    path.write_text(RECORD, encoding="utf-8")
    return str(path)


def test_bars_are_as_wide_as_the_states_lasted(record: str) -> None:
    picture = seen_along_time(ECS, [record], "a")
    wide = {box.key: box.bounds.width for box in picture.boxes if box.bounds}
    ten = wide["bar-task_state-0"]  # 10 of 30 minutes without a task
    assert wide["bar-task_state-1"] == pytest.approx(ten / 2)
    assert wide["bar-task_state-2"] == pytest.approx(1.5 * ten)
    assert wide["bar-status-0"] == pytest.approx(1.5 * ten)  # the status shows the stop late


def test_times_stand_below_all_tracks(record: str) -> None:
    picture = seen_along_time(ECS, [record], "a")
    placed = [(box.key, box.bounds) for box in picture.boxes if box.bounds]
    times = [at.y - at.height / 2 for key, at in placed if key.startswith("tick-")]
    others = [at.y + at.height / 2 for key, at in placed if not key.startswith("tick-")]
    assert max(others) <= min(times) < max(others) + 20


def test_requests_stand_where_they_were_made(record: str) -> None:
    picture = seen_along_time(ECS, [record], "a")
    boxes = {box.key: box for box in picture.boxes}
    (request,) = [box for key, box in boxes.items() if key.startswith("event-")]
    bar = boxes["bar-task_state-1"]
    assert request.lines[0].words == "stop"
    assert request.bounds is not None
    assert bar.bounds is not None
    left = request.bounds.x - request.bounds.width / 2
    assert left == pytest.approx(bar.bounds.x - bar.bounds.width / 2)


def test_the_command_draws_it(record: str, tmp_path: Path) -> None:
    target = tmp_path / "a.svg"
    options = ("draw", "timeline", "--replay", record, "--server", "a", "-o", str(target))
    assert ecs_fsm(*options) == (0, "", "")
    text = target.read_text(encoding="utf-8")
    assert "What was seen of a" in text
    assert "2026-01-01T10:00:00Z" in text
    assert "10:30" in text


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["timeline"], "2 servers, such as a, b: choose one by --server"),
        (["timeline", "--server", "c"], "unknown server 'c'; known: a, b"),
        (["timeline", "--server", "b"], None),
        (["lanes"], "--replay and --server are for the view timeline"),
        (["timeline", "stop"], "view 'timeline' takes no WORD"),
    ],
    ids=["several", "unknown", "one row", "another view", "a word"],
)
def test_what_cannot_be_drawn_is_one_line(
    record: str, options: list[str], error: str | None
) -> None:
    code, _, err = ecs_fsm("draw", *options, "--replay", record, "-o", "-")
    assert (code, err) == ((2, f"ecs-fsm: {error}\n") if error else (0, ""))


def test_a_record_without_times_or_states_is_one_line() -> None:
    for rows in ("vm_state,task_state\nactive,\n", "time,status\n1,ACTIVE\n2,SHUTOFF\n"):
        code, _, err = ecs_fsm("draw", "timeline", "--replay", "-", "-o", "-", given=rows)
        assert (code, err) == (
            2, "ecs-fsm: a timeline to scale needs times, and a state in every row\n",
        )  # fmt: skip


def test_the_only_server_of_a_record_need_not_be_named(tmp_path: Path) -> None:
    path = tmp_path / "seen.csv"
    path.write_text(RECORD.rpartition("2026")[0], encoding="utf-8")
    assert seen_along_time(ECS, [str(path)], None) == seen_along_time(ECS, [str(path)], "a")
