"""The semi-Markov process of a profile: sojourns with random times, and the jumps that end them.

A semi-Markov process stays in a state for a random time and then jumps. Its embedded chain is the
sequence of states without the times. Here a state of that chain is a node of the lifecycle, a node
in which the server hangs, or the state before a server arrives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import product
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.graph import Outcome, reachable
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, Kind, Node, State, Transition, bracketed
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.profiles.profile_validation import NONE

AT_ONCE = Duration(Family.CONSTANT, 0.0)


class Activity(IntEnum):
    """What a server does during a sojourn."""

    WORKS = 0
    RESTS = 1
    ENDS = 2
    """It rests for good."""
    HANGS = 3
    LOST = 4
    """It hangs for good."""
    ARRIVES = 5
    """It does not exist yet."""


FINAL = (Activity.ENDS, Activity.LOST)
"""Activities that no jump ends."""
SWEEPS = 100
"""Rounds in which `time_spent` follows the servers: many operations of each."""


class ChainState(NamedTuple):
    """A state of the embedded chain: a node (None before arrival), and whether the server hangs."""

    node: Node | None
    hangs: bool = False

    def __str__(self) -> str:
        if self.node is None:
            return "(no server)"
        return f"{self.node.state}{bracketed(self.node.facts)}{' (hangs)' if self.hangs else ''}"


class Jump(NamedTuple):
    """One way in which a sojourn can end, with its probability.

    `event` with the facts `given` enters the states `entered` and leads to `target`; it is None if
    the server begins to hang, or exists from the beginning. `requested` names the operation or
    system event that begins with this jump; it is None if the jump only continues one.
    """

    probability: float
    event: str | None
    given: Facts
    entered: tuple[State, ...]
    target: ChainState
    requested: str | None = None


class Sojourn(NamedTuple):
    """A state of the chain, the random time that a server stays there, and the jumps from it."""

    at: ChainState
    activity: Activity
    time: Duration
    jumps: tuple[Jump, ...]


def process(profile: Profile) -> dict[ChainState, Sojourn]:
    """Return a sojourn for every chain state that a server can reach; arrival is the first."""
    found: dict[ChainState, Sojourn] = {}
    builder = _ProcessBuilder(profile)

    def following(at: ChainState) -> list[ChainState]:
        found[at] = builder.sojourn(at)
        return [jump.target for jump in found[at].jumps]

    reachable([ChainState(None)], following)
    return found


def time_spent(profile: Profile) -> dict[State, float]:
    """Return the seconds that a server spends in each state in a life; roughly for a long one.

    States that nothing ends are left out.
    """
    chain = process(profile)
    visits = dict.fromkeys(chain, 0.0)
    entered = dict(visits)
    entered[ChainState(None)] = 1.0
    for _ in range(SWEEPS):
        # What left a state since the last sweep moves on, so that no life is followed by itself.
        for at, sojourn in chain.items():
            here, entered[at] = entered[at], 0.0
            visits[at] += here
            for jump in sojourn.jumps:
                entered[jump.target] += here * jump.probability
    found: dict[State, float] = {}
    for at, sojourn in chain.items():
        if at.node is not None and sojourn.activity not in FINAL:
            spent = visits[at] * sojourn.time.mean
            found[at.node.state] = found.get(at.node.state, 0.0) + spent
    return found


def error_states(profile: Profile) -> frozenset[State]:
    """Return the states at rest that say that something went wrong.

    A failure ends there, and neither a step that succeeds nor a creation does.
    """
    lifecycle = profile.lifecycle
    ends = {t.path[-1] for t in lifecycle.transitions if t.path and t.kind is Kind.FAILURE}
    well = {t.path[-1] for t in lifecycle.triggers[lifecycle.advance].transitions if t.path}
    well |= {t.path[-1] for made in lifecycle.creations.values() for t in made}
    return frozenset(s for s in ends - well if lifecycle.rests(s) and not s.task_state)


class _ProcessBuilder:
    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._lifecycle: Lifecycle = profile.lifecycle

    def sojourn(self, at: ChainState) -> Sojourn:
        node = at.node
        if node is None:
            return Sojourn(at, Activity.ARRIVES, AT_ONCE, tuple(self._arrivals()))
        if at.hangs:
            return self._stuck(at, node)
        if not self._lifecycle.stays(node):
            time = self._profile.durations[node.state]
            return Sojourn(at, Activity.WORKS, time, tuple(self._step_ends(node)))
        requests = self._profile.requests.get(node.state)
        mix = requests.mix if requests else {}
        possible = {n: share for n, share in mix.items() if share and self._possible(n, node)}
        if requests is None or not possible:
            return self._stuck(at, node)
        total = sum(possible.values())
        jumps = [j for n, share in possible.items() for j in self._request(n, share / total, node)]
        return Sojourn(at, Activity.RESTS, requests.every, tuple(jumps))

    def _possible(self, trigger: str, node: Node) -> bool:
        return bool(self._lifecycle.possible(trigger, node))

    def _stuck(self, at: ChainState, node: Node) -> Sojourn:
        """A sojourn that no event of the system ends: only a request of a user may."""
        stuck = self._profile.stuck
        busy = at.hangs or node.state.task_state is not None
        way_out = next((n for n in stuck.ask if self._moves(n, node)), None) if stuck else None
        if stuck is None or way_out is None or not busy:
            return Sojourn(at, Activity.LOST if busy else Activity.ENDS, AT_ONCE, ())
        jumps = (
            jump if jump.entered else jump._replace(target=at)  # it leaves a hung step hanging
            for jump in self._request(way_out, 1.0, node)
        )
        return Sojourn(at, Activity.HANGS, stuck.every, tuple(jumps))

    def _moves(self, trigger: str, node: Node) -> bool:
        """Return whether a trigger is possible and enters a state."""
        return self._possible(trigger, node) and any(
            outcome.nodes for _, _, outcome in self._outcomes(trigger, node)
        )

    def _arrivals(self) -> Iterator[Jump]:
        """Jumps to the first nodes, one for each combination of a server's facts."""
        lifecycle, facts = self._lifecycle, self._profile.facts
        creation = lifecycle.creation.trigger
        given = [name for name in lifecycle.triggers[creation].given if name in facts]
        first = lifecycle.creation.path[-1]
        others = [n for n in facts if n not in given and lifecycle.memory.open(n, first)]
        exists = self._profile.arrivals.kind == NONE
        for chance, values in self._combinations([*given, *others]):
            created_with = {name: value for name, value in values.items() if name in given}
            outcome = lifecycle.outcome(creation, None, created_with)
            known = {**dict(outcome.end.facts), **{n: values[n] for n in others}}
            if exists:
                state = self._profile.arrivals.state or first
                target = ChainState(lifecycle.node(state, known))
                yield Jump(chance, None, tuple(values.items()), (), target)
            else:
                target = ChainState(lifecycle.node(outcome.end.state, known))
                path = outcome.transition.path
                yield Jump(chance, creation, tuple(values.items()), path, target, creation)

    def _combinations(self, names: list[str]) -> Iterator[tuple[float, dict[str, str]]]:
        """Every combination of values of these facts, with its probability."""
        tables = [self._profile.facts[name] for name in names]
        for values in product(*tables):
            chance = 1.0
            for table, value in zip(tables, values, strict=True):
                chance *= table[value]
            if chance:
                yield chance, dict(zip(names, values, strict=True))

    def _outcomes(self, event: str, node: Node) -> Iterator[tuple[float, Facts, Outcome]]:
        """The outcomes of an event, one for each combination of the facts given with it."""
        usual = self._lifecycle.triggers[event].given
        memory = self._lifecycle.memory
        needed = [n for n, v in usual.items() if not (v is None and memory.open(n, node.state))]
        shares = self._profile.facts
        # Shares that do not count the usual value of a trigger are about other triggers.
        random = [n for n in needed if n in shares and usual[n] in (None, *shares[n])]
        missing = [name for name in needed if name not in random and usual[name] is None]
        here = self._lifecycle.find(event, node.state)
        if missing and any(name in missing for t in here for name, _ in t.when):
            raise InvalidInput(
                f"facts.{missing[0]}: {event} depends on this fact; expected a share for each value"
            )
        every = list(self._combinations(random))
        usable = [(chance, given) for chance, given in every if self._usable(given, here)]
        total = 1.0 if len(usable) == len(every) else sum(chance for chance, _ in usable)
        for chance, given in usable:
            outcome = self._lifecycle.outcome(event, node, given)
            yield chance / total, tuple(given.items()), outcome

    def _usable(self, given: Mapping[str, str], here: Sequence[Transition]) -> bool:
        """Return whether each circumstance has a value that the transitions know, if they ask."""
        known: dict[str, set[str]] = {}
        for name, value in (fact for transition in here for fact in transition.when):
            known.setdefault(name, set()).add(value)
        circumstances = (n for n in given if self._lifecycle.memory.fact(n).circumstance)
        return all(given[name] in known.get(name, {given[name]}) for name in circumstances)

    def _request(self, event: str, share: float, node: Node) -> Iterator[Jump]:
        """The jumps of a request. One without steps can fail at once, where it is made."""
        trigger = self._lifecycle.triggers[event]
        if trigger.kind is Kind.REQUEST and trigger.unseen:
            left = share
            for failure, chance in self._chances(node):
                yield from self._jumps(failure, share * chance, node, event)
                left -= share * chance
            share = max(left, 0.0)
        yield from self._jumps(event, share, node, event)

    def _jumps(self, event: str, share: float, node: Node, requested: str | None) -> Iterator[Jump]:
        for chance, given, outcome in self._outcomes(event, node):
            if share * chance > 0:
                path, target = outcome.transition.path, ChainState(outcome.end)
                yield Jump(share * chance, event, given, path, target, requested)

    def _chances(self, node: Node) -> list[tuple[str, float]]:
        outcomes: Mapping[str, Mapping[State, float]] = self._profile.outcomes
        return [
            (event, table[node.state])
            for event, table in outcomes.items()
            if table.get(node.state) and self._possible(event, node)
        ]

    def _step_ends(self, node: Node) -> Iterator[Jump]:
        """The jumps that end a step: it fails, it hangs, or else the operation advances."""
        left = 1.0
        for event, chance in self._chances(node):
            left -= chance
            yield from self._jumps(event, chance, node, None)
        hang = self._profile.hang.get(node.state, 0.0)
        if hang:
            left -= hang
            yield Jump(hang, None, (), (), ChainState(node, hangs=True))
        yield from self._jumps(self._lifecycle.advance, max(left, 0.0), node, None)
