"""A semi-Markov process as arrays, for a kernel that knows neither lifecycles nor objects.

The jump that ends a sojourn is chosen by the alias method, in constant time: a row of the table has
one slot for each jump, and a slot leads to its own jump below a threshold, else to another one.
Sources: Walker (1977), ACM TOMS 3, 253; Vose (1991), IEEE Trans. Software Eng. 17, 972.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.core.model import State
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.process import ChainState, Jump, Sojourn, error_states, process
from ecs_fsm.profiles.profile import Profile

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
FAMILIES = tuple(Family)
EXPONENTIAL, LOGNORMAL, WEIBULL, GAMMA, CONSTANT, EMPIRICAL = range(len(FAMILIES))
ABSENT = -1
"""The number of no state, no event, no request class."""


class Arrays(NamedTuple):
    """The process as arrays, for P chain states, K slots (a power of two), J jumps, S states.

    By chain state (P): `activities` (`Activity`), `families` (index in `FAMILIES`), `scales` and
    `shapes` (`Duration.parameters`), `states` (index of the state, `ABSENT` before arrival), and
    the place of its observed times in `samples` (seconds): `sample_count` of them from
    `sample_from` on. The alias tables (P x K): 32 bits below `thresholds` lead from a slot to the
    jump `owns`, others to the jump `others`. By jump (J): `targets` (chain state), `events` and
    `classes` (event and request class, `ABSENT` for none); it enters `entered[j, :changes[j]]`.
    `error` (S) marks the states in which failed requests end.
    """

    activities: Ints
    families: Ints
    scales: Floats
    shapes: Floats
    states: Ints
    samples: Floats
    sample_from: Ints
    sample_count: Ints
    thresholds: NDArray[np.uint64]
    owns: Ints
    others: Ints
    targets: Ints
    events: Ints
    classes: Ints
    changes: Ints
    entered: Ints
    error: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class RequestClass:
    """All requests for one operation (or system event) that are made in one chain state."""

    operation: str
    at: ChainState


@dataclass(frozen=True, slots=True)
class CompiledProfile:
    """A profile and its process; sojourns, jumps, ... are in the order of the arrays."""

    profile: Profile
    sojourns: tuple[Sojourn, ...]
    jumps: tuple[Jump, ...]
    states: tuple[State, ...]
    events: tuple[str, ...]
    classes: tuple[RequestClass, ...]
    arrays: Arrays

    @property
    def absorbing(self) -> bool:
        """Whether every life ends: from every chain state, a final one can be reached."""
        sources: dict[ChainState, list[ChainState]] = {}
        for sojourn in self.sojourns:
            for jump in sojourn.jumps:
                sources.setdefault(jump.target, []).append(sojourn.at)
        waiting = [sojourn.at for sojourn in self.sojourns if not sojourn.jumps]
        ending = set(waiting)
        while waiting:
            for at in sources.get(waiting.pop(), ()):
                if at not in ending:
                    ending.add(at)
                    waiting.append(at)
        return len(ending) == len(self.sojourns)

    def classes_by_operation(self) -> dict[str, list[int]]:
        """Return the numbers of the request classes of each operation."""
        found: dict[str, list[int]] = {}
        for number, request_class in enumerate(self.classes):
            found.setdefault(request_class.operation, []).append(number)
        return found


def compile_profile(profile: Profile) -> CompiledProfile:
    """Return the process of a profile as arrays. Raise `InvalidInput` if it lacks a fact."""
    sojourns = tuple(process(profile).values())
    jumps = tuple(jump for sojourn in sojourns for jump in sojourn.jumps)
    classes = tuple(
        dict.fromkeys(
            RequestClass(jump.requested, sojourn.at)
            for sojourn in sojourns
            for jump in sojourn.jumps
            if jump.requested is not None
        )
    )
    lifecycle = profile.lifecycle
    states, events = tuple(lifecycle.states.values()), tuple(lifecycle.triggers)
    error = error_states(profile)
    indexes = _Indexes(
        {sojourn.at: n for n, sojourn in enumerate(sojourns)},
        {state: n for n, state in enumerate(states)},
        {event: n for n, event in enumerate(events)},
        {request_class: n for n, request_class in enumerate(classes)},
    )
    arrays = _arrays(sojourns, jumps, indexes, [state in error for state in states])
    return CompiledProfile(profile, sojourns, jumps, states, events, classes, arrays)


class _Indexes(NamedTuple):
    """The number of each object in the arrays."""

    chain_states: dict[ChainState, int]
    states: dict[State, int]
    events: dict[str, int]
    classes: dict[RequestClass, int]


def _arrays(
    sojourns: Sequence[Sojourn], jumps: Sequence[Jump], indexes: _Indexes, error: list[bool]
) -> Arrays:
    origins = [sojourn.at for sojourn in sojourns for _ in sojourn.jumps]
    parameters = np.array([sojourn.time.parameters() for sojourn in sojourns])
    samples, begins, counts = _samples([sojourn.time for sojourn in sojourns])
    thresholds, owns, others = _alias_tables(sojourns)
    entered = np.zeros((len(jumps), max(len(jump.entered) for jump in jumps) or 1), np.int32)
    for n, jump in enumerate(jumps):
        entered[n, : len(jump.entered)] = [indexes.states[s] for s in jump.entered]
    nodes = [sojourn.at.node for sojourn in sojourns]
    return Arrays(
        activities=_ints(sojourn.activity for sojourn in sojourns),
        families=_ints(FAMILIES.index(sojourn.time.family) for sojourn in sojourns),
        scales=parameters[:, 0].copy(),
        shapes=parameters[:, 1].copy(),
        states=_ints(ABSENT if node is None else indexes.states[node.state] for node in nodes),
        samples=samples,
        sample_from=begins,
        sample_count=counts,
        thresholds=thresholds,
        owns=owns,
        others=others,
        targets=_ints(indexes.chain_states[jump.target] for jump in jumps),
        events=_ints(ABSENT if j.event is None else indexes.events[j.event] for j in jumps),
        classes=_ints(
            ABSENT
            if jump.requested is None
            else indexes.classes[RequestClass(jump.requested, origin)]
            for jump, origin in zip(jumps, origins, strict=True)
        ),
        changes=_ints(len(jump.entered) for jump in jumps),
        entered=entered,
        error=np.array(error, np.int8),
    )


def _ints(values: Iterable[int]) -> Ints:
    return np.array([int(value) for value in values], np.int32)


def _samples(times: list[Duration]) -> tuple[Floats, Ints, Ints]:
    """All observed times in one array, and where those of each chain state begin."""
    counts = _ints(len(time.samples) for time in times)
    begins = (np.cumsum(counts) - counts).astype(np.int32)
    return np.array([s for time in times for s in time.samples] or [0.0]), begins, counts


def _alias_tables(sojourns: Sequence[Sojourn]) -> tuple[NDArray[np.uint64], Ints, Ints]:
    """The alias tables of all chain states, each as wide as the widest one."""
    most = max(len(sojourn.jumps) for sojourn in sojourns)
    slots = 1 << (most - 1).bit_length() if most > 1 else 1
    thresholds = np.zeros((len(sojourns), slots), np.uint64)
    owns, others = (np.zeros((len(sojourns), slots), np.int32) for _ in range(2))
    first = 0
    for n, sojourn in enumerate(sojourns):
        table = alias_table([jump.probability for jump in sojourn.jumps], slots)
        for slot, (threshold, own, other) in enumerate(table):
            thresholds[n, slot] = threshold
            owns[n, slot], others[n, slot] = first + own, first + other
        first += len(sojourn.jumps)
    return thresholds, owns, others


def alias_table(probabilities: list[float], slots: int) -> list[tuple[int, int, int]]:
    """Vose's alias table: for each slot the threshold in 2**32, its own jump, the other one."""
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
    # Rounding can leave a slot without a jump of its own: it leads to the likeliest jump instead.
    likeliest = max(range(len(probabilities)), key=probabilities.__getitem__)
    return [
        (
            threshold,
            own if own < len(probabilities) else likeliest,
            other if other < len(probabilities) else likeliest,
        )
        for threshold, own, other in table
    ]
