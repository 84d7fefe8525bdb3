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

WITH_PROFILE = ("ecs", "nova", "ecs-2022")


@pytest.mark.parametrize("name", [n for n in names() if n != "nova"])
def test_a_blank_profile_reads_and_makes_a_process(name: str) -> None:
    lifecycle = server_class(name).lifecycle
    profile = parse(lifecycle, text(lifecycle), "blank.toml")
    states = {at.node.state for at in process(profile) if at.node}
    assert {*profile.durations} >= {s for s in states if not lifecycle.rests(s)}


@pytest.mark.parametrize("name", WITH_PROFILE)
def test_a_lifecycle_with_a_profile_of_its_own_uses_it(name: str) -> None:
    assert built_in(server_class(name).lifecycle).lifecycle.name == name


def test_a_profile_beside_a_lifecycles_file_is_its_own(tmp_path: Path) -> None:
    source = Path(server_class("ec2").lifecycle.file or "")
    file = tmp_path / "mine.toml"
    file.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    lifecycle = load(file)
    with pytest.raises(InvalidInput, match="no profile comes with the lifecycle ec2"):
        built_in(lifecycle)
    (tmp_path / "mine.profile.toml").write_text(text(lifecycle), encoding="utf-8")
    assert built_in(lifecycle).requests.keys() == {"running", "stopped"}


def test_a_state_where_steps_end_well_is_no_error() -> None:
    found = {}
    for name in ("ec2", "cinder", "ecs"):
        lifecycle = server_class(name).lifecycle
        found[name] = {*error_states(parse(lifecycle, text(lifecycle), "blank.toml"))}
    assert found == {"ec2": set(), "cinder": {"error"}, "ecs": {"error/-"}}


def test_the_command_says_what_is_missing_and_prints_one_to_fill_in() -> None:
    missing = ecs_fsm("fleet", "profile", "--lifecycle", "ec2")
    assert (missing.code, missing.err.count("\n")) == (2, 1)
    assert "`ecs-fsm fleet profile --template` prints one to fill in" in missing.err
    printed = ecs_fsm("fleet", "profile", "--template", "--lifecycle", "ec2")
    assert printed == (0, text(server_class("ec2").lifecycle), "")
