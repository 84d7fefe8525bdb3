"""Fits a profile to timed observations: the likeliest family of each time, and every share.

They come from a record in any format of `ecs_fsm.records`; instance actions have exact times.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State
from ecs_fsm.core.scenario import HANG
from ecs_fsm.io.console import visible
from ecs_fsm.profiles.durations import SECOND, Duration, Family
from ecs_fsm.records.meanings import failure_words
from ecs_fsm.records.observations import Observation, RecordedAction
from ecs_fsm.records.record import Record, RecordOptions
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.explanation import Replay

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

    `untold` are those in which several steps cannot be told apart; `hosts` has the times of a task
    on each host, where the record names hosts.
    """

    servers: int = 0
    changes: int = 0
    unexplained: int = 0
    untold: int = 0
    sampled: bool = False
    hosts: dict[tuple[str, str], list[float]] = field(default_factory=dict)
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


class FittedProfile(NamedTuple):
    """A profile as text, its fitted times, and the rows for which there were too few samples."""

    text: str
    fits: tuple[Fit, ...]
    too_little: tuple[str, ...]


def observe(
    lifecycle: Lifecycle, paths: Sequence[str], options: RecordOptions | None = None
) -> SojournData:
    """Read timed observations of one or several files, `-` for standard input.

    Raise `InvalidInput` with file and line for invalid ones, and for a record without times.
    """
    record = Record(lifecycle, paths, options)
    data = record.follow(lambda rows: _observed(lifecycle, record, rows))
    if record.first is None and record.servers:
        raise InvalidInput(f"{', '.join(paths)}: no times; {EXPECTED}")
    data.servers, data.sampled = record.servers, not record.complete
    return data


def _observed(
    lifecycle: Lifecycle, record: Record, recording: Iterable[Observation]
) -> SojournData:
    data = SojournData()
    first: dict[str | None, Observation] = {}

    def rows() -> Iterator[Observation]:
        for row in recording:
            if row.action is not None:
                _count_steps(lifecycle, row.action, data)
            if row.shown:
                first.setdefault(row.server, row)
                yield row

    for change in Replay(lifecycle, sampled=not record.complete, all_ways=True).explain(rows()):
        whole = change.before is not first[change.after.server]
        _count(lifecycle, change, whole, data)
    return data


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


def _merged(samples: Iterable[StateSample]) -> StateSample:
    whole = StateSample()
    for one in samples:
        whole.times += one.times
        whole.alike |= one.alike
        whole.overtaken += one.overtaken
        for event, count in one.events.items():
            whole.events[event] = whole.events.get(event, 0) + count
    return whole


def fit(lifecycle: Lifecycle, data: SojournData) -> FittedProfile:
    """Return a fitted profile; rows with too few samples stay as in the built-in profile."""
    writer = _ProfileWriter(lifecycle, data)
    text = "\n".join(writer.lines()) + "\n"
    return FittedProfile(text, tuple(writer.fits), tuple(writer.too_little))


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
    return Fit(key, len(samples), time, float(test.statistic), float(test.pvalue))


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


class _ProfileWriter:
    """Writes the lines of a profile, and collects its rows."""

    def __init__(self, lifecycle: Lifecycle, data: SojournData) -> None:
        self._lifecycle, self._data = lifecycle, data
        self.fits: list[Fit] = []
        self.too_little: list[str] = []
        # One row for each task, also if it runs in several states; states at rest have none.
        self._steps: dict[str, list[State]] = {}
        for state in lifecycle.states.values():
            if not lifecycle.rests(state):
                self._steps.setdefault(str(state.task_state or state), []).append(state)

    def lines(self) -> Iterator[str]:
        data = self._data
        yield f"# Fitted to {data.changes} changes of {data.servers} servers."
        if data.unexplained:
            yield f"# {data.unexplained} changes that no event explains are left out."
        if data.untold:
            yield f"# {data.untold} in which steps cannot be told apart are left out."
        if data.sampled:
            yield "# The record is sampled: times are as exact as the polls were close."
        for (task, host), times in sorted(data.hosts.items()):
            mean = math.fsum(times) / len(times)
            yield f"# {task} on {visible(host)}: n={len(times)}, mean {mean:.6g} s"
        yield "# n: samples; KS: distance and probability of the Kolmogorov-Smirnov test."
        yield ""
        yield 'extends = "built-in"'
        yield f'lifecycle = "{self._lifecycle.name}"'
        yield from ("", "[durations]")
        for key in self._steps:
            yield from self._duration(_quoted(key), f"durations.{key}", self._sample(key))
        yield from self._requests()
        yield from self._probabilities()
        if self.too_little:
            yield from ("", "# Too little data, left as in the built-in profile:")
            yield from (f"#   {row}" for row in self.too_little)

    def _sample(self, key: str) -> StateSample:
        seen = self._data.states
        return _merged(seen[state] for state in self._steps[key] if state in seen)

    def _duration(self, written: str, name: str, sample: StateSample) -> Iterator[str]:
        found = fit_times(name, sample.times)
        self.fits.append(found)
        if found.time is None:
            self.too_little.append(f"{name}: n={found.size}, {ENOUGH} are needed")
            return
        quality = f"n={found.size}, KS {found.distance:.4f}, p={found.chance:.3g}"
        yield f"{written} = {_toml(found.time)}  # {quality}"

    def _requests(self) -> Iterator[str]:
        """How often each request comes to a server at rest."""
        for state in self._lifecycle.states.values():
            sample = self._data.states.get(state)
            if not self._lifecycle.rests(state) or sample is None:
                continue
            requests = self._counts(state, sample)
            total = sum(requests.values())
            if total < ENOUGH:
                self.too_little.append(f"requests.{state}: n={total}, {ENOUGH} are needed")
                continue
            yield from ("", f'[requests."{state}"]')
            yield from self._duration("every", f"requests.{state}.every", sample)
            shares = ", ".join(f"{name} = {count / total!r}" for name, count in requests.items())
            yield f"mix = {{ {shares} }}  # n={total}"

    def _counts(self, state: State, sample: StateSample) -> Mapping[str, int]:
        """The requests in a state; a failure of a request without steps counts as the request."""
        operations = self._lifecycle.operations.values()
        unseen = [o.name for o in operations if o.unseen and state in o.steps]
        requests: dict[str, int] = {}
        for event, count in sample.events.items():
            failed = self._lifecycle.triggers[event].kind is Kind.FAILURE
            name = unseen[0] if failed and unseen else event
            requests[name] = requests.get(name, 0) + count
        return requests

    def _probabilities(self) -> Iterator[str]:
        """The probability of each event that ends a step, unless another event looks the same."""
        for event in (*self._lifecycle.events, HANG):
            if event != self._lifecycle.advance:
                rows = [*self._of_steps(event), *self._at_rest(event)]
                if rows:
                    yield from ("", f"[{event}]", *rows)

    def _of_steps(self, event: str) -> Iterator[str]:
        for key, states in self._steps.items():
            sample = self._sample(key)
            total = sum(sample.events.values()) + sample.overtaken
            possible = event == HANG or any(self._lifecycle.find(event, state) for state in states)
            if not possible or total < ENOUGH or event in sample.alike:
                continue
            count = sample.overtaken if event == HANG else sample.events.get(event, 0)
            yield f"{_quoted(key)} = {count / total!r}  # {count} of {total}"

    def _at_rest(self, event: str) -> Iterator[str]:
        """The probability that requests without steps fail."""
        unseen = [o for o in self._lifecycle.operations.values() if o.unseen]
        for state, sample in self._data.states.items():
            if self._lifecycle.rests(state) and any(state in o.steps for o in unseen):
                count = sample.events.get(event, 0)
                total = count + sum(sample.events.get(o.name, 0) for o in unseen)
                if event != HANG and total >= ENOUGH and self._lifecycle.find(event, state):
                    yield f"{_quoted(state)} = {count / total!r}  # {count} of {total}"


def _quoted(key: str) -> str:
    return f'"{key}"' if "/" in key else key


def _toml(time: Duration) -> str:
    if time.family is Family.EXPONENTIAL:
        return f"{time.mean:.6g}"
    second = SECOND.get(time.family)
    more = f", {second} = {time.second:.6g}" if second else ""
    return f'{{ distribution = "{time.family}", mean = {time.mean:.6g}{more} }}'
