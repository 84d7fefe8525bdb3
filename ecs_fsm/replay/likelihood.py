"""How likely each event is, as a cost: minus the logarithm of its probability, by a profile.

What a fleet does is in the profile's rates: how steps end, what users request, how long both take.
What it does not do by itself (an administrator's reset, a restart, an unusual circumstance) has a
small weight in the table `[replay]` of the profile.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, Node, State
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.loader import built_in
from ecs_fsm.profiles.process import time_spent
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.profiles.profile_validation import (
    BETWEEN,
    INTERVAL,
    LATE_WRITE,
    OVERTAKING,
    RARE,
    UNUSUAL,
)

NAT = 1000
"""The cost of what has a probability of 1/e. Costs are whole numbers and so add up exactly."""
MOST = 40 * NAT
"""The cost of what is as good as impossible."""
WEIGHTS: Mapping[str, float] = {
    Kind.REQUEST: 1e-3, Kind.PROGRESS: 1e-3, Kind.FAILURE: 1e-3, Kind.SYSTEM: 1e-4,
    OVERTAKING: 1e-4, UNUSUAL: 1e-2, INTERVAL: 60.0, BETWEEN: 1e-3,
    RARE: 2e-5, LATE_WRITE: 0.05,
}  # fmt: skip
"""What counts where a profile has no such key in `[replay]`."""
AT_REST = Duration(Family.EXPONENTIAL, 86_400.0)
"""How long a server rests where the profile has no requests."""
INTERVALS = 32
"""Into which a time is cut to find how likely several stays fit into it."""
OCTAVE = 4
"""Bins of the time between two rows in which it doubles."""


def cost_of(probability: float) -> int:
    """The cost of a probability."""
    return MOST if probability <= math.exp(-MOST / NAT) else round(-NAT * math.log(probability))


def bin_of(seconds: float) -> int:
    """The logarithmic bin of a time between two rows."""
    return round(OCTAVE * math.log2(min(max(seconds, 0.1), 1e8)))


def middle_of(number: int) -> float:
    """The time that stands for a bin, in seconds."""
    return float(2.0 ** (number / OCTAVE))


class Likelihood:
    """The costs of events, and of the time that passes; without a profile, by kinds of events."""

    def __init__(self, lifecycle: Lifecycle, profile: Profile | None = None) -> None:
        self._lifecycle = lifecycle
        self.profile = profile or _built_in(lifecycle)
        self._weights = self.profile.replay if self.profile else WEIGHTS

    def weight(self, name: str) -> float:
        """The weight of an event, a kind of events or a circumstance."""
        return self._weights.get(name, WEIGHTS.get(name, 0.0))

    @cached_property
    def usual_bin(self) -> int:
        """The bin of the time between two rows that have none."""
        return bin_of(self.weight(INTERVAL))

    def event(self, node: Node, outcome: Outcome) -> int:
        """The cost of what an event comes to at a node."""
        trigger, rare = outcome.transition.trigger, self._lifecycle.rare
        chance = self._chance(trigger, node.state)
        if rare(outcome.transition):
            # What an event comes to in rare cases is less likely than what it comes to otherwise.
            if all(map(rare, self._lifecycle.find(trigger, node.state))):
                chance = max(chance, self.weight(UNUSUAL))
            return cost_of(self.weight(RARE) * chance)
        return cost_of(chance * self._circumstances(node, outcome))

    def leaving(self, state: State, seconds: float) -> int:
        """The cost of leaving a state within a time."""
        return cost_of(self.duration(state).below(seconds))

    def staying(self, state: State, seconds: float) -> int:
        """The cost of not leaving it in a time."""
        if self._final(state):
            return 0
        return min(cost_of(1 - self.duration(state).below(seconds)), 20 * NAT)

    def entering(self, state: State, seconds: float) -> int:
        """The cost of still being in a state that was entered at some moment of a time."""
        if self._final(state):
            return 0
        mean = self._mean(state)
        return cost_of(-math.expm1(-seconds / mean) * mean / seconds)

    def together(self, states: Sequence[State], seconds: float) -> int:
        """What it costs that a server passes all these states but the last in a time, together.

        It comes on top of the costs of leaving and entering each of them in that time. Their times
        count as exponential here.
        """
        rates = [0.0 if self._final(s) else 1 / self._mean(s) for s in states]
        alone = math.prod(-math.expm1(-rate * seconds) for rate in rates[:-1])
        last = rates[-1] * seconds
        alone *= -math.expm1(-last) / last if last else 1.0
        return max(cost_of(_arrived(rates, seconds)) - cost_of(alone), 0)

    def _mean(self, state: State) -> float:
        return max(self.duration(state).mean, 1e-3)

    def duration(self, state: State) -> Duration:
        """How long a server stays in a state."""
        if self.profile is None:
            return AT_REST if self._lifecycle.rests(state) else Duration(Family.EXPONENTIAL, 10.0)
        if self._lifecycle.rests(state):
            requests = self.profile.requests.get(state)
            return requests.every if requests else AT_REST
        return self.profile.durations[state]

    def beginning(self, state: State) -> float:
        """How likely a server is in a state when a record begins, beside other states: seconds.

        They are those that a server of the profile spends there; it seldom comes to other states.
        """
        seldom = self.duration(state).mean * self.weight(Kind.SYSTEM)
        return max(self._spent.get(state, 0.0), seldom, 1e-9)

    @cached_property
    def _spent(self) -> dict[State, float]:
        try:
            return time_spent(self.profile) if self.profile else {}
        except InvalidInput:  # a profile of which no fleet can be made
            return {}

    def _final(self, state: State) -> bool:
        return not self._lifecycle.leaving(state)

    def _chance(self, trigger: str, state: State) -> float:
        """The probability that this event ends the stay in a state."""
        kind = self._lifecycle.triggers[trigger].kind
        outcomes = self.profile.outcomes if self.profile else {}
        known = {name: table[state] for name, table in outcomes.items() if table.get(state)}
        if trigger == self._lifecycle.advance:
            return max(1 - sum(known.values()), 1e-3)
        if trigger in known:
            return known[trigger]
        if kind in (Kind.PROGRESS, Kind.FAILURE):
            return self._weight(trigger, kind)
        if self._lifecycle.rests(state):
            requests = self.profile.requests.get(state) if self.profile else None
            share = requests.mix.get(trigger) if requests else None
            return share or self._weight(trigger, kind)
        hang = self.profile.hang.get(state, 0.0) if self.profile else 0.0
        weight = 1.0 if trigger == self._way_out(state) else self._weight(trigger, kind)
        return weight * (hang + self.weight(OVERTAKING))

    def _way_out(self, state: State) -> str | None:
        """What users request where a step hangs: the first that is accepted, as in a fleet."""
        ask = self.profile.stuck.ask if self.profile and self.profile.stuck else ()
        return next((name for name in ask if self._lifecycle.find(name, state)), None)

    def _weight(self, trigger: str, kind: Kind) -> float:
        return self.weight(trigger) or self.weight(kind)

    def _circumstances(self, node: Node, outcome: Outcome) -> float:
        """The probability of the facts that decide an outcome and are not known at the node."""
        facts = dict(outcome.transition.when) | dict(outcome.facts)
        if not facts:
            return 1.0
        given = self._lifecycle.triggers[outcome.transition.trigger].given
        known = dict(node.facts)
        chance = 1.0
        for name, value in facts.items():
            if name not in given and self._lifecycle.memory.value(name, known) == value:
                continue
            usual = given.get(name) or self._lifecycle.memory.value(name, {})
            chance *= self._share(name, value, usual)
        return chance

    def _share(self, name: str, value: str, usual: str | None) -> float:
        shares = self.profile.facts.get(name) if self.profile else None
        if shares is not None:
            return shares.get(value, 0.0) or self.weight(UNUSUAL)
        if usual is None:
            return 1 / len(self._lifecycle.memory.values(name))
        if value == usual:
            return 1.0
        return self.weight(f"{name}={value}") or self.weight(UNUSUAL)


def _arrived(rates: Sequence[float], seconds: float) -> float:
    """The probability of being in the last of some states after a time, beginning in the first.

    The time is cut into intervals in which what enters a state does so evenly.
    """
    length = seconds / INTERVALS
    left = [-math.expm1(-rate * length) for rate in rates]
    passed = [
        1 - share / (rate * length) if rate else 0.0
        for share, rate in zip(left, rates, strict=True)
    ]
    shares = [0.0] * len(rates)
    shares[0] = 1.0
    for _ in range(INTERVALS):
        entering = 0.0
        for n, share in enumerate(shares):
            leaving = share * left[n] + entering * passed[n]
            shares[n] = share + entering - leaving
            entering = leaving
    return shares[-1]


def _built_in(lifecycle: Lifecycle) -> Profile | None:
    """The profile that comes with the package, None for a lifecycle that has none."""
    try:
        return built_in(lifecycle)
    except (OSError, InvalidInput):
        return None
