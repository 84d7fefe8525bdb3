"""The same fleet as `simulation.run` simulates, by `Server` objects and a heap: slow, and plain.

It draws the same random numbers in Python's own arithmetic, moves real servers by their events and
counts them one by one, so that every trajectory can be compared with the kernel's.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple, cast

from ecs_fsm.core.model import Node
from ecs_fsm.core.server import BaseServer
from ecs_fsm.fleet.arrays import ABSENT, CompiledProfile, compile_profile
from ecs_fsm.fleet.random_numbers import FURTHER, SERVER, STRIDE, WORD, mix_int
from ecs_fsm.fleet.result import FleetResult
from ecs_fsm.fleet.simulation import Plan, plan_for
from ecs_fsm.fleet.tally import BINS, MICRO, PER_OCTAVE, SHORTEST, Tally, empty_tally
from ecs_fsm.lifecycles import server_class
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.process import FINAL, Activity
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
    """One server: its random numbers so far, its chain state, and the request that runs."""

    number: int
    key: int
    current: int = 0
    shown: int = ABSENT
    since: int = 0
    request: int = ABSENT
    requested_at: float = 0.0
    changes: int = 0

    def draw(self) -> int:
        """Its next 64 random bits."""
        self.key = (self.key + STRIDE) & WORD
        return mix_int(self.key)


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
        self._kind = server_class(compiled.profile.lifecycle.name)
        self._heap: list[tuple[float, int, int, Life, BaseServer | None]] = []

    def run(self) -> None:
        for number in range(self._plan.servers):
            life = Life(number, mix_int(self._plan.key ^ mix_int(number * SERVER + STRIDE)))
            self._counter.tally.totals[0] += 1
            z = life.draw()
            late = number >= self._plan.late
            self._wait(uniform(z) * self._plan.horizon if late else 0.0, z, life, None)
        while self._heap:
            time, _, z, life, server = heapq.heappop(self._heap)
            jump = chosen_jump(self._compiled, life.current, z)
            server = self._moved(server, jump)
            self._counter.count(life, time, jump)
            sojourn = self._compiled.sojourns[life.current]
            over = time > self._plan.horizon and life.request < 0
            if over or sojourn.activity in FINAL:
                self._counter.leave(life)
            else:
                z = life.draw()
                self._wait(time + sojourn_time(z, sojourn.time), z, life, server)

    def _wait(self, until: float, z: int, life: Life, server: BaseServer | None) -> None:
        if until > self._plan.horizon and life.request < 0:
            self._counter.leave(life)
        else:
            heapq.heappush(self._heap, (until, life.number, z, life, server))

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

    def count(self, life: Life, time: float, jump: int) -> None:
        """Count a jump of a server at `time` seconds."""
        a, y = self._arrays, self.tally
        life.current = int(a.targets[jump])
        changes = int(a.changes[jump])
        if time <= self._plan.horizon:
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

    def _count_inside(self, life: Life, time: float, jump: int, changes: int) -> None:
        a, y = self._arrays, self.tally
        event, request = int(a.events[jump]), int(a.classes[jump])
        if event != ABSENT:
            y.happened[event] += 1
        if request != ABSENT:
            life.request, life.requested_at, life.changes = request, time, 0
            y.requested[request] += 1
        y.totals[1] += changes
        states = a.entered[jump, :changes].tolist()
        self.events += [FleetEvent(life.number, time, event, state) for state in states]
        state = int(a.states[life.current])
        if state != life.shown:
            now = int(time * MICRO + 0.5)
            point = min(math.ceil(time / self._plan.step), self._plan.sizes.points)
            if life.shown != ABSENT:
                y.spent[life.shown] += now - life.since
                y.showing[point, life.shown] -= 1
            y.showing[point, state] += 1
            life.shown, life.since = state, now

    def _count_rest(self, life: Life, seconds: float) -> None:
        y, request = self.tally, life.request
        y.rested[request] += 1
        y.failed[request] += self._arrays.error[self._arrays.states[life.current]]
        y.changes[request] += life.changes
        y.squares[request] += life.changes**2
        y.micros[request] += int(seconds * MICRO + 0.5)
        y.waits[request, _bin_of(seconds)] += 1

    def leave(self, life: Life) -> None:
        """Count the time in the last state of a server."""
        if life.shown != ABSENT:
            self.tally.spent[life.shown] += int(self._plan.horizon * MICRO + 0.5) - life.since


def _bin_of(seconds: float) -> int:
    """The number of the histogram's bin for a time."""
    if seconds < SHORTEST:
        return 0
    mantissa, exponent = math.frexp(seconds / SHORTEST)
    return min((exponent - 1) * PER_OCTAVE + int((mantissa * 2 - 1) * PER_OCTAVE) + 1, BINS - 1)


def chosen_jump(compiled: CompiledProfile, current: int, z: int) -> int:
    """The jump that the lower half of a draw chooses."""
    a = compiled.arrays
    slot, rest = divmod((z & 0xFFFFFFFF) * a.thresholds.shape[1], 1 << 32)
    own = rest < int(a.thresholds[current, slot])
    return int((a.owns if own else a.others)[current, slot])


def uniform(z: int) -> float:
    """A uniform number between 0 and 1 from the upper bits of a draw."""
    return ((z >> 33) + 0.5) * 2.0**-31


def sojourn_time(z: int, time: Duration) -> float:
    """How long something takes, in seconds, by one draw."""
    first, second = time.parameters()
    if time.family is Family.CONSTANT:
        return first
    if time.family is Family.EXPONENTIAL:
        return -math.log(uniform(z)) * first
    if time.family is Family.LOGNORMAL:
        return math.exp(first + second * _NORMAL.inv_cdf(uniform(z)))
    if time.family is Family.WEIBULL:
        return first * math.pow(-math.log(uniform(z)), second)
    if time.family is Family.GAMMA:
        return first * _gamma(z, second)
    return time.samples[int(uniform(z) * len(time.samples))]


def _gamma(z: int, shape: float) -> float:
    """A gamma time of scale 1, by Marsaglia and Tsang."""
    further = z ^ FURTHER
    boosted = shape if shape >= 1 else shape + 1
    d = boosted - 1 / 3
    c = 1 / math.sqrt(9 * d)
    while True:
        further = (further + STRIDE) & WORD
        x = _NORMAL.inv_cdf(uniform(mix_int(further)))
        further = (further + STRIDE) & WORD
        u = uniform(mix_int(further))
        v = (1 + c * x) ** 3
        if v > 0 and math.log(u) < 0.5 * x * x + d - d * v + d * math.log(v):
            return d * v * (1.0 if shape >= 1 else math.pow(uniform(z), 1 / shape))
