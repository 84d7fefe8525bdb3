"""What decides requests beside the lifecycle: settings of the cloud, and the orders in force.

Orders are faults, and scenarios that wait for a server.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass
from functools import partial
from typing import Any

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.core.model import State
from ecs_fsm.core.scenario import ScenarioWord, read_word, simulate
from ecs_fsm.io.toml import shipped
from ecs_fsm.serve.cloud.instance import FaultOrder, Instance, Json, StrikeCount

TABLE: Mapping[str, Any] = shipped("ecs_fsm.serve.cloud", "cloud.toml")
"""How the cloud carries out requests, and its settings by their names in nova's configuration."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A cloud's own settings.

    `timers` are times with the event that they end in, by the state at rest; `instead` operations
    and `given` facts by the requested operation; `quotas` what a project may have at most, -1 for
    no limit. `cloud.toml` has the meaning of each.
    """

    timers: Mapping[State, tuple[float, str]]
    instead: Mapping[str, str]
    given: Mapping[str, Mapping[str, str]]
    quotas: Mapping[str, int]

    @classmethod
    def of(cls, lifecycle: Lifecycle, settings: Mapping[str, float]) -> Policy:
        """Return the policy of settings, in seconds or of quotas as numbers.

        Raise `InvalidInput` for an unknown one.
        """
        timers, quotas = TABLE["timers"], TABLE["quotas"]
        known = [
            name
            for name, row in timers.items()
            if row["state"] in lifecycle.states and row["event"] in lifecycle.events
        ]
        for name, value in settings.items():
            if name not in known and name not in quotas:
                raise unknown("setting of the cloud", name, [*known, *quotas])
            if name in quotas and int(value) != value:
                raise InvalidInput(f"setting {name} is {value:g}; expected a whole number")
        used = {name: seconds for name, seconds in settings.items() if seconds}
        requests = [row for name, row in TABLE["requests"].items() if name in used]
        return cls(
            timers={
                lifecycle.states[row["state"]]: (used[name], row["event"])
                for name, row in timers.items()
                if name in used
            },
            instead={row["operation"]: row["instead"] for row in requests if "instead" in row},
            given={row["operation"]: row["given"] for row in requests if "given" in row},
            quotas={name: int(settings.get(name, most)) for name, most in quotas.items()},
        )


FAULT = "ecs:fault"
"""The entry of a server's metadata that orders faults, separated by `;`."""
MOST = 1000
"""Limit of the faults in force, and of the waiting scenarios."""


def fault_json(fault: FaultOrder) -> Json:
    """Return the document of a fault, with its count."""
    return [str(fault), fault.count.met, fault.count.struck]


def fault_of(lifecycle: Lifecycle, document: Any) -> FaultOrder:
    """Return the fault of a document."""
    text, met, struck = document
    fault = FaultOrder.parse(lifecycle, str(text))
    fault.count = StrikeCount(met, struck)
    return fault


class Orders:
    """The orders in force in one cloud; `changed` is called after each change of them.

    `faults` strike requests, tried in their order; each of `plans`, the words of a scenario, waits
    for the next server.
    """

    def __init__(self, kind: type[BaseServer], changed: Callable[[], object]) -> None:
        self.faults: list[FaultOrder] = []
        self.plans: deque[deque[ScenarioWord]] = deque()
        self._kind, self._lifecycle = kind, kind.lifecycle
        self._changed = changed

    def add(self, text: str, count: StrikeCount | None = None) -> FaultOrder:
        """Let a fault strike from now on. Raise `InvalidInput` for an invalid one."""
        fault = FaultOrder.parse(self._lifecycle, text)
        fault.count = count or fault.count
        _room(self.faults, "faults")
        self.faults.append(fault)
        self._changed()
        return fault

    def add_scenario(self, words: Iterable[str]) -> tuple[ScenarioWord, ...]:
        """Let the next server follow a scenario, which decides each of its requests, in order.

        Raise `InvalidInput` for invalid words, and for a run that no server can have.
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
        """Remove all faults and waiting scenarios."""
        self.faults.clear()
        self.plans.clear()
        self._changed()

    def of_metadata(self, metadata: Mapping[str, str]) -> list[FaultOrder]:
        """Return the faults that a server's metadata orders. Raise `InvalidInput` as `add` does."""
        texts = [text for text in metadata.get(FAULT, "").split(";") if text.strip()]
        return [FaultOrder.parse(self._lifecycle, text) for text in texts]

    def strike(
        self, instance: Instance, operation: str, draw: Callable[[], float]
    ) -> ScenarioWord | None:
        """Return the word that decides a request of this server, None for the usual outcome."""
        if instance.plan and instance.plan[0].operation.name == operation:
            return instance.plan.popleft()
        for fault in (*instance.faults, *self.faults):
            if fault.strikes(operation, instance.name, draw):
                return fault.word
        return None

    def as_json(self) -> dict[str, Json]:
        """Return the orders as documents."""
        return {
            "faults": [fault_json(fault) for fault in self.faults],
            "plans": [[word.text for word in plan] for plan in self.plans],
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Continue with the orders of documents."""
        self.faults = [fault_of(self._lifecycle, fault) for fault in kept["faults"]]
        read = partial(read_word, self._lifecycle)
        self.plans = deque(deque(map(read, plan)) for plan in kept["plans"])


def _room(those: Sized, what: str) -> None:
    if len(those) >= MOST:
        raise InvalidInput(f"there are {MOST} {what} already; remove some")
