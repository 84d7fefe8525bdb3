"""The process of a profile: its jumps are all that can happen, and their probabilities add up."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from scipy import stats

from ecs_fsm import ECS, InvalidInput, Lifecycle
from ecs_fsm.fleet.arrays import compile_profile
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.loader import built_in, parse
from ecs_fsm.profiles.process import FINAL, Activity, ChainState, process, time_spent
from ecs_fsm.profiles.profile_validation import NONE, POISSON

BASE = 'extends = "built-in"\n'


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_the_jumps_of_each_sojourn_are_outcomes_and_add_up_to_one(lifecycle: Lifecycle) -> None:
    found = process(built_in(lifecycle))
    assert next(iter(found)) == ChainState(None)
    for at, sojourn in found.items():
        chances = [jump.probability for jump in sojourn.jumps]
        assert all(chance > 0 for chance in chances)
        assert sum(chances) == pytest.approx(0 if sojourn.activity in FINAL else 1)
        assert {jump.target for jump in sojourn.jumps} <= {*found}
        if sojourn.activity in (Activity.WORKS, Activity.RESTS):
            possible = {
                (o.transition.trigger, o.transition.path, o.end)
                for o in lifecycle.state_graph.outcomes(at.node)
            }
            happening = [j for j in sojourn.jumps if j.event is not None]
            assert {(j.event, j.entered, j.target.node) for j in happening} <= possible
            assert all(jump.target.hangs for jump in sojourn.jumps if jump.event is None)


def test_arrivals_are_read() -> None:
    poisson = parse(
        ECS, f'{BASE}[arrivals]\nkind = "poisson"\nevery = "5m"\n', "mine.toml"
    ).arrivals
    assert (poisson.kind, poisson.every) == (POISSON, 300)
    existing = f'{BASE}[arrivals]\nkind = "none"\nstate = "stopped/-"\n'
    arrivals = parse(ECS, existing, "mine.toml").arrivals
    assert (arrivals.kind, arrivals.state) == (NONE, ECS.states["stopped/-"])
    usual = parse(ECS, f'{BASE}[arrivals]\nkind = "none"\n', "mine.toml").arrivals
    assert usual.state == ECS.states["active/-"]
    for text, says in (
        ('kind = "poisson"\nevery = 0', "is 0; expected a time above 0"),
        ('kind = "fixed"\nevery = 3', "unknown key 'every'"),
        ("kind = 3", "expected one of fixed, poisson, none"),
    ):
        with pytest.raises(InvalidInput, match=says):
            parse(ECS, f"{BASE}[arrivals]\n{text}\n", "mine.toml")


LAWS: dict[Family, tuple[Duration, Callable[[float, float], Any]]] = {
    Family.EXPONENTIAL: (Duration(Family.EXPONENTIAL, 7.0), lambda a, b: stats.expon(scale=a)),
    Family.LOGNORMAL: (
        Duration(Family.LOGNORMAL, 7.0, 3.0),
        lambda a, b: stats.lognorm(s=b, scale=math.exp(a)),
    ),
    Family.WEIBULL: (
        Duration(Family.WEIBULL, 7.0, 0.7),
        lambda a, b: stats.weibull_min(c=1 / b, scale=a),
    ),
    Family.GAMMA: (Duration(Family.GAMMA, 7.0, 3.0), lambda a, b: stats.gamma(a=b, scale=a)),
}


@pytest.mark.parametrize("family", LAWS)
def test_the_parameters_of_a_time_are_those_of_its_law(family: Family) -> None:
    time, made = LAWS[family]
    law = made(*time.parameters())
    assert law.mean() == pytest.approx(7.0, rel=1e-6)
    assert law.var() == pytest.approx(time.variance, rel=1e-6)
    for seconds in (0.5, 7.0, 20.0):
        assert time.below(seconds) == pytest.approx(law.cdf(seconds), rel=1e-6)
        assert time.quantile(law.cdf(seconds)) == pytest.approx(seconds, rel=1e-5)
    assert time.below(0.0) == time.below(-1.0) == 0.0
    source = Random(1)  # noqa: S311  # repeated
    drawn = [time.draw(source) for _ in range(2000)]
    assert stats.kstest(drawn, law.cdf).pvalue > 0.001


def test_a_quantile_of_measured_times_is_the_least_time_that_has_its_share() -> None:
    time = Duration(Family.EMPIRICAL, 2.5, samples=(1.0, 2.0, 3.0, 4.0))
    assert [time.quantile(share) for share in (0.25, 0.5, 0.51, 1.0)] == pytest.approx(
        [1.0, 2.0, 3.0, 4.0], rel=1e-5
    )


def test_a_constant_time_is_over_from_its_value_on() -> None:
    time = Duration(Family.CONSTANT, 10.0)
    assert [time.below(seconds) for seconds in (0.0, 9.9, 10.0, 11.0)] == [0.0, 0.0, 1.0, 1.0]
    assert time.quantile(0.01) == time.quantile(0.99) == pytest.approx(10.0, rel=1e-5)


def test_a_narrow_gamma_time_has_its_upper_tail() -> None:
    time = Duration(Family.GAMMA, 10_000.0, 10_000.0)
    for seconds in (9_900.0, 10_100.0, 10_200.0, 10_300.0):
        exact = stats.gamma(a=10_000).cdf(seconds)
        assert time.below(seconds) == pytest.approx(exact, abs=1e-8)
    assert time.below(20_000.0) == 1.0


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_the_time_spent_in_each_state_is_nearly_that_of_the_exact_answers(
    lifecycle: Lifecycle,
) -> None:
    profile = built_in(lifecycle)
    spent = time_spent(profile)
    whole = sum(spent.values())
    found: dict[str, float] = {}
    for state, seconds in spent.items():
        found[state.step] = found.get(state.step, 0.0) + seconds / whole
    exact = Exact(compile_profile(profile)).shares("task_state")
    assert found == pytest.approx({word: exact.get(word, 0.0) for word in found}, rel=0.2)
