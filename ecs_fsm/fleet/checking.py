"""Compares a simulated fleet with the exact answer, number by number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from ecs_fsm.fleet.compiled import Compiled
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.fleet.inversion import ERROR
from ecs_fsm.fleet.result import Result, shown
from ecs_fsm.fleet.stages import NoClosedForm

if TYPE_CHECKING:
    from ecs_fsm.fleet.contend import Contention

LEVEL = 1e-6
"""At which probability of a coincidence, over all comparisons, the two disagree."""
WIDTH = 1.959964
"""Standard errors on either side of a 95 % confidence interval."""
MOST_TIMES = 25
LARGEST_JUMP = 30.0
"""Changes by which one request may differ from the mean, in Bernstein's inequality."""

NO_WAIT = 1e-6
"""Seconds of waiting that come from rounding."""
FAR = 10.0
"""Standard deviations from the mean beyond which nothing is looked for."""
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
    found, left_out = list(_requests(result, exact)), dict[str, None]()
    for compare in (_shares, _events):
        try:
            found += compare(result, exact)
        except NoClosedForm as error:
            left_out[str(error)] = None
    return Checked(tuple(found), "; ".join(left_out) or None)


def check_contention(found: Contention) -> Checked:
    """Compare servers that compete with the exact answer of those that do not.

    All of it where nobody waited; else how requests end, which no waiting changes.
    """
    result = found.result
    if result.partial:
        return Checked((), "nothing is compared: requests were interrupted on their way")
    waited = [q.resource.name for q in found.queues if (q.waits > NO_WAIT).any()]
    if not waited:
        return check(result)
    ends = tuple(_requests(result, Exact(result.compiled), timed=False))
    why = f"servers waited for {', '.join(waited)}, and there is no exact answer for that"
    return Checked(ends, f"seconds, shares over time and events are not compared: {why}")


def _requests(result: Result, exact: Exact, *, timed: bool = True) -> Iterator[Comparison]:
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
            if timed:
                yield _mean(f"{name}: seconds", waits.mean, rested, course.seconds, course.spread)
            yield _bounded(
                f"{name}: changes", waits.changes, rested, course.changes, course.changes_spread
            )


def _shares(result: Result, exact: Exact) -> Iterator[Comparison]:
    times, coming = result.times, _coming(result)
    picked = sorted({round(n * (len(times) - 1) / (MOST_TIMES - 1)) for n in range(MOST_TIMES)})
    law, error = exact.over_time(result.step, picked)
    later = np.zeros_like(law)
    if coming[1]:
        begun = times[picked] > 0
        part = times[picked][begun] / result.horizon
        later[begun] = exact.inverted.until(times[picked][begun]) * part[:, None]
        error = max(error, ERROR)
    counts = result.counts()
    for word, places in _words(result.compiled).items():
        column = counts.get(word, np.zeros(len(times), np.int64))
        most = max(error * len(places), ROUNDING)
        for n, *laws in zip(picked, law, later, strict=True):
            shares = [min(max(float(shares[places].sum()), 0.0), 1.0) for shares in laws]
            name = f"{word} after {times[n]:g} s"
            if coming[1]:
                yield _two_proportions(name, int(column[n]), coming, shares, most)
            else:
                yield _proportion(name, int(column[n]), result.done, shares[0], most)


def _coming(result: Result) -> tuple[int, int]:
    """How many servers of a result come at the beginning, and how many at random times."""
    at_once = min(result.done, result.at_once)
    return at_once, result.done - at_once


def _events(result: Result, exact: Exact) -> Iterator[Comparison]:
    """How often each event happens to a server."""
    at_once, later = _coming(result)
    mean, variance, late, late_variance = exact.inverted.events(result.horizon)
    means = (at_once * mean + later * late) / result.done
    variances = (at_once * variance + later * late_variance) / result.done
    possible = {edge.event for edge in result.compiled.edges}
    rows = zip(result.compiled.events, result.tally.happened, means, variances, strict=True)
    for event, count, expected, around in rows:
        if event in possible:
            yield _counted(f"{event}: times a server", int(count), result.done, expected, around)


def _words(compiled: Compiled) -> dict[str, list[int]]:
    """The places that show each status."""
    found: dict[str, list[int]] = {}
    for n, spot in enumerate(compiled.spots):
        if spot.place.node:
            found.setdefault(shown(spot.place.node.state, "status"), []).append(n)
    return found


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


def _two_proportions(
    what: str, count: int, of: tuple[int, int], exact: Sequence[float], error: float
) -> Comparison:
    """A share of two kinds of servers together, by the sum of two binomial laws."""
    number = sum(of)
    mean = sum(n * p for n, p in zip(of, exact, strict=True)) / number
    variance = sum(n * p * (1 - p) for n, p in zip(of, exact, strict=True))
    share, half = count / number, WIDTH * math.sqrt(variance) / number
    below = _at_most(count, of, [max(p - error, 0.0) for p in exact])
    above = _at_most(number - count, of, [max(1 - p - error, 0.0) for p in exact])
    chance = min(1.0, 2 * min(below, above))
    return Comparison(what, share, max(share - half, 0), min(share + half, 1), mean, chance)


def _at_most(count: int, of: tuple[int, int], shares: Sequence[float]) -> float:
    """How likely two binomial numbers add up to so much at most."""
    (first, second), (one, other) = of, shares
    mean, spread = second * other, FAR * math.sqrt(second * other * (1 - other)) + FAR**2
    low, high = max(mean - spread, 0), min(mean + spread, second)
    values = np.arange(math.floor(low), math.ceil(high) + 1)
    law = stats.binom
    return float(law.pmf(values, second, other) @ law.cdf(count - values, first, one))


def _counted(what: str, count: int, of: int, exact: float, variance: float) -> Comparison:
    """A mean number of events, by Bernstein's inequality.

    It holds where numbers have no longer tails than those of Poisson's law, or of bursts as long as
    their variance is times their mean.
    """
    mean, most = count / of, ERROR * (1 + exact)
    variance = max(variance, 0.0)
    half, off = WIDTH * math.sqrt(variance / of), max(abs(mean - exact) - most, 0.0)
    burst = max(1.0, variance / max(exact, most))
    bound = -of * off**2 / (2 * (variance + burst * off)) if off else 0.0
    chance = min(1.0, 2 * math.exp(bound))
    return Comparison(what, mean, max(mean - half, 0.0), mean + half, max(exact, 0.0), chance)


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
