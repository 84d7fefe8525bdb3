"""Loops that infer writes: found and passed by the scanner, and run where their clients are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import openstack
import pytest
import tree_sitter_bash
import tree_sitter_go
import yaml
from tree_sitter import Language, Parser

from ecs_fsm.lifecycles.ecs import ECS
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.testing import served, sleepless
from ecs_fsm.waiters import Waiter, infer
from ecs_fsm.waiters.judge import NAMES
from ecs_fsm.waiters.loop_writers import FORMS, WRITERS, write
from ecs_fsm.waiters.scan.configuration import scan_paths
from ecs_fsm.waiters.scan.verdict import JudgedWait, judge
from tests.command import ecs_fsm

BASH = shutil.which("bash") or "/bin/bash"
CIRROS = "70a599e0-31e7-49b7-b260-868f441e862b"
ENDINGS = {"python": ".py", "go": ".go", "terraform": ".go", "ansible": ".yml", "bash": ".sh"}
OPERATIONS = [
    (NOVA, "create"), (NOVA, "delete"), (NOVA, "resize"), (NOVA, "rebuild"),
    (NOVA, "confirm_resize"), (NOVA, "shelve"), (ECS, "stop"), (ECS, "live_migrate"),
]  # fmt: skip


def cases() -> list[tuple[str, list[Waiter]]]:
    return [
        (
            f"{lifecycle.name}_{operation}_{attribute}".replace("+", "_"),
            infer(operation, attribute=attribute, lifecycle=lifecycle),
        )
        for lifecycle, operation in OPERATIONS
        for attribute in NAMES
    ]


CASES = cases()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[JudgedWait]]:
    """Every loop written to a file of its own, and scanned; by form and case."""
    root = tmp_path_factory.mktemp("loops")
    for form, ending in ENDINGS.items():
        for name, waiters in CASES:
            folder = root / form / name
            folder.mkdir(parents=True)
            (folder / f"loop{ending}").write_text(write(waiters, form), encoding="utf-8")
    verdict = judge(scan_paths([str(root)]))
    assert verdict.problems == verdict.unused == ()
    waits: dict[tuple[str, str], list[JudgedWait]] = {}
    for wait in verdict.waits:
        form, name, _ = wait.wait.file.split("/")
        waits.setdefault((form, name), []).append(wait)
    return waits


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize(("name", "waiters"), CASES, ids=lambda part: str(part)[:40])
def test_the_scanner_finds_each_loop_and_passes_it(
    form: str, name: str, waiters: list[Waiter], found: dict[tuple[str, str], list[JudgedWait]]
) -> None:
    waits = found[form, name]
    assert len(waits) == len(waiters)
    for wait, waiter in zip(waits, waiters, strict=True):
        assert wait.reason is None
        (judged,) = wait.waiters
        assert judged.lifecycle is waiter.lifecycle
        assert judged.operation == waiter.operation
        assert [one.message for one in wait.findings if one.level == "error"] == []
        if waiter.target != ("<gone>",):  # a loop until absence alone polls no attribute
            assert judged.attribute == waiter.attribute
            assert judged.reactions() == waiter.reactions()


@pytest.mark.parametrize("form", ["go", "terraform"])
def test_go_parses(form: str) -> None:
    parser = Parser(Language(tree_sitter_go.language()))
    for name, waiters in CASES:
        root = parser.parse(write(waiters, form).encode()).root_node
        assert not root.has_error, name


def test_bash_parses() -> None:
    parser = Parser(Language(tree_sitter_bash.language()))
    for name, waiters in CASES:
        assert not parser.parse(write(waiters, "bash").encode()).root_node.has_error, name


def test_ansible_is_a_task_with_limits() -> None:
    for _, waiters in CASES:
        for task in yaml.safe_load(write(waiters, "ansible")):
            assert {"register", "until", "retries", "delay", "failed_when"} <= {*task}


def test_python_compiles() -> None:
    for name, waiters in CASES:
        compile(write(waiters, "python"), name, "exec")


@pytest.mark.parametrize("form", FORMS)
def test_a_loop_says_what_it_cannot_see(form: str) -> None:
    out = ecs_fsm("infer", "reboot", "--as", form).out
    assert "reports success" in out.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["start", "--as", "go", "--lifecycle", "ec2"], "no loops in go for ec2: expected toml"),
        (["stop", "--as", "go", "--json"], "mutually exclusive"),
    ],
)
def test_a_loop_that_cannot_be_written_is_one_line(words: list[str], said: str) -> None:
    answer = ecs_fsm("infer", *words)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err


def test_toml_is_for_every_lifecycle(tmp_path: Path) -> None:
    file = tmp_path / "ec2.toml"
    file.write_text(ecs_fsm("infer", "start", "--as", "toml", "--lifecycle", "ec2").out)
    assert ecs_fsm("check", str(file), "--lifecycle", "ec2").code == 0


@pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning")
@pytest.mark.filterwarnings("ignore:.*InfluxDB:openstack.warnings.RemovedInSDK60Warning")
@pytest.mark.filterwarnings("ignore:Access to .*IPv:openstack.warnings.LegacyAPIWarning")
def test_the_python_loop_waits_for_servers_of_a_cloud() -> None:
    (waiter,) = infer("resize", from_="stopped/-", lifecycle=NOVA)
    (removal,) = infer("delete", from_="stopped/-", lifecycle=NOVA)
    loops: dict[str, Any] = {}
    for one in (waiter, removal):
        exec(write([one], "python"), loops)  # noqa: S102 - our own
    with served(lifecycle="nova", speed=1e6) as cloud, sleepless():
        login: dict[str, Any] = cloud.auth()
        conn = openstack.connect(**login, region_name="RegionOne")
        server = conn.compute.create_server(
            name="web-1", image_id=CIRROS, flavor_id="1", networks="none"
        )
        conn.compute.wait_for_server(server)
        conn.compute.stop_server(server)
        cloud.advance(600)
        cloud.fault("resize:roll_back@resize_prep*1")
        conn.compute.resize_server(server, "2")
        with pytest.raises(RuntimeError, match="resize failed: SHUTOFF"):
            loops["wait_for_resize"](conn, server.id)
        conn.compute.resize_server(server, "2")
        assert loops["wait_for_resize"](conn, server.id).status == "VERIFY_RESIZE"
        conn.compute.revert_server_resize(server)
        cloud.advance(600)
        conn.compute.delete_server(server)
        assert loops["wait_for_delete"](conn, server.id) is None


@pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning")
@pytest.mark.filterwarnings("ignore:.*InfluxDB:openstack.warnings.RemovedInSDK60Warning")
@pytest.mark.filterwarnings("ignore:Access to .*IPv:openstack.warnings.LegacyAPIWarning")
def test_the_bash_loop_waits_with_the_openstack_command(tmp_path: Path) -> None:
    (waiter,) = infer("stop", from_="active/-", lifecycle=NOVA)
    script = tmp_path / "wait.sh"
    script.write_text(write([waiter], "bash") + '\nwait_for_stop "$@"\n', encoding="utf-8")
    with served(lifecycle="nova", speed=1e6) as cloud:
        login: dict[str, Any] = cloud.auth()
        conn = openstack.connect(**login, region_name="RegionOne")
        server = conn.compute.create_server(
            name="web-1", image_id=CIRROS, flavor_id="1", networks="none"
        )
        conn.compute.wait_for_server(server)
        conn.compute.stop_server(server)
        cloud.advance(600)
        path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
        variables = {f"OS_{name.upper()}": value for name, value in login.items()}
        environment = {**os.environ, **variables, "OS_IDENTITY_API_VERSION": "3", "PATH": path}
        words = [BASH, str(script), "web-1"]
        done = subprocess.run(words, env=environment, check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
