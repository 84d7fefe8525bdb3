"""A process whose times are sums of exponential ones, as a Markov process in continuous time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.errors import LifecycleError
from ecs_fsm.fleet.compiled import Compiled
from ecs_fsm.fleet.durations import Family
from ecs_fsm.fleet.process import Stay

Vector = NDArray[np.float64]
MOST_STAGES = 64
FINAL = (Stay.ENDS, Stay.LOST)


class NoClosedForm(LifecycleError):
    """What cannot be calculated; the message says because of what."""


class Stages:
    """A Markov process in continuous time: `rates` (n x n), `begin` (n), `places` (n)."""

    def __init__(self, compiled: Compiled, jumps: Vector) -> None:
        self.compiled = compiled
        counts = [_stages(compiled, n) for n in range(len(compiled.spots))]
        at_once = np.array([count == 0 for count in counts])
        timed = ~at_once
        through = np.linalg.inv(np.eye(int(at_once.sum())) - jumps[np.ix_(at_once, at_once)])
        reach = jumps[:, timed] + jumps[:, at_once] @ through @ jumps[np.ix_(at_once, timed)]
        numbers = [n for n in range(len(counts)) if timed[n]]
        self.places = np.repeat(numbers, [counts[n] for n in numbers])
        firsts = np.cumsum([0, *(counts[n] for n in numbers)])[:-1]
        self.rates = np.zeros((len(self.places), len(self.places)))
        for first, n in zip(firsts, numbers, strict=True):
            spot = compiled.spots[n]
            if spot.stay in FINAL:
                continue
            rate = counts[n] / spot.time.mean
            last = first + counts[n] - 1
            for stage in range(first, last):
                self.rates[stage, stage : stage + 2] = -rate, rate
            self.rates[last, firsts] += rate * reach[n]
            self.rates[last, last] -= rate
        self.begin = np.zeros(len(self.places))
        self.begin[firsts] = reach[0]

    def over_time(self, points: int, step: float) -> Vector:
        """The probability of each place at 0, step, 2 step, ... (points x P)."""
        from scipy.linalg import expm

        once = expm(self.rates * step)
        found = np.zeros((points, len(self.compiled.spots)))
        law = self.begin
        for n in range(points):
            np.add.at(found[n], self.places, law)
            law = law @ once
        return found

    def rested(self, laws: Vector, first: float, octaves: int) -> Vector:
        """How likely work rests in time, begun by `laws` (n x P); times as of `Exact.rested`.

        The exponential is squared from octave to octave.
        """
        from scipy.linalg import expm

        within, begin = self._work(laws)
        quarter = expm(within * (first / 4))
        whole = np.linalg.matrix_power(quarter, 4)
        found = []
        for _ in range(octaves):
            law = begin @ whole
            for _ in range(4):
                found.append(law[:, -1])
                law = law @ quarter
            quarter, whole = quarter @ quarter, whole @ whole
        return np.array(found).T

    def _work(self, laws: Vector) -> tuple[Vector, Vector]:
        """The rates of what works, with rest as the last stage, and how work begins."""
        spots = self.compiled.spots
        works = np.array([spots[n].stay is Stay.WORKS for n in self.places])
        rests = [n for n, s in enumerate(spots) if s.stay in (Stay.RESTS, Stay.ENDS)]
        size = int(works.sum())
        within = np.zeros((size + 1, size + 1))
        within[:size, :size] = self.rates[np.ix_(works, works)]
        within[:size, size] = self.rates[np.ix_(works, np.isin(self.places, rests))].sum(axis=1)
        places = self.places[works]
        first = np.append(True, places[1:] != places[:-1])
        begin = np.zeros((len(laws), size + 1))
        begin[:, :size][:, first] = laws[:, places[first]]
        begin[:, size] = laws[:, rests].sum(axis=1)
        return within, begin


def _stages(compiled: Compiled, place: int) -> int:
    """How many exponential stages the time of a place has; none where it takes no time."""
    spot = compiled.spots[place]
    time = spot.time
    if spot.stay in FINAL or time.family is Family.EXPONENTIAL:
        return 1 if spot.stay in FINAL or time.mean else 0
    if time.mean == 0:
        return 0
    if time.family is Family.GAMMA and time.second.is_integer() and time.second <= MOST_STAGES:
        return int(time.second)
    node = spot.place.node
    raise NoClosedForm(
        f"the time at {node.state if node else ''} is {time.family}, and is no sum of up to "
        f"{MOST_STAGES} exponential ones"
    )
