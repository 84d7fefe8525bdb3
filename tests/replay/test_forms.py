"""The other forms of a story: sentences, one screen, times, and what actions say against it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ecs_fsm import ECS
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.records.observations import Observation, RecordedAction
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.contradictions import Evidence
from ecs_fsm.replay.forms import TableForm
from ecs_fsm.replay.story import TerminalForm
from tests.command import ecs_fsm

DAY = "time,server,vm_state,task_state\n"
STOPPED = (
    f"{DAY}2026-01-01T10:04:00Z,a,active,\n2026-01-01T10:05:00Z,a,active,powering-off\n"
    "2026-01-01T10:05:32Z,a,stopped,\n2026-01-01T11:00:00Z,a,stopped,powering-on\n"
    "2026-01-01T11:00:20Z,a,stopped,\n2026-01-01T12:00:00Z,a,stopped,powering-on\n"
)


def test_a_story_has_sentences_with_times() -> None:
    code, out, _ = ecs_fsm("replay", "-", "--story", given=STOPPED)
    assert code == 0
    assert out.splitlines()[1:] == [
        "a",
        "  2026-01-01",
        "  10:05 stop requested; powering off for 32 s; stopped at 10:05:32",
        "  11:00 start requested; powering on for 20 s; FAILED (roll_back); stopped at 11:00:20",
        "  12:00 start requested; powering on",
        "5 changes, all explained",
    ]


def test_a_story_without_times_has_none() -> None:
    rows = "vm_state,task_state\nactive,\nactive,powering-off\nstopped,\nactive,\n"
    code, out, _ = ecs_fsm("replay", "-", "--story", given=rows)
    assert code == 1
    assert out.splitlines()[1:3] == ["server", "  stop requested; powering off; stopped"]
    assert out.splitlines()[3].startswith("  NOT EXPLAINED: no event leads from stopped/-")


def test_a_terminal_shows_the_story_of_few_servers_and_the_table_of_many() -> None:
    def shown(servers: int) -> str:
        out = StringIO()
        form = TerminalForm(out, ECS)
        for number in range(servers):
            rows = [
                Observation(ECS.states[name].as_dict(), ECS.states[name], None, server=f"s{number}")
                for name in ("active/-", "active/powering-off")
            ]
            form.add(Explanation(rows[0], rows[1], ("stop",)))
        form.end([], [])
        return out.getvalue()

    assert shown(2).splitlines() == [
        "s0", "  stop requested; powering off", "s1", "  stop requested; powering off",
        "2 changes, all explained",
    ]  # fmt: skip
    assert shown(6).splitlines()[0].startswith("     1  s0  active/- → active/powering-off")
    assert shown(6).splitlines()[-1] == "6 changes, all explained"


def test_one_screen_for_a_thousand_servers() -> None:
    rows = [f"0,s{n},active,\n1,s{n},active,powering-off\n" for n in range(1000)]
    rows += [f"9999,s{n},stopped,\n" for n in range(900)]
    rows += ["10000,t,active,\n10001,t,stopped,\n10000,u,active,\n10001,u,stopped,\n"]
    code, out, _ = ecs_fsm("replay", "-", "--summary", given=DAY + "".join(rows))
    lines = out.splitlines()
    assert code == 1
    assert lines[0] == "CSV, columns: 1002 servers, 0 s to 10001 s, complete, 2 h 46 min"
    assert lines[1].split() == ["1000", "stop", "900", "advance"]
    assert lines[2].startswith("       2 not explained, such as t  active/- → stopped/-")
    assert lines[3].startswith("     100 OVERDUE: s900  active/powering-off for 2 h 46 min;")
    assert lines[-1] == (
        "1902 changes, 2 not explained, 100 overdue (--sampled, if states may have been missed)"
    )
    assert len(lines) < 24


def test_the_summary_in_json() -> None:
    code, out, _ = ecs_fsm("replay", "-", "--summary", "--json", given=STOPPED)
    answer = json.loads(out)
    assert code == 0
    assert answer["record"]["servers"] == 1
    assert answer["events"] == {"start": 2, "stop": 1, "advance": 1, "roll_back": 1}
    assert (answer["changes"], answer["unexplained"], answer["explained"]) == (5, [], True)


def test_durations_of_steps_and_operations(tmp_path: Path) -> None:
    stops = "".join(
        f"{1000 * n},s{n},active,\n{1000 * n},s{n},active,powering-off\n"
        f"{1000 * n + 10 * (n + 1)},s{n},stopped,\n"
        for n in range(3)
    )
    target = tmp_path / "times.parquet"
    code, out, _ = ecs_fsm(
        "replay", "-", "--durations", "-o", str(target), "--json", given=DAY + stops
    )
    answer = json.loads(out)
    assert code == 0
    rows = {(row["server"], row["kind"], row["name"]): row for row in answer["durations"]}
    step = rows[None, "step", "powering-off"]
    assert [step[k] for k in ("n", "mean", "p50", "max")] == [3, 20, 20, 30]
    assert step["p95"] == pytest.approx(29)  # linear between the second and the third of 10, 20, 30
    assert rows[None, "operation", "stop"]["mean"] == 20
    assert rows["s2", "step", "powering-off"]["max"] == 30
    assert pq.read_table(target).to_pylist() == answer["durations"]


def test_a_step_whose_begin_is_not_in_the_record_has_no_duration() -> None:
    rows = f"{DAY}0,a,active,powering-off\n10,a,stopped,\n"
    code, out, _ = ecs_fsm("replay", "-", "--durations", given=rows)
    assert (code, out.splitlines()[1]) == (0, "no step or operation with a known begin and end")


def test_durations_of_actions_are_exact() -> None:
    actions = json.dumps([
        {"action": "stop", "instance_uuid": "a", "request_id": "r1",
         "start_time": "2026-01-01T00:00:00.25", "events": [
            {"event": "compute_stop_instance", "start_time": "2026-01-01T00:00:01.5",
             "finish_time": "2026-01-01T00:00:30.75", "result": "Success"}]},
    ])  # fmt: skip
    _, out, _ = ecs_fsm("replay", "-", "--durations", "--json", given=actions)
    rows = {(r["server"], r["kind"], r["name"]): r["mean"] for r in json.loads(out)["durations"]}
    assert rows[None, "step", "powering-off"] == 29.25
    assert rows[None, "operation", "stop"] == 30.5


def held(
    tmp_path: Path, action: str, result: str, states: str = STOPPED
) -> list[dict[str, object]]:
    seen, done = tmp_path / "seen.csv", tmp_path / "actions.json"
    seen.write_text(states)
    event = {"event": f"compute_{action}_instance", "start_time": "2026-01-01T10:05:00",
             "finish_time": "2026-01-01T10:05:32", "result": result}  # fmt: skip
    done.write_text(json.dumps([{"action": action, "instance_uuid": "a", "request_id": "r",
                                 "start_time": "2026-01-01T10:05:00", "events": [event]}]))  # fmt: skip
    _, out, _ = ecs_fsm("replay", str(seen), str(done), "--json")
    found = json.loads(out).get("contradictions", [])
    assert isinstance(found, list)
    return found


def test_an_action_that_failed_contradicts_a_story_without_a_failure(tmp_path: Path) -> None:
    assert held(tmp_path, "stop", "Success") == []
    (one,) = held(tmp_path, "stop", "Error")
    assert one == {
        "server": "a", "at": "2026-01-01T10:05:00Z", "action": "stop", "failed": True,
        "story": "the story names stop without a failure",
    }  # fmt: skip


def test_another_action_contradicts_the_story(tmp_path: Path) -> None:
    (one,) = held(tmp_path, "reboot", "Success")
    assert one["story"] == "the story names stop"


def test_actions_of_one_moment_are_held_against_the_story_one_by_one() -> None:
    evidence = Evidence(ECS, sampled=True)
    states = [ECS.states[name] for name in ("active/-", "active/powering-off")]
    before, after = (Observation(s.as_dict(), s, None, time=n) for n, s in enumerate(states))
    for row in (before, after):
        evidence.row(row)
    for name, failed in (("stop", None), ("stop", True), ("reboot", False)):
        action = RecordedAction(name, (name,), failed)
        evidence.row(Observation({}, None, None, time=1, action=action))
    evidence.change(Explanation(before, after, ("stop",)))
    named = [(found.action, found.failed) for found in evidence.contradictions()]
    assert named == [("stop", True), ("reboot", False)]


@pytest.mark.parametrize(
    ("operation", "failed", "story"),
    [
        ("stop", False, "the story names stop with a failure"),
        ("stop", True, None),
        ("start", False, "the story names stop"),
        ("confirm_resize", False, None),
        ("create_image", False, "the story does not name it"),
        ("create_image", True, None),
    ],
)
def test_an_action_is_held_against_what_the_story_names_near_it(
    operation: str, failed: bool, story: str | None
) -> None:
    # A complete record: a stop fails at 10 seconds, and nothing happens near 500 seconds.
    evidence = Evidence(NOVA, sampled=False)
    names = ("active/-", "active/powering-off", "active/-", "active/-")
    states = [NOVA.states[name] for name in names]
    rows = [
        Observation(state.as_dict(), state, None, time=time)
        for state, time in zip(states, (0, 10, 11, 1000), strict=True)
    ]
    for row in rows:
        evidence.row(row)
    for before, after, event in zip(rows[:2], rows[1:], ("stop", "roll_back"), strict=False):
        evidence.change(Explanation(before, after, (event,)))
    time = 10 if operation in {"stop", "start"} else 500
    action = RecordedAction(operation, (operation,), failed)
    evidence.row(Observation({}, None, None, time=time, action=action))
    assert [found.story for found in evidence.contradictions()] == ([story] if story else [])


def test_contradictions_are_named_in_text(tmp_path: Path) -> None:
    held(tmp_path, "stop", "Error")
    code, out, _ = ecs_fsm("replay", str(tmp_path / "seen.csv"), str(tmp_path / "actions.json"))
    assert code == 0
    assert (
        "CONTRADICTED: a  stop at 2026-01-01T10:05:00Z, which failed: "
        "the story names stop without a failure\n"
    ) in out


def test_a_line_about_a_late_write_names_its_operation() -> None:
    out = StringIO()
    form = TableForm(out)
    stopping, stopped = (ECS.states[name] for name in ("active/powering-off", "stopped/-"))
    before, after = (Observation(s.as_dict(), s, None, server="a") for s in (stopping, stopped))
    change = Explanation(before, after, ("advance",))
    for one in (change, change._replace(of="stop"), change):
        form.add(one)
    ends = [line.split("  ")[-1].strip() for line in out.getvalue().splitlines()]
    assert ends == ["advance", "advance of stop", "advance"]


def test_a_summary_has_three_events_in_a_line_the_most_frequent_first() -> None:
    rows = ("active,", "active,powering-off", "stopped,", "stopped,powering-on", "active,",
            "active,rebooting", "active,reboot_pending", "active,reboot_started", "active,",
            "active,deleting", "deleted,")  # fmt: skip
    _, out, _ = ecs_fsm("replay", "-", "--summary", given="vm_state,task_state\n" + "\n".join(rows))
    assert out.splitlines()[1:-1] == [
        "       6 advance       1 stop          1 start",
        "       1 reboot        1 delete",
    ]
