"""What is counted of a fleet: whole numbers only, with times in microseconds.

Addition of integers is associative and commutative, and addition of floating-point numbers is not.
So the tallies of chunks add up to the same total, to the last digit, in whatever order and on
whatever machine the chunks are simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
MICRO = 1_000_000
PER_OCTAVE = 64
"""Bins of a histogram between one time and its double."""
SHORTEST = 2.0**-10
"""The upper end of the first bin of a histogram, in seconds."""
OCTAVES = 34
BINS = OCTAVES * PER_OCTAVE + 2


class Tally(NamedTuple):
    """The counts of a part of a fleet, for C grid points, S states, V events, R request classes.

    `showing` (C+1 x S): servers that enter minus servers that leave a state up to each point of the
    time grid; the last row counts what comes after the grid. `spent` (S): microseconds in a state.
    `happened` (V): events. `requested`, `rested`, `hung`, `failed` (R): requests, and those of them
    that came to rest, hung, came to rest in the error state. Of those that came to rest: `changes`,
    `squares` (R): states entered, and the squares of these numbers; `micros` (R): microseconds;
    `waits` (R x `BINS`): histogram of seconds. `totals` (2): servers, states entered.
    """

    showing: Counts
    spent: Counts
    happened: Counts
    requested: Counts
    rested: Counts
    hung: Counts
    failed: Counts
    changes: Counts
    squares: Counts
    micros: Counts
    waits: Counts
    totals: Counts


class Sizes(NamedTuple):
    """The sizes of a tally: states, events, request classes, points of the time grid."""

    states: int
    events: int
    classes: int
    points: int


class Grid(NamedTuple):
    """The horizon and the points of the time grid, in whole microseconds.

    What happens up to `limits[p]` counts for point p or an earlier one; the last point has no limit
    but the horizon. `inverse` is a little more than 1 over the step.
    """

    horizon: int
    inverse: float
    limits: Counts


class EventRows(NamedTuple):
    """Room for N events, a row for each state that is entered.

    `servers` (number), `times` (seconds), `events` and `states` (index in the arrays).
    """

    servers: Counts
    times: NDArray[np.float64]
    events: NDArray[np.int16]
    states: NDArray[np.int16]

    def first(self, count: int) -> EventRows:
        """Return the first `count` rows, or all if there are fewer."""
        return EventRows(
            self.servers[:count], self.times[:count], self.events[:count], self.states[:count]
        )


def empty_rows(count: int) -> EventRows:
    """Return room for `count` events."""
    return EventRows(
        np.empty(count, np.int64),
        np.empty(count, np.float64),
        np.empty(count, np.int16),
        np.empty(count, np.int16),
    )


def empty_tally(sizes: Sizes) -> Tally:
    """Return a tally of zeros."""
    states, events, classes, points = sizes
    shapes = {"spent": states, "happened": events, "totals": 2}
    return Tally(
        showing=np.zeros((points + 1, states), np.int64),
        waits=np.zeros((classes, BINS), np.int64),
        **{
            name: np.zeros(shapes.get(name, classes), np.int64)
            for name in Tally._fields
            if name not in ("showing", "waits")
        },
    )


def add(total: Tally, part: Tally) -> Tally:
    """Return the sum of two tallies. The arrays of the first are used up."""
    sums = {}
    for name, a, b in zip(Tally._fields, total, part, strict=True):
        # A billion servers for a year are over 2**63 microseconds; Python's integers have no limit.
        if name in ("spent", "micros"):
            sums[name] = a.astype(object) + b
        else:
            sums[name] = np.add(a, b, out=a)
    return Tally(**sums)


def bin_edges() -> NDArray[np.float64]:
    """Return the lower ends of the bins of a histogram, in seconds (`BINS`)."""
    steps = np.arange(BINS - 1)
    octave = 2.0 ** (steps // PER_OCTAVE)
    return np.concatenate(([0.0], SHORTEST * octave * (1 + (steps % PER_OCTAVE) / PER_OCTAVE)))


@dataclass(frozen=True, slots=True)
class RequestStatistics:
    """How requests ended.

    `requested`, `rested`, `hung` and `failed` count requests as in `Tally`. `changes`, `squares`
    and `mean` are means over those that came to rest: of the number of states entered, of its
    square, and of the seconds. `histogram` (`BINS`) counts the seconds.
    """

    requested: int
    rested: int
    hung: int
    failed: int
    changes: float
    squares: float
    mean: float
    histogram: NDArray[np.int64]

    def percentile(self, percent: float) -> float:
        """Return the seconds within which `percent` % came to rest, to about 1 %; NaN for none."""
        cumulated = np.cumsum(self.histogram)
        if not cumulated[-1]:
            return float("nan")
        wanted = percent / 100 * cumulated[-1]
        number = int(np.searchsorted(cumulated, wanted))
        if number == 0:
            return 0.0  # the first bin holds everything from 0 on
        edges = np.append(bin_edges(), bin_edges()[-1] * 2)
        share = (wanted - cumulated[number - 1]) / self.histogram[number]
        return float(edges[number] + share * (edges[number + 1] - edges[number]))

    def bins(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the middle and half the width of each bin, in seconds (`BINS` each)."""
        edges = np.append(bin_edges(), bin_edges()[-1] * 2)
        return (edges[:BINS] + edges[1:]) / 2, (edges[1:] - edges[:BINS]) / 2
