"""Simulates servers over the arrays of a process, as machine code.

Servers take their legs in blocks. A leg is counted as a whole where it lies between two points of
the time grid, else step by step, and jump by jump where it ends beyond the horizon. Who is gone
makes room for the next server.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.fleet.arrays import ABSENT, Arrays
from ecs_fsm.fleet.block import (
    begin,
    draw_legs,
    draw_steps,
    first_steps,
    further_steps,
    remove,
)
from ecs_fsm.fleet.draws import compiled, mix, server_key
from ecs_fsm.fleet.legs import (
    BLOCK,
    FLOW,
    LENGTH,
    ODD,
    OPEN,
    STEPS,
    TO,
    WAITS,
    WIDTH,
    Block,
    Legs,
)
from ecs_fsm.fleet.random_numbers import STRIDE
from ecs_fsm.fleet.tally import EventRows, Grid, Tally
from ecs_fsm.fleet.trajectory import (
    DRAWS,
    HANGS,
    WORKS,
    Counts,
    Request,
    arrival_time,
    bin_of,
    count_path,
    leg_in,
    point_of,
    slot_of,
)

Few = NDArray[np.int32]
"""Counts of one chunk: smaller ones stay in a nearer cache."""
_STRIDE = np.uint64(STRIDE)
_LEG_STRIDE = np.uint64(DRAWS * STRIDE % 2**64)


@compiled
def arrive(
    first: int, last: int, late: int, key: np.uint64, drawn: np.uint64, size: int, sums: Counts,
    flows: Few, g: Grid, p: Legs, a: Arrays, y: Tally, b: Block,
) -> int:  # fmt: skip
    """Let servers arrive in a block of `size`, which has `drawn` before; return their number."""
    keys, places, clocks, requests = b.keys, b.places, b.clocks, b.requests
    requested, changes, records, slots = b.requested, b.changes, p.records, p.slots
    classes, made, jump_changes, place = p.requests, p.jumps, a.changes, p.places[0]
    horizon, inverse, limits = g.horizon, g.inverse, g.limits
    room = min(last - first, BLOCK - size)
    for n in range(size, size + room):
        server = first + n - size
        own = server_key(key, server) + _STRIDE
        z = mix(own)
        t = arrival_time(z, horizon) if server >= late else 0
        leg = np.int64(leg_in(slot_of(np.uint32(z), place), np.uint32(z), slots))
        number = leg // WIDTH
        keys[n], clocks[n], places[n] = own - drawn, t, records[leg + TO]
        sums[leg] += 1
        flows[records[leg + FLOW], point_of(t, inverse, limits)] += 1
        requests[n] = classes[number] if records[leg + OPEN] else ABSENT
        requested[n], changes[n] = t, jump_changes[made[number, 0]]
    return room


@compiled
def finish(size: int, waits: Few, flows: Few, g: Grid, p: Legs, b: Block) -> int:
    """Let servers end their legs; list those whose legs are not counted as a whole."""
    chosen, begun, took, places, clocks = b.chosen, b.begun, b.took, b.places, b.clocks
    records, listed, inverse, limits = p.records, b.slow, g.inverse, g.limits
    slow, horizon = 0, g.horizon
    for n in range(size):
        leg, t, micros = chosen[n], begun[n], took[n]
        point = point_of(min(t, horizon), inverse, limits)
        places[n] = records[leg + TO]
        if t + micros <= limits[point] and not records[leg + ODD]:
            clocks[n] = t + micros
            waits[records[leg + WAITS], bin_of(micros)] += 1
            flows[records[leg + FLOW], point] += 1
        else:
            listed[slow] = n
            slow += 1
    return slow


@compiled
def finish_slowly(slow: int, g: Grid, p: Legs, a: Arrays, y: Tally, b: Block) -> tuple[int, int]:
    """Count the listed legs that pass points of the grid.

    List those that end beyond the horizon, and odd ones; return how many there are of each.
    """
    chosen, begun, took, clocks, times = b.chosen, b.begun, b.took, b.clocks, b.times
    listed, beyond, odd, records, chain = b.slow, b.gone, b.listed, p.records, p.chain
    waits, showing, inverse, limits, states = y.waits, y.showing, g.inverse, g.limits, a.states
    far, strange, horizon = 0, 0, g.horizon
    for k in range(slow):
        n = listed[k]
        leg, t = chosen[n], begun[n]
        if t + took[n] > horizon:
            beyond[far] = n
            far += 1
            continue
        number, length = leg // WIDTH, np.int64(records[leg + LENGTH])
        before = states[chain[number, 0]]
        for i in range(length + 1):
            after = states[chain[number, i + 1]]
            if before != after:
                point = point_of(t, inverse, limits)
                showing[point, before] -= 1
                showing[point, after] += 1
                before = after
            if i < length:
                t += times[n * STEPS + i]
        if records[leg + ODD]:
            odd[strange] = n
            strange += 1
        else:
            waits[records[leg + WAITS], bin_of(took[n])] += 1
            clocks[n] = t
    return far, strange


@compiled
def finish_odd(number_of_odd: int, p: Legs, a: Arrays, y: Tally, b: Block) -> None:
    """Follow the requests of the listed legs, which are not over with them, or began before."""
    chosen, begun, took, clocks, odd = b.chosen, b.begun, b.took, b.clocks, b.listed
    requests, requested, changes, records = b.requests, b.requested, b.changes, p.records
    chain, made, classes, jump_changes = p.chain, p.jumps, p.requests, a.changes
    states, activities, error, waits = a.states, a.activities, a.error, y.waits
    rested, hung, failed, micros = y.rested, y.hung, y.failed, y.micros
    all_changes, squares = y.changes, y.squares
    for k in range(number_of_odd):
        n = odd[k]
        leg = chosen[n]
        number, length = leg // WIDTH, np.int64(records[leg + LENGTH])
        clocks[n] = begun[n] + took[n]
        if made[number, 0] == ABSENT:
            continue
        if classes[number] != ABSENT:
            requests[n], requested[n], changes[n] = classes[number], begun[n], 0
        for i in range(length + 1):
            changes[n] += jump_changes[made[number, i]]
        request, end = requests[n], chain[number, length + 1]
        if request != ABSENT and activities[end] != WORKS:
            requests[n] = ABSENT
            if activities[end] >= HANGS:
                hung[request] += 1
                continue
            time = clocks[n] - requested[n]
            rested[request] += 1
            failed[request] += error[states[end]]
            all_changes[request] += changes[n]
            squares[request] += changes[n] * changes[n]
            micros[request] += time
            waits[request, bin_of(time)] += 1


@compiled
def finish_beyond(
    far: int, sums: Counts, g: Grid, p: Legs, a: Arrays, y: Tally, rows: EventRows, b: Block
) -> None:
    """Count the listed legs jump by jump: they end beyond the horizon."""
    moments = b.moments
    for k in range(far):
        n = np.int64(b.gone[k])
        leg, t = np.int64(b.chosen[n]), b.begun[n]
        number, length = leg // WIDTH, np.int64(p.records[leg + LENGTH])
        sums[leg] -= 1
        sums[leg + 1] -= t - b.clocks[n]
        for i in range(length + 1):
            moments[i] = t
            if i < length:
                sums[leg + 2 + i] -= b.times[n * STEPS + i]
                t += b.times[n * STEPS + i]
        running, _ = count_path(
            0, moments[: length + 1], p.jumps[number, : length + 1], p.chain[number, 0],
            b.clocks[n], Request(b.requests[n], b.requested[n], b.changes[n]), g, a, y, rows, 0,
        )  # fmt: skip
        b.requests[n], b.requested[n], b.changes[n] = running
        b.clocks[n] = t


@compiled
def add_legs(sums: Counts, p: Legs, a: Arrays, y: Tally) -> None:
    """Add the legs that were counted as a whole to a tally."""
    for number in range(p.requests.shape[0]):
        leg, changes, micros = number * WIDTH, 0, 0
        count, length = sums[leg], np.int64(p.records[leg + LENGTH])
        begins = a.states[p.chain[number, 0]]
        if begins != ABSENT:
            y.spent[begins] += sums[leg + 1]
        if not count or p.jumps[number, 0] == ABSENT:
            continue
        for i in range(length + 1):
            jump = p.jumps[number, i]
            changes += a.changes[jump]
            if a.events[jump] != ABSENT:
                y.happened[a.events[jump]] += count
            if i < length:
                y.spent[a.states[p.chain[number, i + 1]]] += sums[leg + 2 + i]
                micros += sums[leg + 2 + i]
        y.totals[1] += count * changes
        request = p.requests[number]
        if request != ABSENT:
            y.requested[request] += count
        if begins == ABSENT and not p.records[leg + OPEN] and request != ABSENT:
            if p.records[leg + ODD]:
                y.hung[request] += count
            else:
                y.waits[request, 0] += count
        if not p.records[leg + ODD]:
            y.rested[request] += count
            y.failed[request] += count * a.error[a.states[p.chain[number, length + 1]]]
            y.changes[request] += count * changes
            y.squares[request] += count * changes * changes
            y.micros[request] += micros


@compiled
def add_waits_and_flows(waits: Few, flows: Few, p: Legs, y: Tally) -> None:
    """Add the times of legs that are requests, and where legs lead, to a tally."""
    for request in range(waits.shape[0]):
        for number in range(waits.shape[1]):
            y.waits[request, number] += waits[request, number]
    for flow in range(1, p.flows.shape[0]):
        before, after = p.flows[flow, 0], p.flows[flow, 1]
        for point in range(flows.shape[1]):
            y.showing[point, after] += flows[flow, point]
            if before != ABSENT:
                y.showing[point, before] -= flows[flow, point]


@compiled
def simulate(
    first: int, count: int, late: int, key: np.uint64, g: Grid, p: Legs, a: Arrays, y: Tally,
    rows: EventRows, b: Block,
) -> int:  # fmt: skip
    """Simulate `count` servers from number `first` on and add them to the tally `y`.

    Servers from number `late` on arrive at random times before the horizon. A request made before
    the horizon is followed to its end. No event is written: `rows` is empty. `b` is room for a
    block. Return `count`.
    """
    size, coming, drawn, sums, waits, flows = 0, first, np.uint64(0), b.sums, b.waits, b.flows
    y.totals[0] += count
    while True:
        if size < BLOCK and coming < first + count:
            new = arrive(coming, first + count, late, key, drawn, size, sums, flows, g, p, a, y, b)
            coming += new
            size += new
        if not size:
            break
        ahead = drawn + _STRIDE
        draw_legs(b.keys[:size], ahead, b)
        size = remove(begin(size, g.horizon, sums, p, b), size, g.horizon, p, a, y, b)
        ahead += _STRIDE
        draw_steps(b.keys[:size], ahead, b)
        listed = first_steps(size, sums, p, b)
        for level in range(2, STEPS, 2):
            if listed:
                ahead += _STRIDE
                draw_steps(b.kept[:listed], ahead, b)
                listed = further_steps(listed, level, sums, p, b)
        far, odd = finish_slowly(finish(size, waits, flows, g, p, b), g, p, a, y, b)
        if odd:
            finish_odd(odd, p, a, y, b)
        if far:
            finish_beyond(far, sums, g, p, a, y, rows, b)
        drawn += _LEG_STRIDE
    add_legs(sums, p, a, y)
    add_waits_and_flows(waits, flows, p, y)
    return count
