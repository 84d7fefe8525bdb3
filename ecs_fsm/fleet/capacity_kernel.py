"""Moves servers between hosts as machine code: arrivals, claims, moves, hosts that fail and return.

Events wait on one heap. A server follows the process of `arrays` on its own until a jump takes or
frees room; only such jumps are put on the heap, unless hosts can fail. Its random numbers depend on
the seed and its number, so that fleets on more or fewer hosts have the same arrivals and lives.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_fsm.fleet.arrays import ABSENT, Arrays
from ecs_fsm.fleet.draws import (
    choose,
    compiled,
    inlined,
    mix,
    server_key,
    sojourn_time,
    uniform,
)
from ecs_fsm.fleet.occupancy import (
    ARRIVAL,
    CURRENT,
    DOING,
    FLAVOR,
    FULL,
    HAD,
    HEAP,
    HOST,
    JUMP,
    MEMBER,
    MEMBERS,
    MOVING,
    NOW,
    NUMBER,
    OTHER,
    ROOMED,
    SECOND,
    SPARE,
    TICKET,
    TOP,
    ZONE,
    Integers,
    Need,
    PlacedServers,
    Pool,
    RoomRules,
    Second,
    Seen,
)
from ecs_fsm.fleet.placing import find_host, flavor_for, free_place, give, pop, push
from ecs_fsm.fleet.random_numbers import STRIDE
from ecs_fsm.profiles.process import Activity

ENDS, LOST = int(Activity.ENDS), int(Activity.LOST)
TAKES, FREES = int(Need.TAKES), int(Need.FREES)
RESIZES = int(Second.RESIZES)
_STRIDE = np.uint64(STRIDE)
_SLOT, _LAST = 32, (1 << 32) - 1
"""An event of a server is its ticket, then its place; smaller codes are of hosts, and those below 0
rescue a server."""


@inlined
def _go_on(
    a: Arrays, c: RoomRules, p: Pool, s: PlacedServers, server: int, time: float, horizon: float
) -> None:
    """Let a server go on from its chain state, to the next jump that matters, or for good."""
    slots, row = np.uint64(a.thresholds.shape[1]), s.rows[server]
    current, key, jump = row[CURRENT], s.keys[server], ABSENT
    while a.activities[current] != ENDS and a.activities[current] != LOST:
        key += _STRIDE
        z = mix(key)
        time += sojourn_time(z, current, a)
        jump = choose(z, current, slots, a)
        target = a.targets[jump]
        quiet = not p.failing and not c.moves[jump] and row[OTHER] == ABSENT
        if row[HOST] == ABSENT:
            quiet = quiet and c.needs[target] != TAKES
        else:
            quiet = quiet and c.needs[target] != FREES
        if not quiet or time > horizon:
            break
        if c.operations[jump] != ABSENT:
            row[DOING] = c.operations[jump]
        current, jump = target, ABSENT
    row[CURRENT], row[JUMP] = current, jump
    s.keys[server] = key
    if jump != ABSENT:
        row[TICKET] += 1
        push(s.heap_times, s.heap_codes, s.counts, time, (row[TICKET] << _SLOT) | server)
    elif row[HOST] == ABSENT:
        _drop(s, server)


@compiled
def _drop(s: PlacedServers, server: int) -> None:
    """Forget a server that has no room and will not ask for any."""
    s.rows[server, CURRENT] = ABSENT
    s.spare[s.counts[SPARE]] = server
    s.counts[SPARE] += 1


@inlined
def _happen(
    a: Arrays, c: RoomRules, p: Pool, s: PlacedServers, seen: Seen, at: int, server: int, jump: int,
    rescued: bool,
) -> bool:  # fmt: skip
    """Let a jump happen to a server; return whether the server still matters."""
    row, free, members = s.rows[server], s.free, s.members
    before, target = row[CURRENT], a.targets[jump]
    if c.operations[jump] != ABSENT:
        row[DOING] = c.operations[jump]
    need, flavor, place, banned = c.needs[target], row[FLAVOR], ABSENT, ABSENT
    if row[HOST] != ABSENT and row[OTHER] == ABSENT and (c.moves[jump] or rescued):
        place, banned = OTHER, row[HOST]
        if c.moves[jump] == RESIZES:
            s.keys[server] += _STRIDE
            flavor = flavor_for(p.shares, uniform(mix(s.keys[server])), flavor)
            banned = ABSENT if p.same_host else banned
    elif row[HOST] == ABSENT and need == TAKES:
        place = HOST
    if place != ABSENT:
        first = place == HOST and not row[HAD]
        if first:
            seen.asked[at, flavor] += 1
        else:
            seen.moved[at, row[DOING]] += 1
        host = find_host(p, s, row, flavor, banned)
        if host == ABSENT:
            if first:
                seen.refused[at, flavor] += 1
                s.times[FULL] = min(s.times[FULL], s.times[NOW])
                return False
            seen.unmoved[at, row[DOING]] += 1
            if place == HOST:
                row[CURRENT] = c.undone[before]
            return bool(row[CURRENT] != ABSENT)
        give(p.sizes, free, members, row, place, host, flavor)
        row[HAD], row[MOVING], row[SECOND] = 1, 1, 0
        s.counts[ROOMED] += place == HOST
    frees = need == FREES
    if row[OTHER] != ABSENT:
        frees = _settle(c, p, s, row, jump, target, frees, rescued)
    if frees and row[HOST] != ABSENT:
        free_place(p.sizes, free, members, row, HOST)
        s.counts[ROOMED] -= row[HOST] == ABSENT
    row[CURRENT] = target
    return True


@inlined
def _settle(
    c: RoomRules,
    p: Pool,
    s: PlacedServers,
    row: Integers,
    jump: int,
    target: int,
    ends: bool,
    rescued: bool,
) -> bool:
    """Decide about the places of a server that has two; return whether to free the first one."""
    if c.reverts[jump]:
        row[SECOND], row[MOVING] = 0, 0
    if c.rests[target] == 2:
        row[SECOND], row[MOVING] = 1, 0
    elif ends or c.rests[target] == 1:
        moved = row[SECOND] or (row[MOVING] and c.well[jump])
        if not ends and moved:
            return True
        free_place(p.sizes, s.free, s.members, row, OTHER)
    return ends or rescued


@inlined
def _arrive(p: Pool, s: PlacedServers, key: np.uint64) -> int:
    """Make the next server, with its flavor, zone and group; return its place."""
    if s.counts[SPARE]:
        s.counts[SPARE] -= 1
        server = s.spare[s.counts[SPARE]]
    else:
        server = s.counts[TOP]
        s.counts[TOP] += 1
    row = s.rows[server]
    ticket = row[TICKET]
    row[:] = ABSENT
    row[TICKET], row[CURRENT], row[HAD], row[MOVING], row[SECOND] = ticket, 0, 0, 0, 0
    state = server_key(key, s.counts[NUMBER]) + _STRIDE
    row[FLAVOR] = flavor_for(p.shares, uniform(mix(state)), ABSENT)
    state += _STRIDE
    row[ZONE] = int(uniform(mix(state)) * p.zones)
    state += _STRIDE
    if uniform(mix(state)) < p.grouped:
        row[MEMBER] = s.counts[MEMBERS]
        s.counts[MEMBERS] += 1
    s.keys[server] = state + _STRIDE
    s.counts[NUMBER] += 1
    return int(server)


@compiled
def _gap(p: Pool, s: PlacedServers, other: np.uint64) -> float:
    """Return the seconds from the arrival of a server to the next one; `other` is a key."""
    number = s.counts[NUMBER]
    if number < p.first:
        return 0.0
    if p.every == math.inf:
        return math.inf
    return float(-math.log(uniform(mix(other + np.uint64(number) * _STRIDE))) * p.every)


@compiled
def _host_event(
    h: Arrays, c: RoomRules, p: Pool, s: PlacedServers, code: int, other: np.uint64
) -> None:
    """Let a host fail, or run again until it fails; or rescue its servers. `h` has the times."""
    hosts, now = s.back.shape[0], s.times[NOW]
    if code >= hosts:
        for server in range(s.counts[TOP]):
            row = s.rows[server]
            there = row[CURRENT] != ABSENT and row[HOST] == code - hosts and row[OTHER] == ABSENT
            if there and c.rescued[row[CURRENT]] != ABSENT:
                push(s.heap_times, s.heap_codes, s.counts, now, -1 - server)
        return
    begins = s.host_keys[code] == 0
    returns = s.back[code] == now and now > 0.0
    if begins:
        s.host_keys[code] = server_key(other, code + 1)
    s.host_keys[code] += _STRIDE
    fails = not begins and not returns
    time = now + sojourn_time(mix(s.host_keys[code]), 1 if fails else 0, h)
    if fails:
        s.back[code] = time
        if now + p.evacuate < time:
            push(s.heap_times, s.heap_codes, s.counts, now + p.evacuate, hosts + code)
    push(s.heap_times, s.heap_codes, s.counts, time, code)


@compiled
def move_on(
    a: Arrays, c: RoomRules, h: Arrays, p: Pool, s: PlacedServers, seen: Seen, at: int,
    key: np.uint64, other: np.uint64, until: float, horizon: float, stop: bool,
) -> bool:  # fmt: skip
    """Simulate to the time `until` and count in the row `at` of `seen`.

    `key` and `other` are keys of the seed for servers and for all else. With `stop`, the first
    creation that is refused ends the simulation. Return False if there is too little room in `s`.
    """
    hosts, kinds = s.back.shape[0], p.sizes.shape[1]
    if s.counts[NUMBER] == 0 and s.times[NOW] == 0.0 and s.counts[HEAP] == 0:
        for host in range(hosts if p.failing else 0):
            _host_event(h, c, p, s, host, other)
        s.times[ARRIVAL] = 0.0 if p.first else _gap(p, s, other)
    while True:
        if (
            (s.counts[SPARE] == 0 and s.counts[TOP] == s.rows.shape[0])
            or s.counts[HEAP] + s.counts[TOP] + hosts >= s.heap_times.shape[0]
            or s.counts[MEMBERS] + p.group >= s.members.shape[0]
        ):
            return False
        arrival = s.times[ARRIVAL]
        due = s.heap_times[0] if s.counts[HEAP] else math.inf
        time = min(arrival, due, until)
        passed = time - s.times[NOW]
        if passed > 0.0:
            for kind in range(kinds):
                seen.used[at, kind] -= passed * s.free[-1, kind]
            seen.roomed[at] += passed * s.counts[ROOMED]
            s.times[NOW] = time
        if time >= until or (stop and s.times[FULL] < math.inf):
            return True
        rescued = False
        if arrival <= due:
            server = _arrive(p, s, key)
            s.times[ARRIVAL] = arrival + _gap(p, s, other)
            jump = choose(mix(s.keys[server]), 0, np.uint64(a.thresholds.shape[1]), a)
        else:
            code = pop(s.heap_times, s.heap_codes, s.counts)
            rescued = code < 0
            if 0 <= code < 2 * hosts:
                _host_event(h, c, p, s, code, other)
                continue
            server = -1 - code if rescued else code & _LAST
            row = s.rows[server]
            if not rescued and (row[TICKET] != code >> _SLOT or row[CURRENT] == ABSENT):
                continue
            if not rescued and row[HOST] != ABSENT and s.back[row[HOST]] > time:
                push(s.heap_times, s.heap_codes, s.counts, s.back[row[HOST]], code)
                continue
            jump = c.rescued[row[CURRENT]] if rescued else row[JUMP]
        if _happen(a, c, p, s, seen, at, server, jump, rescued):
            if not rescued or s.rows[server, CURRENT] == a.targets[jump]:
                _go_on(a, c, p, s, server, time, horizon)
        else:
            _drop(s, server)
