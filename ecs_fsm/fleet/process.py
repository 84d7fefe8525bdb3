"""The semi-Markov process of a profile: places with a random time, and what they lead to.

A place is a node of the lifecycle, or one that hangs there. When its time is over, one of its edges
is taken; an edge enters states and leads to the next place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from itertools import product
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.graph import Outcome
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Facts, Kind, Node, State, bracketed
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.profiles.validation import NONE

AT_ONCE = Duration(Family.CONSTANT, 0.0)


class Stay(IntEnum):
    """What a server does at a place."""

    WORKS = 0
    RESTS = 1
    ENDS = 2
    """It rests for good."""
    HANGS = 3
    LOST = 4
    """It hangs for good."""
    COMES = 5
    """It is not there yet."""


class Place(NamedTuple):
    """Where a server is (None: not there yet), and whether it hangs."""

    node: Node | None
    hangs: bool = False

    def __str__(self) -> str:
        if self.node is None:
            return "(no server)"
        return f"{self.node.state}{bracketed(self.node.facts)}{' (hangs)' if self.hangs else ''}"


class Edge(NamedTuple):
    """What can come next at a place, with its probability.

    `event` (None where a server begins to hang, or was found) with the facts `given` enters
    `entered` and leads to `target`. `asks` marks a request, or what the system does unasked.
    """

    probability: float
    event: str | None
    given: Facts
    entered: tuple[State, ...]
    target: Place
    asks: str | None = None


class Spot(NamedTuple):
    """A place with how long a server stays there and what comes then."""

    place: Place
    stay: Stay
    time: Duration
    edges: tuple[Edge, ...]


def process(profile: Profile) -> dict[Place, Spot]:
    """Every place that servers of the profile can get to; the first is before they come."""
    found: dict[Place, Spot] = {}
    waiting = [Place(None)]
    maker = _Maker(profile)
    while waiting:
        place = waiting.pop(0)
        if place not in found:
            found[place] = maker.spot(place)
            waiting += [edge.target for edge in found[place].edges]
    return found


class _Maker:
    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._lifecycle: Lifecycle = profile.lifecycle

    def spot(self, place: Place) -> Spot:
        node = place.node
        if node is None:
            return Spot(place, Stay.COMES, AT_ONCE, tuple(self._beginnings()))
        if place.hangs:
            return self._stuck(place, node)
        if not self._lifecycle.rests(node.state):
            time = self._profile.durations[node.state]
            return Spot(place, Stay.WORKS, time, tuple(self._endings(node)))
        requests = self._profile.requests.get(node.state)
        mix = requests.mix if requests else {}
        able = {n: share for n, share in mix.items() if share and self._able(n, node)}
        if requests is None or not able:
            return self._stuck(place, node)
        total = sum(able.values())
        edges = [edge for n, share in able.items() for edge in self._asked(n, share / total, node)]
        return Spot(place, Stay.RESTS, requests.every, tuple(edges))

    def _able(self, name: str, node: Node) -> bool:
        return bool(self._lifecycle.possible(name, node))

    def _stuck(self, place: Place, node: Node) -> Spot:
        stuck = self._profile.stuck
        busy = place.hangs or node.state.task_state is not None
        asked = next((n for n in stuck.ask if self._able(n, node)), None) if stuck else None
        if stuck is None or asked is None or not busy:
            return Spot(place, Stay.LOST if busy else Stay.ENDS, AT_ONCE, ())
        return Spot(place, Stay.HANGS, stuck.every, tuple(self._asked(asked, 1.0, node)))

    def _beginnings(self) -> Iterator[Edge]:
        """The first nodes, with the facts that are drawn for a server."""
        lifecycle, facts = self._lifecycle, self._profile.facts
        creation = lifecycle.creation.trigger
        given = [name for name in lifecycle.triggers[creation].given if name in facts]
        first = lifecycle.creation.path[-1]
        others = [n for n in facts if n not in given and lifecycle.memory.open(n, first)]
        found = self._profile.arrivals.kind == NONE
        for chance, drawn in self._draws([*given, *others]):
            told = {name: value for name, value in drawn.items() if name in given}
            outcome = lifecycle.outcome(creation, None, told)
            known = {**dict(outcome.end.facts), **{n: drawn[n] for n in others}}
            if found:
                state = self._profile.arrivals.state or first
                target = Place(lifecycle.node(state, known))
                yield Edge(chance, None, tuple(drawn.items()), (), target)
            else:
                target = Place(lifecycle.node(outcome.end.state, known))
                path = outcome.transition.path
                yield Edge(chance, creation, tuple(drawn.items()), path, target, creation)

    def _draws(self, names: list[str]) -> Iterator[tuple[float, dict[str, str]]]:
        """Every combination of values of these facts, with its probability."""
        tables = [self._profile.facts[name] for name in names]
        for values in product(*tables):
            chance = 1.0
            for table, value in zip(tables, values, strict=True):
                chance *= table[value]
            if chance:
                yield chance, dict(zip(names, values, strict=True))

    def _happen(self, event: str, node: Node) -> Iterator[tuple[float, Facts, Outcome]]:
        """What an event comes to, for every combination of the facts that are given with it."""
        usual = self._lifecycle.triggers[event].given
        memory = self._lifecycle.memory
        needed = [n for n, v in usual.items() if not (v is None and memory.open(n, node.state))]
        drawn = [name for name in needed if name in self._profile.facts]
        unsaid = [name for name in needed if name not in drawn and usual[name] is None]
        here = self._lifecycle.find(event, node.state)
        if unsaid and any(name in unsaid for t in here for name, _ in t.when):
            raise InvalidInput(f"facts.{unsaid[0]}: {event} depends on it; expected its shares")
        for chance, given in self._draws(drawn):
            yield chance, tuple(given.items()), self._lifecycle.outcome(event, node, given)

    def _asked(self, event: str, share: float, node: Node) -> Iterator[Edge]:
        """A request, or what goes wrong with one that has no step of its own."""
        trigger = self._lifecycle.triggers[event]
        if trigger.kind is Kind.REQUEST and trigger.unseen:
            left = share
            for failure, chance in self._chances(node):
                yield from self._edges(failure, share * chance, node, event)
                left -= share * chance
            share = max(left, 0.0)
        yield from self._edges(event, share, node, event)

    def _edges(self, event: str, share: float, node: Node, asks: str | None) -> Iterator[Edge]:
        for chance, given, outcome in self._happen(event, node):
            if share * chance > 0:
                path = outcome.transition.path
                yield Edge(share * chance, event, given, path, Place(outcome.end), asks)

    def _chances(self, node: Node) -> list[tuple[str, float]]:
        outcomes: Mapping[str, Mapping[State, float]] = self._profile.outcomes
        return [
            (event, table[node.state])
            for event, table in outcomes.items()
            if table.get(node.state) and self._able(event, node)
        ]

    def _endings(self, node: Node) -> Iterator[Edge]:
        left = 1.0
        for event, chance in self._chances(node):
            left -= chance
            yield from self._edges(event, chance, node, None)
        hang = self._profile.hang.get(node.state, 0.0)
        if hang:
            left -= hang
            yield Edge(hang, None, (), (), Place(node, hangs=True))
        yield from self._edges(self._lifecycle.advance, max(left, 0.0), node, None)
