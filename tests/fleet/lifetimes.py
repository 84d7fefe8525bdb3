"""Whole lives, from creation to the end, of servers whose times are exponential: steps and seconds.

Servers are moved in blocks that stay in the processor's nearest cache, one step of all at a time.
First come the random numbers of the block, in a loop without memory of its own that the compiler
turns into vector instructions, then the moves; who is gone makes room for the next server. The
numbers, and so the lives, are those of `ecs_fsm.fleet.kernel`, with times in single precision.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.fleet.arrays import CONSTANT, EXPONENTIAL, CompiledProfile
from ecs_fsm.fleet.random_numbers import STRIDE, compiled, inlined, mix, seed_key, server_key
from ecs_fsm.profiles.process import Activity

BLOCK = 512
"""Servers that are moved together."""
SWEEPS = 4
"""AbsorbingChain between two times at which those that are gone are replaced."""
CHUNK = 1 << 18
LARGEST = (1 << 32) - 1
SUMS = 3
_STRIDE = np.uint64(STRIDE)
_32, _33 = np.uint32(32), np.uint64(33)
_HALF, _ONE, _LN2 = np.float32(0.5), np.float32(1.0), np.float32(0.69314718056)
_C = tuple(
    np.float32(c)
    for c in (
        7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    )
)  # fmt: skip
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8 = _C
_ROOT, _MANTISSA = np.int32(0x3F3504F3), np.int32(23)


class SlotTable(NamedTuple):
    """A process for whole lives: of each place K (a power of two) slots, which a draw chooses from.

    A place is told by its first slot; a life begins at 0. `means` and `thresholds` hold the seconds
    and the 32 bits of each slot, `targets` the two places that it leads to, below that threshold
    and from it on. Places from `end` on are of servers that are gone: how many steps ago.
    """

    means: NDArray[np.float32]
    thresholds: NDArray[np.uint32]
    targets: NDArray[np.uint32]
    shift: np.uint32
    end: np.uint32


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Lives of `servers` servers: all their steps and seconds, and the sum of squared seconds."""

    servers: int
    steps: int
    seconds: float
    second_squares: float

    @property
    def mean_steps(self) -> float:
        """AbsorbingChain of a life."""
        return self.steps / self.servers

    @property
    def mean_seconds(self) -> float:
        """Seconds of a life."""
        return self.seconds / self.servers


def moves_of(process: CompiledProfile) -> SlotTable:
    """The moves of a process. Raises `InvalidInput` where a time is not exponential."""
    a = process.arrays
    kinds, ends = a.activities, (int(Activity.ENDS), int(Activity.LOST))
    goes_on = [n for n, kind in enumerate(kinds) if kind not in ends]
    for n in goes_on:
        constant_zero = a.families[n] == CONSTANT and a.scales[n] == 0
        if a.families[n] != EXPONENTIAL and not constant_zero:
            sojourn = process.sojourns[n]
            raise InvalidInput(f"whole lives are counted for exponential times; {sojourn.at} has "
                               f"a {sojourn.time.family} one")  # fmt: skip
    slots, end = a.thresholds.shape[1], len(goes_on)
    number = np.full(len(kinds), end, np.uint32)
    number[goes_on] = np.arange(end)
    gone = np.minimum(np.arange(end, end + SWEEPS) + 1, end + SWEEPS - 1)
    own, other = (number[a.targets[edges[goes_on]]] for edges in (a.owns, a.others))
    # What is compared is the whole draw, and its upper bits are the number of the slot.
    shift = 33 - slots.bit_length()
    upto = (np.arange(slots) << shift) + (-(-a.thresholds[goes_on].astype(np.int64) // slots))
    other = np.where(upto > LARGEST, own, other)
    targets = np.stack([own, other], axis=2).reshape(-1)
    targets = np.append(targets, np.repeat(gone, 2 * slots)) * slots
    means = np.append(a.scales[goes_on], np.zeros(SWEEPS))
    thresholds = np.append(np.minimum(upto, LARGEST), np.zeros(SWEEPS * slots))
    return SlotTable(
        np.repeat(means, slots).astype(np.float32),
        thresholds.astype(np.uint32),
        targets.astype(np.uint32),
        np.uint32(shift),
        np.uint32(end * slots),
    )


@inlined
def exponential(number: np.float32) -> np.float32:
    """An exponential time of mean 1: minus the logarithm of 31 random bits, all in 32 bits."""
    uniform = number + _HALF
    bits = np.float32(uniform).view(np.int32)
    power = (bits - _ROOT) >> _MANTISSA
    x = np.int32(bits - (power << _MANTISSA)).view(np.float32) - _ONE
    square = x * x
    y = ((((((((_C0 * x + _C1) * x + _C2) * x + _C3) * x + _C4) * x + _C5) * x + _C6) * x + _C7) * x
         + _C8)  # fmt: skip
    return np.float32(31 - power) * _LN2 - (x + (y * x * square - _HALF * square))


@compiled
def draw(
    keys: NDArray[np.uint64],
    ahead: np.uint64,
    times: NDArray[np.float32],
    choices: NDArray[np.uint32],
) -> None:
    """The random numbers of a step of a block: an exponential time and 32 bits for each server."""
    # Two loops: the second takes twice as many at a time, its numbers are half as wide.
    for n in range(keys.shape[0]):
        z = mix(keys[n] + ahead)
        times[n] = np.float32(np.int32(z >> _33))
        choices[n] = np.uint32(z)
    for n in range(keys.shape[0]):
        times[n] = exponential(times[n])


@compiled
def move(
    places: NDArray[np.uint32],
    ages: NDArray[np.float32],
    times: NDArray[np.float32],
    choices: NDArray[np.uint32],
    m: SlotTable,
) -> None:
    """Move every server of a block on by all the steps that are drawn."""
    for n in range(places.shape[0]):
        place, age = places[n], ages[n]
        for step in range(SWEEPS):
            at = step * BLOCK + n
            age += times[at] * m.means[place]
            slot = np.uint32(place + np.uint32(choices[at] >> m.shift))
            place = m.targets[np.uint32(slot + slot) + (choices[at] >= m.thresholds[slot])]
        places[n], ages[n] = place, age


@compiled
def live(first: int, count: int, seed: np.uint64, m: SlotTable, totals: NDArray[np.int64]) -> None:
    """Let `count` servers live and add up their steps, milliseconds and squares of seconds."""
    size = min(BLOCK, count)
    keys, places = np.empty(size, np.uint64), np.zeros(size, np.uint32)
    ages, gone = np.zeros(size, np.float32), np.empty(size, np.int64)
    times, choices = np.empty(BLOCK * SWEEPS, np.float32), np.empty(BLOCK * SWEEPS, np.uint32)
    for n in range(size):
        keys[n] = server_key(seed, first + n)
    coming, last, drawn = first + size, first + count, np.uint64(0)
    while size:
        for at in range(0, BLOCK * SWEEPS, BLOCK):
            drawn += _STRIDE
            draw(keys[:size], drawn, times[at : at + size], choices[at : at + size])
        move(places[:size], ages, times, choices, m)
        totals[0] += size * SWEEPS
        leaving = 0
        for n in range(size):
            gone[leaving] = n
            leaving += places[n] >= m.end
        for which in range(leaving - 1, -1, -1):
            n = gone[which]
            totals[0] -= np.int64((places[n] - m.end) >> (_32 - m.shift))
            totals[1] += np.int64(ages[n] * 1000.0)
            totals[2] += np.int64(np.float64(ages[n]) * np.float64(ages[n]))
            if coming < last:
                keys[n], places[n], ages[n] = server_key(seed, coming) - drawn, 0, 0.0
                coming += 1
            else:
                size -= 1
                keys[n], places[n], ages[n] = keys[size], places[size], ages[size]


def lifetimes(
    process: CompiledProfile,
    servers: int,
    *,
    seed: int = 0,
    threads: int = 1,
    executor: Executor | None = None,
) -> Lifetimes:
    """Let `servers` servers live to their end.

    Raises `InvalidInput` where a time is not exponential, or a server may live for ever.
    """
    if (
        any(sojourn.activity is Activity.LOST for sojourn in process.sojourns)
        or not process.absorbing
    ):
        raise InvalidInput("whole lives are counted where every server comes to an end")
    moves, key = moves_of(process), seed_key(seed)
    chunks = [(n, min(CHUNK, servers - n), key, moves) for n in range(0, servers, CHUNK)]
    if executor is not None:
        sums = list(executor.map(_chunk, chunks))
    elif threads == 1:
        sums = [_chunk(chunk) for chunk in chunks]
    else:
        with ThreadPoolExecutor(threads) as own:
            sums = list(own.map(_chunk, chunks))
    steps, millis, squares = (sum(int(part[n]) for part in sums) for n in range(SUMS))
    return Lifetimes(servers, steps, millis / 1000, squares)


def _chunk(chunk: tuple[int, int, int, SlotTable]) -> NDArray[np.int64]:
    first, count, key, moves = chunk
    totals = np.zeros(SUMS, np.int64)
    live(first, count, np.uint64(key), moves, totals)
    return totals
