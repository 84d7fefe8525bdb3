"""The clock of a cloud, how time passes by it, and how the cloud is kept at each time.

The clock is the only place that reads real time. Simulated time passes faster than real time, or
only on request. Everything that happens to servers is at a simulated time; what belongs to clients
(the lifetime of a token, the access log) is in real time, which the same clock gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic, time
from typing import Any, cast

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.core.model import Kind
from ecs_fsm.serve.cloud.instance import Asker, Instance, InstanceFault, Json, NewServer
from ecs_fsm.serve.cloud.requests import Orders
from ecs_fsm.serve.cloud.schedule import Schedule
from ecs_fsm.serve.cloud.snapshot import instances, pieces, surplus, totals
from ecs_fsm.serve.cloud.store import Document, StateFile

LATEST = 1e15
"""The largest time of a stored cloud, in simulated seconds."""


class Clock:
    """Simulated seconds, `speed` of them in a real one; at speed 0 the clock stands still.

    While what is due happens, `event` is the time of that; what follows from it happens then too.
    The clock starts at `begin` seconds after `epoch`, by default the present. `real` gives real
    seconds from any origin, `wall` those since 1970.
    """

    def __init__(
        self,
        speed: float,
        begin: float = 0.0,
        epoch: datetime | None = None,
        *,
        real: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        self.speed = speed
        self.wall = wall
        self.epoch = epoch or datetime.fromtimestamp(wall(), UTC)
        self.event: float | None = None
        self._real = real
        self._from, self._began = begin, real()

    @property
    def now(self) -> float:
        """The present, in simulated seconds."""
        return self._from + (self._real() - self._began) * self.speed

    @property
    def moment(self) -> float:
        """The time of the event that happens now, otherwise the present."""
        return self.now if self.event is None else self.event

    def date(self, seconds: float | None = None) -> datetime:
        """Return the date at a simulated time, by default now; the latest date for later times."""
        try:
            return self.epoch + timedelta(seconds=self.now if seconds is None else seconds)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)

    def set(self, time: float) -> None:
        """Continue from a time that is not before now."""
        self._from, self._began = max(time, self.now), self._real()

    def wait(self, time: float) -> float | None:
        """Return the real seconds until a time, None if the clock stands still."""
        return max(0.0, time - self.now) / self.speed if self.speed else None


class Timeline:
    """The part of a cloud that makes its changes when they are due, and keeps them.

    Its documents are its time, the date at which it began, its seed, how many servers it made, the
    numbers of the hosts that do not answer, the orders, and its present and deleted servers.
    `names` are the kinds of these documents. `others` is the cloud of its volumes, which shares its
    clock.
    """

    clock: Clock
    state: StateFile
    names: tuple[str, str]
    kind: type[BaseServer]
    lifecycle: Lifecycle
    orders: Orders
    instances: dict[str, Instance]
    gone: dict[str, Instance]
    schedule: Schedule
    others: Timeline | None = None
    seed: int
    count: int = 0
    _down: tuple[int, ...] = ()

    @property
    def now(self) -> float:
        """The present, in simulated seconds."""
        return self.clock.now

    def _advanced(self, instance: Instance) -> None:
        self.schedule.notify_ends()
        self._put(instance)

    def create(self, wanted: NewServer, asker: Asker) -> Instance:
        """Return a new server, or a new volume in a cloud of these."""
        raise NotImplementedError

    def request(
        self,
        instance: Instance,
        operation: str,
        given: Mapping[str, str],
        asker: Asker,
        changes: Mapping[str, Json] | None = None,
    ) -> None:
        """Request an operation, as `Cloud.request` does."""
        raise NotImplementedError

    def _moment(self) -> float:
        """Set the time of the next change: now, or the end of what an end listener follows."""
        if not self.schedule.notifying:
            self.schedule.time = self.clock.moment
        return self.schedule.time

    def happen(self, instance: Instance, event: str, given: Mapping[str, str]) -> None:
        """Let an event of the system happen now. Raise as `BaseServer.trigger` does."""
        self._moment()
        self.schedule.happen(instance, event, given)
        self.schedule.notify_ends()
        self._keep(instance)

    def hasten(self, instance: Instance) -> None:
        """Let the running step end now."""
        self._moment()
        self.schedule.hasten(instance)
        self._keep(instance)

    def keep(self, instance: Instance, changes: Mapping[str, Json] | None = None) -> None:
        """Set attributes of a server, and store it with what was changed outside."""
        instance.set(changes or {})
        instance.updated = self.now
        self._keep(instance)

    def fail(self, instance: Instance, message: str) -> None:
        """Let the running step of a server fail now, with the message as its fault."""
        self._moment()
        node, possible = instance.server.node, self.lifecycle.possible
        failures = (e for e in self.lifecycle.events.values() if e.kind is Kind.FAILURE)
        if event := next((e.name for e in failures if possible(e.name, node)), None):
            self.schedule.happen(instance, event, {})
            instance.fault = InstanceFault(self.schedule.time, message)
            self.schedule.notify_ends()
        self._keep(instance)

    def on_wake(self, wake: Callable[[], object]) -> None:
        """Call `wake` whenever something is due earlier than everything before."""
        self.schedule.on_wake(wake)

    def next_due(self) -> float | None:
        """Return when the next step ends, None if nothing is due."""
        due = [self.schedule.next_due()]
        if self.others is not None:
            due.append(self.others.next_due())
        return min((time for time in due if time is not None), default=None)

    def wait(self) -> float | None:
        """Return the real seconds until then, None if nothing is due or the clock stands still."""
        due = self.next_due()
        return None if due is None else self.clock.wait(due)

    def finish(self, *requested: Instance) -> None:
        """Let happen what takes no time after a request for these servers."""
        if any(one.due is not None and one.due <= one.history[-1].at for one in requested):
            self._run(self.schedule.time, None)

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
            self.clock.set(self.schedule.time)
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
                done = self.schedule.run(until, limit, self._advanced)
            if done:
                self._keep()
        return done

    def _run_both(self, volumes: Timeline, until: float, limit: int | None) -> int:
        """Make the changes of servers and volumes that are due by then, in order."""
        done = 0
        while done != limit:
            theirs, own = volumes.schedule.next_due(), self.schedule.next_due()
            mine = own is not None and (theirs is None or own <= theirs)
            first, self.clock.event = (self, own) if mine else (volumes, theirs)
            try:
                if self.clock.event is None or self.clock.event > until:
                    break
                done += first.schedule.run(self.clock.event, 1, first._advanced)
            finally:
                self.clock.event = None
        if done:
            volumes._keep()
        return done

    def _put(self, instance: Instance) -> None:
        """Store a server as it is now, with the next commit."""
        instance.revision += 1
        if self.state.kept:
            for name, document in pieces(instance, instance.kept):
                self.state.put(self.names[0], name, document)
            instance.kept = totals(instance)
        for name in surplus(instance):
            self.state.drop(self.names[0], name)

    def _keep(self, *changed: Instance) -> None:
        """Write these servers, and all but the servers, to the disk."""
        for instance in changed:
            self._put(instance)
        if self.state.kept:
            self.state.put(self.names[1], self.kind.lifecycle.name, self._document())
        self.state.commit()

    def _document(self) -> Json:
        return {
            "now": self.clock.now,
            "epoch": self.clock.epoch.isoformat(),
            "seed": self.seed,
            "count": self.count,
            "down": [*self._down],
            **self.orders.as_json(),
        }

    def _documents(self) -> Iterator[Document]:
        """Yield everything that a file of this cloud would have."""
        yield self.names[1], self.kind.lifecycle.name, self._document()
        for instance in (*self.gone.values(), *self.instances.values()):
            for name, document in pieces(instance, instance.forgotten):
                yield self.names[0], name, document

    def _read(self) -> tuple[float, datetime | None, list[Instance]]:
        """Take what is stored of the cloud. Return its time, its epoch and its servers.

        Raise `InvalidInput` for another lifecycle and for invalid documents.
        """
        path, name = self.state.path, self.kind.lifecycle.name
        try:
            kept = cast(dict[str, Any], dict(self.state.all(self.names[1])))
            if name in kept:
                return self._restored(kept[name])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"{path}: the file is broken: {error}") from None
        if kept:
            raise InvalidInput(
                f"{path}: its servers are of the lifecycle {', '.join(kept)}; expected {name}"
            )
        return 0.0, None, []

    def _restored(self, own: Mapping[str, Any]) -> tuple[float, datetime, list[Instance]]:
        now, epoch = float(own["now"]), datetime.fromisoformat(own["epoch"])
        if not 0 <= now <= LATEST:
            raise ValueError(f"now is {own['now']}; expected 0 to {LATEST:g}")
        self.orders.restore(own)
        self.seed, self.count = int(own["seed"]), own["count"]
        self._down = tuple(int(number) for number in own.get("down", ()))
        return now, epoch, list(instances(self.kind, self.state.all(self.names[0])))
