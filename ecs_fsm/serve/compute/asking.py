"""What all requests about servers share: which server is meant, who asks, and what is refused.

A server is written as JSON once for as long as nothing about it changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.responses import Response

from ecs_fsm.core.errors import Refused, UnknownFact
from ecs_fsm.core.model import Kind
from ecs_fsm.serve.cloud.catalog import Catalog, catalog
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.compute.shapes import Look, Shapes, View
from ecs_fsm.serve.compute.words import Words, words
from ecs_fsm.serve.http.access import Caller
from ecs_fsm.serve.http.context import Known, Microversion, RequestContext, caller, microversion
from ecs_fsm.serve.http.errors import ApiError

MOST_WRITTEN = 20_000
"""Servers that are kept as JSON at once."""
FORBIDDEN = "Policy doesn't allow {} to be performed."
Key = tuple[str, Look]


class Compute:
    """A cloud as the compute API has it."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.catalog: Catalog = catalog()
        self.words: Words = words()
        self.shapes = Shapes(cloud, self.catalog, self.words)
        self._written: dict[Key, tuple[int, bytes]] = {}

    @cached_property
    def failures(self) -> frozenset[str]:
        """Names of events of the lifecycle by which something goes wrong."""
        events = self.cloud.lifecycle.events.values()
        return frozenset(event.name for event in events if event.kind is Kind.FAILURE)

    def find(self, server_id: str, caller: Caller) -> Instance:
        """The server of that id. Raises 404 for one that is gone, unknown or somebody else's."""
        instance = self.cloud.instances.get(server_id)
        if instance is None or not (caller.admin or instance.project_id == caller.project_id):
            raise ApiError(404, f"Instance {server_id[:255]} could not be found.")
        return instance

    def written(self, instance: Instance, look: Look) -> bytes:
        """The server as JSON."""
        key = instance.id, look
        found = self._written.get(key)
        if found and found[0] == instance.revision:
            return found[1]
        text = json.dumps(self.shapes.server(instance, look)).encode()
        if len(self._written) >= MOST_WRITTEN:
            self._written.clear()
        self._written[key] = instance.revision, text
        return text

    def ask(
        self,
        instance: Instance,
        operation: str,
        asker: Asker,
        given: Mapping[str, str] | None = None,
        changes: Mapping[str, Json] | None = None,
    ) -> None:
        """Ask the lifecycle for an operation.

        Raises 409 where it is refused, 400 without a fact on which it depends.
        """
        try:
            self.cloud.request(instance, operation, given or {}, asker, changes)
        except Refused as error:
            raise ApiError(409, refusal(instance, error)) from None
        except UnknownFact as error:
            raise ApiError(400, str(error)) from None

    def ask_if_known(self, instance: Instance, operation: str, asker: Asker) -> None:
        """The same for what a lifecycle may know nothing of, which nothing forbids then."""
        if operation in self.cloud.lifecycle.operations:
            self.ask(instance, operation, asker)


def refusal(instance: Instance, error: Refused) -> str:
    """What the API says where the lifecycle refuses something."""
    at = f"vm_state {error.vm_state}"
    if error.task_state:
        at = f"task_state {error.task_state}"
    allowed = ", ".join(error.allowed) or "nothing that a user can ask"
    return (
        f"Cannot '{error.operation}' instance {instance.id} while it is in {at}: {error.reason}; "
        f"possible now: {allowed}"
    )


def compute_of(request: Request) -> Compute:
    """The compute API over the cloud of the application; made when it is first asked for."""
    state = request.app.state
    found = getattr(state, "compute", None)
    if found is None or found.cloud is not state.cloud:
        found = state.compute = Compute(state.cloud)
    return cast(Compute, found)


class Asking(RequestContext):
    """A request: to which API it came, who asks, and at which microversion."""

    __slots__ = ("compute", "minor", "root")

    def __init__(self, request: Request, caller: Caller, minor: int) -> None:
        super().__init__(request, caller)
        self.minor = minor
        self.compute = compute_of(request)
        self.root = self.base + request.scope["path"].partition("/servers")[0]

    def find(self, server_id: str) -> Instance:
        """The server of that id. Raises 404 as `Compute.find` does."""
        return self.compute.find(server_id, self.caller)

    def change(self, instance: Instance, operation: str, changes: Mapping[str, Json]) -> None:
        """Set attributes of a server at once, if the lifecycle allows the operation."""
        self.compute.ask_if_known(instance, operation, self.asker(operation))
        instance.set(changes)
        self.cloud.keep(instance)

    def look(self, view: View) -> Look:
        """How the caller sees servers."""
        return Look(self.minor, self.root, self.caller.admin, view)

    def since(self, minor: int) -> None:
        """Raises 404 below the microversion that brought a path."""
        if self.minor < minor:
            raise ApiError(404, "The resource could not be found.")

    def administrator(self, what: str) -> None:
        """Raises 403 for anybody but an administrator."""
        if not self.caller.admin:
            raise ApiError(403, FORBIDDEN.format(what))


async def asking(request: Request, known: Known, minor: Microversion) -> Asking:
    """What a handler needs to know of its request. Raises 401 and 406."""
    return Asking(request, known, minor)


Asked = Annotated[Asking, Depends(asking)]
"""The request of a handler."""
WITH_TOKEN: dict[str, object] = {"security": [{"token": []}]}
"""What the document says of a path whose handler asks by itself."""


async def asking_of(request: Request) -> Asking:
    """The same without the framework, which takes longer than most answers."""
    known = await caller(request, request.headers.get("x-auth-token"))
    return Asking(request, known, await microversion(request))


def answer(text: bytes, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """What was written as JSON, as an answer."""
    return Response(text, code, headers, "application/json")


def told(shape: object, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return answer(json.dumps(shape).encode(), code, headers)
