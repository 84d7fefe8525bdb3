"""POST servers/{id}/action: an object of one key, which names the action, with its argument.

What an action is, its row in `compute.toml` says: under which conditions it exists, and which
operation of the lifecycle it requests. What a table cannot say is a function with the key of the
action, which gets the server and the argument, as Nova's schemas let it through; these are in
`guests`, `migrations` and `nics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, cast

from starlette.responses import Response

from ecs_fsm.serve.cloud.instance import Instance, Json
from ecs_fsm.serve.cloud.resources import Item, tables
from ecs_fsm.serve.compute.api import ComputeContext, error, router
from ecs_fsm.serve.compute.views import is_locked
from ecs_fsm.serve.http.bodies import respond
from ecs_fsm.serve.http.versions import HIGHEST, LOWEST

Changes = Mapping[str, Json]


class ActionAnswer(NamedTuple):
    """The body of an answer, if it has one, and the URL of what was created."""

    body: object = None
    location: str | None = None


Changer = Callable[[ComputeContext, Instance, Item], Changes]
Answerer = Callable[[ComputeContext, Instance, Item], ActionAnswer]
F = TypeVar("F", Changer, Answerer)


CHANGES: dict[str, Changer] = {}
"""What returns the attributes of the server that an action sets, by its key; it sets none."""
ANSWERS: dict[str, Answerer] = {}
"""What returns the answer once the request was accepted; by default its code says all."""


def of_actions(where: dict[str, F], *keys: str) -> Callable[[F], F]:
    """Register a function of `CHANGES` or `ANSWERS` for the actions of these keys."""

    def registered(function: F) -> F:
        where.update(dict.fromkeys(keys, function))
        return function

    return registered


@dataclass(frozen=True, slots=True)
class ServerAction:
    """An action, by its `key` in the body.

    `operation` is the lifecycle's, several by the type or the state in the argument, or None for an
    action that only answers or sets attributes. The argument is read from the microversion `reads`
    on and is empty before. The action exists from the microversion `since` to `until`. The
    operation gets the facts `given`, up to `given_until`. What the action changes takes effect when
    the operation has succeeded, or `at_once` when it was accepted. `code` is the status of the
    answer, `name` that of the action in os-instance-actions if it is not the key.
    """

    key: str
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
    def operations(self) -> list[str]:
        """The operations that it can request."""
        named = self.operation.values() if isinstance(self.operation, Mapping) else [self.operation]
        return [*filter(None, named)]

    def _requested(self, given: Item) -> str | None:
        """Return the operation that the action requests with an argument."""
        if isinstance(self.operation, Mapping):
            return self.operation[given.get("type", "").upper() or given["state"]]
        return self.operation

    def perform(self, context: ComputeContext, instance: Instance, given: object) -> ActionAnswer:
        """Carry out the action. Raises 400 or 409; then nothing has changed."""
        reads = context.minor >= self.reads and isinstance(given, dict)
        argument = cast(Item, given) if reads else {}
        operation, changes = self._requested(argument), None

        def changed() -> Changes:
            find = CHANGES.get(self.key)
            return find(context, instance, argument) if find else {}

        if operation is not None:
            lifecycle = context.cloud.lifecycle
            accepted = lifecycle.triggers[operation].given
            known = self.given if context.minor <= self.given_until else {}
            facts = {name: value for name, value in known.items() if name in accepted}
            # What the state forbids is said before what the argument lacks, as Nova's checks do.
            if is_locked(instance) or lifecycle.possible(operation, instance.server.node):
                changes = changed()
            later = {} if self.at_once else changes
            requester = context.asker(self.name or self.key)
            context.compute.request(instance, operation, requester, facts, later)
            context.cloud.finish(instance)
        changes = changed() if changes is None else changes
        if changes and self.at_once:
            context.cloud.keep(instance, changes)
        answer = ANSWERS.get(self.key)
        return ActionAnswer() if answer is None else answer(context, instance, argument)


ACTIONS: Mapping[str, ServerAction] = {
    key: ServerAction(key, **row) for key, row in tables()["compute"]["actions"].items()
}
"""The actions by their keys, as `compute.toml` has them."""


@router.post("/servers/{server_id}/action", body="OneKey", status_code=202)
async def act_on_server(server_id: str, body: Item, context: ComputeContext) -> Response:
    """Carry out an action, named by the one key of the body, with its argument."""
    ((key, given),) = body.items()
    action, lifecycle = ACTIONS.get(key), context.cloud.lifecycle
    if action is None:
        raise error(400, "unknown_action", action=key[:255])
    context.require_version(since=action.since, before=action.until + 1)
    if action.admin:
        context.require_admin(f"os_compute_api:{key}")
    instance = context.find(server_id)
    for missing in action.operations:
        if missing not in lifecycle.operations:
            words = {"name": lifecycle.name, "known": ", ".join(lifecycle.operations)}
            raise error(400, "no_action", action=key, missing=missing, **words)
    with context.cloud.state.one_change():
        answer = action.perform(context, instance, given)
    headers = {"Location": answer.location} if answer.location else None
    if answer.body is None:
        return Response(status_code=action.code, headers=headers)
    return respond(answer.body, action.code, headers)
