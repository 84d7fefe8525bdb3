"""The trajectory of one server: drawn jump by jump, and counted jump by jump, as machine code.

This is what writes events, and what counts a server whose trajectory comes from elsewhere. Arrays
are taken out of their tuples once: in a loop, each use would count a reference to them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.fleet.arrays import ABSENT, Arrays
from ecs_fsm.fleet.draws import compiled, exponential, inlined, mix, quantile, server_key
from ecs_fsm.fleet.legs import EXPONENTIAL, LENGTH, LONGEST, OPEN, SLOT, STEPS, TO, WIDTH, Legs
from ecs_fsm.fleet.random_numbers import STRIDE
from ecs_fsm.fleet.tally import BINS, MICRO, PER_OCTAVE, SHORTEST, EventRows, Grid, Tally
from ecs_fsm.profiles.process import Activity

Counts = NDArray[np.int64]
Jumps = NDArray[np.int32]
WORKS, RESTS, ENDS, HANGS, LOST = (int(activity) for activity in list(Activity)[:5])
UPPER, LOWER = np.uint64(33), np.uint64(0x7FFFFFFF)
"""The shift and the mask that give the two times of a draw."""
DRAWS = 1 + STEPS // 2
"""Draws of a leg: one for the leg and the time before it, one for the times of two steps."""
_STRIDE = np.uint64(STRIDE)
_LEG_STRIDE = np.uint64(DRAWS * STRIDE % 2**64)
_HALF, _MOST, _SECONDS = np.float32(0.5), np.float32(LONGEST), 1.0 / MICRO
_SHIFT = 52 - PER_OCTAVE.bit_length() + 1
_FIRST_BIN = int(np.float64(SHORTEST).view(np.int64)) >> _SHIFT
_PLACE, _TURN = np.uint32(5), np.uint32(31)


class Request(NamedTuple):
    """The request that runs: its class (or `ABSENT`), since when, and the states entered."""

    number: int
    since: int
    changes: int


@inlined
def bin_of(micros: int) -> int:
    """Return the number of the histogram's bin for a time."""
    # The bits of a float are its exponent, then its mantissa: shifted, they count equal parts of
    # octaves, which is what the bins are.
    number = (np.float64(np.float64(micros) * _SECONDS).view(np.int64) >> _SHIFT) - _FIRST_BIN + 1
    return max(0, min(int(number), BINS - 1))


@inlined
def point_of(t: int, inverse: float, limits: Counts) -> int:
    """Return the first point of the grid at or after a time before the horizon."""
    before = np.uint32(np.float64(t) * inverse)
    return int(before + np.uint32(limits[before] < t))


@inlined
def slot_of(choice: np.uint32, place: np.uint32) -> int:
    """Return the number of the slot that 32 bits choose at a place."""
    return int((place >> _PLACE) + (choice >> (place & _TURN)))


@inlined
def leg_in(slot: int, choice: np.uint32, slots: NDArray[np.uint32]) -> int:
    """Return the leg that 32 bits choose in a slot."""
    return int(slots[slot * SLOT + 1 + (choice >= slots[slot * SLOT])])


@inlined
def exponential_time(mean: np.float32, scale: np.float32) -> int:
    """Return an exponential time in microseconds, from one of mean 1."""
    return int(np.int64(mean * scale + _HALF))


@compiled
def time_of(
    bits: np.int32, mean: np.float32, scale: np.float32, kind: int,
    curves: NDArray[np.float32], samples: Counts, sets: Counts,
) -> int:  # fmt: skip
    """Return a time of any kind in microseconds; `mean` is the exponential time of the bits."""
    if kind == EXPONENTIAL:
        return int(np.int64(mean * scale + _HALF))
    if kind > EXPONENTIAL:
        return int(np.int64(min(quantile(bits, kind - 1, curves) * scale, _MOST) + _HALF))
    return int(samples[sets[-kind, 0] + ((np.int64(bits) * sets[-kind, 1]) >> 31)])


@compiled
def sample_path(
    server: int, late: int, key: np.uint64, horizon: int, p: Legs, times: Counts, jumps: Jumps
) -> int:
    """Draw the trajectory of one server: when it jumps (microseconds), and the jumps.

    It is the one that `kernel.simulate` follows; it is written if there is room. Servers from
    number `late` on arrive at random times. A request that is made before the horizon is followed
    to its end. Return how many jumps there are.
    """
    slots, records, kinds, scales = p.slots, p.records, p.kinds, p.scales
    curves, samples, sets, made, running = p.curves, p.samples, p.sample_sets, p.jumps, False
    own = server_key(key, server) + _STRIDE
    z, length, t, place = mix(own), 0, 0, p.places[0]
    if server >= late:
        t = arrival_time(z, horizon)
    slot = slot_of(np.uint32(z), place)
    leg = np.int64(leg_in(slot, np.uint32(z), slots))
    while True:
        number = leg // WIDTH
        for i in range(np.int64(records[leg + LENGTH]) + 1):
            if i:
                if i % 2:
                    z = mix(own + np.uint64((i + 1) // 2) * _STRIDE)
                bits = np.int32(z >> UPPER) if i % 2 else np.int32(z & LOWER)
                at = leg + i - 1
                mean = exponential(bits)
                t += time_of(bits, mean, scales[at], kinds[at], curves, samples, sets)
            if length < times.shape[0]:
                times[length], jumps[length] = t, made[number, i]
            length += 1
        running = records[leg + OPEN] > 0 and (running or p.requests[number] != ABSENT)
        own += _STRIDE if length == 1 else _LEG_STRIDE
        place = records[leg + TO]
        z = mix(own)
        slot, bits = slot_of(np.uint32(z), place), np.int32(z >> UPPER)
        leg = np.int64(leg_in(slot, np.uint32(z), slots))
        mean, kind = exponential(bits), p.stay_kinds[slot]
        t += time_of(bits, mean, p.stays[slot], kind, curves, samples, sets)
        if (t > horizon and not running) or made[leg // WIDTH, 0] == ABSENT:
            return length


@inlined
def arrival_time(z: np.uint64, horizon: int) -> int:
    """Return a random time before the horizon."""
    return int((np.float64(z >> UPPER) + 0.5) * 2.0**-31 * horizon)


@compiled
def count_path(
    server: int, times: Counts, jumps: Jumps, at: int, since: int, request: Request,
    g: Grid, a: Arrays, y: Tally, rows: EventRows, written: int,
) -> tuple[Request, int]:  # fmt: skip
    """Count the jumps of a server, which is in a chain state since a time, at these times.

    Write its events if there is room. Return the request that runs then, and how many events are
    written, or would be.
    """
    horizon, inverse, limits = g.horizon, g.inverse, g.limits
    states, targets, events, classes = a.states, a.targets, a.events, a.classes
    changes, entered, activities, error = a.changes, a.entered, a.activities, a.error
    showing, spent, happened, totals = y.showing, y.spent, y.happened, y.totals
    requested, rested, hung, failed = y.requested, y.rested, y.hung, y.failed
    all_changes, squares, micros, waits = y.changes, y.squares, y.micros, y.waits
    servers, seconds, row_events, row_states = rows.servers, rows.times, rows.events, rows.states
    number, begun, number_of_changes = request.number, request.since, request.changes
    for n in range(times.shape[0]):
        t, jump = times[n], jumps[n]
        before, at = states[at], targets[jump]
        after = states[at]
        if before != ABSENT:
            spent[before] += min(t, horizon) - min(since, horizon)
        if t <= horizon:
            if events[jump] != ABSENT:
                happened[events[jump]] += 1
            if classes[jump] != ABSENT:
                number, begun, number_of_changes = int(classes[jump]), t, 0
                requested[number] += 1
            totals[1] += changes[jump]
            for k in range(changes[jump]):
                if written < servers.shape[0]:
                    servers[written], seconds[written] = server, t * _SECONDS
                    row_events[written], row_states[written] = events[jump], entered[jump, k]
                written += 1
            if before != after:
                point = point_of(t, inverse, limits)
                if before != ABSENT:
                    showing[point, before] -= 1
                showing[point, after] += 1
        number_of_changes += changes[jump]
        if number != ABSENT and activities[at] != WORKS:
            if activities[at] >= HANGS:
                hung[number] += 1
            else:
                rested[number] += 1
                failed[number] += error[after]
                all_changes[number] += number_of_changes
                squares[number] += number_of_changes * number_of_changes
                micros[number] += t - begun
                waits[number, bin_of(t - begun)] += 1
            number = ABSENT
        since = t
    return Request(number, begun, number_of_changes), written


@compiled
def sample_paths(
    ends: Counts, late: int, key: np.uint64, horizon: int, p: Legs, times: Counts, jumps: Jumps
) -> int:
    """Draw the trajectories of the first servers, one behind the other, if there is room.

    Write where each of them ends; return how many jumps there are.
    """
    length = 0
    for server in range(ends.shape[0]):
        begin = min(length, times.shape[0])
        length += sample_path(server, late, key, horizon, p, times[begin:], jumps[begin:])
        ends[server] = length
    return length


@compiled
def count_paths(
    ends: Counts, times: Counts, jumps: Jumps, g: Grid, a: Arrays, y: Tally, rows: EventRows
) -> int:
    """Count servers by their jumps, which end at these places; return how many have any."""
    begin, found = 0, 0
    for end in ends:
        if end > begin:
            count_server(0, times[begin:end], jumps[begin:end], g, a, y, rows, 0)
            found += 1
        begin = end
    return found


@compiled
def follow(
    first: int, count: int, late: int, key: np.uint64, g: Grid, p: Legs, a: Arrays, y: Tally,
    rows: EventRows, times: Counts, jumps: Jumps,
) -> int:  # fmt: skip
    """Simulate the servers that `kernel.simulate` simulates, one after the other, with events.

    Write the events if there is room; return how many there are. `times` and `jumps` are room for
    one server; return how much one needs that has more jumps, as a negative number.
    """
    written = 0
    for server in range(first, first + count):
        length = sample_path(server, late, key, g.horizon, p, times, jumps)
        if length > times.shape[0]:
            return -length
        written = count_server(server, times[:length], jumps[:length], g, a, y, rows, written)
    return written


@compiled
def count_server(
    server: int, times: Counts, jumps: Jumps, g: Grid, a: Arrays, y: Tally, rows: EventRows,
    written: int,
) -> int:  # fmt: skip
    """Count a server by its jumps, from its arrival to the horizon; return the events so far."""
    y.totals[0] += 1
    none = Request(ABSENT, 0, 0)
    _, written = count_path(server, times, jumps, 0, 0, none, g, a, y, rows, written)
    if jumps.shape[0]:
        state = a.states[a.targets[jumps[-1]]]
        y.spent[state] += g.horizon - min(times[-1], g.horizon)
    return written
