"""The ways that explain one change, weighed against each other."""

from __future__ import annotations

import math
from typing import NamedTuple

from ecs_fsm.replay.likelihood import NAT
from ecs_fsm.replay.positions import WINDOW, PositionLinks
from ecs_fsm.replay.way import Way

MOST_LINKS = 8
"""Pairs of positions between which other ways are looked for at most."""


class Other(NamedTuple):
    """Other events that explain a change as well, with their share of its probability."""

    events: tuple[str, ...]
    share: float


Costs = dict[int, int]


class Link(NamedTuple):
    """A way to a position from the one before: the cost of all so far, its origin, its own cost."""

    cost: int
    origin: int
    own: int


Links = dict[int, tuple[Link, ...]]


class Weighed(NamedTuple):
    """The way that is named, and the others with their shares, the likeliest first."""

    way: Way
    others: tuple[Other, ...]


def weighed(
    positions: PositionLinks,
    links: Links,
    left: Costs,
    best: tuple[int, Link],
    passed: int | None,
) -> Weighed:
    """Return the likeliest way of the best link, and what else explains the change.

    `links` are all links of the change, by target; `left` is the cost of what follows each target.
    """
    totals = sorted(
        (link.cost + left[there], link, there)
        for there, several in links.items()
        if there in left
        for link in several
    )
    least = totals[0][0]
    target, best_link = best
    weights: dict[tuple[str, ...], float] = {}
    own: dict[tuple[str, ...], tuple[float, Way]] = {}
    for total, link, there in totals[:MOST_LINKS]:
        if total > least + WINDOW:
            break
        ways = positions.ways(link.origin, there, passed)
        for way in ways:
            weight = math.exp((least - total + ways[0].cost - way.cost) / NAT)
            weights[way.events] = weights.get(way.events, 0.0) + weight
            if (link.origin, there) == (best_link.origin, target):
                before, first = own.get(way.events, (0.0, way))
                own[way.events] = before + weight, first
    if own:
        shown = positions.observables.seen_to_the_end
        way = max(own.values(), key=lambda one: (shown(one[1].events), one[0]))[1]
    else:
        way = positions.ways(best_link.origin, target, passed)[0]
    return Weighed(way, _others(way, weights))


def _others(way: Way, weights: dict[tuple[str, ...], float]) -> tuple[Other, ...]:
    total = sum(weights.values())
    ordered = sorted(weights.items(), key=lambda item: -item[1])
    return tuple(Other(events, w / total) for events, w in ordered if events != way.events)
