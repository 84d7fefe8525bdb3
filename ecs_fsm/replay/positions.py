"""The positions that a server can be observed in, and the likeliest ways between them.

Positions are those of the state graph, with numbers. A fact that is not known may have any value
until an event depends on it, so a recording can begin at positions that no created server comes to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from heapq import heappop, heappush

from ecs_fsm.core.graph import reachable
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.profiles.profile_validation import BETWEEN
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.likelihood import MOST, NAT, Likelihood, cost_of, middle_of
from ecs_fsm.replay.observables import Observable, Observables
from ecs_fsm.replay.way import Found, Going, Reached, Way, in_order, way_of

FAR = 2**31 - 1
"""The cost of what cannot be reached."""
WINDOW = 7 * NAT
"""How much costlier than the likeliest way another one is at most: one in a thousand."""
MOST_WAYS = 24
MOST_OPEN = 2_000
"""Ways between two positions that are kept, and that are looked at, at most."""
MOST_KEPT = 10_000
"""Results that are kept at most, of each kind."""
MOST_STEPS = 300
"""Positions whose steps are kept at most, where no search comes by them again and again."""
KEPT = 20 * NAT
KEPT_OF_STATUS = 9 * NAT
"""How much less likely than the likeliest a position may be, and stay in view: where a row shows
a state, and where it leaves several of them open."""


class PositionLinks:
    """What a row may show after another one, and the ways that lead there.

    Without a time only one write can have come in between. With a bin of the time that `passed`
    (`bin_of`) there may have been any number, and how long they take counts as well.
    """

    def __init__(self, lifecycle: Lifecycle, likelihood: Likelihood, *, sampled: bool) -> None:
        self.observables = Observables(lifecycle, likelihood, sampled=sampled)
        self._likelihood = likelihood
        self._numbers: dict[Observable, int] = {}
        self._steps: dict[int, tuple[Reached, ...]] = {}
        self._reached: dict[tuple[int, str, int], tuple[int, list[tuple[int, int]]]] = {}
        self._lefts: dict[tuple[str, int], Mapping[State, int]] = {}
        self._by_cost: dict[int, tuple[tuple[int, int, State, Reached], ...]] = {}
        self._ways: dict[tuple[int, int, int], tuple[Way, ...]] = {}
        self._moves: dict[int, tuple[dict[State, int], dict[State, int]]] = {}
        self.positions: list[Observable] = []
        self.starts = [self._number(start) for start in self.observables.starts()]

    def reach(
        self, origin: int, row: Observation, passed: int | None, room: int = FAR
    ) -> list[tuple[int, int]]:
        """Return the positions that show a row next, each with the cost of the way to it.

        Those that cost more than `room` may be missing.
        """
        if passed is None:
            nexts = self._next(origin).items()
            return [(n, w[0].cost) for n, w in nexts if row.fits(self.positions[n].state)]
        key = origin, str(row), passed
        known, found = self._reached.get(key, (-1, []))
        if known < room:
            if len(self._reached) > MOST_KEPT:
                self._reached.clear()
            found = list(self._search(origin, row, passed, room))
            self._reached[key] = room, found
        return found

    def ways(self, origin: int, target: int, passed: int | None) -> tuple[Way, ...]:
        """Return the ways from a position to another one, the likeliest first."""
        if passed is None:
            return tuple(self._next(origin)[target])
        key = origin, target, passed
        found = self._ways.get(key)
        if found is None:
            if len(self._ways) > MOST_KEPT:
                self._ways.clear()
            found = self._timed(origin, self._between(origin, target, passed), passed)
            self._ways[key] = found
        return found

    def steps(self, number: int) -> tuple[Reached, ...]:
        """Return the writes that are possible at a position, without those that enter nothing."""
        found = self._steps.get(number)
        if found is None:
            if len(self._steps) > MOST_STEPS and not self.observables.sampled:
                self._steps.clear()
            found = self._steps[number] = tuple(self._expanded(self.positions[number]))
        return found

    def staying(self, number: int, stayed: int) -> int:
        """The cost of staying at a position for a time; between two writes no server stays."""
        position = self.positions[number]
        if position.ahead:
            return MOST
        return self._likelihood.staying(position.state, middle_of(stayed))

    def is_end(self, number: int) -> bool:
        """Return whether nothing follows a position, so that a server's life ends there."""
        return not self.steps(number)

    def _number(self, position: Observable) -> int:
        number = self._numbers.get(position)
        if number is None:
            number = self._numbers[position] = len(self.positions)
            self.positions.append(position)
        return number

    def _expanded(self, position: Observable) -> Iterator[Reached]:
        for target, cost, event, facts, replaced in self.observables.writes(position):
            yield Reached(self._number(target), cost, event, facts, replaced)

    def _next(self, origin: int) -> dict[int, list[Way]]:
        """The ways of one write."""
        found: dict[int, list[Way]] = {}
        for step in self.steps(origin):
            events = () if step.event is None else (step.event,)
            found.setdefault(step.target, []).append(
                Way(step.cost, events, step.facts, step.replaced)
            )
        for ways in found.values():
            ways.sort(key=lambda way: way.cost)
        return found

    def _leaving(self, number: int, passed: int) -> int:
        position = self.positions[number]
        if position.ahead:
            return 0
        return self._leaving_state(position.state, passed)

    def _leaving_state(self, state: State, passed: int) -> int:
        leaving, _ = self._moved(passed)
        cost = leaving.get(state)
        if cost is None:
            cost = leaving[state] = self._likelihood.leaving(state, middle_of(passed))
        return cost

    def _arriving(self, origin: int, target: int, passed: int) -> int:
        position = self.positions[target]
        state = position.state
        if position.ahead:
            return cost_of(self._likelihood.weight(BETWEEN))
        if origin == target:
            return self._likelihood.staying(state, middle_of(passed))
        _, entering = self._moved(passed)
        cost = entering.get(state)
        if cost is None:
            cost = entering[state] = self._likelihood.entering(state, middle_of(passed))
        return cost

    def _moved(self, passed: int) -> tuple[dict[State, int], dict[State, int]]:
        return self._moves.setdefault(passed, ({}, {}))

    def _search(
        self, origin: int, row: Observation, passed: int, room: int
    ) -> Iterator[tuple[int, int]]:
        """The positions that show a row and what the likeliest way to each costs, up to `room`.

        A* with what is left between states, whatever is remembered. It ends where everything else
        is far less likely than the likeliest of what it found.
        """
        left = self._left(row, passed)
        least = left.get(self.positions[origin].state)
        if least is None:
            return
        # Ways to what is found are seldom much costlier than what is left between states.
        for most in (min(room, least + 2 * kept(row)), room):
            found = list(self._within(origin, row, passed, left, most))
            if most == room or (found and found[0][0] + kept(row) <= most):
                break
        yield from ((here, cost) for _, here, cost in found)

    def _within(
        self, origin: int, row: Observation, passed: int, left: Mapping[State, int], most: int
    ) -> Iterator[tuple[int, int, int]]:
        """What `_search` finds without ways that cost more than `most`: each with its own total."""
        costs, done = {origin: 0}, set()
        waiting = [(left[self.positions[origin].state], origin)]
        first: int | None = None
        while waiting and waiting[0][0] <= most:
            total, here = heappop(waiting)
            if here in done:
                continue
            done.add(here)
            if row.fits(self.positions[here].state):
                if first is None:
                    first = total
                    most = min(most, total + kept(row))
                yield first, here, costs[here] + self._arriving(origin, here, passed)
            spent = costs[here] + self._leaving(here, passed)
            for own, target, state, _ in self._cheapest(here):
                cost = spent + own
                if cost > most:
                    break
                total = cost + left.get(state, 2 * FAR)
                if total <= most and cost < costs.get(target, FAR):
                    costs[target] = cost
                    heappush(waiting, (total, target))

    def _cheapest(self, number: int) -> tuple[tuple[int, int, State, Reached], ...]:
        """The writes at a position by their costs, each with its target and the state there."""
        found = self._by_cost.get(number)
        if found is None:
            steps = sorted(self.steps(number), key=lambda step: step.cost)
            found = self._by_cost[number] = tuple(
                (step.cost, step.target, self.positions[step.target].state, step) for step in steps
            )
        return found

    def _left(self, wanted: Observation | State, passed: int) -> Mapping[State, int]:
        """The least cost from each state to one that a row shows, whatever a server remembers."""
        if isinstance(wanted, Observation):
            wanted = wanted.state or wanted
        key = str(wanted), passed
        found = self._lefts.get(key)
        if found is None:
            if len(self._lefts) > MOST_KEPT:
                self._lefts.clear()
            if isinstance(wanted, Observation):
                ends = [state for state in self._leading if wanted.fits(state)]
            else:
                ends = [wanted]
            found = self._lefts[key] = self._leading_to(ends, passed)
        return found

    def _leading_to(self, ends: Iterable[State], passed: int) -> dict[State, int]:
        found = dict.fromkeys(ends, 0)
        waiting = [(0, state) for state in found]
        leaving = {state: self._leaving_state(state, passed) for state in self._leading}
        while waiting:
            spent, here = heappop(waiting)
            if spent > found[here]:
                continue
            for source, (event, going_on) in self._leading[here].items():
                cost = spent + min(event + leaving[source], going_on)
                if cost < found.get(source, FAR):
                    found[source] = cost
                    heappush(waiting, (cost, source))
        return found

    @cached_property
    def _leading(self) -> dict[State, dict[State, tuple[int, int]]]:
        """Each state with those that lead to it: the least cost of an event, and of going on."""
        numbers = reachable(self.starts, lambda n: [s.target for s in self.steps(n)])
        found: dict[State, dict[State, tuple[int, int]]] = {}
        for number in numbers:
            source = self.positions[number].state
            found.setdefault(source, {})
            for step in self.steps(number):
                into = found.setdefault(self.positions[step.target].state, {})
                event, going_on = into.get(source, (FAR, FAR))
                if step.event is None:
                    into[source] = event, min(going_on, step.cost)
                else:
                    into[source] = min(event, step.cost), going_on
        return found

    def _timed(self, origin: int, found: list[Found], passed: int) -> tuple[Way, ...]:
        """Weigh ways against each other by the time that all their steps take together."""
        if len(found) == 1:
            return (way_of(*found[0]),)
        ways = []
        for cost, gone in found:
            seen = [self.positions[n] for n in (origin, *(step.target for step in gone))]
            states = [position.state for position in seen if not position.ahead]
            more = self._likelihood.together(states, middle_of(passed)) if len(states) > 1 else 0
            ways.append(way_of(cost + more, gone))
        return tuple(sorted(ways, key=lambda way: way.cost))

    def _between(self, origin: int, target: int, passed: int) -> list[Found]:
        """The likeliest ways, by a search that knows what is left to the target from everywhere."""
        left = self._left(self.positions[target].state, passed)
        arriving = self._arriving(origin, target, passed)
        least = left[self.positions[origin].state]
        for most in (least + 2 * WINDOW, FAR):
            found = list(self._ways_within(origin, target, passed, left, most))
            if found and found[0][0] + WINDOW <= most:
                break
        return [(cost + arriving, gone) for cost, gone in found]

    def _ways_within(
        self, origin: int, target: int, passed: int, left: Mapping[State, int], most: int
    ) -> Iterator[Found]:
        """The likeliest ways among those that cost at most `most`, without the arrival."""
        waiting: list[Going] = [(left[self.positions[origin].state], 0, origin, 0, None)]
        visits: Counter[int] = Counter()
        tickets = looked_at = found = 0
        while waiting and waiting[0][0] <= most and found < MOST_WAYS:
            total, _, number, spent, gone = heappop(waiting)
            looked_at += 1
            if number == target:
                found += 1
                most = min(most, total + WINDOW)
                yield total, in_order(gone)
                continue  # a way that goes on and comes back is not looked for
            visits[number] += 1
            if visits[number] > MOST_WAYS:
                continue
            if found and looked_at > MOST_OPEN:
                break
            spent += self._leaving(number, passed)
            for own, there, state, step in self._cheapest(number):
                cost = spent + own
                if cost > most:
                    break
                total = cost + left.get(state, 2 * FAR)
                if total <= most:
                    tickets += 1
                    heappush(waiting, (total, tickets, there, cost, (step, gone)))


def kept(row: Observation) -> int:
    """How much less likely than the likeliest a position may be that shows a row."""
    return KEPT if row.state else KEPT_OF_STATUS
