"""The distribution of a passage time (from request to rest), for times of any family.

Every octave of time has a lattice of its own, of `POINTS` points up to its end. The mass of a
sojourn time is shared out to the two points around it, so that its mean stays. On a lattice,
probability generating functions turn the sum over all paths into one linear system for each point
of the unit circle, and a Fourier transform back gives the masses. Two errors are bounded:

- Discretization: a sojourn is moved by less than one point, 1/`POINTS` of the octave's end. Where
  the distribution is smooth, the means that stay make the error fall with the square of that.
- Aliasing: a transform of 2 `POINTS` points folds what is beyond them back onto the lattice.
  Damping the masses geometrically multiplies that by `DAMPING` or less.

Source: Abate, Whitt (1992), Operations Research Letters 12, 245.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.sparse import csgraph

from ecs_fsm.fleet.transient import Vector
from ecs_fsm.profiles.durations import Duration, Family

POINTS = 1024
DAMPING = 1e-8
"""The largest part of what is longer than the lattice that is folded back onto it."""


class Distribution(NamedTuple):
    """A distribution function: the probability `shares` of a time up to `times` (seconds)."""

    times: Vector
    shares: Vector

    def within(self, seconds: Vector) -> Vector:
        """Return the probability of a time up to `seconds`; outside `times`, that of the end."""
        return np.interp(seconds, self.times, self.shares)

    def percentile(self, percent: float) -> float:
        """Return the seconds at which `percent` % is reached, to 0.2 % at a jump; 0 if before."""
        after = int(np.searchsorted(self.shares, percent / 100))
        if after == 0:
            return 0.0
        around = slice(after - 1, after + 1)
        return float(np.interp(percent / 100, self.shares[around], self.times[around]))


class AbsorbingChain(NamedTuple):
    """W steps that follow one another until the last one: an absorbing semi-Markov chain.

    `times` of the steps, `jumps` (W x W) and `ends` (W) the probabilities of the next step and of
    the end, `begin` (W) that of the first step, `none` that of no step at all. They may add up to
    less than 1: the rest never ends.
    """

    times: Sequence[Duration]
    jumps: Vector
    ends: Vector
    begin: Vector
    none: float

    def components(self) -> list[AbsorbingChain]:
        """Return the connected components of the steps that are reached, each a smaller system.

        Components that differ in `begin` only are merged: facts often make no other difference.
        """
        reached = self.begin > 0
        while (more := reached | (reached @ self.jumps > 0)).sum() > reached.sum():
            reached = more
        _, component = csgraph.connected_components(self.jumps * np.outer(reached, reached))
        found: dict[object, AbsorbingChain] = {}
        for number in np.unique(component[reached]):
            chosen = np.flatnonzero(reached & (component == number)).tolist()
            times = tuple(self.times[n] for n in chosen)
            within, ends = self.jumps[np.ix_(chosen, chosen)], self.ends[chosen]
            alike = times, within.tobytes(), ends.tobytes()
            before = found[alike].begin if alike in found else 0.0
            found[alike] = AbsorbingChain(times, within, ends, self.begin[chosen] + before, 0.0)
        return list(found.values())

    @property
    def jump_share(self) -> float:
        """The share of the mass in single points: there the distribution function jumps."""
        instant = np.array([time.mean == 0 for time in self.times], np.bool_)
        rough = np.array([time.rough for time in self.times], np.bool_)
        jumping, at_once = self._through(instant | rough), self._through(instant)
        return (jumping - at_once) / self.total

    @property
    def total(self) -> float:
        """The probability that the chain ends."""
        return self.none + self._through(np.ones(len(self.times), np.bool_))

    def _through(self, chosen: NDArray[np.bool_]) -> float:
        """The probability of at least one step and an end, by the chosen steps only."""
        system = np.eye(int(chosen.sum())) - self.jumps[np.ix_(chosen, chosen)]
        return float(self.begin[chosen] @ np.linalg.solve(system, self.ends[chosen]))


def passage_time(chain: AbsorbingChain, first: float, octaves: int) -> Distribution:
    """Return the distribution of the time until the end, from `first` seconds over the octaves.

    It is conditional on an end.
    """
    components = chain.components()
    times, shares = [], []
    for octave in range(octaves):
        step = first * 2.0 ** (octave + 1) / POINTS
        points = np.arange(POINTS // 2, POINTS + (octave == octaves - 1))
        times.append(points * step)
        none = np.full(len(points), chain.none)
        shares.append(sum((_cumulated(part, step)[points] for part in components), none))
    return Distribution(
        np.concatenate(times), np.clip(np.concatenate(shares) / chain.total, 0.0, 1.0)
    )


def _cumulated(chain: AbsorbingChain, step: float) -> Vector:
    """The probability of at least one step and an end up to each point (`POINTS` + 1)."""
    damped = DAMPING ** (np.arange(POINTS + 1) / (2 * POINTS))
    masses = [lattice_masses(time, step, POINTS + 1) * damped for time in chain.times]
    turned = np.fft.rfft(np.array(masses), 2 * POINTS).T
    system = np.eye(len(chain.times)) - turned[:, :, None] * chain.jumps
    solved = np.linalg.solve(system, (turned * chain.ends)[:, :, None])[:, :, 0]
    found = np.fft.irfft(solved @ chain.begin)[: POINTS + 1] / damped
    # A smooth mass lies on both sides of its point: half of it is over by then.
    return np.asarray(np.cumsum(found) - found / 2, np.float64)


def lattice_masses(time: Duration, step: float, points: int) -> Vector:
    """Return the mass of a time at 0, step, 2 step, ...; what is beyond the last is left out.

    The mass at a point is the mean of a hat function around it, which is the second difference of
    the integral of the distribution function.
    """
    integral = _integral(time, step * np.arange(points + 1, dtype=np.float64))
    return np.asarray(np.diff(np.diff(integral, prepend=0.0), prepend=0.0)[1:] / step, np.float64)


def _integral(time: Duration, x: Vector) -> Vector:
    """The integral of the distribution function from 0 to each of `x`, ascending from 0."""
    if time.mean == 0:
        return x  # all of it is at 0, also of a family that has no other point of mass
    scale, shape = time.parameters()
    if time.family in (Family.CONSTANT, Family.EMPIRICAL):
        samples = np.array(time.samples or [time.mean])
        below = np.searchsorted(samples, x, side="right")
        sums = np.append(0.0, np.cumsum(samples))
        return np.asarray((x * below - sums[below]) / len(samples), np.float64)
    # By parts: x F(x) minus the part of the mean that comes from times up to x.
    if time.family is Family.LOGNORMAL:
        with np.errstate(divide="ignore"):
            deviations = (np.log(x) - scale) / shape
        reached, part = special.ndtr(deviations), special.ndtr(deviations - shape)
    elif time.family is Family.WEIBULL:
        power = (x / scale) ** (1 / shape)
        reached, part = -np.expm1(-power), special.gammainc(1 + shape, power)
    else:
        shape = shape if time.family is Family.GAMMA else 1.0
        scale = time.mean / shape
        reached, part = special.gammainc(shape, x / scale), special.gammainc(shape + 1, x / scale)
    return np.asarray(x * reached - time.mean * part, np.float64)
