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
    """The process as lists, for the rivals written in Python; rates are per second, 0 where no time passes."""

    rates: list[float]
    weights: list[list[float]]
    targets: list[list[int]]
    ends: set[int]


def plain(process: CompiledProfile) -> Plain:
    """The process as lists."""
    places = {sojourn.at: n for n, sojourn in enumerate(process.sojourns)}
    return Plain(
        [1 / sojourn.time.mean if sojourn.time.mean else 0.0 for sojourn in process.sojourns],
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


def new_counts(p: Plain) -> list[list[int]]:
    """Counts of nothing yet."""
    return [[0] * len(p.rates) for _ in range(POINTS + 1)]


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
                yield clock.timeout(random.expovariate(p.rates[place]) if p.rates[place] else 0)
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
                    yield self.hold(random.expovariate(p.rates[place]) if p.rates[place] else 0)
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
    a = process.arrays
    ends = np.isin(a.activities, [Activity.ENDS, Activity.LOST])
    slots, places = a.thresholds.shape[1], len(a.activities)
    limits = (a.thresholds / 2.0**32).astype(np.float32).ravel()
    own, other = a.targets[a.owns].ravel(), a.targets[a.others].ravel()
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
                age += generator.standard_exponential(len(place), np.float32) * a.scales[place]
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


def against_rivals() -> list[Row]:
    """Servers a second: the built-in profile for 30 days with hourly counts, on one thread."""
    process = compile_profile(fleet.built_in(ECS))
    rest = next(s for s in process.states if s == "active/-")
    sojourns = process.sojourns
    places = [n for n, s in enumerate(sojourns) if s.at.node and s.at.node.state is rest]
    ours = [process.states.index(rest)]
    share = float(Exact(process).over_time(HORIZON, [1])[0][0][places].sum())
    lists = plain(process)
    runs: dict[str, tuple[int, Run, list[int]]] = {
        "ours": (20_000, with_fleet(process), ours),
        "two": (40_000, with_fleet(process, 2), ours),
        "simpy": (300, with_simpy(lists), places),
        "salabim": (100, with_salabim(lists), places),
        "numpy": (20_000, with_numpy(process), places),
    }
    random.seed(7)
    with_fleet(process)(1000)
    rates: dict[str, list[float]] = {name: [] for name in runs}
    agreed: list[bool] = []
    for _ in range(ROUNDS):
        for name, (count, run, columns) in runs.items():
            rate, counts = timed(run, count)
            rates[name].append(rate)
            off = abs(active(counts, columns) / count - share)
            agreed.append(off < 5 * math.sqrt(share * (1 - share) / count))

    def against(what: str, ours: str, rival: str, target: float) -> Row:
        ratio = median(a / b for a, b in zip(rates[ours], rates[rival], strict=True))
        fast, slow = (f"{median(rates[name]):,.0f} /s" for name in (ours, rival))
        return Row(what, fast, slow, f"{ratio:.3g} x", f"at least {target:g} x", ratio >= target)

    return [
        Row("servers active after 30 days", f"{share:.4f}", "", f"{sum(agreed)} of {len(agreed)}",
            "all", all(agreed)),
        against("servers for 30 days / SimPy", "ours", "simpy", 15),
        against("servers for 30 days / salabim", "ours", "salabim", 60),
        against("servers for 30 days / numpy in batches", "ours", "numpy", 0.2),
        against("servers for 30 days, two threads / one", "two", "ours", 1.5),
    ]  # fmt: skip


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
        Row("a million servers, 30 days", f"{took:.1f} s", "", f"{took:.1f} s", "less than 10 s",
            took < 10),
        Row("its memory", f"{most:.0f} MB", "", f"{most:.0f} MB", "less than 500 MB", most < 500),
        Row("its changes a server", f"{changes:.1f}", "", f"{changes:.1f}", "at least 60",
            changes >= 60),
    ]  # fmt: skip


def rows() -> list[Row]:
    """Everything about fleets; memory of child processes is that of the largest so far."""
    return [*from_the_shell(), *against_rivals()]
