"""Fits a profile to timed observations: the likeliest family of each time, and every share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State
from ecs_fsm.core.scenario import HANG
from ecs_fsm.fleet.observed import Observed, Stays, merged
from ecs_fsm.profiles.durations import SECOND, Duration, Family

ENOUGH = 30
"""Samples below which nothing is fitted, and the built-in profile stays."""
SHORTEST = 1e-3
"""Seconds to take for a time of 0, of which no family but the constant one is likely."""


class Fit(NamedTuple):
    """One row: `size` samples, the time that fits them best, and how well.

    `distance` is Kolmogorov's and Smirnov's, `chance` its probability for samples of that very
    time (which, as it was fitted, is a little too high); None where there were too few.
    """

    key: str
    size: int
    time: Duration | None
    distance: float
    chance: float


class Fitted(NamedTuple):
    """A profile as text, its rows, and what there was too little data for."""

    text: str
    fits: tuple[Fit, ...]
    too_little: tuple[str, ...]


def fit(lifecycle: Lifecycle, observed: Observed) -> Fitted:
    """Fit a profile; what there is too little data for stays as in the built-in one."""
    writer = _Writer(lifecycle, observed)
    return Fitted("\n".join(writer.lines()) + "\n", tuple(writer.fits), tuple(writer.too_little))


def fit_times(key: str, times: list[float]) -> Fit:
    """The family and parameters under which the samples are likeliest, by Schwarz's criterion."""
    samples = np.asarray(times, np.float64)
    if len(samples) < ENOUGH:
        return Fit(key, len(samples), None, math.nan, math.nan)
    if np.ptp(samples) <= 1e-9 * max(samples.max(), 1):
        return Fit(key, len(samples), Duration(Family.CONSTANT, float(samples.mean())), 0.0, 1.0)
    positive = np.maximum(samples, SHORTEST)
    laws = dict(_laws(positive))
    price = math.log(len(samples))
    costs = {
        family: price * (1 + (family in SECOND)) - 2 * float(law.logpdf(positive).sum())
        for family, law in laws.items()
    }
    best = min(costs, key=costs.__getitem__)
    test = stats.kstest(positive, laws[best].cdf)
    time = _duration(best, laws[best])
    return Fit(key, len(samples), time, float(test.statistic), float(test.pvalue))


def _laws(samples: NDArray[np.float64]) -> Iterator[tuple[Family, stats.rv_continuous]]:
    """Each family with the likeliest parameters."""
    yield Family.EXPONENTIAL, stats.expon(scale=samples.mean())
    logs = np.log(samples)
    yield Family.LOGNORMAL, stats.lognorm(logs.std(), scale=math.exp(logs.mean()))
    shape, _, scale = stats.gamma.fit(samples, floc=0)
    yield Family.GAMMA, stats.gamma(shape, scale=scale)
    shape, _, scale = stats.weibull_min.fit(samples, floc=0)
    yield Family.WEIBULL, stats.weibull_min(shape, scale=scale)


def _duration(family: Family, law: stats.rv_continuous) -> Duration:
    mean = float(law.mean())
    if family is Family.LOGNORMAL:
        return Duration(family, mean, float(law.std()))
    return Duration(family, mean, float(law.args[0]) if family in SECOND else 0.0)


class _Writer:
    def __init__(self, lifecycle: Lifecycle, observed: Observed) -> None:
        self._lifecycle, self._observed = lifecycle, observed
        self.fits: list[Fit] = []
        self.too_little: list[str] = []
        states = lifecycle.states.values()
        keys = dict.fromkeys(_key(s) for s in states if not lifecycle.rests(s))
        self._steps = {
            key: [s for s in states if not lifecycle.rests(s) and _key(s) == key] for key in keys
        }

    def lines(self) -> Iterator[str]:
        seen = self._observed
        yield f"# Fitted to {seen.changes} changes of {seen.servers} servers."
        if seen.unexplained:
            yield f"# {seen.unexplained} changes that no event explains are left out."
        yield "# n: samples; KS: distance and probability of the Kolmogorov-Smirnov test."
        yield ""
        yield 'extends = "built-in"'
        yield f'lifecycle = "{self._lifecycle.name}"'
        yield from ("", "[durations]")
        for key in self._steps:
            yield from self._time(_quoted(key), f"durations.{key}", self._stays(key))
        yield from self._requests()
        yield from self._probabilities()
        if self.too_little:
            yield from ("", "# Too little data, left as in the built-in profile:")
            yield from (f"#   {told}" for told in self.too_little)

    def _stays(self, key: str) -> Stays:
        seen = self._observed.states
        return merged(seen[state] for state in self._steps[key] if state in seen)

    def _time(self, written: str, name: str, stays: Stays) -> Iterator[str]:
        found = fit_times(name, stays.times)
        self.fits.append(found)
        if found.time is None:
            self.too_little.append(f"{name}: n={found.size}, {ENOUGH} are needed")
            return
        quality = f"n={found.size}, KS {found.distance:.4f}, p={found.chance:.3g}"
        yield f"{written} = {_written(found.time)}  # {quality}"

    def _requests(self) -> Iterator[str]:
        for state in self._lifecycle.states.values():
            stays = self._observed.states.get(state)
            if not self._lifecycle.rests(state) or stays is None:
                continue
            asked = self._asked(state, stays)
            total = sum(asked.values())
            if total < ENOUGH:
                self.too_little.append(f"requests.{state}: n={total}, {ENOUGH} are needed")
                continue
            yield from ("", f'[requests."{state}"]')
            yield from self._time("every", f"requests.{state}.every", stays)
            shares = ", ".join(f"{name} = {count / total!r}" for name, count in asked.items())
            yield f"mix = {{ {shares} }}  # n={total}"

    def _asked(self, state: State, stays: Stays) -> Mapping[str, int]:
        """What was asked there; what goes wrong with a request without a step counts for it."""
        operations = self._lifecycle.operations.values()
        unseen = [o.name for o in operations if o.unseen and state in o.steps]
        asked: dict[str, int] = {}
        for event, count in stays.events.items():
            failed = self._lifecycle.triggers[event].kind is Kind.FAILURE
            name = unseen[0] if failed and unseen else event
            asked[name] = asked.get(name, 0) + count
        return asked

    def _probabilities(self) -> Iterator[str]:
        """How likely each event ends a step, where it can and where it can be told apart."""
        for event in (*self._lifecycle.events, HANG):
            rows = [*self._shares(event), *self._at_rest(event)]
            rows = [] if event == self._lifecycle.advance else rows
            if rows:
                yield from ("", f"[{event}]", *rows)

    def _at_rest(self, event: str) -> Iterator[str]:
        """How likely requests go wrong that have no step of their own."""
        for state, stays in self._observed.states.items():
            unseen = [o for o in self._lifecycle.operations.values() if o.unseen]
            if self._lifecycle.rests(state) and any(state in o.steps for o in unseen):
                count = stays.events.get(event, 0)
                total = count + sum(stays.events.get(o.name, 0) for o in unseen)
                if event != HANG and total >= ENOUGH and self._lifecycle.find(event, state):
                    yield f"{_quoted(state)} = {count / total!r}  # {count} of {total}"

    def _shares(self, event: str) -> Iterator[str]:
        for key, states in self._steps.items():
            stays = self._stays(key)
            total = sum(stays.events.values()) + stays.overtaken
            able = event == HANG or any(self._lifecycle.find(event, state) for state in states)
            if not able or total < ENOUGH or event in stays.alike:
                continue
            count = stays.overtaken if event == HANG else stays.events.get(event, 0)
            yield f"{_quoted(key)} = {count / total!r}  # {count} of {total}"


def _key(state: State) -> str:
    return str(state.task_state or state)


def _quoted(key: str) -> str:
    return f'"{key}"' if "/" in key else key


def _written(time: Duration) -> str:
    if time.family is Family.EXPONENTIAL:
        return f"{time.mean:.6g}"
    second = SECOND.get(time.family)
    more = f", {second} = {time.second:.6g}" if second else ""
    return f'{{ distribution = "{time.family}", mean = {time.mean:.6g}{more} }}'
