"""How time passes in a cloud: what is due happens, also to its volumes, each at its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ecs_fsm.serve.cloud.clock import Clock
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.schedule import Schedule
from ecs_fsm.serve.cloud.store import StateFile


class Timeline:
    """The part of a cloud that makes its changes when they are due.

    `others` is the cloud of its volumes, which shares its clock.
    """

    clock: Clock
    state: StateFile
    others: Timeline | None = None
    _schedule: Schedule

    @property
    def now(self) -> float:
        """The present, in simulated seconds."""
        return self.clock.now

    def _keep(self, *changed: Instance) -> None:
        raise NotImplementedError

    def _advanced(self, instance: Instance) -> None:
        raise NotImplementedError

    def on_wake(self, wake: Callable[[], object]) -> None:
        """Call `wake` whenever something is due earlier than everything before."""
        self._schedule.on_wake(wake)

    def wake(self) -> None:
        """Notify that something else is due earlier, such as a step of a volume."""
        self._schedule.wake()

    def next_due(self) -> float | None:
        """Return when the next step ends, None if nothing is due."""
        due = [self._schedule.next_due()]
        if self.others is not None:
            due.append(self.others.next_due())
        return min((time for time in due if time is not None), default=None)

    def wait(self) -> float | None:
        """Return the real seconds until then, None if nothing is due or the clock stands still."""
        due = self.next_due()
        return None if due is None else self.clock.wait(due)

    def run(self, limit: int | None = None) -> int:
        """Make the changes that are due by now, at most `limit`. Return how many there were."""
        return self._run(self.now, limit)

    def advance(self, seconds: float) -> int:
        """Let that many seconds pass at once. Return the number of changes."""
        return sum(self.advancing(seconds, None))

    def advancing(self, seconds: float, limit: int | None) -> Iterator[int]:
        """Do the same with a pause after each `limit` changes; yield the number since the last."""
        until = self.now + seconds
        while (done := self._run(until, limit)) == limit:
            self.clock.set(self._schedule.time)
            yield done
        self.clock.set(until)
        with self.state.time_passes():
            self._keep()
        yield done

    def step(self, count: int) -> int:
        """Advance to the end of the next `count` steps, each at its time. Return how many."""
        return sum(self.stepping(count))

    def stepping(self, count: int) -> Iterator[int]:
        """Do the same with a pause after each step; yield 1 for each."""
        for _ in range(count):
            due = self.next_due()
            if due is None:
                return
            self.clock.set(due)
            yield self._run(due, 1)

    def _run(self, until: float, limit: int | None) -> int:
        with self.state.time_passes():
            if self.others is not None:
                done = self._run_both(self.others, until, limit)
            else:
                done = self._schedule.run(until, limit, self._advanced)
            if done:
                self._keep()
        return done

    def _run_both(self, volumes: Timeline, until: float, limit: int | None) -> int:
        """Make the changes of servers and volumes that are due by then, in order."""
        done = 0
        while done != limit:
            theirs, own = volumes._schedule.next_due(), self._schedule.next_due()
            mine = own is not None and (theirs is None or own <= theirs)
            first, self.clock.event = (self, own) if mine else (volumes, theirs)
            try:
                if self.clock.event is None or self.clock.event > until:
                    break
                done += first._schedule.run(self.clock.event, 1, first._advanced)
            finally:
                self.clock.event = None
        if done:
            volumes._keep()
        return done
