"""How fast fleets are, beside SimPy, salabim, numpy, and what the random numbers alone would take.

All let the same servers live from their creation to their end by the same profile, with exponential
times, on one thread; each is checked against the exact mean number of steps.
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

from ecs_fsm import ECS, fleet
from ecs_fsm.fleet.arrays import CompiledProfile, compile_profile
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.profiles.process import Activity
from tests.bench_rows import Row
from tests.fleet.lifetimes import lifetimes

ROUNDS = 5
CHANGE = (
    "requests.active/-.mix={stop=0.2, reboot=0.29, hard_reboot=0.07, live_migrate=0.15, "
    "rebuild=0.1, delete=0.19}"
)
"""The built-in profile with more deletes: a life of about 25 steps."""
Run = Callable[[int], int]
"""Lets so many servers live; their steps."""


class Plain(NamedTuple):
    """The process as lists, for the rivals written in Python; rates are per second."""

    rates: list[float]
    weights: list[list[float]]
    targets: list[list[int]]
    ends: set[int]


def plain(process: CompiledProfile) -> Plain:
    """The process as lists."""
    places = {sojourn.at: n for n, sojourn in enumerate(process.sojourns)}
    return Plain(
        [1 / sojourn.time.mean if sojourn.time.mean else math.inf for sojourn in process.sojourns],
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


def next_place(p: Plain, place: int) -> int:
    """Where a server goes from a place."""
    weights, draw = p.weights[place], random.random()  # noqa: S311  # no secret
    for target, upto in zip(p.targets[place], weights, strict=True):
        if draw < upto:
            return target
    return p.targets[place][-1]


def with_simpy(p: Plain) -> Run:
    """A process for each server."""

    def run(count: int) -> int:
        clock, steps = simpy.Environment(), [0]

        def live() -> Any:
            place = 0
            while place not in p.ends:
                if p.rates[place] != math.inf:
                    yield clock.timeout(random.expovariate(p.rates[place]))
                place = next_place(p, place)
                steps[0] += 1

        for _ in range(count):
            clock.process(live())
        clock.run()
        return steps[0]

    return run


def with_salabim(p: Plain) -> Run:
    """A component for each server."""
    import salabim  # a rival only: what tests need nothing of is not installed for them

    def run(count: int) -> int:
        salabim.yieldless(False)
        clock: Any = salabim.Environment(trace=False)
        steps = [0]

        class Life(salabim.Component):  # type: ignore[misc]  # salabim has no types
            def process(self) -> Any:
                place = 0
                while place not in p.ends:
                    if p.rates[place] != math.inf:
                        yield self.hold(random.expovariate(p.rates[place]))
                    place = next_place(p, place)
                    steps[0] += 1

        for _ in range(count):
            Life()
        clock.run()
        return steps[0]

    return run


def with_numpy(process: CompiledProfile, batch: int = 1 << 15) -> Run:
    """Sweeps over batches: all servers of a batch take a step at once, the gone are dropped."""
    a = process.arrays
    ends = np.isin(a.activities, [Activity.ENDS, Activity.LOST])
    slots = a.thresholds.shape[1]
    limits = (a.thresholds / 2.0**32).astype(np.float32).ravel()
    own, other = a.targets[a.owns].ravel(), a.targets[a.others].ravel()
    means = a.scales.astype(np.float32)
    generator = np.random.Generator(np.random.SFC64(7))

    def run(count: int) -> int:
        steps = 0
        for first in range(0, count, batch):
            place = np.zeros(min(batch, count - first), np.int32)
            age = np.zeros(len(place), np.float32)
            while len(place):
                steps += len(place)
                age += generator.standard_exponential(len(place), np.float32) * means[place]
                draw = generator.random(len(place), np.float32) * np.float32(slots)
                slot = draw.astype(np.int32)
                at = place * slots + slot
                place = np.where(draw - slot < limits[at], own[at], other[at])
                stays = ~ends[place]
                place, age = place[stays], age[stays]
        return steps

    return run


def exponentials() -> Callable[[], float]:
    """Exponential float32 a second, from the fastest of numpy's generators."""
    out = np.empty(1 << 14, np.float32)
    kinds = (np.random.SFC64, np.random.PCG64DXSM, np.random.Philox, np.random.MT19937)
    generators = [np.random.Generator(kind(1)) for kind in kinds]

    def rate() -> float:
        best = 0.0
        for generator in generators:
            begun = perf_counter()
            for _ in range(200):
                generator.standard_exponential(dtype=np.float32, out=out)
            best = max(best, 200 * len(out) / (perf_counter() - begun))
        return best

    return rate


def timed(run: Run, count: int) -> tuple[float, float]:
    """Servers a second, and steps of each."""
    begun = perf_counter()
    steps = run(count)
    return count / (perf_counter() - begun), steps / count


def lives() -> list[Row]:
    """Servers a second from creation to their end."""
    process = compile_profile(fleet.changed(fleet.built_in(ECS), [CHANGE]))
    exact = Exact(process)
    lists = plain(process)
    runs: dict[str, tuple[int, Run]] = {
        "ours": (3_000_000, lambda n: lifetimes(process, n, seed=7).steps),
        "two": (6_000_000, lambda n: lifetimes(process, n, seed=7, threads=2).steps),
        "simpy": (2_000, with_simpy(lists)),
        "salabim": (500, with_salabim(lists)),
        "numpy": (300_000, with_numpy(process)),
    }
    random.seed(7)
    lifetimes(process, 1000, seed=7)
    limit = exponentials()
    rates: dict[str, list[float]] = {name: [] for name in (*runs, "limit")}
    agreed: list[bool] = []
    for _ in range(ROUNDS):
        for name, (count, run) in runs.items():
            rate, each = timed(run, count)
            rates[name].append(rate)
            agreed.append(abs(each - exact.steps) < 5 * exact.steps_spread / math.sqrt(count))
        rates["limit"].append(limit())

    def against(what: str, ours: str, rival: str, target: float, per: float = 1.0) -> Row:
        ratio = median(a * per / b for a, b in zip(rates[ours], rates[rival], strict=True))
        mine, theirs = median(rates[ours]) * per, median(rates[rival])
        fast, slow = (f"{rate / 1e6:.3g} M/s" for rate in (mine, theirs))
        return Row(what, fast, slow, f"{ratio:.3g} x", f"at least {target:g} x", ratio >= target)

    length = f"{exact.steps:.1f} steps a life"
    return [
        Row("lives agree with the exact mean", length, "", f"{sum(agreed)} of {len(agreed)}",
            "all", all(agreed)),
        against("lives / SimPy", "ours", "simpy", 400),
        against("lives / salabim", "ours", "salabim", 2000),
        against("lives / numpy in batches", "ours", "numpy", 1.6),
        against("steps / exponential float32 of numpy", "ours", "limit", 0.5, exact.steps),
        against("lives, two threads / one", "two", "ours", 1.8),
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
    return [*from_the_shell(), *lives()]
