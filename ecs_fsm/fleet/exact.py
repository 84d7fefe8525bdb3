"""The answers that need no simulation.

Means follow from the fundamental matrix of the embedded chain, (I - Q)^-1: its entry (i, j) is how
often a server that starts in i visits j before it is absorbed, as it sums up Q^n, the probabilities
to be in j after n jumps. They hold for any distribution of times, because a mean time is the sum of
visits times mean sojourns. Source: Kemeny, Snell (1960), Finite Markov Chains, chapter 3. What
depends on time is in `transient`, passage times are in `lattice`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ecs_fsm.fleet.arrays import CompiledProfile
from ecs_fsm.fleet.lattice import AbsorbingChain, passage_time
from ecs_fsm.fleet.result import shown
from ecs_fsm.fleet.tally import SHORTEST
from ecs_fsm.fleet.transient import ERROR, LaplaceInversion, NoClosedForm, PhaseProcess, Vector
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.process import FINAL, Activity

OCTAVES = 8
"""How far below the longest times percentiles are looked for at first."""
ROUNDING = 1e-13
"""The part of a mean square that the subtraction of a squared mean may leave by rounding."""


@dataclass(frozen=True, slots=True)
class Passage:
    """How a request ends: at rest with probability `rests`, in the error state with `error`.

    Conditional on rest: mean and standard deviation of the seconds and of the changes (states
    entered). `requests` is how often the request is made in a life; in lives without end, its share
    of all visits.
    """

    requests: float
    rests: float
    error: float
    seconds: float
    seconds_spread: float
    changes: float
    changes_spread: float


class Exact:
    """The exact answers for a process of P chain states and J jumps."""

    def __init__(self, compiled: CompiledProfile) -> None:
        self.compiled = compiled
        sojourns, a = compiled.sojourns, compiled.arrays
        self.size = len(sojourns)
        self._origins = np.array([n for n, sojourn in enumerate(sojourns) for _ in sojourn.jumps])
        self._chances = np.array([jump.probability for jump in compiled.jumps])
        self.transitions: Vector = np.zeros((self.size, self.size))
        np.add.at(self.transitions, (self._origins, a.targets), self._chances)
        self._means = np.array([sojourn.time.mean for sojourn in sojourns])
        self._variances = np.array([sojourn.time.variance for sojourn in sojourns])
        self._final = np.array([sojourn.activity in FINAL for sojourn in sojourns])
        self._works = np.array([sojourn.activity is Activity.WORKS for sojourn in sojourns])
        self._rests = np.array([s.activity in (Activity.RESTS, Activity.ENDS) for s in sojourns])

    @cached_property
    def visits(self) -> Vector:
        """The mean number of visits to each chain state in a life (P).

        In lives without end: the share of each chain state in all visits.
        """
        if not self.compiled.absorbing:
            return self._stationary()
        transient, found = ~self._final, np.zeros(self.size)
        within = self.transitions[np.ix_(transient, transient)]
        begin = np.zeros(transient.sum())
        begin[0] = 1.0
        found[transient] = np.linalg.solve((np.eye(len(within)) - within).T, begin)
        found[self._final] = found[transient] @ self.transitions[np.ix_(transient, self._final)]
        return found

    def _stationary(self) -> Vector:
        """The stationary law of the embedded chain."""
        if self._final.any():
            raise NoClosedForm("some lives end and some do not: they have no mean length")
        system = np.vstack([(np.eye(self.size) - self.transitions).T, np.ones(self.size)])
        found, _, rank, _ = np.linalg.lstsq(system, np.append(np.zeros(self.size), 1.0))
        if rank < self.size:
            raise NoClosedForm("lives without end have more than one stationary state")
        return np.asarray(found)

    @property
    def life(self) -> float:
        """Mean seconds of a life; infinite if lives do not end."""
        return self.seconds if self.compiled.absorbing else math.inf

    @property
    def seconds(self) -> float:
        """The mean seconds that `visits` take: a life, or one visit of a life without end."""
        return float(self.visits @ self._means)

    @property
    def steps(self) -> float:
        """Mean number of jumps in a life; infinite if lives do not end."""
        return float(self.visits[~self._final].sum()) if self.compiled.absorbing else math.inf

    def ends(self) -> dict[str, float]:
        """Return the probability of each state where a life can end."""
        if not self.compiled.absorbing:
            return {}
        found: dict[str, float] = {}
        for n, sojourn in enumerate(self.compiled.sojourns):
            if self._final[n]:
                node, hangs = sojourn.at.node, sojourn.activity is Activity.LOST
                name = f"{node.state if node else ''}{' (hangs)' if hangs else ''}"
                found[name] = found.get(name, 0.0) + float(self.visits[n])
        return found

    def shares(self, attribute: str = "status") -> dict[str, float]:
        """Return the share of its life that a server spends showing each value.

        By renewal theory it is also the stationary share in a fleet where each server that is gone
        is replaced by a new one.
        """
        spent = self.visits * self._means
        found: dict[str, float] = {}
        for sojourn, part in zip(self.compiled.sojourns, spent / spent.sum(), strict=True):
            if sojourn.at.node is not None and part > 0:
                word = shown(sojourn.at.node.state, attribute)
                found[word] = found.get(word, 0.0) + float(part)
        return found

    @cached_property
    def _until_rest(self) -> NDArray[np.float64]:
        """Moments from each chain state until rest, each times the probability of rest (P x 6).

        Columns: probability, probability of the error state, first and second moment of seconds,
        first and second moment of changes.
        """
        a, works, rests = self.compiled.arrays, self._works, self._rests
        error = rests & (a.error[a.states] > 0)
        found = np.zeros((self.size, 6))
        found[rests, 0], found[error, 1] = 1.0, 1.0
        rows, solve = self._working
        for n in (0, 1):
            found[works, n] = solve @ (rows @ (found[:, n] * rests))
        # A passage is one sojourn, then a passage from the next state. Both are independent, so
        # E[(T + T')^2] = E[T^2] + 2 E[T] E[T'] + E[T'^2]; the last term goes to the left side.
        mean, variance = self._means[works], self._variances[works]
        found[works, 2] = solve @ (mean * found[works, 0])
        squares = (variance + mean**2) * found[works, 0] + 2 * mean * (rows @ found[:, 2])
        found[works, 3] = solve @ squares
        steps = a.changes.astype(float) * self._chances
        entered = self._by_origin(steps * found[a.targets, 0])
        found[works, 4] = solve @ entered[works]
        both = a.changes * (steps * found[a.targets, 0]) + 2 * steps * found[a.targets, 4]
        found[works, 5] = solve @ self._by_origin(both)[works]
        return found

    @cached_property
    def _working(self) -> tuple[Vector, Vector]:
        """The transitions from working states, and the fundamental matrix among these."""
        rows = self.transitions[self._works]
        return rows, np.linalg.inv(np.eye(len(rows)) - rows[:, self._works])

    @cached_property
    def _raw_moments(self) -> tuple[list[Vector], list[Vector]]:
        """Raw moments 0 to 4 of seconds and of changes until rest, as in `_until_rest` (P each)."""
        until, works, (rows, solve) = self._until_rest, self._works, self._working
        times = [s.time for s in self.compiled.sojourns if s.activity is Activity.WORKS]
        targets, entered = self.compiled.arrays.targets, self.compiled.arrays.changes
        seconds, changes = ([until[:, n] for n in columns] for columns in ((0, 2, 3), (0, 4, 5)))
        for order in (3, 4):  # too large ones become infinite
            stayed = [np.array([_raw_moment(t, n) for t in times]) for n in range(order + 1)]
            parts = [
                math.comb(order, n) * stayed[order - n] * (rows @ seconds[n]) for n in range(order)
            ]
            seconds.append(np.zeros(self.size))
            seconds[order][works] = solve @ np.sum(parts, axis=0)
            parts = [
                math.comb(order, n) * entered ** (order - n) * changes[n][targets]
                for n in range(order)
            ]
            by_origin = self._by_origin(self._chances * np.sum(parts, axis=0))
            changes.append(np.zeros(self.size))
            changes[order][works] = solve @ by_origin[works]
        return seconds, changes

    def fourth_moments(self, classes: Iterable[int]) -> tuple[float, float]:
        """Return the fourth central moments of seconds and of changes, as in `passage`.

        They say how far a simulated standard deviation may be off. Infinite or NaN if they are too
        large for a float.
        """
        weights, a = self.weights(classes), self.compiled.arrays
        seconds, changes = ([moment[a.targets] for moment in m] for m in self._raw_moments)
        # The jump that begins the request enters states as well.
        changes = [
            np.sum(
                [math.comb(k, n) * a.changes ** (k - n) * changes[n] for n in range(k + 1)], axis=0
            )
            for k in range(5)
        ]
        return _fourth(weights, seconds), _fourth(weights, changes)

    def _by_origin(self, by_jump: Vector) -> Vector:
        """Sums over the jumps from each chain state (P)."""
        return np.asarray(np.bincount(self._origins, by_jump, self.size), np.float64)

    def weights(self, classes: Iterable[int]) -> Vector:
        """Return how often each jump begins a request of some classes in a life (J).

        If that is never: how likely it would.
        """
        chances = np.where(np.isin(self.compiled.arrays.classes, list(classes)), self._chances, 0.0)
        weights = self.visits[self._origins] * chances
        return weights if weights.sum() > 0 else chances

    def weights_of(self, counts: Mapping[int, int]) -> Vector:
        """Return how often each jump begins a request, for so many requests by class (J)."""
        classes = self.compiled.arrays.classes
        found = np.zeros(len(classes))
        for number, count in counts.items():
            chances = np.where(classes == number, self._chances, 0.0)
            found += count * chances / chances.sum()
        return found

    def passage(self, classes: Iterable[int]) -> Passage:
        """Return how requests of some classes end, weighted by how often each is made."""
        weights, a = self.weights(classes), self.compiled.arrays
        total = float(weights.sum())
        after, first = self._until_rest[a.targets], a.changes
        rests, error, seconds, squares, later, later_squares = weights @ after / total
        # The jump that begins the request enters states as well.
        one = weights @ (first * after[:, 0]) / total
        both = weights @ (first**2 * after[:, 0] + 2 * first * after[:, 4]) / total
        per = rests or 1.0
        mean, mean_changes = seconds / per, (later + one) / per
        return Passage(
            total,
            float(rests),
            float(error),
            float(mean),
            _root(squares / per, mean),
            float(mean_changes),
            _root((later_squares + both) / per, mean_changes),
        )

    def passages(self) -> dict[str, Passage]:
        """Return how requests end, by operation."""
        return {
            operation: self.passage(classes)
            for operation, classes in self.compiled.classes_by_operation().items()
        }

    def chain_of(self, weights: Vector) -> AbsorbingChain:
        """Return the steps from request to rest, of requests that jumps begin so often (J)."""
        works, rests = self._works, self._rests
        begin = np.bincount(self.compiled.arrays.targets, weights / weights.sum(), self.size)
        return AbsorbingChain(
            [s.time for s in self.compiled.sojourns if s.activity is Activity.WORKS],
            self.transitions[np.ix_(works, works)],
            self.transitions[np.ix_(works, rests)].sum(axis=1),
            begin[works],
            float(begin[rests].sum()),
        )

    def percentiles(self, weights: Vector, percents: Sequence[float]) -> dict[float, float]:
        """Return the seconds in which each percentage of requests comes to rest; 0 if none does.

        The requests are those that jumps begin so often (J).
        """
        rests, seconds, squares = self._until_rest[self.compiled.arrays.targets][:, (0, 2, 3)].T
        probability = float(weights @ rests)
        if not probability:
            return dict.fromkeys(percents, 0.0)
        mean, square = (float(weights @ m) / probability for m in (seconds, squares))
        # By Cantelli's inequality, less than 1 % take longer than this.
        longest = max(mean + 10 * _root(square, mean), 2 * SHORTEST)
        most = math.ceil(math.log2(longest / SHORTEST))
        few, chain = min(OCTAVES, most), self.chain_of(weights)
        found = passage_time(chain, SHORTEST * 2.0 ** (most - few), few)
        if found.shares[0] > min(percents) / 100:
            found = passage_time(chain, SHORTEST, most)
        return {percent: found.percentile(percent) for percent in percents}

    def over_time(self, step: float, picked: Sequence[int]) -> tuple[Vector, float]:
        """Return the probability of each chain state after `picked` steps of `step` seconds.

        The first value is (picked x P), the second the largest error: 0 for sums of exponential
        phases, `ERROR` elsewhere. Raise `NoClosedForm`.
        """
        try:
            return self.phases.over_time(max(picked) + 1, step)[list(picked)], 0.0
        except NoClosedForm:
            return self.inversion.at(np.array(picked) * step), ERROR

    @cached_property
    def inversion(self) -> LaplaceInversion:
        """The process in Laplace transforms. Raise `NoClosedForm`."""
        return LaplaceInversion(self.compiled, self.transitions)

    @cached_property
    def phases(self) -> PhaseProcess:
        """The process with every time as a sum of exponential phases. Raise `NoClosedForm`."""
        return PhaseProcess(self.compiled, self.transitions)


def _root(square: float, mean: float) -> float:
    """The standard deviation, from a mean square and a mean; what only rounding leaves is 0."""
    variance = square - mean**2
    return math.sqrt(variance) if variance > ROUNDING * square else 0.0


def _fourth(weights: Vector, raw: Sequence[Vector]) -> float:
    """The fourth central moment, from raw moments 0 to 4 that are weighted (J each)."""
    with np.errstate(all="ignore"):
        probability, *moments = (float(weights @ moment) for moment in raw)
        one, two, three, four = (np.float64(moment) / (probability or 1.0) for moment in moments)
        return float(four - 4 * one * three + 6 * one**2 * two - 3 * one**4)


def _raw_moment(time: Duration, order: int) -> float:
    """The mean of a power of a time, in seconds to that power."""
    scale, shape = time.parameters()
    if time.family is Family.EXPONENTIAL:
        return math.factorial(order) * scale**order
    if time.family is Family.LOGNORMAL:
        return math.exp(order * scale + (order * shape) ** 2 / 2)
    if time.family is Family.WEIBULL:
        return float(scale**order * special.gamma(1 + order * shape))
    if time.family is Family.GAMMA:
        return scale**order * math.prod(shape + n for n in range(order))
    samples = time.samples or (time.mean,)
    return sum(sample**order for sample in samples) / len(samples)
