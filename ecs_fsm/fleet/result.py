"""What a simulated fleet comes to: counts over time, events, time spent, waiting times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.core.model import NO_TASK, Kind, State
from ecs_fsm.fleet.compiled import Compiled, Group
from ecs_fsm.fleet.tally import BINS, MICRO, Tally, bin_edges

PERCENTILES = (50, 90, 99)
ATTRIBUTES = ("status", "vm_state", "task_state")


@dataclass(frozen=True, slots=True)
class Waits:
    """How requests ended: how many were asked, rested, hung, rested in an error.

    `changes`, `squares` and `mean` are means over those that rested: of changes, their squares, and
    seconds; `histogram` counts seconds in the bins of `tally.bin_edges`.
    """

    asked: int
    rested: int
    hung: int
    wrong: int
    changes: float
    squares: float
    mean: float
    histogram: NDArray[np.int64]

    def percentile(self, percent: float) -> float:
        """The seconds within which that share of the requests came to rest, to about 1 %."""
        upto = np.cumsum(self.histogram)
        if not upto[-1]:
            return float("nan")
        wanted = percent / 100 * upto[-1]
        bin_ = int(np.searchsorted(upto, wanted))
        if bin_ == 0:
            return 0.0  # too short to be told apart
        edges = np.append(bin_edges(), bin_edges()[-1] * 2)
        before = upto[bin_ - 1]
        share = (wanted - before) / self.histogram[bin_]
        return float(edges[bin_] + share * (edges[bin_ + 1] - edges[bin_]))

    def spread(self) -> float:
        """The standard deviation of the seconds, from the histogram."""
        edges = np.append(bin_edges(), bin_edges()[-1] * 2)
        middle = (edges[:BINS] + edges[1 : BINS + 1]) / 2
        total = max(self.histogram.sum(), 1)
        mean = (self.histogram * middle).sum() / total
        return float(np.sqrt((self.histogram * (middle - mean) ** 2).sum() / total))


@dataclass(frozen=True, slots=True)
class Result:
    """A fleet of `servers` servers after `horizon` seconds, counted every `step` seconds.

    The first `at_once` servers come at the beginning, any others at random times. `partial` says
    that it was interrupted; `done` servers are in it then.
    """

    compiled: Compiled
    servers: int
    at_once: int
    horizon: float
    step: float
    seed: int
    tally: Tally
    partial: bool = False

    @property
    def done(self) -> int:
        """Servers that were simulated."""
        return int(self.tally.totals[0])

    @property
    def changes(self) -> int:
        """States that were entered, all servers together."""
        return int(self.tally.totals[1])

    @property
    def times(self) -> NDArray[np.float64]:
        """The points of the time grid, in seconds (C)."""
        return np.arange(self.tally.showing.shape[0] - 1) * self.step

    def by_state(self) -> NDArray[np.int64]:
        """Servers in each state at each point of the grid (C x S)."""
        return np.cumsum(self.tally.showing[:-1], axis=0)

    def counts(self, attribute: str = "status") -> dict[str, NDArray[np.int64]]:
        """Servers by `status`, `vm_state` or `task_state` at each point of the grid (C each)."""
        columns = self.by_state()
        found: dict[str, NDArray[np.int64]] = {}
        for n, state in enumerate(self.compiled.states):
            word = shown(state, attribute)
            found[word] = found[word] + columns[:, n] if word in found else columns[:, n]
        return {word: column for word, column in found.items() if column.any()}

    def spent(self, attribute: str = "status") -> dict[str, float]:
        """Seconds that all servers together spent showing each word."""
        found: dict[str, int] = {}
        for state, micros in zip(self.compiled.states, self.tally.spent, strict=True):
            if micros:
                word = shown(state, attribute)
                found[word] = found.get(word, 0) + int(micros)
        return {word: micros / MICRO for word, micros in found.items()}

    def events(self, *kinds: Kind) -> dict[str, int]:
        """How often each event of these kinds happened (all of them without any)."""
        triggers = self.compiled.profile.lifecycle.triggers
        return {
            event: int(number)
            for event, number in zip(self.compiled.events, self.tally.happened, strict=True)
            if number and (not kinds or triggers[event].kind in kinds)
        }

    def waits(self) -> dict[str, Waits]:
        """Waiting times from request to rest, by operation."""
        groups = self.compiled.groups
        names = dict.fromkeys(group.asks for group in groups)
        return {
            name: self.waits_of(n for n, group in enumerate(groups) if group.asks == name)
            for name in names
        }

    def waits_by_group(self) -> dict[Group, Waits]:
        """The same by operation and the place where it was asked."""
        return {group: self.waits_of([n]) for n, group in enumerate(self.compiled.groups)}

    def waits_of(self, groups: Iterable[int]) -> Waits:
        """The waits of some request groups together."""
        chosen, y = list(groups), self.tally
        asked, rested, hung, wrong = (
            int(column[chosen].sum()) for column in (y.asked, y.rested, y.hung, y.wrong)
        )
        per = rested or 1
        return Waits(
            asked,
            rested,
            hung,
            wrong,
            int(y.changes[chosen].sum()) / per,
            int(y.squares[chosen].sum()) / per,
            int(y.micros[chosen].sum()) / MICRO / per,
            y.waits[chosen].sum(axis=0),
        )

    def as_dict(self) -> dict[str, object]:
        """Everything that profile, sizes and seed determine, for JSON."""
        waits = {name: w for name, w in self.waits().items() if w.asked}
        return {
            "lifecycle": self.compiled.profile.lifecycle.name,
            "servers": self.servers,
            "done": self.done,
            "partial": self.partial,
            "duration": self.horizon,
            "step": self.step,
            "seed": self.seed,
            "changes": self.changes,
            "changes_per_server": self.changes / max(self.done, 1),
            "times": self.times.tolist(),
            "counts": {a: _listed(self.counts(a)) for a in ATTRIBUTES},
            "events": self.events(),
            "requests": self.events(Kind.REQUEST, Kind.SYSTEM),
            "failures": self.events(Kind.FAILURE),
            "time_spent": {attribute: self.spent(attribute) for attribute in ATTRIBUTES},
            "waiting": {name: _told(wait) for name, wait in waits.items()},
        }


def shown(state: State, attribute: str) -> str:
    """What a state shows as status, vm_state or task_state."""
    return str(getattr(state, attribute) or NO_TASK)


def _listed(columns: Mapping[str, NDArray[np.int64]]) -> dict[str, list[int]]:
    return {word: column.tolist() for word, column in columns.items()}


def _told(wait: Waits) -> dict[str, object]:
    rested = bool(wait.rested)
    return {
        "asked": wait.asked,
        "rested": wait.rested,
        "hung": wait.hung,
        "ended_in_error": wait.wrong,
        "mean_changes": wait.changes if rested else None,
        "mean_seconds": wait.mean if rested else None,
        "percentiles": {str(p): wait.percentile(p) for p in PERCENTILES} if rested else None,
    }
