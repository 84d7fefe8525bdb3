"""A profile to fill in: it can be used as it is, for every lifecycle."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecs_fsm import InvalidInput
from ecs_fsm.lifecycles import load, names, server_class
from ecs_fsm.profiles.blank_profile import text
from ecs_fsm.profiles.loader import built_in, parse
from ecs_fsm.profiles.process import error_states, process
from tests.command import ecs_fsm


@pytest.mark.parametrize("name", [n for n in names() if n != "nova"])
def test_a_blank_profile_reads_and_makes_a_process(name: str) -> None:
    lifecycle = server_class(name).lifecycle
    profile = parse(lifecycle, text(lifecycle), "blank.toml")
    states = {at.node.state for at in process(profile) if at.node}
    assert {*profile.durations} >= {s for s in states if not lifecycle.rests(s)}


@pytest.mark.parametrize("name", names())
def test_every_lifecycle_that_ships_has_a_profile_of_every_step(name: str) -> None:
    lifecycle = server_class(name).lifecycle
    profile = built_in(lifecycle)
    states = {at.node.state for at in process(profile) if at.node}
    working = {s for s in states if not lifecycle.rests(s)}
    assert working <= {*profile.durations}
    resting = {s for s in states - working if not s.task_state and lifecycle.leaving(s)}
    unasked = resting - {*profile.requests}
    assert all(t.trigger in lifecycle.events for s in unasked for t in lifecycle.leaving(s))


def test_a_profile_beside_a_lifecycles_file_is_its_own(tmp_path: Path) -> None:
    source = Path(server_class("ec2").lifecycle.file or "")
    file = tmp_path / "mine.toml"
    file.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    lifecycle = load(file)
    with pytest.raises(InvalidInput, match="no profile comes with the lifecycle ec2"):
        built_in(lifecycle)
    (tmp_path / "mine.profile.toml").write_text(text(lifecycle), encoding="utf-8")
    assert built_in(lifecycle).requests.keys() == {"running", "stopped"}


def test_a_state_where_steps_end_well_is_not_an_error() -> None:
    found = {}
    for name in ("ec2", "cinder", "ecs", "nova", "ironic"):
        found[name] = {*error_states(built_in(server_class(name).lifecycle))}
    assert found == {
        "ec2": set(),
        "cinder": {
            "error", "error_deleting", "error_extending", "error_managing", "error_restoring",
            "error_unmanaging",
        },
        "ecs": {"error/-"},
        "nova": {"error/-"},
        "ironic": {
            "adopt failed", "clean failed", "deploy failed", "error", "inspect failed",
            "rescue failed", "service failed", "unrescue failed",
        },
    }  # fmt: skip


def test_the_command_says_what_is_missing_and_prints_one_to_fill_in(tmp_path: Path) -> None:
    file = tmp_path / "lamp.toml"
    file.write_text(LAMP, encoding="utf-8")
    for command in (
        ("profile",),
        ("run", "--servers", "3", "--duration", "1d"),
        ("exact",),
        ("contend", "--servers", "3", "--duration", "1d"),
    ):
        missing = ecs_fsm("fleet", *command, "--lifecycle", str(file))
        assert (missing.code, missing.err.count("\n")) == (2, 1)
        assert "`ecs-fsm fleet profile --template` prints one to fill in" in missing.err
    printed = ecs_fsm("fleet", "profile", "--template", "--lifecycle", str(file))
    assert printed == (0, text(load(file)), "")
    filled = tmp_path / "mine.toml"
    filled.write_text(printed.out.replace('# "warm" = 0.001', '"warm" = 0.001').replace("# [", "["))
    ran = ecs_fsm("fleet", "exact", "--lifecycle", str(file), "--profile", str(filled))
    assert (ran.code, "light" in ran.out) == (0, True)


LAMP = """
name = "lamp"
[attributes]
status = "light"
[statuses]
off = { meaning = "Dark." }
warm = { meaning = "Nearly." }
on = { meaning = "Light." }
[operations.mount]
meaning = "Mount it."
paths = { "(no server)" = "off" }
[operations.switch]
meaning = "Switch it."
paths = { off = "warm -> on", on = "off" }
[events.fail]
kind = "failure"
meaning = "It stays dark."
paths = { warm = "off" }
"""
