"""A cloud's own settings: what happens unasked after a time at rest, what a request comes to.

They are those of nova's configuration, by their names there, in seconds; `cloud.toml` says what
each does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from ecs_fsm.core.errors import unknown
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import State


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
