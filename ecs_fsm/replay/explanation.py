"""Explain observed changes by the events that cause them.

A recording is followed through all positions (`ecs_fsm.replay.positions`) that it allows at once.
As soon as every way through it agrees on where the server was, the changes up to there are
explained by the likeliest of the ways, by the costs of `ecs_fsm.replay.likelihood`. Each server of
a recording is followed on its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from operator import itemgetter

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.likelihood import NAT, Likelihood, bin_of
from ecs_fsm.replay.positions import FAR, PositionLinks, kept
from ecs_fsm.replay.remembered import (
    MOST_UNDECIDED,
    Followed,
    MemoryKey,
    Move,
    Settlement,
    Step,
    Ways,
    decided,
    origins,
    settled,
)
from ecs_fsm.replay.shares import Costs, Link, Links, Other, weighed
from ecs_fsm.replay.way import Way

UNFINISHED_COST = NAT // 100
BEGUN_BEFORE_COST = 100 * NAT
MOST_REMEMBERED = 10_000
"""Moves from one memory to the next that are kept at most."""
LEAST_SHARE = 0.01
"""The share below which another way is left out."""


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
        self._memories: dict[MemoryKey, Followed] = {}
        self._moves = 0
        self.nothing = Followed({}, {}, ended=False, varied=False)

    def states(self, costs: Costs) -> tuple[State, ...]:
        """Return the states in which a server can be."""
        return tuple(dict.fromkeys(map(self._state, costs)))

    def start(self, row: Observation) -> Costs:
        """All positions where a server can be whose first row this is, by the time spent there."""
        if str(row) not in self._starts:
            found = {n: 0 for n in self._positions.starts if row.fits(self._state(n))}
            several = len({self._state(n) for n in found}) > 1
            spent = {
                n: self.likelihood.beginning(self._state(n)) if several else 1.0 for n in found
            }
            most = max(spent.values(), default=1.0)
            for n in found:
                found[n] = round(NAT * math.log(most / spent[n]))
                if self._positions.positions[n].ahead:
                    found[n] += BEGUN_BEFORE_COST
            self._starts[str(row)] = found
        return self._starts[str(row)]

    def begun(self, row: Observation) -> Followed:
        """The memory of a server whose first row this is."""
        return self._memory(self.start(row), {})

    def move(
        self, memory: Followed, row: Observation, passed: int | None, stayed: int | None
    ) -> Move:
        """From a memory to the one after a row; it is kept, so that it is found the next time."""
        self._moves += 1
        if self._moves > MOST_REMEMBERED:
            self.forget()
        found = memory.moves[id(row.shown), passed, stayed] = self.moved(
            memory, row, passed, stayed
        )
        return found

    def forget(self) -> None:
        """Begin without memories; each follower keeps its own."""
        for known in self._memories.values():
            known.moves.clear()
        self._memories.clear()
        self._moves = 0

    def moved(
        self, memory: Followed, row: Observation, passed: int | None, stayed: int | None
    ) -> Move:
        """From a memory to the one after a row."""
        step = self.step(memory.costs, row, passed, stayed)
        if not step.links:
            return Move(None, row.shown)
        if step.alone and not memory.origins:
            return Move(self._memory(step.costs, {}), row.shown, step.alone)
        came = {position: links[0].origin for position, links in step.links.items()}
        before = memory.origins
        since = {n: before[origin] if before else n for n, origin in came.items()}
        settles = len(set(since.values())) == 1
        return Move(self._memory(step.costs, since), row.shown, None, step, settles)

    def decide(self, memory: Followed, undecided: Sequence[Step]) -> Settlement | None:
        """What explains the first of the open changes, once they are decided or too many."""
        costs = memory.costs
        found = settled(undecided, costs)
        if found is None and len(undecided) > MOST_UNDECIDED:
            best = min(costs, key=costs.__getitem__)
            costs, found = {best: 0}, (len(undecided), best)
        if found is None:
            return None
        ways = decided(undecided, costs, *found, self.weighed)
        return Settlement(ways, self._memory(costs, origins(undecided[found[0] :], costs)))

    def finished(self, memory: Followed, undecided: Sequence[Step]) -> tuple[int, tuple[Ways, ...]]:
        """What explains the open changes if no row follows, and how many of them are decided."""
        costs = memory.costs
        best = min(costs, key=lambda n: costs[n] + UNFINISHED_COST * self.unfinished(n))
        count, _ = settled(undecided, costs) or (0, best)
        return count, decided(undecided, costs, len(undecided), best, self.weighed)

    def _memory(self, costs: Costs, since: Costs) -> Followed:
        """The memory with these costs and origins, one for all servers that have it."""
        key = (*costs, *costs.values(), -1, *since, *since.values())
        found = self._memories.get(key)
        if found is None:
            kinds = {(self._state(n), self.unfinished(n)) for n in costs}
            found = self._memories[key] = Followed(
                costs, since, ended=self.ended(costs), varied=len(kinds) > 1
            )
        return found

    def passed(self, before: float | None, row: Observation) -> int | None:
        """The bin of the time since the row before; None where no state can have been missed."""
        if not self.sampled:
            return None
        if before is None or row.time is None:
            return self.likelihood.usual_bin
        return bin_of(row.time - before)

    def stayed(self, memory: Followed, first: float | None, seen: float | None) -> int | None:
        """The bin of the time in which a server did not change; None where that means nothing."""
        if not memory.varied or first is None or seen is None or seen <= first:
            return None
        return bin_of(seen - first)

    def step(
        self, costs: Costs, row: Observation, passed: int | None, stayed: int | None = None
    ) -> Step:
        """From the positions of `costs` to those where the row shows the server.

        `passed` is the bin of the time since the row before, `stayed` that of the rows equal to it.
        """
        found: dict[int, list[Link]] = {}
        for origin, target, total, own in self._linked(costs, row, passed, stayed):
            found.setdefault(target, []).append(Link(total, origin, own))
        links: Links = {target: tuple(sorted(ways)) for target, ways in found.items()}
        least = min((ways[0].cost for ways in links.values()), default=0)
        if passed is not None:
            links = {n: ways for n, ways in links.items() if ways[0].cost <= least + kept(row)}
        alone = None
        if len(links) == 1:
            ((target, ways),) = links.items()
            alone = self.weighed(links, {target: 0}, target, ways[0], passed)
        after = {position: ways[0].cost - least for position, ways in links.items()}
        return Step(after, links, passed, alone)

    def _linked(
        self, costs: Costs, row: Observation, passed: int | None, stayed: int | None
    ) -> Iterator[tuple[int, int, int, int]]:
        """Each origin with a position where the row shows the server, the cost of all, its own.

        The likeliest origins come first: how likely they are limits what is looked for from others.
        """
        room = FAR
        for origin, cost in sorted(costs.items(), key=itemgetter(1)):
            stay = 0 if stayed is None else self._positions.staying(origin, stayed)
            if cost + stay > room:
                continue
            for target, way in self._positions.reach(origin, row, passed, room - cost - stay):
                room = min(room, cost + stay + way + kept(row)) if passed is not None else room
                yield origin, target, cost + stay + way, stay + way

    def weighed(
        self, links: Links, left: Costs, target: int, best: Link, passed: int | None
    ) -> tuple[Way, tuple[Other, ...]]:
        """The way of the best link to `target`, and the others with their shares."""
        found = weighed(self._positions, links, left, (target, best), passed)
        return found.way, tuple(other for other in found.others if other.share >= self._least)

    def operations(self, step: State) -> tuple[str, ...]:
        """Return the operations that `step` can be a step of; events of the system come last."""
        return self._positions.observables.operations(step)

    @cached_property
    def overwritten(self) -> Mapping[str, None]:
        """The operations and events that a late write can be of."""
        steps = () if self.sampled else self.lifecycle.late_writes
        return dict.fromkeys(name for step in steps for name in self.operations(step))

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
