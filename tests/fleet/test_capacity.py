"""Servers on hosts: as Erlang, Kaufman and Roberts have it for one pool, and as SimPy has it else."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats

from ecs_fsm import ECS
from ecs_fsm.fleet.arrays import compile_profile
from ecs_fsm.fleet.capacity import simulate
from ecs_fsm.fleet.capacity_result import Capacity
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.fleet.formula_check import check_capacity
from ecs_fsm.fleet.loss import erlang_b, erlang_c_wait, one_place_wait, pool_loss
from ecs_fsm.fleet.sizing import smallest
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.loader import changed, parse
from ecs_fsm.profiles.profile import Profile
from tests.command import ecs_fsm
from tests.fleet.capacity_judge import Judge

LIVES = """
extends = "built-in"
[arrivals]
kind = "poisson"
every = "1m"
[requests."active/-"]
every = {life}
mix = {{ delete = 1 }}
[hosts]
count = {hosts}
{sizes}
[flavors]
{flavors}
"""
ONE = "only = { vcpus = 2, share = 1 }"
THREE = """
small = { vcpus = 1, ram = 2, share = 0.6 }
medium = { vcpus = 2, ram = 8, share = 0.3 }
large = { vcpus = 8, ram = 10, share = 0.1 }
"""
CONSTANT = '{ distribution = "constant", mean = "30m" }'
LONG = '{ distribution = "lognormal", mean = "30m", sd = "1h" }'


def lives(
    flavors: str = ONE, sizes: str = "vcpus = 70", hosts: int = 1, life: str = '"30m"'
) -> Profile:
    text = LIVES.format(flavors=flavors, sizes=sizes, hosts=hosts, life=life)
    return parse(ECS, text, "lives.toml")


def brute_force(loads: list[float], sizes: list[list[int]], capacity: list[int]) -> list[float]:
    """The loss of each flavor, by the weight of every combination of servers."""
    most = [min(c // s for s, c in zip(size, capacity, strict=True) if s) for size in sizes]
    whole, lost = 0.0, [0.0] * len(sizes)
    for counts in itertools.product(*(range(n + 1) for n in most)):
        used = [
            sum(n * s[r] for n, s in zip(counts, sizes, strict=True)) for r in range(len(capacity))
        ]
        if all(u <= c for u, c in zip(used, capacity, strict=True)):
            each = zip(counts, loads, strict=True)
            weight = math.prod(load**n / math.factorial(n) for n, load in each)
            whole += weight
            for flavor, size in enumerate(sizes):
                if any(u + s > c for u, s, c in zip(used, size, capacity, strict=True)):
                    lost[flavor] += weight
    return [part / whole for part in lost]


@pytest.mark.parametrize(
    ("loads", "sizes", "capacity"),
    [
        ([3, 1], [[1], [4]], [10]),
        ([3, 1, 0.7], [[1, 8, 3], [4, 2, 0], [2, 6, 5]], [12, 40, 17]),
        ([2, 2], [[2, 100], [4, 200]], [16, 900]),
        ([1, 2], [[3, 1], [3, 1]], [10, 10]),
    ],
    ids=["one resource", "three resources", "one resource decides", "one size"],
)
def test_the_loss_of_a_pool_is_that_of_all_combinations(
    loads: list[float], sizes: list[list[int]], capacity: list[int]
) -> None:
    assert pool_loss(loads, sizes, capacity) == pytest.approx(brute_force(loads, sizes, capacity))


def test_formulas_have_their_published_values() -> None:
    law = stats.poisson(5)
    assert erlang_b(5, 10) == pytest.approx(law.pmf(10) / law.cdf(10))
    assert erlang_b(0.5, 0) == 1
    assert erlang_c_wait(0.9, 1, 1) == pytest.approx(0.9 / 0.1)
    assert one_place_wait(0.9, 1, 2) == pytest.approx(erlang_c_wait(0.9, 1, 1))
    assert erlang_c_wait(2, 1, 2) == math.inf
    large = pool_loss([4000, 500], [[1], [8]], [8000])
    assert large is not None
    assert 0 < large[0] < large[1] < 0.2


@pytest.mark.parametrize(
    "profile",
    [
        lives(),
        lives(life=CONSTANT),
        lives(life=LONG),
        lives(THREE, "vcpus = 60\nram = 150", life=CONSTANT),
        lives(sizes="vcpus = 9", hosts=8),
        lives(THREE, "vcpus = 30\nram = 80\nzones = 2", hosts=2),
        changed(lives(sizes="vcpus = 35"), ["hosts.overcommit={vcpus=2}", "fail.spawning=0.1"]),
    ],
    ids=["exponential", "constant", "lognormal", "flavors", "hosts", "zones", "overcommit"],
)
def test_one_pool_refuses_what_the_formula_says(profile: Profile) -> None:
    found = simulate(profile, duration="30d", seed=5, fill=False)
    exact, why = found.exact
    assert (exact is None, why) == (False, None)
    assert exact is not None
    for n, share in enumerate(exact):
        refused = found.refused(n)
        assert refused is not None
        assert 0.001 < share < 0.7
        assert refused.low <= share <= refused.high
        assert refused.high - refused.low < 0.1
    assert check_capacity(found).disagreements == ()


def test_the_offered_load_is_that_of_the_exact_lives() -> None:
    profile = changed(lives(), ["fail.spawning=0.1", "fail.scheduling=0.1"])
    found = simulate(profile, duration="1d", fill=False)
    assert found.life.seconds == pytest.approx(Exact(compile_profile(profile)).life)
    assert found.loads == pytest.approx((found.life.seconds / 60,))


def test_a_wrong_formula_disagrees() -> None:
    found = simulate(lives(), duration="30d", seed=5, fill=False)
    other = simulate(lives(life='"20m"'), duration="1h", warmup=0, fill=False)
    wrong = Capacity(**{**vars(found), "life": other.life})
    assert {c.what for c in check_capacity(wrong).disagreements} == {
        "only: refused",
        "vcpus: in use",
    }


MOVING = """
extends = "built-in"
[arrivals]
kind = "poisson"
every = "6m"
[requests."active/-"]
every = "30m"
mix = {mix}
[requests."stopped/-"]
every = "10m"
mix = {{ resize = 0.5, start = 0.5 }}
[requests."resized/-"]
every = "20m"
mix = {{ confirm_resize = 0.5, revert_resize = 0.5 }}
{more}
[hosts]
count = 3
vcpus = 8
ram = 20
{hosts}
[flavors]
small = {{ vcpus = 1, ram = 2, share = 0.7 }}
large = {{ vcpus = 3, ram = 8, share = 0.3 }}
[placement]
strategy = "{strategy}"
"""
NOVA_MORE = """
[requests."shelved_offloaded/-"]
every = "1h"
mix = { unshelve = 1 }
[requests."shelved/-"]
every = "1h"
mix = { unshelve = 1 }
"""


@pytest.mark.parametrize("strategy", ["spread", "pack"])
@pytest.mark.parametrize("name", ["ecs", "nova"])
def test_servers_that_move_are_as_simpy_has_it(name: str, strategy: str) -> None:
    ecs = name == "ecs"
    mix = "{ stop = 0.4, live_migrate = 0.2, delete = 0.4 }"
    if not ecs:
        mix = "{ stop = 0.1, resize = 0.2, shelve = 0.2, migrate = 0.1, delete = 0.4 }"
    failing = 'fails_every = "1d"\ndown_for = "1h"' if strategy == "pack" else ""
    text = MOVING.format(mix=mix, more="" if ecs else NOVA_MORE, strategy=strategy, hosts=failing)
    profile = parse(ECS if ecs else NOVA, text, "moving.toml")
    found = simulate(profile, duration="60d", seed=3, fill=False)
    judge = Judge(profile, seed=3).run(8 * 86400, 40_000)
    shares = {f.name: found.refused(n) for n, f in enumerate(found.room.flavors)}
    shares |= {n: found.unmoved(k) for k, n in enumerate(found.operations)}
    compared = 0
    for name_of, refused in shares.items():
        if refused is None:
            assert not judge.asked[name_of]
            continue
        mine, asked = refused.value, judge.asked[name_of]
        share = judge.refused[name_of] / asked
        spread = math.sqrt(share * (1 - share) / asked * 4)  # refusals come in bursts
        assert abs(share - mine) < 4 * math.hypot(spread, refused.error), name_of
        compared += 1
    assert compared >= (4 if ecs else 5)
    assert found.exact[0] is None


STEPS = """
extends = "built-in"
[arrivals]
kind = "fixed"
[durations]
{durations}
[requests."active/-"]
every = {{ distribution = "constant", mean = 10 }}
mix = {{ stop = 1 }}
[requests."stopped/-"]
every = {{ distribution = "constant", mean = 10 }}
mix = {{ resize = 1 }}
[requests."resized/-"]
every = {{ distribution = "constant", mean = 20 }}
mix = {{ {answer} = 1 }}
[fail]
{fail}
[roll_back]
powering-off = 0
resize_prep = {back}
resize_migrating = 0
[reschedule]
spawning = 0
block_device_mapping = 0
[hang]
powering-off = 0
[hosts]
count = 2
vcpus = 4
[flavors]
one = {{ vcpus = 4, share = 1 }}
"""


@pytest.mark.parametrize(
    ("answer", "back", "held"),
    [("confirm_resize", 0, 2), ("revert_resize", 0, 2), ("confirm_resize", 1, 1)],
)
def test_both_places_are_held_until_the_answer(answer: str, back: int, held: int) -> None:
    working = [s for s in ECS.states.values() if not ECS.rests(s)]
    every = '{{ distribution = "constant", mean = {} }}'
    seconds = {
        "stopped/resize_migrating": 40,
        "stopped/resize_prep": 5,
        "resized/resize_reverting": 30,
    }
    durations = "\n".join(f'"{s}" = {every.format(seconds.get(s, 0))}' for s in working)
    steps = ["scheduling", "networking", "block_device_mapping", "spawning", "rebuild_spawning"]
    steps += ["resize_prep", "resize_migrating", "resize_finish", "resize_reverting", '"resized/-"']
    fail = "\n".join(f"{step} = 0" for step in steps)
    text = STEPS.format(durations=durations, answer=answer, fail=fail, back=back)
    found = simulate(parse(ECS, text, "steps.toml"), servers=1, duration=150, step=1, fill=False)
    places = (found.seen.used[:, 0] / 4).round(3).tolist()
    assert places[:20] == [1] * 20
    if back:  # both only while the resize is prepared
        assert places[20:45] == [2] * 5 + [1] * 10 + [2] * 5 + [1] * 5
        return
    longer = 30 if answer == "revert_resize" else 0
    assert places[20 : 85 + longer] == [2] * (65 + longer)
    assert places[85 + longer] == 1


def test_servers_leave_a_host_that_fails_where_users_can_request_that() -> None:
    text = MOVING.format(
        mix="{ delete = 1 }", more="", strategy="spread",
        hosts='fails_every = "12h"\ndown_for = "2h"\nevacuate_after = "1m"',
    )  # fmt: skip
    for lifecycle in (ECS, NOVA):
        found = simulate(parse(lifecycle, text, "x.toml"), duration="20d", seed=1, fill=False)
        assert found.up.min() < 3
        assert found.up.mean() == pytest.approx(3 * 12 / 14, rel=0.1)
        moved = {n: int(found.seen.moved[:, k].sum()) for k, n in enumerate(found.operations)}
        assert (moved.get("evacuate", 0) > 20) == (lifecycle is NOVA)


def test_groups_share_no_host() -> None:
    alone = simulate(
        lives("only = { vcpus = 1, share = 1 }", "vcpus = 90", 2), duration="5d", fill=False
    )
    grouped = changed(alone.profile, ["placement.anti_affinity=1", "placement.group=3"])
    found = simulate(grouped, duration="5d", fill=False)
    one, other = alone.refused(), found.refused()
    assert one is not None
    assert other is not None
    assert one.value == 0
    assert 0.05 < other.value < 1 / 3  # the third of a group, unless a server is gone by then
    assert found.exact == (None, "some servers share no host")


def test_fragmentation_is_the_room_that_one_pool_has_more() -> None:
    found = simulate(lives("""
        small = { vcpus = 1, share = 0.9 }
        large = { vcpus = 4, share = 0.1 }
    """, "vcpus = 8", 5), duration="20d", seed=2)  # fmt: skip
    small, large = (found.fragmentation(n) for n in (0, 1))
    assert small is not None
    assert large is not None
    assert small.value == 0
    assert large.value > 0.1
    refused, bound = found.refused(1), found.bound
    assert refused is not None
    assert bound is not None
    assert refused.low > bound[1]
    assert len(found.full) == 10
    assert max(found.full) < found.watched


def test_the_smallest_number_of_hosts_is_that_of_the_formula() -> None:
    profile = lives(sizes="vcpus = 10")
    load = simulate(profile, duration="1d", fill=False).loads
    assert load is not None
    enough = next(n for n in itertools.count(1) if erlang_b(load[0], 5 * n) <= 0.01)
    found = smallest(profile, 0.01, duration="5d")
    assert found.hosts == enough
    assert [t.hosts for t in found.curve] == sorted({t.hosts for t in found.curve})
    assert {t.hosts: t.share <= 0.01 for t in found.curve}[enough - 1] is False


def test_more_hosts_have_the_same_servers() -> None:
    few, many = (simulate(lives(hosts=n), duration="2d", fill=False) for n in (1, 3))
    assert few.arrived == many.arrived
    assert np.array_equal(few.seen.asked, many.seen.asked)


BAD = {
    "too large": ("vcpus = 2", "vcpus = 80", "flavors.only.vcpus: is 80, and a host has 70"),
    "no share": ("share = 1", "share = 0", "flavors.only.share: is 0; expected a share above 0"),
    "shares": ("share = 1", "share = 0.5", "flavors: the shares add up to 0.5; expected 1"),
    "count": ("count = 1", "count = -1", "hosts.count: is -1; expected a whole number from 1"),
    "key": ("count = 1", "counts = 1", "hosts.counts: unknown key 'counts'; did you mean 'count'?"),
    "zones": ("count = 1", "count = 1\nzones = 2", "hosts.zones: is 2; expected a whole number"),
    "down": ("count = 1", 'count = 1\nfails_every = "1d"', "hosts.down_for: is missing"),
    "over": ("count = 1", "count = 1\novercommit = 4", "hosts.overcommit: is 4; expected a table"),
    "hosts": ("[flavors]\n" + ONE, "", "flavors: is missing; expected a table"),
    "arrivals": ('"poisson"\nevery = "1m"', '"fixed"', "no servers exist: add --servers N"),
    "lives": ("mix = { delete = 1 }", "mix = { stop = 1 }", "never free their room"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_line(name: str, tmp_path: Path) -> None:
    good, bad, told = BAD[name]
    text = LIVES.format(flavors=ONE, sizes="vcpus = 70", hosts=1, life='"30m"')
    if name == "lives":
        text = text.replace("[hosts]", '[stuck]\nask = ["hard_reboot"]\n[hosts]')
    assert good in text
    file = tmp_path / "bad.toml"
    file.write_text(text.replace(good, bad, 1), encoding="utf-8")
    answer = ecs_fsm("fleet", "capacity", "--profile", str(file))
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert told in answer.err


def test_a_profile_without_hosts_and_a_lifecycle_without_an_example_are_named(
    tmp_path: Path,
) -> None:
    file = tmp_path / "plain.toml"
    file.write_text('extends = "built-in"\n', encoding="utf-8")
    answer = ecs_fsm("fleet", "capacity", "--profile", str(file))
    assert answer.code == 2
    assert (
        "plain.toml: the profile has no [hosts] and [flavors]: `ecs-fsm fleet profile" in answer.err
    )
    answer = ecs_fsm("fleet", "capacity", "--lifecycle", "ec2")
    assert answer.code == 2
    assert "no example of hosts and flavors comes with the lifecycle ec2" in answer.err


def test_the_example_that_is_printed_is_the_one_that_runs(tmp_path: Path) -> None:
    file = tmp_path / "hosts.toml"
    file.write_text(ecs_fsm("fleet", "profile", "--capacity").out, encoding="utf-8")
    words = ("fleet", "capacity", "--duration", "200d", "--warmup", "0", "--json")
    own, printed = ecs_fsm(*words), ecs_fsm(*words, "--profile", str(file))
    assert own.code == 0
    assert own.out == printed.out
    told = json.loads(own.out)
    assert set(told["flavors"]["huge"]) >= {"refused", "low", "high", "exact", "bound"}
    assert {"hosts", "flavors", "bound", "use", "full", "moves", "times", "over_time"} <= set(told)
    assert told["flavors"]["huge"]["exact"] is None


def test_the_command_writes_and_draws_and_checks(tmp_path: Path) -> None:
    file = tmp_path / "lives.toml"
    file.write_text(
        LIVES.format(flavors=THREE, sizes="vcpus = 60\nram = 99", hosts=1, life='"30m"'),
        encoding="utf-8",
    )
    counts, picture = tmp_path / "counts.parquet", tmp_path / "plot.svg"
    words = ("fleet", "capacity", "--profile", str(file), "--duration", "5d", "--seed", "2")
    answer = ecs_fsm(*words, "--check", "-o", str(counts), "--plot", str(picture))
    assert answer.code == 0
    for word in ('"No valid host"', "99.9 % confidence", "until full", "all agree", "one pool"):
        assert word in answer.out
    table = pq.read_table(counts)
    assert table.column_names[:5] == ["seconds", "flavor", "asked", "refused", "room_left"]
    told = json.loads(ecs_fsm(*words, "--json").out)
    asked = sum(flavor["asked"] for flavor in told["flavors"].values())
    assert sum(table["asked"].to_pylist()) == asked
    drawn = picture.read_text(encoding="utf-8")
    assert all(word in drawn for word in ("small", "large", "use of all hosts", "one pool"))
    again = tmp_path / "again.svg"
    assert ecs_fsm(*words, "--plot", str(again)).code == 0
    assert again.read_bytes() == picture.read_bytes()


def test_the_command_compares_profiles_and_finds_a_number(tmp_path: Path) -> None:
    file, picture = tmp_path / "lives.toml", tmp_path / "curve.svg"
    text = LIVES.format(flavors=ONE, sizes="vcpus = 20", hosts=1, life='"30m"')
    file.write_text(text, encoding="utf-8")
    words = ("fleet", "capacity", "--profile", str(file), "--duration", "2d")
    answer = ecs_fsm(*words, "--what-if", "hosts.count=3")
    assert answer.code == 0
    assert "only: refused" in answer.out
    answer = ecs_fsm(*words, "--target", "2%", "--plot", str(picture))
    assert answer.code == 0
    assert "no flavor is refused more often than 2.0000%" in answer.out
    assert "hosts are enough for 2.0000%" in picture.read_text(encoding="utf-8")
    for wrong in ("0", "x", "200%"):
        answer = ecs_fsm(*words, "--target", wrong)
        assert (answer.code, "expected a share between 0 and 1" in answer.err) == (2, True)


@pytest.mark.parametrize("more", [("--check",), ("-o", "counts.json")])
def test_the_search_for_hosts_neither_checks_nor_writes(more: tuple[str, ...]) -> None:
    answer = ecs_fsm("fleet", "capacity", "--target", "1%", *more)
    assert (answer.code, "leave out -o and --check" in answer.err) == (2, True)


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        ("", ": fragmentation costs "),
        ('\nfails_every = "1d"\ndown_for = "1h"', ": fragmentation and failures cost "),
    ],
)
def test_what_one_pool_of_all_hosts_would_save_is_named(
    failing: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "lives.toml"
    text = LIVES.format(flavors=THREE, sizes=f"vcpus = 30{failing}", hosts=2, life='"30m"')
    file.write_text(text, encoding="utf-8")
    answer = ecs_fsm("fleet", "capacity", "--profile", str(file), "--duration", "2d")
    (line,) = [line for line in answer.out.splitlines() if "one pool of all hosts" in line]
    assert said in line
    assert line.endswith(" points")
