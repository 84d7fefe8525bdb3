"""What depends on time, for times of any family, by numerical inversion of Laplace transforms.

The transforms of shares and of numbers of events follow from one linear system of equations;
Abate's and Whitt's Euler summation inverts them. Constant and empirical times leave edges, at which
the summation fails: sums of different length tell where, and `NoClosedForm` says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from ecs_fsm.fleet.compiled import NOBODY, Compiled
from ecs_fsm.fleet.process import Stay
from ecs_fsm.fleet.stages import FINAL, NoClosedForm, Vector
from ecs_fsm.profiles.durations import Duration, Family

Complex = NDArray[np.complex128]
ACCURACY = 18.4
"""The error of the method is about exp(-ACCURACY) before rounding."""
TERMS, FURTHER, AVERAGED = 40, 57, 12
ERROR = 1e-7
"""What a probability may be off by."""
GRID = np.linspace(-9.0, 9.0, 12001)
"""Standard deviations at which transforms of lognormal times are summed."""
LOGS = np.linspace(-45.0, 4.5, 12001)
"""Logarithms of an exponential time at which transforms of weibull times are summed."""


class Inverted:
    """What depends on time. Raises `NoClosedForm` where constant or empirical times forbid it."""

    def __init__(self, compiled: Compiled, jumps: Vector) -> None:
        self._compiled = compiled
        spots = compiled.spots
        self._rough = any(spot.time.rough for spot in spots)
        self._back = sparse.csc_array(jumps.T)
        self._origins = np.repeat(np.arange(len(spots)), np.diff(self._back.indptr))
        self._same = sparse.eye_array(len(spots), format="csc")
        self._times = {spot.time for spot in spots}
        self._refuse_jumps(jumps)

    def _refuse_jumps(self, jumps: Vector) -> None:
        """Raise where a server gets to a rough time by nothing but rough times: all do at once."""
        spots = self._compiled.spots
        single = np.array([p.time.rough or p.time.mean == 0 for p in spots])
        reached = np.array([spot.stay is Stay.COMES for spot in spots])
        while (more := reached | ((reached & single) @ jumps > 0)).sum() > reached.sum():
            reached = more
        for spot, is_reached in zip(spots, reached, strict=True):
            if is_reached and spot.time.rough:
                where = spot.place.node.state if spot.place.node else ""
                raise NoClosedForm(
                    f"shares and events over time are not given: the time at {where} is "
                    f"{spot.time.family}, and many servers leave it at the same moment"
                )

    def at(self, times: Vector) -> Vector:
        """The probability of each place at each of `times` (times x P), to about `ERROR`."""

        def shares(s: complex) -> Complex:
            found, left, _ = self._solved(s)
            return found * (1 - left) / s

        return np.array([self._invert(shares, t) if t > 0 else self._begin() for t in times])

    def until(self, times: Vector) -> Vector:
        """The mean probability of each place from 0 to each of `times` above 0 (times x P)."""

        def spent(s: complex) -> Complex:
            found, left, _ = self._solved(s)
            return found * (1 - left) / s**2

        return np.array([self._invert(spent, time, float(time)) for time in times])

    def events(self, time: float) -> Vector:
        """How often each event happens to a server until `time` (4 x V).

        Mean and variance for servers that come at 0, and for those that come at any time before.
        """
        a, size = self._compiled.arrays, len(self._compiled.events)
        happens = a.events != NOBODY
        chances = np.array([edge.probability for edge in self._compiled.edges])[happens]
        origins = np.repeat(np.arange(len(self._compiled.spots)), self._edges())[happens]
        events, targets = a.events[happens], a.targets[happens]
        each = np.zeros((len(self._compiled.spots), size))
        np.add.at(each, (origins, events), chances)

        def moments(s: complex) -> Complex:
            found, left, factors = self._solved(s)
            further = factors.solve(left[:, None] * each, trans="T")
            pairs = np.zeros(size, np.complex128)
            taken = (found * left)[origins] * chances
            np.add.at(pairs, events, 2 * taken * further[targets, events])
            both = np.array([(found * left) @ each, pairs]) / s
            return np.array([*both, *(both / (s * time))])

        mean, pairs, late, late_pairs = self._invert(moments, time)
        return np.array([mean, pairs + mean - mean**2, late, late_pairs + late - late**2])

    def _edges(self) -> list[int]:
        return [len(spot.edges) for spot in self._compiled.spots]

    def _begin(self) -> Vector:
        """Where a server is at time 0, once all that takes no time is over."""
        spots = self._compiled.spots
        passes = np.array([p.stay not in FINAL and p.time.mean == 0 for p in spots])
        law = np.array([float(spot.stay is Stay.COMES) for spot in spots])
        while law[passes].sum() > ERROR:
            law = law * ~passes + self._back @ (law * passes)
        return law

    def _invert(
        self, transform: Callable[[complex], Complex], time: float, unit: float = 1.0
    ) -> Vector:
        """What has this transform, at a time, in a unit; if times are rough, as sums agree."""
        most = (FURTHER if self._rough else TERMS) + AVERAGED + 1
        points = [complex(ACCURACY, 2 * math.pi * n) / (2 * time) for n in range(most)]
        terms = np.array([(-1) ** n * transform(s).real for n, s in enumerate(points)])
        terms[0] /= 2
        terms *= math.exp(ACCURACY / 2) / time / unit
        found = _summed(terms, TERMS)
        if self._rough:
            sums = [_summed(terms, number) for number in range(TERMS, FURTHER + 1)]
            if (np.ptp(sums, axis=0) > ERROR * (1 + np.abs(found))).any():
                raise NoClosedForm(
                    f"shares and events over time are not given: {time:g} s are too few for "
                    f"constant and empirical times to lose their edges"
                )
        return found

    def _solved(self, s: complex) -> tuple[Complex, Complex, SuperLU]:
        """Transforms: of comings to each place, of its time; and the factors of the system."""
        known = {time: _transform(time, s) for time in self._times}
        spots = self._compiled.spots
        left = np.array([0 if p.stay in FINAL else known[p.time] for p in spots], np.complex128)
        begin = np.array([spot.stay is Stay.COMES for spot in spots], np.complex128)
        moved = self._back.data * left[self._origins], self._back.indices, self._back.indptr
        factors = splu(self._same - sparse.csc_array(moved, self._back.shape))
        return factors.solve(begin), left, factors


def _summed(terms: Vector, number: int) -> Vector:
    """Euler's sum of an alternating series: binomial means of `AVERAGED` + 1 partial sums."""
    weights = [math.comb(AVERAGED, n) / 2.0**AVERAGED for n in range(AVERAGED + 1)]
    upto = np.append(np.ones(number), np.cumsum(weights[::-1])[::-1])
    return np.tensordot(upto, terms[: len(upto)], 1)


def _transform(time: Duration, s: complex) -> complex:
    """The Laplace transform of the density of a time: the mean of exp(-s time)."""
    first, second = time.parameters()
    if time.mean == 0:
        return 1.0
    if time.family is Family.EXPONENTIAL:
        return 1 / (1 + first * s)
    if time.family is Family.GAMMA:
        return complex((1 + first * s) ** -second)
    if time.family is Family.LOGNORMAL:
        density = np.exp(-(GRID**2) / 2) / math.sqrt(2 * math.pi)
        values = np.exp(-s * np.exp(first + second * GRID))
        return complex((density * values).sum() * (GRID[1] - GRID[0]))
    if time.rough:
        return complex(np.exp(-s * np.array(time.samples or [time.mean])).mean())
    exponential = np.exp(LOGS)
    density = exponential * np.exp(-exponential)
    values = np.exp(-s * first * exponential**second)
    return complex((density * values).sum() * (LOGS[1] - LOGS[0]))
