"""Writes a profile fitted to what was observed, with the evidence for each value as a comment.

A share of few trials is not the number of cases divided by the trials: of none in 60 it would be 0.
It is the mean of the posterior law under Jeffreys' prior, Beta(1/2, 1/2), and its 95 % interval is
printed. Where no case was seen and the built-in value lies in that interval, this value stays.
Source: Jeffreys (1946), Proceedings of the Royal Society A 186, 453.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from scipy import stats

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State
from ecs_fsm.core.scenario import HANG
from ecs_fsm.fleet.fitting import ENOUGH, Fit, SojournData, StateSample, fit_times, merged
from ecs_fsm.io.console import visible
from ecs_fsm.profiles.durations import SECOND, Duration, Family
from ecs_fsm.profiles.loader import built_in
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.profiles.profile_validation import FIXED, POISSON

PRIOR = 0.5
"""What Jeffreys' prior adds to the count of each outcome."""
LEVEL = 0.95
AT_ONCE = 0.01
"""The part of a record within which creations count as made at once, at its beginning."""


class FittedProfile(NamedTuple):
    """A profile as text, its fitted times, and the rows for which there were too few samples."""

    text: str
    fits: tuple[Fit, ...]
    too_little: tuple[str, ...]  # steps
    few_requests: tuple[str, ...]  # and creations, and the facts that a request brings


class Share(NamedTuple):
    """A probability under Jeffreys' prior, and the interval that holds it with 95 %."""

    value: float
    low: float
    high: float


def jeffreys(count: int, of: int) -> Share:
    """Return the probability of what happened `count` times in `of` trials."""
    law = stats.beta(count + PRIOR, of - count + PRIOR)
    low, high = (float(edge) for edge in law.interval(LEVEL))
    return Share(
        (count + PRIOR) / (of + 2 * PRIOR), low if count else 0.0, high if count < of else 1.0
    )


def fit(
    lifecycle: Lifecycle, data: SojournData, progress: Callable[[int, int], None] | None = None
) -> FittedProfile:
    """Return a fitted profile; rows with too few samples stay as in the built-in profile.

    `progress` receives how many steps are fitted, of how many.
    """
    writer = _ProfileWriter(lifecycle, data, progress)
    text = "\n".join(writer.lines()) + "\n"
    return FittedProfile(
        text, tuple(writer.fits), tuple(writer.too_little), tuple(writer.few_requests)
    )


class _ProfileWriter:
    """Writes the lines of a profile, and collects its rows."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        data: SojournData,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._lifecycle, self._data, self._progress = lifecycle, data, progress
        self._before: Profile | None = None
        with suppress(InvalidInput):  # a lifecycle may come without a profile
            self._before = built_in(lifecycle)
        self.fits: list[Fit] = []
        self.too_little: list[str] = []
        self.few_requests: list[str] = []
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
        yield "# Probabilities: mean and 95 % interval under Jeffreys' prior, Beta(1/2, 1/2)."
        yield "# Where no case was seen and the built-in value lies in the interval, it stays: such"
        yield "# rows are comments."
        yield ""
        yield 'extends = "built-in"'
        yield f'lifecycle = "{self._lifecycle.name}"'
        yield from self._arrivals()
        yield from ("", "[durations]")
        for number, key in enumerate(self._steps, 1):
            yield from self._duration(
                _quoted(key), f"durations.{key}", self._sample(key), self.too_little
            )
            if self._progress:
                self._progress(number, len(self._steps))
        yield from self._requests()
        yield from self._probabilities()
        yield from self._facts()
        for found, rows in (
            ("Too little data", self.too_little),
            ("Few requests", self.few_requests),
        ):
            if rows:
                yield from ("", f"# {found}, left as in the built-in profile:")
                yield from (f"#   {row}" for row in rows)

    def _sample(self, key: str) -> StateSample:
        seen = self._data.states
        return merged(seen[state] for state in self._steps[key] if state in seen)

    def _duration(
        self, written: str, name: str, sample: StateSample, few: list[str]
    ) -> Iterator[str]:
        found = fit_times(name, sample.times)
        self.fits.append(found)
        if found.time is None:
            few.append(f"{name}: n={found.size}, {ENOUGH} are needed")
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
                self.few_requests.append(f"requests.{state}: n={total}, {ENOUGH} are needed")
                continue
            yield from ("", f'[requests."{state}"]')
            yield from self._duration("every", f"requests.{state}.every", sample, self.few_requests)
            known = self._before.requests.get(state) if self._before else None
            usual = dict.fromkeys([*requests, *(known.mix if known else ())])
            yield f"mix = {_shares({name: requests.get(name, 0) for name in usual})}  # n={total}"

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

    def _arrivals(self) -> Iterator[str]:
        """How servers come, from the times at which they were created."""
        births, began, ended = (
            sorted(self._data.births.values()),
            self._data.began,
            self._data.ended,
        )
        long = (ended or 0.0) - (began or 0.0)
        if len(births) < ENOUGH or began is None or not long:
            self.few_requests.append(f"arrivals: n={len(births)} creations, {ENOUGH} are needed")
            return
        late = [time for time in births if time - began > AT_ONCE * long]
        yield from ("", "[arrivals]")
        if len(late) < ENOUGH:
            yield f'kind = "{FIXED}"  # {len(births) - len(late)} of {len(births)} at the beginning'
            return
        every, law = long / (len(late) + PRIOR), stats.gamma(len(late) + PRIOR, scale=1 / long)
        low, high = (1 / float(rate) for rate in reversed(law.interval(LEVEL)))
        test = stats.kstest([(time - began) / long for time in late], "uniform")
        yield f'kind = "{POISSON}"'
        yield (
            f"every = {every:.6g}  # {low:.4g} to {high:.4g}, n={len(late)}, "
            f"KS {test.statistic:.4f}, p={test.pvalue:.3g}"
        )

    def _facts(self) -> Iterator[str]:
        """The shares of the values of the facts that the built-in profile has shares of."""
        rows = []
        for name, usual in (self._before.facts if self._before else {}).items():
            circumstance = self._lifecycle.memory.fact(name).circumstance
            counts = dict.fromkeys(usual, 0)
            for values in self._data.facts.get(name, {}).values():
                for value, count in values.items():
                    if value in counts:  # what a server remembers counts once for it
                        counts[value] += count if circumstance else 1
            total = sum(counts.values())
            if total < ENOUGH:
                self.few_requests.append(f"facts.{name}: n={total}, {ENOUGH} are needed")
            else:
                rows.append(f"{name} = {_shares(counts)}  # n={total}")
        if rows:
            yield from ("", "[facts]", *rows)

    def _probabilities(self) -> Iterator[str]:
        """The probability of each event that ends a step, unless another event looks the same."""
        for event in (*self._lifecycle.events, HANG):
            if event != self._lifecycle.advance:
                rows = [*self._of_steps(event), *self._at_rest(event)]
                if rows:
                    yield from ("", f"[{event}]", *rows)

    def _of_steps(self, event: str) -> Iterator[str]:
        for key, states in self._steps.items():
            trials = self._trials(states, self._sample(key))
            if event in trials:
                yield self._probability(event, _quoted(key), states, trials)

    def _trials(self, states: list[State], sample: StateSample) -> dict[str, tuple[int, int]]:
        """How often each event that can end a step did so, of how many ends; not what is alike."""
        total = sum(sample.events.values()) + sample.overtaken
        found = {}
        for event in (*self._lifecycle.events, HANG):
            possible = event == HANG or any(self._lifecycle.find(event, state) for state in states)
            if possible and total and event not in (*sample.alike, self._lifecycle.advance):
                count = sample.overtaken if event == HANG else sample.events.get(event, 0)
                found[event] = count, total
        return found

    def _at_rest(self, event: str) -> Iterator[str]:
        """The probability that requests without steps fail."""
        unseen = [o for o in self._lifecycle.operations.values() if o.unseen]
        for state, sample in self._data.states.items():
            if self._lifecycle.rests(state) and any(state in o.steps for o in unseen):
                count = sample.events.get(event, 0)
                total = count + sum(sample.events.get(o.name, 0) for o in unseen)
                if event != HANG and total and self._lifecycle.find(event, state):
                    trials = {event: (count, total)}
                    yield self._probability(event, _quoted(state), [state], trials)

    def _usual(self, event: str, states: list[State]) -> float:
        """The built-in probability."""
        if self._before is None or event == self._lifecycle.advance:
            return 0.0
        table = self._before.hang if event == HANG else self._before.outcomes[event]
        return max(table.get(state, 0.0) for state in states)

    def _stays(self, event: str, states: list[State], count: int, total: int) -> bool:
        """Whether the built-in probability stays: nothing contradicts it."""
        usual = self._usual(event, states)
        return total < ENOUGH or (not count and usual <= jeffreys(count, total).high)

    def _probability(
        self, event: str, key: str, states: list[State], trials: Mapping[str, tuple[int, int]]
    ) -> str:
        """One row; a comment where the built-in value stays."""
        count, total = trials[event]
        found = jeffreys(count, total)
        evidence = f"{count} of {total}, {found.low:.3g} to {found.high:.3g}"
        if self._stays(event, states, count, total):
            few = f", {ENOUGH} are needed" if total < ENOUGH else ""
            return f"# {key} = {self._usual(event, states):g}  # built-in: {evidence}{few}"
        # Events exclude each other: together with those that stay built-in they are 1 at most.
        fitted = {e: n for e, n in trials.items() if not self._stays(e, states, *n)}
        every = (*self._lifecycle.events, HANG)
        kept = math.fsum(self._usual(e, states) for e in every if e not in fitted)
        most = max(1.0 - kept, 0.0) / math.fsum(jeffreys(*n).value for n in fitted.values())
        value = math.floor(found.value * min(1.0, most) * 1e6) / 1e6
        return f"{key} = {value!r}  # {evidence}"


def _shares(counts: Mapping[str, int]) -> str:
    """The shares of what was counted, under Jeffreys' prior for several outcomes."""
    total = sum(counts.values()) + PRIOR * len(counts)
    shares = ", ".join(f"{name} = {(n + PRIOR) / total:.8g}" for name, n in counts.items())
    return f"{{ {shares} }}"


def _quoted(key: str) -> str:
    return f'"{key}"' if "/" in key else key


def _toml(time: Duration) -> str:
    if time.family is Family.EXPONENTIAL:
        return f"{time.mean:.6g}"
    second = SECOND.get(time.family)
    more = f", {second} = {time.second:.6g}" if second else ""
    return f'{{ distribution = "{time.family}", mean = {time.mean:.6g}{more} }}'
