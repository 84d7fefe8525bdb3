"""What is counted of a fleet: whole numbers only, so that parts add up to the same in any order.

Times are counted in microseconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
MICRO = 1_000_000
PER_OCTAVE = 64
SHORTEST = 2.0**-10
"""The upper end of the first bin of a histogram, in seconds."""
OCTAVES = 34
BINS = OCTAVES * PER_OCTAVE + 2


class Tally(NamedTuple):
    """Counts of a part of a fleet; C grid points, S states, V events, G request groups.

    `showing` (C+1 x S) are arrivals minus departures of states up to each point of the time grid;
    `spent` (S) microseconds in a state, `happened` (V) events, `asked`, `rested`, `hung`, `wrong`
    (G) requests, those that came to rest, that hang, that rest in an error; `changes`, `squares`
    (G) changes until rest and their squares, `micros` (G) microseconds until rest, `waits`
    (G x `BINS`) how many took so long; `totals` servers and changes.
    """

    showing: Counts
    spent: Counts
    happened: Counts
    asked: Counts
    rested: Counts
    hung: Counts
    wrong: Counts
    changes: Counts
    squares: Counts
    micros: Counts
    waits: Counts
    totals: Counts


class Sizes(NamedTuple):
    """How large the tallies of a process are."""

    states: int
    events: int
    groups: int
    points: int


def empty(sizes: Sizes) -> Tally:
    """A tally of nothing."""
    states, events, groups, points = sizes
    shapes = {"spent": states, "happened": events, "totals": 2}
    return Tally(
        showing=np.zeros((points + 1, states), np.int64),
        waits=np.zeros((groups, BINS), np.int64),
        **{
            name: np.zeros(shapes.get(name, groups), np.int64)
            for name in Tally._fields
            if name not in ("showing", "waits")
        },
    )


def bin_edges() -> NDArray[np.float64]:
    """The lower ends of the bins of a histogram, in seconds: 64 to an octave."""
    steps = np.arange(BINS - 1)
    octave = 2.0 ** (steps // PER_OCTAVE)
    return np.concatenate(([0.0], SHORTEST * octave * (1 + (steps % PER_OCTAVE) / PER_OCTAVE)))


def add(one: Tally, other: Tally) -> Tally:
    """Both as one. The sums of times are Python's numbers, which do not overflow."""
    return Tally(
        *(
            a.astype(object) + b if name in ("spent", "micros") else a + b
            for name, a, b in zip(Tally._fields, one, other, strict=True)
        )
    )
