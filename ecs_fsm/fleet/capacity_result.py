"""What servers on hosts come to: shares of "No valid host", use, fragmentation, time until full.

Each has a confidence interval by batch means, and the exact answers of `loss` stand beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ecs_fsm.fleet.loss import Holding, pool_loss
from ecs_fsm.fleet.occupancy import Seen
from ecs_fsm.fleet.tally import Counts
from ecs_fsm.profiles.profile import SIZES, Profile, Room
from ecs_fsm.profiles.profile_room import room_of
from ecs_fsm.profiles.profile_validation import POISSON

Reals = NDArray[np.float64]
CONFIDENCE = 0.999
"""That of the intervals: a table has many, and one in a thousand misses by chance."""
BATCHES, FEWEST, IN_A_BATCH = 30, 5, 10
"""Batches, at most and at least, and the mean holding times in one."""
NO_SHARE = dict.fromkeys(("refused", "low", "high"))


class Estimate(NamedTuple):
    """A simulated number with its confidence interval and its standard error."""

    value: float
    low: float
    high: float
    error: float

    def as_dict(self, name: str = "mean") -> dict[str, float]:
        """Return value and interval, for JSON."""
        return {name: self.value, "low": self.low, "high": self.high}


class CapacityPlan(NamedTuple):
    """The seconds before measuring and while measuring, and those of an interval."""

    warmup: float
    duration: float
    step: float


@dataclass(frozen=True)
class Capacity:
    """What became of servers on hosts.

    `servers` exist at the beginning, `arrived` in all. `seen` has a row for each interval that was
    measured; `fits` and `pooled` (T x F) are the servers of a flavor for which there is room at its
    end, on the hosts and in one pool of what they have left; `up` (T) the hosts that run. `full`
    are the seconds until a creation is refused first, infinite if that is later than `watched`.
    """

    profile: Profile
    plan: CapacityPlan
    seed: int
    servers: int
    arrived: int
    seen: Seen
    fits: Reals
    pooled: Reals
    up: Reals
    full: tuple[float, ...]
    watched: float
    life: Holding
    operations: tuple[str, ...]
    partial: bool

    @property
    def room(self) -> Room:
        """The hosts and flavors."""
        return room_of(self.profile)

    @property
    def intervals(self) -> int:
        """How many intervals were measured."""
        return len(self.seen.asked)

    @property
    def batches(self) -> int:
        """How many batches the intervals make."""
        lives = self.plan.step * self.intervals / (self.life.seconds * IN_A_BATCH)
        most = BATCHES if math.isfinite(self.life.seconds) else FEWEST
        return min(max(int(lives), FEWEST), most, self.intervals)

    @property
    def short(self) -> bool:
        """Whether batches depend on each other, so that intervals are too narrow."""
        return self.plan.duration < FEWEST * IN_A_BATCH * self.life.seconds / 2

    def _batched(self, rows: Reals | Counts) -> Reals:
        """The sums over the intervals of each batch."""
        parts = np.array_split(np.asarray(rows, np.float64), self.batches)
        return np.array([part.sum(axis=0) for part in parts])

    def _ratio(self, upper: Reals | Counts, lower: Reals | Counts) -> Estimate | None:
        """A ratio of sums with its interval by batch means; None if there is nothing to count."""
        above, below = self._batched(upper), self._batched(lower)
        number, total = len(above), float(below.sum())
        if not total:
            return None
        value = float(above.sum()) / total
        error = math.inf
        if number > 1:
            off = above - value * below
            error = math.sqrt(number / (number - 1) * float(off @ off)) / total
        half = _quantile(number) * error if error else 0.0
        return Estimate(value, value - half, value + half, error)

    def _share(self, refused: Counts, asked: Counts) -> Estimate | None:
        """A share of refusals; its interval is as wide as that of independent ones, or wider."""
        found, count, total = self._ratio(refused, asked), int(refused.sum()), int(asked.sum())
        if found is None:
            return None
        tail, share = (1 - CONFIDENCE) / 2, (count + 0.5) / (total + 1)
        fewest = stats.beta.ppf(tail, count, total - count + 1) if count else 0.0
        most = stats.beta.isf(tail, count + 1, total - count) if count < total else 1.0
        error = max(found.error, math.sqrt(share * (1 - share) / total))
        low, high = min(found.low, float(fewest)), max(found.high, float(most))
        return Estimate(found.value, max(low, 0.0), min(high, 1.0), error)

    def refused(self, flavor: int | None = None) -> Estimate | None:
        """Return the share of creations that are refused: of a flavor, or of all."""
        asked, refused = self.seen.asked, self.seen.refused
        if flavor is None:
            return self._share(refused.sum(axis=1), asked.sum(axis=1))
        return self._share(refused[:, flavor], asked[:, flavor])

    def unmoved(self, operation: int) -> Estimate | None:
        """Return the share of the other claims of an operation that find no host."""
        return self._share(self.seen.unmoved[:, operation], self.seen.moved[:, operation])

    def use(self) -> dict[str, Estimate]:
        """Return the share of each resource in use, of what all hosts have."""
        names, sizes = limited(self.room)
        found = {}
        for n, (name, size) in enumerate(zip(names, sizes, strict=True)):
            whole = np.full(self.intervals, size * self.room.hosts.count * self.plan.step)
            used = self._ratio(self.seen.used[:, n], whole)
            if used:
                low, high = max(used.low, 0.0), min(used.high, 1.0)
                found[name] = used._replace(low=low, high=high)
        return found

    def fragmentation(self, flavor: int) -> Estimate | None:
        """Return the share of the room for a flavor that is lost because it lies on several hosts.

        It is that of the servers for which one pool of all free room had room, and no host has.
        """
        lost = self.pooled[:, flavor] - self.fits[:, flavor]
        return self._ratio(lost, self.pooled[:, flavor])

    @cached_property
    def loads(self) -> tuple[float, ...] | None:
        """The load that servers of each flavor offer, in Erlang; None if it has no limit."""
        every = self.profile.arrivals.every
        if self.profile.arrivals.kind != POISSON or not math.isfinite(self.life.seconds):
            return None
        return tuple(flavor.share * self.life.seconds / every for flavor in self.room.flavors)

    @cached_property
    def bound(self) -> list[float] | None:
        """The loss of each flavor if all hosts were one pool; None where it is not known."""
        if self.loads is None:
            return None
        return _loss(self.room, self.loads, self.room.hosts.count)

    @cached_property
    def exact(self) -> tuple[list[float] | None, str | None]:
        """The loss of each flavor where it has an exact answer, or None and the reason."""
        room, hosts = self.room, self.room.hosts
        one_size = len({flavor.sizes for flavor in room.flavors}) == 1
        reasons = (
            (self.profile.arrivals.kind != POISSON, "arrivals are not poisson"),
            (not math.isfinite(self.life.seconds), "some servers keep their room for good"),
            (self.life.moves, "servers move to other hosts"),
            (self.life.again, "servers give up their room and claim it again"),
            (math.isfinite(hosts.fails_every.mean), "hosts fail"),
            (room.placement.anti_affinity > 0, "some servers share no host"),
            (not one_size and hosts.count > hosts.zones,
             "flavors of several sizes are on more hosts than one"),
        )  # fmt: skip
        why = next((reason for holds, reason in reasons if holds), None)
        if why or self.loads is None:
            return None, why
        zones = [len(range(n, hosts.count, hosts.zones)) for n in range(hosts.zones)]
        loads = [load / hosts.zones for load in self.loads]
        if one_size:
            places = min(
                most // size
                for size, most in zip(room.flavors[0].sizes, hosts.sizes, strict=True)
                if most is not None and size
            )
            each = [pool_loss([sum(loads)], [[1]], [places * count]) for count in zones]
            whole = sum(found[0] for found in each if found) / len(zones)
            return [whole] * len(loads), None
        found = _loss(room, loads, 1)
        return found, None if found else "the pool is too large for the recursion"

    @property
    def times(self) -> Reals:
        """The ends of the intervals, in seconds after the warm-up."""
        return np.asarray(np.arange(1, self.intervals + 1) * self.plan.step, np.float64)

    def as_dict(self) -> dict[str, object]:
        """Return everything that profile, sizes and seed determine, for JSON."""
        exact, why = self.exact
        bound = self.bound
        hosts = self.room.hosts
        flavors: dict[str, object] = {}
        for n, flavor in enumerate(self.room.flavors):
            refused, lost = self.refused(n), self.fragmentation(n)
            flavors[flavor.name] = {
                **dict(zip(SIZES, flavor.sizes, strict=True)),
                "share": flavor.share,
                "asked": int(self.seen.asked[:, n].sum()),
                **(refused.as_dict("refused") if refused else NO_SHARE),
                "exact": exact and exact[n],
                "bound": bound and bound[n],
                "fragmentation": lost and lost.value,
            }
        whole = self.refused()
        full = [time for time in self.full if math.isfinite(time)]
        return {
            "lifecycle": self.profile.lifecycle.name,
            "hosts": hosts.count,
            "sizes": dict(zip(SIZES, hosts.sizes, strict=True)),
            "zones": hosts.zones,
            "flavors": flavors,
            "refused": whole.as_dict("share") if whole else None,
            "bound": self.bound_of_all,
            "why": why,
            "confidence": CONFIDENCE,
            "batches": self.batches,
            "too_short": self.short,
            "use": {name: used.as_dict() for name, used in self.use().items()},
            "servers": float(self.seen.roomed.sum() / (self.plan.step * self.intervals or 1)),
            "moves": {
                name: {
                    "asked": int(self.seen.moved[:, n].sum()),
                    **(found.as_dict("refused") if (found := self.unmoved(n)) else NO_SHARE),
                }
                for n, name in enumerate(self.operations)
                if self.seen.moved[:, n].any()
            },
            "full": {
                "runs": len(self.full),
                "full": len(full),
                "within": self.watched,
                "mean_seconds": sum(full) / len(full) if full else None,
                "seconds": full,
            },
            "life": self.life.seconds if math.isfinite(self.life.seconds) else None,
            "load": sum(self.loads) if self.loads else None,
            "arrived": self.arrived,
            "at_once": self.servers,
            "warmup": self.plan.warmup,
            "duration": self.plan.step * self.intervals,
            "step": self.plan.step,
            "seed": self.seed,
            "partial": self.partial,
            "times": self.times.tolist(),
            "over_time": {
                "asked": self._by_flavor(self.seen.asked),
                "refused": self._by_flavor(self.seen.refused),
                "room_left": self._by_flavor(self.fits),
                "use": {name: part.tolist() for name, part in self.use_over_time().items()},
                "servers": (self.seen.roomed / self.plan.step).tolist(),
                "hosts": self.up.tolist(),
            },
        }

    def _by_flavor(self, rows: Reals | Counts) -> dict[str, list[float]]:
        return {f.name: rows[:, n].tolist() for n, f in enumerate(self.room.flavors)}

    def use_over_time(self) -> dict[str, Reals]:
        """Return the share of each resource in use, in each interval (T)."""
        names, sizes = limited(self.room)
        whole = self.room.hosts.count * self.plan.step
        return {
            name: self.seen.used[:, n] / (size * whole)
            for n, (name, size) in enumerate(zip(names, sizes, strict=True))
        }

    @property
    def bound_of_all(self) -> float | None:
        """The share of all creations that one pool of all hosts refuses; None if not known."""
        if self.bound is None:
            return None
        shares = [flavor.share for flavor in self.room.flavors]
        return sum(one * share for one, share in zip(self.bound, shares, strict=True))


def limited(room: Room) -> tuple[list[str], list[int]]:
    """Return the names and sizes of what hosts have a limited amount of."""
    found = [(n, s) for n, s in zip(SIZES, room.hosts.sizes, strict=True) if s is not None]
    return [name for name, _ in found], [size for _, size in found]


def _loss(room: Room, loads: Sequence[float], hosts: int) -> list[float] | None:
    names, most = limited(room)
    sizes = [[f.sizes[SIZES.index(name)] for name in names] for f in room.flavors]
    return pool_loss(loads, sizes, [size * hosts for size in most])


def _quantile(batches: int) -> float:
    return float(stats.t.isf((1 - CONFIDENCE) / 2, max(batches - 1, 1)))
