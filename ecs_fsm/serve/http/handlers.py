"""Handlers with their paths, from which the application makes its routes, once for each place.

A handler gets what its parameters name: the `request`, its `context`, ids of its path, the `body`
and the `query`, and what the application has (`STATE`). The models of bodies and queries are made
at the first request that needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from inspect import Parameter, iscoroutine, signature
from typing import Any, NamedTuple, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ecs_fsm.serve.http.api_errors import Api, ApiError
from ecs_fsm.serve.http.bodies import Schema, body_of

ContextMaker = Callable[[Request], Any]
"""Makes the context of a request, which may have to be awaited."""
F = TypeVar("F", bound=Callable[..., Any])
STATE = ("cloud", "clockwork", "record", "snapshots", "wire")
"""What a handler may get of the state of the application."""
LONGEST_PROJECT = 64
"""Characters of a project id in a path."""


class Alias(NamedTuple):
    """A second path of a handler that has a name and a place in the document of its own."""

    path: str
    name: str


@dataclass(frozen=True)
class Handler:
    """A function that answers a method at a path; `name` is that of its route.

    `context` makes the context of a request, which knows the caller. `body` and `query` name the
    models of what the function gets as documents; the rest is for the document of the API: `schema`
    is that of a body which the function reads itself, `answer` is a name of `answers.toml`,
    `other_codes` are further statuses, and `header` is one that a request may have.
    """

    method: str
    path: str
    function: Callable[..., Any]
    context: ContextMaker | None
    name: str
    status_code: int = 200
    body: str | None = None
    query: str | None = None
    description: str | None = None
    schema: Schema | None = None
    answer: str | None = None
    other_codes: Collection[int] = ()
    header: str | None = None
    documented: bool = True

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The parameters of the function."""
        return signature(self.function).parameters


class Handlers:
    """The handlers of a part of an API, with their common prefix and context.

    Each is registered once, by a decorator with fields of `Handler` and all its paths: the first is
    its place in the document, a further one answers the same. An alias that is a text (`/compute/`
    for `/compute`) is not in the document; an `Alias` is, under its own name:

        @router.post(V1, Alias(V11, "create_cloudservers_v11"), answer="JobId")
        async def create_cloudservers(...) -> Response: ...
    """

    def __init__(
        self, api: Api = Api.CONTROL, context: ContextMaker | None = None, prefix: str = ""
    ) -> None:
        self.api, self.prefix, self._context = api, prefix, context
        self.all: list[Handler] = []
        self.get, self.put = partial(self.add, "GET"), partial(self.add, "PUT")
        self.head, self.patch = partial(self.add, "HEAD"), partial(self.add, "PATCH")
        self.post, self.delete = partial(self.add, "POST"), partial(self.add, "DELETE")

    def add(self, method: str, path: str, *aliases: str | Alias, **fields: Any) -> Callable[[F], F]:
        """Return the decorator of a handler."""

        def added(function: F) -> F:
            for at in (path, *aliases):
                text = None if isinstance(function, partial) else function.__doc__
                own = {"name": getattr(function, "__name__", ""), "description": text, **fields}
                if isinstance(at, Alias):
                    own["name"] = at.name
                elif at is not path:
                    own["documented"] = False
                whole = self.prefix + (at.path if isinstance(at, Alias) else at)
                self.all.append(Handler(method, whole, function, self._context, **own))
            return function

        return added


class Face(NamedTuple):
    """Handlers at one place: all paths begin with `prefix`, and all ids in the document end so.

    The same handlers may have several places. A prefix may name a `{project_id}`, which no handler
    needs to know of.
    """

    handlers: Handlers
    prefix: str = ""
    suffix: str = ""

    def routes(self) -> Iterator[Route]:
        """The routes, for requests."""
        for handler in self.handlers.all:
            route = Route(self.prefix + handler.path, partial(_answer, handler), name=handler.name)
            route.methods = {handler.method}  # without HEAD, which starlette adds to GET
            yield route


async def _answer(handler: Handler, request: Request) -> Response:
    """Answer a request with what the handler returns; what it has changed is written before."""
    wanted = handler.parameters
    given: dict[str, Any] = {**request.path_params, "request": request}
    given |= {name: getattr(request.app.state, name) for name in STATE if name in wanted}
    if len(given.get("project_id", "")) > LONGEST_PROJECT:
        longest = f"String should have at most {LONGEST_PROJECT} characters"
        raise ApiError(400, f"Invalid input for project_id: {longest}")
    if "context" in wanted and handler.context:
        made = handler.context(request)
        given["context"] = await made if iscoroutine(made) else made
    if "query" in wanted:
        given["query"] = _valid(handler.query, dict(request.query_params))
    if "body" in wanted:
        given["body"] = _valid(handler.body, await body_of(request))
    found = handler.function(**{name: given[name] for name in wanted})
    response: Response = await found if iscoroutine(found) else found
    if "context" in wanted and handler.method != "GET":
        given["context"].cloud.state.commit()
    return response


def _valid(model: str | None, value: dict[str, Any]) -> dict[str, Any]:
    """Return a body or a query as its model reads it, without one as it is.

    Raise 400, with the place of what is wrong.
    """
    if model is None:
        return value
    from pydantic import ValidationError

    from ecs_fsm.serve.http.models import model_of

    try:
        found: dict[str, Any] = (
            model_of(model).model_validate(value, from_attributes=True).model_dump()
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "body"
        raise ApiError(400, f"Invalid input for {place}: {first['msg']}") from None
    return found
