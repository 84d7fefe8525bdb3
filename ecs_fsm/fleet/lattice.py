"""The distribution of how long a request takes, for times of any family, by convolution.

Every octave of time has a lattice of its own, on which the mass of a step's time is shared out to
the two points around it so that its mean stays. Generating functions then make one linear system of
all paths. A step is moved by less than one point, 1/`POINTS` of the octave's end; where the
distribution is smooth, the error falls with the square of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.sparse import csgraph

from ecs_fsm.fleet.stages import Vector
from ecs_fsm.profiles.durations import Duration, Family

POINTS = 1024
DAMPING = 1e-8
"""How little of what is longer than the lattice comes back into it."""


class Law(NamedTuple):
    """How likely it is over within `times` (seconds, ascending): `shares`, of all that is."""

    times: Vector
    shares: Vector

    def within(self, seconds: Vector) -> Vector:
        """The share that is over within so many seconds; beyond the times that of the nearest."""
        return np.interp(seconds, self.times, self.shares)

    def percentile(self, percent: float) -> float:
        """The seconds within which that share is over, to 0.2 % at a jump; 0 if before `times`."""
        after = int(np.searchsorted(self.shares, percent / 100))
        if after == 0:
            return 0.0
        around = slice(after - 1, after + 1)
        return float(np.interp(percent / 100, self.shares[around], self.times[around]))


class Steps(NamedTuple):
    """Steps that follow one another: W of them, each with its time.

    `jumps` (W x W) are the probabilities of what follows, `ends` (W) of what is the last one,
    `begin` (W) of what is the first; `none` is the probability that there is none at all.
    """

    times: Sequence[Duration]
    jumps: Vector
    ends: Vector
    begin: Vector
    none: float

    def parts(self) -> list[Steps]:
        """Those that are ever taken, in parts that have nothing to do with one another.

        Parts that differ in how they begin only are one: facts often make no other difference.
        """
        taken = self.begin > 0
        while (more := taken | (taken @ self.jumps > 0)).sum() > taken.sum():
            taken = more
        _, part = csgraph.connected_components(self.jumps * np.outer(taken, taken))
        found: dict[object, Steps] = {}
        for number in np.unique(part[taken]):
            chosen = np.flatnonzero(taken & (part == number)).tolist()
            times = tuple(self.times[n] for n in chosen)
            within, ends = self.jumps[np.ix_(chosen, chosen)], self.ends[chosen]
            alike = times, within.tobytes(), ends.tobytes()
            before = found[alike].begin if alike in found else 0.0
            found[alike] = Steps(times, within, ends, self.begin[chosen] + before, 0.0)
        return list(found.values())

    @property
    def jumps_by(self) -> float:
        """The share of all that takes one of single times, so that the distribution jumps there."""
        none = np.array([time.mean == 0 for time in self.times], np.bool_)
        rough = np.array([time.rough for time in self.times], np.bool_)
        jumping, at_once = self._through(none | rough), self._through(none)
        return (jumping - at_once) / self.total

    @property
    def total(self) -> float:
        """How likely it is that they come to an end."""
        return self.none + self._through(np.ones(len(self.times), np.bool_))

    def _through(self, chosen: NDArray[np.bool_]) -> float:
        """How likely it is that some and none but the chosen ones are taken."""
        system = np.eye(int(chosen.sum())) - self.jumps[np.ix_(chosen, chosen)]
        return float(self.begin[chosen] @ np.linalg.solve(system, self.ends[chosen]))


def law(steps: Steps, first: float, octaves: int) -> Law:
    """How long all steps take together, from `first` seconds over so many octaves."""
    parts = steps.parts()
    times, shares = [], []
    for octave in range(octaves):
        step = first * 2.0 ** (octave + 1) / POINTS
        points = np.arange(POINTS // 2, POINTS + (octave == octaves - 1))
        times.append(points * step)
        none = np.full(len(points), steps.none)
        shares.append(sum((_upto(part, step)[points] for part in parts), none))
    return Law(np.concatenate(times), np.clip(np.concatenate(shares) / steps.total, 0.0, 1.0))


def _upto(steps: Steps, step: float) -> Vector:
    """How likely at least one step and their end are by each point of a lattice (`POINTS` + 1)."""
    damped = DAMPING ** (np.arange(POINTS + 1) / (2 * POINTS))
    masses = [masses_of(time, step, POINTS + 1) * damped for time in steps.times]
    turned = np.fft.rfft(np.array(masses), 2 * POINTS).T
    system = np.eye(len(steps.times)) - turned[:, :, None] * steps.jumps
    solved = np.linalg.solve(system, (turned * steps.ends)[:, :, None])[:, :, 0]
    found = np.fft.irfft(solved @ steps.begin)[: POINTS + 1] / damped
    # A smooth mass lies on either side of its point: half of it is over by then.
    return np.asarray(np.cumsum(found) - found / 2, np.float64)


def masses_of(time: Duration, step: float, points: int) -> Vector:
    """The mass of a time at 0, step, 2 step, ...; what is beyond the last point is left out."""
    integral = _integral(time, step * np.arange(points + 1, dtype=np.float64))
    return np.asarray(np.diff(np.diff(integral, prepend=0.0), prepend=0.0)[1:] / step, np.float64)


def _integral(time: Duration, x: Vector) -> Vector:
    """The integral of the distribution function from 0 to each of `x`, ascending from 0."""
    first, second = time.parameters()
    if time.family in (Family.CONSTANT, Family.EMPIRICAL):
        samples = np.array(time.samples or [time.mean])
        below = np.searchsorted(samples, x, side="right")
        sums = np.append(0.0, np.cumsum(samples))
        return np.asarray((x * below - sums[below]) / len(samples), np.float64)
    if time.family is Family.LOGNORMAL:
        with np.errstate(divide="ignore"):
            deviations = (np.log(x) - first) / second
        reached, part = special.ndtr(deviations), special.ndtr(deviations - second)
    elif time.family is Family.WEIBULL:
        power = (x / first) ** (1 / second)
        reached, part = -np.expm1(-power), special.gammainc(1 + second, power)
    else:
        shape = second if time.family is Family.GAMMA else 1.0
        scale = time.mean / shape
        reached, part = special.gammainc(shape, x / scale), special.gammainc(shape + 1, x / scale)
    return np.asarray(x * reached - time.mean * part, np.float64)
