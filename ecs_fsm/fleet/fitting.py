"""Fits a profile to timed observations: the likeliest family of each time, and every share.

They come from a record in any format of `ecs_fsm.records`; instance actions have exact times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State
from ecs_fsm.profiles.durations import SECOND, Duration, Family
from ecs_fsm.records.meanings import failure_words
from ecs_fsm.records.observations import Observation, RecordedAction
from ecs_fsm.records.record import Record, RecordOptions
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain
from ecs_fsm.replay.recording import reading_progress

BETWEEN_REPORTS = 1000
"""Rows between two reports of how far the files were read."""
ENOUGH = 30
"""Samples below which nothing is fitted, and the built-in profile stays."""
SHORTEST = 1e-3
"""Seconds that replace a time of 0, which only the constant family can have."""
EXPECTED = "expected a column time with seconds or an ISO 8601 time"


@dataclass(slots=True)
class StateSample:
    """What was observed of one state.

    `times`: the seconds until an event; `events`: how often each event came; `alike`: events that
    explain some of the changes as well; `overtaken`: how often a request came during a step.
    """

    times: list[float] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)
    alike: set[str] = field(default_factory=set)
    overtaken: int = 0


@dataclass(slots=True)
class SojournData:
    """The samples of all states; `unexplained` and `untold` changes are in none of them.

    `untold` are those in which several steps look alike; `hosts` has the times of a task
    on each host, where the record names hosts. `births` are the times at which servers were
    created, in a record from `began` to `ended`; `facts` count the values that decided changes, by
    fact and server.
    """

    servers: int = 0
    changes: int = 0
    unexplained: int = 0
    untold: int = 0
    sampled: bool = False
    hosts: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    births: dict[str | None, float] = field(default_factory=dict)
    began: float | None = None
    ended: float | None = None
    facts: dict[str, dict[str | None, dict[str, int]]] = field(default_factory=dict)
    states: dict[State, StateSample] = field(default_factory=dict)


class Fit(NamedTuple):
    """One row: the number of samples, and the time that fits them best (None: too few samples).

    `distance` and `chance` are the statistic of the Kolmogorov-Smirnov test and its p-value for
    samples of that very time; as the time was fitted to them, the p-value is a little too high.
    """

    key: str
    size: int
    time: Duration | None
    distance: float
    chance: float
    samples: tuple[float, ...] = ()


def observe(
    lifecycle: Lifecycle, paths: Sequence[str], options: RecordOptions | None = None
) -> SojournData:
    """Read timed observations of one or several files, `-` for standard input.

    Raise `InvalidInput` with file and line for invalid ones, and for a record without times.
    """
    record = Record(lifecycle, paths, options)
    with reading_progress(paths) as moved:
        data = record.follow(lambda rows: _observed(lifecycle, record, rows, moved))
    if record.first is None and record.servers:
        raise InvalidInput(f"{', '.join(paths)}: no times; {EXPECTED}")
    data.servers, data.sampled = record.servers, not record.complete
    return data


def _observed(
    lifecycle: Lifecycle,
    record: Record,
    recording: Iterable[Observation],
    moved: Callable[[int], None],
) -> SojournData:
    data = SojournData()
    first: dict[str | None, Observation] = {}

    def rows() -> Iterator[Observation]:
        for number, row in enumerate(recording):
            if number % BETWEEN_REPORTS == 0:
                moved(record.position)
            _count_time(lifecycle, row, data)
            if row.action is not None:
                _count_steps(lifecycle, row.action, data)
            if row.shown:
                first.setdefault(row.server, row)
                yield row

    for change in explain(Replay(lifecycle, sampled=not record.complete, all_ways=True), rows()):
        whole = change.before is not first[change.after.server]
        _count(lifecycle, change, whole, data)
    return data


def _count_time(lifecycle: Lifecycle, row: Observation, data: SojournData) -> None:
    """Note how long the record is, and the creation of a server."""
    if row.time is None:
        return
    data.began = row.time if data.began is None else min(data.began, row.time)
    data.ended = row.time if data.ended is None else max(data.ended, row.time)
    created = row.action is not None and lifecycle.creation.trigger in row.action.operations
    if created or (row.state is not None and row.state is lifecycle.creation.path[0]):
        data.births[row.server] = min(row.time, data.births.get(row.server, row.time))


def _count_steps(lifecycle: Lifecycle, action: RecordedAction, data: SojournData) -> None:
    """Add the steps that an action timed: those that last exactly as long as one task."""
    for step in action.steps:
        if step.began is None or step.finished is None or step.failed is None:
            continue
        data.changes += 1
        states = [
            state
            for name in action.operations
            for state in lifecycle.operations[name].steps
            if state.task_state in step.tasks
        ]
        if len(step.tasks) != 1 or not states:
            data.untold += 1
            continue
        sample, stayed = (
            data.states.setdefault(states[0], StateSample()),
            step.finished - step.began,
        )
        sample.times.append(stayed)
        if step.host:
            data.hosts.setdefault((step.tasks[0], step.host), []).append(stayed)
        if not step.failed:
            sample.events[lifecycle.advance] = sample.events.get(lifecycle.advance, 0) + 1
        else:  # by which event is not said
            sample.alike.update(failure_words(lifecycle, action))


def _count(lifecycle: Lifecycle, change: Explanation, whole: bool, data: SojournData) -> None:
    """Add a change; `whole` says that the sojourn before it was observed from its beginning."""
    data.changes += 1
    if change.events is None or change.before is None or change.before.state is None:
        data.unexplained += 1
        return
    if not change.events:
        return
    if change.settled:
        for name, value in change.facts:
            counts = data.facts.setdefault(name, {}).setdefault(change.after.server, {})
            counts[value] = counts.get(value, 0) + 1
    if len(change.events) > 1:
        data.untold += 1  # when the first of them ended, and the next began, was not observed
        return
    (event,), state = change.events, change.before.state
    sample = data.states.setdefault(state, StateSample())
    sample.alike.update(e for other in change.others for e in other.events)
    requested = lifecycle.triggers[event].kind in (Kind.REQUEST, Kind.SYSTEM)
    if requested and not lifecycle.rests(state):
        sample.overtaken += 1
        return
    sample.events[event] = sample.events.get(event, 0) + 1
    if whole or state is lifecycle.creation.path[0]:
        ended, began = change.after.time, change.before.time
        if ended is not None and began is not None:
            sample.times.append(ended - began)


def merged(samples: Iterable[StateSample]) -> StateSample:
    """Return samples as one."""
    whole = StateSample()
    for one in samples:
        whole.times += one.times
        whole.alike |= one.alike
        whole.overtaken += one.overtaken
        for event, count in one.events.items():
            whole.events[event] = whole.events.get(event, 0) + count
    return whole


def fit_times(key: str, times: list[float]) -> Fit:
    """Return the family and parameters of highest likelihood, by Schwarz's criterion (BIC)."""
    samples = np.asarray(times, np.float64)
    if len(samples) < ENOUGH:
        return Fit(key, len(samples), None, math.nan, math.nan)
    if np.ptp(samples) <= 1e-9 * max(samples.max(), 1):
        return Fit(key, len(samples), Duration(Family.CONSTANT, float(samples.mean())), 0.0, 1.0)
    positive = np.maximum(samples, SHORTEST)
    laws = dict(_fitted_laws(positive))
    price = math.log(len(samples))
    costs = {
        family: price * (1 + (family in SECOND)) - 2 * float(law.logpdf(positive).sum())
        for family, law in laws.items()
    }
    best = min(costs, key=costs.__getitem__)
    test = stats.kstest(positive, laws[best].cdf)
    time = _duration(best, laws[best])
    kept = tuple(samples.tolist())
    return Fit(key, len(samples), time, float(test.statistic), float(test.pvalue), kept)


def _fitted_laws(samples: NDArray[np.float64]) -> Iterator[tuple[Family, stats.rv_continuous]]:
    """Each family with its parameters of highest likelihood."""
    yield Family.EXPONENTIAL, stats.expon(scale=samples.mean())
    logs = np.log(samples)
    yield Family.LOGNORMAL, stats.lognorm(logs.std(), scale=math.exp(logs.mean()))
    shape, _, scale = stats.gamma.fit(samples, floc=0)
    yield Family.GAMMA, stats.gamma(shape, scale=scale)
    shape, _, scale = stats.weibull_min.fit(samples, floc=0)
    yield Family.WEIBULL, stats.weibull_min(shape, scale=scale)


def _duration(family: Family, law: stats.rv_continuous) -> Duration:
    mean = float(law.mean())
    if family is Family.LOGNORMAL:
        return Duration(family, mean, float(law.std()))
    return Duration(family, mean, float(law.args[0]) if family in SECOND else 0.0)
