"""Servers that compete: the same process, where steps wait until a resource has room for them.

This is a discrete-event simulation on SimPy. The path of a server (its sojourn times and jumps) is
the one that it follows in `simulation.run`; waiting only delays it. A resource is held from the
first of its steps to the last one that follows without a break.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

import numpy as np
import simpy
from numpy.typing import NDArray

from ecs_fsm.fleet.arrays import ABSENT, CompiledProfile, compile_profile
from ecs_fsm.fleet.legs import legs_of
from ecs_fsm.fleet.machine_code import MachineCode
from ecs_fsm.fleet.result import PERCENTILES, FleetResult
from ecs_fsm.fleet.simulation import Plan, grid_of, plan_for, result_of
from ecs_fsm.fleet.tally import MICRO, Counts, Tally, empty_rows, empty_tally
from ecs_fsm.profiles.process import FINAL, Activity
from ecs_fsm.profiles.profile import Profile, Resource

Held = dict["_Pool", tuple[simpy.resources.resource.Request, float]]
"""The resources that a server holds: its claim, and the seconds since when."""
REPORTS = 100
"""How often progress is reported."""
JUMPS_EACH = 128
"""Jumps of a server to make room for at first."""
_sample_paths = MachineCode("ecs_fsm.fleet.trajectory", "sample_paths")
_count_paths = MachineCode("ecs_fsm.fleet.trajectory", "count_paths")


@dataclass(frozen=True, slots=True)
class Queue:
    """How a resource was used until the horizon.

    `waits`: the seconds that each use waited, in the order in which it got its room; `claimed`: the
    seconds at which each began to wait; `length`: the mean number of servers that waited; `busy`:
    the mean share of the capacity in use; `lengths` (C): how many servers waited at each point of
    the time grid.
    """

    resource: Resource
    waits: NDArray[np.float64]
    claimed: NDArray[np.float64]
    length: float
    busy: float
    lengths: NDArray[np.int64]

    def as_dict(self) -> dict[str, object]:
        """Return the figures of the queue, for JSON."""
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
    """The result for a fleet that competed: its servers, and the queues of its resources."""

    result: FleetResult
    queues: tuple[Queue, ...]

    @property
    def partial(self) -> bool:
        """Whether the simulation was interrupted."""
        return self.result.partial

    def as_dict(self) -> dict[str, object]:
        """Return what `FleetResult.as_dict` returns, and "resources" by name."""
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
    """Simulate servers that compete for the resources of the profile.

    The parameters are those of `simulation.run`; `progress` receives the part of the time that is
    over. A KeyboardInterrupt ends the simulation; its result is marked partial.
    """
    compiled = compile_profile(profile)
    plan = plan_for(compiled, servers, duration, step, seed)
    competition = _Competition(compiled, plan)
    partial = not competition.run(progress)
    result = result_of(compiled, plan, seed, competition.tally(), partial)
    return Contention(result, tuple(pool.queue() for pool in competition.pools))


class _Pool:
    """A resource on each of its hosts, and the record of its uses."""

    def __init__(self, clock: simpy.Environment, resource: Resource, plan: Plan) -> None:
        self.resource = resource
        self._clock, self._plan = clock, plan
        self._hosts = [simpy.Resource(clock, resource.capacity) for _ in range(resource.hosts)]
        self._waits: list[tuple[float, float]] = []
        self._used = 0.0

    def claim(self, number: int) -> simpy.resources.resource.Request:
        """Claim room on the host of a server."""
        return self._hosts[number % len(self._hosts)].request()

    def granted(self, since: float) -> None:
        """Record that a claim made at `since` seconds is granted now."""
        if since <= self._plan.horizon:
            self._waits.append((since, self._clock.now))

    def released(self, since: float) -> None:
        """Record that room in use since then is released now."""
        self._used += max(min(self._clock.now, self._plan.horizon) - since, 0.0)

    def queue(self) -> Queue:
        claimed, granted = np.array(self._waits).reshape(-1, 2).T
        grid = np.arange(self._plan.sizes.points) * self._plan.step
        waiting = np.searchsorted(np.sort(claimed), grid, side="right")
        waiting -= np.searchsorted(np.sort(granted), grid, side="right")
        horizon = self._plan.horizon
        length = float((np.minimum(granted, horizon) - claimed).sum() / horizon)
        busy = self._used / (horizon * self.resource.capacity * self.resource.hosts)
        lengths = waiting.astype(np.int64)
        return Queue(self.resource, granted - claimed, claimed, length, busy, lengths)


class _Competition:
    def __init__(self, compiled: CompiledProfile, plan: Plan) -> None:
        self._compiled, self._plan = compiled, plan
        self._clock = simpy.Environment()
        self.pools = [_Pool(self._clock, r, plan) for r in compiled.profile.resources]
        self._needs = [self._needed(n) for n in range(len(compiled.sojourns))]
        self._ends, self._times, self._jumps = self._paths()
        self._taken: list[list[float]] = [[] for _ in range(plan.servers)]

    def _needed(self, number: int) -> list[_Pool]:
        """The resources that a server needs in a chain state."""
        sojourn = self._compiled.sojourns[number]
        if sojourn.activity is not Activity.WORKS or sojourn.at.node is None:
            return []
        return [pool for pool in self.pools if sojourn.at.node.state in pool.resource.steps]

    def run(self, progress: Callable[[int, int], None] | None) -> bool:
        """Simulate all servers; return False if it was interrupted."""
        for number in range(self._plan.servers):
            self._clock.process(self._live(number))
        try:
            for report in range(REPORTS):
                self._clock.run(until=self._plan.horizon * (report + 1) / REPORTS)
                if progress:
                    progress(report + 1, REPORTS)
            self._clock.run()
        except KeyboardInterrupt:
            return False
        return True

    def tally(self) -> Tally:
        """Return the counts of all servers, as far as they got."""
        plan, a = self._plan, self._compiled.arrays
        tally, rows, grid = empty_tally(plan.sizes), empty_rows(0), grid_of(plan)
        taken = [len(times) for times in self._taken]
        times = [np.round(np.array(times) * MICRO).astype(np.int64) for times in self._taken]
        begins = self._ends - np.diff(self._ends, prepend=0)
        jumps = [self._jumps[n : n + count] for n, count in zip(begins, taken, strict=True)]
        paths = np.cumsum(taken), np.concatenate(times), np.concatenate(jumps)
        _count_paths(*paths, grid, a, tally, rows)
        return tally

    def _paths(self) -> tuple[Counts, Counts, NDArray[np.int32]]:
        """The jumps of all servers if none waits, one behind the other: ends, times, jumps.

        Who waits is later at every jump, and makes no more of them before the horizon.
        """
        plan, horizon, legs = self._plan, round(self._plan.horizon * MICRO), legs_of(self._compiled)
        ends, room = np.empty(plan.servers, np.int64), plan.servers * JUMPS_EACH
        while True:
            times, jumps = np.empty(room, np.int64), np.empty(room, np.int32)
            key = np.uint64(plan.key)
            needed = _sample_paths(ends, plan.late, key, horizon, legs, times, jumps)
            if needed <= room:
                return ends, times, jumps
            room = needed

    def _live(self, number: int) -> Generator[simpy.Event, object, None]:
        """One server's life, from its arrival to its end or the horizon."""
        a, sojourns = self._compiled.arrays, self._compiled.sojourns
        horizon = self._plan.horizon
        held: Held = {}
        taken = self._taken[number]
        place = slice(self._ends[number - 1] if number else 0, self._ends[number])
        sojourn_times = (np.diff(self._times[place], prepend=0) / MICRO).tolist()
        time, requested = 0.0, False
        for sojourn_time, jump in zip(sojourn_times, self._jumps[place].tolist(), strict=True):
            time += sojourn_time
            if time > horizon and not requested:
                break
            yield self._clock.timeout(max(time - self._clock.now, 0.0))
            taken.append(time)
            target = int(a.targets[jump])
            requested = sojourns[target].activity is Activity.WORKS and (
                requested or (time <= horizon and a.classes[jump] != ABSENT)
            )
            needs = self._needs[target]
            self._release(held, [pool for pool in held if pool not in needs])
            for pool in needs:
                if pool not in held:
                    room = pool.claim(number)
                    yield room
                    pool.granted(time)
                    time = max(time, self._clock.now)
                    held[pool] = (room, time)
            if sojourns[target].activity in FINAL:
                return
        self._release(held, list(held))

    @staticmethod
    def _release(held: Held, pools: Iterable[_Pool]) -> None:
        for pool in pools:
            room, since = held.pop(pool)
            pool.released(since)
            room.resource.release(room)
