"""The compute API over a cloud, and the context of its requests.

A server is written as JSON once for as long as nothing about it changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from ecs_fsm.core.errors import Refused, UnknownFact
from ecs_fsm.core.model import Kind
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Asker, Instance, Json
from ecs_fsm.serve.cloud.resources import Item, tables
from ecs_fsm.serve.cloud.vocabulary import MOVES
from ecs_fsm.serve.compute.nova_schemas import ROOT, check_body, check_query
from ecs_fsm.serve.compute.views import (
    AnswerKind,
    Fields,
    ViewOptions,
    long_time,
    server_view,
    shown_at,
)
from ecs_fsm.serve.http.api_errors import Api, ApiError
from ecs_fsm.serve.http.bodies import Row, page_of, respond
from ecs_fsm.serve.http.context import RequestContext, microversion
from ecs_fsm.serve.http.declared import Declared
from ecs_fsm.serve.http.handlers import Handlers

MOST_MOVES = 100
"""Migrations of a server that are remembered."""
MOST_WRITTEN = 20_000
"""Servers that are kept as JSON at once."""
FORBIDDEN = "Policy doesn't allow {} to be performed."


class Compute:
    """A cloud as the compute API sees it."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._written: dict[tuple[str, ViewOptions], tuple[int, bytes]] = {}

    @cached_property
    def failures(self) -> frozenset[str]:
        """The names of the lifecycle's events by which something fails."""
        events = self.cloud.lifecycle.events.values()
        return frozenset(event.name for event in events if event.kind is Kind.FAILURE)

    def written(self, instance: Instance, options: ViewOptions) -> bytes:
        """Return a server as JSON."""
        key = instance.id, options
        found = self._written.get(key)
        if found and found[0] == instance.revision:
            return found[1]
        text = json.dumps(server_view(self.cloud, instance, options)).encode()
        if len(self._written) >= MOST_WRITTEN:
            self._written.clear()
        self._written[key] = instance.revision, text
        return text

    def request(
        self,
        instance: Instance,
        operation: str,
        requester: Asker,
        given: Mapping[str, str] | None = None,
        changes: Mapping[str, Json] | None = None,
    ) -> None:
        """Request an operation of the lifecycle; `changes` take effect if it succeeds.

        Raises 409 if the lifecycle refuses it, 400 if it depends on a missing fact.
        """
        source = instance.host, instance.flavor
        try:
            self.cloud.request(instance, operation, given or {}, requester, changes)
            if changes and "host" in changes and operation in MOVES:
                moves = cast(list[Json], instance.details.setdefault("moves", []))
                goal = [changes["host"], changes.get("flavor", instance.flavor)]
                moves.append([requester.request_id, *source, *goal])
                del moves[:-MOST_MOVES]
                self.cloud.keep(instance)
        except Refused as error:
            raise ApiError(409, refusal(instance, error)) from None
        except UnknownFact as error:
            raise ApiError(400, str(error)) from None

    def request_if_known(self, instance: Instance, operation: str, requester: Asker) -> Asker:
        """Request an operation, unless the lifecycle lacks it; return who requests it."""
        if operation in self.cloud.lifecycle.operations:
            self.request(instance, operation, requester)
        return requester


def error(code: int, key: str, **words: object) -> ApiError:
    """Return an error with a message of `compute.toml`."""
    return ApiError(code, str(tables()["compute"]["service"]["texts"][key]).format(**words))


def refusal(instance: Instance, error: Refused) -> str:
    """Return the API's message about an operation that the lifecycle refuses."""
    task = error.task_state
    at = f"task_state {task}" if task else f"vm_state {error.vm_state}"
    allowed = ", ".join(error.allowed) or "nothing that a user can ask"
    return (
        f"Cannot '{error.operation}' instance {instance.id} while it is in {at}: {error.reason}; "
        f"possible now: {allowed}"
    )


def compute_of(request: Request) -> Compute:
    """Return the compute API over the cloud of the application, made at its first use."""
    state = request.app.state
    found = getattr(state, "compute", None)
    if found is None or found.cloud is not state.cloud:
        found = state.compute = Compute(state.cloud)
    return cast(Compute, found)


class ComputeContext(RequestContext):
    """A request to the compute API: `minor` is the number behind `2.` of its microversion.

    `root` is the URL of the version of the API, which differs with the path that the client uses.
    """

    __slots__ = ("compute", "minor", "root")

    def __init__(self, request: Request, minor: int) -> None:
        super().__init__(request)
        self.minor = minor
        self.compute = compute_of(request)
        version = ROOT.match(request.scope["path"])
        self.root = self.base + (version[0] if version else "")

    def find(self, server_id: str) -> Instance:
        """Return a server. Raises 404 if it is gone, unknown or of another project."""
        instance, caller = self.cloud.instances.get(server_id), self.caller
        if instance is None or not (caller.admin or instance.project_id == caller.project_id):
            raise ApiError(404, f"Instance {server_id[:255]} could not be found.")
        return instance

    def change(self, instance: Instance, operation: str, changes: Mapping[str, Json]) -> None:
        """Set attributes of a server at once, if the lifecycle allows the operation."""
        self.request_if_known(instance, operation)
        self.cloud.keep(instance, changes)

    def request_if_known(self, instance: Instance, operation: str, action: str = "") -> Asker:
        """Request an operation, under the name of an action. Return who requests it."""
        return self.compute.request_if_known(instance, operation, self.asker(action or operation))

    def view(self, kind: AnswerKind) -> ViewOptions:
        """Return how to show servers in an answer of this kind."""
        return ViewOptions(self.minor, self.root, self.caller.admin, kind)

    def shown(self, view: str, fields: Fields) -> Fields:
        """Return those of the fields that a view of `compute.toml` has in this microversion."""
        return shown_at(view, self.minor, self.caller.admin, fields)

    def time(self, seconds: float) -> str:
        """Return a time of the clock as most of the API writes it."""
        return long_time(self.cloud.clock.date(seconds))

    def pages(
        self, name: str, found: Sequence[Row], more: str, since: int, view: Callable[[Row], Fields]
    ) -> Response:
        """Return the answer of a list, in pages since a microversion; `more` names their links."""
        following: Fields = {}
        if self.minor >= since:
            found, following = page_of(self.request, self.base, found, more)
        return respond({name: [view(each) for each in found], **following})

    def require_version(self, *, since: int = 0, before: int | None = None) -> None:
        """Raise 404 outside of the microversions that have a path."""
        if self.minor < since or (before is not None and self.minor >= before):
            raise ApiError(404, "The resource could not be found.")

    def require_admin(self, policy: str) -> None:
        """Raise 403 unless the caller is an administrator; `policy` is Nova's name of the rule."""
        if not self.caller.admin:
            raise ApiError(403, FORBIDDEN.format(policy))


async def compute_context(request: Request) -> ComputeContext:
    """Return the context of a request. Raises 401, 406, and 400 for what Nova's schemas refuse."""
    # The microversion comes first: answers to callers without a token have it in their headers too.
    minor, path = microversion(request), str(request.scope["route"].path)
    context = ComputeContext(request, minor)
    check_query(request, path, minor)
    await check_body(request, path, minor)
    return context


router = Handlers(Api.COMPUTE, compute_context)
"""The handlers of the API that no module declares, to which each module adds its own."""


class OfServer(Declared[ComputeContext]):
    """What a server has of a kind, in rows with an id."""

    def server(self, context: ComputeContext) -> Instance:
        """Return the server of the path. Raises 404 for others."""
        return context.find(context.request.path_params["server_id"])

    def items(self, context: ComputeContext) -> list[Item]:
        """Return the rows, by default those of the detail that the table names."""
        return cast(list[Item], self.server(context).details.get(self.row["detail"]) or [])

    def find(self, context: ComputeContext, item_id: str, code: int = 404) -> Item:
        """Return the row of that id. Raises 404, or another code, for others."""
        server = self.server(context)
        found = next((item for item in self.items(context) if item["id"] == item_id), None)
        if found is None:
            raise ApiError(code, self.row["missing"].format(server=server.id, id=item_id[:255]))
        return found
