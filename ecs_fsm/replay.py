"""Explains observed changes by the events that cause them.

A recording is followed through all places (`ecs_fsm.places`) that it allows at once; as soon as
every way through it agrees on where the server was, the changes up to there are explained by the
best of the ways: fewest events, then progress before what else can become of a step, before
requests, before what the system does unasked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ecs_fsm.lifecycle import Lifecycle
from ecs_fsm.model import Facts
from ecs_fsm.observations import Observation
from ecs_fsm.places import EVENT_COST, Link, Place, Ways

UNFINISHED_COST = 10_000
BEGUN_BEFORE_COST = 100 * EVENT_COST
MOST_UNDECIDED = 100
"""Changes that wait for a decision at most; then the best way so far is taken."""
MOST_REMEMBERED = 10_000
"""Steps from one set of places to the next that are kept at most."""


class Explanation(NamedTuple):
    """An observed change and the events that cause it.

    `events` is empty where an event goes on, None where nothing explains the change; `reason` says
    why then. `facts` are those that decided the events, `others` single events that explain the
    change as well.
    """

    before: Observation | None
    after: Observation
    events: tuple[str, ...] | None
    facts: Facts = ()
    others: tuple[str, ...] = ()
    reason: str | None = None


Costs = dict[Place, int]
Links = dict[Place, list[Link]]


class _Step(NamedTuple):
    """From all places where a server can be to all where the next row shows it.

    `alone` is the link to explain it by where the row leaves one place only.
    """

    costs: Costs
    links: Links
    alone: Link | None


class _Undecided(NamedTuple):
    before: Observation
    after: Observation
    links: Links


class Replay:
    """Explains the changes of one recording after another.

    With `sampled` the observer may have missed states between two rows: the shortest sequence of
    events that leads from one to the next explains the change.
    """

    def __init__(self, lifecycle: Lifecycle, *, sampled: bool = False) -> None:
        self._ways = Ways(lifecycle, sampled=sampled)
        self._steps: dict[tuple[tuple[tuple[Place, int], ...], str], _Step] = {}

    def explain(self, recording: Iterable[Observation]) -> Iterator[Explanation]:
        """One explanation per observed change, in order; a row equal to the one before is none."""
        before: Observation | None = None
        costs: Costs = {}
        undecided: list[_Undecided] = []
        for row in recording:
            if before is not None and row.shown == before.shown:
                continue
            step = self._step(costs, row) if costs and not row.wrong else None
            if before is not None and step and step.alone and not undecided:
                link = step.alone
                yield Explanation(before, row, link.events, link.facts, link.others)
                costs = step.costs
            elif before is not None and step and step.links:
                undecided.append(_Undecided(before, row, step.links))
                costs = step.costs
                settled = _settled(undecided, costs)
                if settled is None and len(undecided) > MOST_UNDECIDED:
                    best = _best(costs)
                    costs, settled = {best: 0}, (len(undecided), best)
                if settled:
                    yield from _decide(undecided, costs, *settled)
            else:
                yield from self._unexplained(before, row, costs, undecided)
                costs = self._start(row)
            before = row
        if undecided:
            yield from _decide(undecided, costs, len(undecided), _best(costs))

    def _unexplained(
        self,
        before: Observation | None,
        row: Observation,
        costs: Costs,
        undecided: list[_Undecided],
    ) -> Iterator[Explanation]:
        if undecided:
            yield from _decide(undecided, costs, len(undecided), _best(costs))
        if before is not None or row.wrong:
            reason = row.wrong or self._reason(before, row, costs)
            yield Explanation(before, row, None, reason=reason)

    def _start(self, row: Observation) -> Costs:
        return {
            place: BEGUN_BEFORE_COST if place.ahead else 0
            for place in self._ways.starts
            if _shows(place, row)
        }

    def _step(self, costs: Costs, row: Observation) -> _Step:
        key = tuple(costs.items()), str(row)
        if key not in self._steps:
            if len(self._steps) > MOST_REMEMBERED:
                self._steps.clear()
            links: Links = {}
            for origin, cost in costs.items():
                for target, link in self._ways.reach(origin).items():
                    if _shows(target, row):
                        total = link._replace(cost=cost + link.cost)
                        links.setdefault(target, []).append(total)
            for ways in links.values():
                ways.sort(key=lambda link: link.cost)
            least = min((ways[0].cost for ways in links.values()), default=0)
            alone = None
            if len(links) == 1:
                (ways,) = links.values()
                alone = ways[0]._replace(others=_single(ways[0], ways))
            after = {place: ways[0].cost - least for place, ways in links.items()}
            self._steps[key] = _Step(after, links, alone)
        return self._steps[key]

    def _reason(self, before: Observation | None, row: Observation, costs: Costs) -> str:
        if not costs:
            return f"nothing is known to follow {before}"
        if self._ways.sampled:
            return f"no events lead from {before} to {row}"
        ahead = dict.fromkeys(place.ahead[0].state for place in costs if place.ahead)
        if all(place.ahead for place in costs):
            return f"the event under way enters {' or '.join(ahead)} next, not {row}"
        nexts = dict.fromkeys(target.state for place in costs for target in self._ways.reach(place))
        return f"no event leads from {before} to {row}, only to {', '.join(nexts) or 'nothing'}"


def _shows(place: Place, row: Observation) -> bool:
    if "vm_state" in row.shown:
        return row.state == place.state
    return row.shown["status"] == place.state.status


def _best(costs: Costs) -> Place:
    return min(costs, key=lambda place: costs[place] + UNFINISHED_COST * bool(place.ahead))


def _settled(undecided: list[_Undecided], costs: Costs) -> tuple[int, Place] | None:
    """How many changes are decided because all best ways agree on the place after them."""
    places = set(costs)
    for count in range(len(undecided), 0, -1):
        if len(places) == 1:
            return count, places.pop()
        links = undecided[count - 1].links
        places = {links[place][0].origin for place in places}
    return None


def _decide(
    undecided: list[_Undecided], costs: Costs, count: int, place: Place
) -> Iterator[Explanation]:
    """Explain the first `count` changes by the best way to `place`, and take them off the list."""
    alive = set(costs)
    alternatives: list[list[Link]] = []
    for change in reversed(undecided):
        links = [
            link for target in change.links if target in alive for link in change.links[target]
        ]
        alternatives.append(links)
        alive = {link.origin for link in links}
    alternatives.reverse()
    explained = []
    for change, others in reversed(list(zip(undecided[:count], alternatives, strict=False))):
        link = change.links[place][0]
        explained.append(
            Explanation(change.before, change.after, link.events, link.facts, _single(link, others))
        )
        place = link.origin
    del undecided[:count]
    yield from reversed(explained)


def _single(chosen: Link, links: list[Link]) -> tuple[str, ...]:
    """The other single events, in their order, where a single event was chosen."""
    if len(chosen.events) != 1:
        return ()
    singles = [
        event
        for link in [chosen, *sorted(links, key=lambda link: link.cost)]
        if len(link.events) == 1
        for event in (*link.events, *link.others)
    ]
    return tuple(dict.fromkeys(event for event in singles if event not in chosen.events))
