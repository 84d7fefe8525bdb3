"""Simulates servers on hosts with room: the plan, and the runs of `capacity_kernel`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.fleet.arrays import FAMILIES, Arrays, CompiledProfile, compile_profile
from ecs_fsm.fleet.capacity_result import FEWEST, Capacity, CapacityPlan, limited
from ecs_fsm.fleet.loss import Holding, holding
from ecs_fsm.fleet.machine_code import MachineCode
from ecs_fsm.fleet.occupancy import (
    FULL,
    NOW,
    NUMBER,
    PlacedServers,
    Pool,
    RoomRules,
    Seen,
    no_servers,
    nothing_seen,
    room_rules,
    with_more_room,
    with_rescues,
)
from ecs_fsm.fleet.random_numbers import STRIDE, mix_int, seed_key
from ecs_fsm.profiles.durations import seconds
from ecs_fsm.profiles.profile import SIZES, Profile, Room
from ecs_fsm.profiles.profile_room import room_of
from ecs_fsm.profiles.profile_validation import POISSON

FEWEST_ARRIVALS, JUMPS, MOST_JUMPS = 30_000, 4_000_000, 50_000_000
"""Servers that arrive while it is measured by default, at least; the jumps that they all make."""
MOST_SERVERS = 200_000_000
LIVES, WARM_LIVES = 300, 10
"""Mean holding times that are measured, and that come before, by default."""
INTERVALS, MOST_INTERVALS = 300, 100_000
FILLS, FILL_ARRIVALS = 10, 10_000
"""Further runs until an empty fleet is full, and servers that arrive in each of them at most."""

_move_on = MachineCode("ecs_fsm.fleet.capacity_kernel", "move_on")

Progress = Callable[[int, int], None]


class _Model(NamedTuple):
    """Everything that does not change in a simulation."""

    compiled: CompiledProfile
    claims: RoomRules
    hosts: Arrays
    pool: Pool
    sizes: NDArray[np.int64]
    number: int
    operations: tuple[str, ...]


def _model(profile: Profile, servers: int) -> _Model:
    room = room_of(profile)
    hosts, placement = room.hosts, room.placement
    failing = math.isfinite(hosts.fails_every.mean)
    if math.isfinite(hosts.evacuate_after):
        profile = with_rescues(profile)
    compiled = compile_profile(profile)
    operations = tuple(compiled.classes_by_operation())
    names, most = limited(room)
    sizes = [[f.sizes[SIZES.index(name)] for name in names] for f in room.flavors]
    arrivals = profile.arrivals
    pool = Pool(
        sizes=np.array(sizes, np.int64),
        shares=np.cumsum([flavor.share for flavor in room.flavors]),
        zones=hosts.zones,
        weight=-1.0 if placement.pack else 1.0,
        grouped=placement.anti_affinity,
        group=placement.group,
        same_host=int(placement.same_host),
        every=arrivals.every if arrivals.kind == POISSON else math.inf,
        evacuate=hosts.evacuate_after,
        first=servers,
        failing=int(failing),
    )
    times, claims = _host_times(compiled.arrays, room), room_rules(compiled, operations)
    size = np.array(most, np.int64)
    return _Model(compiled, claims, times, pool, size, hosts.count, operations)


def _host_times(arrays: Arrays, room: Room) -> Arrays:
    """The times until a host fails and until it returns, as two rows of a process."""
    times = (room.hosts.fails_every, room.hosts.down_for)
    scales, shapes = zip(*(time.parameters() for time in times), strict=True)
    counts = [len(time.samples) for time in times]
    return arrays._replace(
        families=np.array([FAMILIES.index(time.family) for time in times], np.int32),
        scales=np.array(scales),
        shapes=np.array(shapes),
        samples=np.array([s for time in times for s in time.samples] or [0.0]),
        sample_from=np.array([0, counts[0]], np.int32),
        sample_count=np.array(counts, np.int32),
    )


def simulate(
    profile: Profile,
    *,
    servers: int = 0,
    duration: float | str | None = None,
    warmup: float | str | None = None,
    step: float | str | None = None,
    seed: int = 0,
    fill: bool = True,
    arrivals: float = 0,
    progress: Progress | None = None,
) -> Capacity:
    """Simulate servers on the hosts of a profile.

    `servers` exist at the beginning, others arrive. Measured is `duration` after `warmup`; without
    them, long enough for many creations and `LIVES` mean holding times, after `WARM_LIVES` of them;
    `arrivals` are the least creations then. Shares are counted every `step`. With `fill`, `FILLS`
    further runs show how long an empty fleet takes to be full. A KeyboardInterrupt ends the
    simulation; its result is partial. Raise `InvalidInput`.
    """
    model = _model(profile, servers)
    life = holding(model.compiled, model.claims)
    plan = _plan(profile, servers, life, (duration, warmup, step), arrivals)
    key = seed_key(seed)
    run = _Run(model, plan, key)
    watched = _watched(profile, plan)
    slices = FILLS * fill
    whole = run.slices + slices
    full: list[float] = []
    partial = False
    try:
        for done in run.measured():
            if progress:
                progress(done, whole)
        for n in range(slices):
            full.append(_first_refusal(model, mix_int(key + (n + 1) * STRIDE), watched))
            if progress:
                progress(run.slices + n + 1, whole)
    except KeyboardInterrupt:
        partial = True
    rows = run.done
    return Capacity(
        profile, plan, seed, servers, int(run.servers.counts[NUMBER]),
        run.seen.rows(1, rows + 1), run.fits[:rows], run.pooled[:rows],
        run.up[:rows], tuple(full), watched, life, model.operations, partial,
    )  # fmt: skip


def on_hosts(profile: Profile, count: int) -> Profile:
    """Return the profile with another number of hosts."""
    room = room_of(profile)
    return replace(profile, room=replace(room, hosts=replace(room.hosts, count=count)))


def _plan(
    profile: Profile,
    servers: int,
    life: Holding,
    given: Sequence[float | str | None],
    arrivals: float,
) -> CapacityPlan:
    duration, warmup, step = (None if value is None else seconds(value) for value in given)
    every, steady = profile.arrivals.every, math.isfinite(life.seconds)
    arrives = profile.arrivals.kind == POISSON
    if not arrives and not servers:
        raise InvalidInput(
            f"arrivals are {profile.arrivals.kind}, and no servers exist: add --servers N, or let "
            f'servers arrive: [arrivals] kind = "poisson", every = "5m"'
        )
    most = max(FEWEST_ARRIVALS, MOST_JUMPS / life.jumps) * every
    if duration is None:
        if not arrives or not steady:
            why = "some servers never free their room" if arrives else "no servers arrive later"
            raise InvalidInput(f"{why}, so the fleet has no steady state: add --duration TIME")
        least = max(arrivals, FEWEST_ARRIVALS, JUMPS / life.jumps) * every
        duration = min(max(least, LIVES * life.seconds), most)
    if warmup is None:
        warmup = min(WARM_LIVES * life.seconds, most) if arrives and steady else 0.0
    step = duration / INTERVALS if step is None else step
    if not duration or not step:
        raise InvalidInput("invalid duration or step: expected times above 0")
    if not FEWEST <= duration / step * (1 + 1e-12) <= MOST_INTERVALS:
        raise InvalidInput(
            f"invalid step {step:g} s: expected {FEWEST} to {MOST_INTERVALS:,} steps in "
            f"{duration:g} s"
        )
    number = servers + ((warmup + duration) / every if arrives else 0)
    if number > MOST_SERVERS:
        raise InvalidInput(
            f"about {number:,.0f} servers arrive, over {MOST_SERVERS:,}: a shorter --duration"
        )
    return CapacityPlan(warmup, math.floor(duration / step * (1 + 1e-12)) * step, step)


def _watched(profile: Profile, plan: CapacityPlan) -> float:
    whole = plan.warmup + plan.duration
    return min(whole, FILL_ARRIVALS * profile.arrivals.every or whole)


class _Run:
    """A simulation in slices: the warm-up, then the intervals."""

    def __init__(self, model: _Model, plan: CapacityPlan, key: int) -> None:
        self.model, self.plan = model, plan
        self.key = key
        intervals = round(plan.duration / plan.step)
        self.warm = INTERVALS // 3 if plan.warmup else 0
        self.slices = self.warm + intervals
        flavors, kinds = model.pool.sizes.shape
        operations = len(model.operations)
        self.seen = nothing_seen(intervals + 1, flavors, operations, kinds)
        self.fits, self.pooled = (np.zeros((intervals, flavors)) for _ in range(2))
        self.up = np.zeros(intervals)
        self.done = 0
        self.servers = no_servers(model.sizes, model.number)

    def measured(self) -> Iterator[int]:
        """Simulate slice by slice; yield how many are done."""
        for n in range(self.warm):
            self._move(0, self.plan.warmup * (n + 1) / self.warm)
            yield n + 1
        for n in range(self.slices - self.warm):
            self._move(n + 1, self.plan.warmup + (n + 1) * self.plan.step)
            self._sample(n)
            self.done = n + 1
            yield self.warm + n + 1

    def _move(self, row: int, until: float) -> None:
        end = self.plan.warmup + self.plan.duration
        self.servers = _moved(self.model, self.servers, self.seen, row, self.key, (until, end))

    def _sample(self, row: int) -> None:
        """Count for how many more servers of each flavor there is room."""
        running = self.servers.back <= self.servers.times[NOW]
        free = self.servers.free[:-1][running]
        self.up[row] = running.sum()
        for n, sizes in enumerate(self.model.pool.sizes):
            taken = sizes > 0
            self.fits[row, n] = (free[:, taken] // sizes[taken]).min(axis=1).sum()
            self.pooled[row, n] = (free[:, taken].sum(axis=0) // sizes[taken]).min()


def _moved(
    model: _Model, servers: PlacedServers, seen: Seen, row: int, key: int,
    until: tuple[float, float], *, stop: bool = False,
) -> PlacedServers:  # fmt: skip
    """Simulate to a time and count in a row; servers that never do anything after `until[1]`."""
    keys = np.uint64(key), np.uint64(mix_int(key ^ STRIDE))
    process = (model.compiled.arrays, model.claims, model.hosts, model.pool)
    while not _move_on(*process, servers, seen, row, *keys, *until, stop):
        servers = with_more_room(servers, model.pool.group)
    return servers


def _first_refusal(model: _Model, key: int, watched: float) -> float:
    """Return the seconds until a creation is refused, infinite if none is until `watched`."""
    flavors, kinds = model.pool.sizes.shape
    seen = nothing_seen(1, flavors, len(model.operations), kinds)
    begun = no_servers(model.sizes, model.number)
    found = _moved(model, begun, seen, 0, key, (watched, watched), stop=True)
    return float(found.times[FULL])
