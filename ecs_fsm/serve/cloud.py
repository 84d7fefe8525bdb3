"""The cloud: servers that run the lifecycle by a clock, and fail when somebody asked for it.

No HTTP and no waiting are in here: requests come as calls, time passes when `run` is called. The
same seed and the same requests at the same times give the same cloud.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast
from uuid import UUID

from ecs_fsm.errors import InvalidInput, Refused
from ecs_fsm.fleet.profile import Profile
from ecs_fsm.model import AnyChange, ChangeWithFacts
from ecs_fsm.serve.clock import Clock
from ecs_fsm.serve.instance import Asked, Asker, Instance, Json, NewServer, Seen
from ecs_fsm.serve.policy import Policy
from ecs_fsm.serve.state import State
from ecs_fsm.serve.steps import Steps
from ecs_fsm.serve.stored import (
    instances,
    pieces,
    surplus,
)
from ecs_fsm.serve.troubles import Troubles
from ecs_fsm.server import BaseServer
from ecs_fsm.simulate import HANG, ScenarioWord

HOSTS = 3
REMEMBERED = 1000
"""Servers that are gone and can still be looked up."""
SERVER, CLOUD = "server", "cloud"
Listener = Callable[[Instance, Seen], object]
Ender = Callable[[Instance, str, bool], object]


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
        state: State | None = None,
    ) -> None:
        self.kind, self.lifecycle = kind, kind.lifecycle
        self.policy = Policy.of(self.lifecycle, settings or {})
        self.state = state or State(None)
        self.instances: dict[str, Instance] = {}
        self.gone: dict[str, Instance] = {}
        self.troubles = Troubles(kind, self._keep)
        self.count = 0
        self.seed, self.epoch = seed, datetime.now(UTC)
        self._listeners: list[Listener] = []
        self._enders: list[Ender] = []
        self._following = False
        begin = self._read()
        self.clock = Clock(speed, begin)
        self._steps = Steps(
            self.lifecycle,
            profile.durations,
            self.policy.timers,
            self.seed,
            over=self._over,
            hung=self._hung,
        )
        for instance in self.instances.values():
            self._steps.push(instance)
        self._keep()

    @property
    def now(self) -> float:
        """The simulated seconds by now."""
        return self.clock.now

    def date(self, seconds: float) -> datetime:
        """The date at a time of the clock."""
        return self.epoch + timedelta(seconds=seconds)

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every state that a server enters from now on, and where it hangs."""
        self._listeners.append(listener)

    def on_over(self, ender: Ender) -> None:
        """Call `ender` with every operation that is over from now on, and whether it went wrong.

        One that another took the place of went wrong. What `ender` asks for begins when the
        operation was over.
        """
        self._enders.append(ender)

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
        now = self._moment()
        self.count += 1
        instance = Instance(
            number=self.count,
            id=str(UUID(int=Random(f"{self.seed}/{self.count}").getrandbits(128), version=4)),
            project_id=asker.project_id,
            user_id=asker.user_id,
            server=server,
            name=wanted.name,
            flavor=wanted.flavor,
            image=wanted.image,
            metadata=dict(wanted.metadata),
            details=dict(wanted.details),
            created=now,
            updated=now,
            host=self.count % HOSTS,
            operation=creation,
            faults=faults,
        )
        self.instances[instance.id] = instance
        self._attend(instance)
        if plans:
            instance.plan = plans.popleft()
        word = self._trouble(instance, creation)
        instance.outcomes = word.outcomes if word else ()
        instance.asked.append(Asked(now, creation, asker, None))
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
        given = {**self.policy.given.get(operation, {}), **given}
        operation = self.policy.instead.get(operation, operation)
        refused: Refused | None = None
        try:
            with self._unlocked(instance, operation, asker):
                self._ask(instance, operation, given, dict(changes or {}))
        except Refused as error:
            refused = error
        instance.asked.append(Asked(now, operation, asker, refused.reason if refused else None))
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
        until = self.now + seconds
        done = self._run(until, None)
        self.clock.set(until)
        self._keep()
        return done

    def step(self, count: int) -> int:
        """Go on to the end of the next `count` steps, each at its time; how many there were."""
        for done in range(count):
            due = self.next_due()
            if due is None:
                return done
            self.clock.set(due)
            self._run(due, 1)
        return count

    def keep(self, instance: Instance) -> None:
        """Have a server on the disk whose attributes somebody changed."""
        instance.updated = self.now
        self._keep(instance)

    def close(self) -> None:
        """Keep everything and let the state file go."""
        self._keep()
        self.state.close()

    def _ask(
        self,
        instance: Instance,
        operation: str,
        given: Mapping[str, str],
        changes: dict[str, Json],
    ) -> None:
        server, trigger = instance.server, self.lifecycle.triggers[operation]
        given = {name: value for name, value in given.items() if name in trigger.given}
        leaves_alone = not self.lifecycle.outcome(operation, server.node, given).nodes
        word = self._trouble(instance, operation)
        outcomes = word.outcomes if word else ()
        if leaves_alone:
            server.trigger(operation, **given)
            instance.set(changes)
            instance.outcomes = outcomes or instance.outcomes
            return
        if instance.operation and instance.operation != operation:
            self._steps.ended.append((instance, instance.operation, True))
        instance.operation, instance.changes = operation, changes
        instance.went_wrong = instance.hangs = False
        if trigger.unseen and outcomes:
            self._steps.happen(instance, outcomes[0].event, outcomes[0].given)
            return
        server.trigger(operation, **{**given, **(word.given if word else {})})
        instance.outcomes = outcomes
        self._steps.settle(instance)

    @contextmanager
    def _unlocked(self, instance: Instance, operation: str, asker: Asker) -> Iterator[None]:
        """While it lasts, no lock keeps an administrator from anything."""
        server, lift, restore = instance.server, self.policy.lift, self.policy.restore
        locked = server.node
        if not (lift and restore and asker.admin and operation not in (lift, restore)):
            yield
            return
        if server.may(lift):
            server.trigger(lift)
        lifted = server.node is not locked
        try:
            yield
        finally:
            if lifted and server.may(restore):
                server.trigger(restore)

    def _trouble(self, instance: Instance, operation: str) -> ScenarioWord | None:
        return self.troubles.of(instance, operation, lambda: self._steps.random(instance).random())

    def _run(self, until: float, limit: int | None) -> int:
        done = self._steps.run(until, limit, self._went_on)
        if done:
            self._keep()
        return done

    def _moment(self) -> float:
        """The time of what comes now: the present, or when that was over which it follows."""
        if not self._following:
            self._steps.time = self.now
        return self._steps.time

    def _went_on(self, instance: Instance) -> None:
        self._tell()
        self._put(instance)

    def _tell(self) -> None:
        """Tell of what is over, also of what is over by what those who hear it ask for."""
        if self._following:
            return
        self._following = True
        try:
            while self._steps.ended:
                over = self._steps.ended.popleft()
                for ender in self._enders:
                    ender(*over)
        finally:
            self._following = False

    def _over(self, instance: Instance) -> None:
        del self.instances[instance.id]
        self.gone[instance.id] = instance
        while len(self.gone) > REMEMBERED:
            self.state.drop(SERVER, self.gone.pop(next(iter(self.gone))).id)

    def _attend(self, instance: Instance) -> None:
        instance.server.observe(lambda change: self._seen(instance, change))

    def _hung(self, instance: Instance) -> None:
        node = instance.server.node
        self._pass_on(instance, Seen(self._steps.time, HANG, node.state, node.facts))

    def _seen(self, instance: Instance, change: AnyChange) -> None:
        facts = change.remembers if isinstance(change, ChangeWithFacts) else ()
        state = self.lifecycle.state(change.vm_state, change.task_state)
        seen = Seen(self._steps.time, change.event, state, facts)
        instance.updated = seen.at
        instance.history.append(seen)
        self._pass_on(instance, seen)

    def _pass_on(self, instance: Instance, seen: Seen) -> None:
        for listener in self._listeners:
            listener(instance, seen)

    def _put(self, instance: Instance) -> None:
        instance.revision += 1
        if self.state.kept:
            for name, document in pieces(instance):
                self.state.put(SERVER, name, document)
        for name in surplus(instance):
            self.state.drop(SERVER, name)

    def _keep(self, *changed: Instance) -> None:
        """Have these servers, and what is to become of the next ones, on the disk."""
        for instance in changed:
            self._put(instance)
        self.state.put(
            CLOUD,
            self.lifecycle.name,
            {
                "now": self.now,
                "epoch": self.epoch.isoformat(),
                "seed": self.seed,
                "count": self.count,
                **self.troubles.as_json(),
            },
        )
        self.state.commit()

    def _read(self) -> float:
        """Take over what the state has kept; the time at which it was kept."""
        kept = dict(self.state.all(CLOUD))
        if not kept:
            return 0.0
        path = self.state.path
        if self.lifecycle.name not in kept:
            raise InvalidInput(f"{path}: its servers are of the lifecycle {', '.join(kept)}")
        try:
            own = cast(dict[str, Any], kept[self.lifecycle.name])
            self.epoch, self.seed = datetime.fromisoformat(own["epoch"]), own["seed"]
            self.troubles.take(own)
            self.count, begin = own["count"], float(own["now"])
            for instance in instances(self.kind, self.state.all(SERVER)):
                over = instance.terminated is not None
                (self.gone if over else self.instances)[instance.id] = instance
                self._attend(instance)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"{path}: the file is broken: {error}") from None
        return begin
