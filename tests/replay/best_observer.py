"""The best that an observer of polls can name, by one who knows more than any poll shows.

This observer knows the node of each server at each poll, with the facts that no row shows and
whether it hangs, and names the events that a large fleet has most often between two such nodes.
Where all times are exponential, nothing else says anything about these events.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from ecs_fsm import Lifecycle
from ecs_fsm.profiles.durations import Family
from ecs_fsm.profiles.loader import built_in
from ecs_fsm.profiles.process import FINAL, ChainState, process
from tests.replay.truth import DAYS, GOING_ON, Entered, Life, in_common

Events = tuple[str, ...]
Ends = tuple[ChainState, ChainState]
MOST_TRIED = 12


class Walk(NamedTuple):
    """A life, and where the server is after each jump of its process, with the time."""

    life: Life
    places: list[tuple[float, str | None, ChainState]]


class _Window(NamedTuple):
    """What happened between two polls, and where the server was at both."""

    ends: Ends
    events: Events
    seen: bool


def walks(lifecycle: Lifecycle, servers: int, seed: int) -> list[Walk]:
    """Simulate the process of the built-in profile, server by server."""
    chance = Random(seed)  # noqa: S311  # a simulation
    chain = process(built_in(lifecycle))
    known = {Family.EXPONENTIAL, Family.CONSTANT}
    assert {sojourn.time.family for sojourn in chain.values()} <= known
    weights = {at: [jump.probability for jump in sojourn.jumps] for at, sojourn in chain.items()}
    found = []
    for _ in range(servers):
        walk, time, at = Walk([], []), 0.0, ChainState(None)
        while chain[at].activity not in FINAL:
            length = chain[at].time
            exponential = length.family is Family.EXPONENTIAL
            time += chance.expovariate(1 / length.mean) if exponential else length.mean
            if time >= DAYS * 86_400:
                break
            jump = chance.choices(chain[at].jumps, weights[at])[0]
            at = jump.target
            walk.life.extend(Entered(time, jump.event, state) for state in jump.entered)
            walk.places.append((time, jump.event if jump.entered else None, at))
        found.append(walk)
    return found


def _windows(walk: Walk, every: float, phase: float) -> Iterator[_Window]:
    """The times between two polls in which something happened."""
    before = ChainState(None)
    numbers = [math.ceil((time - phase) / every) for time, _, _ in walk.places]
    first = 0
    for n, number in enumerate(numbers):
        if n + 1 < len(numbers) and numbers[n + 1] == number:
            continue
        within = walk.places[first : n + 1]
        first, after = n + 1, within[-1][2]
        events = tuple(event for _, event, _ in within if event and event not in GOING_ON)
        states = [at.node and at.node.state for at in (before, after)]
        yield _Window((before, after), events, states[0] != states[1])
        before = after


def ceiling(known: Sequence[Walk], every: float, *, seed: int = 1) -> float:
    """F1 of this observer; what shows in no poll is not named, as it mostly did not happen."""
    chance = Random(seed)  # noqa: S311  # phases
    lives = [list(_windows(walk, every, chance.random() * every)) for walk in known]
    between: dict[Ends, Counter[Events]] = {}
    for window in (window for life in lives for window in life):
        if window.seen:
            between.setdefault(window.ends, Counter())[window.events] += 1
    usual = {ends: _most_in_common(counts) for ends, counts in between.items()}
    same = true = count = 0
    for life in lives:
        events = [event for window in life for event in window.events]
        named = [event for window in life if window.seen for event in usual[window.ends]]
        same += in_common(events, named)
        true, count = true + len(events), count + len(named)
    return 2 * same / (true + count)


def _most_in_common(counts: Counter[Events]) -> Events:
    """The events whose naming raises F1 the most: an event should be right in half of the cases."""

    def gain(named: Events) -> float:
        right = sum(in_common(events, named) * times for events, times in counts.items())
        return right - len(named) * counts.total() / 2

    return max([(), *(events for events, _ in counts.most_common(MOST_TRIED))], key=gain)
