"""What a server's changes mean for hosts, and what the simulation of servers on hosts keeps.

Which jumps take room and which free it are words of `occupancy.toml`; here they become arrays
beside those of the process. What is kept are servers, a heap of events, hosts, and counts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.core.errors import Refused
from ecs_fsm.core.model import Kind, State
from ecs_fsm.fleet.arrays import ABSENT, CompiledProfile
from ecs_fsm.io.toml import shipped
from ecs_fsm.profiles.loader import changed
from ecs_fsm.profiles.process import Activity, ChainState
from ecs_fsm.profiles.profile import Profile

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]
Keys = NDArray[np.uint64]
SELDOM = 1e-12
"""The share of a request that is never drawn, and that makes its steps a part of the process."""
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


class Need(IntEnum):
    """What a chain state means for the room of a server that enters it."""

    TAKES = 0
    KEEPS = 1
    FREES = 2


class Second(IntEnum):
    """What a jump means for a second place: none, the same flavor elsewhere, another flavor."""

    NONE = 0
    MOVES = 1
    RESIZES = 2


class RoomRules(NamedTuple):
    """The rules for P chain states and J jumps.

    `needs` (P) are values of `Need`; `rests` (P) is 1 where nothing runs, 2 where both places are
    held until an answer; `undone` (P) is the chain state to which a server goes from here if it
    finds no host, `rescued` (P) the jump by which it leaves a host that failed, `ABSENT` for none.
    `moves` (J) are values of `Second`; `well` (J) is 1 for progress, `reverts` (J) for a request
    that keeps the first place; `operations` (J) is the number of the operation that begins,
    `ABSENT` for none.
    """

    needs: Integers
    rests: Integers
    undone: Integers
    rescued: Integers
    moves: Integers
    well: Integers
    reverts: Integers
    operations: Integers


@cache
def _words() -> Mapping[str, list[str]]:
    written = shipped("ecs_fsm.fleet", "occupancy.toml")
    return {k: [v] if isinstance(v, str) else v for k, v in written.items()}


def with_rescues(profile: Profile) -> Profile:
    """Return a profile whose process has the steps of servers that leave a host that failed."""
    lifecycle, changes = profile.lifecycle, []
    for name in _words()["evacuation"]:
        for state, requests in profile.requests.items():
            if (
                name in lifecycle.triggers
                and lifecycle.find(name, state)
                and name not in requests.mix
            ):
                shares = ", ".join(f'"{n}" = {s!r}' for n, s in requests.mix.items())
                changes.append(f'requests."{state}".mix={{ {shares}, "{name}" = {SELDOM!r} }}')
    return changed(profile, changes) if changes else profile


def room_rules(compiled: CompiledProfile, names: Sequence[str]) -> RoomRules:
    """Return the rules for a process; `names` are its operations, by number."""
    words, lifecycle = _words(), compiled.profile.lifecycle
    numbers = {sojourn.at: n for n, sojourn in enumerate(compiled.sojourns)}
    needs, rests, undone, rescued = ([ABSENT] * len(numbers) for _ in range(4))
    for n, sojourn in enumerate(compiled.sojourns):
        node = sojourn.at.node
        if node is None:
            needs[n], rests[n] = Need.KEEPS, 0
            continue
        state = node.state
        freed = words["frees_words" if state.one_word else "frees"]
        needs[n] = (
            Need.FREES if state.gone or _among(state, freed)
            else Need.KEEPS if _among(state, words["keeps"]) else Need.TAKES
        )  # fmt: skip
        resting = sojourn.activity in (Activity.RESTS, Activity.ENDS)
        rests[n] = 0 if not resting else 2 if _among(state, words["answer"]) else 1
        for name in words["refused"]:
            if needs[n] == Need.FREES and name in lifecycle.triggers:
                with suppress(Refused):
                    back = ChainState(lifecycle.outcome(name, node).end)
                    undone[n] = numbers.get(back, ABSENT)
    moves, well, reverts, operations = ([0] * len(compiled.jumps) for _ in range(4))
    origins = [n for n, sojourn in enumerate(compiled.sojourns) for _ in sojourn.jumps]
    for n, jump in enumerate(compiled.jumps):
        kind = None if jump.event is None else lifecycle.triggers[jump.event].kind
        well[n] = int(kind is Kind.PROGRESS)
        operations[n] = ABSENT if jump.requested is None else names.index(jump.requested)
        if jump.requested is None or jump.event != jump.requested:
            continue
        if jump.requested in words["moves"]:
            moves[n] = Second.RESIZES if jump.requested in words["resizes"] else Second.MOVES
        reverts[n] = int(jump.requested in words["reverts"])
        if jump.requested in words["evacuation"] and rescued[origins[n]] == ABSENT:
            rescued[origins[n]] = n
    columns = (needs, rests, undone, rescued, moves, well, reverts, operations)
    return RoomRules(*(np.array(column, np.int64) for column in columns))


def _among(state: State, words: Sequence[str]) -> bool:
    return str(state) in words or str(state.vm_state) in words


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
    negative; `back` (H): when a host returns or returned; `host_keys` (H); `counts`, `times`. Room
    for a choice of hosts: `able` (H), and the range of free room in `low` and `high` (R).
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
    able: Integers
    low: Integers
    high: Integers


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
        np.zeros(hosts, np.int64),
        *np.zeros((2, len(sizes)), np.int64),
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
