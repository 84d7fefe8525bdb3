"""The cloud: servers that run the lifecycle by a clock, and fail when somebody asked for it.

No HTTP and no waiting are in here: requests come as calls, time passes when `run` is called. The
same seed and the same requests at the same times give the same cloud.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from ecs_fsm.core.errors import Refused
from ecs_fsm.core.model import AnyChange, ChangeWithFacts
from ecs_fsm.core.scenario import HANG
from ecs_fsm.core.server import BaseServer
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.serve.cloud.clock import Clock
from ecs_fsm.serve.cloud.instance import (
    Asker,
    HistoryEntry,
    Instance,
    Json,
    NewServer,
    RequestRecord,
)
from ecs_fsm.serve.cloud.requests import Admission, Orders, Policy
from ecs_fsm.serve.cloud.schedule import Ender, Listener, Listeners, Schedule
from ecs_fsm.serve.cloud.snapshot import Checkpoint, SnapshotStore
from ecs_fsm.serve.cloud.store import StateFile

HOSTS = 3
REMEMBERED = 1000
"""Servers that are gone and can still be looked up."""


class Cloud:
    """The servers of a cloud; times are simulated seconds since `epoch`.

    `kind` and `profile` say how servers live and how long steps take; `settings` are those of
    `Policy`. `instances` are the servers that are there and `gone` the last that were, by id, in
    the order of their creation; `troubles` is what was asked to go wrong. What `state` has kept
    goes on where it was. Raises `InvalidInput` for an unknown setting and a state that does not
    read.
    """

    def __init__(
        self,
        kind: type[BaseServer],
        profile: Profile,
        *,
        speed: float = 60.0,
        seed: int = 0,
        settings: Mapping[str, float] | None = None,
        state: StateFile | None = None,
    ) -> None:
        self.kind, self.lifecycle = kind, kind.lifecycle
        self.policy = Policy.of(self.lifecycle, settings or {})
        self.state = state or StateFile(None)
        self.instances: dict[str, Instance] = {}
        self.gone: dict[str, Instance] = {}
        self.troubles = Orders(kind, self._keep)
        self.count = 0
        self.seed, self.epoch = seed, datetime.now(UTC)
        self._hearers = Listeners()
        self._keeping = SnapshotStore(self.state, kind, self.troubles)
        begin = self._take_over()
        self.clock = Clock(speed, begin)
        self._steps = Schedule(
            self.lifecycle,
            profile.durations,
            self.policy.timers,
            self.seed,
            over=self._over,
            hung=self._hung,
        )
        self._requests = Admission(self.policy, self.troubles, self._steps)
        for instance in self.instances.values():
            self._steps.push(instance)
        self._keep()

    @property
    def now(self) -> float:
        """The simulated seconds by now."""
        return self.clock.now

    def date(self, seconds: float) -> datetime:
        """The date at a time of the clock, the last that there is for all times after it."""
        try:
            return self.epoch + timedelta(seconds=seconds)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every state that a server enters from now on, and where it hangs."""
        self._hearers.listeners.append(listener)

    def on_over(self, ender: Ender) -> None:
        """Call `ender` with every operation that is over from now on, and whether it went wrong.

        One that another took the place of went wrong. What `ender` asks for begins when the
        operation was over.
        """
        self._hearers.enders.append(ender)

    def on_wake(self, wake: Callable[[], object]) -> None:
        """Call `wake` whenever something is due earlier than all before."""
        self._steps.on_wake(wake)

    def next_due(self) -> float | None:
        """When the next step ends, None where nothing goes on."""
        return self._steps.next_due()

    def wait(self) -> float | None:
        """The real seconds until then, None where nothing goes on or the clock stands still."""
        due = self.next_due()
        return None if due is None else self.clock.wait(due)

    def create(self, wanted: NewServer, asker: Asker) -> Instance:
        """A new server, in the first step of its creation.

        Raises `InvalidInput` for faults in its metadata that do not read.
        """
        faults, plans = self.troubles.own(wanted.metadata), self.troubles.plans
        creation = self.lifecycle.creation.trigger
        laid = plans[0][0].given if plans else {}
        server = self.kind.create(history=False, **{**wanted.given, **laid})
        request = RequestRecord(self._moment(), creation, asker, None)
        self.count += 1
        instance = Instance.of(wanted, request, server, self.count, self._uuid())
        instance.host, instance.faults = self.count % HOSTS, faults
        self.instances[instance.id] = instance
        self._attend(instance)
        if plans:
            instance.plan = plans.popleft()
        word = self._requests.trouble(instance, creation)
        instance.outcomes = word.outcomes if word else ()
        self._seen(instance, self.lifecycle.change(creation, server.node))
        self._steps.settle(instance)
        self._keep(instance)
        return instance

    def ask(
        self,
        instance: Instance,
        operation: str,
        given: Mapping[str, str],
        asker: Asker,
        changes: Mapping[str, Json] | None = None,
    ) -> None:
        """Ask for an operation; `changes` are attributes that it sets when it has succeeded.

        Raises `Refused` where the lifecycle does not allow it now; then nothing has changed.
        """
        now = self._moment()
        operation, given = self.policy.meant(operation, given)
        refused: Refused | None = None
        try:
            self._requests.carry_out(instance, operation, given, asker, dict(changes or {}))
        except Refused as error:
            refused = error
        instance.asked.append(
            RequestRecord(now, operation, asker, refused.reason if refused else None)
        )
        self._tell()
        self._keep(instance)
        if refused:
            raise refused

    def happen(self, instance: Instance, event: str, given: Mapping[str, str]) -> None:
        """Let an event of the system happen now. Raises as `BaseServer.trigger` does."""
        self._moment()
        self._steps.happen(instance, event, given)
        self._tell()
        self._keep(instance)

    def hasten(self, instance: Instance) -> None:
        """Have the step that runs end now."""
        self._moment()
        self._steps.hasten(instance)
        self._keep(instance)

    def run(self, limit: int | None = None) -> int:
        """Let happen what is due by now, at most `limit` events; how many there were."""
        return self._run(self.now, limit)

    def advance(self, seconds: float) -> int:
        """Let that many seconds pass at once; how many events there were."""
        return sum(self.advancing(seconds, None))

    def advancing(self, seconds: float, limit: int | None) -> Iterator[int]:
        """The same with a pause after each `limit` events; how many there were since the last."""
        until = self.now + seconds
        while (done := self._run(until, limit)) == limit:
            self.clock.set(self._steps.time)
            yield done
        self.clock.set(until)
        self._keep()
        yield done

    def step(self, count: int) -> int:
        """Go on to the end of the next `count` steps, each at its time; how many there were."""
        return sum(self.stepping(count))

    def stepping(self, count: int) -> Iterator[int]:
        """The same with a pause after each step, for which it gives 1."""
        for _ in range(count):
            due = self.next_due()
            if due is None:
                return
            self.clock.set(due)
            yield self._run(due, 1)

    def keep(self, instance: Instance) -> None:
        """Have a server on the disk whose attributes somebody changed."""
        instance.updated = self.now
        self._keep(instance)

    def close(self) -> None:
        """Keep everything and let the state file go."""
        self._keep()
        self.state.close()

    def _uuid(self) -> UUID:
        """The id of the newest server, which depends on the seed."""
        return UUID(int=Random(f"{self.seed}/{self.count}").getrandbits(128), version=4)

    def _run(self, until: float, limit: int | None) -> int:
        done = self._steps.run(until, limit, self._went_on)
        if done:
            self._keep()
        return done

    def _moment(self) -> float:
        """The time of what comes now: the present, or when that was over which it follows."""
        if not self._hearers.following:
            self._steps.time = self.now
        return self._steps.time

    def _went_on(self, instance: Instance) -> None:
        self._tell()
        self._keeping.put(instance)

    def _tell(self) -> None:
        self._hearers.tell(self._steps.ended)

    def _over(self, instance: Instance) -> None:
        del self.instances[instance.id]
        self.gone[instance.id] = instance
        while len(self.gone) > REMEMBERED:
            self._keeping.drop(self.gone.pop(next(iter(self.gone))))

    def _attend(self, instance: Instance) -> None:
        instance.server.observe(lambda change: self._seen(instance, change))

    def _hung(self, instance: Instance) -> None:
        node = instance.server.node
        self._hearers.hear(instance, HistoryEntry(self._steps.time, HANG, node.state, node.facts))

    def _seen(self, instance: Instance, change: AnyChange) -> None:
        facts = change.remembers if isinstance(change, ChangeWithFacts) else ()
        state = self.lifecycle.state(change.vm_state, change.task_state)
        seen = HistoryEntry(self._steps.time, change.event, state, facts)
        instance.updated = seen.at
        instance.history.append(seen)
        self._hearers.hear(instance, seen)

    def _keep(self, *changed: Instance) -> None:
        """Have these servers, and what is to become of the next ones, on the disk."""
        for instance in changed:
            self._keeping.put(instance)
        self._keeping.commit(Checkpoint(self.now, self.epoch, self.seed, self.count))

    def _take_over(self) -> float:
        """Go on with what the state has kept; the time at which it was kept."""
        kept = self._keeping.read()
        if kept is None:
            return 0.0
        begin, self.epoch, self.seed, self.count = kept.standing
        for instance in kept.instances:
            over = instance.terminated is not None
            (self.gone if over else self.instances)[instance.id] = instance
            self._attend(instance)
        return begin
