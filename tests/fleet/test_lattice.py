"""How long requests take, exactly: against closed forms, and against simulated fleets."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ecs_fsm import ECS, fleet
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.fleet.lattice import POINTS, AbsorbingChain, Distribution, passage_time
from ecs_fsm.fleet.result import FleetResult
from ecs_fsm.fleet.tally import bin_edges
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.loader import parse

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
FAST, SLOW = Duration(Family.EXPONENTIAL, 10), Duration(Family.EXPONENTIAL, 60)
LOGNORMAL = Duration(Family.LOGNORMAL, 60, 30)
SIGMA = math.sqrt(math.log(1.25))
WEIBULL = Duration(Family.WEIBULL, 60 * math.gamma(1 + 1 / 0.7), 0.7)


def in_a_row(*times: Duration) -> AbsorbingChain:
    """One step after the other."""
    size = len(times)
    return AbsorbingChain(times, np.eye(size, k=1), np.eye(size)[-1], np.eye(size)[0], 0.0)


def over(steps: AbsorbingChain) -> Distribution:
    return passage_time(steps, 2.0**-6, 18)


CLOSED: dict[str, tuple[AbsorbingChain, Curve]] = {
    "lognormal": (
        in_a_row(LOGNORMAL),
        stats.lognorm(SIGMA, scale=60 * math.exp(-(SIGMA**2) / 2)).cdf,
    ),
    "weibull": (in_a_row(WEIBULL), stats.weibull_min(0.7, scale=60).cdf),
    "gamma 2.5": (
        in_a_row(Duration(Family.GAMMA, 60, 2.5)),
        stats.gamma(2.5, scale=24).cdf,
    ),
    "gamma 2.5 as five of 0.5": (
        in_a_row(*[Duration(Family.GAMMA, 12, 0.5)] * 5),
        stats.gamma(2.5, scale=24).cdf,
    ),
    "hypoexponential": (
        in_a_row(FAST, SLOW),
        lambda t: 1 - (60 * np.exp(-t / 60) - 10 * np.exp(-t / 10)) / 50,
    ),
    "again and again": (  # a sum of a geometric number of exponential times is an exponential one
        AbsorbingChain([FAST], np.array([[0.75]]), np.array([0.25]), np.array([1.0]), 0.0),
        stats.expon(scale=40).cdf,
    ),
    "either or, or none": (
        AbsorbingChain([FAST, SLOW], np.zeros((2, 2)), np.ones(2), np.array([0.3, 0.5]), 0.2),
        lambda t: 1 - 0.3 * np.exp(-t / 10) - 0.5 * np.exp(-t / 60),
    ),
    "some never end": (
        AbsorbingChain([FAST, SLOW], np.zeros((2, 2)), np.array([0.5, 0.1]), np.full(2, 0.5), 0.0),
        lambda t: 1 - (0.25 * np.exp(-t / 10) + 0.05 * np.exp(-t / 60)) / 0.3,
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_what_has_a_closed_form_follows_it(name: str) -> None:
    steps, closed = CLOSED[name]
    found = over(steps)
    assert found.times[0] == 2.0**-6
    assert found.times[-1] == 2.0**12
    assert np.abs(found.shares - closed(found.times)).max() < 5e-6
    assert steps.jump_share == 0


@pytest.mark.parametrize("mean", [40.0, 41.3])
def test_a_constant_time_is_a_step(mean: float) -> None:
    steps = in_a_row(Duration(Family.CONSTANT, mean))
    found = over(steps)
    near = np.abs(found.times - mean) < 2 * mean / POINTS
    after = np.where(found.times > mean, 1.0, 0.0)
    assert found.shares[~near] == pytest.approx(after[~near], abs=1e-9)
    assert steps.jump_share == 1


def test_observed_times_are_steps_that_add_up() -> None:
    seen = Duration(Family.EMPIRICAL, 4.0, 0.0, (2.0, 2.0, 8.0))
    steps = in_a_row(seen, Duration(Family.CONSTANT, 16.0))
    within = over(steps).within(np.array([17.5, 18.5, 23.5, 24.5]))
    assert within == pytest.approx([0, 2 / 3, 2 / 3, 1], abs=1e-9)
    assert steps.jump_share == 1


def test_a_constant_time_moves_what_is_smooth() -> None:
    steps = in_a_row(Duration(Family.CONSTANT, 41.3), SLOW)
    found = over(steps)
    away = np.abs(found.times - 41.3) > 1
    closed = np.where(found.times > 41.3, -np.expm1(-(found.times - 41.3) / 60), 0)
    assert np.abs(found.shares - closed)[away].max() < 5e-6
    assert steps.jump_share == 0


FAMILIES = """
extends = "built-in"
[durations]
networking = { distribution = "lognormal", mean = "60s", sd = "30s" }
spawning = { distribution = "weibull", mean = "60s", shape = 0.7 }
scheduling = { distribution = "gamma", mean = 3, shape = 0.4 }
powering-off = { distribution = "gamma", mean = 30, shape = 2.5 }
powering-on = { distribution = "lognormal", mean = "30s", sd = "3s" }
deleting = { distribution = "constant", mean = 10.7 }
reboot_pending = { distribution = "constant", mean = 3 }
migrating = { distribution = "empirical", file = "times.txt" }
"""


def simulated(folder: Path) -> FleetResult:
    (folder / "times.txt").write_text("3.3s 61.3s 66.3s 121.3s\n", encoding="utf-8")
    profile = parse(ECS, FAMILIES, str(folder / "mine.toml"))
    return fleet.run(profile, servers=20_000, duration="10d", seed=6, threads=2)


def far(result: FleetResult, other: FleetResult, name: str) -> tuple[float, float]:
    """How far simulated times are from the exact ones of another fleet, and from where on too far.

    The Dvoretzky-Kiefer-Wolfowitz inequality says it, at one in a million for all operations.
    """
    chosen = [n for n, g in enumerate(result.compiled.classes) if g.operation == name]
    counts = {n: int(result.tally.requested[n]) for n in chosen if result.tally.requested[n]}
    exact = Exact(other.compiled)
    found = passage_time(exact.chain_of(exact.weights_of(counts)), 2.0**-10, 34)
    wait = result.requests_of(chosen)
    upto = np.cumsum(wait.histogram)[:-1] / wait.rested
    off = np.abs(upto - found.within(bin_edges()[1:])).max()
    return float(off), math.sqrt(math.log(2e6 * len(result.requests())) / 2 / wait.rested)


def test_simulated_times_of_every_family_follow_the_exact_law(tmp_path: Path) -> None:
    result = simulated(tmp_path)
    for name, wait in result.requests().items():
        off, too_far = far(result, result, name)
        assert off < too_far, name
        assert wait.rested > 500


def test_simulated_times_do_not_follow_another_law(tmp_path: Path) -> None:
    result = simulated(tmp_path)
    (tmp_path / "other").mkdir()
    text = FAMILIES.replace('"30s", sd', '"31s", sd').replace("shape = 0.7", "shape = 0.8")
    (tmp_path / "other" / "times.txt").write_text("3.3s 61.3s 121.3s\n", encoding="utf-8")
    other = parse(ECS, text, str(tmp_path / "other" / "mine.toml"))
    wrong = fleet.run(other, servers=1, duration="1s")
    found = {name: far(result, wrong, name) for name in result.requests()}
    assert {name for name, (off, too_far) in found.items() if off > too_far} == {
        "create", "live_migrate", "start",
    }  # fmt: skip
