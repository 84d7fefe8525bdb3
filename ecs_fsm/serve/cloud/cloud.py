"""The cloud: servers that run the lifecycle by a clock, and fail on order.

It knows neither HTTP nor waiting: requests are calls, and time passes when `run` is called. The
same seed and the same requests at the same times give the same cloud.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ecs_fsm.core.errors import Refused
from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.core.model import AnyChange, ChangeWithFacts
from ecs_fsm.core.scenario import ScenarioWord, StepOutcome
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.serve.cloud.catalog import Catalog, read_catalog
from ecs_fsm.serve.cloud.clock import Clock, Timeline
from ecs_fsm.serve.cloud.instance import (
    Asker,
    HistoryEntry,
    Instance,
    Json,
    NewServer,
    RequestRecord,
)
from ecs_fsm.serve.cloud.requests import TABLE, Orders, Policy
from ecs_fsm.serve.cloud.schedule import NO_HOST, Schedule
from ecs_fsm.serve.cloud.snapshot import CLOUD, SERVER
from ecs_fsm.serve.cloud.store import StateFile
from ecs_fsm.serve.cloud.surroundings import Surroundings
from ecs_fsm.serve.cloud.vocabulary import WITHOUT_HOST

if TYPE_CHECKING:
    from ecs_fsm.serve.cloud.volumes import Volumes

NOWHERE = StepOutcome(TABLE["no_host"]["event"], {}, TABLE["no_host"]["step"])
"""What a creation comes to if no host takes the server."""
REMEMBERED = 1000
"""Deleted servers that can still be looked up."""


class Cloud(Timeline, Surroundings):
    """The servers of a cloud, by its `clock`; times are simulated seconds.

    `kind` and `profile` say how servers live and how long steps take; `settings` are those of
    `Policy`. `instances` are the present servers and `gone` the last deleted ones, by id, in the
    order of their creation; `orders` are the faults and scenarios in force. `catalog` is what
    exists from the start. A cloud continues from the snapshot in `state`. With a `clock` it shares
    that of another cloud, keeps itself under other `names`, and has nothing around it. Raise
    `InvalidInput` for an unknown setting and an invalid state.
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
        catalog: Catalog | None = None,
        clock: Clock | None = None,
        names: tuple[str, str] = (SERVER, CLOUD),
    ) -> None:
        self.kind, self.lifecycle = kind, kind.lifecycle
        self._same = partial(Cloud, kind, profile, speed=speed, seed=seed, settings=settings)
        self.policy = Policy.of(self.lifecycle, settings or {})
        self.state = state or StateFile(None)
        self.orders = Orders(kind, self._keep)
        self._is_of_another = clock is not None
        self.names, self.seed = names, seed
        begin, epoch, stored = self._read()
        self.clock = clock or Clock(speed, begin, epoch)
        self.catalog = catalog or read_catalog()
        self.instances: dict[str, Instance] = {}
        self.gone: dict[str, Instance] = {}
        for instance in stored:
            over = instance.terminated is not None
            (self.gone if over else self.instances)[instance.id] = instance
            self._observe(instance)
        self.schedule = Schedule(
            self.lifecycle,
            profile.durations,
            self.policy.timers,
            self.seed,
            lose=self._lose,
            stuck=self._is_stuck,
            held=self.holds,
        )
        for instance in self.instances.values():
            self.schedule.push(instance)
        if clock is None:
            self.surround()
        self.state.sources.append(self._documents)
        self._keep()

    def again(self) -> Cloud:
        """Return another cloud with the same options, as its state has it now."""
        return self._same(state=self.state, catalog=self.catalog)

    def _make_volumes(self) -> Volumes:
        """Return the volumes, with a cloud of their own that shares the clock and the file."""
        from ecs_fsm.serve.cloud.volumes import KINDS, Volumes, volume_life

        shared: dict[str, Any] = {"state": self.state, "catalog": self.catalog, "clock": self.clock}
        self.others = Cloud(*volume_life(), seed=self.seed + 1, names=KINDS, **shared)
        return Volumes(self, self.others)

    def force_down(self, host: int, *, down: bool) -> None:
        """Let a host go down, or come back.

        The running steps of its servers hang, and requests are made as for such a host; when it
        comes back, its service takes up what it finds.
        """
        if down is self.is_down(host):
            return
        others = {number for number in self._down if number != host}
        self._down = tuple(sorted({*others, host} if down else others))
        self._moment()
        for instance in self.instances.values() if down else ():
            self._leave_host(instance)
        servers = [one for one in self.instances.values() if one.host == host]
        for instance in servers:
            if down:
                if instance.due is not None and not self.lifecycle.stays(instance.server.node):
                    self.schedule.settle(instance)
            elif instance.hangs:
                back = TABLE["down"]["back"]
                if back in self.lifecycle.events and instance.server.may(back):
                    self.schedule.happen(instance, back, {})
                else:
                    instance.hangs = False
                    self.schedule.settle(instance)
        self.schedule.notify_ends()
        self._keep(*servers)

    def _leave_host(self, instance: Instance) -> None:
        """Let a server that is on no host go to another one, if that on which it was is down."""
        if instance.state in WITHOUT_HOST and self.is_down(instance.host):
            found = self.place(instance.host, None, instance)
            instance.host = instance.host if found is None else found

    def _is_stuck(self, instance: Instance) -> bool:
        there = instance.state not in WITHOUT_HOST and self.is_down(instance.host)
        return there and instance.operation not in TABLE["down"]["elsewhere"]

    def create(self, wanted: NewServer, asker: Asker) -> Instance:
        """Return a new server, in the first step of its creation.

        Raise `InvalidInput` for invalid faults in its metadata.
        """
        faults, plans = self.orders.of_metadata(wanted.metadata), self.orders.plans
        creation = self.lifecycle.creation.trigger
        planned = plans[0][0].given if plans else {}
        server = self.kind.create(history=False, **{**wanted.given, **planned})
        now = self._moment()
        self.count += 1
        number = Random(f"{self.seed}/{self.count}").getrandbits(128)
        instance = Instance(
            number=self.count,
            id=str(UUID(int=number, version=4)),
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
            operation=creation,
            faults=faults,
            requests=[RequestRecord(now, creation, asker, None)],
        )
        self.instances[instance.id] = instance
        self._observe(instance)
        place: int | None = 0
        if not self._is_of_another:
            place = self.place(self.count, wanted.hosts, instance)
            instance.host = self.count % len(self.hosts) if place is None else place
            self.arrive(instance)
        if plans:
            instance.plan = plans.popleft()
        word = self.order(instance, creation)
        instance.outcomes = word.outcomes if word else ()
        if place is None:
            instance.outcomes, instance.details[NO_HOST] = (NOWHERE,), wanted.reason
        self._entered(instance, self.lifecycle.change(creation, server.node))
        self.schedule.settle(instance)
        self._keep(instance)
        return instance

    def request(
        self,
        instance: Instance,
        operation: str,
        given: Mapping[str, str],
        asker: Asker,
        changes: Mapping[str, Json] | None = None,
    ) -> None:
        """Request an operation; `changes` are attributes that it sets when it succeeds.

        The lock of a server is lifted for the request of an administrator, and set again. Raise
        `Refused` if the lifecycle does not allow it now; then nothing has changed.
        """
        lift, restore = TABLE["administrator"]["locks"]
        now, server = self._moment(), instance.server
        given = {**self.policy.given.get(operation, {}), **given}
        operation = self.policy.instead.get(operation, operation)
        self._leave_host(instance)
        if self.is_down(instance.host):
            given = {**TABLE["down"]["given"], **given}
        locked, refused = server.node, None
        lifts = lift in self.lifecycle.operations and operation not in (lift, restore)
        if asker.admin and lifts and server.may(lift):
            server.trigger(lift)
        lifted = server.node is not locked
        try:
            self._begin(instance, operation, given, dict(changes or {}))
        except Refused as error:
            refused = error
        finally:
            if lifted and server.may(restore):
                server.trigger(restore)
        reason = refused.reason if refused else None
        instance.requests.append(RequestRecord(now, operation, asker, reason))
        self.schedule.notify_ends()
        self._keep(instance)
        if refused:
            raise refused

    def _begin(
        self, instance: Instance, operation: str, given: Mapping[str, str], changes: dict[str, Json]
    ) -> None:
        server, lifecycle, schedule = instance.server, self.lifecycle, self.schedule
        trigger = lifecycle.triggers[operation]
        given = {name: value for name, value in given.items() if name in trigger.given}
        leaves_alone = not lifecycle.outcome(operation, server.node, given).nodes
        word = self.order(instance, operation)
        outcomes = word.outcomes if word else ()
        if leaves_alone:
            server.trigger(operation, **given)
            instance.set(changes)
            instance.outcomes = outcomes or instance.outcomes
            return
        if instance.operation and instance.operation != operation:
            schedule.ended.append((instance, instance.operation, True))
        instance.operation, instance.changes = operation, changes
        instance.went_wrong = instance.hangs = False
        if trigger.unseen and outcomes:
            schedule.happen(instance, outcomes[0].event, outcomes[0].given)
            return
        server.trigger(operation, **{**given, **(word.given if word else {})})
        instance.outcomes = outcomes
        schedule.settle(instance)

    def order(self, instance: Instance, operation: str) -> ScenarioWord | None:
        """Return the word that decides an operation that begins, None for the usual outcome."""
        draw = lambda: self.schedule.random(instance).random()  # noqa: E731 - drawn only if needed
        return self.orders.strike(instance, operation, draw)

    def close(self) -> None:
        """Store everything and close the state file. Raise `StateLost` if that cannot be."""
        with self.state.time_passes():
            if self.others is not None:
                self.others._keep()
            self._keep()
        self.state.close()

    def _lose(self, instance: Instance) -> None:
        if not self._is_of_another:
            self.leave(instance)
        del self.instances[instance.id]
        self.gone[instance.id] = instance
        while len(self.gone) > REMEMBERED:
            self.state.drop(self.names[0], self.gone.pop(next(iter(self.gone))).id)

    def _observe(self, instance: Instance) -> None:
        instance.server.observe(lambda change: self._entered(instance, change))

    def _entered(self, instance: Instance, change: AnyChange) -> None:
        facts = change.remembers if isinstance(change, ChangeWithFacts) else ()
        state = self.lifecycle.state(change.vm_state, change.task_state)
        entry = HistoryEntry(self.schedule.time, change.event, state, facts)
        instance.updated = entry.at
        instance.history.append(entry)
        self.schedule.notify_entry(instance, entry)
