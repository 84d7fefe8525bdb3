"""What is known of the servers of a cloud: where each stands, since when, and what happened.

A server is followed from the first change on; before it, only its state is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import UNSET

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.monitor.polling import CloudPoll, ServerRow
from ecs_fsm.monitor.requested import LatestRequest
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.records.meanings import ABSENT, Cells, Meanings
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.times import seconds, zone
from ecs_fsm.replay.changes import Explanation, Standing
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import Follower

UTC_ZONE = zone(None)


@dataclass(slots=True)
class Watched:
    """One server: what it shows, since when, and when it was last seen in another state.

    `request` is what its instance actions say, asked once for each step that is overdue.
    """

    name: str | None
    cells: Cells
    standing: Standing
    follower: Follower | None = None
    request: LatestRequest | None = None
    asked: bool = False


@dataclass(slots=True)
class Happened:
    """What a poll brought: changes with their explanations, and words that are not known."""

    at: float
    changes: list[Explanation] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)


class Tracking:
    """Follows the servers of one cloud from poll to poll. `at` is the time of the last one."""

    def __init__(self, lifecycle: Lifecycle, profile: Profile | None = None) -> None:
        self.lifecycle = lifecycle
        self.servers: dict[str, Watched] = {}
        self.at: float | None = None
        self._meanings = Meanings(lifecycle)
        self._replay = Replay(lifecycle, sampled=True, profile=profile)
        self._states: dict[int, tuple[Observation, tuple[State, ...]]] = {}

    @property
    def profile(self) -> Profile | None:
        """The profile that says how long steps take: the one given, or the built-in one."""
        return self._replay.likelihood.profile

    def take(self, poll: CloudPoll) -> Happened:
        """Take in a poll. Raise `InvalidInput` where the words are those of another lifecycle."""
        happened = Happened(poll.at)
        servers, last = self.servers, self.at
        seen: set[str] = set()
        for row in poll.servers:
            known = servers.get(row.id)
            cells = _cells(row)
            seen.add(row.id)
            if known is None or known.cells != cells:
                self._changed(row, cells, known, last, happened)
        if poll.full and len(seen) < len(servers):
            self._absent([server for server in servers if server not in seen], last, happened)
        self.at = poll.at
        return happened

    def standing(self) -> Iterator[Standing]:
        """Yield where those servers stand that may not be at rest."""
        rests = self.lifecycle.rests
        for server in self.servers.values():
            if server.standing.states and not any(map(rests, server.standing.states)):
                yield server.standing

    def restore(self, server: str, watched: Watched) -> None:
        """Take in a server as it was known before."""
        self.servers[server] = watched

    def seen(self, cells: Cells) -> tuple[Observation, tuple[State, ...]]:
        """Return what the words of a row mean, and the states that show them.

        Raise `InvalidInput` for unknown words.
        """
        meaning = self._meanings.of(cells)
        found = self._states.get(id(meaning))
        if found is None:
            states: tuple[State, ...] = (meaning.state,) if meaning.state else ()
            if not meaning.wrong and not states:
                states = tuple(s for s in self.lifecycle.states.values() if meaning.fits(s))
            found = self._states[id(meaning)] = meaning, states
        return found

    def _changed(
        self,
        row: ServerRow,
        cells: Cells,
        known: Watched | None,
        last: float | None,
        happened: Happened,
    ) -> None:
        try:
            meaning, states = self.seen(cells)
        except InvalidInput as error:
            if self.at is None and "--lifecycle" in str(error):
                raise
            happened.unknown[row.id] = str(error)
            return
        over = bool(states) and not any(map(self.lifecycle.leaving, states))
        if known is None and over:
            return  # of the past
        shown = meaning._replace(
            server=row.id,
            time=happened.at,
            updated=_time(row.updated),
            host=row.host,
            others=_others(row),
        )
        follower = self._follow(known, last)
        happened.changes += _fed(follower, shown)
        if over:
            happened.changes += follower.finish() if known else ()
            del self.servers[row.id]
            return
        happened.changes += follower.so_far()
        self.servers[row.id] = Watched(
            row.name, cells, Standing(shown, last, states), follower if known else None
        )

    def _absent(self, servers: Sequence[str], last: float | None, happened: Happened) -> None:
        """Servers that a full list leaves out are gone."""
        gone = self._meanings.gone
        for server in servers:
            known = self.servers.pop(server)
            if gone is not None:
                before = known.standing.row
                follower = self._follow(known, last)
                row = gone._replace(
                    server=server, time=happened.at, host=before.host, others=before.others
                )
                happened.changes += [*_fed(follower, row), *follower.finish()]

    def _follow(self, known: Watched | None, last: float | None) -> Follower:
        """The follower of a server, which has heard of it up to the last poll."""
        follower = known.follower if known else None
        if follower is None:
            follower = Follower(self._replay)
            if known:
                follower.feed(known.standing.row)
        if known and last is not None:
            follower.feed(known.standing.row._replace(time=last))
        return follower


def _fed(follower: Follower, row: Observation) -> Iterable[Explanation]:
    return [change for change in follower.feed(row) if change.before is not None]


def _cells(row: ServerRow) -> Cells:
    vm, task = row.vm_state, row.task_state
    return ABSENT if vm is UNSET else vm, ABSENT if task is UNSET else task, row.status


def _others(row: ServerRow) -> Mapping[str, object]:
    return {"id": row.id, "name": row.name}


def _time(text: str | None) -> float | None:
    try:
        return None if text is None else seconds(text, UTC_ZONE)
    except (ValueError, OverflowError):
        return None
