"""The smallest number of hosts that is enough: bisection with common random numbers.

Fleets on more or fewer hosts have the same arrivals and lives, so that their difference is that of
the hosts. Where the loss has an exact answer, that answer decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.fleet.capacity import on_hosts, simulate
from ecs_fsm.fleet.capacity_result import Capacity, Estimate
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.profiles.profile_room import MOST_HOSTS, room_of

REFUSALS = 100
"""Refusals to expect in a simulation whose share is the target."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A number of hosts, and the flavor that is refused most often there.

    `refused` is simulated, `exact` calculated where it can be; `bound` is the loss of one pool.
    """

    hosts: int
    flavor: str
    refused: Estimate
    exact: float | None
    bound: float | None
    partial: bool

    @property
    def share(self) -> float:
        """The share that decides: the exact one if there is one."""
        return self.refused.value if self.exact is None else self.exact

    def as_dict(self) -> dict[str, object]:
        """Return the trial, for JSON."""
        return {
            "hosts": self.hosts,
            "flavor": self.flavor,
            **self.refused.as_dict("refused"),
            "exact": self.exact,
            "bound": self.bound,
        }


@dataclass(frozen=True, slots=True)
class Sizing:
    """The smallest number of `hosts` for a target (None if none is enough), and what was tried."""

    target: float
    hosts: int | None
    curve: tuple[Trial, ...]
    seed: int

    @property
    def partial(self) -> bool:
        """Whether the search was interrupted."""
        return any(trial.partial for trial in self.curve)

    def as_dict(self) -> dict[str, object]:
        """Return hosts and curve, for JSON."""
        return {
            "target": self.target,
            "hosts": self.hosts,
            "curve": [trial.as_dict() for trial in self.curve],
            "seed": self.seed,
            "partial": self.partial,
        }


def smallest(
    profile: Profile,
    target: float,
    *,
    servers: int = 0,
    duration: float | str | None = None,
    warmup: float | str | None = None,
    step: float | str | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Sizing:
    """Return the smallest number of hosts on which no flavor is refused more often than `target`.

    The sizes are those of `capacity.simulate`. `progress` receives how many numbers of hosts were
    tried, and how many may follow.
    """
    if not 0 < target < 1:
        raise InvalidInput(f"invalid target {target:g}: expected a share between 0 and 1, as 0.1%")
    hosts = room_of(profile).hosts
    tried: dict[int, Trial] = {}

    def enough(count: int) -> bool:
        if count not in tried:
            found = simulate(
                on_hosts(profile, count), servers=servers, duration=duration, warmup=warmup,
                step=step, seed=seed, fill=False, arrivals=REFUSALS / target,
            )  # fmt: skip
            tried[count] = _trial(found)
            if progress:
                progress(len(tried), len(tried) + _further(low, high))
        trial = tried[count]
        if trial.partial:
            raise KeyboardInterrupt
        return trial.share <= target

    low, high = 0, 0
    count = max(hosts.count, hosts.zones)
    try:
        while not high:
            if enough(count):
                high = count
            else:
                low, count = count, 2 * count
                if count > MOST_HOSTS:
                    break
        while high and not low and high > hosts.zones:
            count = max(high // 2, hosts.zones)
            if enough(count):
                high = count
            else:
                low = count
        low = max(low, hosts.zones - 1)
        while high - low > 1:
            count = (low + high) // 2
            if enough(count):
                high = count
            else:
                low = count
    except KeyboardInterrupt:
        high = 0
    curve = tuple(tried[number] for number in sorted(tried))
    return Sizing(target, high or None, curve, seed)


def _further(low: int, high: int) -> int:
    return math.ceil(math.log2(max(high - low, 2))) if high else 2


def _trial(found: Capacity) -> Trial:
    exact, _ = found.exact
    shares = [
        found.refused(n) or Estimate(0.0, 0.0, 1.0, 0.0) for n in range(len(found.room.flavors))
    ]
    deciding = exact or [share.value for share in shares]
    worst = max(range(len(shares)), key=deciding.__getitem__)
    return Trial(
        found.room.hosts.count, found.room.flavors[worst].name, shares[worst],
        exact[worst] if exact else None, found.bound[worst] if found.bound else None, found.partial,
    )  # fmt: skip
