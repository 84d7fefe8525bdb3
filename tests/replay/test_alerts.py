"""Rules about steps that take too long, read by what reads them: YAML, and a database."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.loader import built_in
from tests.command import ecs_fsm

SELECTOR = re.compile(r'(openstack_nova_server_\w+)\{(\w+)="([^"{}]+)"\}( > 0)?')


def groups(*options: str) -> dict[str, list[dict[str, Any]]]:
    code, out, err = ecs_fsm("alerts", "--format", "prometheus", *options)
    assert (code, err) == (0, "")
    document = yaml.safe_load(out)
    assert list(document) == ["groups"]
    return {group["name"].split()[-1]: group["rules"] for group in document["groups"]}


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=lambda one: one.name)
def test_every_task_has_one_rule_with_the_limit_of_the_profile(lifecycle: Lifecycle) -> None:
    durations = built_in(lifecycle).durations
    wanted: dict[str, float] = {}
    for state, time in durations.items():
        if state.task_state:
            limit = time.quantile(0.99)
            wanted[state.task_state.value] = max(wanted.get(state.task_state.value, 0), limit)
    found: dict[str, float] = {}
    for rule in groups("--lifecycle", lifecycle.name)["tasks"]:
        metric, label, task, _ = SELECTOR.fullmatch(rule["expr"]).groups()  # type: ignore[union-attr]
        assert (metric, label) == ("openstack_nova_server_task_state", "task_state")
        assert rule["labels"]["task_state"] == task
        assert task not in found
        found[task] = float(rule["for"].removesuffix("s"))
        assert "delete" in rule["annotations"]["description"]
        assert "{{ $labels.id }}" in rule["annotations"]["summary"]
    assert found.keys() == wanted.keys()
    assert all(0 <= found[task] - wanted[task] <= 1 for task in wanted)


def test_a_status_that_only_steps_show_has_the_sum_of_their_limits() -> None:
    rules = groups()["statuses"]
    found = {SELECTOR.fullmatch(rule["expr"])[3]: rule["for"] for rule in rules}  # type: ignore[index]
    assert {"ACTIVE", "SHUTOFF", "ERROR", "DELETED"}.isdisjoint(found)
    assert found["REBOOT"] == "125s"  # 1 s, 1 s and 25 s on average: 4.605 times their sum


def test_a_given_limit_holds_for_all() -> None:
    assert {rule["for"] for rule in groups("--overdue", "10m")["tasks"]} == {"600s"}


def rows(sql: str, minutes: int, task: str | None, deleted: int = 0) -> list[tuple[object, ...]]:
    with sqlite3.connect(":memory:") as database:
        database.execute(
            "CREATE TABLE instances (uuid TEXT, host TEXT, vm_state TEXT, task_state TEXT, "
            "updated_at DATETIME, deleted INTEGER)"
        )
        database.execute(
            "INSERT INTO instances VALUES ('u', 'h', 'active', ?, datetime('now', ?), ?)",
            (task, f"-{minutes} minutes", deleted),
        )
        return database.execute(sql).fetchall()


def test_the_query_finds_what_takes_too_long() -> None:
    code, sql, _ = ecs_fsm("alerts", "--format", "sql")
    assert code == 0
    ((uuid, host, vm_state, task, _, seconds, limit),) = rows(sql, 3, "powering-off")
    assert (uuid, host, vm_state, task, limit) == ("u", "h", "active", "powering-off", 139)
    assert 179 <= int(str(seconds)) <= 185
    assert rows(sql, 2, "powering-off") == []
    assert rows(sql, 9999, None) == []
    assert rows(sql, 3, "powering-off", deleted=7) == []


def test_dialects_differ_in_the_clock_alone() -> None:
    texts = [
        ecs_fsm("alerts", "--format", "sql", "--dialect", d).out for d in ("mysql", "postgresql")
    ]
    assert (
        "TIMESTAMPDIFF(SECOND, instances.updated_at, UTC_TIMESTAMP()) > limits.seconds" in texts[0]
    )
    assert "EXTRACT(EPOCH FROM" in texts[1]


def test_rules_are_written_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "rules.yml"
    assert ecs_fsm("alerts", "--format", "prometheus", "-o", str(target)) == (0, "", "")
    assert yaml.safe_load(target.read_text(encoding="utf-8"))["groups"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--format", "prometheus", "--dialect", "mysql"], "--dialect is for sql; prometheus has none"),
        (["--format", "sql", "--overdue", "x"],
         "--overdue 'x': expected a percentile such as p99.9, or a time such as 10m"),
        (["--format", "sql", "--lifecycle", "cinder"],
         "the lifecycle cinder has no task_state; alerts are about tasks"),
    ],
    ids=["dialect", "limit", "no tasks"],
)  # fmt: skip
def test_what_cannot_be_is_one_line(options: list[str], error: str) -> None:
    assert ecs_fsm("alerts", *options) == (2, "", f"ecs-fsm: {error}\n")
