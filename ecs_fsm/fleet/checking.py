"""Compares a simulated fleet with the exact answer, number by number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import stats

from ecs_fsm.fleet.checked import POISSON
from ecs_fsm.fleet.compiled import Compiled
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.fleet.result import Result, shown
from ecs_fsm.fleet.stages import NoClosedForm

LEVEL = 1e-6
"""At which probability of a coincidence, over all comparisons, the two disagree."""
WIDTH = 1.959964
"""Standard errors on either side of a 95 % confidence interval."""
MOST_TIMES = 25
LARGEST_JUMP = 30.0
"""Changes by which one request may differ from the mean, in Bernstein's inequality."""

ROUNDING = 1e-9
"""By how much an exact probability may miss 0 or 1, or a mean, through rounding."""


class Comparison(NamedTuple):
    """One number, simulated (95 % confidence from `low` to `high`) and exact.

    `chance` is the probability of so large a difference (at most, where only a bound is known).
    """

    what: str
    simulated: float
    low: float
    high: float
    exact: float
    chance: float


class Checked(NamedTuple):
    """All comparisons, and what could not be compared."""

    comparisons: tuple[Comparison, ...]
    left_out: str | None

    @property
    def disagreements(self) -> tuple[Comparison, ...]:
        """Those that are no coincidence at the level of `LEVEL`, all comparisons together."""
        most = LEVEL / max(len(self.comparisons), 1)
        return tuple(c for c in self.comparisons if c.chance < most)


def check(result: Result) -> Checked:
    """Compare a result with the exact answer of its profile."""
    exact = Exact(result.compiled)
    found = list(_requests(result, exact))
    left_out = None
    try:
        if result.compiled.profile.arrivals.kind == POISSON:
            raise NoClosedForm("shares over time are not compared: servers come at random times")
        found += _shares(result, exact)
    except NoClosedForm as error:
        left_out = str(error)
    return Checked(tuple(found), left_out)


def _requests(result: Result, exact: Exact) -> Iterator[Comparison]:
    groups = result.compiled.groups
    alike: dict[str, list[int]] = {}
    for n, group in enumerate(groups):
        alike.setdefault(f"{group.asks} at {group.place}", []).append(n)
    for name, numbers in alike.items():
        waits, course = result.waits_of(numbers), exact.course(numbers)
        asked, rested = waits.asked, waits.rested
        if asked and result.done:
            yield _proportion(f"{name}: rests", rested, asked, course.rests)
            yield _proportion(f"{name}: ends in error", waits.wrong, asked, course.error)
        if rested:
            yield _mean(f"{name}: seconds", waits.mean, rested, course.seconds, course.spread)
            yield _bounded(
                f"{name}: changes", waits.changes, rested, course.changes, course.changes_spread
            )


def _shares(result: Result, exact: Exact) -> Iterator[Comparison]:
    times = result.times
    picked = sorted({round(n * (len(times) - 1) / (MOST_TIMES - 1)) for n in range(MOST_TIMES)})
    law, error = exact.over_time(result.step, picked)
    counts = result.counts()
    for word in _words(result.compiled):
        places = [
            n
            for n, spot in enumerate(result.compiled.spots)
            if spot.place.node and shown(spot.place.node.state, "status") == word
        ]
        column = counts.get(word, np.zeros(len(times), np.int64))
        for shares, n in zip(law, picked, strict=True):
            share = min(max(float(shares[places].sum()), 0.0), 1.0)
            name = f"{word} after {times[n]:g} s"
            yield _proportion(
                name, int(column[n]), result.done, share, max(error * len(places), ROUNDING)
            )


def _words(compiled: Compiled) -> dict[str, None]:
    nodes = (spot.place.node for spot in compiled.spots)
    return dict.fromkeys(shown(node.state, "status") for node in nodes if node)


def _proportion(
    what: str, count: int, of: int, exact: float, error: float = ROUNDING
) -> Comparison:
    """A share, by the binomial law; the exact one may be off by `error`."""
    share = count / of
    # Wilson's interval, which is none of length 0 at 0 or 1.
    centre = (share + WIDTH**2 / (2 * of)) / (1 + WIDTH**2 / of)
    half = math.sqrt(share * (1 - share) / of + (WIDTH / (2 * of)) ** 2) * WIDTH
    half /= 1 + WIDTH**2 / of
    least, most = max(exact - error, 0.0), min(exact + error, 1.0)
    below, above = stats.binom.cdf(count, of, least), stats.binom.sf(count - 1, of, most)
    chance = min(1.0, 2 * float(min(below, above)))
    return Comparison(what, share, max(centre - half, 0), min(centre + half, 1), exact, chance)


def _mean(what: str, mean: float, number: int, exact: float, spread: float) -> Comparison:
    """A mean of positive times, whose law is nearly a gamma one of the same mean and variance."""
    half = WIDTH * spread / math.sqrt(number)
    if spread <= ROUNDING * max(exact, 1):
        chance = 1.0 if abs(mean - exact) <= 1e-6 + ROUNDING * exact else 0.0
    else:
        shape = number * (exact / spread) ** 2
        law = stats.gamma(shape, scale=exact / shape)
        chance = min(1.0, 2 * float(min(law.cdf(mean), law.sf(mean))))
    return Comparison(what, mean, mean - half, mean + half, exact, chance)


def _bounded(what: str, mean: float, number: int, exact: float, spread: float) -> Comparison:
    """A mean of whole numbers, by Bernstein's inequality: it holds where few of them differ."""
    half, off = WIDTH * spread / math.sqrt(number), abs(mean - exact)
    chance = 1.0
    if off > ROUNDING * max(exact, 1):
        bound = -number * off**2 / (2 * (spread**2 + LARGEST_JUMP * off / 3))
        chance = min(1.0, 2 * math.exp(bound))
    return Comparison(what, mean, mean - half, mean + half, exact, chance)
