"""Simulates servers one after the other over the arrays of a process, as machine code."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.fleet.arrays import ABSENT, Arrays
from ecs_fsm.fleet.process import Activity
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


@inlined
def count_jump(
    t: float, jump: int, shown: int, since: int, request: int, requested_at: float, changes: int,
    horizon: float, step: float, a: Arrays, y: Tally,
) -> tuple[int, int, int, float, int]:  # fmt: skip
    """Count a jump at `t` seconds, and return what must be remembered of the server.

    These are the state that it shows and since when (microseconds), the class of the request that
    runs, when it was made (seconds), and how many states it has entered. After the horizon, only
    the request that was made before it is followed.
    """
    target = a.targets[jump]
    if t <= horizon:
        if a.events[jump] != ABSENT:
            y.happened[a.events[jump]] += 1
        if a.classes[jump] != ABSENT:
            request, requested_at, changes = a.classes[jump], t, 0
            y.requested[request] += 1
        y.totals[1] += a.changes[jump]
        state = a.states[target]
        if state != shown:
            now = int(t * MICRO + 0.5)
            point = min(math.ceil(t / step), y.showing.shape[0] - 1)
            if shown != ABSENT:
                y.spent[shown] += now - since
                y.showing[point, shown] -= 1
            y.showing[point, state] += 1
            shown, since = state, now
    changes += a.changes[jump]
    if request != ABSENT and a.activities[target] != WORKS:
        end_request(y, a, target, request, t - requested_at, changes)
        request = ABSENT
    return shown, since, request, requested_at, changes


@inlined
def count_end(shown: int, since: int, horizon: float, y: Tally) -> None:
    """Count the time that a server shows its last state, up to the horizon."""
    if shown != ABSENT:
        y.spent[shown] += int(horizon * MICRO + 0.5) - since


@compiled
def simulate(
    first: int, count: int, late: int, key: np.uint64, horizon: float, step: float,
    a: Arrays, y: Tally, rows: EventRows,
) -> int:  # fmt: skip
    """Simulate `count` servers from number `first` on and add them to the tally `y`.

    Servers from number `late` on arrive at random times before `horizon` (seconds). A request made
    before the horizon is followed to its end. Events are written to `rows` if there is room; return
    their number.
    """
    slots, written = np.uint64(a.thresholds.shape[1]), 0
    for server in range(first, first + count):
        state, current, t = server_key(key, server), 0, 0.0
        shown, since, request, requested_at, changes = ABSENT, 0, ABSENT, 0.0, 0
        y.totals[0] += 1
        while a.activities[current] != ENDS and a.activities[current] != LOST:
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
                written = write(rows, written, server, t, jump, a)
            shown, since, request, requested_at, changes = count_jump(
                t, jump, shown, since, request, requested_at, changes, horizon, step, a, y
            )
        count_end(shown, since, horizon, y)
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


@compiled
def count_path(
    times: NDArray[np.float64], jumps: NDArray[np.int32], horizon: float, step: float,
    a: Arrays, y: Tally,
) -> None:  # fmt: skip
    """Add one server to the tally `y`, whose `jumps` happened at `times` (seconds)."""
    shown, since, request, requested_at, changes = ABSENT, 0, ABSENT, 0.0, 0
    y.totals[0] += 1
    for n in range(times.shape[0]):
        shown, since, request, requested_at, changes = count_jump(
            times[n], jumps[n], shown, since, request, requested_at, changes, horizon, step, a, y
        )
    count_end(shown, since, horizon, y)
