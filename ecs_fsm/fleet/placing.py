"""Chooses hosts for servers, takes room there and frees it; the heap of events; exact losses."""

from __future__ import annotations

from ecs_fsm.fleet.arrays import ABSENT
from ecs_fsm.fleet.draws import compiled
from ecs_fsm.fleet.occupancy import (
    FLAVOR,
    HEAP,
    HOST,
    MEMBER,
    NEXT,
    NOW,
    OTHER,
    ZONE,
    Integers,
    PlacedServers,
    Pool,
    Reals,
)

LARGE, SCALE = 1e200, 1e-200


@compiled
def push(times: Reals, codes: Integers, counts: Integers, time: float, code: int) -> None:
    """Put an event on the heap."""
    at = counts[HEAP]
    while at > 0:
        above = (at - 1) >> 1
        if times[above] <= time:
            break
        times[at], codes[at] = times[above], codes[above]
        at = above
    times[at], codes[at] = time, code
    counts[HEAP] += 1


@compiled
def pop(times: Reals, codes: Integers, counts: Integers) -> int:
    """Take the first event off the heap; return its code."""
    code, count = codes[0], counts[HEAP] - 1
    counts[HEAP] = count
    time, last = times[count], codes[count]
    at, below = 0, 1
    while below < count:
        if below + 1 < count and times[below + 1] < times[below]:
            below += 1
        if time <= times[below]:
            break
        times[at], codes[at] = times[below], codes[below]
        at = below
        below = 2 * at + 1
    times[at], codes[at] = time, last
    return int(code)


@compiled
def find_host(
    p: Pool, s: PlacedServers, row: Integers, flavor: int, banned: int
) -> int:  # fmt: skip
    """Return the host that the weighers prefer among those with room, `ABSENT` for none.

    As in Nova, the free part of each size is normalized over these hosts, and the sum decides; of
    equal hosts, the one with the lowest number is taken.
    """
    sizes, free, back, members, low, high = p.sizes, s.free, s.back, s.members, s.low, s.high
    hosts, kinds, zones, group, now = back.shape[0], sizes.shape[1], p.zones, p.group, s.times[NOW]
    able, found, count = s.able, ABSENT, 0
    able[:] = 0
    member = row[MEMBER]
    for host in range(row[ZONE], hosts, zones):
        fits = host != banned and back[host] <= now
        for kind in range(kinds):
            fits = fits and free[host, kind] >= sizes[flavor, kind]
        if fits and member != ABSENT:
            first = member - member % group
            for other in range(first, first + group):
                here = members[other, 0] == host or members[other, 1] == host
                fits = fits and (other == member or not here)
        if fits:
            for kind in range(kinds):
                value = free[host, kind]
                if count == 0 or value < low[kind]:
                    low[kind] = value
                if count == 0 or value > high[kind]:
                    high[kind] = value
            able[host], found, count = 1, host, count + 1
    if count < 2:
        return int(found)
    best, found = 0.0, ABSENT
    for host in range(row[ZONE], hosts, zones):
        if able[host]:
            total = 0.0
            for kind in range(kinds):
                if high[kind] > low[kind]:
                    total += (free[host, kind] - low[kind]) / (high[kind] - low[kind])
            total *= p.weight
            if found == ABSENT or total > best:
                best, found = total, host
    return int(found)


@compiled
def give(
    sizes: Integers, free: Integers, members: Integers, row: Integers,
    place: int, host: int, flavor: int,
) -> None:  # fmt: skip
    """Take room on a host for a server, as its first or second place."""
    row[place] = host
    row[FLAVOR if place == HOST else NEXT] = flavor
    for kind in range(sizes.shape[1]):
        free[host, kind] -= sizes[flavor, kind]
        free[-1, kind] -= sizes[flavor, kind]
    if row[MEMBER] != ABSENT:
        members[row[MEMBER], place - HOST] = host


@compiled
def free_place(
    sizes: Integers, free: Integers, members: Integers, row: Integers, place: int
) -> None:
    """Free the first or second place of a server, if it has one; a second one becomes the first."""
    host, flavor = row[place], row[FLAVOR if place == HOST else NEXT]
    if host != ABSENT:
        for kind in range(sizes.shape[1]):
            free[host, kind] += sizes[flavor, kind]
            free[-1, kind] += sizes[flavor, kind]
    if place == HOST:
        row[HOST], row[FLAVOR] = row[OTHER], row[NEXT] if row[OTHER] != ABSENT else row[FLAVOR]
    row[OTHER] = ABSENT
    if row[MEMBER] != ABSENT:
        members[row[MEMBER], 0], members[row[MEMBER], 1] = row[HOST], ABSENT


@compiled
def flavor_for(shares: Reals, u: float, but: int) -> int:
    """Return a flavor by its share, from a uniform number; not this one, if there are others."""
    count, below = shares.shape[0], 0.0
    if but != ABSENT and count > 1:
        begin = shares[but - 1] if but else 0.0
        below = shares[but] - begin
        u *= 1.0 - below
        u = u + below if u >= begin else u
    found = 0
    while found < count - 1 and u >= shares[found]:
        found += 1
    return found if found != but or count == 1 else (found + 1) % count


@compiled
def recursion(
    loads: Reals, sizes: Integers, back: Integers, cells: Integers, weights: Reals, used: Integers
) -> int:
    """Write the weight of each combination of used resources, by Kaufman and Roberts.

    `cells` (R) are one more than the capacity of each resource, `back` (F) what a flavor takes as a
    number of combinations. `weights` (their product) and `used` (R) are zeros. Weights that become
    too large are scaled down, all together. Return the number of combinations.
    """
    kinds, resources = sizes.shape
    weights[0] = 1.0
    for cell in range(1, weights.shape[0]):
        at = resources - 1
        used[at] += 1
        while used[at] == cells[at]:
            used[at] = 0
            at -= 1
            used[at] += 1
        total = 0.0  # `at` is a resource of which some is used
        for kind in range(kinds):
            fits = True
            for r in range(resources):
                fits = fits and used[r] >= sizes[kind, r]
            if fits:
                total += loads[kind] * sizes[kind, at] * weights[cell - back[kind]]
        weights[cell] = total / used[at]
        if weights[cell] > LARGE:
            for earlier in range(cell + 1):
                weights[earlier] *= SCALE
    return int(weights.shape[0])
