"""POST servers/{id}/action: one key that says what, with its argument, by a table.

`actions.toml` says for each key which operation of the lifecycle it asks for, who may ask, and what
else it does; a lifecycle that does not have the operation does not have the action.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Annotated

from fastapi import Body
from pydantic import JsonValue, ValidationError
from starlette.responses import Response

from ecs_fsm.core.errors import unknown
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.compute import arguments
from ecs_fsm.serve.compute.arguments import Argument
from ecs_fsm.serve.compute.asking import Asked, Asking, told
from ecs_fsm.serve.compute.changes import CHANGES
from ecs_fsm.serve.compute.results import RESULTS, Result
from ecs_fsm.serve.http.answers import REFUSED
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.versions import HIGHEST, LOWEST


@dataclass(frozen=True, slots=True)
class Action:
    """A row of the table, which says what each part is."""

    key: str
    operation: str | None = None
    choose: str | None = None
    operations: Mapping[str, str] = field(default_factory=dict)
    argument: Mapping[str, str] = field(default_factory=lambda: {str(LOWEST): "Nothing"})
    since: int = LOWEST
    until: int = HIGHEST
    admin: bool = False
    given: Mapping[str, str] = field(default_factory=dict)
    given_until: int = HIGHEST
    changes: str | None = None
    at_once: bool = False
    code: int = 202
    answer: str | None = None
    called: str | None = None

    @property
    def asks(self) -> tuple[str, ...]:
        """The operations that it can ask for."""
        return (self.operation,) if self.operation else tuple(self.operations.values())

    def shape(self, minor: int) -> type[Argument]:
        """The class of its argument at a microversion."""
        found = [name for since, name in self.argument.items() if int(since) <= minor]
        shape: type[Argument] = getattr(arguments, found[-1])
        return shape

    def operation_of(self, argument: Argument) -> str | None:
        """The operation that its argument asks for. Raises 400 for a choice that there is not."""
        if self.choose is None:
            return self.operation
        wanted = getattr(argument, self.choose).lower()
        for choice, operation in self.operations.items():
            if choice.lower() == wanted:
                return operation
        choices = " or ".join(self.operations)
        raise ApiError(400, f"Invalid input for {self.key}.{self.choose}: expected {choices}")


@cache
def table() -> Mapping[str, Action]:
    """The actions by their keys."""
    text = resources.files(__package__).joinpath("actions.toml").read_text(encoding="utf-8")
    return {key: Action(key, **row) for key, row in tomllib.loads(text).items()}


router = Handlers(tags=["compute"], responses=REFUSED)
OneKey = Annotated[dict[str, JsonValue], Body(min_length=1, max_length=1)]


@router.post("/servers/{server_id}/action", status_code=202)
async def act_on_server(server_id: str, body: OneKey, asked: Asked) -> Response:
    """Asks something of a server: one key that says what, with its argument."""
    ((key, given),) = body.items()
    action = _action(asked, key)
    if action.admin:
        asked.administrator(f"os_compute_api:{key}")
    instance = asked.find(server_id)
    _possible(asked, action)
    result = perform(asked, instance, action, _argument(action, asked.minor, given))
    headers = {"Location": result.location} if result.location else None
    if result.body is None:
        return Response(status_code=action.code, headers=headers)
    return told(result.body, action.code, headers)


def perform(asking: Asking, instance: Instance, action: Action, argument: Argument) -> Result:
    """Does what an action says. Raises 400 or 409, and then nothing has changed."""
    operation = action.operation_of(argument)
    changes = CHANGES[action.changes](asking, instance, argument) if action.changes else {}
    given = action.given if asking.minor <= action.given_until else {}
    later = {} if action.at_once else changes
    if operation is not None:
        known = asking.cloud.lifecycle.triggers[operation].given
        facts = {name: value for name, value in given.items() if name in known}
        asker = asking.asker(action.called or action.key)
        asking.compute.ask(instance, operation, asker, facts, later)
    if changes and action.at_once:
        instance.set(changes)
        asking.cloud.keep(instance)
    return RESULTS[action.answer](asking, instance, argument) if action.answer else Result()


def _action(asking: Asking, key: str) -> Action:
    """The action of a key. Raises 400 for one that there is not, at this version or at all."""
    action = table().get(key)
    if action is None:
        raise ApiError(400, str(unknown("action", key[:255], table())))
    if not action.since <= asking.minor <= action.until:
        raise ApiError(400, f"There is no action '{key}' at version 2.{asking.minor}")
    return action


def _possible(asking: Asking, action: Action) -> None:
    """Raises 400 for an action of which the lifecycle knows nothing."""
    lifecycle = asking.cloud.lifecycle
    missing = [name for name in action.asks if name not in lifecycle.operations]
    if missing:
        raise ApiError(
            400,
            f"There is no action '{action.key}' here: the lifecycle {lifecycle.name} has no "
            f"operation {missing[0]}; it has {', '.join(lifecycle.operations)}",
        )


def _argument(action: Action, minor: int, given: JsonValue) -> Argument:
    """The argument of an action. Raises 400 for one of another shape."""
    shape = action.shape(minor)
    empty = given is None or (shape is arguments.Nothing and not isinstance(given, dict))
    try:
        return shape.model_validate({} if empty else given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, (action.key, *first["loc"])))
        raise ApiError(400, f"Invalid input for {place}: {first['msg']}") from None
