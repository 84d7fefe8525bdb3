"""Servers that compete: the same process, where steps wait until a resource has room for them.

A discrete-event simulation on SimPy. Every server draws the random numbers that it draws in
`running.run`, so that without limits it lives the same life. A resource is held from the first of
its steps to the last one that follows without a break.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

import numpy as np
import simpy
from numpy.typing import NDArray

from ecs_fsm.fleet.compiled import Compiled, compile_profile
from ecs_fsm.fleet.process import Stay
from ecs_fsm.fleet.recorder import Life, Recorder, begin, edge_of
from ecs_fsm.fleet.reference import time_of, uniform
from ecs_fsm.fleet.result import PERCENTILES, Result
from ecs_fsm.fleet.running import Plan, plan_for
from ecs_fsm.profiles.profile import Profile, Resource

Steps = Generator[simpy.Event, object, None]
REPORTS = 100
"""How often progress is told."""


@dataclass(frozen=True, slots=True)
class Queue:
    """How a resource was used until the horizon.

    `waits` are the seconds that each use waited, in the order of asking, `length` the mean number
    of those that waited, `busy` the mean share of the capacity in use; `lengths` is how many waited
    at each point of the time grid (C).
    """

    resource: Resource
    waits: NDArray[np.float64]
    length: float
    busy: float
    lengths: NDArray[np.int64]

    def as_dict(self) -> dict[str, object]:
        """The figures of the queue, for JSON."""
        uses = len(self.waits)
        return {
            "capacity": self.resource.capacity,
            "hosts": self.resource.hosts,
            "uses": uses,
            "waited": int((self.waits > 0).sum()),
            "mean_wait": float(self.waits.mean()) if uses else None,
            "wait_percentiles": {
                str(p): float(np.percentile(self.waits, p)) if uses else None for p in PERCENTILES
            },
            "mean_queue": self.length,
            "busy": self.busy,
            "lengths": self.lengths.tolist(),
        }


@dataclass(frozen=True, slots=True)
class Contention:
    """A fleet that competed: what became of the servers, and of the resources."""

    result: Result
    queues: tuple[Queue, ...]

    def as_dict(self) -> dict[str, object]:
        """As `Result.as_dict`, and "resources" by name."""
        return self.result.as_dict() | {
            "resources": {queue.resource.name: queue.as_dict() for queue in self.queues}
        }


def contend(
    profile: Profile,
    *,
    servers: int,
    duration: float | str,
    step: float | str | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Contention:
    """Simulate servers that compete for the resources of the profile; otherwise as `running.run`.

    A KeyboardInterrupt ends with what happened until then, which the result says.
    """
    compiled = compile_profile(profile)
    plan = plan_for(compiled, servers, duration, step, seed)
    fleet = _Fleet(compiled, plan)
    partial = not fleet.run(progress)
    tally = fleet.recorder.tally
    result = Result(
        compiled, plan.servers, plan.late, plan.horizon, plan.step, seed, tally, partial
    )
    return Contention(result, tuple(pool.queue() for pool in fleet.pools))


class _Pool:
    """A resource with its hosts, and the books of who waited how long."""

    def __init__(self, clock: simpy.Environment, resource: Resource, plan: Plan) -> None:
        self.resource = resource
        self._clock, self._plan = clock, plan
        self._hosts = [simpy.Resource(clock, resource.capacity) for _ in range(resource.hosts)]
        self._waits: list[tuple[float, float]] = []
        self._used = 0.0

    def ask(self, number: int) -> simpy.resources.resource.Request:
        """Ask for room on the host of a server."""
        return self._hosts[number % len(self._hosts)].request()

    def waited(self, since: float) -> None:
        """Somebody who has asked `since` then gets its room."""
        if since <= self._plan.horizon:
            self._waits.append((since, self._clock.now))

    def used(self, since: float) -> None:
        """Somebody who has its room `since` then leaves it."""
        self._used += max(min(self._clock.now, self._plan.horizon) - since, 0.0)

    def queue(self) -> Queue:
        asked, got = np.array(self._waits).reshape(-1, 2).T
        grid = np.arange(self._plan.sizes.points) * self._plan.step
        waiting = np.searchsorted(np.sort(asked), grid, side="right")
        waiting -= np.searchsorted(np.sort(got), grid, side="right")
        horizon = self._plan.horizon
        length = float((np.minimum(got, horizon) - asked).sum() / horizon)
        busy = self._used / (horizon * self.resource.capacity * self.resource.hosts)
        return Queue(self.resource, got - asked, length, busy, waiting.astype(np.int64))


class _Fleet:
    def __init__(self, compiled: Compiled, plan: Plan) -> None:
        self._compiled, self._plan = compiled, plan
        self._clock = simpy.Environment()
        self.recorder = Recorder(compiled, plan.sizes, plan.horizon, plan.step)
        self.pools = [_Pool(self._clock, r, plan) for r in compiled.profile.resources]
        self._needs = [self._needed(n) for n in range(len(compiled.spots))]
        self._lives: list[Life] = []

    def _needed(self, place: int) -> list[_Pool]:
        spot = self._compiled.spots[place]
        if spot.stay is not Stay.WORKS or spot.place.node is None:
            return []
        return [pool for pool in self.pools if spot.place.node.state in pool.resource.steps]

    def run(self, progress: Callable[[int, int], None] | None) -> bool:
        """Let all servers live; whether nobody interrupted it."""
        for number in range(self._plan.servers):
            life = begin(number, self._plan.key)
            self._lives.append(life)
            self.recorder.arrive()
            self._clock.process(self._live(life))
        try:
            for report in range(REPORTS):
                self._clock.run(until=self._plan.horizon * (report + 1) / REPORTS)
                if progress:
                    progress(report + 1, REPORTS)
            self._clock.run()
        except KeyboardInterrupt:
            return False
        finally:
            for life in self._lives:
                self.recorder.leave(life)
        return True

    def _live(self, life: Life) -> Steps:
        """One server's life, from its coming to its end or the horizon."""
        horizon, spots = self._plan.horizon, self._compiled.spots
        held: dict[_Pool, tuple[simpy.resources.resource.Request, float]] = {}
        z = life.draw()
        time = uniform(z) * horizon if life.number >= self._plan.late else 0.0
        while time <= horizon or life.group >= 0:
            yield self._until(time)
            self.recorder.take(life, time, edge_of(self._compiled, life.place, z))
            spot, needs = spots[life.place], self._needs[life.place]
            self._leave(held, (pool for pool in held if pool not in needs))
            for pool in needs:
                if pool not in held:
                    room = pool.ask(life.number)
                    yield room
                    pool.waited(time)
                    time = max(time, self._clock.now)
                    held[pool] = (room, time)
            if spot.stay in (Stay.ENDS, Stay.LOST):
                return
            z = life.draw()
            time += time_of(z, spot.time)
        self._leave(held, held)

    def _until(self, time: float) -> simpy.Event:
        return self._clock.timeout(max(time - self._clock.now, 0.0))

    def _leave(
        self,
        held: dict[_Pool, tuple[simpy.resources.resource.Request, float]],
        pools: Iterable[_Pool],
    ) -> None:
        for pool in list(pools):
            room, since = held.pop(pool)
            pool.used(since)
            room.resource.release(room)
