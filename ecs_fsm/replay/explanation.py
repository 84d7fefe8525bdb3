"""Explain observed changes by the events that cause them.

A recording is followed through all positions (`ecs_fsm.replay.positions`) that it allows at once.
As soon as every way through it agrees on where the server was, the changes up to there are
explained by the likeliest of the ways, by the costs of `ecs_fsm.replay.likelihood`. Each server of
a recording is followed on its own.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from typing import NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.changes import Explanation, Standing
from ecs_fsm.replay.likelihood import NAT, Likelihood, bin_of
from ecs_fsm.replay.positions import PositionLinks, Way, kept
from ecs_fsm.replay.shares import Costs, Link, Links, Other, weighed

UNFINISHED_COST = NAT // 100
BEGUN_BEFORE_COST = 100 * NAT
MOST_UNDECIDED = 100
"""Changes that wait for a decision at most; then the best way so far is taken."""
MOST_REMEMBERED = 10_000
"""Steps from one set of positions to the next that are kept at most."""
LEAST_SHARE = 0.01
"""The share below which another way is left out."""


class _Step(NamedTuple):
    """From all positions where a server can be to all where the next row shows it.

    `alone` are the links to explain it by where the row leaves one position only.
    """

    costs: Costs
    links: Links
    alone: tuple[Way, tuple[Other, ...]] | None


class _Undecided(NamedTuple):
    before: Observation
    after: Observation
    links: Links
    passed: int | None


class Replay:
    """Explains the changes of one recording after another.

    With `sampled` the observer may have missed states between two rows: the likeliest sequence of
    events that leads from one to the next explains the change, by the `profile` (by default, the
    built-in one). Other ways are named from a share of one in a hundred on, or with `all_ways` all.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        *,
        sampled: bool = False,
        profile: Profile | None = None,
        all_ways: bool = False,
    ) -> None:
        self.lifecycle = lifecycle
        self.likelihood = Likelihood(lifecycle, profile)
        self.sampled = sampled
        self._positions = PositionLinks(lifecycle, self.likelihood, sampled=sampled)
        self._least = 0.0 if all_ways else LEAST_SHARE
        self._starts: dict[str, Costs] = {}
        self._steps: dict[
            tuple[tuple[tuple[int, int], ...], str, int | None, int | None], _Step
        ] = {}

    def explain(
        self, recording: Iterable[Observation], standing: list[Standing] | None = None
    ) -> Iterator[Explanation]:
        """One explanation per observed change, as soon as it is decided.

        Those of one server come in order. A server with a name is forgotten at the end of its
        life; what has the same name later is another server. Where those stand that live when the
        record ends is added to `standing`.
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
            if standing is not None:
                standing.append(follower.standing)
            yield from follower.finish()

    def states(self, costs: Costs) -> tuple[State, ...]:
        """Return the states in which a server can be."""
        return tuple(dict.fromkeys(map(self._state, costs)))

    def start(self, row: Observation) -> Costs:
        """All positions where a server can be whose first row this is, by how long each lasts."""
        if str(row) not in self._starts:
            found = {n: 0 for n in self._positions.starts if row.fits(self._state(n))}
            spent = {n: self.likelihood.duration(self._state(n)).mean for n in found}
            longest = max(spent.values(), default=1.0)
            for n in found:
                found[n] = round(NAT * math.log(longest / max(spent[n], 1e-3)))
                if self._positions.positions[n].ahead:
                    found[n] += BEGUN_BEFORE_COST
            self._starts[str(row)] = found
        return self._starts[str(row)]

    def passed(self, before: float | None, row: Observation) -> int | None:
        """The bin of the time since the row before; None where no state can have been missed."""
        if not self.sampled:
            return None
        if before is None or row.time is None:
            return self.likelihood.usual_bin
        return bin_of(row.time - before)

    def stayed(self, costs: Costs, first: float | None, seen: float | None) -> int | None:
        """The bin of the time in which a server did not change; None where that tells nothing."""
        if not self.sampled or first is None or seen is None or seen <= first:
            return None
        kinds = {(self._state(n), self.unfinished(n)) for n in costs}
        return bin_of(seen - first) if len(kinds) > 1 else None

    def step(
        self, costs: Costs, row: Observation, passed: int | None, stayed: int | None = None
    ) -> _Step:
        """From the positions of `costs` to those where the row shows the server.

        `passed` is the bin of the time since the row before, `stayed` that of the rows equal to it.
        """
        key = tuple(costs.items()), str(row), passed, stayed
        if key not in self._steps:
            if len(self._steps) > MOST_REMEMBERED:
                self._steps.clear()
            links: Links = {}
            for origin, cost in costs.items():
                stay = 0 if stayed is None else self._positions.staying(origin, stayed)
                for target, way in self._positions.reach(origin, row, passed):
                    own = stay + way
                    links.setdefault(target, []).append(Link(cost + own, origin, own))
            for ways in links.values():
                ways.sort()
            least = min((ways[0].cost for ways in links.values()), default=0)
            if passed is not None:
                links = {n: ways for n, ways in links.items() if ways[0].cost <= least + kept(row)}
            alone = None
            if len(links) == 1:
                ((target, ways),) = links.items()
                alone = self.told(links, {target: 0}, target, ways[0], passed)
            after = {position: ways[0].cost - least for position, ways in links.items()}
            self._steps[key] = _Step(after, links, alone)
        return self._steps[key]

    def told(
        self, links: Links, left: Costs, target: int, chosen: Link, passed: int | None
    ) -> tuple[Way, tuple[Other, ...]]:
        """The way of the chosen link to `target`, and the others with their shares."""
        found = weighed(self._positions, links, left, (target, chosen), passed)
        return found.way, tuple(other for other in found.others if other.share >= self._least)

    def operations(self, step: State) -> tuple[str, ...]:
        """Return the operations that `step` can be a step of; events of the system come last."""
        return self._positions.observables.operations(step)

    def ended(self, costs: Costs) -> bool:
        """Whether a server has nothing before it, wherever of these positions it is."""
        return bool(costs) and all(map(self._positions.is_end, costs))

    def unfinished(self, position: int) -> bool:
        """Whether an event is under way at a position."""
        return bool(self._positions.positions[position].ahead)

    def reason(self, before: Observation, row: Observation, costs: Costs) -> str:
        """Why nothing explains that the row comes next."""
        if not costs:
            return f"nothing is known to follow {before}"
        if self.sampled:
            return f"no events lead from {before} to {row}"
        here = [self._positions.positions[n] for n in costs]
        ahead = dict.fromkeys(position.ahead[0].state for position in here if position.ahead)
        if all(position.ahead for position in here):
            return f"the event under way enters {' or '.join(ahead)} next, not {row}"
        nexts = dict.fromkeys(
            self._state(s.target) for n in costs for s in self._positions.steps(n)
        )
        return f"no event leads from {before} to {row}, only to {', '.join(nexts) or 'nothing'}"

    def _state(self, position: int) -> State:
        return self._positions.positions[position].state


class Follower:
    """Explains the changes of one server, fed row by row; a row equal to the one before is none."""

    __slots__ = (
        "_before", "_costs", "_first", "_happened", "_left", "_replay", "_seen", "_undecided",
    )  # fmt: skip

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._before: Observation | None = None
        self._first: float | None = None
        self._left: float | None = None
        self._seen: float | None = None
        self._costs: Costs = {}
        self._undecided: list[_Undecided] = []
        self._happened: deque[str] = deque(maxlen=MOST_UNDECIDED)

    @property
    def ended(self) -> bool:
        """Whether the server's life has come to its end, so that no change can follow."""
        return self._replay.ended(self._costs)

    @property
    def standing(self) -> Standing:
        """Where the server stands after the last row."""
        row = self._before
        assert row is not None  # noqa: S101  # a follower begins with a row
        states = (row.state,) if row.state else self._replay.states(self._costs)
        return Standing(row, self._left, states)

    def feed(self, row: Observation) -> Sequence[Explanation]:
        """What is decided by the next row of the server."""
        before, seen = self._before, self._seen
        self._seen = row.time
        if before is None:
            self._before, self._first, self._costs = row, row.time, self._replay.start(row)
            return [Explanation(None, row, None, reason=row.wrong)] if row.wrong else ()
        if row.shown == before.shown:
            return ()
        first, self._first, self._left = self._first, row.time, seen
        self._before = row
        stayed = self._replay.stayed(self._costs, first, seen)
        passed = self._replay.passed(seen, row)
        wrong = row.wrong or not self._costs
        step = None if wrong else self._replay.step(self._costs, row, passed, stayed)
        if step is None or not step.links:
            return self._unexplained(before, row)
        self._costs = step.costs
        if step.alone and not self._undecided:
            return (self._explained(before, row, *step.alone),)
        self._undecided.append(_Undecided(before, row, step.links, passed))
        return self._settle()

    def finish(self) -> Sequence[Explanation]:
        """What is left, by the best way so far: no row follows."""
        if not self._undecided:
            return ()
        best = min(
            self._costs,
            key=lambda n: self._costs[n] + UNFINISHED_COST * self._replay.unfinished(n),
        )
        count, _ = _settled(self._undecided, self._costs) or (0, best)
        decided = self._decide(len(self._undecided), best)
        return [*decided[:count], *(e._replace(settled=False) for e in decided[count:])]

    def so_far(self) -> Sequence[Explanation]:
        """What is not decided yet, by the best way so far; the follower stays as it is."""
        if not self._undecided:
            return ()
        other = copy(self)
        other._undecided, other._happened = [*self._undecided], self._happened.copy()
        return [told._replace(settled=False) for told in other.finish()]

    def _unexplained(self, before: Observation, row: Observation) -> Sequence[Explanation]:
        reason = row.wrong or self._replay.reason(before, row, self._costs)
        decided = [told._replace(settled=True) for told in self.finish()]
        self._costs = self._replay.start(row)
        return [*decided, Explanation(before, row, None, reason=reason)]

    def _settle(self) -> Sequence[Explanation]:
        settled = _settled(self._undecided, self._costs)
        if settled is None and len(self._undecided) > MOST_UNDECIDED:
            best = min(self._costs, key=self._costs.__getitem__)
            self._costs, settled = {best: 0}, (len(self._undecided), best)
        return self._decide(*settled) if settled else ()

    def _decide(self, count: int, position: int) -> list[Explanation]:
        """Explain the first `count` changes by the best way to `position`, and remove them."""
        undecided = self._undecided
        left: Costs = dict.fromkeys(self._costs, 0)
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
        decided = []
        for n in range(count - 1, -1, -1):
            change = undecided[n]
            link = change.links[position][0]
            told = self._replay.told(change.links, ahead[n + 1], position, link, change.passed)
            decided.append((change.before, change.after, *told))
            position = link.origin
        del undecided[:count]
        return [self._explained(*one) for one in reversed(decided)]

    def _explained(
        self, before: Observation, after: Observation, way: Way, others: tuple[Other, ...]
    ) -> Explanation:
        of = None
        if way.replaced is not None:
            could_be = self._replay.operations(way.replaced)
            seen = (event for event in reversed(self._happened) if event in could_be)
            of = next(seen, next(iter(could_be), None))
        self._happened.extend(way.events)
        return Explanation(before, after, way.events, way.facts, others, of=of)


def _settled(undecided: list[_Undecided], costs: Costs) -> tuple[int, int] | None:
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
