"""A block of servers that take legs together, as machine code.

The servers stay in the processor's nearest cache, and take one leg at a time. First come the random
numbers of all of them, in loops that the compiler turns into vector instructions; then each takes
the leg that its number chooses. Arrays are taken out of their tuples once: in a loop, each use
would count a reference to them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.fleet.arrays import ABSENT, Arrays
from ecs_fsm.fleet.draws import compiled, exponential, mix
from ecs_fsm.fleet.legs import BLOCK, LENGTH, STEPS, WIDTH, Block, Legs
from ecs_fsm.fleet.tally import Tally
from ecs_fsm.fleet.trajectory import (
    LOWER,
    UPPER,
    Counts,
    exponential_time,
    leg_in,
    slot_of,
    time_of,
)

Draws = NDArray[np.uint64]


@compiled
def draw_legs(keys: Draws, ahead: np.uint64, b: Block) -> None:
    """Draw the legs, and the times before them."""
    bits, means, choices, size = b.bits, b.means, b.choices, keys.shape[0]
    for n in range(size):
        z = mix(keys[n] + ahead)
        bits[n], choices[n] = np.int32(z >> UPPER), np.uint32(z)
    for n in range(size):
        means[n] = exponential(bits[n])


@compiled
def draw_steps(keys: Draws, ahead: np.uint64, b: Block) -> None:
    """Draw the times of two steps for each of these servers."""
    bits, means, size = b.bits, b.means, keys.shape[0]
    for n in range(size):
        z = mix(keys[n] + ahead)
        bits[n], bits[BLOCK + n] = np.int32(z >> UPPER), np.int32(z & LOWER)
    for n in range(size):
        means[n] = exponential(bits[n])
    for n in range(BLOCK, BLOCK + size):
        means[n] = exponential(bits[n])


@compiled
def begin(size: int, horizon: int, sums: Counts, p: Legs, b: Block) -> int:
    """Let servers begin their legs; list those that do not do it before the horizon."""
    places, clocks, chosen, begun = b.places, b.clocks, b.chosen, b.begun
    requests, bits, means, choices, gone = b.requests, b.bits, b.means, b.choices, b.gone
    slots, stays, stay_kinds, rough = p.slots, p.stays, p.stay_kinds, p.rough
    curves, samples, sets = p.curves, p.samples, p.sample_sets
    leaving = 0
    for n in range(size):
        choice = choices[n]
        slot = slot_of(choice, places[n])
        leg = leg_in(slot, choice, slots)
        if rough:
            kind = stay_kinds[slot]
            stay = time_of(bits[n], means[n], stays[slot], kind, curves, samples, sets)
        else:
            stay = exponential_time(means[n], stays[slot])
        t = clocks[n] + stay
        chosen[n], begun[n] = leg, t
        if t > horizon and requests[n] == ABSENT:
            gone[leaving] = n
            leaving += 1
        else:
            sums[leg] += 1
            sums[leg + 1] += stay
    return leaving


@compiled
def remove(leaving: int, size: int, horizon: int, p: Legs, a: Arrays, y: Tally, b: Block) -> int:
    """Remove the servers that are gone; return how many are left."""
    keys, places, clocks, chosen, begun = b.keys, b.places, b.clocks, b.chosen, b.begun
    requests, requested, changes, gone = b.requests, b.requested, b.changes, b.gone
    spent, states, chain = y.spent, a.states, p.chain
    for k in range(leaving - 1, -1, -1):
        n = np.int64(gone[k])
        spent[states[chain[chosen[n] // WIDTH, 0]]] += horizon - min(clocks[n], horizon)
        size -= 1
        keys[n], places[n], clocks[n] = keys[size], places[size], clocks[size]
        chosen[n], begun[n] = chosen[size], begun[size]
        requests[n], requested[n], changes[n] = requests[size], requested[size], changes[size]
    return size


@compiled
def first_steps(size: int, sums: Counts, p: Legs, b: Block) -> int:
    """Let servers take the first two steps of their legs; list those with further steps."""
    keys, listed, kept, chosen, took, times = b.keys, b.listed, b.kept, b.chosen, b.took, b.times
    bits, means, scales, kinds, records = b.bits, b.means, p.scales, p.kinds, p.records
    curves, samples, sets, more, rough = p.curves, p.samples, p.sample_sets, 0, p.rough
    for n in range(size):
        leg, other = chosen[n], n + BLOCK
        if rough:
            first = time_of(bits[n], means[n], scales[leg], kinds[leg], curves, samples, sets)
            second = time_of(
                bits[other], means[other], scales[leg + 1], kinds[leg + 1], curves, samples, sets
            )
        else:
            first = exponential_time(means[n], scales[leg])
            second = exponential_time(means[other], scales[leg + 1])
        times[n * STEPS], times[n * STEPS + 1] = first, second
        sums[leg + 2] += first
        sums[leg + 3] += second
        took[n] = first + second
        listed[more], kept[more] = n, keys[n]
        more += records[leg + LENGTH] > 2
    return more


@compiled
def further_steps(size: int, level: int, sums: Counts, p: Legs, b: Block) -> int:
    """Let listed servers take the steps `level` and the next one; list those with further steps."""
    listed, kept, chosen, took, times = b.listed, b.kept, b.chosen, b.took, b.times
    bits, means, scales, kinds, records = b.bits, b.means, p.scales, p.kinds, p.records
    curves, samples, sets, more, rough = p.curves, p.samples, p.sample_sets, 0, p.rough
    for k in range(size):
        n, other = listed[k], k + BLOCK
        leg = chosen[n]
        at = leg + level
        if rough:
            first = time_of(bits[k], means[k], scales[at], kinds[at], curves, samples, sets)
            second = time_of(
                bits[other], means[other], scales[at + 1], kinds[at + 1], curves, samples, sets
            )
        else:
            first = exponential_time(means[k], scales[at])
            second = exponential_time(means[other], scales[at + 1])
        times[n * STEPS + level], times[n * STEPS + level + 1] = first, second
        sums[at + 2] += first
        sums[at + 3] += second
        took[n] += first + second
        listed[more], kept[more] = n, kept[k]
        more += records[leg + LENGTH] > level + 2
    return more
