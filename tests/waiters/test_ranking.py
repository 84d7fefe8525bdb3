"""Findings ranked by the run that shows them, folded by kind, and held against what infer makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.lifecycles.registry import find, names
from ecs_fsm.waiters import Waiter, infer
from ecs_fsm.waiters.grouping import risks_by_start
from ecs_fsm.waiters.judge import attribute_names, find_attribute
from ecs_fsm.waiters.ranking import Level, Ranked, rank
from ecs_fsm.waiters.runs import runs_of
from tests.command import ecs_fsm

MANY = 200
"""Starts of an operation that a server does not notice: it is accepted with every fact."""


def levels(ranked: tuple[Ranked, ...]) -> dict[str, str]:
    return {one.finding.kind.value: one.level.value for one in ranked}


def nova(
    operation: str, target: str, *, failure: str = "ERROR", from_: str | tuple[str, ...] = ()
) -> Waiter:
    return Waiter(operation, target, failure=failure, from_=from_, lifecycle=NOVA)


@pytest.mark.parametrize(
    ("waiter", "expected"),
    [
        # Nothing goes wrong in the rebuild; it ends where the server was.
        (nova("rebuild", "ACTIVE"), {"leaves-early": "error", "misses": "error"}),
        # The lists of infer cure it, though they have a finding of their own.
        (nova("confirm_resize", "ACTIVE"), {"misses": "error", "false-success": "note"}),
        # A roll back is a fault.
        (nova("resize", "VERIFY_RESIZE"), {"hangs": "warning"}),
        # A deletion that fails; deletions are also requested of servers that failed.
        (Waiter("delete", "<gone>", lifecycle=NOVA), {"blind": "warning"}),
        # No lists help: ACTIVE is shown before the task ends, and after a roll back.
        (nova("reboot", "ACTIVE"), {"false-success": "note"}),
        # A server in ERROR is no common start of a stop, but one that was chosen alone.
        (nova("stop", "SHUTOFF"), {"spurious-failure": "note"}),
        (nova("stop", "SHUTOFF", from_="error/-"), {"spurious-failure": "error"}),
        (nova("stop", "SHUTDOWN"), {"unknown-value": "error", "never-succeeds": "error"}),
    ],
    ids=lambda value: f"{value.operation}-{value.target}" if isinstance(value, Waiter) else "",
)
def test_a_level_follows_from_the_run(waiter: Waiter, expected: dict[str, str]) -> None:
    assert levels(rank(waiter)).items() >= expected.items()


def test_one_kind_is_one_finding_with_its_starts_and_values() -> None:
    (misses,) = (one for one in rank(nova("rebuild", "BUILD")) if one.finding.kind == "misses")
    assert misses.starts == ("active/-", "error/-", "stopped/-")
    assert misses.finding.value == "ACTIVE"
    assert "The same at SHUTOFF." in misses.message


def test_unknown_values_of_one_list_are_one_finding() -> None:
    waiter = Waiter("stop", ["SHUTOFF", "OFF"], failure=["BROKEN", "LOST"])
    found = [one for one in rank(waiter) if one.finding.kind == "unknown-value"]
    assert [one.where for one in found] == ["target", "failure"]
    assert "'BROKEN'" in found[1].message
    assert "'LOST'" in found[1].message


def test_a_fix_has_the_lists_of_infer_for_the_start() -> None:
    (misses,) = (one for one in rank(nova("rebuild", "ACTIVE")) if one.finding.kind == "misses")
    better = next(w for w in infer("rebuild", lifecycle=NOVA) if "stopped/-" in w.from_)
    assert misses.fix == better.lists


def inferred(lifecycle: Lifecycle) -> Iterator[Waiter]:
    """Yield what infer makes for all starts, and for one start of each behaviour alone.

    Of operations that are accepted everywhere and enter no step one stands for all.
    """
    many: dict[str, str] = {}
    for operation, attribute in product(lifecycle.operations, attribute_names(lifecycle)):
        runs = runs_of(lifecycle, operation)
        if len(runs.starts) > MANY and attribute != many.setdefault(operation, attribute):
            continue
        if len(many) > 1 and operation in many:
            continue
        yield from infer(operation, attribute=attribute, lifecycle=lifecycle)
        alike = {
            tuple(risks.items()): start
            for start, risks in risks_by_start(runs, find_attribute(lifecycle, attribute)).items()
        }
        for start in alike.values():
            yield from infer(operation, attribute=attribute, from_=start, lifecycle=lifecycle)


@pytest.mark.parametrize("name", names())
def test_what_infer_makes_passes_check(name: str) -> None:
    lifecycle = find(name)
    failed = [
        (waiter.operation, waiter.attribute, waiter.from_, one.message)
        for waiter in inferred(lifecycle)
        for one in rank(waiter)
        if one.level is not Level.NOTE
    ]
    assert failed == []


def test_what_infer_prints_passes_check(tmp_path: Path) -> None:
    printed = ""
    for operation in ECS.operations:
        out = ecs_fsm("infer", operation, "--as", "toml").out
        printed += out
    file = tmp_path / "waiters.toml"
    file.write_text(printed, encoding="utf-8")
    assert ecs_fsm("check", str(file), "--level", "warning").code == 0


BAD = """
[[waiter]]
name = "a"
operation = "strat"
target = "ACTIVE"

[[waiter]]
name = "b"
operation = "stop"
pending = ["SHUTOFF"]
target = ["SHUTOFF"]

[[waiter]]
name = "c"
operation = "stop"
target = "SHUTOFF"
source = "wait.py:41"
accept = ["hangs"]
reason = "the caller has a time limit"
"""


def test_a_wrong_waiter_is_reported_and_the_others_are_judged() -> None:
    answer = ecs_fsm("check", "-", "--json", given=BAD)
    assert answer.code == 2
    assert [w["name"] for w in json.loads(answer.out)["waiters"]] == ["c"]
    assert answer.err.splitlines() == [
        "ecs-fsm: standard input:4: unknown operation 'strat'; did you mean 'start'?",
        "ecs-fsm: standard input:11: SHUTOFF is in pending and in target: expected each value in "
        "one list",
    ]


GOOD = "\n[[waiter]]\n" + BAD.rpartition("[[waiter]]\n")[2]


def test_what_a_waiter_accepts_is_no_finding() -> None:
    nova = ("--lifecycle", "nova")
    (waiter,) = json.loads(ecs_fsm("check", "-", "--json", *nova, given=GOOD).out)["waiters"]
    assert [one["finding"] for one in waiter["findings"]] == ["blind"]
    text = ecs_fsm("check", "-", *nova, given=GOOD).out
    assert text.startswith("standard input:2: c: 1 finding (1 known)\n")
    more = GOOD.replace('["hangs"]', '["hangs", "misses"]').replace("reason", "#")
    said = ecs_fsm("check", "-", *nova, given=more).out
    assert "note: accept names misses, which is not found: remove it" in said
    assert "note: accept has no reason" in said
    plain = GOOD.partition("accept")[0] + GOOD.partition("reason")[2].partition("\n")[2]
    assert "no reason" not in text + ecs_fsm("check", "-", *nova, given=plain).out
    wrong = ecs_fsm("check", "-", given=GOOD.replace('"hangs"', '"hang"'))
    assert wrong.err.startswith("ecs-fsm: standard input:7: unknown kind of finding 'hang'")


def test_annotations_stand_where_the_loop_is() -> None:
    out = ecs_fsm("check", "-", "--format", "github", "--lifecycle", "nova", given=GOOD).out
    assert out.startswith("::warning file=wait.py,line=41,title=c%3A blind::the waiter waits")


@pytest.mark.parametrize(("level", "code"), [("error", 0), ("warning", 1), ("note", 1)])
def test_the_level_decides_the_exit_code(level: str, code: int) -> None:
    words = ("--operation", "resize", "--target", "VERIFY_RESIZE", "--failure", "ERROR")
    assert ecs_fsm("check", *words, "--level", level).code == code
