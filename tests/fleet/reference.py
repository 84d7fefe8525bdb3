"""The same fleet as `simulation.run` simulates, by `Server` objects and a heap: slow, and plain.

It draws the same random numbers, makes times of them by the formulas in double precision, moves real servers by their events and
counts them one by one, so that every trajectory can be compared with the kernel's.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple, cast

from scipy import stats

from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.core.model import Node
from ecs_fsm.fleet.arrays import ABSENT, CompiledProfile, compile_profile
from ecs_fsm.fleet.legs import SLOT, WIDTH, legs_of
from ecs_fsm.fleet.random_numbers import SERVER, STRIDE, mix_int
from ecs_fsm.fleet.result import FleetResult
from ecs_fsm.fleet.simulation import Plan, plan_for
from ecs_fsm.fleet.tally import BINS, MICRO, PER_OCTAVE, SHORTEST, Tally, empty_tally
from ecs_fsm.fleet.trajectory import DRAWS
from ecs_fsm.lifecycles import server_class
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.process import Activity
from ecs_fsm.profiles.profile import Profile

_NORMAL = NormalDist()


class FleetEvent(NamedTuple):
    """A state that a server entered: its number, the seconds, event and state by number."""

    server: int
    time: float
    event: int
    state: int


@dataclass(slots=True)
class Life:
    """One server: its chain state, and the request that runs."""

    number: int
    current: int = 0
    shown: int = ABSENT
    since: int = 0
    request: int = ABSENT
    requested_at: int = 0
    changes: int = 0


def follow(
    profile: Profile,
    *,
    servers: int,
    duration: float | str,
    step: float | str | None = None,
    seed: int = 0,
) -> tuple[FleetResult, list[FleetEvent]]:
    """Simulate a fleet as `simulation.run` does; its result, and every event in order of time."""
    compiled = compile_profile(profile)
    plan = plan_for(compiled, servers, duration, step, seed)
    counter = Counter(compiled, plan)
    _Replica(compiled, plan, counter).run()
    result = FleetResult(
        compiled, plan.servers, plan.late, plan.horizon, plan.step, seed, counter.tally
    )
    return result, counter.events


class _Replica:
    def __init__(self, compiled: CompiledProfile, plan: Plan, counter: Counter) -> None:
        self._compiled, self._plan, self._counter = compiled, plan, counter
        self._legs = legs_of(compiled)
        self._kind = server_class(compiled.profile.lifecycle.name)

    def run(self) -> None:
        lives = [Life(number) for number in range(self._plan.servers)]
        servers: list[BaseServer | None] = [None] * len(lives)
        paths = (self._path(number) for number in range(len(lives)))
        self._counter.tally.totals[0] += len(lives)
        for time, number, jump in heapq.merge(*paths):
            servers[number] = self._moved(servers[number], jump)
            self._counter.count(lives[number], time, jump)
        for life in lives:
            self._counter.leave(life)

    def _path(self, number: int) -> Iterator[tuple[int, int, int]]:
        """The jumps of a server, with their times in microseconds."""
        legs, sojourns = self._legs, self._compiled.sojourns
        key = mix_int(self._plan.key ^ mix_int(number * SERVER + STRIDE))
        horizon, late = round(self._plan.horizon * MICRO), number >= self._plan.late
        z, current, running, drawn = mix_int(key + STRIDE), 0, False, 1
        t = int(((z >> 33) + 0.5) * 2.0**-31 * horizon) if late else 0
        while True:
            leg = self._leg(current, z & 0xFFFFFFFF)
            jumps = [int(jump) for jump in legs.jumps[leg] if jump != ABSENT]
            if (t > horizon and not running) or not jumps:
                return
            running = running or legs.requests[leg] != ABSENT
            for n, jump in enumerate(jumps):
                if n:
                    step = mix_int(key + (drawn + (n + 1) // 2) * STRIDE)
                    bits = step >> 33 if n % 2 else step & 0x7FFFFFFF
                    t += micros(bits, sojourns[legs.chain[leg, n]].time)
                yield t, number, jump
            drawn += 1 if current == 0 else DRAWS
            current = int(legs.chain[leg, len(jumps)])
            running = running and sojourns[current].activity is Activity.WORKS
            z = mix_int(key + drawn * STRIDE)
            t += micros(z >> 33, sojourns[current].time)

    def _leg(self, current: int, choice: int) -> int:
        """The leg that 32 bits choose."""
        first, shift = divmod(int(self._legs.places[current]), 32)
        slot = self._legs.slots.reshape(-1, SLOT)[first + (choice >> shift)].tolist()
        return int(slot[1 if choice < slot[0] else 2]) // WIDTH

    def _moved(self, server: BaseServer | None, number: int) -> BaseServer:
        """The server after a jump; it is where the jump leads, or this raises."""
        jump = self._compiled.jumps[number]
        node = jump.target.node
        if server is None:
            return self._kind(cast(Node, node))
        if jump.event is not None:
            before = len(server.history)
            server.trigger(jump.event, **dict(jump.given))
            entered = tuple(
                server.lifecycle.state(change.vm_state, change.task_state)
                for change in server.history[before:]
            )
            assert entered == jump.entered, jump.event
        assert server.node is node, jump.target
        return server


class Counter:
    """A tally, and every event, of servers whose jumps come in any order."""

    def __init__(self, compiled: CompiledProfile, plan: Plan) -> None:
        self.tally: Tally = empty_tally(plan.sizes)
        self.events: list[FleetEvent] = []
        self._arrays, self._plan = compiled.arrays, plan
        self._horizon = round(plan.horizon * MICRO)

    def count(self, life: Life, time: int, jump: int) -> None:
        """Count a jump of a server at a time in microseconds."""
        a, y = self._arrays, self.tally
        life.current = int(a.targets[jump])
        changes = int(a.changes[jump])
        if time <= self._horizon:
            self._count_inside(life, time, jump, changes)
        life.changes += changes
        activity = a.activities[life.current]
        if life.request == ABSENT or activity == Activity.WORKS:
            return
        if activity >= Activity.HANGS:
            y.hung[life.request] += 1
        else:
            self._count_rest(life, time - life.requested_at)
        life.request = ABSENT

    def _count_inside(self, life: Life, time: int, jump: int, changes: int) -> None:
        a, y = self._arrays, self.tally
        event, request = int(a.events[jump]), int(a.classes[jump])
        if event != ABSENT:
            y.happened[event] += 1
        if request != ABSENT:
            life.request, life.requested_at, life.changes = request, time, 0
            y.requested[request] += 1
        y.totals[1] += changes
        states = a.entered[jump, :changes].tolist()
        self.events += [FleetEvent(life.number, time / MICRO, event, state) for state in states]
        state = int(a.states[life.current])
        if state != life.shown:
            point = min(math.ceil(time / MICRO / self._plan.step), self._plan.sizes.points)
            if life.shown != ABSENT:
                y.spent[life.shown] += time - life.since
                y.showing[point, life.shown] -= 1
            y.showing[point, state] += 1
            life.shown, life.since = state, time

    def _count_rest(self, life: Life, time: int) -> None:
        y, request = self.tally, life.request
        y.rested[request] += 1
        y.failed[request] += self._arrays.error[self._arrays.states[life.current]]
        y.changes[request] += life.changes
        y.squares[request] += life.changes**2
        y.micros[request] += time
        y.waits[request, _bin_of(time / MICRO)] += 1

    def leave(self, life: Life) -> None:
        """Count the time in the last state of a server."""
        if life.shown != ABSENT:
            self.tally.spent[life.shown] += self._horizon - life.since


def _bin_of(seconds: float) -> int:
    """The number of the histogram's bin for a time."""
    if seconds < SHORTEST:
        return 0
    mantissa, exponent = math.frexp(seconds / SHORTEST)
    return min((exponent - 1) * PER_OCTAVE + int((mantissa * 2 - 1) * PER_OCTAVE) + 1, BINS - 1)


def micros(bits: int, time: Duration) -> int:
    """How long something takes, in microseconds, by 31 random bits: the quantile that they choose."""
    return math.floor(_seconds(bits, (bits + 0.5) / 2**31, time) * MICRO + 0.5)


def _seconds(bits: int, share: float, time: Duration) -> float:
    first, second = time.parameters()
    if time.family is Family.EXPONENTIAL:
        return -math.log(share) * first
    if time.family is Family.LOGNORMAL:
        return math.exp(first + second * _NORMAL.inv_cdf(share))
    if time.family is Family.WEIBULL:
        return first * math.pow(-math.log1p(-share), second)
    if time.family is Family.GAMMA:
        return float(stats.gamma.ppf(share, second, scale=first))
    return time.samples[bits * len(time.samples) >> 31] if time.samples else first
