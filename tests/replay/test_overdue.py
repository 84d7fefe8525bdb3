"""What is stuck in a record: since when, against which limit, and what frees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.loader import built_in
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.changes import Standing
from ecs_fsm.replay.overdue import Limits
from ecs_fsm.replay.ways_out import ways_out
from tests.command import ecs_fsm

HANGS = (
    "time,vm_state,task_state\n"
    "2026-01-01T00:00:00Z,active,\n"
    "2026-01-01T00:00:10Z,active,powering-off\n"
    "2026-01-01T06:00:00Z,active,powering-off\n"
)


def overdue(recording: str, *options: str) -> list[dict[str, Any]]:
    code, out, _ = ecs_fsm("replay", "-", "--json", *options, given=recording)
    answer = json.loads(out)
    assert code == (1 if answer["overdue"] or not answer["explained"] else 0)
    found = answer["overdue"]
    assert isinstance(found, list)
    return found


def test_where_a_server_can_be_in_several_steps_the_limit_is_that_of_all_or_unknown() -> None:
    durations = dict(built_in(ECS).durations)
    steps = [ECS.states["stopped/resize_prep"], ECS.states["stopped/resize_migrating"]]
    each = [Limits(durations).of(step) for step in steps]
    assert None not in each
    assert Limits(durations).of_any(steps) == sum(limit for limit in each if limit)
    del durations[steps[0]]
    assert Limits(durations).of_any(steps) is None
    assert Limits(durations).of_any(()) is None


@pytest.mark.parametrize(
    ("time", "updated", "left", "begun"),
    [
        (None, None, None, None),
        (None, 5.0, None, None),
        (10.0, None, None, 10.0),
        (10.0, 5.0, None, 5.0),
        (10.0, 5.0, 5.0, 5.0),
        (10.0, 5.0, 6.0, 10.0),
        (10.0, 10.0, None, 10.0),
        (10.0, 12.0, None, 10.0),
    ],
)
def test_a_step_began_with_the_last_write_that_the_row_knows_between_both_rows(
    time: float | None, updated: float | None, left: float | None, begun: float | None
) -> None:
    row = Observation({}, None, None, time=time, updated=updated)
    assert Standing(row, left, ()).begun == begun


def test_two_equal_rows_six_hours_apart_are_overdue() -> None:
    rows = "time,vm_state,task_state\n0,active,powering-off\n21600,active,powering-off\n"
    (late,) = overdue(rows)
    assert (late["vm_state"], late["task_state"], late["status"]) == (
        "active", "powering-off", "ACTIVE",
    )  # fmt: skip
    assert late["since"] == {"at_least": 21_600, "at_most": None}
    assert late["limit"] == pytest.approx(30 * 4.60517, abs=0.01)  # the p99 of 30 s on average
    assert late["limit_from"].startswith("built in")


def test_a_complete_record_gives_one_time_a_polled_one_two_bounds() -> None:
    (late,) = overdue(HANGS)
    assert late["since"] == {"at_least": 21_590, "at_most": 21_590}
    (late,) = overdue(HANGS, "--sampled")
    assert late["since"] == {"at_least": 21_590, "at_most": 21_600}


def test_the_last_write_tells_the_begin_better_than_the_polls() -> None:
    rows = (
        "time,vm_state,task_state,updated\n"
        "0,active,,0\n1000,active,powering-off,400\n1500,active,powering-off,400\n"
    )
    (late,) = overdue(rows, "--sampled")
    assert late["since"] == {"at_least": 1100, "at_most": 1500}


def test_the_limit_can_be_given() -> None:
    assert overdue(HANGS, "--overdue", "7h") == []
    (late,) = overdue(HANGS, "--overdue", "10m")
    assert (late["limit"], late["limit_from"]) == (600, "given: 10m for every step")
    (late,) = overdue(HANGS, "--overdue", "p99.9")
    assert late["limit"] == pytest.approx(30 * 6.9078, abs=0.01)


def test_the_limit_is_that_of_the_profile(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    text = 'extends = "built-in"\n[durations]\npowering-off = "3h"\n'
    profile.write_text(text)
    assert overdue(HANGS, "--profile", str(profile)) == []
    profile.write_text(f"# Fitted to 9 changes of 3 servers.\n{text.replace('3h', '1h')}")
    (late,) = overdue(HANGS, "--profile", str(profile))
    assert late["limit_from"].startswith("fitted")


def test_time_counts_to_the_last_row_of_any_server_or_to_now() -> None:
    rows = "time,server,vm_state,task_state\n0,a,active,powering-off\n{},b,active,\n"
    assert overdue(rows.format(100)) == []
    (late,) = overdue(rows.format(900))
    assert (late["server"], late["since"]["at_least"]) == ("a", 900)
    (late,) = overdue(rows.format(100), "--now", "3600")
    assert late["since"]["at_least"] == 3600


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--now", "soon"], "--now 'soon': expected seconds or milliseconds since 1970, or ISO 8601"),
        (["--now", "5"], "--now is before the last observation of the record"),
        (["--overdue", "never"],
         "--overdue 'never': expected a percentile such as p99.9, or a time such as 10m"),
        (["--overdue", "p0"],
         "--overdue 'p0': expected a percentile such as p99.9, or a time such as 10m, above p0"),
        (["--summary", "--story"], "--summary and --story are mutually exclusive"),
        (["-o", "x.parquet"], "-o is the Parquet file of --durations: give --durations"),
    ],
    ids=["no time", "the past", "no limit", "no share", "two forms", "no durations"],
)  # fmt: skip
def test_what_does_not_read_is_one_line(options: list[str], error: str) -> None:
    assert ecs_fsm("replay", "-", *options, given=HANGS) == (2, "", f"ecs-fsm: {error}\n")


def test_now_needs_times() -> None:
    rows = "vm_state,task_state\nactive,\n"
    code, _, err = ecs_fsm("replay", "-", "--now", "9", given=rows)
    assert (code, err) == (2, "ecs-fsm: --now: the record has no times from which to count\n")


def test_a_server_at_rest_or_gone_is_not_overdue() -> None:
    rows = "time,server,vm_state,task_state\n0,a,active,\n0,b,active,deleting\n5,b,deleted,\n9999,a,active,\n"
    assert overdue(rows) == []


def test_a_status_alone_is_overdue_only_if_no_state_at_rest_shows_it() -> None:
    assert overdue("time,status\n0,ACTIVE\n99999,ACTIVE\n") == []
    assert overdue("time,status\n0,REBOOT\n120,REBOOT\n") == []  # three steps, one after the other
    (late,) = overdue("time,status\n0,REBOOT\n180,REBOOT\n")
    assert (late["vm_state"], late["status"]) == (None, "REBOOT")
    assert late["limit"] == pytest.approx((1 + 1 + 25) * 4.60517, abs=0.1)


def test_a_list_of_actions_that_says_nothing_of_their_ends_has_none_overdue() -> None:
    rows = (
        "Request ID,Server ID,Action,Start Time\n"
        "r2,web-1,stop,2026-01-01T10:00:00\nr1,web-1,create,2026-01-01T09:00:00\n"
    )
    assert overdue(rows, "--lifecycle", "nova") == []


@pytest.mark.parametrize(("later", "ended"), [("Success", True), ("Error", False)])
def test_an_action_is_over_when_another_one_went_well_after_it(later: str, ended: bool) -> None:
    rows = (
        "instance_uuid,action,start_time,event,finish_time,result\n"
        "web-1,stop,2026-01-01T09:00:00,compute_stop_instance,,\n"
        f"web-1,reboot,2026-01-01T10:00:00,compute_reboot,2026-01-01T10:00:01,{later}\n"
    )
    assert bool(overdue(rows, "--lifecycle", "nova")) != ended


def test_an_action_without_an_end_is_overdue() -> None:
    actions = json.dumps([
        {"action": "stop", "instance_uuid": "a", "request_id": "r1",
         "start_time": "2026-01-01T00:00:00", "events": [
            {"event": "compute_stop_instance", "start_time": "2026-01-01T00:00:02",
             "finish_time": None, "result": None}]},
    ])  # fmt: skip
    (late,) = overdue(actions, "--lifecycle", "nova", "--now", "2026-01-01T01:00:02Z")
    assert (late["server"], late["task_state"]) == ("a", "powering-off")
    assert late["since"] == {"at_least": 3600, "at_most": 3600}


def test_a_stopping_server_is_freed_as_nova_s_table_says() -> None:
    ways = {way.events: way for way in ways_out(ECS, ECS.states["active/powering-off"])}
    assert str(ways["reset_state_error", "delete", "advance"]).endswith("then delete → gone")
    again = ways["restart", "advance"]
    assert (str(again.ends), again.again) == ("stopped/-", True)
    assert ways["delete", "advance"].over


def runs(lifecycle: Lifecycle) -> list[str]:
    return [name for name, s in lifecycle.states.items() if not lifecycle.rests(s)]


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=lambda one: one.name)
def test_every_way_out_is_a_run_of_nova_that_ends_at_rest(lifecycle: Lifecycle) -> None:
    for name in runs(lifecycle):
        ways = ways_out(lifecycle, lifecycle.states[name])
        assert ways, name
        for way in ways:
            # Facts that are not known may have any value: some run of these events ends there.
            nodes = {NOVA.found(NOVA.states[name])}
            for event in way.events:
                nodes = {o.end for node in nodes for o in NOVA.outcomes(node, event)}
            assert way.ends in {node.state for node in nodes}, (name, way)
            assert NOVA.rests(way.ends)
            assert len(set(way.events) & {"reset_state_error", "reset_state_active"}) < 2


def test_limits_are_known_for_every_step_of_the_built_in_profiles() -> None:
    for lifecycle in (ECS, NOVA):
        durations = built_in(lifecycle).durations
        assert all(lifecycle.states[name] in durations for name in runs(lifecycle))
