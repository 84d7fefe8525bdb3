"""Follow one server, row by row, and explain its changes as soon as they are decided."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from copy import copy

from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.changes import Explanation, Standing
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.remembered import MOST_UNDECIDED, Move, Step, Ways
from ecs_fsm.replay.shares import Other
from ecs_fsm.replay.way import Way


class Follower:
    """Explains the changes of one server, fed row by row; a row equal to the one before is none."""

    __slots__ = (
        "_before", "_first", "_happened", "_left", "_memory", "_pending", "_replay", "_seen",
        "_undecided",
    )  # fmt: skip

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._before: Observation | None = None
        self._first: float | None = None
        self._left: float | None = None
        self._seen: float | None = None
        self._memory = replay.nothing
        self._pending: list[tuple[Observation, Observation]] = []
        self._undecided: list[Step] = []
        self._happened: deque[str] = deque(maxlen=MOST_UNDECIDED)

    @property
    def ended(self) -> bool:
        """Whether the server's life has come to its end, so that no change can follow."""
        return self._memory.ended

    @property
    def standing(self) -> Standing:
        """Where the server stands after the last row."""
        row = self._before
        assert row is not None  # noqa: S101  # a follower begins with a row
        states = (row.state,) if row.state else self._replay.states(self._memory.costs)
        return Standing(row, self._left, states)

    def feed(self, row: Observation) -> Sequence[Explanation]:
        """What is decided by the next row of the server."""
        before, seen = self._before, self._seen
        self._seen = row.time
        if before is None:
            self._before, self._first, self._memory = row, row.time, self._replay.begun(row)
            return [Explanation(None, row, None, reason=row.wrong)] if row.wrong else ()
        if row.shown is before.shown or row.shown == before.shown:
            return ()
        first, self._first, self._left = self._first, row.time, seen
        self._before = row
        memory = self._memory
        if row.wrong or not memory.costs:
            return self._unexplained(before, row)
        passed = stayed = None
        if self._replay.sampled:
            passed = self._replay.passed(seen, row)
            stayed = self._replay.stayed(memory, first, seen)
        move = memory.moves.get((id(row.shown), passed, stayed))
        if move is None:
            move = self._replay.move(memory, row, passed, stayed)
        if move.memory is None:
            return self._unexplained(before, row)
        self._memory = move.memory
        return self._moved(before, row, move)

    def _moved(self, before: Observation, row: Observation, move: Move) -> Sequence[Explanation]:
        """What is decided by a move."""
        if move.ways:
            way, others = move.ways
            if way.replaced is None:
                self._note(way)
                explained = Explanation(before, row, way.events, way.facts, others)
            else:
                explained = self._explained(before, row, way, others)
            return (explained,)
        assert move.step is not None  # noqa: S101  # a move tells something or leaves it open
        self._pending.append((before, row))
        self._undecided.append(move.step)
        if not move.settles and len(self._undecided) <= MOST_UNDECIDED:
            return ()
        decision = self._replay.decide(self._memory, self._undecided)
        if decision is None:
            return ()
        self._memory = decision.memory
        return self._told(decision.ways)

    def finish(self) -> Sequence[Explanation]:
        """What is left, by the best way so far: no row follows."""
        if not self._pending:
            return ()
        count, ways = self._replay.finished(self._memory, self._undecided)
        explained = self._told(ways)
        return [*explained[:count], *(one._replace(settled=False) for one in explained[count:])]

    def so_far(self) -> Sequence[Explanation]:
        """What is not decided yet, by the best way so far; the follower stays as it is."""
        if not self._pending:
            return ()
        other = copy(self)
        other._pending, other._happened = [*self._pending], self._happened.copy()
        other._undecided = [*self._undecided]
        return [change._replace(settled=False) for change in other.finish()]

    def _unexplained(self, before: Observation, row: Observation) -> Sequence[Explanation]:
        reason = row.wrong or self._replay.reason(before, row, self._memory.costs)
        decided = [change._replace(settled=True) for change in self.finish()]
        self._memory = self._replay.begun(row)
        return [*decided, Explanation(before, row, None, reason=reason)]

    def _told(self, ways: Sequence[Ways]) -> list[Explanation]:
        """Explain the first changes by these ways, and remove them."""
        rows = self._pending[: len(ways)]
        del self._pending[: len(ways)], self._undecided[: len(ways)]
        return [self._explained(*pair, *way) for pair, way in zip(rows, ways, strict=True)]

    def _note(self, way: Way) -> None:
        of_late_writes = self._replay.overwritten
        self._happened.extend(event for event in way.events if event in of_late_writes)

    def _explained(
        self, before: Observation, after: Observation, way: Way, others: tuple[Other, ...]
    ) -> Explanation:
        of = None
        if way.replaced is not None:
            could_be = self._replay.operations(way.replaced)
            seen = (event for event in reversed(self._happened) if event in could_be)
            of = next(seen, next(iter(could_be), None))
        self._note(way)
        return Explanation(before, after, way.events, way.facts, others, None, True, of)


def explain(
    replay: Replay, recording: Iterable[Observation], standing: list[Standing] | None = None
) -> Iterator[Explanation]:
    """One explanation per observed change, as soon as it is decided.

    Those of one server come in order. A server with a name is forgotten at the end of its
    life; what has the same name later is another server. Where those stand that live when the
    record ends is added to `standing`.
    """
    followed: dict[str | None, Follower] = {}
    for row in recording:
        if not row.shown:
            continue
        follower = followed.get(row.server)
        if follower is None:
            follower = followed[row.server] = Follower(replay)
        if decided := follower.feed(row):
            yield from decided
        if follower.ended and row.server is not None:
            yield from followed.pop(row.server).finish()
    for follower in followed.values():
        if standing is not None:
            standing.append(follower.standing)
        yield from follower.finish()
