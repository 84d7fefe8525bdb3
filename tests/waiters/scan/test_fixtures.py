"""The fixtures that were written with the question what is right: every wait, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecs_fsm.waiters.scan.configuration import scan_paths
from tests.command import ecs_fsm
from tests.waiters.scan.scanning import FIXTURES, fixtures

EXPECTED: dict[str, Any] = json.loads((FIXTURES / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fixtures(tmp_path)


@pytest.mark.parametrize("right", EXPECTED["find"], ids=lambda r: f"{r['file']}:{r['line']}")
def test_a_wait_is_found_with_its_operation_and_values(folder: Path, right: dict[str, Any]) -> None:
    waits = scan_paths([str(folder)]).waits
    (wait,) = [w for w in waits if (w.file, w.line) == (right["file"], right["line"])]
    assert wait.operations == (right["operation"],)
    assert wait.attribute == right["attribute"]
    assert (None if wait.pending is None else [*wait.pending]) == right["pending"]
    assert [*wait.target] == right["target"]
    assert [*wait.failure] == right["failure"]


@pytest.mark.parametrize("other", EXPECTED["not"], ids=lambda r: f"{r['file']}:{r['line']}")
def test_a_wait_for_another_thing_is_passed_over(folder: Path, other: dict[str, Any]) -> None:
    places = {(w.file, w.line) for w in scan_paths([str(folder)]).waits}
    assert (other["file"], other["line"]) not in places


def test_nothing_else_is_found(folder: Path) -> None:
    scan = scan_paths([str(folder)])
    assert len(scan.waits) == len(EXPECTED["find"])
    assert scan.passed_over == len(EXPECTED["not"])
    assert scan.problems == []


def finding_kinds(answer: dict[str, Any], file: str, line: int) -> set[str]:
    (waiter,) = [w for w in answer["waiters"] if (w["file"], w["line"]) == (file, line)]
    return {finding["finding"] for finding in waiter["findings"]}


def test_the_command_finds_what_breaks_each_loop(folder: Path) -> None:
    done = ecs_fsm("check", str(folder), "--json", "--lifecycle", "nova")
    assert done.code == 1
    answer = json.loads(done.out)
    assert {*answer} == {"waiters", "passed_over"}
    assert finding_kinds(answer, "nightly.py", 14) >= {"leaves-early", "false-success", "misses"}
    assert finding_kinds(answer, "handmade.py", 9) == {"false-success", "hangs"}
    assert "blind" in finding_kinds(answer, "nightly.py", 19)
    assert "blind" in finding_kinds(answer, "patch.sh", 10)
    for waiter in answer["waiters"]:
        assert {*waiter} == {
            "file", "line", "function", "operation", "from", "attribute", "pending", "target",
            "failure", "judged", "reason", "findings",
        }  # fmt: skip
        for finding in waiter["findings"]:
            assert {*finding} == {
                "finding", "level", "from", "run", "polled", "message", "fix",
            }  # fmt: skip


def test_the_last_line_counts_what_was_judged_and_passed_over(folder: Path) -> None:
    done = ecs_fsm("check", str(folder))
    assert done.out.splitlines()[-1] == (
        "9 waiters judged, 0 not judged, 5 waits for other things passed over"
    )


def test_the_toml_of_a_scan_is_what_check_reads(folder: Path) -> None:
    toml = ecs_fsm("check", str(folder), "--toml").out
    assert "# nightly.py:14 refresh_image" in toml
    file = folder / "found.toml"
    file.write_text(toml, encoding="utf-8")
    again = json.loads(ecs_fsm("check", str(file), "--json", "--lifecycle", "nova").out)
    first = json.loads(ecs_fsm("check", str(folder), "--json", "--lifecycle", "nova").out)
    found = [[f["message"] for f in waiter["findings"]] for waiter in again["waiters"]]
    assert found == [[f["message"] for f in waiter["findings"]] for waiter in first["waiters"]]
