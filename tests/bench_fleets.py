"""How fast `fleet run` is, beside SimPy, salabim and numpy.

All simulate servers of the built-in profile for 30 days and count them by state each hour, on one
thread; each is checked against the exact share of servers that are active at the end.
"""

from __future__ import annotations

import json
import math
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import simpy
from numpy.typing import NDArray

from ecs_fsm import ECS, fleet
from ecs_fsm.fleet.arrays import CompiledProfile, compile_profile
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.fleet.legs import draw_table
from ecs_fsm.fleet.result import events_to_parquet
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.loader import parse
from ecs_fsm.profiles.process import Activity
from tests.bench_rows import Row

ROUNDS = 5
HORIZON, STEP = 30 * 86_400.0, 3600.0
POINTS = int(HORIZON / STEP) + 1
Counts = NDArray[np.int64]
"""Servers that enter minus servers that leave each place, up to each hour."""
Run = Callable[[int], Counts]
"""Simulates so many servers."""


class Plain(NamedTuple):
    """The process as lists, for the rivals written in Python; `times` draw seconds."""

    times: list[Callable[[], float]]
    weights: list[list[float]]
    targets: list[list[int]]
    ends: set[int]


def plain(process: CompiledProfile) -> Plain:
    """The process as lists."""
    places = {sojourn.at: n for n, sojourn in enumerate(process.sojourns)}
    return Plain(
        [drawing(sojourn.time) for sojourn in process.sojourns],
        [
            np.cumsum([e.probability for e in sojourn.jumps]).tolist()
            for sojourn in process.sojourns
        ],
        [[places[e.target] for e in sojourn.jumps] for sojourn in process.sojourns],
        {
            n
            for n, sojourn in enumerate(process.sojourns)
            if sojourn.activity in (Activity.ENDS, Activity.LOST)
        },
    )


def drawing(time: Duration) -> Callable[[], float]:
    """What draws a time, with no more calls than it takes."""
    first, second = time.parameters()
    functions: dict[Family, Callable[[], float]] = {
        Family.EXPONENTIAL: lambda: random.expovariate(1 / first),
        Family.LOGNORMAL: lambda: random.lognormvariate(first, second),
        Family.WEIBULL: lambda: random.weibullvariate(first, time.second),
        Family.GAMMA: lambda: random.gammavariate(second, first),
        Family.EMPIRICAL: lambda: random.choice(time.samples),  # noqa: S311  # no secret
    }
    return functions.get(time.family if time.mean else Family.CONSTANT, lambda: time.mean)


def new_counts(p: Plain) -> list[list[int]]:
    """Counts of nothing yet."""
    return [[0] * len(p.times) for _ in range(POINTS + 1)]


def next_place(p: Plain, place: int) -> int:
    """Where a server goes from a place."""
    weights, draw = p.weights[place], random.random()  # noqa: S311  # no secret
    for target, upto in zip(p.targets[place], weights, strict=True):
        if draw < upto:
            return target
    return p.targets[place][-1]


def with_simpy(p: Plain) -> Run:
    """A process for each server."""

    def run(count: int) -> Counts:
        clock, counts = simpy.Environment(), new_counts(p)

        def live() -> Any:
            place = next_place(p, 0)
            counts[0][place] += 1
            while place not in p.ends:
                yield clock.timeout(p.times[place]())
                at = math.ceil(clock.now / STEP)
                counts[at][place] -= 1
                place = next_place(p, place)
                counts[at][place] += 1

        for _ in range(count):
            clock.process(live())
        clock.run(until=HORIZON)
        return np.array(counts)

    return run


def with_salabim(p: Plain) -> Run:
    """A component for each server."""
    import salabim  # a rival only: what tests need nothing of is not installed for them

    def run(count: int) -> Counts:
        salabim.yieldless(False)
        clock: Any = salabim.Environment(trace=False)
        counts = new_counts(p)

        class Life(salabim.Component):  # type: ignore[misc]  # salabim has no types
            def process(self) -> Any:
                place = next_place(p, 0)
                counts[0][place] += 1
                while place not in p.ends:
                    yield self.hold(p.times[place]())
                    at = math.ceil(clock.now() / STEP)
                    counts[at][place] -= 1
                    place = next_place(p, place)
                    counts[at][place] += 1

        for _ in range(count):
            Life()
        clock.run(till=HORIZON)
        return np.array(counts)

    return run


def with_numpy(process: CompiledProfile, batch: int = 1 << 15) -> Run:
    """Sweeps over batches: all servers of a batch take a step at once, the gone are dropped."""
    lists, places = plain(process), len(process.sojourns)
    ends = np.isin(np.arange(places), list(lists.ends))
    widest = max(len(sojourn.jumps) for sojourn in process.sojourns)
    tables = [
        draw_table([*(jump.probability for jump in s.jumps), *[0.0] * (widest - len(s.jumps))])
        if s.jumps
        else [(0, 0, 0)] * (1 << (widest - 1).bit_length())
        for s in process.sojourns
    ]
    slots = len(tables[0])
    upto, own, other = np.moveaxis(np.array(tables, np.float64), 2, 0).reshape(3, -1)
    limits = (upto / 2.0**32 * slots - np.tile(np.arange(slots), places)).astype(np.float32)
    padded = [[*row, *[0] * (widest - len(row))] for row in lists.targets]
    rows, targets = np.repeat(np.arange(places), slots), np.array(padded, np.int32)
    own, other = (targets[rows, number.astype(int)] for number in (own, other))
    scales = np.array([sojourn.time.mean for sojourn in process.sojourns], np.float32)
    generator = np.random.Generator(np.random.SFC64(7))

    def jump(place: NDArray[np.int32]) -> NDArray[np.int32]:
        draw = generator.random(len(place), np.float32) * np.float32(slots)
        slot = draw.astype(np.int32)
        at = place * slots + slot
        return np.asarray(np.where(draw - slot < limits[at], own[at], other[at]), np.int32)

    def run(count: int) -> Counts:
        counts = np.zeros((POINTS + 1) * places, np.int64)
        for first in range(0, count, batch):
            place = jump(np.zeros(min(batch, count - first), np.int32))
            np.add.at(counts, place, 1)
            age = np.zeros(len(place))
            while len(place):
                age += generator.standard_exponential(len(place), np.float32) * scales[place]
                stays = age < HORIZON
                place, age = place[stays], age[stays]
                row = np.ceil(age / STEP).astype(np.int64) * places
                np.add.at(counts, row + place, -1)
                place = jump(place)
                np.add.at(counts, row + place, 1)
                goes_on = ~ends[place]
                place, age = place[goes_on], age[goes_on]
        return counts.reshape(-1, places)

    return run


def with_fleet(process: CompiledProfile, threads: int = 1) -> Run:
    """What `ecs-fsm fleet run` runs."""

    def run(count: int) -> Counts:
        result = fleet.run(
            process.profile, servers=count, duration=HORIZON, step=STEP, seed=7, threads=threads
        )
        return result.tally.showing

    return run


def timed(run: Run, count: int) -> tuple[float, Counts]:
    """Servers a second, and the counts."""
    begun = perf_counter()
    counts = run(count)
    return count / (perf_counter() - begun), counts


def active(counts: Counts, columns: list[int]) -> int:
    """How many servers are active at the end."""
    return int(counts[:, columns].sum())


OTHER_TIMES = """
extends = "built-in"
[durations]
spawning = { distribution = "weibull", mean = "60s", shape = 0.7 }
networking = { distribution = "gamma", mean = "12s", shape = 0.4 }
reboot_started = { distribution = "lognormal", mean = "25s", sd = "10s" }
rebuild_spawning = { distribution = "lognormal", mean = "60s", sd = "40s" }
migrating = { distribution = "weibull", mean = "90s", shape = 1.5 }
powering-off = { distribution = "lognormal", mean = "30s", sd = "20s" }
powering-on = { distribution = "gamma", mean = "20s", shape = 2 }
resize_prep = { distribution = "constant", mean = "5s" }
resize_migrating = { distribution = "lognormal", mean = "120s", sd = "100s" }
resize_finish = { distribution = "gamma", mean = "40s", shape = 3 }
[requests."active/-"]
every = { distribution = "lognormal", mean = "24h", sd = "24h" }
"""


def against_rivals() -> list[Row]:
    """Servers a second: the built-in profile for 30 days with hourly counts, on one thread."""
    process = compile_profile(fleet.built_in(ECS))
    other = compile_profile(parse(ECS, OTHER_TIMES, "other.toml"))
    nova = compile_profile(fleet.built_in(NOVA))
    rest = next(s for s in process.states if s == "active/-")
    sojourns = process.sojourns
    places = [n for n, s in enumerate(sojourns) if s.at.node and s.at.node.state is rest]
    ours = [process.states.index(rest)]
    share = float(Exact(process).over_time(HORIZON, [1])[0][0][places].sum())
    lists = plain(process)
    checked: dict[str, tuple[int, Run, list[int]]] = {
        "ours": (200_000, with_fleet(process), ours),
        "two": (400_000, with_fleet(process, 2), ours),
        "simpy": (300, with_simpy(lists), places),
        "salabim": (100, with_salabim(lists), places),
        "numpy": (20_000, with_numpy(process), places),
    }
    runs = checked | {
        "other": (200_000, with_fleet(other), ours),
        "simpy, other": (300, with_simpy(plain(other)), places),
        "nova": (200_000, with_fleet(nova), []),
    }
    random.seed(7)
    with_fleet(process)(1000)
    rates: dict[str, list[float]] = {name: [] for name in runs}
    agreed: list[bool] = []
    for _ in range(ROUNDS):
        for name, (count, run, columns) in runs.items():
            rate, counts = timed(run, count)
            rates[name].append(rate)
            if name in checked:
                off = abs(active(counts, columns) / count - share)
                agreed.append(off < 5 * math.sqrt(share * (1 - share) / count))

    def against(what: str, ours: str, rival: str, target: float) -> Row:
        ratio = median(a / b for a, b in zip(rates[ours], rates[rival], strict=True))
        fast, slow = (f"{median(rates[name]):,.0f} /s" for name in (ours, rival))
        return Row(what, fast, slow, f"{ratio:.3g} x", f"at least {target:g} x", ratio >= target)

    return [
        Row("servers active after 30 days", f"{share:.4f}", "", f"{sum(agreed)} of {len(agreed)}",
            "all", all(agreed)),
        against("servers for 30 days / SimPy", "ours", "simpy", 150),
        against("servers for 30 days / salabim", "ours", "salabim", 600),
        against("servers for 30 days / numpy in batches", "ours", "numpy", 2),
        against("the same with other than exponential times / SimPy", "other", "simpy, other", 40),
        against("servers of Nova / servers of ECS", "nova", "ours", 0.5),
        against("servers for 30 days, two threads / one", "two", "ours", 1.8),
        events(process),
    ]  # fmt: skip


def events(process: CompiledProfile) -> Row:
    """Events a second, written to Parquet, on two threads; a first few load what is compiled."""
    lifecycle, profile = process.profile.lifecycle, process.profile
    with tempfile.TemporaryDirectory() as folder:
        for servers in (10, 100_000):
            file = f"{folder}/{servers}.parquet"
            begun = perf_counter()
            with events_to_parquet(file, lifecycle, process.states, process.events) as take:
                done = fleet.run(profile, servers=servers, duration=HORIZON, threads=2, take=take)
            rate = done.changes / (perf_counter() - begun) / 1e6
    return Row("events to Parquet", f"{rate:.1f} million /s", "", f"{rate:.1f} million /s",
               "at least 5 million /s", rate >= 5)  # fmt: skip


SHELL = ("fleet", "run", "--servers", "1000000", "--duration", "30d", "--step", "1h",
         "--seed", "7", "--threads", "2", "--json")  # fmt: skip


def from_the_shell() -> list[Row]:
    """A million servers for 30 days with hourly counts, once everything is compiled."""
    command = [sys.executable, "-m", "ecs_fsm", *SHELL]
    subprocess.run([*command[:-1], "--servers", "10"], check=True, capture_output=True)
    begun = perf_counter()
    done = subprocess.run(command, check=True, capture_output=True)
    took = perf_counter() - begun
    changes = json.loads(done.stdout)["changes_per_server"]
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [
        Row("a million servers, 30 days", f"{took:.1f} s", "", f"{took:.1f} s", "at most 2 s",
            took <= 2),
        Row("its memory", f"{most:.0f} MB", "", f"{most:.0f} MB", "less than 500 MB", most < 500),
        Row("its changes a server", f"{changes:.1f}", "", f"{changes:.1f}", "at least 60",
            changes >= 60),
    ]  # fmt: skip


def rows() -> list[Row]:
    """Everything about fleets; memory of child processes is that of the largest so far."""
    return [*from_the_shell(), *against_rivals()]
