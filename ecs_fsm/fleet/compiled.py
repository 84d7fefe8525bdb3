"""A semi-Markov process as arrays, for an engine that knows neither lifecycles nor objects.

What comes after a place is drawn by the alias method: a slot of its row, then the slot's own edge
or the other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.core.model import Kind, State
from ecs_fsm.fleet.process import Edge, Place, Spot, process
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.profile import Profile

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
FAMILIES = tuple(Family)
EXPONENTIAL, LOGNORMAL, WEIBULL, GAMMA, CONSTANT, EMPIRICAL = range(len(FAMILIES))
NOBODY = -1
"""No request, no event."""


class Arrays(NamedTuple):
    """The process for an engine; P places, K slots (a power of two), E edges, S states.

    `kinds`, `families`, `firsts`, `seconds`, `states` (P): `Stay`, place in `FAMILIES`, parameters
    as `Duration.parameters`, state. `samples` holds those of empirical times, a place's from
    `sample_from` on, `sample_count` of them. `thresholds`, `owns`, `others` (P x K): below which
    32 bits a slot leads to its own edge, that edge, the other one. `targets`, `events`, `groups`
    (E): place, event, request group (`NOBODY` for none); an edge enters `entered[e, :changes[e]]`.
    `wrong` (S) marks the states in which what goes wrong ends.
    """

    kinds: Ints
    families: Ints
    firsts: Floats
    seconds: Floats
    states: Ints
    samples: Floats
    sample_from: Ints
    sample_count: Ints
    thresholds: NDArray[np.uint64]
    owns: Ints
    others: Ints
    targets: Ints
    events: Ints
    groups: Ints
    changes: Ints
    entered: Ints
    wrong: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Group:
    """One kind of request: what is asked, and where."""

    asks: str
    place: Place


@dataclass(frozen=True, slots=True)
class Compiled:
    """A profile, compiled: its spots and edges in the order of the arrays.

    `wrong` is the state in which what goes wrong ends, `groups` the kinds of requests.
    """

    profile: Profile
    spots: tuple[Spot, ...]
    edges: tuple[Edge, ...]
    states: tuple[State, ...]
    events: tuple[str, ...]
    groups: tuple[Group, ...]
    wrong: frozenset[State]
    arrays: Arrays

    @property
    def ends(self) -> bool:
        """Whether every place leads to one that is never left."""
        back: dict[Place, list[Place]] = {}
        for spot in self.spots:
            for edge in spot.edges:
                back.setdefault(edge.target, []).append(spot.place)
        waiting = [spot.place for spot in self.spots if not spot.edges]
        ending = set(waiting)
        while waiting:
            for place in back.get(waiting.pop(), ()):
                if place not in ending:
                    ending.add(place)
                    waiting.append(place)
        return len(ending) == len(self.spots)


def compile_profile(profile: Profile) -> Compiled:
    """The process of a profile as arrays. Raises `InvalidInput` where a fact is not said."""
    spots = tuple(process(profile).values())
    edges = tuple(edge for spot in spots for edge in spot.edges)
    groups = tuple(
        dict.fromkeys(Group(e.asks, s.place) for s in spots for e in s.edges if e.asks is not None)
    )
    lifecycle = profile.lifecycle
    states, events = tuple(lifecycle.states.values()), tuple(lifecycle.triggers)
    wrong = _wrong(profile)
    numbers = _Numbers(
        {spot.place: n for n, spot in enumerate(spots)},
        {state: n for n, state in enumerate(states)},
        {event: n for n, event in enumerate(events)},
        {group: n for n, group in enumerate(groups)},
    )
    arrays = _arrays(spots, edges, numbers, [state in wrong for state in states])
    return Compiled(profile, spots, edges, states, events, groups, wrong, arrays)


class _Numbers(NamedTuple):
    """The number of everything in the arrays."""

    places: dict[Place, int]
    states: dict[State, int]
    events: dict[str, int]
    groups: dict[Group, int]


def _wrong(profile: Profile) -> frozenset[State]:
    """The resting state in which a creation ends that goes wrong: the status of an error."""
    lifecycle = profile.lifecycle
    first = lifecycle.creation.path[-1]
    ends = {t.path[-1] for t in lifecycle.leaving(first) if t.kind is Kind.FAILURE and t.path}
    return frozenset(ends)


def _arrays(
    spots: tuple[Spot, ...], edges: tuple[Edge, ...], numbers: _Numbers, wrong: list[bool]
) -> Arrays:
    asked_at = [(edge.asks, spot.place) for spot in spots for edge in spot.edges]
    parameters = np.array([spot.time.parameters() for spot in spots])
    samples, begins, counts = _samples([spot.time for spot in spots])
    thresholds, owns, others = _aliases(spots)
    entered = np.zeros((len(edges), max(len(e.entered) for e in edges) or 1), np.int32)
    for n, edge in enumerate(edges):
        entered[n, : len(edge.entered)] = [numbers.states[s] for s in edge.entered]
    nodes = [spot.place.node for spot in spots]
    return Arrays(
        kinds=_ints(spot.stay for spot in spots),
        families=_ints(FAMILIES.index(spot.time.family) for spot in spots),
        firsts=parameters[:, 0].copy(),
        seconds=parameters[:, 1].copy(),
        states=_ints(NOBODY if node is None else numbers.states[node.state] for node in nodes),
        samples=samples,
        sample_from=begins,
        sample_count=counts,
        thresholds=thresholds,
        owns=owns,
        others=others,
        targets=_ints(numbers.places[edge.target] for edge in edges),
        events=_ints(NOBODY if e.event is None else numbers.events[e.event] for e in edges),
        groups=_ints(NOBODY if a is None else numbers.groups[Group(a, p)] for a, p in asked_at),
        changes=_ints(len(edge.entered) for edge in edges),
        entered=entered,
        wrong=np.array(wrong, np.int8),
    )


def _ints(values: object) -> Ints:
    return np.array([int(value) for value in values], np.int32)  # type: ignore[attr-defined]


def _samples(times: list[Duration]) -> tuple[Floats, Ints, Ints]:
    counts = _ints(len(time.samples) for time in times)
    begins = (np.cumsum(counts) - counts).astype(np.int32)
    return np.array([s for time in times for s in time.samples] or [0.0]), begins, counts


def _aliases(spots: tuple[Spot, ...]) -> tuple[NDArray[np.uint64], Ints, Ints]:
    """The alias tables of all places, each as wide as the widest needs."""
    most = max(len(spot.edges) for spot in spots)
    slots = 1 << (most - 1).bit_length() if most > 1 else 1
    thresholds = np.zeros((len(spots), slots), np.uint64)
    owns, others = (np.zeros((len(spots), slots), np.int32) for _ in range(2))
    first = 0
    for n, spot in enumerate(spots):
        for slot, (threshold, own, other) in enumerate(
            _alias([edge.probability for edge in spot.edges], slots)
        ):
            thresholds[n, slot] = threshold
            owns[n, slot], others[n, slot] = first + own, first + other
        first += len(spot.edges)
    return thresholds, owns, others


def _alias(probabilities: list[float], slots: int) -> list[tuple[int, int, int]]:
    """Vose's alias table: for each slot the threshold in 2**32, its own edge, the other one."""
    if not probabilities:
        return [(0, 0, 0)] * slots
    total = sum(probabilities)
    mass = [p / total * slots for p in probabilities] + [0.0] * (slots - len(probabilities))
    table = [(1 << 32, slot, slot) for slot in range(slots)]
    small = [slot for slot in range(slots) if mass[slot] < 1]
    large = [slot for slot in range(slots) if mass[slot] >= 1]
    while small and large:
        less, more = small.pop(), large[-1]
        table[less] = (round(mass[less] * (1 << 32)), less, more)
        mass[more] -= 1 - mass[less]
        if mass[more] < 1:
            small.append(large.pop())
    sure = max(range(len(probabilities)), key=probabilities.__getitem__)
    return [
        (
            threshold,
            own if own < len(probabilities) else sure,
            other if other < len(probabilities) else sure,
        )
        for threshold, own, other in table
    ]
