"""Shares over time for smooth times of any family, by numerical inversion of Laplace transforms.

The transform of the probability of each place follows from one linear system of equations; Abate's
and Whitt's Euler summation inverts it. Constant and empirical times make steps in what is inverted,
at which the summation fails: there `NoClosedForm` says so.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from ecs_fsm.fleet.compiled import Compiled
from ecs_fsm.fleet.durations import Duration, Family
from ecs_fsm.fleet.process import Stay
from ecs_fsm.fleet.stages import FINAL, NoClosedForm, Vector

ACCURACY = 18.4
"""The error of the method is about exp(-ACCURACY) before rounding."""
TERMS, AVERAGED = 40, 12
ERROR = 1e-7
"""What a probability may be off by."""
GRID = np.linspace(-9.0, 9.0, 12001)
"""Standard deviations at which transforms of lognormal times are summed."""
LOGS = np.linspace(-45.0, 4.5, 12001)
"""Logarithms of an exponential time at which transforms of weibull times are summed."""


class Inverted:
    """Shares over time of a process whose times are smooth. Raises `NoClosedForm` for others."""

    def __init__(self, compiled: Compiled, jumps: Vector) -> None:
        self._compiled = compiled
        for spot in compiled.spots:
            rough = spot.time.family in (Family.CONSTANT, Family.EMPIRICAL) and spot.time.mean
            if rough and spot.stay not in FINAL:
                where = spot.place.node.state if spot.place.node else ""
                raise NoClosedForm(
                    f"shares over time are not given: the time at {where} is {spot.time.family}, "
                    f"and has no smooth distribution to be calculated with"
                )
        self._jumps = sparse.csr_array(jumps)
        self._times = {spot.time for spot in compiled.spots}
        weights = [math.comb(AVERAGED, n) / 2.0**AVERAGED for n in range(AVERAGED + 1)]
        upto = np.cumsum(weights[::-1])[::-1]
        self._weights = np.append(np.ones(TERMS), upto)

    def at(self, times: Vector) -> Vector:
        """The probability of each place at each of `times` (times x P), to about `ERROR`."""
        return np.array([self._at(float(time)) if time > 0 else self._begin() for time in times])

    def _begin(self) -> Vector:
        """Where a server is at time 0, once all that takes no time is over."""
        spots = self._compiled.spots
        passes = np.array([p.stay not in FINAL and p.time.mean == 0 for p in spots])
        law = np.array([float(spot.stay is Stay.COMES) for spot in spots])
        while law[passes].sum() > ERROR:
            law = law * ~passes + self._jumps.T @ (law * passes)
        return law

    def _at(self, time: float) -> Vector:
        total: Vector = np.zeros(len(self._compiled.spots))
        for n, weight in enumerate(self._weights):
            value = self._transform(complex(ACCURACY, 2 * math.pi * n) / (2 * time)).real
            total += (0.5 if n == 0 else 1.0) * (-1) ** n * weight * value
        return total * math.exp(ACCURACY / 2) / time

    def _transform(self, s: complex) -> NDArray[np.complex128]:
        known = {time: _transform(time, s) for time in self._times}
        spots = self._compiled.spots
        left = np.array([0 if p.stay in FINAL else known[p.time] for p in spots], np.complex128)
        system = sparse.eye_array(len(spots)) - sparse.diags_array(left) @ self._jumps
        begin = np.array([spot.stay is Stay.COMES for spot in spots], np.complex128)
        found: NDArray[np.complex128] = splu(sparse.csc_array(system.T)).solve(begin)
        return found * (1 - left) / s


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
    exponential = np.exp(LOGS)
    density = exponential * np.exp(-exponential)
    values = np.exp(-s * first * exponential**second)
    return complex((density * values).sum() * (LOGS[1] - LOGS[0]))
