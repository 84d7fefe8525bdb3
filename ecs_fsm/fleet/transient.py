"""Transient analysis: where a server is after a given time, and how often each event happened.

Where every sojourn time is a sum of exponential phases (exponential, or gamma with a whole shape),
the phases are a Markov process in continuous time, and its matrix exponential gives the answer.
Elsewhere Laplace transforms are inverted numerically. Constant and empirical times have edges, at
which the inversion fails: it notices, and `NoClosedForm` says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from ecs_fsm.core.errors import LifecycleError
from ecs_fsm.fleet.arrays import ABSENT, CompiledProfile
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.process import FINAL, Activity

Vector = NDArray[np.float64]
Complex = NDArray[np.complex128]
MOST_PHASES = 64
ACCURACY = 18.4
"""The discretization error of the inversion is about exp(-ACCURACY) = 1e-8."""
TERMS, FURTHER, AVERAGED = 40, 57, 12
"""Terms of Euler's sum, of the longest one to compare it with, and partial sums averaged."""
ERROR = 1e-7
"""The largest error of a probability found by inversion."""
GRID = np.linspace(-9.0, 9.0, 12001)
"""Standard deviations at which the transforms of lognormal times are summed."""
LOGS = np.linspace(-45.0, 4.5, 12001)
"""Logarithms of an exponential time at which the transforms of Weibull times are summed."""


class NoClosedForm(LifecycleError):
    """An answer cannot be calculated; the message says why."""


class PhaseProcess:
    """A Markov process in continuous time, with n phases.

    `rates` (n x n) is its generator, `begin` (n) its law at time 0, `chain_states` (n) the number
    of the chain state that a phase belongs to. Raise `NoClosedForm` for times that are no sum of
    phases. Source: Neuts (1981), Matrix-Geometric Solutions, chapter 2 (phase-type distributions).
    """

    def __init__(self, compiled: CompiledProfile, transitions: Vector) -> None:
        self.compiled = compiled
        counts = [_phases(compiled, n) for n in range(len(compiled.sojourns))]
        instant = np.array([count == 0 for count in counts])
        timed = ~instant
        # A chain state without a phase takes no time: sum up all ways through such states.
        through = np.linalg.inv(np.eye(int(instant.sum())) - transitions[np.ix_(instant, instant)])
        into, between = transitions[:, instant], transitions[np.ix_(instant, timed)]
        reach = transitions[:, timed] + into @ through @ between
        numbers = [n for n in range(len(counts)) if timed[n]]
        self.chain_states = np.repeat(numbers, [counts[n] for n in numbers])
        firsts = np.cumsum([0, *(counts[n] for n in numbers)])[:-1]
        self.rates = np.zeros((len(self.chain_states), len(self.chain_states)))
        for first, n in zip(firsts, numbers, strict=True):
            sojourn = compiled.sojourns[n]
            if sojourn.activity in FINAL:
                continue
            rate = counts[n] / sojourn.time.mean
            last = first + counts[n] - 1
            for phase in range(first, last):
                self.rates[phase, phase : phase + 2] = -rate, rate
            self.rates[last, firsts] += rate * reach[n]
            self.rates[last, last] -= rate
        self.begin = np.zeros(len(self.chain_states))
        self.begin[firsts] = reach[0]

    def over_time(self, points: int, step: float) -> Vector:
        """Return the probability of each chain state at 0, step, 2 step, ... (points x P)."""
        from scipy.linalg import expm

        once = expm(self.rates * step)
        found = np.zeros((points, len(self.compiled.sojourns)))
        law = self.begin
        for n in range(points):
            np.add.at(found[n], self.chain_states, law)
            law = law @ once
        return found


def _phases(compiled: CompiledProfile, number: int) -> int:
    """The number of exponential phases of a sojourn time; 0 if it takes no time."""
    sojourn = compiled.sojourns[number]
    time = sojourn.time
    if sojourn.activity in FINAL or time.family is Family.EXPONENTIAL:
        return 1 if sojourn.activity in FINAL or time.mean else 0
    if time.mean == 0:
        return 0
    if time.family is Family.GAMMA and time.second.is_integer() and time.second <= MOST_PHASES:
        return int(time.second)
    node = sojourn.at.node
    raise NoClosedForm(
        f"the time at {node.state if node else ''} is {time.family}, not a sum of at most "
        f"{MOST_PHASES} exponential ones"
    )


class LaplaceInversion:
    """The process in Laplace transforms, inverted by Euler summation.

    The transforms of entries to the chain states follow from one sparse linear system. A function f
    is a Bromwich integral of its transform; the trapezoidal rule turns that into a nearly
    alternating series, whose discretization error is at most exp(-A) / (1 - exp(-A)) for |f| <= 1
    with A = `ACCURACY`, and Euler's binomial averages of partial sums make it converge in some 50
    terms if f is smooth. At an edge of f it does not converge: averages of more partial sums differ
    then, which `_invert` notices. Source: Abate, Whitt (1995), ORSA J. Computing 7, 36. Raise
    `NoClosedForm` if constant or empirical times forbid it.
    """

    def __init__(self, compiled: CompiledProfile, transitions: Vector) -> None:
        self._compiled = compiled
        sojourns = compiled.sojourns
        self._rough = any(sojourn.time.rough for sojourn in sojourns)
        self._back = sparse.csc_array(transitions.T)
        self._origins = np.repeat(np.arange(len(sojourns)), np.diff(self._back.indptr))
        self._same = sparse.eye_array(len(sojourns), format="csc")
        self._times = {sojourn.time for sojourn in sojourns}
        self._begin = np.array([s.activity is Activity.ARRIVES for s in sojourns], np.float64)
        self._refuse_edges(transitions)

    def _refuse_edges(self, transitions: Vector) -> None:
        """Raise if servers reach a rough time after rough times only, and leave it together."""
        sojourns = self._compiled.sojourns
        single = np.array([s.time.rough or s.time.mean == 0 for s in sojourns])
        reached = self._begin > 0
        while (more := reached | ((reached & single) @ transitions > 0)).sum() > reached.sum():
            reached = more
        for sojourn, is_reached in zip(sojourns, reached, strict=True):
            if is_reached and sojourn.time.rough:
                where = sojourn.at.node.state if sojourn.at.node else ""
                raise NoClosedForm(
                    f"shares and events over time are not given: the time at {where} is "
                    f"{sojourn.time.family}, and many servers leave it at the same moment"
                )

    def at(self, times: Vector) -> Vector:
        """Return the probability of each chain state at `times` (times x P), up to `ERROR`."""

        def shares(s: complex) -> Complex:
            entries, left, _ = self._solved(s)
            return entries * (1 - left) / s

        return np.array([self._invert(shares, t) if t > 0 else self._at_zero() for t in times])

    def until(self, times: Vector) -> Vector:
        """Return the mean probability of each chain state from 0 to `times` > 0 (times x P)."""

        def spent(s: complex) -> Complex:
            entries, left, _ = self._solved(s)
            return entries * (1 - left) / s**2

        return np.array([self._invert(spent, time, float(time)) for time in times])

    def events(self, time: float) -> Vector:
        """Return how often each event happens to a server until `time` (4 x V).

        The rows are mean and variance for servers that arrive at 0, then for those that arrive at a
        uniformly random time before.
        """
        a, size = self._compiled.arrays, len(self._compiled.events)
        happens = a.events != ABSENT
        counts = [len(sojourn.jumps) for sojourn in self._compiled.sojourns]
        chances = np.array([jump.probability for jump in self._compiled.jumps])[happens]
        origins = np.repeat(np.arange(len(counts)), counts)[happens]
        events, targets = a.events[happens], a.targets[happens]
        each = np.zeros((len(counts), size))
        np.add.at(each, (origins, events), chances)

        def moments(s: complex) -> Complex:
            entries, left, factors = self._solved(s)
            # The second factorial moment counts pairs of events: one, then a later one.
            further = factors.solve(left[:, None] * each, trans="T")
            pairs = np.zeros(size, np.complex128)
            taken = (entries * left)[origins] * chances
            np.add.at(pairs, events, 2 * taken * further[targets, events])
            both = np.array([(entries * left) @ each, pairs]) / s
            return np.array([*both, *(both / (s * time))])

        mean, pairs, late, late_pairs = self._invert(moments, time)
        return np.array([mean, pairs + mean - mean**2, late, late_pairs + late - late**2])

    def _at_zero(self) -> Vector:
        """The law at time 0, after every sojourn that takes no time."""
        sojourns = self._compiled.sojourns
        passes = np.array([s.activity not in FINAL and s.time.mean == 0 for s in sojourns])
        law = self._begin
        while law[passes].sum() > ERROR:
            law = law * ~passes + self._back @ (law * passes)
        return law

    def _invert(
        self, transform: Callable[[complex], Complex], time: float, unit: float = 1.0
    ) -> Vector:
        """The function with this transform, at a time, in a unit. Raise `NoClosedForm` at edges."""
        most = (FURTHER if self._rough else TERMS) + AVERAGED + 1
        points = [complex(ACCURACY, 2 * math.pi * n) / (2 * time) for n in range(most)]
        terms = np.array([(-1) ** n * transform(s).real for n, s in enumerate(points)])
        terms[0] /= 2
        terms *= math.exp(ACCURACY / 2) / time / unit
        found = _euler_sum(terms, TERMS)
        if self._rough:
            sums = [_euler_sum(terms, number) for number in range(TERMS, FURTHER + 1)]
            if (np.ptp(sums, axis=0) > ERROR * (1 + np.abs(found))).any():
                raise NoClosedForm(
                    f"shares and events over time are not given: {time:g} s are too few for "
                    f"constant and empirical times to lose their edges"
                )
        return found

    def _solved(self, s: complex) -> tuple[Complex, Complex, SuperLU]:
        """The transforms of entries to each chain state and of its time, and the LU factors."""
        known = {time: _transform(time, s) for time in self._times}
        sojourns = self._compiled.sojourns
        left = np.array([0 if p.activity in FINAL else known[p.time] for p in sojourns], complex)
        moved = self._back.data * left[self._origins], self._back.indices, self._back.indptr
        factors = splu(self._same - sparse.csc_array(moved, self._back.shape))
        return factors.solve(self._begin.astype(np.complex128)), left, factors


def _euler_sum(terms: Vector, number: int) -> Vector:
    """Euler's sum of a series: binomial averages of `AVERAGED` + 1 partial sums."""
    weights = [math.comb(AVERAGED, n) / 2.0**AVERAGED for n in range(AVERAGED + 1)]
    factors = np.append(np.ones(number), np.cumsum(weights[::-1])[::-1])
    return np.tensordot(factors, terms[: len(factors)], 1)


def _transform(time: Duration, s: complex) -> complex:
    """The Laplace transform of the density of a time: the mean of exp(-s time)."""
    scale, shape = time.parameters()
    if time.mean == 0:
        return 1.0
    if time.family is Family.EXPONENTIAL:
        return 1 / (1 + scale * s)
    if time.family is Family.GAMMA:
        return complex((1 + scale * s) ** -shape)
    if time.family is Family.LOGNORMAL:
        density = np.exp(-(GRID**2) / 2) / math.sqrt(2 * math.pi)
        values = np.exp(-s * np.exp(scale + shape * GRID))
        return complex((density * values).sum() * (GRID[1] - GRID[0]))
    if time.rough:
        return complex(np.exp(-s * np.array(time.samples or [time.mean])).mean())
    # A Weibull time is a power of an exponential one, whose logarithm is summed over.
    exponential = np.exp(LOGS)
    density = exponential * np.exp(-exponential)
    values = np.exp(-s * scale * exponential**shape)
    return complex((density * values).sum() * (LOGS[1] - LOGS[0]))
