"""The legs of a process: everything that can happen from one rest of a server to the next.

A leg begins in a chain state where a server stays, with the jump that ends its stay, and goes on
through the steps that follow until it rests again, or hangs. One random number chooses the whole
leg, so a leg is counted once, not once for each of its jumps. Where steps go round in circles, or
part too often, a leg ends in the middle of them, and the next one begins there.

The leg is chosen by the alias method, as a jump is by the tables of `Arrays`.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.fleet.arrays import ABSENT, CompiledProfile, alias_table
from ecs_fsm.fleet.random_numbers import curve
from ecs_fsm.fleet.tally import MICRO, Counts, Tally
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.process import FINAL, Activity, Sojourn

BLOCK = 128
"""Servers that are moved together."""
STEPS = 6
"""The most steps of a leg; an even number, since a draw gives the times of two."""
MOST_LEGS = 256
"""Legs from one chain state; at that number, no further one is continued."""
WIDTH = 8
"""Numbers in the record of a leg, in each table: more than it has steps."""
TO, FLOW, WAITS, LENGTH, ODD, OPEN = range(6)
"""What the numbers in `Legs.records` are."""
SLOT = 4
"""Numbers in the record of a slot."""
EXPONENTIAL = 0
"""The kind of time that has no table."""
LONGEST = 2.0**55
"""The longest time to multiply, in microseconds: a thousand years, for a chain state for good."""
_SHIFT = 5


class Legs(NamedTuple):
    """The legs of a process, for P chain states, L legs, F flows, N slots.

    `places` (P): the place of each chain state in which a leg begins: 32 times the number of its
    first slot, plus how far the 32 bits of a draw are shifted to give a slot. `slots` (N x `SLOT`):
    the draws below a threshold lead to the leg that comes next in the record, others to the one
    after it; legs are given by `WIDTH` times their number. `stays` (N) are the scales of the time
    before the jump, in microseconds, and `stay_kinds` (N) their kinds.

    By leg (L x `WIDTH`): `records` are the place to which it leads, its flow, its class, its number
    of steps, whether it is odd (it begins or ends between steps, or does not end at rest), and
    whether it is open (it ends between steps); `scales` and `kinds` are those of its steps. `jumps`
    (L x `STEPS` + 1, `ABSENT` for none) lie between the chain states `chain` (L x `STEPS` + 2);
    `requests` (L) is the request class of the first jump. `flows` (F x 2) are the pairs of states
    from and to which legs lead; the first of them stands for all that lead back.

    Kinds are `EXPONENTIAL`; above it, one more than the place of a quantile function in `curves`;
    below it, the number of an entry in `sample_sets` (place and number of observed times in
    `samples`, microseconds). `rough` says whether there are others than exponential ones.
    """

    places: NDArray[np.uint32]
    slots: NDArray[np.uint32]
    stays: NDArray[np.float32]
    stay_kinds: NDArray[np.int32]
    records: NDArray[np.uint32]
    scales: NDArray[np.float32]
    kinds: NDArray[np.int32]
    jumps: NDArray[np.int32]
    chain: NDArray[np.int32]
    requests: NDArray[np.int32]
    flows: NDArray[np.int32]
    curves: NDArray[np.float32]
    samples: NDArray[np.int64]
    sample_sets: NDArray[np.int64]
    rough: bool


class Block(NamedTuple):
    """The servers that are moved together, and what is drawn for them.

    By server: `keys`, `places` (as in `Legs`), `clocks` (time of the last jump); of the leg that it
    takes: `chosen` (as in `Legs`), `begun` (its first jump), `took`, `times` of its steps; of the
    request that runs (or `ABSENT`): `requests`, `requested` (when), `changes` (states entered).
    `bits`, `means` and `choices` are random numbers; `listed` and `kept` are servers with more
    steps, and their keys; `gone` and `slow` are lists of servers too. `moments` are the times of
    one leg. `sums` (as `Legs.records`), `waits` and `flows` count the legs of all of them.
    """

    keys: NDArray[np.uint64]
    places: NDArray[np.uint32]
    clocks: Counts
    chosen: NDArray[np.uint32]
    begun: Counts
    took: Counts
    times: Counts
    requests: Counts
    requested: Counts
    changes: Counts
    bits: NDArray[np.int32]
    means: NDArray[np.float32]
    choices: NDArray[np.uint32]
    listed: NDArray[np.uint16]
    kept: NDArray[np.uint64]
    gone: NDArray[np.uint16]
    slow: NDArray[np.uint16]
    moments: Counts
    sums: Counts
    waits: NDArray[np.int32]
    flows: NDArray[np.int32]


def new_block(p: Legs, y: Tally) -> Block:
    """Return room for `BLOCK` servers that take these legs."""
    size = BLOCK
    return Block(
        np.empty(size, np.uint64), np.empty(size, np.uint32), np.empty(size, np.int64),
        np.zeros(size, np.uint32), np.empty(size, np.int64), np.empty(size, np.int64),
        np.empty(size * STEPS, np.int64), np.empty(size, np.int64), np.empty(size, np.int64),
        np.empty(size, np.int64), np.empty(2 * size, np.int32), np.empty(2 * size, np.float32),
        np.empty(size, np.uint32), np.empty(size + 1, np.uint16), np.empty(size + 1, np.uint64),
        np.empty(size + 1, np.uint16), np.empty(size + 1, np.uint16),
        np.empty(STEPS + 1, np.int64), np.zeros(len(p.records), np.int64),
        np.zeros(y.waits.shape, np.int32), np.zeros((len(p.flows), len(y.showing)), np.int32),
    )  # fmt: skip


class Leg(NamedTuple):
    """A leg: its probability, the chain states of its steps, its jumps, and where it ends."""

    probability: float
    steps: tuple[int, ...]
    jumps: tuple[int, ...]
    end: int


def legs_of(process: CompiledProfile) -> Legs:
    """Return the legs of a process. Those of an arrival, its first chain state, have no steps."""
    return _Compiler(process).legs()


class _Times:
    """The tables of times: each distribution once."""

    def __init__(self) -> None:
        self._known: dict[Duration, tuple[float, int]] = {}
        self.curves: list[NDArray[np.float32]] = []
        self.samples: list[int] = []
        self.sample_sets: list[tuple[int, int]] = [(0, 0)]

    def of(self, time: Duration) -> tuple[float, int]:
        """Return the scale (microseconds) and the kind of a time."""
        if time not in self._known:
            scale, kind = self._made(time)
            self._known[time] = min(scale * MICRO, LONGEST), kind
        return self._known[time]

    def _made(self, time: Duration) -> tuple[float, int]:
        if time.mean == 0 or time.family is Family.EXPONENTIAL:
            return time.mean, EXPONENTIAL
        if time.family in (Family.CONSTANT, Family.EMPIRICAL):
            values = time.samples or (time.mean,)
            self.sample_sets.append((len(self.samples), len(values)))
            self.samples += [round(min(value * MICRO, LONGEST)) for value in values]
            return 0.0, 1 - len(self.sample_sets)
        scale, made = curve(time)
        self.curves.append(made)
        return scale, 1 + sum(len(other) for other in self.curves[:-1])


class _Compiler:
    def __init__(self, process: CompiledProfile) -> None:
        self._arrays = process.arrays
        self._sojourns: Sequence[Sojourn] = process.sojourns
        numbers = {sojourn.at: n for n, sojourn in enumerate(process.sojourns)}
        jumps = count()
        self._ways = [
            [(next(jumps), jump.probability, numbers[jump.target]) for jump in sojourn.jumps]
            for sojourn in process.sojourns
        ]
        self._times = _Times()

    def legs(self) -> Legs:
        found: dict[int, list[Leg]] = {}
        waiting = [0]
        while waiting:
            begin = waiting.pop()
            if begin not in found:
                found[begin] = self._from(begin)
                waiting += [leg.end for leg in found[begin]]
        tables = self._slots(found)
        begins = [begin for begin, legs in found.items() for _ in legs]
        all_legs = [leg for legs in found.values() for leg in legs]
        records, flows = self._records(begins, all_legs, tables[0])
        times = [[self._times.of(self._sojourns[n].time) for n in leg.steps] for leg in all_legs]
        scales = _filled([[scale for scale, _ in row] for row in times], WIDTH, 0)
        kinds = _filled([[kind for _, kind in row] for row in times], WIDTH, EXPONENTIAL)
        chain = [(n, *leg.steps, leg.end) for n, leg in zip(begins, all_legs, strict=True)]
        made = self._times
        return Legs(
            *tables,
            records.ravel(),
            scales.ravel().astype(np.float32),
            kinds.ravel().astype(np.int32),
            _filled([leg.jumps for leg in all_legs], STEPS + 1, ABSENT).astype(np.int32),
            _filled(chain, STEPS + 2, ABSENT).astype(np.int32),
            np.array([self._request(leg) for leg in all_legs], np.int32),
            flows,
            np.concatenate([*made.curves, np.zeros(1, np.float32)]),
            np.array([*made.samples, 0]),
            np.array(made.sample_sets),
            bool(made.curves or made.samples),
        )

    def _request(self, leg: Leg) -> int:
        return int(self._arrays.classes[leg.jumps[0]]) if leg.jumps else ABSENT

    def _works(self, number: int) -> bool:
        return self._sojourns[number].activity is Activity.WORKS

    def _from(self, begin: int) -> list[Leg]:
        """The legs from a chain state: the likeliest are followed as far as there is room."""
        if self._sojourns[begin].activity in FINAL:
            return [Leg(1.0, (), (), begin)]
        order, done = count(), list[Leg]()
        open_legs = [(-1.0, next(order), Leg(1.0, (), (), begin))]
        while open_legs and len(done) + len(open_legs) < MOST_LEGS:
            leg = heappop(open_legs)[2]
            steps = leg.steps if leg.end == begin and not leg.jumps else (*leg.steps, leg.end)
            for jump, chance, target in self._ways[leg.end]:
                longer = Leg(leg.probability * chance, steps, (*leg.jumps, jump), target)
                goes_on = self._works(target) and begin != 0
                if goes_on and len(steps) < STEPS:
                    heappush(open_legs, (-longer.probability, next(order), longer))
                else:
                    done.append(longer)
        return done + [leg for _, _, leg in open_legs]

    def _slots(
        self, found: dict[int, list[Leg]]
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.float32], NDArray[np.int32]]:
        places = np.zeros(len(self._sojourns), np.uint32)
        slots: list[tuple[int, int, int, int]] = []
        stays: list[tuple[float, int]] = []
        first = 0
        for begin, legs in found.items():
            table = draw_table([leg.probability for leg in legs])
            bits = len(table).bit_length() - 1
            places[begin] = (len(slots) << _SHIFT) + 32 - bits
            slots += [
                (threshold, (first + own) * WIDTH, (first + other) * WIDTH, 0)
                for threshold, own, other in table
            ]
            sojourn = self._sojourns[begin]
            final = sojourn.activity in FINAL
            stays += [(LONGEST, EXPONENTIAL) if final else self._times.of(sojourn.time)] * len(
                table
            )
            first += len(legs)
        scales, kinds = np.array(stays).T
        return (
            places,
            np.array(slots, np.uint32).ravel(),
            scales.astype(np.float32),
            kinds.astype(np.int32),
        )

    def _records(
        self, begins: list[int], legs: list[Leg], places: NDArray[np.uint32]
    ) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
        a, flows = self._arrays, {(ABSENT, ABSENT): 0}
        records = np.zeros((len(legs), WIDTH), np.uint32)
        for record, begin, leg in zip(records, begins, legs, strict=True):
            way = int(a.states[begin]), int(a.states[leg.end])
            request = self._request(leg)
            whole = request != ABSENT and a.activities[leg.end] in (Activity.RESTS, Activity.ENDS)
            record[TO] = places[leg.end]
            record[FLOW] = 0 if way[0] == way[1] else flows.setdefault(way, len(flows))
            record[WAITS] = request if whole else 0
            record[LENGTH] = len(leg.steps)
            record[ODD] = not whole
            record[OPEN] = self._works(leg.end)
        return records, np.array(list(flows), np.int32)


def _filled(rows: Sequence[Sequence[float]], width: int, filling: float) -> NDArray[np.float64]:
    """The rows as an array, each filled up to the width."""
    return np.array([[*row, *[filling] * (width - len(row))] for row in rows], np.float64)


def draw_table(probabilities: Sequence[float]) -> list[tuple[int, int, int]]:
    """Return an alias table: for each slot a threshold, its own number, and the other one.

    There are 2**b slots, at least two. The upper b bits of 32 choose a slot, and all of them are
    compared with its threshold.
    """
    bits = max((len(probabilities) - 1).bit_length(), 1)
    table, most = [], (1 << 32) - 1
    for slot, (share, own, other) in enumerate(alias_table(list(probabilities), 1 << bits)):
        upto = ((slot << 32) + share) >> bits
        table.append((min(upto, most), own, own if upto > most else other))
    return table
