"""Holds simulations of claims and queues against the formulas of `loss`."""

from __future__ import annotations

import math

from scipy import stats

from ecs_fsm.fleet.capacity_result import Capacity, Estimate, limited
from ecs_fsm.fleet.comparison import Comparison, FleetCheck
from ecs_fsm.profiles.profile import SIZES


def check_capacity(found: Capacity) -> FleetCheck:
    """Compare shares of refusals, and the use of each resource, with their exact answers."""
    exact, why = found.exact
    if found.partial:
        return FleetCheck((), "nothing is compared: the simulation was interrupted")
    if exact is None or found.loads is None:
        return FleetCheck((), f"nothing is compared: no exact answer exists where {why}")
    compared = []
    for n, flavor in enumerate(found.room.flavors):
        refused, asked = found.refused(n), int(found.seen.asked[:, n].sum())
        if refused:
            count = int(found.seen.refused[:, n].sum())
            name = f"{flavor.name}: refused"
            compared.append(_estimate(name, refused, exact[n], found.batches, (count, asked)))
    use = found.use()
    for name, size in zip(*limited(found.room), strict=True):
        taken = sum(
            load * (1 - lost) * flavor.sizes[SIZES.index(name)]
            for load, lost, flavor in zip(found.loads, exact, found.room.flavors, strict=True)
        )
        share = taken / (size * found.room.hosts.count)
        if name in use and share:
            compared.append(_estimate(f"{name}: in use", use[name], share, found.batches))
    return FleetCheck(tuple(compared), None)


def _estimate(
    what: str, found: Estimate, exact: float, batches: int, counts: tuple[int, int] | None = None
) -> Comparison:
    """A mean of batches, by Student's law; few refusals also by the binomial law."""
    off = abs(found.value - exact)
    chance = 1.0
    if found.error and math.isfinite(found.error):
        chance = float(2 * stats.t.sf(off / found.error, batches - 1))
    elif off > 1e-9 * max(exact, 1):
        chance = 0.0
    if counts:
        law = stats.binom(counts[1], exact)
        chance = max(chance, 2 * float(min(law.cdf(counts[0]), law.sf(counts[0] - 1))))
    half = float(stats.t.isf(0.025, max(batches - 1, 1))) * found.error if found.error else 0.0
    low, high = max(found.value - half, 0.0), min(found.value + half, 1.0)
    return Comparison(what, found.value, low, high, exact, min(chance, 1.0))
