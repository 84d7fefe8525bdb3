"""Recordings of a real Nova judge the table: what it did is possible, what it rejected is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from ecs_fsm import ECS, Refused, Server
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain

RECORDED = json.loads(
    (Path(__file__).parents[1] / "data" / "nova-traces.json").read_text(encoding="utf-8")
)

RESIZE_WAS_ACTIVE = "a resize that began in active has no place among the 36 pairs"
NOT_ACCEPTED = "the operation's first step is no documented pair of that vm_state"
NO_OPERATION = "the API of an ECS has no such operation"

LEFT_OUT = {
    "confirm resize (was active)": RESIZE_WAS_ACTIVE,
    "revert resize (was active)": RESIZE_WAS_ACTIVE,
    "resize from active": RESIZE_WAS_ACTIVE,
    "resize from active, prep failed": RESIZE_WAS_ACTIVE,
    "resize from active, disk migration failed": RESIZE_WAS_ACTIVE,
    "resize from active, disk migration rolled back": RESIZE_WAS_ACTIVE,
    "resize from active, finish failed": RESIZE_WAS_ACTIVE,
    "resize from active, no valid host": RESIZE_WAS_ACTIVE,
    "delete from resized": NOT_ACCEPTED,
    "hard reboot from error": NOT_ACCEPTED,
    "hard reboot from stopped": NOT_ACCEPTED,
    "stop from error": NOT_ACCEPTED,
    "reset to error": NO_OPERATION,
    "reset to active": NO_OPERATION,
}

TRACES = [t for t in RECORDED["traces"] if not t["race"] and t["case"] not in LEFT_OUT]


def documented(states: list[dict[str, Any]]) -> list[Observation]:
    """The rows of a recording whose pair is documented."""
    names = [f"{s['vm_state']}/{s['task_state'] or '-'}" for s in states]
    known = [ECS.states[name] for name in names if name in ECS.states]
    return [Observation(state.as_dict(), state, None) for state in known]


@pytest.mark.parametrize("trace", TRACES, ids=lambda t: t["case"])
def test_every_recorded_change_is_explained_once_undocumented_pairs_are_struck_out(
    trace: dict[str, Any],
) -> None:
    recording = documented(trace["states"])
    explained = list(explain(Replay(ECS), recording))
    assert [e.reason for e in explained] == [None] * (len(recording) - 1)
    begun = [event for e in explained for event in e.events or ()]
    if trace["operation"] != "create" and recording[0].state and not recording[0].state.task_state:
        expected = (
            "fail"
            if trace["case"].startswith("confirm resize") and "failed" in trace["case"]
            else trace["operation"]
        )
        assert begun[0] == expected


def test_each_recording_left_out_exists_and_is_not_a_race() -> None:
    cases = {t["case"]: t["race"] for t in RECORDED["traces"]}
    assert {case: cases.get(case) for case in LEFT_OUT} == dict.fromkeys(LEFT_OUT, False)
    assert len(TRACES) + len(LEFT_OUT) + sum(cases.values()) == len(RECORDED["traces"])


@pytest.mark.parametrize("case", [c for c, why in LEFT_OUT.items() if why is NOT_ACCEPTED])
def test_an_operation_left_out_is_refused_because_its_first_step_is_undocumented(case: str) -> None:
    (trace,) = (t for t in RECORDED["traces"] if t["case"] == case)
    first = trace["states"][0]
    with pytest.raises(Refused, match="not documented"):
        Server.at(first["vm_state"], first["task_state"]).trigger(trace["operation"])


@pytest.mark.parametrize(
    "rejection",
    RECORDED["rejections"],
    ids=lambda r: f"{r['operation']} at {r['vm_state']}-{r['task_state'] or ''}",
)
def test_every_recorded_rejection_is_refused(rejection: dict[str, Any]) -> None:
    server = Server.at(rejection["vm_state"], rejection["task_state"])
    with pytest.raises(Refused):
        server.trigger(rejection["operation"])


@pytest.mark.parametrize("trace", RECORDED["traces"], ids=lambda t: t["case"])
def test_the_status_that_nova_showed_is_that_of_the_table(trace: dict[str, Any]) -> None:
    shown = {f"{s['vm_state']}/{s['task_state'] or '-'}": s["status"] for s in trace["states"]}
    known = {name: status for name, status in shown.items() if name in ECS.states}
    assert known == {name: ECS.states[name].status for name in known}
