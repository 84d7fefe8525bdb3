"""Profiles fitted to observations: a simulated fleet gives back the profile it was made by."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ecs_fsm import ECS
from ecs_fsm.fleet.fitted_profile import fit, jeffreys
from ecs_fsm.fleet.fitting import SojournData, StateSample, fit_times, observe
from ecs_fsm.fleet.plot import plot_fits
from ecs_fsm.fleet.report import print_fit_check
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.loader import parse, read
from ecs_fsm.profiles.profile import Profile
from tests.command import ecs_fsm
from tests.fleet.reference import follow

MADE_BY = """
extends = "built-in"
[durations]
spawning = { distribution = "lognormal", mean = "60s", sd = "30s" }
powering-on = { distribution = "gamma", mean = 20, shape = 4 }
powering-off = { distribution = "constant", mean = 15 }
reboot_started = { distribution = "weibull", mean = 25, shape = 2.5 }
[fail]
spawning = 0.1
"resized/-" = 0.2
[hang]
reboot_started = 0.05
[requests."resized/-"]
mix = { confirm_resize = 0.995, revert_resize = 0.005 }
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    profile = parse(ECS, MADE_BY, "made.toml")
    _, entries = follow(profile, servers=400, duration="20d", seed=4)
    file = tmp_path_factory.mktemp("fit") / "observed.csv"
    states = list(ECS.states.values())
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("server", "seconds", "vm_state", "task_state"))
        for entry in entries:
            state = states[entry.state]
            row = (f"s{entry.server}", entry.time, state.vm_state, state.task_state or "-")
            writer.writerow(row)
    return file


@pytest.fixture(scope="module")
def fitted(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Profile, str]:
    file = tmp_path_factory.mktemp("fitted") / "mine.toml"
    answer = ecs_fsm("fleet", "fit", str(recording), "-o", str(file))
    assert answer.code == 0
    assert "lognormal" in answer.out
    assert "too little data: durations.resize_reverting" in answer.out
    return read(ECS, str(file)), file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("state", "family", "mean"),
    [
        ("building/spawning", Family.LOGNORMAL, 60),
        ("stopped/powering-on", Family.GAMMA, 20),
        ("active/powering-off", Family.CONSTANT, 15),
        ("active/reboot_started", Family.WEIBULL, 25),
        ("active/migrating", Family.EXPONENTIAL, 90),
    ],
)
def test_times_are_found_again(
    fitted: tuple[Profile, str], state: str, family: Family, mean: float
) -> None:
    time = fitted[0].durations[ECS.states[state]]
    assert time.family is family
    assert time.mean == pytest.approx(mean, rel=0.1)


def test_probabilities_and_requests_are_found_again(fitted: tuple[Profile, str]) -> None:
    profile = fitted[0]
    assert profile.outcomes["fail"][ECS.states["building/spawning"]] == pytest.approx(0.1, abs=0.05)
    assert profile.outcomes["fail"][ECS.states["resized/-"]] == pytest.approx(0.2, abs=0.06)
    assert profile.hang[ECS.states["active/reboot_started"]] == pytest.approx(0.05, abs=0.02)
    active = profile.requests[ECS.states["active/-"]]
    assert active.every.mean == pytest.approx(86400, rel=0.1)
    assert active.mix["reboot"] == pytest.approx(0.33, abs=0.03)


def test_what_is_ambiguous_stays_as_it_was(fitted: tuple[Profile, str]) -> None:
    # A migration that is rolled back looks like one that succeeds.
    assert fitted[0].outcomes["roll_back"][ECS.states["active/migrating"]] == 0.02


def test_every_row_says_its_samples_and_its_fit(fitted: tuple[Profile, str]) -> None:
    lines = [line for line in fitted[1].splitlines() if line.startswith("spawning = {")]
    assert len(lines) == 1
    assert "# n=" in lines[0]
    assert "KS" in lines[0]
    assert "p=" in lines[0]
    assert "Too little data" in fitted[1]


def test_few_samples_are_not_fitted() -> None:
    assert fit_times("few", [1.0] * 29).time is None
    assert fit_times("same", [2.0] * 40).time == Duration(Family.CONSTANT, 2.0)


@pytest.mark.parametrize("shape", [0.5, 2.0])
def test_a_good_fit_is_distinguished_from_a_bad_one(shape: float) -> None:
    draws = np.random.default_rng(1).gamma(shape, 10, 2000)
    found = fit_times("times", draws.tolist())
    assert found.time is not None
    assert found.chance > 0.01
    assert fit_times("two", [1.0, 50.0] * 500).chance < 1e-6


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("vm_state,task_state\nactive,-\n", 0, "no times; expected a column time"),
        ("time,vm_state,task_state\nsoon,active,-\n", 2, 'time is "soon"'),
        ("time,vm_state,task_state\n5,activ,-\n", 2, "did you mean 'active'"),
    ],
)
def test_what_cannot_be_read_is_reported_with_its_line(
    text: str, line: int, expected: str, tmp_path: Path
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text, encoding="utf-8")
    answer = ecs_fsm("fleet", "fit", str(file))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"ecs-fsm: {file}:{line}: " if line else f"ecs-fsm: {file}: ")
    assert expected in answer.err


def test_times_may_be_dates(tmp_path: Path) -> None:
    file = tmp_path / "dates.csv"
    file.write_text(
        "timestamp,vm_state,task_state\n"
        "2026-01-01T00:00:00Z,active,-\n2026-01-01T00:01:00Z,active,powering-off\n"
        "2026-01-01T00:01:30Z,stopped,-\n",
        encoding="utf-8",
    )
    observed = observe(ECS, [str(file)])
    assert observed.states[ECS.states["active/powering-off"]].times == [30.0]
    assert observed.states[ECS.states["active/-"]].times == []  # it was there before
    assert parse(ECS, fit(ECS, observed).text, "x.toml").durations


def test_too_little_data_is_reported_for_durations_of_steps_only(recording: Path) -> None:
    working = {str(s.task_state or s) for s in ECS.states.values() if not ECS.rests(s)}
    fitted = fit(ECS, observe(ECS, [str(recording)]))
    steps = [row.partition(":")[0] for row in fitted.too_little]
    assert steps
    assert {name.removeprefix("durations.") for name in steps} <= working
    resting = {str(s) for s in ECS.states.values() if ECS.rests(s)}
    others = [row.partition(":")[0] for row in fitted.few_requests]
    assert {name.removeprefix("requests.").removesuffix(".every") for name in others} <= resting


def test_no_failure_in_few_trials_is_not_the_probability_zero() -> None:
    found = jeffreys(0, 60)
    assert found.value == pytest.approx(0.5 / 61)
    assert found.low == 0
    assert found.high == pytest.approx(stats.beta(0.5, 60.5).ppf(0.975))
    assert jeffreys(60, 60).high == 1


@pytest.fixture(scope="module")
def counted() -> str:
    data = SojournData(servers=100, changes=600, began=0.0, ended=1000.0)
    data.births = {f"s{n}": 10.0 * n for n in range(1, 100)}
    states = ECS.states
    data.states[states["building/spawning"]] = StateSample(events={"advance": 60})
    data.states[states["active/powering-off"]] = StateSample(events={"roll_back": 60})
    data.states[states["active/deleting"]] = StateSample(events={"advance": 5})
    data.states[states["active/reboot_started"]] = StateSample(events={"advance": 9000})
    return fit(ECS, data).text


def test_what_was_never_seen_keeps_the_built_in_value_and_says_so(counted: str) -> None:
    lines = counted.splitlines()
    assert "# spawning = 0.004  # built-in: 0 of 60, 0 to 0.0408" in lines
    assert "# deleting = 0.001  # built-in: 0 of 5, 0 to 0.379, 30 are needed" in lines
    profile = parse(ECS, counted, "fitted.toml")
    assert profile.outcomes["fail"][ECS.states["building/spawning"]] == 0.004


def test_a_built_in_value_that_the_data_contradict_goes(counted: str) -> None:
    profile = parse(ECS, counted, "fitted.toml")
    assert profile.hang[ECS.states["active/reboot_started"]] == pytest.approx(0.5 / 9001, abs=1e-6)


def test_a_step_that_always_ends_one_way_makes_a_valid_profile(counted: str) -> None:
    profile = parse(ECS, counted, "fitted.toml")
    step = ECS.states["active/powering-off"]
    assert profile.outcomes["roll_back"][step] + profile.hang[step] <= 1
    assert profile.outcomes["roll_back"][step] > 0.98


def test_arrivals_are_fitted(counted: str) -> None:
    arrivals = parse(ECS, counted, "fitted.toml").arrivals
    assert arrivals.kind == "poisson"
    assert arrivals.every == pytest.approx(10, rel=0.05)


def test_servers_created_at_the_beginning_are_fixed(fitted: tuple[Profile, str]) -> None:
    assert fitted[0].arrivals.kind == "fixed"
    assert "400 of 400 at the beginning" in fitted[1]


def test_shares_of_facts_are_fitted() -> None:
    data = SojournData()
    data.facts["boot"] = {f"s{n}": {"volume" if n % 4 else "image": 3} for n in range(40)}
    text = fit(NOVA, data).text
    shares = parse(NOVA, text, "fitted.toml").facts
    assert shares["boot"]["volume"] == pytest.approx(30.5 / 41)
    assert shares["offload"]["now"] == 0.9
    assert "facts.offload: n=0, 30 are needed" in text


def test_check_tests_each_time(recording: Path) -> None:
    answer = ecs_fsm("fleet", "fit", str(recording), "--check")
    assert answer.code == 0
    assert "compared by the Kolmogorov-Smirnov test at 1 in 1,000: all hold" in answer.out
    assert "[durations]" not in answer.out


def test_measured_and_fitted_times_are_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "fitted.svg"
    plot_fits([fit_times("durations.one", [1.0, 2.0, 4.0] * 20)], str(picture))
    drawn = picture.read_text(encoding="utf-8")
    assert "durations.one: " in drawn
    assert "grey: measured, line: fitted" in drawn


def test_a_time_of_no_family_does_not_hold() -> None:
    found = fit_times("two", [1.0, 100.0] * 100)
    assert not print_fit_check([found])
