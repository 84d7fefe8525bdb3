"""How right replay is: fleets whose events are known are polled, and what it names is compared.

The figure is F1 over all lives of two days: the longest common subsequence of the events that
happened and those that are named, without those that only go on. The creation counts: the first
row of a server shows it. What happens between two polls and shows in neither cannot be named, nor
which of two requests was made whose steps are the same, so even the best has a figure below 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, NamedTuple

from ecs_fsm import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.fleet import simulation
from ecs_fsm.fleet.arrays import compile_profile
from ecs_fsm.profiles.loader import built_in
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain

DAYS = 2
GOING_ON = ("advance", "reschedule")


class Entered(NamedTuple):
    """A state that a server entered, when, and by which event."""

    time: float
    event: str | None
    state: State


Life = list[Entered]


def lives(lifecycle: Lifecycle, servers: int, seed: int) -> list[Life]:
    """The lives of a simulated fleet."""
    profile = built_in(lifecycle)
    compiled = compile_profile(profile)
    found: dict[int, Life] = {}

    def take(rows: Any) -> None:
        numbers, times = rows.servers.tolist(), rows.times.tolist()
        events, states = rows.events.tolist(), rows.states.tolist()
        for server, time, event, state in zip(numbers, times, events, states, strict=True):
            name = compiled.events[event] if event >= 0 else None
            found.setdefault(server, []).append(Entered(time, name, compiled.states[state]))

    simulation.run(profile, servers=servers, duration=f"{DAYS}d", seed=seed, take=take)
    return list(found.values())


def polled(life: Life, every: float, phase: float, *, status: bool) -> list[Observation]:
    """What polls see of a life: the first and the last row of each state suffice."""
    rows = []
    for entered, left in zip(life, [*(e.time for e in life[1:]), DAYS * 86_400.0], strict=True):
        first = math.ceil((entered.time - phase) / every) * every + phase
        last = (math.ceil((left - phase) / every) - 1) * every + phase
        state = entered.state
        shown: dict[str, str | None] = {"status": state.status.value} if status else state.as_dict()
        known = None if status else state
        rows += [
            Observation(shown, known, None, time=time)
            for time in dict.fromkeys((first, last))
            if max(0, entered.time) <= time < left
        ]
    return rows


def in_common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for n, against in enumerate(other, start=1):
            diagonal, row[n] = row[n], diagonal + 1 if word == against else max(row[n - 1], row[n])
    return row[-1]


def happened(life: Life) -> list[str]:
    """The events; the second write of one event is none."""
    found = []
    before: tuple[float, str | None] = (-1.0, None)
    for time, event, _ in life:
        if event and event not in GOING_ON and (time, event) != before:
            found.append(event)
        before = time, event
    return found


def figure(
    lifecycle: Lifecycle, every: float, *, status: bool = False, servers: int = 100, seed: int = 1
) -> float:
    """F1 over all lives of a fleet that is polled at random phases."""
    return figure_of(lifecycle, lives(lifecycle, servers, seed), every, status=status, seed=seed)


def figure_of(
    lifecycle: Lifecycle,
    known: Iterable[Life],
    every: float,
    *,
    status: bool = False,
    seed: int = 1,
) -> float:
    """F1 over these lives."""
    chance = Random(seed)  # noqa: S311  # a phase
    replay = Replay(lifecycle, sampled=True)
    same = true = count = 0
    for life in known:
        rows = polled(life, every, chance.random() * every, status=status)
        if rows:
            events = happened(life)
            named = [lifecycle.creation.trigger, *_named(replay, rows)]
            same += in_common(events, named)
            true, count = true + len(events), count + len(named)
    return 2 * same / (true + count)


def _named(replay: Replay, rows: Iterable[Observation]) -> Iterable[str]:
    for change in explain(replay, rows):
        yield from (event for event in change.events or () if event not in GOING_ON)
