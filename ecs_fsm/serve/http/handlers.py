"""Handlers with their paths, from which the application makes its routes, once for each place.

A handler gets what its parameters name: the `request`, its `context`, ids of its path, the `body`
and the `query`. The models of these two are made at the first request that needs them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from functools import cache, cached_property
from inspect import Parameter, iscoroutine, signature
from typing import Any, NamedTuple, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from ecs_fsm.io.toml import shipped
from ecs_fsm.serve.http.api_errors import Api, ApiError

ContextMaker = Callable[[Request], Any]
"""Makes the context of a request, which may have to be awaited."""
F = TypeVar("F", bound=Callable[..., Any])
LONGEST_PROJECT = 64
"""Characters of a project id in a path."""


@cache
def _answers() -> dict[str, Mapping[str, str]]:
    return shipped("ecs_fsm.serve.http", "answers.toml")


def answered(name: str) -> dict[str, Any]:
    """Return what the document says of an answer, by its name in `answers.toml`."""
    return {"content": {"application/json": {"schema": schema_of(name)}}}


def schema_of(text: str) -> dict[str, Any]:
    """Return the JSON schema of a value of `answers.toml`."""
    if text.endswith("?"):
        return {"anyOf": [schema_of(text[:-1]), {"type": "null"}]}
    if text.endswith("[]"):
        return {"type": "array", "items": schema_of(text[:-2])}
    if text.endswith("{}"):
        return {"type": "object", "additionalProperties": schema_of(text[:-2])}
    row = _answers().get(text)
    if row is None:
        return {"type": text.split("|")}
    required = [key for key, value in row.items() if not value.endswith("?")]
    properties = {key: schema_of(value) for key, value in row.items()}
    return {"type": "object", "properties": properties, "required": required}


def described(
    name: str, code: int, schema: Mapping[str, Any] | None = None, *others: int
) -> dict[str, Any]:
    """Return the options of a handler without models; `schema` is that of its body."""
    options: dict[str, Any] = {"name": name, "status_code": code}
    options["responses"] = {other: {} for other in others}
    if schema is not None:
        body = {"content": {"application/json": {"schema": schema}}, "required": True}
        options["openapi_extra"] = {"requestBody": body}
    if code not in (202, 204):
        options["response_model"] = dict[str, Any]
    return options


class Alias(NamedTuple):
    """A second path of a handler that has a name and a place in the document of its own."""

    path: str
    name: str


class Register(Protocol):
    """Registers a handler for a path and aliases; `options` are those of its document."""

    def __call__(self, path: str, *aliases: str | Alias, **options: Any) -> Callable[[F], F]:
        """Return the decorator of the handler."""


@dataclass(frozen=True)
class Handler:
    """A function that answers a method at a path; `options` are FastAPI's for its document.

    They may name the models of its `body` and its `query`, which it gets as documents. `context`
    makes the context of a request, which knows the caller.
    """

    method: str
    path: str
    function: Callable[..., Any]
    context: ContextMaker | None
    options: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of its route, by which faults of the wire select requests."""
        return str(self.options.get("name") or self.function.__name__)

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The parameters of the function."""
        return signature(self.function).parameters


class Handlers:
    """The handlers of a part of an API, with their common prefix and context.

    Each is registered once, by a decorator with options of FastAPI's document and all its paths:
    the first is its place in the document, a further one answers the same. An alias that is a text
    (`/compute/` for `/compute`) is not in the document; an `Alias` is, under its own name:

        @router.post(V1, Alias(V11, "create_cloudservers_v11"), answer="JobId")
        async def create_cloudservers(...) -> Response: ...
    """

    def __init__(
        self, api: Api = Api.CONTROL, context: ContextMaker | None = None, prefix: str = ""
    ) -> None:
        self.api, self.prefix, self._context = api, prefix, context
        self.all: list[Handler] = []
        self.get, self.head, self.post = (self._of(method) for method in ("GET", "HEAD", "POST"))
        self.put, self.patch = self._of("PUT"), self._of("PATCH")
        self.delete = self._of("DELETE")

    def _of(self, method: str) -> Register:
        """Return what registers handlers of a method."""
        return lambda path, *aliases, **options: self._add(method, path, aliases, options)

    def _add(
        self, method: str, path: str, aliases: Sequence[str | Alias], options: Mapping[str, Any]
    ) -> Callable[[F], F]:

        def added(function: F) -> F:
            for alias in (path, *aliases):
                here = dict(options)
                if isinstance(alias, Alias):
                    here["name"] = alias.name
                elif alias is not path:
                    here["include_in_schema"] = False
                at = self.prefix + (alias.path if isinstance(alias, Alias) else alias)
                self.all.append(Handler(method, at, function, self._context, here))
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
            yield ServedRoute(self.prefix + handler.path, handler)


class ServedRoute(Route):
    """A route that gives a handler what its parameters name."""

    def __init__(self, path: str, handler: Handler) -> None:
        super().__init__(path, self.answer, name=handler.name)
        self.methods = {handler.method}  # without HEAD, which starlette adds to GET
        self._handler = handler

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match, and say by which route."""
        match, child = super().matches(scope)
        child["route"] = self
        return match, child

    async def answer(self, request: Request) -> Response:
        """Answer a request; what it has changed is written before."""
        handler, wanted = self._handler, self._handler.parameters
        given: dict[str, Any] = {**request.path_params, "request": request}
        if "body" in wanted:
            given["body"] = await _written(request)
        if len(given.get("project_id", "")) > LONGEST_PROJECT:
            longest = f"String should have at most {LONGEST_PROJECT} characters"
            raise ApiError(400, f"Invalid input for project_id: {longest}")
        if "context" in wanted and handler.context:
            made = handler.context(request)
            given["context"] = await made if iscoroutine(made) else made
        if "query" in wanted:
            given["query"] = _valid(handler.options["query"], dict(request.query_params))
        if "body" in wanted:
            given["body"] = _valid(handler.options.get("body"), given["body"])
        found = handler.function(**{name: given[name] for name in wanted})
        response: Response = await found if iscoroutine(found) else found
        if "context" in wanted and handler.method != "GET":
            given["context"].cloud.state.commit()
        return response


async def _written(request: Request) -> Any:
    """Return the body of a request: its JSON, or the bytes if it is empty or of another type."""
    text = await request.body()
    kind = Message()
    kind["content-type"] = request.headers.get("content-type") or "application/json"
    subtype = kind.get_content_subtype()
    if not text or not (
        kind.get_content_maintype() == "application"
        and (subtype == "json" or subtype.endswith("+json"))
    ):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ApiError(400, f"Invalid input for {error.pos}: JSON decode error") from None
    except (ValueError, RecursionError):
        raise ApiError(400, "There was an error parsing the body") from None


def _valid(model: str | None, value: Any) -> Any:
    """Return a body or a query as its model reads it, or an object that others check.

    Raise 400, with the place of what is wrong.
    """
    if value == b"":
        raise ApiError(400, "Invalid input for body: Field required")
    if model is None:
        if not isinstance(value, dict):
            raise ApiError(400, "Invalid input for body: Input should be a valid dictionary")
        return value
    from pydantic import ValidationError

    from ecs_fsm.serve.http.models import model_of

    try:
        return model_of(model).model_validate(value, from_attributes=True).model_dump()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "body"
        raise ApiError(400, f"Invalid input for {place}: {first['msg']}") from None
