"""The result of a simulation: counts over time, events, time spent, requests; as JSON and Parquet.

Events are written piece by piece, so that only one chunk of them is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import NO_TASK, Kind, State
from ecs_fsm.core.phrases import Phrases
from ecs_fsm.fleet.arrays import CompiledProfile
from ecs_fsm.fleet.tally import MICRO, RequestStatistics, Tally
from ecs_fsm.io.files import replacing

if TYPE_CHECKING:
    from ecs_fsm.fleet.tally import EventRows

PERCENTILES = (50, 90, 99)
ATTRIBUTES = ("status", "vm_state", "task_state")


def attributes_of(lifecycle: Lifecycle) -> Mapping[str, str]:
    """Return the attributes by the names that results give them.

    Where the API has one attribute, it has the name of the API.
    """
    if lifecycle.table.one_word:
        return {Phrases(lifecycle.table).attributes.status: "status"}
    return {name: name for name in ATTRIBUTES}


@dataclass(frozen=True, slots=True)
class FleetResult:
    """A fleet of `servers` servers after `horizon` seconds, counted every `step` seconds.

    The first `at_once` servers arrive at time 0, any others at random times. `partial` says that
    the simulation was interrupted; then only `done` servers are counted.
    """

    compiled: CompiledProfile
    servers: int
    at_once: int
    horizon: float
    step: float
    seed: int
    tally: Tally
    partial: bool = False

    @property
    def done(self) -> int:
        """The number of servers that were simulated."""
        return int(self.tally.totals[0])

    @property
    def changes(self) -> int:
        """The number of states that all servers together entered."""
        return int(self.tally.totals[1])

    @property
    def times(self) -> NDArray[np.float64]:
        """The points of the time grid, in seconds (C)."""
        return np.arange(self.tally.showing.shape[0] - 1) * self.step

    def by_state(self) -> NDArray[np.int64]:
        """Return the servers in each state at each point of the grid (C x S)."""
        return np.cumsum(self.tally.showing[:-1], axis=0)

    def counts(self, attribute: str = "status") -> dict[str, NDArray[np.int64]]:
        """Return the servers by status, vm_state or task_state at each point of the grid (C)."""
        columns = self.by_state()
        found: dict[str, NDArray[np.int64]] = {}
        for n, state in enumerate(self.compiled.states):
            word = shown(state, attribute)
            found[word] = found[word] + columns[:, n] if word in found else columns[:, n]
        return {word: column for word, column in found.items() if column.any()}

    def spent(self, attribute: str = "status") -> dict[str, float]:
        """Return the seconds that all servers together spent showing each value."""
        found: dict[str, int] = {}
        for state, micros in zip(self.compiled.states, self.tally.spent, strict=True):
            if micros:
                word = shown(state, attribute)
                found[word] = found.get(word, 0) + int(micros)
        return {word: micros / MICRO for word, micros in found.items()}

    def events(self, *kinds: Kind) -> dict[str, int]:
        """Return how often each event of these kinds happened (by default, of all kinds)."""
        triggers = self.compiled.profile.lifecycle.triggers
        return {
            event: int(number)
            for event, number in zip(self.compiled.events, self.tally.happened, strict=True)
            if number and (not kinds or triggers[event].kind in kinds)
        }

    def requests(self) -> dict[str, RequestStatistics]:
        """Return how the requests ended, by operation."""
        return {
            operation: self.requests_of(classes)
            for operation, classes in self.compiled.classes_by_operation().items()
        }

    def requests_of(self, classes: Iterable[int]) -> RequestStatistics:
        """Return how the requests of some request classes ended."""
        chosen, y = list(classes), self.tally
        requested, rested, hung, failed = (
            int(column[chosen].sum()) for column in (y.requested, y.rested, y.hung, y.failed)
        )
        per = rested or 1
        return RequestStatistics(
            requested,
            rested,
            hung,
            failed,
            int(y.changes[chosen].sum()) / per,
            int(y.squares[chosen].sum()) / per,
            int(y.micros[chosen].sum()) / MICRO / per,
            y.waits[chosen].sum(axis=0),
        )

    def as_dict(self) -> dict[str, object]:
        """Return everything that profile, sizes and seed determine, for JSON."""
        named = attributes_of(self.compiled.profile.lifecycle)
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
            "counts": {name: _as_lists(self.counts(key)) for name, key in named.items()},
            "events": self.events(),
            "requests": self.events(Kind.REQUEST, Kind.SYSTEM),
            "failures": self.events(Kind.FAILURE),
            "time_spent": {name: self.spent(key) for name, key in named.items()},
            "waiting": {
                operation: _statistics_as_dict(statistics)
                for operation, statistics in self.requests().items()
                if statistics.requested
            },
        }


def shown(state: State, attribute: str) -> str:
    """Return what a state shows as status, vm_state or task_state."""
    return str(getattr(state, attribute) or NO_TASK)


def _as_lists(columns: Mapping[str, NDArray[np.int64]]) -> dict[str, list[int]]:
    return {word: column.tolist() for word, column in columns.items()}


def _statistics_as_dict(statistics: RequestStatistics) -> dict[str, object]:
    rested = bool(statistics.rested)
    percentiles = {str(p): statistics.percentile(p) for p in PERCENTILES} if rested else None
    return {
        "asked": statistics.requested,
        "rested": statistics.rested,
        "hung": statistics.hung,
        "ended_in_error": statistics.failed,
        "mean_changes": statistics.changes if rested else None,
        "mean_seconds": statistics.mean if rested else None,
        "percentiles": percentiles,
    }


@contextmanager
def events_to_parquet(
    path: str, lifecycle: Lifecycle, states: Sequence[State], events: Sequence[str]
) -> Iterator[Callable[[EventRows], None]]:
    """Yield a function that writes events: server, seconds, event, the three attributes.

    The file is complete when the context ends, also if it ends early.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    named = attributes_of(lifecycle)
    words = {name: [shown(s, key) for s in states] for name, key in named.items()}
    words["event"] = list(events)
    fields = [("server", pa.int64()), ("seconds", pa.float64())]
    texts = [(name, pa.dictionary(pa.int16(), pa.string())) for name in ("event", *named)]
    schema = pa.schema([*fields, *texts])

    # A dictionary with a word twice is written value by value, which takes twice as long.
    dictionaries = {name: list(dict.fromkeys(column)) for name, column in words.items()}
    codes = {
        name: np.array([dictionaries[name].index(word) for word in column], np.int16)
        for name, column in words.items()
    }

    def encoded(numbers: NDArray[np.int16], name: str) -> object:
        indices = pa.array(codes[name][numbers])
        return pa.DictionaryArray.from_arrays(indices, pa.array(dictionaries[name]))

    # Times are all different, and words have no useful minimum: trying takes most of the time.
    options = {
        "use_dictionary": list(dictionaries),
        "write_statistics": [name for name, _ in fields],
    }
    with (
        replacing(path, partly=True) as beside,
        pq.ParquetWriter(beside, schema, **options) as writer,
    ):

        def take(rows: EventRows) -> None:
            columns = [pa.array(rows.servers), pa.array(rows.times), encoded(rows.events, "event")]
            columns += [encoded(rows.states, name) for name in named]
            if len(rows.servers):
                writer.write_table(pa.table(columns, schema=schema))

        yield take


def counts_to_parquet(path: str, result: FleetResult) -> None:
    """Write the servers in each state at each time: seconds, the three attributes, servers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    counts = result.by_state()
    used = [n for n in range(counts.shape[1]) if counts[:, n].any()]
    states = [result.compiled.states[n] for n in used]
    points = len(result.times)
    columns: dict[str, object] = {"seconds": np.repeat(result.times, len(used))}
    for name, key in attributes_of(result.compiled.profile.lifecycle).items():
        columns[name] = pa.array([shown(s, key) for s in states] * points).dictionary_encode()
    columns["servers"] = counts[:, used].ravel()
    with replacing(path) as beside:
        pq.write_table(pa.table(columns), beside)
