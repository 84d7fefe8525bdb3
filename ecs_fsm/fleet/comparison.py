"""Compares a simulated fleet with the exact answer, number by number.

Each number gets the probability of a difference at least as large if the exact answer is right. The
two disagree where it is below one in a million, divided by the number of comparisons (Bonferroni's
correction): then a correct simulation fails once in a million runs at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from ecs_fsm.core.model import NO_SERVER
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.fleet.arrays import CompiledProfile
from ecs_fsm.fleet.exact import Exact
from ecs_fsm.fleet.result import PERCENTILES, FleetResult, shown
from ecs_fsm.fleet.tally import RequestStatistics, bin_edges
from ecs_fsm.fleet.transient import ERROR, NoClosedForm

if TYPE_CHECKING:
    from ecs_fsm.fleet.contention import Contention

LEVEL = 1e-6
"""The probability of a false alarm, over all comparisons."""
WIDTH = 1.959964
"""Standard errors on either side of a 95 % confidence interval."""
MOST_TIMES = 25
LARGEST_JUMP = 30.0
"""Changes by which one request may differ from the mean, in Bernstein's inequality."""

NO_WAIT = 1e-6
"""Seconds of waiting that come from rounding."""
FAR = 10.0
"""Standard deviations from the mean beyond which a binomial law is neglected."""
ROUNDING = 1e-9
"""By how much rounding may move an exact probability past 0 or 1, or a mean."""
FEWEST = 30
"""Requests below which standard deviations and quantiles are not compared: all are likely."""
QUANTILE_ERROR = 0.005
"""By how much an exact quantile may be off at a jump, relative to it."""
CONSTANT = 1e-6
"""The standard deviation of a constant number through rounding, relative to its mean."""


Progress = Callable[[int, int], None]
"""Receives how many groups of numbers are compared, of how many."""


class Comparison(NamedTuple):
    """One number, simulated (95 % confidence from `low` to `high`) and exact.

    `chance` is the probability of a difference at least as large, or an upper bound of it.
    """

    what: str
    simulated: float
    low: float
    high: float
    exact: float
    chance: float


class FleetCheck(NamedTuple):
    """All comparisons, and why others could not be made."""

    comparisons: tuple[Comparison, ...]
    left_out: str | None

    @property
    def disagreements(self) -> tuple[Comparison, ...]:
        """The comparisons in which chance does not explain the difference."""
        most = LEVEL / max(len(self.comparisons), 1)
        return tuple(c for c in self.comparisons if c.chance < most)

    def as_dict(self) -> dict[str, object]:
        """Return the comparisons, for JSON."""
        return {
            "agrees": not self.disagreements,
            "left_out": self.left_out,
            "comparisons": [c._asdict() for c in self.comparisons],
            "disagreements": [c.what for c in self.disagreements],
        }


def check(result: FleetResult, progress: Progress | None = None) -> FleetCheck:
    """Compare a result with the exact answer of its profile."""
    exact = Exact(result.compiled)
    operations = result.compiled.classes_by_operation()
    found, left_out = list(_requests(result, exact)), dict[str, None]()
    groups: list[Callable[[FleetResult, Exact], Iterator[Comparison]]]
    groups = [partial(_quantiles, name, classes) for name, classes in operations.items()]
    groups += [_shares, _events]
    for number, compare in enumerate(groups, 1):
        try:
            found += compare(result, exact)
        except NoClosedForm as error:
            left_out[str(error)] = None
        if progress:
            progress(number, len(groups))
    return FleetCheck(tuple(found), "; ".join(left_out) or None)


def check_contention(found: Contention, progress: Progress | None = None) -> FleetCheck:
    """Compare servers that compete with the exact answer for servers that do not.

    If no server waited, all of it; otherwise how requests end, which waiting does not change.
    """
    result = found.result
    if result.partial:
        return FleetCheck((), "nothing is compared: the simulation was interrupted")
    waited = [q.resource.name for q in found.queues if (q.waits > NO_WAIT).any()]
    if not waited:
        return check(result, progress)
    ends = tuple(_requests(result, Exact(result.compiled), timed=False))
    why = f"servers waited for {', '.join(waited)}, and no exact answer exists for that"
    return FleetCheck(ends, f"seconds, shares over time and events are not compared: {why}")


def _requests(result: FleetResult, exact: Exact, *, timed: bool = True) -> Iterator[Comparison]:
    """How requests end, by operation and the state where they are made."""
    alike: dict[str, list[int]] = {}
    nowhere = Phrases(result.compiled.profile.lifecycle.table).nowhere
    for n, request_class in enumerate(result.compiled.classes):
        where = str(request_class.at).replace(NO_SERVER, nowhere)
        alike.setdefault(f"{request_class.operation} at {where}", []).append(n)
    for name, classes in alike.items():
        seen, passage = result.requests_of(classes), exact.passage(classes)
        if seen.requested:
            yield _proportion(f"{name}: rests", seen.rested, seen.requested, passage.rests)
            yield _proportion(f"{name}: ends in error", seen.failed, seen.requested, passage.error)
        if not seen.rested:
            continue
        mean, spread = passage.seconds, passage.seconds_spread
        changes, changes_spread = passage.changes, passage.changes_spread
        if timed:
            yield _mean(f"{name}: seconds", seen.mean, seen.rested, mean, spread)
        yield _bounded(f"{name}: changes", seen.changes, seen.rested, changes, changes_spread)
        if seen.rested < FEWEST:
            continue
        fourth_seconds, fourth_changes = exact.fourth_moments(classes)
        if timed and not seen.histogram[-1]:  # the last bin has no upper end
            variance, error = _variance_of_seconds(seen, mean)
            law = mean, spread, fourth_seconds
            yield _spread(f"{name}: sd of seconds", variance, seen.rested, law, error)
        variance = seen.squares - 2 * changes * seen.changes + changes**2
        law = changes, changes_spread, fourth_changes
        yield _spread(f"{name}: sd of changes", variance, seen.rested, law)


def _quantiles(
    operation: str, classes: Sequence[int], result: FleetResult, exact: Exact
) -> Iterator[Comparison]:
    """The seconds within which a share of the requests of an operation comes to rest."""
    seen = result.requests_of(classes)
    if seen.rested >= FEWEST:
        counts = {n: int(result.tally.requested[n]) for n in classes if result.tally.requested[n]}
        for percent, time in exact.percentiles(exact.weights_of(counts), PERCENTILES).items():
            yield _quantile(f"{operation}: {percent:g} % within seconds", seen, percent, time)


def _quantile(what: str, seen: RequestStatistics, percent: float, exact: float) -> Comparison:
    """A quantile: of that many times or more, a binomial number is up to it, and of fewer below it.

    This holds at points of mass too, which a quantile can be. Bins of times that the exact quantile
    may lie in count for either side.
    """
    share, number = percent / 100, seen.rested
    cumulated = np.append(0, np.cumsum(seen.histogram))
    edges, near = bin_edges(), 1 + QUANTILE_ERROR
    first = int(np.searchsorted(edges, exact / near, side="right")) - 1
    last = int(np.searchsorted(edges, exact * near, side="right"))
    below, up_to = int(cumulated[first]), int(cumulated[last])
    law = stats.binom(number, share)
    chance = min(1.0, 2 * float(min(law.cdf(up_to), law.sf(below - 1))))
    half = 100 * WIDTH * math.sqrt(share * (1 - share) / number)
    low, high = (seen.percentile(p) for p in (max(percent - half, 0), min(percent + half, 100)))
    return Comparison(what, seen.percentile(percent), low, high, exact, chance)


def _variance_of_seconds(seen: RequestStatistics, mean: float) -> tuple[float, float]:
    """The mean squared distance from the exact mean, and how far its root is off through bins.

    Moving each time by at most half its bin moves the root mean square of the distances by at most
    the root mean square of the moves (Minkowski's inequality).
    """
    middle, half = seen.bins()
    share = seen.histogram / seen.rested
    return float(share @ (middle - mean) ** 2), math.sqrt(float(share @ half**2))


def _shares(result: FleetResult, exact: Exact) -> Iterator[Comparison]:
    """The share of each status at up to `MOST_TIMES` points of the time grid."""
    times, (at_once, late) = result.times, _arrivals(result)
    picked = sorted({round(n * (len(times) - 1) / (MOST_TIMES - 1)) for n in range(MOST_TIMES)})
    law, error = exact.over_time(result.step, picked)
    later = np.zeros_like(law)
    if late:
        begun = times[picked] > 0
        part = times[picked][begun] / result.horizon
        later[begun] = exact.inversion.until(times[picked][begun]) * part[:, None]
        error = max(error, ERROR)
    counts = result.counts()
    for word, numbers in _chain_states_by_status(result.compiled).items():
        column = counts.get(word, np.zeros(len(times), np.int64))
        most = max(error * len(numbers), ROUNDING)
        for n, *laws in zip(picked, law, later, strict=True):
            shares = [min(max(float(shares[numbers].sum()), 0.0), 1.0) for shares in laws]
            name = f"{word} after {times[n]:g} s"
            if late:
                yield _two_proportions(name, int(column[n]), (at_once, late), shares, most)
            else:
                yield _proportion(name, int(column[n]), result.done, shares[0], most)


def _arrivals(result: FleetResult) -> tuple[int, int]:
    """How many servers of a result arrive at time 0, and how many at random times."""
    at_once = min(result.done, result.at_once)
    return at_once, result.done - at_once


def _events(result: FleetResult, exact: Exact) -> Iterator[Comparison]:
    """How often each event happens to a server."""
    at_once, later = _arrivals(result)
    mean, variance, late, late_variance = exact.inversion.events(result.horizon)
    means = (at_once * mean + later * late) / result.done
    variances = (at_once * variance + later * late_variance) / result.done
    possible = {jump.event for jump in result.compiled.jumps}
    rows = zip(result.compiled.events, result.tally.happened, means, variances, strict=True)
    for event, count, expected, around in rows:
        if event in possible:
            yield _counted(f"{event}: times a server", int(count), result.done, expected, around)


def _chain_states_by_status(compiled: CompiledProfile) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for n, sojourn in enumerate(compiled.sojourns):
        if sojourn.at.node:
            found.setdefault(shown(sojourn.at.node.state, "status"), []).append(n)
    return found


def _proportion(
    what: str, count: int, of: int, exact: float, error: float = ROUNDING
) -> Comparison:
    """A share, by the binomial law; the exact one may be off by `error`."""
    share = count / of
    # Wilson's interval (1927), which does not shrink to nothing at 0 or 1.
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
    """The probability that the sum of two binomial numbers is at most `count`."""
    (first, second), (one, other) = of, shares
    mean, spread = second * other, FAR * math.sqrt(second * other * (1 - other)) + FAR**2
    low, high = max(mean - spread, 0), min(mean + spread, second)
    values = np.arange(math.floor(low), math.ceil(high) + 1)
    law = stats.binom
    return float(law.pmf(values, second, other) @ law.cdf(count - values, first, one))


def _counted(what: str, count: int, of: int, exact: float, variance: float) -> Comparison:
    """A mean number of events, by Bernstein's inequality.

    It holds if the tails of the numbers are not longer than those of a Poisson law, or of bursts as
    long as their variance is times their mean.
    """
    mean, most = count / of, ERROR * (1 + exact)
    variance = max(variance, 0.0)
    half, off = WIDTH * math.sqrt(variance / of), max(abs(mean - exact) - most, 0.0)
    burst = max(1.0, variance / max(exact, most))
    bound = -of * off**2 / (2 * (variance + burst * off)) if off else 0.0
    chance = min(1.0, 2 * math.exp(bound))
    return Comparison(what, mean, max(mean - half, 0.0), mean + half, max(exact, 0.0), chance)


def _mean(what: str, mean: float, number: int, exact: float, spread: float) -> Comparison:
    """A mean of positive times, whose law is close to a gamma law of equal mean and variance."""
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


def _spread(
    what: str, variance: float, number: int, law: tuple[float, float, float], error: float = 0.0
) -> Comparison:
    """A standard deviation, from the mean squared distance from the exact mean.

    `law` is the exact mean, standard deviation and fourth central moment; the simulated standard
    deviation may be off by `error`. The variance of a squared distance is the fourth moment minus
    the squared variance. A sum of squares with long tails is large for one of two reasons: many are
    a little larger, which Bernstein's inequality bounds, or a single one is huge, which has the
    probability of `number` exponential tails. Their scale follows from the ratio of fourth and
    second moment.
    """
    mean, exact, fourth = law
    simulated, tolerance = math.sqrt(max(variance, 0.0)), error + CONSTANT * max(mean, 1)
    nearest = min(max(exact, simulated - tolerance), simulated + tolerance)
    off, half, chance = abs(nearest**2 - exact**2), 0.0, 1.0
    if exact <= CONSTANT * max(mean, 1):
        chance = 0.0 if off else 1.0
    elif math.isfinite(fourth):
        around, tail = max(fourth - exact**4, 0.0), math.sqrt(max(fourth, exact**4)) / exact / 2
        half = WIDTH * math.sqrt(around / number) / (2 * exact)
        many = math.exp(-number * off**2 / (2 * (around + tail**2 * off))) if off else 1.0
        single = math.exp(-math.sqrt(number * off) / tail) if nearest > exact else 0.0
        chance = min(1.0, 2 * many + number * single)
    low, high = simulated - half - tolerance, simulated + half + tolerance
    return Comparison(what, simulated, max(low, 0.0), high, exact, chance)
