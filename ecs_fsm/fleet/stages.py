"""A process whose times are sums of exponential ones, as a Markov process in continuous time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.core.errors import LifecycleError
from ecs_fsm.fleet.compiled import Compiled
from ecs_fsm.fleet.process import Stay
from ecs_fsm.profiles.durations import Family

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
