"""Timed observations of servers: how long they stayed where, and what came then.

A recording has the columns that `ecs_fsm.records.observations` reads, a time, and a server where it
holds more than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import Kind, State
from ecs_fsm.io.files import opened
from ecs_fsm.records.observations import LineSource, Observation, read
from ecs_fsm.replay.explanation import Explanation, Replay

TIMES = ("seconds", "time", "timestamp", "at")
EXPECTED = f"expected a column {' or '.join(TIMES)} with seconds or an ISO 8601 time"


@dataclass(slots=True)
class Stays:
    """What was seen of one state.

    `times` are the seconds until something came, `events` what came how often, `alike` events that
    explain some of the changes as well, `overtaken` how often a request came over a running step.
    """

    times: list[float] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)
    alike: set[str] = field(default_factory=set)
    overtaken: int = 0


@dataclass(slots=True)
class Observed:
    """What was seen of all states, of how many servers; `unexplained` changes are in none."""

    servers: int = 0
    changes: int = 0
    unexplained: int = 0
    states: dict[State, Stays] = field(default_factory=dict)


def observe(lifecycle: Lifecycle, stream: BinaryIO, name: str) -> Observed:
    """Read timed observations. Raises `InvalidInput` that names file and line for what is wrong."""
    source, observed = LineSource(stream, name), Observed()
    first: dict[str | None, Observation] = {}
    latest: dict[str | None, float] = {}

    def rows() -> Iterator[Observation]:
        for row in read(source, lifecycle, sampled=False):
            time = _time(row.others, source)
            if time < latest.get(row.server, time):
                raise source.error(f"the time goes back; {EXPECTED}, ascending for each server")
            first.setdefault(row.server, row)
            latest[row.server] = time
            yield row

    for change in Replay(lifecycle).explain(rows()):
        whole = change.before is not first[change.after.server]
        _count(lifecycle, change, source, whole, observed)
    observed.servers = len(first)
    return observed


def observe_file(lifecycle: Lifecycle, path: str) -> Observed:
    """The same for a file, `-` for standard input. Raises `InvalidInput` as `observe`."""
    with opened(path) as (stream, name):
        return observe(lifecycle, stream, name)


def _time(others: Mapping[str, object], source: LineSource) -> float:
    given = next((others[key] for key in TIMES if key in others), None)
    if isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    text = str(given or "")
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise source.error(f"the time is {given!r}; {EXPECTED}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _count(
    lifecycle: Lifecycle, change: Explanation, source: LineSource, whole: bool, observed: Observed
) -> None:
    """Add a change; the stay before it was seen `whole`, or from the first row of its server on."""
    observed.changes += 1
    if change.events is None or change.before is None or change.before.state is None:
        observed.unexplained += 1
    elif change.events:
        whole = whole or change.before.state is lifecycle.creation.path[0]
        stayed = _time(change.after.others, source) - _time(change.before.others, source)
        _add(lifecycle, change, stayed if whole else None, observed)


def _add(
    lifecycle: Lifecycle, change: Explanation, stayed: float | None, observed: Observed
) -> None:
    state = change.before.state if change.before else None
    if state is None or not change.events:
        return
    (event, *_) = change.events
    stays = observed.states.setdefault(state, Stays())
    stays.alike.update(change.others)
    asked = lifecycle.triggers[event].kind in (Kind.REQUEST, Kind.SYSTEM)
    if asked and not lifecycle.rests(state):
        stays.overtaken += 1
        return
    stays.events[event] = stays.events.get(event, 0) + 1
    if stayed is not None:
        stays.times.append(stayed)


def merged(stays: Iterable[Stays]) -> Stays:
    """What was seen of several states, as one."""
    whole = Stays()
    for one in stays:
        whole.times += one.times
        whole.alike |= one.alike
        whole.overtaken += one.overtaken
        for event, count in one.events.items():
            whole.events[event] = whole.events.get(event, 0) + count
    return whole
