"""The exact answers: against formulas worked out by hand, and against simulated fleets."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecs_fsm import ECS, Lifecycle, fleet
from ecs_fsm.fleet import comparison
from ecs_fsm.fleet.arrays import CompiledProfile, compile_profile
from ecs_fsm.fleet.comparison import check
from ecs_fsm.fleet.exact import Exact, Passage
from ecs_fsm.fleet.transient import ERROR, LaplaceInversion, NoClosedForm
from ecs_fsm.fleet.what_if import Figure, Unit, answer, effects
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.loader import built_in, changed, parse
from ecs_fsm.profiles.process import Activity, ChainState
from ecs_fsm.profiles.profile import Profile
from tests.command import ecs_fsm

CALM = """
[durations]
{steps}
[requests."active/-"]
every = 1000
mix = {{ stop = 0.9, delete = 0.1 }}
[requests."stopped/-"]
every = 500
mix = {{ start = 1.0 }}
[fail]
{fails}
"""


def calm(fails: str = "", spawning: str = "10", mix: str = "") -> Profile:
    """A small profile: every step takes 10 s."""
    working = [s for s in ECS.states.values() if not ECS.rests(s)]
    steps = "\n".join(f'"{s}" = 10' for s in working if s != "building/spawning")
    text = CALM.format(steps=f'{steps}\n"building/spawning" = {spawning}', fails=fails)
    return parse(ECS, text + mix, "calm.toml")


def test_means_are_those_worked_out_by_hand() -> None:
    exact = Exact(compile_profile(calm()))
    create, stop = exact.passages()["create"], exact.passages()["stop"]
    assert (create.seconds, create.changes, create.error) == pytest.approx((50, 6, 0))
    assert create.seconds_spread == pytest.approx(np.sqrt(5 * 100))
    assert (stop.seconds, stop.changes, stop.rests) == pytest.approx((10, 2, 1))
    # Nine cycles of running, stopping, being off and starting, on average; then it is deleted.
    assert exact.life == pytest.approx(50 + 10 * 1000 + 9 * (10 + 500 + 10) + 10)
    assert stop.requests == pytest.approx(9)
    assert exact.shares()["SHUTOFF"] == pytest.approx(9 * 510 / exact.life)
    assert exact.ends() == pytest.approx({"deleted/-": 1})


def test_failures_are_weighed() -> None:
    exact = Exact(compile_profile(calm("spawning = 0.25\nnetworking = 0.2")))
    create = exact.passages()["create"]
    assert create.error == pytest.approx(0.2 + 0.8 * 0.25)
    assert create.seconds == pytest.approx(30 * 0.2 + 50 * 0.8)
    assert exact.ends() == pytest.approx({"error/-": 0.4, "deleted/-": 0.6})


def test_means_hold_for_any_distribution() -> None:
    lognormal = '{ distribution = "lognormal", mean = 10, sd = 30 }'
    exact = Exact(compile_profile(calm(spawning=lognormal)))
    create = exact.passages()["create"]
    assert create.seconds == pytest.approx(50)
    assert create.seconds_spread == pytest.approx(np.sqrt(4 * 100 + 900))
    with pytest.raises(NoClosedForm, match="building/spawning is lognormal"):
        _ = exact.phases


def numbers_of_changes(compiled: CompiledProfile, request: int) -> dict[int, float]:
    """How likely a request enters so many states before it rests, followed jump by jump."""
    sojourns = {sojourn.at: sojourn for sojourn in compiled.sojourns}
    request_class = compiled.classes[request]
    under_way: dict[tuple[ChainState, int], float] = {}
    for jump in sojourns[request_class.at].jumps:
        if jump.requested == request_class.operation:
            key = jump.target, len(jump.entered)
            under_way[key] = under_way.get(key, 0.0) + jump.probability
    found: dict[int, float] = {}
    while under_way:
        later: dict[tuple[ChainState, int], float] = {}
        for (at, entered), chance in under_way.items():
            if sojourns[at].activity in (Activity.RESTS, Activity.ENDS):
                found[entered] = found.get(entered, 0.0) + chance
            elif sojourns[at].activity is Activity.WORKS and chance > 1e-15:
                for jump in sojourns[at].jumps:
                    key = jump.target, entered + len(jump.entered)
                    later[key] = later.get(key, 0.0) + chance * jump.probability
        under_way = later
    total = sum(found.values())
    return {number: chance / total for number, chance in found.items()}


@pytest.mark.parametrize("operation", ["create", "reboot", "resize", "live_migrate"])
@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_moments_of_changes_are_those_of_their_distribution(
    lifecycle: Lifecycle, operation: str
) -> None:
    failing = ["fail.spawning=0.2", "fail.resize_finish=0.3", "fail.reboot_started=0.1"]
    compiled = compile_profile(changed(built_in(lifecycle), failing))
    exact = Exact(compiled)
    for number in compiled.classes_by_operation()[operation]:
        passage, numbers = exact.passage([number]), numbers_of_changes(compiled, number)
        mean = sum(n * chance for n, chance in numbers.items())
        second, fourth = (
            sum((n - mean) ** power * chance for n, chance in numbers.items()) for power in (2, 4)
        )
        assert passage.changes == pytest.approx(mean)
        assert passage.changes_spread == pytest.approx(np.sqrt(second), abs=1e-6)
        assert exact.fourth_moments([number])[1] == pytest.approx(fourth, abs=1e-6)


def test_moments_of_seconds_are_those_of_sums_of_exponential_times() -> None:
    exact = Exact(
        compile_profile(calm(spawning='{ distribution = "gamma", mean = 30, shape = 3 }'))
    )
    (number,) = exact.compiled.classes_by_operation()["create"]
    # Seven exponential times of 10 s: a gamma time of shape 7.
    assert exact.passage([number]).seconds_spread == pytest.approx(10 * np.sqrt(7))
    assert exact.fourth_moments([number])[0] == pytest.approx(1e4 * 7 * (3 * 7 + 6))


@pytest.mark.parametrize("name", ["seconds_spread", "changes_spread"])
@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_wrong_standard_deviation_disagrees(
    monkeypatch: pytest.MonkeyPatch, name: str, factor: float
) -> None:
    right = Exact.passage

    def wrong(exact: Exact, classes: Iterable[int]) -> Passage:
        passage = right(exact, classes)
        return replace(passage, **{name: getattr(passage, name) * factor})

    profile = changed(built_in(ECS), ["fail.networking=0.3"])
    result = fleet.run(profile, servers=20_000, duration="1d", step="12h", seed=2)
    assert check(result).disagreements == ()
    monkeypatch.setattr(Exact, "passage", wrong)
    what = f"create at (no server): sd of {name.partition('_')[0]}"
    assert what in [c.what for c in check(result).disagreements]


def test_the_spread_of_few_requests_is_not_compared() -> None:
    result = fleet.run(built_in(ECS), servers=20, duration="1h", seed=2)
    assert not any(": sd of" in c.what for c in check(result).comparisons)


@pytest.mark.parametrize("seconds", [0, 1, 50, 3000, 864_000])
@pytest.mark.parametrize("shape", [1, 7])
def test_inversion_gives_what_the_exponential_gives(seconds: float, shape: int) -> None:
    profile = calm(spawning=f'{{ distribution = "gamma", mean = 30, shape = {shape} }}')
    exact = Exact(compile_profile(profile))
    stages = exact.phases.over_time(2, seconds)[1]
    jumps = np.zeros((exact.size, exact.size))
    edges = [
        (n, edge) for n, sojourn in enumerate(exact.compiled.sojourns) for edge in sojourn.jumps
    ]
    for (n, edge), target in zip(edges, exact.compiled.arrays.targets, strict=True):
        jumps[n, target] += edge.probability
    inverted = LaplaceInversion(exact.compiled, jumps).at(np.array([seconds]))[0]
    assert np.abs(stages - inverted).max() < ERROR


@pytest.mark.parametrize(
    "spawning",
    ['{ distribution = "lognormal", mean = 300, sd = 200 }',
     '{ distribution = "weibull", mean = 300, shape = 0.7 }',
     '{ distribution = "gamma", mean = 300, shape = 0.4 }'],
)  # fmt: skip
def test_smooth_times_are_exact_over_time(spawning: str) -> None:
    profile = calm(spawning=spawning)
    result = fleet.run(profile, servers=100_000, duration=1200, step=100, seed=1, threads=2)
    checked = check(result)
    assert checked.left_out is None
    assert checked.disagreements == ()
    assert sum("after" in c.what for c in checked.comparisons) > 50


@pytest.mark.parametrize("shape", [1, 3])
def test_gamma_times_are_exact_over_time(shape: int) -> None:
    spawning = f'{{ distribution = "gamma", mean = 300, shape = {shape} }}'
    profile = calm(spawning=spawning)
    checked = check(fleet.run(profile, servers=20_000, duration=900, step=30, seed=1))
    assert checked.left_out is None
    assert checked.disagreements == ()
    law = Exact(compile_profile(profile)).phases.over_time(31, 30.0)
    assert law.sum(axis=1) == pytest.approx(np.ones(31))


ENDLESS = ["requests.active/-.mix={reboot=1.0}"] + [
    f"durations.{state}=0" for state in ECS.states.values()
    if not ECS.rests(state)
]  # fmt: skip


@pytest.mark.parametrize("seconds", [500.0, 20_000.0])
def test_requests_at_random_are_a_poisson_process(seconds: float) -> None:
    compiled = compile_profile(changed(calm(), ENDLESS))
    moments = Exact(compiled).inversion.events(seconds)
    reboots = moments[:, compiled.events.index("reboot")]
    mean = seconds / 1000
    # Who comes at a random time is there for half of it on average, with a variance of a twelfth.
    assert reboots == pytest.approx([mean, mean, mean / 2, mean / 2 + mean**2 / 12], rel=1e-6)
    creations = moments[:, compiled.events.index("create")]
    assert creations == pytest.approx([1, 0, 1, 0], abs=1e-6)


def test_constant_times_of_requests_are_counted_once_their_edges_are_lost() -> None:
    every = 'requests.active/-.every={distribution="constant",mean=1000}'
    exact = Exact(compile_profile(changed(calm(), [every])))
    with pytest.raises(NoClosedForm, match="1100 s are too few for constant and empirical times"):
        exact.inversion.at(np.array([1100.0]))
    shares = exact.inversion.at(np.array([1e6]))[0]
    assert shares.sum() == pytest.approx(1)


def test_near_the_edge_of_a_constant_time_nothing_is_given_and_nothing_wrong() -> None:
    others = [f"durations.{s}=0" for s in ECS.states.values() if not ECS.rests(s)]
    here = ["scheduling=4", 'spawning={distribution="constant",mean=60}']
    profile = changed(calm(), others + [f"durations.building/{step}" for step in here])
    exact = Exact(compile_profile(profile))
    places = [sojourn.at.node for sojourn in exact.compiled.sojourns]
    building = [n for n, node in enumerate(places) if node and node.state.status == "BUILD"]
    given = []
    for seconds in [*range(2, 400, 6), 60, 59.999, 60.001, 290, 2000]:
        try:
            share = exact.inversion.at(np.array([seconds]))[0][building].sum()
        except NoClosedForm:
            continue
        given.append(seconds)
        after = np.exp(-(seconds - 60) / 4) if seconds > 60 else 1
        assert share == pytest.approx(after, abs=ERROR), seconds
    assert 60 not in given
    assert given[-1] == 2000


@pytest.mark.parametrize(
    "migrating",
    [
        '{ distribution = "constant", mean = "10m" }',
        '{ distribution = "empirical", file = "t.txt" }',
    ],
)
def test_rough_times_among_smooth_ones_are_exact_over_time(migrating: str, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("3s 1m 2m 12m\n", encoding="utf-8")
    text = f'extends = "built-in"\n[durations]\nmigrating = {migrating}\n'
    text += '[requests."active/-"]\nevery = "20m"\n'
    profile = parse(ECS, text, str(tmp_path / "mine.toml"))
    result = fleet.run(profile, servers=50_000, duration="20h", step="4h", seed=3, threads=2)
    checked = check(result)
    assert (checked.disagreements, checked.left_out) == ((), None)
    migrations = next(c for c in checked.comparisons if c.what.startswith("MIGRATING after 72000"))
    assert migrations.exact > 0.002


def test_lives_without_end_settle() -> None:
    profile = changed(calm(), ["requests.active/-.mix={stop=1.0}"])
    exact = Exact(compile_profile(profile))
    assert exact.life == float("inf")
    shares = exact.shares()
    assert shares["SHUTOFF"] == pytest.approx(510 / 1520)
    assert sum(shares.values()) == pytest.approx(1)


PROFILES = {
    "ecs": built_in(ECS),
    "nova": built_in(NOVA),
    "hanging": changed(built_in(ECS), ["hang.spawning=0.3", "hang.reboot_started=0.3"]),
    "families": parse(
        ECS,
        'extends = "built-in"\n[durations]\n'
        'spawning = { distribution = "lognormal", mean = "60s", sd = "30s" }\n'
        'networking = { distribution = "weibull", mean = "60s", shape = 0.7 }\n'
        'scheduling = { distribution = "gamma", mean = 3, shape = 0.4 }\n'
        'migrating = { distribution = "constant", mean = 40 }\n',
        "families.toml",
    ),
}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_a_simulated_fleet_agrees(profile: Profile) -> None:
    result = fleet.run(profile, servers=20_000, duration="10d", step="12h", seed=2, threads=2)
    checked = check(result)
    assert checked.disagreements == ()
    assert checked.left_out is None
    told = [c.what for c in checked.comparisons]
    assert {f"{event}: times a server" for event in result.events()} <= set(told)
    assert sum("after" in what for what in told) > 50


@pytest.mark.parametrize(
    "change",
    ["durations.spawning=67", "fail.spawning=0.01", "requests.active/-.every=30h",
     "hang.migrating=0.003", "durations.migrating=95"],
)  # fmt: skip
def test_a_fleet_of_another_profile_disagrees(change: str) -> None:
    result = fleet.run(built_in(ECS), servers=20_000, duration="10d", step="12h", seed=2)
    other = compile_profile(changed(built_in(ECS), [change]))
    assert check(replace(result, compiled=other)).disagreements


POISSON = parse(
    ECS, 'extends = "built-in"\n[arrivals]\nkind = "poisson"\nevery = "5m"\n', "poisson.toml"
)


@pytest.mark.parametrize("profile", [built_in(ECS), POISSON], ids=["fixed", "poisson"])
def test_three_seeds_agree(profile: Profile) -> None:
    for seed in range(3):
        result = fleet.run(profile, servers=1000, duration="5d", step="60h", seed=seed)
        checked = check(result)
        assert (checked.disagreements, checked.left_out) == ((), None), seed
        assert (result.done > 1000) == (profile is POISSON)


@pytest.mark.parametrize(
    ("change", "what"),
    [("roll_back.powering-off=0.01", "roll_back: times"),
     ("requests.active/-.every=25h", "stop: times"),
     ("durations.spawning=70", "BUILD after 300 s")],
)  # fmt: skip
@pytest.mark.parametrize("profile", [built_in(ECS), POISSON], ids=["fixed", "poisson"])
def test_what_disagrees_is_named(profile: Profile, change: str, what: str) -> None:
    duration, step = (600, 300) if what.startswith("BUILD") else (864_000, 86_400)
    result = fleet.run(profile, servers=40_000, duration=duration, step=step, seed=2)
    other = compile_profile(changed(profile, [change]))
    found = check(replace(result, compiled=other)).disagreements
    assert any(c.what.startswith(what) for c in found)


def test_the_command_answers_as_json() -> None:
    answer = json.loads(ecs_fsm("fleet", "exact", "--duration", "2h", "--step", "1h", "--json").out)
    assert answer["operations"]["start"]["mean_seconds"] == pytest.approx(20)
    shares = {"50": 0.5, "90": 0.9, "99": 0.99}
    assert answer["percentiles"]["start"] == pytest.approx(
        {percent: -20 * np.log(1 - share) for percent, share in shares.items()}, rel=1e-4
    )
    assert set(answer["percentiles"]["confirm_resize"].values()) == {0}
    assert sum(answer["shares"]["status"].values()) == pytest.approx(1)
    assert [sum(c) for c in zip(*answer["over_time"].values(), strict=True)] == pytest.approx(
        [1] * 3
    )
    assert answer["why"] == []


def test_the_command_says_what_it_cannot_calculate(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'extends = "built-in"\n[durations]\nscheduling = { distribution = "constant", mean = 9 }\n',
        encoding="utf-8",
    )
    answer = ecs_fsm("fleet", "exact", "--profile", str(file), "--duration", "1d")
    assert answer.code == 0
    assert "over time are not given: the time at building/scheduling is constant" in answer.out


def test_no_percentiles_are_calculated_of_what_never_rests(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    text = 'extends = "built-in"\n[fail]\nscheduling = 0.0\n[hang]\nscheduling = 1.0\n'
    file.write_text(text, encoding="utf-8")
    answer = json.loads(ecs_fsm("fleet", "exact", "--profile", str(file), "--json").out)
    assert answer["operations"]["create"]["rests"] == 0
    assert set(answer["percentiles"]["create"].values()) == {0}


def test_what_if_shows_before_after_and_difference() -> None:
    words = ("fleet", "exact", "--what-if", "fail.spawning=0.05")
    found = json.loads(ecs_fsm(*words, "--json").out)["differences"]
    error = found["operations.create.ends_in_error"]
    assert error["difference"] == pytest.approx(error["after"] - error["before"])
    assert error["after"] > 0.05 > error["before"]
    assert "operations.start.mean_seconds" not in found
    text = ecs_fsm(*words)
    assert text.code == 0
    first = next(line for line in text.out.splitlines() if line.startswith("create: in error"))
    assert first.split("  ")[-1].strip() == "x 6.09"
    assert "more figures change less: --all shows them" in text.out
    assert len(ecs_fsm(*words, "--all").out.splitlines()) == len(found) + 3
    assert ecs_fsm("fleet", "exact", "--what-if", "fail.spawning=5").code == 2


def test_what_only_rounding_changes_is_no_effect() -> None:
    figures = {"a": Figure("a", Unit.TIME, 20.0), "b": Figure("b", Unit.SHARE, 0.0)}
    moved = {"a": Figure("a", Unit.TIME, 20.0 + 1e-8), "b": Figure("b", Unit.SHARE, 1e-11)}
    assert effects(figures, moved) == {}
    same = ecs_fsm("fleet", "exact", "--what-if", "fail.spawning=0.004")
    assert same.out.strip() == "nothing changes"


def test_what_chance_explains_is_no_effect_of_a_simulation() -> None:
    words = ("fleet", "run", "--servers", "3000", "--duration", "2d", "--what-if")
    found = json.loads(ecs_fsm(*words, "roll_back.powering-off=0.3", "--json").out)["differences"]
    assert {"operations.stop.mean_seconds", "percentiles.create.50"}.isdisjoint(found)
    assert next(iter(found)) == "failures.roll_back"
    refused = ecs_fsm(*words, "hang.migrating=0.1", "--check")
    assert (refused.code, refused.err.count("\n")) == (2, 1)


def test_a_step_without_time_keeps_the_percentiles_right() -> None:
    profile = changed(built_in(ECS), ["durations.powering-off=0"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = answer(profile)["percentiles"]
    assert isinstance(found, dict)
    assert set(found["stop"].values()) == {0}
    result = fleet.run(profile, servers=20_000, duration="3d", seed=5)
    for percent, seconds in found["rebuild"].items():
        simulated = result.requests()["rebuild"].percentile(float(percent))
        assert simulated == pytest.approx(seconds, rel=0.1)
    checked = check(result)
    assert checked.disagreements == ()
    assert "stop: 50 % within seconds" in {c.what for c in checked.comparisons}


def test_another_distribution_of_the_same_mean_disagrees_in_a_quantile() -> None:
    profile = changed(built_in(ECS), ["durations.powering-on={distribution='constant', mean=20}"])
    result = fleet.run(profile, servers=5000, duration="5d", seed=2)
    found = check(replace(result, compiled=compile_profile(built_in(ECS)))).disagreements
    assert {f"start: {p} % within seconds" for p in (50, 90, 99)} <= {c.what for c in found}


def test_lives_without_end_are_counted_by_the_day(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    change = ["requests.active/-.mix={stop=1.0}", "requests.stopped/-.mix={start=1.0}"]
    found = answer(changed(calm(), change))["operations"]
    assert isinstance(found, dict)
    assert found["stop"]["requests_in_a_life"] is None
    assert found["stop"]["requests_a_day"] == pytest.approx(86_400 / (1000 + 500 + 20))
    text = CALM.format(steps="\n".join(f'"{s}" = 10' for s in ECS.states.values()
                       if not ECS.rests(s)), fails="").replace("stop = 0.9, delete = 0.1", "stop = 1.0")  # fmt: skip
    file.write_text(text, encoding="utf-8")
    out = ecs_fsm("fleet", "exact", "--profile", str(file)).out
    assert "times a day" in out
    assert "times in a life" not in out


def test_run_compares_itself_with_the_exact_answer() -> None:
    words = ("fleet", "run", "--servers", "500", "--duration", "5d", "--seed", "7", "--check")
    answer = ecs_fsm(*words)
    assert answer.code == 0
    assert "numbers compared at 1 in a million: all agree" in answer.out
    told = json.loads(ecs_fsm(*words, "--json").out)["check"]
    assert told["agrees"] is True
    for c in told["comparisons"]:
        assert c["low"] - 1e-9 <= c["simulated"] <= c["high"] + 1e-9


@pytest.mark.parametrize("off", [0.0, 0.5, 1.0])
def test_a_mean_of_whole_numbers_is_bounded_by_bernstein_s_inequality(off: float) -> None:
    found = comparison._bounded("changes", 4.0 + off, 400, 4.0, 2.0)
    # The difference of n numbers of variance v that differ by at most m from their mean.
    bound = 2 * math.exp(-400 * off**2 / (2 * (2.0**2 + 30.0 * off / 3)))
    assert found.chance == pytest.approx(min(1.0, bound))
    assert (found.low + found.high) / 2 == 4.0 + off
