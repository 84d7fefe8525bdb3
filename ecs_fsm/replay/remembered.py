"""What a follower remembers of a server, kept once for all servers that are alike.

The memory of a follower is the costs of the positions where its server can be, and where the best
way to each of them came from after the first change that is not decided. A recording has few of
them, so the memory after a row is looked up in a table that is filled as it goes. The changes that
are not decided are a chain of steps, which each server has for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ecs_fsm.replay.shares import Costs, Link, Links, Other
from ecs_fsm.replay.way import Way

Ways = tuple[Way, tuple[Other, ...]]
"""The way that explains a change, and the others with their shares."""
Weigh = Callable[[Links, Costs, int, Link, int | None], Ways]
"""Weighs the link to a target against the others."""
CostKey = tuple[tuple[int, ...], tuple[int, ...]]
"""Positions, and the cost of each."""
MemoryKey = tuple[int, ...]
"""What distinguishes memories: positions and their costs, then positions and their origins."""
MOST_UNDECIDED = 100
"""Changes that wait for a decision at most; then the best way so far is taken."""
MOST_WEIGHED = 1000
"""Answers that a step keeps at most."""


class Step:
    """From all positions where a server can be to all where the next row shows it.

    `passed` is the bin of the time between the rows. `alone` is what explains the change where the
    row leaves one position only.
    """

    __slots__ = ("_before", "_weighed", "alone", "costs", "links", "passed")

    def __init__(
        self, costs: Costs, links: Links, passed: int | None, alone: Ways | None = None
    ) -> None:
        self.costs, self.links, self.passed, self.alone = costs, links, passed, alone
        self._before: dict[CostKey, CostKey] = {}
        self._weighed: dict[tuple[CostKey, int], Ways] = {}

    def before(self, left: CostKey) -> CostKey:
        """Return the costs of what follows each origin, by those of what follows each target.

        Only their differences count, so the least is 0.
        """
        found = self._before.get(left)
        if found is None:
            costs: Costs = {}
            after = dict(zip(*left, strict=True))
            for target, links in self.links.items():
                if target in after:
                    for link in links:
                        cost = link.own + after[target]
                        costs[link.origin] = min(costs.get(link.origin, cost), cost)
            if len(self._before) > MOST_WEIGHED:
                self._before.clear()
            found = self._before[left] = _from_zero(costs)
        return found

    def weighed(self, left: CostKey, position: int, weigh: Weigh) -> Ways:
        """Return what explains the change by the best way to a position, if this is left to do."""
        found = self._weighed.get((left, position))
        if found is None:
            if len(self._weighed) > MOST_WEIGHED:
                self._weighed.clear()
            link = self.links[position][0]
            after = dict(zip(*left, strict=True))
            found = weigh(self.links, after, position, link, self.passed)
            self._weighed[left, position] = found
        return found


class Followed:
    """The positions where a server can be by their costs.

    `origins` has, for each of them, where the best way to it was after the first change that is not
    decided; it is empty where all are. `ended` says whether nothing can follow, `varied` whether
    how long the server stayed tells something about where it is. `moves` are those that are known,
    by row and bins of time.
    """

    __slots__ = ("costs", "ended", "moves", "origins", "varied")

    def __init__(self, costs: Costs, origins: Costs, *, ended: bool, varied: bool) -> None:
        self.costs, self.origins = costs, origins
        self.ended, self.varied = ended, varied
        self.moves: dict[tuple[int, int | None, int | None], Move] = {}


class Move(NamedTuple):
    """From one memory to the next.

    `memory` is None where nothing explains the row. `ways` explains a change that is decided at
    once; otherwise `step` is one more that is not, and with `settles` the first of them are decided
    now. `shown` is what the row shows; it is kept, so that nothing else has its identity.
    """

    memory: Followed | None
    shown: Mapping[str, str | None]
    ways: Ways | None = None
    step: Step | None = None
    settles: bool = False


class Settlement(NamedTuple):
    """What explains the first of the open changes, and the memory after it."""

    ways: tuple[Ways, ...]
    memory: Followed


def origins(undecided: Sequence[Step], costs: Costs) -> Costs:
    """Return for each present position where the best way to it was after the first change."""
    found = {}
    for position in costs if undecided else ():
        here = position
        for step in reversed(undecided[1:]):
            here = step.links[here][0].origin
        found[position] = here
    return found


def settled(undecided: Sequence[Step], costs: Costs) -> tuple[int, int] | None:
    """Return how many changes are decided, and the position after them, or None.

    They are decided as soon as the best ways to all present positions agree on a position.
    """
    # Why no later row can change them: the first link of a position is the last one of the best way
    # to it, and what can follow a position does not depend on how it was reached. Every later row
    # extends a way to one of `costs`. If the best ways to all of these come through one position,
    # so does the best way of any extension, and its part up to there stays the same.
    positions = set(costs)
    for count in range(len(undecided), 0, -1):
        if len(positions) == 1:
            return count, positions.pop()
        links = undecided[count - 1].links
        positions = {links[position][0].origin for position in positions}
    return None


def decided(
    undecided: Sequence[Step], costs: Costs, count: int, position: int, weigh: Weigh
) -> tuple[Ways, ...]:
    """Return what explains the first `count` changes: the best way to `position`."""
    left: CostKey = tuple(costs), (0,) * len(costs)
    ahead = [left]
    for step in reversed(undecided):
        left = step.before(left)
        ahead.append(left)
    ahead.reverse()
    found: list[Ways] = []
    for n in range(count - 1, -1, -1):
        step = undecided[n]
        found.append(step.weighed(ahead[n + 1], position, weigh))
        position = step.links[position][0].origin
    return tuple(reversed(found))


def _from_zero(costs: Costs) -> CostKey:
    least = min(costs.values(), default=0)
    return tuple(costs), tuple(cost - least for cost in costs.values())
