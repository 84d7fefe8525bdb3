"""A step that a request has replaced can still write; a recording tells, if it shows the step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain

RECORDED = json.loads(
    (Path(__file__).parents[1] / "data" / "nova-traces.json").read_text(encoding="utf-8")
)
RACES = [trace for trace in RECORDED["traces"] if trace["race"]]
OVERTAKEN = {
    "hard reboot while soft rebooting": "reboot",
    "delete while soft rebooting": "reboot",
    "delete while building (spawning)": "create",
    "delete while hard rebooting": "hard_reboot",
}


def replayed(*path: str, all_ways: bool = False) -> list[Explanation]:
    seen = [NOVA.states[name] for name in path]
    rows = (Observation(state.as_dict(), state, None) for state in seen)
    return list(explain(Replay(NOVA, all_ways=all_ways), rows))


def told(*path: str) -> list[str]:
    return [
        "?" if e.events is None else " ".join(e.events) + (f" of {e.of}" if e.of else "")
        for e in replayed(*path)
    ]


@pytest.mark.parametrize("trace", RACES, ids=lambda t: t["case"])
def test_the_recorded_races_are_explained(trace: dict[str, Any]) -> None:
    path = [f"{s['vm_state']}/{s['task_state'] or '-'}" for s in trace["states"]]
    second = f"late_write of {OVERTAKEN[trace['case']]}"
    assert told(*path)[1:] == [second, "advance"][: len(path) - 2]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # Part 9, first point: a refused write goes out with the next unconditional save.
        ("building/- building/deleting building/networking deleted/-",
         ["delete", "late_write of create", "advance"]),
        ("stopped/powering-on stopped/deleting active/- deleted/-",
         ["delete", "late_write of start", "advance"]),
        # Second point: what is written without a look at the record.
        ("building/networking building/deleting building/block_device_mapping deleted/-",
         ["delete", "late_write of create", "advance"]),
        ("shelved_offloaded/unshelving active/- deleted/-", ["reset_state_active", "?"]),
        ("resized/resize_reverting resized/deleting active/- deleted/-",
         ["delete", "advance", ""]),
        ("active/rebuild_spawning active/deleting error/- deleted/-",
         ["delete", "late_write of rebuild", "advance"]),
        ("active/pausing active/deleting active/- deleted/-",
         ["delete", "late_write of pause", "advance"]),
    ],
)  # fmt: skip
def test_a_late_write_names_the_operation_that_was_overtaken(
    path: str, expected: list[str]
) -> None:
    assert told(*path.split()) == expected


@pytest.mark.parametrize("path", ["active/pausing active/deleting active/- deleted/-",
                                  "building/- building/deleting building/networking deleted/-"])  # fmt: skip
def test_a_sample_now_and_then_shows_no_late_writes(path: str) -> None:
    rows = (Observation(NOVA.states[n].as_dict(), NOVA.states[n], None) for n in path.split())
    found = explain(Replay(NOVA, sampled=True), rows)
    assert all("late_write" not in (change.events or ()) for change in found)


def test_only_a_step_that_the_record_shows_running_writes_late() -> None:
    seen = replayed("active/deleting", "active/-", "deleted/-")
    assert all("late_write" not in (e.events or ()) for e in seen)
    assert seen[-1].events is None
    assert replayed("active/-", "active/deleting", "active/-", "deleted/-")[-1].events is None


def test_what_a_step_never_writes_is_not_a_late_write() -> None:
    assert told("building/spawning", "building/deleting", "building/networking")[-1] == "?"


def test_a_late_write_comes_once() -> None:
    path = ("building/spawning", "building/deleting", "active/-", "building/deleting", "active/-")
    assert told(*path)[-1] != "late_write of create"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("active/resize_finish resized/- stopped/-", ["advance", "confirm_resize"]),
        ("building/spawning error/spawning error/deleting deleted/-",
         ["build_timeout", "delete", "advance"]),
        ("error/deleting deleted/-", ["advance"]),
        ("active/- active/deleting deleted/-", ["delete", "advance"]),
    ],
)  # fmt: skip
def test_usual_circumstances_are_preferred(path: str, expected: list[str]) -> None:
    assert told(*path.split()) == expected


@pytest.mark.parametrize(
    "vm_state", ["active", "stopped", "paused", "suspended", "rescued", "shelved"]
)
def test_both_readings_of_an_error_at_rest_are_named(vm_state: str) -> None:
    (one,) = replayed(f"{vm_state}/-", "error/-")
    assert {*(one.events or ()), *(event for other in one.others for event in other.events)} == {
        "reset_state_error",
        "restart",
    }


def test_an_error_while_a_confirmation_is_due_is_a_failed_one_and_the_others_are_far_less_likely() -> (
    None
):
    (one,) = replayed("resized/-", "error/-", all_ways=True)
    assert one.events == ("fail",)
    assert {other.events for other in one.others} == {("reset_state_error",), ("restart",)}
    assert sum(other.share for other in one.others) < 0.01


def test_a_rescue_that_a_restart_broke_goes_on_no_more() -> None:
    assert told("active/-", "active/rescuing", "error/rescuing", "rescued/-")[-1] == "?"
    assert told("error/-", "error/rescuing", "rescued/-") == ["rescue", "advance"]


def test_a_confirmation_names_the_guest_that_decided_it() -> None:
    *_, last = replayed("active/resize_finish", "resized/-", "stopped/-")
    assert dict(last.facts)["guest"] == "off"
