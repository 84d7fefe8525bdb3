"""The installed command, with good and bad input: whole outputs, exit codes, one-line errors."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ecs_fsm import ECS, Status, TaskState, VmState, __version__
from ecs_fsm.cli import cli
from tests.command import COMMAND, Answer, ecs_fsm
from tests.facts import STATUS_TABLE


def test_the_table_as_json_is_the_36_pairs_in_the_order_of_the_documentation() -> None:
    code, out, err = ecs_fsm("table", "--json")
    assert (code, err) == (0, "")
    assert [tuple(row) for row in json.loads(out)] == [("vm_state", "task_state", "status")] * 36
    assert [tuple(row.values()) for row in json.loads(out)] == list(STATUS_TABLE)


def test_the_table_has_a_line_for_each_pair() -> None:
    code, out, _ = ecs_fsm("table")
    heading, *lines = out.splitlines()
    assert code == 0
    assert heading.split() == ["vm_state", "task_state", "status"]
    assert [tuple(line.split()) for line in lines] == [(v, t or "-", s) for v, t, s in STATUS_TABLE]


@pytest.mark.parametrize("no_task", [("-",), ("null",), ("none",), ()])
def test_no_task_can_be_spelled_in_every_usual_way(no_task: tuple[str, ...]) -> None:
    assert ecs_fsm("status", "stopped", *no_task) == Answer(0, "SHUTOFF\n", "")


def test_a_status_as_json_repeats_its_pair() -> None:
    code, out, _ = ecs_fsm("status", "active", "powering-off", "--json")
    assert code == 0
    assert json.loads(out) == {
        "vm_state": "active",
        "task_state": "powering-off",
        "status": "ACTIVE",
    }


def test_a_pair_outside_the_table_is_answered_with_the_pairs_of_its_vm_state() -> None:
    assert ecs_fsm("status", "resized", "deleting") == Answer(
        2,
        "",
        "ecs-fsm: resized/deleting does not occur; tasks under resized: resize_reverting, -\n",
    )


def test_the_operations_at_one_state_are_the_system_s_events_and_then_the_requests() -> None:
    code, out, _ = ecs_fsm("operations", "resized", "-", "--json")
    shown = {"vm_state": "resized", "task_state": None, "status": "VERIFY_RESIZE"}
    stopped = {"vm_state": "stopped", "task_state": None, "status": "SHUTOFF"}
    error = {"vm_state": "error", "task_state": None, "status": "ERROR"}
    going_back = {
        "vm_state": "resized",
        "task_state": "resize_reverting",
        "status": "REVERT_RESIZE",
    }
    assert code == 0
    assert json.loads(out) == [
        {"trigger": "fail", "kind": "failure", "source": shown, "path": [error]},
        {"trigger": "confirm_resize", "kind": "request", "source": shown, "path": [stopped]},
        {"trigger": "revert_resize", "kind": "request", "source": shown, "path": [going_back]},
    ]


def test_all_operations_are_all_transitions_of_the_table() -> None:
    everything = json.loads(ecs_fsm("operations", "--json").out)
    assert everything == [transition.as_dict() for transition in ECS.transitions]
    assert [t["path"][0]["task_state"] for t in everything if not t["source"]] == ["scheduling"]


def test_the_operations_of_a_vm_state_start_there() -> None:
    found = json.loads(ecs_fsm("operations", "stopped", "--json").out)
    assert {t["source"]["vm_state"] for t in found} == {"stopped"}
    assert len(found) == sum(t.source.vm_state == "stopped" for t in ECS.transitions if t.source)


def test_operations_for_a_person() -> None:
    assert ecs_fsm("operations", "error", "-").out == (
        "trigger   kind      at        leads to\n"
        "rebuild   request   error/-   error/rebuilding (REBUILD)\n"
        "delete    request   error/-   error/deleting (ERROR)\n"
    )
    assert ecs_fsm("operations", "deleted").out == "Nothing: no event leads on from there.\n"


def test_a_scenario_shows_every_state_that_the_server_enters() -> None:
    assert ecs_fsm("simulate", "create", "stop") == Answer(
        0,
        "event     vm_state   task_state             status\n"
        "create    building   scheduling             BUILD\n"
        "advance   building   -                      BUILD\n"
        "advance   building   networking             BUILD\n"
        "advance   building   block_device_mapping   BUILD\n"
        "advance   building   spawning               BUILD\n"
        "advance   active     -                      ACTIVE\n"
        "stop      active     powering-off           ACTIVE\n"
        "advance   stopped    -                      SHUTOFF\n",
        "",
    )


def test_a_refusal_ends_the_scenario_and_says_why() -> None:
    assert ecs_fsm("simulate", "stop", "stop", "start", "--from", "active/-") == Answer(
        1,
        "event     vm_state   task_state     status\n"
        "-         active     -              ACTIVE\n"
        "stop      active     powering-off   ACTIVE\n"
        "advance   stopped    -              SHUTOFF\n"
        "stop is refused at stopped/- (status SHUTOFF): vm_state is stopped, it is accepted under "
        "active; possible now: start, rebuild, resize, delete\n",
        "",
    )


def test_a_refused_scenario_as_json() -> None:
    code, out, _ = ecs_fsm(
        "simulate", "reboot:hang@reboot_pending", "stop", "--from", "active/-", "--json"
    )
    answer = json.loads(out)
    pending = {"vm_state": "active", "task_state": "reboot_pending", "status": "REBOOT"}
    assert code == 1
    assert answer["changes"] == [
        {"event": None, "vm_state": "active", "task_state": None, "status": "ACTIVE"},
        {"event": "reboot", "vm_state": "active", "task_state": "rebooting", "status": "REBOOT"},
        {"event": "advance", **pending},
    ]
    assert answer["final"] == pending
    assert answer["refused"] == {
        "operation": "stop",
        **pending,
        "reason": "task reboot_pending is running",
        "allowed": ["hard_reboot", "delete"],
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tabel"], "No such command 'tabel'. Did you mean 'table'?"),
        (["table", "--jsn"], "No such option '--jsn'. Did you mean '--json'?"),
        (["status"], "Missing argument 'VM_STATE'."),
        (["status", "activ"], "unknown vm_state 'activ'; did you mean 'active'?"),
        (["status", "ACTIVE"], "unknown vm_state 'ACTIVE'; did you mean 'active'?"),
        (["status", "active", "powering_off"],
         "unknown task_state 'powering_off'; did you mean 'powering-off'?"),
        (["operations", "stoped"], "unknown vm_state 'stoped'; did you mean 'stopped'?"),
        (["simulate"], "Missing argument 'WORD...'."),
        (["simulate", "stop"],
         "there is no server yet: begin with create, or say where it is (--from VM/TASK)"),
        (["simulate", "stpo", "--from", "active/-"],
         "unknown operation 'stpo'; did you mean 'stop'?"),
        (["simulate", "advance", "--from", "active/rebooting"],
         "unknown operation 'advance'; known: confirm_resize, create, delete, hard_reboot, "
         "live_migrate, reboot, rebuild, resize, revert_resize, start, stop"),
        (["simulate", "stop", "--from", "active"],
         "'active' is not a state: write VM/TASK, such as active/-"),
        (["explain", "REBIULD"], "unknown word 'REBIULD'; did you mean 'REBUILD'?"),
        (["replay", "no/such/file.json"], "no/such/file.json: No such file or directory"),
        (["replay", "/"], "/: Is a directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_wrong_usage_is_one_line_that_says_what_would_be_right(
    arguments: list[str], message: str
) -> None:
    assert ecs_fsm(*arguments) == Answer(2, "", f"ecs-fsm: {message}\n")


@pytest.mark.parametrize("thing", [*ECS.triggers, *ECS.states, *VmState, *TaskState, *Status])
def test_everything_can_be_explained(thing: str) -> None:
    from ecs_fsm.core.explain import describe

    told = describe(ECS, thing)
    assert told.meaning
    assert told.next or told.reached_by or told.kind == "event"


def test_an_explanation_for_a_person() -> None:
    assert ecs_fsm("explain", "active/powering-off").out == (
        "active/powering-off (state)\n"
        "The server runs. The guest is shutting down. The API shows status ACTIVE.\n"
        "\n"
        "how one gets there\n"
        "  stop at active/- → active/powering-off (ACTIVE)\n"
        "  advance at stopped/rebuild_spawning → active/- (ACTIVE) → active/powering-off (ACTIVE)\n"
        "\n"
        "what can come next\n"
        "  advance at active/powering-off → stopped/- (SHUTOFF)\n"
        "  delete at active/powering-off → active/deleting (ACTIVE)\n"
        "\n"
        "what goes wrong\n"
        "  roll_back at active/powering-off → active/- (ACTIVE)\n"
        "\n"
        "surprise\n"
        "  While a server stops, status says ACTIVE until the end; only task_state shows it.\n"
        "  A rebuild of a stopped server shows REBUILD, then ACTIVE, then SHUTOFF: the system "
        "starts the server and stops it again, and a wait for ACTIVE ends too early.\n"
    )


def test_an_explanation_as_json_has_its_keys_and_the_same_states_and_transitions() -> None:
    told = json.loads(ecs_fsm("explain", "stop", "--json").out)
    assert list(told) == ["thing", "kind", "meaning", "shown_by", "reached_by", "next", "failures",
                          "ways", "surprises"]  # fmt: skip
    assert [s["task_state"] for s in told["ways"][0]] == [None, "powering-off", None]
    assert [t["trigger"] for t in told["failures"]] == ["roll_back"]


@pytest.mark.parametrize("surprise", ECS.table.surprises, ids=lambda s: s.about[0])
def test_each_surprise_is_named_where_it_lies(surprise: object) -> None:
    from ecs_fsm.core.explain import describe
    from ecs_fsm.core.model import Surprise

    assert isinstance(surprise, Surprise)
    assert all(surprise.text in describe(ECS, thing).surprises for thing in surprise.about)


def test_help_has_an_example_for_every_command() -> None:
    commands = ("table", "status", "operations", "simulate", "replay", "explain", "draw", "check",
                "infer", "path", "cover", "prove", "quiz", "play")  # fmt: skip
    for command in commands:
        code, out, _ = ecs_fsm(command, "--help")
        assert code == 0
        assert f"ecs-fsm {command}" in out.split("Example")[1]


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ecs_fsm", "--version"], capture_output=True, check=True, text=True
    )
    assert done.stdout == ecs_fsm("--version").out == f"ecs-fsm {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("simulate re", ["reboot", "rebuild", "resize", "revert_resize"]),
        ("draw --format p", ["pdf", "png"]),
        ("draw ma", ["matrix"]),
    ],
)
def test_words_complete_in_a_shell(typed: str, completed: list[str]) -> None:
    words = ["ecs-fsm", *typed.split()]
    done = subprocess.run(
        [COMMAND],
        env={
            "_ECS_FSM_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.split() == [f"plain,{word}" for word in completed]


BASH = """
source <({command})
COMP_LINE={line!r} COMP_POINT={point} COMP_WORDS=({words}) COMP_CWORD={last}
_ecs_fsm_completion ecs-fsm
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("line", "words", "expected"),
    [
        ("simulate resize:", "simulate resize :", ["fail@resize_prep", "hang@resize_finish"]),
        (
            "simulate resize:fail@resize_m",
            "simulate resize : fail @ resize_m",
            ["resize_migrating"],
        ),
        ("simulate create rebuild:hang@r", "simulate create rebuild : hang @ r", ["rebuilding"]),
        ("explain ", "explain ''", ["stop", "active/powering-off"]),
        ("--lifecycle n", "--lifecycle n", ["nova"]),
    ],
)
def test_bash_completes_outcomes_and_steps(line: str, words: str, expected: list[str]) -> None:
    script = BASH.format(
        command=f"_ECS_FSM_COMPLETE=bash_source {COMMAND}",
        line=f"ecs-fsm {line}",
        point=len(f"ecs-fsm {line}"),
        words=f"ecs-fsm {words}",
        last=len(words.split()),
    )
    path = f"{Path(COMMAND).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-c", script],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PATH": path},
    )
    assert {*expected} <= {*done.stdout.splitlines()}


def test_the_help_lists_every_command_whole_on_one_screen() -> None:
    lines = ecs_fsm("--help").out.splitlines()
    assert len(lines) <= 48
    assert [line for line in lines[1:] if line.endswith("...") or len(line) > 80] == []
    assert {*cli.commands} <= {line.split()[0] for line in lines if line.strip()}


def test_a_reader_that_stops_reading_is_not_an_error() -> None:
    with subprocess.Popen(
        [COMMAND, "operations", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdout
        assert command.stderr
        assert command.stdout.readline() == b"[\n"
        command.stdout.close()
        assert command.stderr.read() == b""


def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([COMMAND, "table"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        b"ecs-fsm: standard output: No space left on device\n",
    )


def test_a_reader_who_leaves_does_not_change_the_exit_code() -> None:
    for words in (["table"], ["status", "active"]):
        with subprocess.Popen(
            [COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as command:
            assert command.stdout
            assert command.stderr
            command.stdout.close()
            assert (command.wait(), command.stderr.read()) == (141, b"")


@pytest.mark.parametrize("closed", ["table >&-", "replay - <&-"])
def test_a_closed_stream_is_one_line(closed: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{COMMAND} {closed}"], capture_output=True, check=False, text=True
    )
    assert done.returncode == 2
    assert re.fullmatch(r"ecs-fsm: standard (in|out)put is closed\n", done.stderr)


def test_a_terminal_that_knows_no_arrows_gets_its_answer_all_the_same() -> None:
    done = subprocess.run(
        [COMMAND, "explain", "stop"],
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"stop at active/- ? active/powering-off (ACTIVE)" in done.stdout


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_table_is_never_cut_on_a_terminal(columns: int) -> None:
    leader, follower = os.openpty()
    with subprocess.Popen(
        [COMMAND, "operations", "stopped"],
        stdout=follower,
        env={"COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"},
    ):
        os.close(follower)
        shown = b""
        with contextlib.suppress(OSError):  # how the end of a terminal reads
            while piece := os.read(leader, 1 << 16):
                shown += piece
    os.close(leader)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    lines = [line.rstrip() for line in plain.splitlines()]
    assert lines == ecs_fsm("operations", "stopped").out.splitlines()


def test_json_is_indented_and_keeps_its_letters() -> None:
    words = ("--operation", "rebuild", "--from", "stopped/-", "--target", "ACTIVE", "--json")
    out = ecs_fsm("check", *words).out
    assert "stopped/- —rebuild→ stopped/rebuilding" in out
    assert json.dumps(json.loads(out), indent=2, ensure_ascii=False) + "\n" == out


def test_help_keeps_its_examples_on_lines_of_their_own() -> None:
    lines = ecs_fsm("simulate", "--help").out.splitlines()
    assert "    ecs-fsm simulate create:reschedule@spawning,fail@networking" in lines
    assert (
        '    eval "$(_ECS_FSM_COMPLETE=bash_source ecs-fsm)"' in ecs_fsm("--help").out.splitlines()
    )


def test_usage_names_the_command_however_it_was_started() -> None:
    assert ecs_fsm("simulate", "--help").out.startswith("Usage: ecs-fsm simulate ")
    assert ecs_fsm("--help").out.startswith("Usage: ecs-fsm ")
