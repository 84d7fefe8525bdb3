"""The same fleet as `running.run` gives, by `Server` objects and a heap: slow, and plain to read.

It draws the same random numbers in Python's own arithmetic and moves real servers by their events,
so that every trajectory can be compared with the engine's.
"""

from __future__ import annotations

import heapq
import math
from statistics import NormalDist
from typing import cast

from ecs_fsm.core.model import Node
from ecs_fsm.core.server import BaseServer
from ecs_fsm.fleet.compiled import Compiled, compile_profile
from ecs_fsm.fleet.draws import FURTHER, STRIDE, WORD, mix_int
from ecs_fsm.fleet.process import Stay
from ecs_fsm.fleet.recorder import Entry, Life, Recorder, begin, edge_of
from ecs_fsm.fleet.result import Result
from ecs_fsm.fleet.running import Plan, plan_for
from ecs_fsm.lifecycles import server_class
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.profile import Profile

_NORMAL = NormalDist()


def follow(
    profile: Profile,
    *,
    servers: int,
    duration: float | str,
    step: float | str | None = None,
    seed: int = 0,
) -> tuple[Result, list[Entry]]:
    """Simulate a fleet as `running.run` does; its result, and every change in order of time."""
    compiled = compile_profile(profile)
    plan = plan_for(compiled, servers, duration, step, seed)
    recorder = Recorder(compiled, plan.sizes, plan.horizon, plan.step)
    _Fleet(compiled, plan, recorder).run()
    result = Result(
        compiled, plan.servers, plan.late, plan.horizon, plan.step, seed, recorder.tally
    )
    return result, recorder.entries


class _Fleet:
    def __init__(self, compiled: Compiled, plan: Plan, recorder: Recorder) -> None:
        self._compiled, self._plan, self._recorder = compiled, plan, recorder
        self._kind = server_class(compiled.profile.lifecycle.name)
        self._heap: list[tuple[float, int, int, Life, BaseServer | None]] = []

    def run(self) -> None:
        for number in range(self._plan.servers):
            life = begin(number, self._plan.key)
            self._recorder.arrive()
            z = life.draw()
            late = number >= self._plan.late
            self._wait(uniform(z) * self._plan.horizon if late else 0.0, z, life, None)
        while self._heap:
            time, _, z, life, server = heapq.heappop(self._heap)
            edge = edge_of(self._compiled, life.place, z)
            server = self._moved(server, edge)
            self._recorder.take(life, time, edge)
            spot = self._compiled.spots[life.place]
            over = time > self._plan.horizon and life.group < 0
            if over or spot.stay in (Stay.ENDS, Stay.LOST):
                self._recorder.leave(life)
            else:
                z = life.draw()
                self._wait(time + time_of(z, spot.time), z, life, server)

    def _wait(self, until: float, z: int, life: Life, server: BaseServer | None) -> None:
        if until > self._plan.horizon and life.group < 0:
            self._recorder.leave(life)
        else:
            heapq.heappush(self._heap, (until, life.number, z, life, server))

    def _moved(self, server: BaseServer | None, edge: int) -> BaseServer:
        """The server after an edge; it went where the edge says, or this raises."""
        taken = self._compiled.edges[edge]
        node = taken.target.node
        if server is None:
            return self._kind(cast(Node, node))
        if taken.event is not None:
            before = len(server.history)
            server.trigger(taken.event, **dict(taken.given))
            entered = tuple(
                server.lifecycle.state(change.vm_state, change.task_state)
                for change in server.history[before:]
            )
            if entered != taken.entered:
                raise AssertionError(f"{taken.event} entered {entered}, not {taken.entered}")
        if server.node is not node:
            raise AssertionError(f"{server} is not at {taken.target}")
        return server


def uniform(z: int) -> float:
    """A uniform number between 0 and 1 from the upper bits of a draw."""
    return ((z >> 33) + 0.5) * 2.0**-31


def time_of(z: int, time: Duration) -> float:
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
