"""The waiters that botocore ships, judged; and what is said where it cannot be done."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path

import pytest

from ecs_fsm.lifecycles import load, server_class
from ecs_fsm.waiters.botocore_waiters import read_shipped
from tests.command import ecs_fsm

HERE = Path(__file__).parent
EBS = HERE / "ebs.toml"


def found(lifecycle_name: str) -> dict[str, list[str]]:
    """What is wrong with each waiter of ec2 for a lifecycle: the kind, and where it ends."""
    named = lifecycle_name.endswith(".toml")
    lifecycle = load(lifecycle_name) if named else server_class(lifecycle_name).lifecycle
    return {
        waiter.name: [f"{f.kind}: {f.message.partition(' although')[0]}" for f in waiter.findings()]
        for waiter, _, _ in read_shipped("ec2", lifecycle)
    }


def test_the_waiters_of_instances_are_judged() -> None:
    assert found("ec2") == {
        "InstanceRunning after launch": [],
        "InstanceRunning after start": ["hangs: the waiter waits forever at stopped"],
        "InstanceStopped after stop": [],
        "InstanceTerminated after terminate": [],
    }


def test_states_are_the_words_of_the_apis_own_model() -> None:
    loaders = import_module("botocore.loaders")
    shapes = loaders.Loader().load_service_model("ec2", "service-2")["shapes"]
    for lifecycle, shape in (
        (server_class("ec2").lifecycle, "InstanceStateName"),
        (load(EBS), "VolumeState"),
    ):
        assert {*lifecycle.states} - {"(gone)"} == {*shapes[shape]["enum"]}


def test_the_waiters_of_volumes_are_judged() -> None:
    assert found(str(EBS)) == {
        "VolumeAvailable after create": ["blind: the waiter waits forever at error"],
        "VolumeAvailable after detach": [],
        "VolumeInUse after attach": [],
        "VolumeDeleted after delete": [],
    }


def test_the_lists_are_those_of_botocores_file() -> None:
    launch, *_, terminate = (w for w, _, _ in read_shipped("ec2", server_class("ec2").lifecycle))
    assert (launch.target, launch.failure) == (
        ("running",),
        ("shutting-down", "terminated", "stopping"),
    )
    assert (terminate.target, terminate.failure) == (("terminated",), ("pending", "stopping"))


def test_the_command_prints_findings_and_exits_with_1() -> None:
    words = ["check", "--botocore", "ec2", "--lifecycle", "ec2"]
    answer = ecs_fsm(*words, "--level", "warning")
    assert ecs_fsm(*words).code == 0
    assert (answer.code, answer.err) == (1, "")
    assert answer.out.splitlines()[-1] == "4 waiters, 1 finding"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("ec3 --lifecycle ec2", "unknown service of botocore 'ec3'"),
        ("ec2", "ecs has no ecs.botocore.toml beside it"),
        ("iam --lifecycle ec2", "ec2.botocore.toml:4: unknown waiter of botocore"),
        ("ec2 --lifecycle ec2 --operation stop", "--botocore takes no PATH and no options"),
    ],
)
def test_what_cannot_be_judged_is_said_in_one_line(words: str, said: str) -> None:
    answer = ecs_fsm("check", "--botocore", *words.split())
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('name = "VolumeInUse"', "no name or no operation"),
        ('name = "VolumeInUse"\noperation = "attach"\nto = "x"', "unknown key 'to'"),
        ('name = "VolumeInUse"\noperation = "atach"', "atach"),
        ('name = "InstanceRunning"\noperation = "attach"', "polls Reservations[].Instances[].State.Name"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_an_error_at_its_line(row: str, said: str, tmp_path: Path) -> None:
    file = shutil.copy(EBS, tmp_path / "ebs.toml")
    (tmp_path / "ebs.botocore.toml").write_text(f"# mine\n[[waiter]]\n{row}\n", encoding="utf-8")
    answer = ecs_fsm("check", "--botocore", "ec2", "--lifecycle", str(file))
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "ebs.botocore.toml:2: " in answer.err
    assert said in answer.err
