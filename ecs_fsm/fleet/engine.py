"""Simulates servers one after the other over the arrays of a process, as machine code."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.fleet.compiled import NOBODY, Arrays
from ecs_fsm.fleet.draws import STRIDE, mix, server_key, time_of, unit
from ecs_fsm.fleet.jit import compiled, inlined
from ecs_fsm.fleet.process import Stay
from ecs_fsm.fleet.tally import BINS, MICRO, PER_OCTAVE, SHORTEST, Tally

WORKS, RESTS, ENDS, HANGS, LOST = (int(stay) for stay in list(Stay)[:5])
_STRIDE = np.uint64(STRIDE)
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_SHIFT = 52 - PER_OCTAVE.bit_length() + 1
_FIRST_BIN = int(np.float64(SHORTEST).view(np.int64)) >> _SHIFT


class Rows(NamedTuple):
    """Room for changes, one row each: server, seconds, event, state."""

    servers: NDArray[np.int64]
    times: NDArray[np.float64]
    events: NDArray[np.int16]
    states: NDArray[np.int16]

    def first(self, count: int) -> Rows:
        """The first `count` of them, or all if there are fewer."""
        return Rows(
            self.servers[:count], self.times[:count], self.events[:count], self.states[:count]
        )


def room(rows: int) -> Rows:
    """Room for so many changes."""
    return Rows(
        np.empty(rows, np.int64),
        np.empty(rows, np.float64),
        np.empty(rows, np.int16),
        np.empty(rows, np.int16),
    )


@inlined
def bin_of(seconds: float) -> int:
    """The bin of a histogram that a time falls into."""
    if seconds < SHORTEST:
        return 0
    number = (np.float64(seconds).view(np.int64) >> _SHIFT) - _FIRST_BIN + 1
    return int(number) if number < BINS else BINS - 1


@inlined
def choose(z: np.uint64, place: int, slots: np.uint64, a: Arrays) -> int:
    """The edge that a server takes, by the lower half of a draw."""
    product = (z & _LOW) * slots
    slot = product >> _32
    if (product & _LOW) < a.thresholds[place, slot]:
        return int(a.owns[place, slot])
    return int(a.others[place, slot])


@inlined
def write(rows: Rows, written: int, server: int, t: float, edge: int, a: Arrays) -> int:
    """Write the changes of an edge where there is room; how many there are by then."""
    for n in range(a.changes[edge]):
        if written < rows.servers.shape[0]:
            rows.servers[written] = server
            rows.times[written] = t
            rows.events[written] = a.events[edge]
            rows.states[written] = a.entered[edge, n]
        written += 1
    return written


@inlined
def rest(y: Tally, a: Arrays, place: int, group: int, seconds: float, entered: int) -> None:
    """Count a request that ends at a place after so many seconds and changes."""
    if a.kinds[place] >= HANGS:
        y.hung[group] += 1
        return
    y.rested[group] += 1
    y.wrong[group] += a.wrong[a.states[place]]
    y.changes[group] += entered
    y.squares[group] += entered * entered
    y.micros[group] += int(seconds * MICRO + 0.5)
    y.waits[group, bin_of(seconds)] += 1


@compiled
def simulate(
    first: int,
    count: int,
    late: int,
    key: np.uint64,
    horizon: float,
    step: float,
    a: Arrays,
    y: Tally,
    rows: Rows,
) -> int:
    """Simulate `count` servers from number `first` on and add them to the tally `y`.

    Those from number `late` on come at a random time before `horizon` (seconds). A request that was
    asked before the horizon is followed to its end. Changes are written into `rows` as far as there
    is room; the number of them is returned.
    """
    slots, points, written = np.uint64(a.thresholds.shape[1]), y.showing.shape[0] - 1, 0
    for server in range(first, first + count):
        state = server_key(key, server)
        place, at, t, since, here = 0, 0, 0.0, 0.0, NOBODY
        group, entered = NOBODY, 0
        y.totals[0] += 1
        while a.kinds[place] != ENDS and a.kinds[place] != LOST:
            state += _STRIDE
            z = mix(state)
            if place == 0:
                t = unit(z) * horizon if server >= late else 0.0
            else:
                t += time_of(z, place, a)
            inside = t <= horizon
            if not inside and group == NOBODY:
                break
            edge = choose(z, place, slots, a)
            place = a.targets[edge]
            if inside:
                if a.events[edge] != NOBODY:
                    y.happened[a.events[edge]] += 1
                if a.groups[edge] != NOBODY:
                    group, since, entered = a.groups[edge], t, 0
                    y.asked[group] += 1
                y.totals[1] += a.changes[edge]
                written = write(rows, written, server, t, edge, a)
                to = a.states[place]
                if to != here:
                    point, now = min(math.ceil(t / step), points), int(t * MICRO + 0.5)
                    if here != NOBODY:
                        y.spent[here] += now - at
                        y.showing[point, here] -= 1
                    y.showing[point, to] += 1
                    here, at = to, now
            entered += a.changes[edge]
            if group != NOBODY and a.kinds[place] != WORKS:
                rest(y, a, place, group, t - since, entered)
                group = NOBODY
        if here != NOBODY:
            y.spent[here] += int(horizon * MICRO + 0.5) - at
    return written
