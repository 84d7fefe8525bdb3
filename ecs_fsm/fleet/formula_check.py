"""Holds simulations of claims and queues against the formulas of `loss`."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from ecs_fsm.fleet.capacity_result import Capacity, Estimate, limited
from ecs_fsm.fleet.comparison import NO_WAIT, Comparison, FleetCheck, Progress, check_contention
from ecs_fsm.fleet.contention import Contention, Queue
from ecs_fsm.fleet.loss import NEGLECTED, erlang_c_wait, one_place_wait
from ecs_fsm.profiles.durations import Family
from ecs_fsm.profiles.process import Activity, ChainState, Sojourn
from ecs_fsm.profiles.profile import SIZES
from ecs_fsm.profiles.profile_validation import POISSON

WARM = 0.2
"""The part of the time that is left out until the queue is as long as it stays."""
BATCHES, FEWEST, MEMORIES = 20, 5, 10
"""Batches of waits, at most and at least, and how often a queue forgets in each of them."""


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


def check_queues(found: Contention, progress: Progress | None = None) -> FleetCheck:
    """Compare what `check_contention` compares, and mean waits with those of M/M/c and M/G/1."""
    checked = check_contention(found, progress)
    if found.partial:
        return checked
    compared, left_out = list(checked.comparisons), [checked.left_out] if checked.left_out else []
    waited = {q.resource.name for q in found.queues if (q.waits > NO_WAIT).any()}
    for queue in found.queues:
        name = queue.resource.name
        if name in waited:
            wait = _wait(found, queue, waited - {name})
            if isinstance(wait, str):
                left_out.append(f"no formula for waits for {name}: {wait}")
            else:
                compared.append(wait)
    return FleetCheck(tuple(compared), "; ".join(left_out) or None)


class _Use(NamedTuple):
    """How servers use a resource: how many of them do, and mean and mean square of the seconds."""

    share: float
    seconds: float
    square: float
    exponential: bool


def _wait(found: Contention, queue: Queue, others: set[str]) -> Comparison | str:
    """Compare the mean wait, or return the reason why that is not possible."""
    result, resource = found.result, queue.resource
    profile = result.compiled.profile
    if profile.arrivals.kind != POISSON:
        return "servers do not arrive at random"
    before = [r.steps for r in profile.resources if r.name in others]
    use = _use(found, queue, frozenset().union(*before))
    if isinstance(use, str):
        return use
    places, rate = resource.capacity, use.share / profile.arrivals.every / resource.hosts
    busy = rate * use.seconds / places
    if busy >= 1:
        return "more servers come than it serves"
    if places > 1 and not use.exponential:
        return f"times on {places} places are not exponential"
    exact = (
        one_place_wait(rate, use.seconds, use.square)
        if places == 1
        else erlang_c_wait(rate, use.seconds, places)
    )
    waits = queue.waits[queue.claimed >= WARM * result.horizon]
    memory = resource.hosts / (1 - math.sqrt(busy)) ** 2
    batches = min(int(len(waits) / (MEMORIES * memory)), BATCHES)
    if batches < FEWEST:
        return f"{len(waits)} uses are too few to compare"
    means = np.array([batch.mean() for batch in np.array_split(waits, batches)])
    error = float(means.std(ddof=1)) / math.sqrt(batches)
    half = float(stats.t.isf(0.025, batches - 1)) * error
    value, formula = float(waits.mean()), "M/G/1" if places == 1 else f"M/M/{places}"
    chance = float(2 * stats.t.sf(abs(value - exact) / error, batches - 1)) if error else 1.0
    what = f"{resource.name}: mean wait ({formula})"
    return Comparison(what, value, max(value - half, 0.0), value + half, exact, chance)


def _use(found: Contention, queue: Queue, before: frozenset[str]) -> _Use | str:
    """Return how servers use a resource, if that is once in their creation; or the reason."""
    compiled, steps = found.result.compiled, queue.resource.steps
    numbers = {sojourn.at: n for n, sojourn in enumerate(compiled.sojourns)}

    def inside(sojourn: Sojourn) -> bool:
        node = sojourn.at.node
        return sojourn.activity is Activity.WORKS and node is not None and node.state in steps

    within = [inside(sojourn) for sojourn in compiled.sojourns]
    entries: dict[int, float] = {}
    wave = {0: 1.0}
    while wave and max(wave.values()) > NEGLECTED:
        following: dict[int, float] = {}
        for n, chance in wave.items():
            sojourn = compiled.sojourns[n]
            node = sojourn.at.node
            if node is not None and node.state in before:
                return "servers may wait for another resource before"
            for jump in sojourn.jumps:
                target = numbers[jump.target]
                into = entries if within[target] else following
                if compiled.sojourns[target].activity is Activity.WORKS:
                    into[target] = into.get(target, 0.0) + chance * jump.probability
        wave = following
    share = sum(entries.values())
    if share < NEGLECTED:
        return "servers do not use it in their creation"
    inner = [n for n, is_within in enumerate(within) if is_within]
    at = {n: row for row, n in enumerate(inner)}
    chances = np.zeros((len(inner), len(inner)))
    out: set[int] = set()
    for n in inner:
        for jump in compiled.sojourns[n].jumps:
            target = numbers[jump.target]
            if target in at:
                chances[at[n], at[target]] += jump.probability
            else:
                out.add(target)
    if _returns(found, out, within, numbers):
        return "servers use it more than once"
    times = [compiled.sojourns[n].time for n in inner]
    means = np.array([time.mean for time in times])
    squares = means**2 + np.array([time.variance for time in times])
    solve = np.linalg.inv(np.eye(len(inner)) - chances)
    first = solve @ means
    second = solve @ (squares + 2 * means * (chances @ first))
    begin = np.zeros(len(inner))
    for n, chance in entries.items():
        begin[at[n]] = chance / share
    used = [time for time, chance in zip(times, begin, strict=True) if chance]
    single = len({time.mean for time in used}) == 1 and not (begin @ chances).any()
    exponential = single and all(time.family is Family.EXPONENTIAL for time in used)
    return _Use(share, float(begin @ first), float(begin @ second), exponential)


def _returns(
    found: Contention, out: set[int], within: list[bool], numbers: dict[ChainState, int]
) -> bool:
    """Return whether a server that has left a resource can come to use it again."""
    seen, waiting = set(out), list(out)
    while waiting:
        for jump in found.result.compiled.sojourns[waiting.pop()].jumps:
            target = numbers[jump.target]
            if within[target]:
                return True
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return False
