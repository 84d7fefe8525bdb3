"""What becomes of a request: refused, done at once, or begun, with the trouble that is due to it.

An administrator is kept from nothing by a lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ecs_fsm.core.scenario import ScenarioWord
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.cloud.policy import Policy
from ecs_fsm.serve.cloud.steps import Steps
from ecs_fsm.serve.cloud.troubles import Troubles


class Requests:
    """Carries requests out by the `policy` of a cloud, with its `troubles`, over its `steps`."""

    def __init__(self, policy: Policy, troubles: Troubles, steps: Steps) -> None:
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
