"""Requests: refused, done at once or begun, by the settings of the cloud and the orders in force.

An administrator is not held back by a lock.
"""

from __future__ import annotations

import tomllib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.core.scenario import ScenarioWord, read_word, simulate
from ecs_fsm.core.server import BaseServer
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.cloud.orders import FaultOrder, StrikeCount
from ecs_fsm.serve.cloud.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Policy:
    """What a cloud does by its settings.

    `timers` are times with the event that they end in, by the state at rest; `instead` operations
    and `given` facts by the operation that was asked; `lift` and `restore` the operations that take
    a lock away and set it again, None where the lifecycle has none.
    """

    timers: Mapping[State, tuple[float, str]]
    instead: Mapping[str, str]
    given: Mapping[str, Mapping[str, str]]
    lift: str | None
    restore: str | None

    @classmethod
    def of(cls, lifecycle: Lifecycle, settings: Mapping[str, float]) -> Policy:
        """The policy of settings, in seconds. Raises `InvalidInput` for an unknown one."""
        written = tomllib.loads(
            (resources.files("ecs_fsm.serve.cloud") / "cloud.toml").read_text(encoding="utf-8")
        )
        known = [
            name
            for name, row in written["timers"].items()
            if row["state"] in lifecycle.states and row["event"] in lifecycle.events
        ]
        for name in settings:
            if name not in known:
                raise unknown("setting of the cloud", name, known)
        used = {name: seconds for name, seconds in settings.items() if seconds}
        timers = {name: row for name, row in written["timers"].items() if name in used}
        requests = [row for name, row in written["requests"].items() if name in used]
        lock = written["administrator"]
        has_locks = lock["lift"] in lifecycle.operations
        return cls(
            timers={
                lifecycle.states[row["state"]]: (used[name], row["event"])
                for name, row in timers.items()
            },
            instead={row["operation"]: row["instead"] for row in requests if "instead" in row},
            given={row["operation"]: row["given"] for row in requests if "given" in row},
            lift=lock["lift"] if has_locks else None,
            restore=lock["set_again"] if has_locks else None,
        )

    def meant(self, operation: str, given: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """The operation that a request comes to, and the facts that are given with it."""
        facts = {**self.given.get(operation, {}), **given}
        return self.instead.get(operation, operation), facts


FAULT = "ecs:fault"
"""The entry of a server's metadata that asks for trouble; faults are set apart by `;`."""
MOST = 1000
"""Faults that are in force at once, and scenarios that wait."""


def words_json(words: deque[ScenarioWord]) -> Json:
    """The words of a scenario as they are written."""
    return [word.text for word in words]


def words_of(lifecycle: Lifecycle, texts: Any) -> deque[ScenarioWord]:
    """The words of a scenario from how they are written."""
    return deque(read_word(lifecycle, text) for text in texts)


def fault_json(fault: FaultOrder) -> Json:
    """A fault with how often it came."""
    return [str(fault), fault.tally.met, fault.tally.struck]


def fault_of(lifecycle: Lifecycle, document: Any) -> FaultOrder:
    """A fault from its document."""
    text, met, struck = document
    fault = FaultOrder.parse(lifecycle, str(text))
    fault.tally = StrikeCount(met, struck)
    return fault


class Orders:
    """The troubles of one cloud; `changed` is called after each change of them.

    `faults` strike from now on, in their order; `plans` wait for a server each.
    """

    def __init__(self, kind: type[BaseServer], changed: Callable[[], object]) -> None:
        self.faults: list[FaultOrder] = []
        self.plans: deque[deque[ScenarioWord]] = deque()
        self._kind, self._lifecycle = kind, kind.lifecycle
        self._changed = changed

    def add(self, wanted: str | Mapping[str, object]) -> FaultOrder:
        """Let a fault strike from now on. Raises `InvalidInput` where it does not read."""
        if isinstance(wanted, str):
            fault = FaultOrder.parse(self._lifecycle, wanted)
        else:
            fault = FaultOrder.given(self._lifecycle, wanted)
        _room(self.faults, "faults")
        self.faults.append(fault)
        self._changed()
        return fault

    def lay(self, words: Iterable[str]) -> tuple[ScenarioWord, ...]:
        """Lay a scenario on the next server: what becomes of each of its requests, in order.

        Raises `InvalidInput` for words that do not read, or that no server can go through.
        """
        creation = self._lifecycle.creation.trigger
        listed = list(words)
        if not listed or read_word(self._lifecycle, listed[0]).operation.name != creation:
            listed.insert(0, creation)
        refused = simulate(self._kind, listed).refused
        if refused:
            raise InvalidInput(f"no server can go through this scenario: {refused}")
        read = tuple(read_word(self._lifecycle, word) for word in listed)
        _room(self.plans, "scenarios")
        self.plans.append(deque(read))
        self._changed()
        return read

    def clear(self) -> None:
        """No fault strikes any more, nor is a scenario laid on the next server."""
        self.faults.clear()
        self.plans.clear()
        self._changed()

    def own(self, metadata: Mapping[str, str]) -> list[FaultOrder]:
        """The faults that a server's metadata asks for. Raises `InvalidInput` as `add` does."""
        texts = [text for text in metadata.get(FAULT, "").split(";") if text.strip()]
        return [FaultOrder.parse(self._lifecycle, text) for text in texts]

    def of(
        self, instance: Instance, operation: str, draw: Callable[[], float]
    ) -> ScenarioWord | None:
        """What becomes of a request of this server, None for nothing special."""
        if instance.plan and instance.plan[0].operation.name == operation:
            return instance.plan.popleft()
        for fault in (*instance.faults, *self.faults):
            if fault.strikes(operation, instance.name, draw):
                return fault.word
        return None

    def as_json(self) -> dict[str, Json]:
        """The troubles as they are kept."""
        return {
            "faults": [fault_json(fault) for fault in self.faults],
            "plans": [words_json(plan) for plan in self.plans],
        }

    def take(self, kept: Mapping[str, Any]) -> None:
        """Go on with those that were kept."""
        self.faults = [fault_of(self._lifecycle, fault) for fault in kept["faults"]]
        self.plans = deque(words_of(self._lifecycle, plan) for plan in kept["plans"])


def _room(those: Sized, what: str) -> None:
    if len(those) >= MOST:
        raise InvalidInput(f"there are {MOST} {what} already; remove some")


class Admission:
    """Carries requests out by the `policy` of a cloud, with its `troubles`, over its `steps`."""

    def __init__(self, policy: Policy, troubles: Orders, steps: Schedule) -> None:
        self._policy, self._troubles, self._steps = policy, troubles, steps

    def trouble(self, instance: Instance, operation: str) -> ScenarioWord | None:
        """What becomes of an operation that this server begins, None for nothing special."""
        return self._troubles.of(instance, operation, lambda: self._steps.random(instance).random())

    def carry_out(
        self,
        instance: Instance,
        operation: str,
        given: Mapping[str, str],
        asker: Asker,
        changes: dict[str, Json],
    ) -> None:
        """Do what is asked, or begin it. Raises `Refused`; then nothing has changed."""
        with self._unlocked(instance, operation, asker):
            self._begin(instance, operation, given, changes)

    def _begin(
        self,
        instance: Instance,
        operation: str,
        given: Mapping[str, str],
        changes: dict[str, Json],
    ) -> None:
        server, lifecycle = instance.server, instance.server.lifecycle
        trigger = lifecycle.triggers[operation]
        given = {name: value for name, value in given.items() if name in trigger.given}
        leaves_alone = not lifecycle.outcome(operation, server.node, given).nodes
        word = self.trouble(instance, operation)
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
        server, lift, restore = instance.server, self._policy.lift, self._policy.restore
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
