"""Whole lives, from creation to the end, of servers whose times are exponential: steps and seconds.

Servers are moved in blocks that stay in the processor's nearest cache, one step of all at a time.
First come the random numbers of the block, in a loop without memory of its own that the compiler
turns into vector instructions, then the moves; who is gone makes room for the next server. The
numbers, and so the lives, are those of `ecs_fsm.fleet.engine`, with times in single precision.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.errors import InvalidInput
from ecs_fsm.fleet.compiled import CONSTANT, EXPONENTIAL, Compiled
from ecs_fsm.fleet.draws import STRIDE, mix, seed_key, server_key
from ecs_fsm.fleet.jit import compiled, inlined
from ecs_fsm.fleet.process import Stay

BLOCK = 1024
"""Servers that are moved together."""
SWEEPS = 4
"""Steps between two times at which those that are gone are replaced."""
CHUNK = 1 << 18
MOST_PLACES = 1 << 16
SUMS = 3
_STRIDE = np.uint64(STRIDE)
_16, _32, _33, _END = np.uint64(16), np.uint64(32), np.uint64(33), np.uint64(0xFFFF)
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


class Moves(NamedTuple):
    """A process for whole lives: `means` (P) seconds, and `slots` (P * K) of what comes next.

    A slot holds a threshold of 32 bits and two places of 16: the one below it, the one from it on.
    Places from `end` on are never left; a server begins at `begin`.
    """

    means: NDArray[np.float32]
    slots: NDArray[np.uint64]
    bits: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Lives of `servers` servers: all their steps and seconds, and the sum of squared seconds."""

    servers: int
    steps: int
    seconds: float
    second_squares: float

    @property
    def mean_steps(self) -> float:
        """Steps of a life."""
        return self.steps / self.servers

    @property
    def mean_seconds(self) -> float:
        """Seconds of a life."""
        return self.seconds / self.servers


def moves_of(process: Compiled) -> Moves:
    """The moves of a process. Raises `InvalidInput` where a time is not exponential."""
    a = process.arrays
    kinds, ends = a.kinds, (int(Stay.ENDS), int(Stay.LOST))
    goes_on = [n for n, kind in enumerate(kinds) if kind not in ends]
    for n in goes_on:
        constant_zero = a.families[n] == CONSTANT and a.firsts[n] == 0
        if a.families[n] != EXPONENTIAL and not constant_zero:
            spot = process.spots[n]
            raise InvalidInput(f"whole lives are counted for exponential times; {spot.place} has "
                               f"a {spot.time.family} one")  # fmt: skip
    if len(goes_on) >= MOST_PLACES:
        raise InvalidInput(f"a process of {len(goes_on)} places is too large for whole lives")
    number = np.full(len(kinds), len(goes_on), np.uint64)
    number[goes_on] = np.arange(len(goes_on))
    own, other = (number[a.targets[edges[goes_on]]] for edges in (a.owns, a.others))
    full = a.thresholds[goes_on] >> np.uint64(32) != 0
    threshold = np.where(full, np.uint64(0xFFFFFFFF), a.thresholds[goes_on])
    other = np.where(full, own, other)
    slots = (threshold << np.uint64(32)) | (other << np.uint64(16)) | own
    bits = int(a.thresholds.shape[1]).bit_length() - 1
    means = np.append(a.firsts[goes_on], 0).astype(np.float32)
    slots = np.append(slots.ravel(), np.full(1 << bits, len(goes_on) * 0x10001, np.uint64))
    return Moves(means, slots, bits, 0, len(goes_on))


@inlined
def exponential(z: np.uint64) -> np.float32:
    """An exponential time of mean 1: minus the logarithm of the upper 31 bits, in 32-bit floats."""
    uniform = np.float32(np.int32(z >> _33)) + _HALF
    bits = np.float32(uniform).view(np.int32)
    power = (bits - _ROOT) >> _MANTISSA
    x = np.int32(bits - (power << _MANTISSA)).view(np.float32) - _ONE
    square = x * x
    y = ((((((((_C0 * x + _C1) * x + _C2) * x + _C3) * x + _C4) * x + _C5) * x + _C6) * x + _C7) * x
         + _C8)  # fmt: skip
    return np.float32(31 - power) * _LN2 - (x + (y * x * square - _HALF * square))


@compiled
def draw(keys: NDArray[np.uint64], times: NDArray[np.float32], choices: NDArray[np.uint32]) -> None:
    """The next random numbers of a block: an exponential time and 32 bits for each server."""
    for n in range(keys.shape[0]):
        key = keys[n] + _STRIDE
        keys[n] = key
        z = mix(key)
        times[n] = exponential(z)
        choices[n] = np.uint32(z)


@compiled
def move(
    places: NDArray[np.uint32],
    ages: NDArray[np.float32],
    times: NDArray[np.float32],
    choices: NDArray[np.uint32],
    m: Moves,
) -> int:
    """Move every server of a block one step on; how many were still there to be moved."""
    bits, end, moved = np.uint64(m.bits), np.uint32(m.end), 0
    over = _32 - bits
    for n in range(places.shape[0]):
        place = places[n]
        ages[n] += times[n] * m.means[place]
        low = np.uint64(choices[n])
        slot = m.slots[(np.uint64(place) << bits) | (low >> over)]
        rest = np.uint32(low << bits)
        shift = _16 if rest >= np.uint32(slot >> _32) else np.uint64(0)
        places[n] = np.uint32((slot >> shift) & _END)
        moved += place < end
    return moved


@compiled
def live(first: int, count: int, seed: np.uint64, m: Moves, totals: NDArray[np.int64]) -> None:
    """Let `count` servers live and add up their steps, milliseconds and squares of seconds."""
    size = min(BLOCK, count)
    keys, places = np.empty(size, np.uint64), np.full(size, m.begin, np.uint32)
    ages, gone = np.zeros(size, np.float32), np.empty(size, np.int64)
    times, choices = np.empty(size, np.float32), np.empty(size, np.uint32)
    for n in range(size):
        keys[n] = server_key(seed, first + n)
    coming, last = first + size, first + count
    while size:
        for _ in range(SWEEPS):
            draw(keys[:size], times, choices)
            totals[0] += move(places[:size], ages, times, choices, m)
        leaving = 0
        for n in range(size):
            gone[leaving] = n
            leaving += places[n] >= m.end
        for which in range(leaving - 1, -1, -1):
            n = gone[which]
            totals[1] += np.int64(ages[n] * 1000.0)
            totals[2] += np.int64(np.float64(ages[n]) * np.float64(ages[n]))
            if coming < last:
                keys[n], places[n], ages[n] = server_key(seed, coming), m.begin, 0.0
                coming += 1
            else:
                size -= 1
                keys[n], places[n], ages[n] = keys[size], places[size], ages[size]


def lifetimes(
    process: Compiled,
    servers: int,
    *,
    seed: int = 0,
    threads: int = 1,
    executor: Executor | None = None,
) -> Lifetimes:
    """Let `servers` servers live to their end.

    Raises `InvalidInput` where a time is not exponential, or a server may live for ever.
    """
    if any(spot.stay is Stay.LOST for spot in process.spots) or not process.ends:
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


def _chunk(chunk: tuple[int, int, int, Moves]) -> NDArray[np.int64]:
    first, count, key, moves = chunk
    totals = np.zeros(SUMS, np.int64)
    live(first, count, np.uint64(key), moves, totals)
    return totals
