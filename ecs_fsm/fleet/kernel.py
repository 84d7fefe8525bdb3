"""Simulates servers one after the other over the arrays of a process, as machine code."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.fleet.arrays import ABSENT, Arrays
from ecs_fsm.fleet.random_numbers import (
    STRIDE,
    choose,
    compiled,
    inlined,
    mix,
    server_key,
    sojourn_time,
    uniform,
)
from ecs_fsm.fleet.tally import BINS, MICRO, PER_OCTAVE, SHORTEST, Tally
from ecs_fsm.profiles.process import Activity

WORKS, RESTS, ENDS, HANGS, LOST = (int(activity) for activity in list(Activity)[:5])
_STRIDE = np.uint64(STRIDE)
_SHIFT = 52 - PER_OCTAVE.bit_length() + 1
_FIRST_BIN = int(np.float64(SHORTEST).view(np.int64)) >> _SHIFT


class EventRows(NamedTuple):
    """Room for N events, a row for each state that is entered.

    `servers` (number), `times` (seconds), `events` and `states` (index in the arrays).
    """

    servers: NDArray[np.int64]
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


@inlined
def bin_of(seconds: float) -> int:
    """Return the number of the histogram's bin for a time."""
    if seconds < SHORTEST:
        return 0
    # The bits of a float are its exponent, then its mantissa: shifted, they count equal parts of
    # octaves, which is what the bins are.
    number = (np.float64(seconds).view(np.int64) >> _SHIFT) - _FIRST_BIN + 1
    return int(number) if number < BINS else BINS - 1


@inlined
def write(rows: EventRows, written: int, server: int, t: float, jump: int, a: Arrays) -> int:
    """Write the events of a jump if there is room; return how many there are then."""
    for n in range(a.changes[jump]):
        if written < rows.servers.shape[0]:
            rows.servers[written] = server
            rows.times[written] = t
            rows.events[written] = a.events[jump]
            rows.states[written] = a.entered[jump, n]
        written += 1
    return written


@inlined
def end_request(y: Tally, a: Arrays, at: int, request: int, seconds: float, changes: int) -> None:
    """Count a request that ends in a chain state after so many seconds and changes."""
    if a.activities[at] >= HANGS:
        y.hung[request] += 1
        return
    y.rested[request] += 1
    y.failed[request] += a.error[a.states[at]]
    y.changes[request] += changes
    y.squares[request] += changes * changes
    y.micros[request] += int(seconds * MICRO + 0.5)
    y.waits[request, bin_of(seconds)] += 1


@compiled
def simulate(
    first: int, count: int, late: int, key: np.uint64, horizon: float, step: float,
    a: Arrays, y: Tally, rows: EventRows, times: NDArray[np.float64], jumps: NDArray[np.int32],
) -> int:  # fmt: skip
    """Simulate `count` servers from number `first` on and add them to the tally `y`.

    Servers from number `late` on arrive at random times before `horizon` (seconds). A request made
    before the horizon is followed to its end. If `jumps` is not empty, the servers are not drawn:
    each makes these jumps at these `times` (seconds). Events are written to `rows` if there is
    room; return their number.
    """
    # One loop has both uses, and counts in local variables: as a function of its own, inlined, the
    # counting took twice the time.
    slots, points, written = np.uint64(a.thresholds.shape[1]), y.showing.shape[0] - 1, 0
    given, made = jumps.shape[0], 0
    for server in range(first, first + count):
        state = server_key(key, server)
        current, since, t, requested_at, shown = 0, 0, 0.0, 0.0, ABSENT
        request, changes = ABSENT, 0
        y.totals[0] += 1
        while a.activities[current] != ENDS and a.activities[current] != LOST:
            if given:
                if made == given:
                    break
                t, jump = times[made], int(jumps[made])
                made += 1
            else:
                state += _STRIDE
                z = mix(state)
                if current == 0:
                    t = uniform(z) * horizon if server >= late else 0.0
                else:
                    t += sojourn_time(z, current, a)
                if t > horizon and request == ABSENT:
                    break
                jump = choose(z, current, slots, a)
            current = a.targets[jump]
            if t <= horizon:
                if a.events[jump] != ABSENT:
                    y.happened[a.events[jump]] += 1
                if a.classes[jump] != ABSENT:
                    request, requested_at, changes = a.classes[jump], t, 0
                    y.requested[request] += 1
                y.totals[1] += a.changes[jump]
                written = write(rows, written, server, t, jump, a)
                entered = a.states[current]
                if entered != shown:
                    point, now = min(math.ceil(t / step), points), int(t * MICRO + 0.5)
                    if shown != ABSENT:
                        y.spent[shown] += now - since
                        y.showing[point, shown] -= 1
                    y.showing[point, entered] += 1
                    shown, since = entered, now
            changes += a.changes[jump]
            if request != ABSENT and a.activities[current] != WORKS:
                end_request(y, a, current, request, t - requested_at, changes)
                request = ABSENT
        if shown != ABSENT:
            y.spent[shown] += int(horizon * MICRO + 0.5) - since
    return written


@compiled
def sample_path(
    server: int, late: int, key: np.uint64, horizon: float, a: Arrays,
    times: NDArray[np.float64], jumps: NDArray[np.int32],
) -> int:  # fmt: skip
    """Draw the path of one server: the sojourn times (seconds) and the jumps that end them.

    The first time is that of its arrival. The path is the one that `simulate` follows; it is
    written to `times` and `jumps` if there is room. Return its length.
    """
    slots, length, t = np.uint64(a.thresholds.shape[1]), 0, 0.0
    state, current, requested = server_key(key, server), 0, False
    while a.activities[current] != ENDS and a.activities[current] != LOST:
        state += _STRIDE
        z = mix(state)
        if current == 0:
            time = uniform(z) * horizon if server >= late else 0.0
        else:
            time = sojourn_time(z, current, a)
        t += time
        if t > horizon and not requested:
            break
        jump = choose(z, current, slots, a)
        current = a.targets[jump]
        requested = a.activities[current] == WORKS and (
            requested or (t <= horizon and a.classes[jump] != ABSENT)
        )
        if length < times.shape[0]:
            times[length], jumps[length] = time, jump
        length += 1
    return length
