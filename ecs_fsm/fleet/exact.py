"""The answers that need no simulation: means by the fundamental matrix, shares by the exponential.

Means hold for any distribution of times. What depends on time follows from the matrix exponential
where every time is a sum of exponential ones (exponential, or gamma with a whole shape), elsewhere
from `ecs_fsm.fleet.inversion`, or `NoClosedForm` says why not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.fleet.compiled import Compiled
from ecs_fsm.fleet.inversion import ERROR, Inverted
from ecs_fsm.fleet.lattice import Steps
from ecs_fsm.fleet.process import Stay
from ecs_fsm.fleet.result import shown
from ecs_fsm.fleet.stages import FINAL, NoClosedForm, Stages, Vector


@dataclass(frozen=True, slots=True)
class Course:
    """How a request ends: it rests with probability `rests` and rests in an error with `error`.

    Of those that rest: mean and standard deviation of seconds and of changes. `requests` is how
    often it is asked in a life (or, in lives without end, its share of all requests).
    """

    requests: float
    rests: float
    error: float
    seconds: float
    spread: float
    changes: float
    changes_spread: float


class Exact:
    """The exact answers for a process of P places."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        spots, a = compiled.spots, compiled.arrays
        self.size = len(spots)
        origins = [n for n, spot in enumerate(spots) for _ in spot.edges]
        self._origins = np.array(origins)
        self._chances = np.array([edge.probability for edge in compiled.edges])
        self._jumps: Vector = np.zeros((self.size, self.size))
        np.add.at(self._jumps, (self._origins, a.targets), self._chances)
        self._means = np.array([spot.time.mean for spot in spots])
        self._variances = np.array([spot.time.variance for spot in spots])
        self._final = np.array([spot.stay in FINAL for spot in spots])

    @cached_property
    def visits(self) -> Vector:
        """How often a server comes to each place in its life, by the fundamental matrix (P).

        In lives without end: the share of all comings.
        """
        goes_on = ~self._final
        found = np.zeros(self.size)
        if not self.compiled.ends:
            return self._comings()
        within = self._jumps[np.ix_(goes_on, goes_on)]
        begin = np.zeros(goes_on.sum())
        begin[0] = 1.0
        found[goes_on] = np.linalg.solve((np.eye(len(within)) - within).T, begin)
        found[self._final] = found[goes_on] @ self._jumps[np.ix_(goes_on, self._final)]
        return found

    def _comings(self) -> Vector:
        """The stationary law of the places one after the other, where no life ends."""
        if self._final.any():
            raise NoClosedForm("some lives end and some never do: they have no mean")
        system = np.vstack([(np.eye(self.size) - self._jumps).T, np.ones(self.size)])
        found, _, rank, _ = np.linalg.lstsq(system, np.append(np.zeros(self.size), 1.0))
        if rank < self.size:
            raise NoClosedForm("lives without end settle in more than one way")
        return np.asarray(found)

    @property
    def life(self) -> float:
        """Seconds from the beginning to the end of a life; infinite for one without end."""
        return float(self.visits @ self._means) if self.compiled.ends else float("inf")

    @property
    def steps(self) -> float:
        """Steps of a life: how often a server leaves a place."""
        return float(self.visits[~self._final].sum()) if self.compiled.ends else float("inf")

    @cached_property
    def steps_spread(self) -> float:
        """The standard deviation of the steps of a life."""
        within = self._jumps[np.ix_(~self._final, ~self._final)]
        system = np.eye(len(within)) - within
        mean = np.linalg.solve(system, np.ones(len(within)))
        squares = np.linalg.solve(system, 2 * mean) - mean
        return float(np.sqrt(squares[0] - mean[0] ** 2))

    def ends(self) -> dict[str, float]:
        """The probability of each place where a life can end."""
        if not self.compiled.ends:
            return {}
        found: dict[str, float] = {}
        for n, spot in enumerate(self.compiled.spots):
            if self._final[n]:
                node = spot.place.node
                name = f"{node.state if node else ''}{' (hangs)' if spot.stay is Stay.LOST else ''}"
                found[name] = found.get(name, 0.0) + float(self.visits[n])
        return found

    def shares(self, attribute: str = "status") -> dict[str, float]:
        """The share of its life that a server spends showing each word.

        It is the stationary share of a fleet in which whoever is gone is replaced.
        """
        spent = self.visits * self._means
        return self._by_word(spent / spent.sum(), attribute)

    def _by_word(self, parts: Vector, attribute: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for spot, part in zip(self.compiled.spots, parts, strict=True):
            if spot.place.node is not None and part > 0:
                word = shown(spot.place.node.state, attribute)
                found[word] = found.get(word, 0.0) + float(part)
        return found

    @cached_property
    def _until_rest(self) -> NDArray[np.float64]:
        """From each place until rest: 6 columns (P x 6), each restricted to those that rest.

        Probability, probability of an error, seconds, their squares, changes, their squares.
        """
        a, spots = self.compiled.arrays, self.compiled.spots
        works = np.array([spot.stay is Stay.WORKS for spot in spots])
        rests = np.array([spot.stay in (Stay.RESTS, Stay.ENDS) for spot in spots])
        wrong = rests & (a.wrong[a.states] > 0)
        found = np.zeros((self.size, 6))
        found[rests, 0], found[wrong, 1] = 1.0, 1.0
        rows = self._jumps[works]
        solve = np.linalg.inv(np.eye(int(works.sum())) - rows[:, works])
        for n in (0, 1):
            found[works, n] = solve @ (rows @ (found[:, n] * rests))
        mean, variance = self._means[works], self._variances[works]
        found[works, 2] = solve @ (mean * found[works, 0])
        after = rows @ found[:, 2]
        squares = (variance + mean**2) * found[works, 0] + 2 * mean * after
        found[works, 3] = solve @ squares
        steps = a.changes.astype(float) * self._chances
        entered = self._per_place(steps * found[a.targets, 0])
        found[works, 4] = solve @ entered[works]
        both = a.changes * (steps * found[a.targets, 0]) + 2 * steps * found[a.targets, 4]
        found[works, 5] = solve @ self._per_place(both)[works]
        return found

    def _per_place(self, per_edge: Vector) -> Vector:
        return np.asarray(np.bincount(self._origins, per_edge, self.size), np.float64)

    def weights(self, groups: Iterable[int]) -> Vector:
        """How often each edge begins a request of some groups in a life (E).

        Where that is never: how likely it would.
        """
        chances = np.where(np.isin(self.compiled.arrays.groups, list(groups)), self._chances, 0.0)
        weights = self.visits[self._origins] * chances
        return weights if weights.sum() > 0 else chances

    def course(self, groups: Iterable[int]) -> Course:
        """How requests of some groups end, each weighed by how often it is asked."""
        weights, a = self.weights(groups), self.compiled.arrays
        total = float(weights.sum())
        after, changes = self._until_rest[a.targets], a.changes
        rests, error, seconds, squares, entered, entered_squares = weights @ after / total
        one = weights @ (changes * after[:, 0]) / total
        both = weights @ (changes**2 * after[:, 0] + 2 * changes * after[:, 4]) / total
        per = rests or 1.0
        mean, mean_changes = seconds / per, (entered + one) / per
        return Course(
            total,
            float(rests),
            float(error),
            float(mean),
            float(np.sqrt(max(squares / per - mean**2, 0))),
            float(mean_changes),
            float(np.sqrt(max((entered_squares + both) / per - mean_changes**2, 0))),
        )

    def asked(self, counts: Mapping[int, int]) -> Vector:
        """How often each edge begins a request where groups were asked so many times (E)."""
        groups = self.compiled.arrays.groups
        found = np.zeros(len(groups))
        for number, count in counts.items():
            chances = np.where(groups == number, self._chances, 0.0)
            found += count * chances / chances.sum()
        return found

    def steps_of(self, weights: Vector) -> Steps:
        """The steps from request to rest, of requests that edges begin with these weights (E)."""
        spots, targets = self.compiled.spots, self.compiled.arrays.targets
        begin = np.bincount(targets, weights / weights.sum(), self.size)
        works = np.array([spot.stay is Stay.WORKS for spot in spots])
        rests = np.array([spot.stay in (Stay.RESTS, Stay.ENDS) for spot in spots])
        return Steps(
            [spot.time for spot in spots if spot.stay is Stay.WORKS],
            self._jumps[np.ix_(works, works)],
            self._jumps[np.ix_(works, rests)].sum(axis=1),
            begin[works],
            float(begin[rests].sum()),
        )

    def courses(self) -> dict[str, Course]:
        """How the requests end, by operation."""
        groups = self.compiled.groups
        names = dict.fromkeys(group.asks for group in groups)
        return {
            name: self.course(n for n, group in enumerate(groups) if group.asks == name)
            for name in names
        }

    def over_time(self, step: float, picked: Sequence[int]) -> tuple[Vector, float]:
        """The probability of each place after so many steps of `step` seconds each (picked x P).

        And what it may be off by: nothing where all times are cut in stages, a little elsewhere.
        Raises `NoClosedForm`.
        """
        try:
            return self.stages.over_time(max(picked) + 1, step)[list(picked)], 0.0
        except NoClosedForm:
            return self.inverted.at(np.array(picked) * step), ERROR

    @cached_property
    def inverted(self) -> Inverted:
        """The process in Laplace transforms. Raises `NoClosedForm`."""
        return Inverted(self.compiled, self._jumps)

    @cached_property
    def stages(self) -> Stages:
        """The process with every time cut in exponential stages. Raises `NoClosedForm`."""
        return Stages(self.compiled, self._jumps)
