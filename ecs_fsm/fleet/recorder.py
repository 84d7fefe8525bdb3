"""Counts what happens to servers, change by change, as the engine does: for runs in Python."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from ecs_fsm.fleet.compiled import NOBODY, Compiled
from ecs_fsm.fleet.draws import SERVER, STRIDE, WORD, mix_int
from ecs_fsm.fleet.process import Stay
from ecs_fsm.fleet.tally import BINS, MICRO, PER_OCTAVE, SHORTEST, Tally, empty
from ecs_fsm.fleet.tally import Sizes as TallySizes


class Entry(NamedTuple):
    """One state that a server entered: its number, the seconds, event and state by number."""

    server: int
    time: float
    event: int
    state: int


@dataclass(slots=True)
class Life:
    """One server under way: its random numbers so far, its place, and the request that runs."""

    number: int
    key: int
    place: int = 0
    here: int = NOBODY
    at: int = 0
    group: int = NOBODY
    since: float = 0.0
    entered: int = 0

    def draw(self) -> int:
        """Its next 64 random bits."""
        self.key = (self.key + STRIDE) & WORD
        return mix_int(self.key)


def begin(number: int, seed_key: int) -> Life:
    """A server by its number, with its own random numbers."""
    return Life(number, mix_int(seed_key ^ mix_int(number * SERVER + STRIDE)))


def edge_of(compiled: Compiled, place: int, z: int) -> int:
    """The edge that the lower half of a draw chooses."""
    a = compiled.arrays
    slot, rest = divmod((z & 0xFFFFFFFF) * a.thresholds.shape[1], 1 << 32)
    own = rest < int(a.thresholds[place, slot])
    return int((a.owns if own else a.others)[place, slot])


class Recorder:
    """A tally, and every change, of servers whose changes come in any order."""

    def __init__(self, compiled: Compiled, sizes: TallySizes, horizon: float, step: float) -> None:
        self.tally: Tally = empty(sizes)
        self.entries: list[Entry] = []
        self._arrays = compiled.arrays
        self._points = sizes.points
        self._horizon, self._step = horizon, step

    def arrive(self) -> None:
        """Count a server."""
        self.tally.totals[0] += 1

    def take(self, life: Life, time: float, edge: int) -> None:
        """A server takes an edge at `time` seconds; it is at the edge's target then."""
        a, y = self._arrays, self.tally
        life.place = int(a.targets[edge])
        changes = int(a.changes[edge])
        if time <= self._horizon:
            self._count(life, time, edge, changes)
        life.entered += changes
        kind = a.kinds[life.place]
        if life.group == NOBODY or kind == Stay.WORKS:
            return
        if kind >= Stay.HANGS:
            y.hung[life.group] += 1
        else:
            self._rest(life, time - life.since)
        life.group = NOBODY

    def _count(self, life: Life, time: float, edge: int, changes: int) -> None:
        a, y = self._arrays, self.tally
        event, group = int(a.events[edge]), int(a.groups[edge])
        if event != NOBODY:
            y.happened[event] += 1
        if group != NOBODY:
            life.group, life.since, life.entered = group, time, 0
            y.asked[group] += 1
        y.totals[1] += changes
        states = a.entered[edge, :changes].tolist()
        self.entries += [Entry(life.number, time, event, state) for state in states]
        to = int(a.states[life.place])
        if to != life.here:
            now = int(time * MICRO + 0.5)
            point = min(math.ceil(time / self._step), self._points)
            if life.here != NOBODY:
                y.spent[life.here] += now - life.at
                y.showing[point, life.here] -= 1
            y.showing[point, to] += 1
            life.here, life.at = to, now

    def _rest(self, life: Life, seconds: float) -> None:
        y, group = self.tally, life.group
        y.rested[group] += 1
        y.wrong[group] += self._arrays.wrong[self._arrays.states[life.place]]
        y.changes[group] += life.entered
        y.squares[group] += life.entered**2
        y.micros[group] += int(seconds * MICRO + 0.5)
        y.waits[group, _bin_of(seconds)] += 1

    def leave(self, life: Life) -> None:
        """Close the books of a server."""
        if life.here != NOBODY:
            self.tally.spent[life.here] += int(self._horizon * MICRO + 0.5) - life.at


def _bin_of(seconds: float) -> int:
    """The bin of a histogram that a time falls into."""
    if seconds < SHORTEST:
        return 0
    mantissa, exponent = math.frexp(seconds / SHORTEST)
    return min((exponent - 1) * PER_OCTAVE + int((mantissa * 2 - 1) * PER_OCTAVE) + 1, BINS - 1)
