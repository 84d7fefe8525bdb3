"""Profiles: what reads, what does not, and what the built-in ones say of their numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ecs_fsm import ECS, InvalidInput, Lifecycle
from ecs_fsm.lifecycles import names, server_class
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.durations import Duration, Family, seconds
from ecs_fsm.profiles.loader import built_in, built_in_text, changed, parse, read
from ecs_fsm.profiles.process import Activity, Sojourn, process
from tests.command import ecs_fsm

BASE = 'extends = "built-in"\n'


@pytest.mark.parametrize("name", names())
def test_the_built_in_profile_says_where_each_number_comes_from(name: str) -> None:
    text = built_in_text(server_class(name).lifecycle)
    table = ""
    sourced = re.search(r"\.mix\]\s+# \[A\] all of them", text) is not None
    for line in text.splitlines():
        if line.startswith("["):
            table = line
        whole = sourced and ".mix]" in table
        if re.search(r"=.*\d", line) and not re.match("#|lifecycle", line) and not whole:
            source = re.search(r"#.*\[(A|D|MH12)\]", line)
            assert source, line
            assert f"#   [{source[1]}]" in text
    assert "assumption" in text


@pytest.mark.parametrize(
    ("lifecycle", "published"), [(ECS, 96.9), (NOVA, 44.2)], ids=["ecs", "nova"]
)
def test_a_creation_takes_as_long_as_was_published(lifecycle: Lifecycle, published: float) -> None:
    durations = built_in(lifecycle).durations
    steps = (state for state in durations if state.startswith("building/"))
    steps = (state for state in steps if not state.endswith("/deleting"))
    assert sum(durations[state].mean for state in steps) == pytest.approx(published)


@pytest.mark.parametrize(
    ("word", "meant"),
    [("90s", 90), ("2m", 120), ("1.5h", 5400), ("30d", 2592000), (7, 7), ("5", 5)],
)
def test_times_are_seconds_or_words(word: object, meant: float) -> None:
    assert seconds(word) == meant


@pytest.mark.parametrize("word", ["", "2 parsecs", "-1s", -1, True, None, float("nan"), "1s2"])
def test_an_invalid_duration_is_an_error(word: object) -> None:
    with pytest.raises(InvalidInput, match="invalid duration"):
        seconds(word)


WRONG = {
    "unknown table": ("nonsense = 1", 2, "nonsense", "unknown key"),
    "unknown step": ("[durations]\nspawnin = 3", 3, "durations.spawnin", "did you mean 'spawning'"),
    "over one": ("[fail]\nspawning = 1.5", 3, "fail.spawning", "a probability from 0 to 1"),
    "together over one": (
        "[fail]\nspawning = 0.6\n[hang]\nspawning = 0.5",
        5,
        "hang.spawning",
        "1",
    ),
    "negative": ('[durations]\nspawning = "-3s"', 3, "durations.spawning", "expected seconds >= 0"),
    "negative number": (
        "[durations]\nspawning = -3",
        3,
        "durations.spawning",
        "expected seconds >= 0",
    ),
    "not accepted": (
        '[requests."active/-"]\nevery = 9\nmix = { start = 1.0 }',
        4,
        'requests."active/-".mix.start',
        "does not accept start",
    ),
    "shares": ('[requests."active/-"]\nmix = { stop = 0.5 }', 3, 'requests."active/-".mix', "0.5"),
    "not at rest": ('[requests."active/migrating"]\nevery = 9', 2, "requests", "resting state"),
    "impossible event": ("[reschedule]\nmigrating = 0.1", 3, "reschedule.migrating", "step"),
    "family": (
        '[durations]\nspawning = { distribution = "normal", mean = 3 }',
        3,
        "durations.spawning.distribution",
        "expected one of exponential, lognormal",
    ),
    "second parameter": (
        '[durations]\nspawning = { distribution = "gamma", mean = 3 }',
        3,
        "durations.spawning.shape",
        "a number above 0",
    ),
    "no TOML": ("[durations", 2, "", "not valid TOML"),
    "no file": (
        '[durations]\nspawning = { distribution = "empirical", file = "nowhere.txt" }',
        3,
        "durations.spawning.file",
        "does not read",
    ),
    "no time on average": (
        '[durations]\nspawning = { distribution = "lognormal", mean = 0, sd = 1 }',
        3,
        "durations.spawning.mean",
        "is 0; expected more than 0",
    ),
    "arrivals at work": (
        '[arrivals]\nkind = "none"\nstate = "active/migrating"',
        4,
        "arrivals.state",
        "unknown resting state 'active/migrating'",
    ),
    "arrivals": ('[arrivals]\nkind = "sometimes"', 3, "arrivals.kind", "fixed, poisson, none"),
    "capacity": ("[resources.scheduler]\ncapacity = 0", 3, "resources.scheduler.capacity", "whole"),
    "outcomes of a step": (
        "[fail]\nspawning = 0.7\n[reschedule]\nspawning = 0.6",
        5,
        "reschedule.spawning",
        "is over 1",
    ),
    "outcomes of a state": (
        '[fail]\nspawning = 0.7\n[reschedule]\n"building/spawning" = 0.6',
        5,
        'reschedule."building/spawning"',
        "fail 0.7 + reschedule 0.6 is over 1",
    ),
    "a key of a resource": (
        "[resources.scheduler]\ncapacity = 1\nroom = 2",
        4,
        "resources.scheduler",
        "unknown key 'room'",
    ),
    "a share": (
        '[requests."active/-"]\nevery = 9\nmix = { stop = 1.5, delete = -0.5 }',
        4,
        'requests."active/-".mix.stop',
        "from 0 to 1",
    ),
    "weights": ("[replay]\nfial = 1", 3, "replay.fial", "did you mean 'fail'"),
    "facts": ("[facts]\nboot = { image = 1.0 }", 3, "facts.boot", "unknown key"),
}


@pytest.mark.parametrize(("text", "line", "key", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_reported_with_file_line_and_key(
    text: str, line: int, key: str, expected: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(BASE + text, encoding="utf-8")
    answer = ecs_fsm("fleet", "run", "--servers", "1", "--duration", "1d", "--profile", str(file))
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert f"{file}:{line}: {key}" in answer.err
    assert expected in answer.err


def test_a_profile_that_stands_alone_says_everything() -> None:
    with pytest.raises(InvalidInput, match="expected a time for scheduling"):
        parse(ECS, "", "mine.toml")
    assert parse(ECS, built_in_text(ECS), "ecs.toml") == built_in(ECS)


def test_a_profile_of_another_lifecycle_is_refused() -> None:
    with pytest.raises(InvalidInput, match="lifecycle: expected 'ecs'"):
        parse(ECS, 'lifecycle = "nova"', "mine.toml")


def test_samples_are_read_beside_the_profile(tmp_path: Path) -> None:
    (tmp_path / "times.txt").write_text("3s\n1m\n", encoding="utf-8")
    file = tmp_path / "mine.toml"
    file.write_text(
        BASE + '[durations]\nspawning = { distribution = "empirical", file = "times.txt" }',
        encoding="utf-8",
    )
    found = read(ECS, str(file)).durations[ECS.states["building/spawning"]]
    assert found == Duration(Family.EMPIRICAL, 31.5, 0.0, (3.0, 60.0))


def test_one_number_can_be_changed() -> None:
    profile = changed(built_in(ECS), ["fail.spawning=0.05", "durations.migrating=2m"])
    assert profile.outcomes["fail"][ECS.states["building/spawning"]] == 0.05
    assert profile.durations[ECS.states["active/migrating"]].mean == 120
    with pytest.raises(InvalidInput, match=r"fail\.spawning: is 2"):
        changed(built_in(ECS), ["fail.spawning=2"])
    with pytest.raises(InvalidInput, match=r"expected TABLE\.KEY=VALUE"):
        changed(built_in(ECS), ["spawning"])


def test_the_built_in_profile_can_be_printed_and_read_again(tmp_path: Path) -> None:
    for lifecycle in (ECS, NOVA):
        answer = ecs_fsm("fleet", "profile", "--lifecycle", lifecycle.name)
        file = tmp_path / "printed.toml"
        file.write_text(answer.out, encoding="utf-8")
        assert read(lifecycle, str(file)) == built_in(lifecycle)


def nova_sojourns(*changes: str) -> dict[str, list[Sojourn]]:
    """Sojourns of the built-in profile of Nova with some changes, by state; hung ones are marked."""
    found: dict[str, list[Sojourn]] = {}
    for at, sojourn in process(changed(built_in(NOVA), changes)).items():
        if at.node is not None:
            found.setdefault(f"{at.node.state}{' hangs' if at.hangs else ''}", []).append(sojourn)
    return found


def jumps(sojourns: list[Sojourn]) -> set[tuple[str | None, str]]:
    return {(j.event, str(j.target.node.state)) for s in sojourns for j in s.jumps if j.target.node}


def test_a_fleet_has_no_build_timeouts_and_no_restarts_unless_it_is_told() -> None:
    usual = {event for own in nova_sojourns().values() for event, _ in jumps(own)}
    assert not usual & {"build_timeout", "restart"}
    timeouts = nova_sojourns("build_timeout.spawning=0.1")
    assert ("build_timeout", "error/spawning") in jumps(timeouts["building/spawning"])
    assert {event for event, _ in jumps(timeouts["error/spawning"])} == {"delete"}


def test_a_restart_with_a_broken_network_leaves_tasks_in_error_for_as_long_as_nobody_asks() -> None:
    shares = ("facts.vif={ok=0.5,broken=0.5}", "facts.guest={on=0.5,off=0.4,paused=0.1}")
    found = nova_sojourns("restart.rescuing=0.1", "restart.image_backup=0.1", *shares)
    assert ("restart", "error/image_backup") in jumps(found["active/image_backup"])
    stuck = [s for s in found["error/rescuing"] if s.activity is not Activity.WORKS]
    assert stuck
    assert {event for event, _ in jumps(stuck)} <= {"delete", "reset_state_error"}


def test_a_delete_that_hangs_is_reset_and_not_asked_for_again() -> None:
    found = nova_sojourns()
    assert {event for event, _ in jumps(found["active/deleting hangs"])} == {"reset_state_error"}
    again = nova_sojourns('stuck.ask=["delete"]')["active/deleting hangs"]
    assert {sojourn.activity for sojourn in again} == {Activity.LOST}
