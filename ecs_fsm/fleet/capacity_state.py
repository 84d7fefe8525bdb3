"""What the simulation of servers on hosts keeps: servers, a heap of events, hosts, and counts."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.fleet.arrays import ABSENT

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]
Keys = NDArray[np.uint64]
COLUMNS = 13
CURRENT, JUMP, FLAVOR, NEXT, HOST, OTHER, ZONE = range(7)
MEMBER, HAD, MOVING, SECOND, TICKET, DOING = range(7, COLUMNS)
"""Columns of a server: its chain state, the jump that ends it, its flavor and that of its second
place, its host and its second one, its zone; its number among servers with anti-affinity, whether
it had room before, whether a move runs, whether the second place is the one to keep, how often it
was put on the heap, the number of its operation. `ABSENT` for none."""
HEAP, SPARE, TOP, NUMBER, MEMBERS, ROOMED = range(6)
"""Counts: entries of the heap, spare places for servers, places ever used, servers that arrived,
those with anti-affinity, servers with room."""
NOW, ARRIVAL, FULL = range(3)
"""Times: now, the next arrival, the first creation that was refused."""


class Pool(NamedTuple):
    """What does not change: F flavors, R sizes.

    `sizes` (F x R) of flavors, `shares` (F) cumulated, `zones`, `weight` (1 spreads, -1 packs),
    `grouped` (the share with anti-affinity), `group` servers each, `same_host`; seconds between
    arrivals and until evacuation; `first` servers come at 0; `failing` is 1 where hosts can fail.
    """

    sizes: Integers
    shares: Reals
    zones: int
    weight: float
    grouped: float
    group: int
    same_host: int
    every: float
    evacuate: float
    first: int
    failing: int


class PlacedServers(NamedTuple):
    """What changes: servers, the heap, hosts.

    `rows` (N x `COLUMNS`), `keys` (N), `spare` (N); `heap_times`, `heap_codes`; `members` (M x 2):
    hosts of servers with anti-affinity; `free` (H + 1 x R), whose last row has what servers take,
    negative; `back` (H): when a host returns or returned; `host_keys` (H); `counts`, `times`.
    """

    rows: Integers
    keys: Keys
    spare: Integers
    heap_times: Reals
    heap_codes: Integers
    members: Integers
    free: Integers
    back: Reals
    host_keys: Keys
    counts: Integers
    times: Reals


class Seen(NamedTuple):
    """What is counted in T intervals, of F flavors, O operations, R sizes.

    `asked`, `refused` (T x F): creations; `moved`, `unmoved` (T x O): other claims, and those of
    them that were refused; `used` (T x R): size times seconds; `roomed` (T): servers times seconds.
    """

    asked: Integers
    refused: Integers
    moved: Integers
    unmoved: Integers
    used: Reals
    roomed: Reals

    def rows(self, first: int, end: int) -> Seen:
        """Return some of the intervals."""
        return Seen(
            self.asked[first:end], self.refused[first:end], self.moved[first:end],
            self.unmoved[first:end], self.used[first:end], self.roomed[first:end],
        )  # fmt: skip


def nothing_seen(rows: int, flavors: int, operations: int, sizes: int) -> Seen:
    """Return zeros."""
    asked, refused = (np.zeros((rows, flavors), np.int64) for _ in range(2))
    moved, unmoved = (np.zeros((rows, operations), np.int64) for _ in range(2))
    return Seen(asked, refused, moved, unmoved, np.zeros((rows, sizes)), np.zeros(rows))


def no_servers(sizes: Integers, hosts: int) -> PlacedServers:
    """Return a fleet without servers, on hosts of one size (R)."""
    room = 64
    return PlacedServers(
        np.zeros((room, COLUMNS), np.int64),
        np.zeros(room, np.uint64),
        np.zeros(room, np.int64),
        np.zeros(2 * (room + hosts)),
        np.zeros(2 * (room + hosts), np.int64),
        np.full((room, 2), ABSENT, np.int64),
        np.vstack([np.tile(sizes, (hosts, 1)), np.zeros((1, len(sizes)), np.int64)]),
        np.zeros(hosts),
        np.zeros(hosts, np.uint64),
        np.zeros(6, np.int64),
        np.array([0.0, 0.0, math.inf]),
    )


def with_more_room(s: PlacedServers, group: int) -> PlacedServers:
    """Return the same fleet with twice the room in what is nearly full."""
    places, entries = len(s.rows), len(s.heap_times)
    if not s.counts[SPARE] and s.counts[TOP] == places:
        rows = np.zeros((places, COLUMNS), np.int64)
        keys, spare = np.zeros(places, np.uint64), np.zeros(places, np.int64)
        s = s._replace(
            rows=np.vstack([s.rows, rows]),
            keys=np.concatenate([s.keys, keys]),
            spare=np.concatenate([s.spare, spare]),
        )
    if s.counts[HEAP] + s.counts[TOP] + len(s.back) >= entries:
        more = entries + len(s.rows)
        s = s._replace(
            heap_times=np.concatenate([s.heap_times, np.zeros(more)]),
            heap_codes=np.concatenate([s.heap_codes, np.zeros(more, np.int64)]),
        )
    if s.counts[MEMBERS] + group >= len(s.members):
        further = np.full((len(s.members) + group, 2), ABSENT, np.int64)
        s = s._replace(members=np.vstack([s.members, further]))
    return s
