"""What a follower remembers of a server, kept once for all servers that are alike.

The memory of a follower is the costs of the positions where its server can be, and the links of the
changes that are not decided. A recording has few of them, so the memory after a row is looked up in
a table that is filled as it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ecs_fsm.replay.positions import Way
from ecs_fsm.replay.shares import Costs, Link, Links, Other

Ways = tuple[Way, tuple[Other, ...]]
"""The way that explains a change, and the others with their shares."""
Weigh = Callable[[Links, Costs, int, Link, int | None], Ways]
"""Weighs the link to a target against the others."""


MemoryKey = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int | None], ...]]
"""What distinguishes memories: costs by position, and the open changes."""


class Step(NamedTuple):
    """From all positions where a server can be to all where the next row shows it.

    `alone` are the links to explain it by where the row leaves one position only.
    """

    costs: Costs
    links: Links
    alone: Ways | None


class Open(NamedTuple):
    """A change that is not decided: its links by target, and the bin of the time that passed."""

    links: Links
    passed: int | None


class Followed:
    """The positions where a server can be by their costs, and its changes that are not decided.

    `ended` says whether nothing can follow, `varied` whether how long the server stayed tells
    something about where it is. `moves` are those that are known, by row and bins of time.
    """

    __slots__ = ("costs", "ended", "moves", "undecided", "varied")

    def __init__(
        self, costs: Costs, undecided: tuple[Open, ...], *, ended: bool, varied: bool
    ) -> None:
        self.costs, self.undecided = costs, undecided
        self.ended, self.varied = ended, varied
        self.moves: dict[tuple[int, int | None, int | None], Move] = {}


class Move(NamedTuple):
    """From one memory to the next: the first of the changes are decided, by the ways `told`.

    `memory` is None where nothing explains the row. `shown` is what the row shows; it is kept, so
    that nothing else has its identity.
    """

    memory: Followed | None
    told: tuple[Ways, ...]
    shown: Mapping[str, str | None]


def settled(undecided: Sequence[Open], costs: Costs) -> tuple[int, int] | None:
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
    undecided: Sequence[Open], costs: Costs, count: int, position: int, weigh: Weigh
) -> tuple[Ways, ...]:
    """Return what explains the first `count` changes: the best way to `position`."""
    left: Costs = dict.fromkeys(costs, 0)
    ahead = [left]
    for change in reversed(undecided):
        before: Costs = {}
        for target, links in change.links.items():
            if target in left:
                for link in links:
                    cost = link.own + left[target]
                    before[link.origin] = min(before.get(link.origin, cost), cost)
        left = before
        ahead.append(left)
    ahead.reverse()
    found: list[Ways] = []
    for n in range(count - 1, -1, -1):
        change = undecided[n]
        link = change.links[position][0]
        found.append(weigh(change.links, ahead[n + 1], position, link, change.passed))
        position = link.origin
    return tuple(reversed(found))
