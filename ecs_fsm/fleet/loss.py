"""Exact answers for servers that find no room, or wait: Erlang's formulas and their relatives.

They hold for Poisson arrivals. Losses depend on the mean of the holding time only, whatever its
distribution. Sources: Erlang (1917); Kaufman (1981), IEEE Trans. Commun. 29, 1474, and Roberts
(1981) for flavors of several sizes, over several resources Ross (1995), Multiservice Loss Models,
chapter 2; Pollaczek (1930) and Khinchine (1932) for waits with one place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from ecs_fsm.fleet.arrays import CompiledProfile
from ecs_fsm.fleet.machine_code import MachineCode
from ecs_fsm.fleet.occupancy import Need, RoomRules
from ecs_fsm.profiles.process import FINAL

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]
STAGES = BEFORE, HOLDS, AWAY, AGAIN = tuple(range(4))
"""Whether a server had no room yet, has its first room, gave it up, or has room again."""
MOST_CELLS = 4_000_000
"""Cells of the recursion: combinations of what can be in use of each resource."""
NEGLECTED = 1e-9
"""Times in a life below which something does not happen."""
_recursion = MachineCode("ecs_fsm.fleet.placing", "recursion")


class Holding(NamedTuple):
    """How long a server has room: mean `seconds` of a life (infinite if for good); its `jumps`.

    `again` says that it may claim room a second time, `moves` that it may claim a second place.
    """

    seconds: float
    jumps: float
    again: bool
    moves: bool


def holding(compiled: CompiledProfile, claims: RoomRules) -> Holding:
    """Return how long a server has room, from the process and the rules for its claims.

    The chain is that of `exact`, with what a server holds beside each state; the mean number of
    visits follows from its fundamental matrix.
    """
    sojourns, size = compiled.sojourns, len(STAGES) * len(compiled.sojourns)
    origins = [n for n, sojourn in enumerate(sojourns) for _ in sojourn.jumps]
    entries: list[tuple[int, int, float]] = []
    again, moves = [], []
    for number, (origin, jump) in enumerate(zip(origins, compiled.jumps, strict=True)):
        target = int(compiled.arrays.targets[number])
        takes, frees = (claims.needs[target] == need for need in (Need.TAKES, Need.FREES))
        then = {
            BEFORE: HOLDS if takes else BEFORE,
            HOLDS: AWAY if frees else HOLDS,
            AWAY: AGAIN if takes else AWAY,
            AGAIN: AWAY if frees else AGAIN,
        }
        at = len(STAGES) * origin
        entries += [
            (at + stage, len(STAGES) * target + then[stage], jump.probability) for stage in STAGES
        ]
        if takes:
            again.append((at + AWAY, jump.probability))
        if claims.moves[number]:
            moves += [(at + stage, jump.probability) for stage in (HOLDS, AGAIN)]
    if not compiled.absorbing:
        return Holding(math.inf, math.inf, again=True, moves=bool(moves))
    rows, columns, chances = zip(*entries, strict=True)
    within = sparse.csc_array((chances, (columns, rows)), (size, size))
    begin = np.zeros(size)
    begin[BEFORE] = 1.0
    visits = splu(sparse.eye_array(size, format="csc") - within).solve(begin)
    final = np.array([sojourn.activity in FINAL for sojourn in sojourns])
    held = visits[HOLDS :: len(STAGES)] + visits[AGAIN :: len(STAGES)]
    means = np.array([0.0 if f else s.time.mean for s, f in zip(sojourns, final, strict=True)])
    seconds = math.inf if held[final].sum() > NEGLECTED else float(held @ means)

    def often(found: list[tuple[int, float]]) -> bool:
        return sum(float(visits[at]) * chance for at, chance in found) > NEGLECTED

    return Holding(seconds, float(visits.sum()), again=often(again), moves=often(moves))


def erlang_b(load: float, places: int) -> float:
    """Return the share of arrivals that find all places taken, for an offered load in Erlang."""
    lost = 1.0
    for n in range(1, places + 1):
        lost = load * lost / (n + load * lost)
    return lost


def erlang_c_wait(rate: float, service: float, places: int) -> float:
    """Return the mean wait in M/M/c: arrivals at a rate, exponential times with a mean."""
    load = rate * service
    if load >= places:
        return math.inf
    lost = erlang_b(load, places)
    waits = lost * places / (places - load * (1 - lost))
    return waits * service / (places - load)


def one_place_wait(rate: float, service: float, square: float) -> float:
    """Return the mean wait in M/G/1, for mean and mean square of the times."""
    used = rate * service
    return rate * square / (2 * (1 - used)) if used < 1 else math.inf


def pool_loss(
    loads: Sequence[float], sizes: Sequence[Sequence[int]], capacity: Sequence[int]
) -> list[float] | None:
    """Return the share of arrivals of each flavor that one pool refuses, None if it is too large.

    `loads` (F) in Erlang, `sizes` (F x R) and `capacity` (R) in whole numbers.
    """
    kept = _binding(sizes, capacity)
    demands = [tuple(size[r] for r in kept) for size in sizes]
    most = [capacity[r] for r in kept]
    kinds = list(dict.fromkeys(demands))
    if len(kinds) == 1:
        places = min(room // size for size, room in zip(kinds[0], most, strict=True) if size)
        return [erlang_b(sum(loads), places)] * len(loads)
    units = [math.gcd(*(kind[r] for kind in kinds)) for r in range(len(kept))]
    cells = [room // unit + 1 for room, unit in zip(most, units, strict=True)]
    if math.prod(cells) > MOST_CELLS:
        return None
    small = np.array([[size // u for size, u in zip(k, units, strict=True)] for k in kinds])
    together = np.zeros(len(kinds))
    for load, demand in zip(loads, demands, strict=True):
        together[kinds.index(demand)] += load
    back = [sum(int(n) * math.prod(cells[r + 1 :]) for r, n in enumerate(k)) for k in small]
    weights, used = np.zeros(cells), np.zeros(len(cells), np.int64)
    _recursion(together, small, np.array(back), np.array(cells), weights.reshape(-1), used)
    whole = float(weights.sum())
    able = [weights[tuple(slice(c - s) for c, s in zip(cells, k, strict=True))] for k in small]
    return [float(max(1 - able[kinds.index(d)].sum() / whole, 0.0)) for d in demands]


def _binding(sizes: Sequence[Sequence[int]], capacity: Sequence[int]) -> list[int]:
    """Return the resources that can be the first to run out.

    One is left out if each flavor takes as large a part of another one, or a larger one.
    """
    kept = [r for r in range(len(capacity)) if any(size[r] for size in sizes)]
    for one in list(kept):
        for other in kept:
            if other != one and all(
                size[one] * capacity[other] <= size[other] * capacity[one] for size in sizes
            ):
                kept.remove(one)
                break
    return kept
