"""What an action of POST servers/{id}/action is: a row of a table, and a model of its argument.

The row says under which conditions the action exists and which operation of the lifecycle it
requests. The model reads the argument, and has what the action changes and answers as methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

from pydantic import Field, JsonValue, TypeAdapter

from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.compute.api import ComputeContext, error
from ecs_fsm.serve.compute.views import is_locked
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.handlers import validated
from ecs_fsm.serve.http.versions import HIGHEST, LOWEST

Changes = Mapping[str, Json]
OneKey = Annotated[dict[str, JsonValue], Field(min_length=1, max_length=1)]
"""The body of an action: its key with its argument."""


class ActionAnswer(NamedTuple):
    """The body of an answer, if it has one, and the URL of what was created."""

    body: object = None
    location: str | None = None


class Argument(Body):
    """The argument of an action; unknown keys are ignored."""

    def operation(self, action: ServerAction) -> str | None:
        """Return the operation that the action requests with this argument."""
        return action.operation if isinstance(action.operation, str) else None

    def changes(self, context: ComputeContext, instance: Instance) -> Changes:
        """Return the attributes of the server that the action sets, without setting them."""
        return {}

    def answer(self, context: ComputeContext, instance: Instance) -> ActionAnswer:
        """Return the answer once the request was accepted; by default its code says all."""
        return ActionAnswer()


class NoArgument(Argument):
    """No argument: anything is accepted and ignored, as Nova does."""


@dataclass(frozen=True, slots=True)
class ServerAction:
    """An action, by its `key` in the body.

    `operation` is the lifecycle's, several by the value of a field of the argument, or None for an
    action that only answers or sets attributes. `argument` is the model of the argument, which is
    read from the microversion `reads` on and has no fields before. The action exists from the
    microversion `since` to `until`. The operation gets the facts `given`, up to `given_until`. What
    the argument changes takes effect when the operation has succeeded, or `at_once` when it was
    accepted. `code` is the status of the answer, `name` that of the action in os-instance-actions
    if it is not the key.
    """

    key: str
    argument: type[Argument] = NoArgument
    operation: str | Mapping[str, str] | None = None
    since: int = LOWEST
    until: int = HIGHEST
    reads: int = LOWEST
    admin: bool = False
    given: Mapping[str, str] = field(default_factory=dict)
    given_until: int = HIGHEST
    at_once: bool = False
    code: int = 202
    name: str | None = None

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that it can request."""
        if self.operation is None:
            return ()
        return (self.operation,) if isinstance(self.operation, str) else (*self.operation.values(),)

    def is_empty(self, minor: int) -> bool:
        """Return whether nothing of the argument is read at a microversion."""
        return minor < self.reads or issubclass(self.argument, NoArgument)

    def read(self, minor: int, given: JsonValue) -> Argument:
        """Return the argument. Raises 400 for an invalid one."""
        empty = given is None or self.is_empty(minor)
        read: Argument = validated(TypeAdapter(self.argument), {} if empty else given, self.key)
        return read

    def require(self, context: ComputeContext) -> None:
        """Raise 400 if the lifecycle does not have the operations of the action."""
        lifecycle = context.cloud.lifecycle
        missing = [name for name in self.operations if name not in lifecycle.operations]
        if missing:
            words = {"name": lifecycle.name, "known": ", ".join(lifecycle.operations)}
            raise error(400, "no_action", action=self.key, missing=missing[0], **words)

    def perform(
        self, context: ComputeContext, instance: Instance, argument: Argument
    ) -> ActionAnswer:
        """Carry out the action. Raises 400 or 409; then nothing has changed."""
        operation, changes = argument.operation(self), None
        if operation is not None:
            lifecycle = context.cloud.lifecycle
            accepted = lifecycle.triggers[operation].given
            given = self.given if context.minor <= self.given_until else {}
            facts = {name: value for name, value in given.items() if name in accepted}
            requester = context.asker(self.name or self.key)
            # What the state forbids is said before what the argument lacks, as Nova's checks do.
            if is_locked(instance) or lifecycle.possible(operation, instance.server.node):
                changes = argument.changes(context, instance)
            later = {} if self.at_once else changes
            context.compute.request(instance, operation, requester, facts, later)
            context.cloud.finish(instance)
        changes = argument.changes(context, instance) if changes is None else changes
        if changes and self.at_once:
            instance.set(changes)
            context.cloud.keep(instance)
        return argument.answer(context, instance)
