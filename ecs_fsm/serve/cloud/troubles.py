"""What somebody asked to go wrong: the faults in force, and the scenarios for the next servers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.scenario import ScenarioWord, read_word, simulate
from ecs_fsm.core.server import BaseServer
from ecs_fsm.serve.cloud.faults import Fault
from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.stored import fault_json, fault_of, words_json, words_of

FAULT = "ecs:fault"
"""The entry of a server's metadata that asks for trouble; faults are set apart by `;`."""
MOST = 1000
"""Faults that are in force at once, and scenarios that wait."""


class Troubles:
    """The troubles of one cloud; `changed` is called after each change of them.

    `faults` strike from now on, in their order; `plans` wait for a server each.
    """

    def __init__(self, kind: type[BaseServer], changed: Callable[[], object]) -> None:
        self.faults: list[Fault] = []
        self.plans: deque[deque[ScenarioWord]] = deque()
        self._kind, self._lifecycle = kind, kind.lifecycle
        self._changed = changed

    def add(self, wanted: str | Mapping[str, object]) -> Fault:
        """Let a fault strike from now on. Raises `InvalidInput` where it does not read."""
        if isinstance(wanted, str):
            fault = Fault.parse(self._lifecycle, wanted)
        else:
            fault = Fault.given(self._lifecycle, wanted)
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

    def own(self, metadata: Mapping[str, str]) -> list[Fault]:
        """The faults that a server's metadata asks for. Raises `InvalidInput` as `add` does."""
        texts = [text for text in metadata.get(FAULT, "").split(";") if text.strip()]
        return [Fault.parse(self._lifecycle, text) for text in texts]

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
