"""Explain observed changes by the events that cause them.

A recording is followed through all positions (`ecs_fsm.replay.positions`) that it allows at once.
As soon as every way through it agrees on where the server was, the changes up to there are
explained by the best of the ways, by the costs of the state graph: fewest events, then the advance
of a running step before its other ends, before requests, before what the system does on its own.
Each server of a recording is followed on its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ecs_fsm.core.graph import EVENT_COST
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, State
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.positions import Link, Observable, PositionLinks

UNFINISHED_COST = 10_000
BEGUN_BEFORE_COST = 100 * EVENT_COST
MOST_UNDECIDED = 100
"""Changes that wait for a decision at most; then the best way so far is taken."""
MOST_REMEMBERED = 10_000
"""Steps from one set of positions to the next that are kept at most."""


class Explanation(NamedTuple):
    """An observed change and the events that cause it.

    `events` is empty where an event goes on, None where nothing explains the change; `reason` says
    why then. `facts` are those that decided the events, `others` single events that explain the
    change as well. `of` is the operation whose step makes a late write.
    A change that is not `settled` could be explained otherwise by later rows.
    """

    before: Observation | None
    after: Observation
    events: tuple[str, ...] | None
    facts: Facts = ()
    others: tuple[str, ...] = ()
    reason: str | None = None
    of: str | None = None
    settled: bool = True


Costs = dict[Observable, int]
Links = dict[Observable, list[Link]]


class _Step(NamedTuple):
    """From all positions where a server can be to all where the next row shows it.

    `alone` is the link to explain it by where the row leaves one position only.
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
        self._positions = PositionLinks(lifecycle, sampled=sampled)
        self._starts: dict[str, Costs] = {}
        self._steps: dict[tuple[tuple[tuple[Observable, int], ...], str], _Step] = {}

    def explain(self, recording: Iterable[Observation]) -> Iterator[Explanation]:
        """One explanation per observed change, as soon as it is decided.

        Those of one server come in order. A server with a name is forgotten at the end of its
        life; what has the same name later is another server.
        """
        followed: dict[str | None, Follower] = {}
        for row in recording:
            if not row.shown:
                continue
            follower = followed.get(row.server)
            if follower is None:
                follower = followed[row.server] = Follower(self)
            yield from follower.feed(row)
            if row.server is not None and follower.ended:
                yield from followed.pop(row.server).finish()
        for follower in followed.values():
            yield from follower.finish()

    def start(self, row: Observation) -> Costs:
        """All positions where a server can be whose first row this is."""
        if str(row) not in self._starts:
            self._starts[str(row)] = {
                position: BEGUN_BEFORE_COST if position.ahead else 0
                for position in self._positions.starts
                if row.fits(position.state)
            }
        return self._starts[str(row)]

    def step(self, costs: Costs, row: Observation) -> _Step:
        """From the positions of `costs` to those where the row shows the server."""
        key = tuple(costs.items()), str(row)
        if key not in self._steps:
            if len(self._steps) > MOST_REMEMBERED:
                self._steps.clear()
            links: Links = {}
            for origin, cost in costs.items():
                for target, link in self._positions.reach(origin).items():
                    if row.fits(target.state):
                        total = link._replace(cost=cost + link.cost)
                        links.setdefault(target, []).append(total)
            for ways in links.values():
                ways.sort(key=lambda link: link.cost)
            least = min((ways[0].cost for ways in links.values()), default=0)
            alone = None
            if len(links) == 1:
                (ways,) = links.values()
                alone = ways[0]._replace(others=_single(ways[0], ways))
            after = {position: ways[0].cost - least for position, ways in links.items()}
            self._steps[key] = _Step(after, links, alone)
        return self._steps[key]

    def operations(self, step: State) -> tuple[str, ...]:
        """Return the operations that `step` can be a step of; events of the system come last."""
        return self._positions.operations(step)

    def ended(self, costs: Costs) -> bool:
        """Whether a server has nothing before it, wherever of these positions it is."""
        return bool(costs) and all(map(self._positions.is_end, costs))

    def reason(self, before: Observation, row: Observation, costs: Costs) -> str:
        """Why nothing explains that the row comes next."""
        if not costs:
            return f"nothing is known to follow {before}"
        if self._positions.sampled:
            return f"no events lead from {before} to {row}"
        ahead = dict.fromkeys(position.ahead[0].state for position in costs if position.ahead)
        if all(position.ahead for position in costs):
            return f"the event under way enters {' or '.join(ahead)} next, not {row}"
        nexts = dict.fromkeys(p.state for here in costs for p in self._positions.reach(here))
        return f"no event leads from {before} to {row}, only to {', '.join(nexts) or 'nothing'}"


class Follower:
    """Explains the changes of one server, fed row by row; a row equal to the one before is none."""

    __slots__ = ("_before", "_costs", "_happened", "_replay", "_undecided")

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._before: Observation | None = None
        self._costs: Costs = {}
        self._undecided: list[_Undecided] = []
        self._happened: deque[str] = deque(maxlen=MOST_UNDECIDED)

    @property
    def ended(self) -> bool:
        """Whether the server's life has come to its end, so that no change can follow."""
        return self._replay.ended(self._costs)

    def feed(self, row: Observation) -> Sequence[Explanation]:
        """What is decided by the next row of the server."""
        before = self._before
        if before is None:
            self._before, self._costs = row, self._replay.start(row)
            return [Explanation(None, row, None, reason=row.wrong)] if row.wrong else ()
        if row.shown == before.shown:
            return ()
        self._before = row
        step = self._replay.step(self._costs, row) if self._costs and not row.wrong else None
        if step is None or not step.links:
            return self._unexplained(before, row)
        self._costs = step.costs
        if step.alone and not self._undecided:
            link = step.alone
            return (self._explained(before, row, link, link.others),)
        self._undecided.append(_Undecided(before, row, step.links))
        return self._settle()

    def finish(self) -> Sequence[Explanation]:
        """What is left, by the best way so far: no row follows."""
        if not self._undecided:
            return ()
        told = self._decide(len(self._undecided), _best(self._costs))
        return [explanation._replace(settled=False) for explanation in told]

    def _unexplained(self, before: Observation, row: Observation) -> Sequence[Explanation]:
        reason = row.wrong or self._replay.reason(before, row, self._costs)
        decided = [explanation._replace(settled=True) for explanation in self.finish()]
        self._costs = self._replay.start(row)
        return [*decided, Explanation(before, row, None, reason=reason)]

    def _settle(self) -> Sequence[Explanation]:
        settled = _settled(self._undecided, self._costs)
        if settled is None and len(self._undecided) > MOST_UNDECIDED:
            best = _best(self._costs)
            self._costs, settled = {best: 0}, (len(self._undecided), best)
        return self._decide(*settled) if settled else ()

    def _decide(self, count: int, position: Observable) -> list[Explanation]:
        """Explain the first `count` changes by the best way to `position`, and remove them."""
        decided = _decide(self._undecided, self._costs, count, position)
        explained = [
            self._explained(change.before, change.after, link, others)
            for change, (link, others) in zip(self._undecided, decided, strict=False)
        ]
        del self._undecided[:count]
        return explained

    def _explained(
        self, before: Observation, after: Observation, link: Link, others: tuple[str, ...]
    ) -> Explanation:
        of = None
        if link.replaced is not None:
            could_be = self._replay.operations(link.replaced)
            seen = (event for event in reversed(self._happened) if event in could_be)
            of = next(seen, next(iter(could_be), None))
        self._happened.extend(link.events)
        return Explanation(before, after, link.events, link.facts, others, of=of)


def _best(costs: Costs) -> Observable:
    return min(costs, key=lambda position: costs[position] + UNFINISHED_COST * bool(position.ahead))


def _settled(undecided: list[_Undecided], costs: Costs) -> tuple[int, Observable] | None:
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


def _decide(
    undecided: list[_Undecided], costs: Costs, count: int, position: Observable
) -> list[tuple[Link, tuple[str, ...]]]:
    """Return the link and the other single events of each of the first `count` changes.

    They are those of the best way to `position`.
    """
    alive = set(costs)
    alternatives: list[list[Link]] = []
    for change in reversed(undecided):
        links = [
            link for target in change.links if target in alive for link in change.links[target]
        ]
        alternatives.append(links)
        alive = {link.origin for link in links}
    alternatives.reverse()
    decided = []
    for change, others in reversed(list(zip(undecided[:count], alternatives, strict=False))):
        link = change.links[position][0]
        decided.append((link, _single(link, others)))
        position = link.origin
    decided.reverse()
    return decided


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
