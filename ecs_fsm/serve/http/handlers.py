"""Handlers with their paths, from which the application makes its routes, once for each place.

FastAPI reads a handler at its first request, and what it answers only for the OpenAPI document:
reading all of them would take as long as the rest of the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from ecs_fsm.io.toml import shipped
from ecs_fsm.serve.http.api_errors import ApiError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.params import Depends

Responses = dict[int | str, dict[str, Any]]
"""Answers of a route by status, as FastAPI documents them."""
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


def plain_options(
    name: str, code: int, schema: Mapping[str, Any] | None = None, *, required: bool = False
) -> dict[str, Any]:
    """Return the options of a handler without the framework; `schema` is that of its body."""
    extra: dict[str, Any] = {"security": [{"token": []}]}
    if schema is not None:
        body: dict[str, Any] = {"content": {"application/json": {"schema": schema}}}
        extra["requestBody"] = body | ({"required": True} if required else {})
    return {"plain": True, "name": name, "status_code": code, "openapi_extra": extra}


class Alias(NamedTuple):
    """A second path of a handler that has a name and a place in the document of its own."""

    path: str
    name: str


class Handler(NamedTuple):
    """A function that answers a method at a path; `options` are FastAPI's for its route.

    A `plain` one gets the request alone, without FastAPI.
    """

    method: str
    path: str
    function: Callable[..., Any]
    plain: bool
    options: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of its route, by which faults of the wire select requests."""
        return str(self.options.get("name", self.function.__name__))


class Handlers:
    """The handlers of a part of an API, with their common prefix, tags and responses.

    Each is registered once, by a decorator with the options of FastAPI's own and all its paths: the
    first is its place in the document, a further one answers the same. An alias that is a text
    (`/compute/` for `/compute`) is not in the document; an `Alias` is, under its own name:

        @router.post(V1, Alias(V11, "create_cloudservers_v11"), answer="JobId")
        async def create_cloudservers(...) -> Response: ...
    """

    def __init__(
        self, *, tags: Sequence[str] = (), responses: Responses | None = None, prefix: str = ""
    ) -> None:
        self.tags, self.responses, self.prefix = tags, responses or {}, prefix
        self.all: list[Handler] = []

    def get(self, path: str, *aliases: str | Alias, **options: Any) -> Callable[[F], F]:
        """Register a handler of GET."""
        return self._add("GET", path, aliases, options)

    def head(self, path: str, *aliases: str | Alias, **options: Any) -> Callable[[F], F]:
        """Register a handler of HEAD."""
        return self._add("HEAD", path, aliases, options)

    def post(self, path: str, *aliases: str | Alias, **options: Any) -> Callable[[F], F]:
        """Register a handler of POST."""
        return self._add("POST", path, aliases, options)

    def put(self, path: str, *aliases: str | Alias, **options: Any) -> Callable[[F], F]:
        """Register a handler of PUT."""
        return self._add("PUT", path, aliases, options)

    def patch(self, path: str, *aliases: str | Alias, **options: Any) -> Callable[[F], F]:
        """Register a handler of PATCH."""
        return self._add("PATCH", path, aliases, options)

    def delete(self, path: str, *aliases: str | Alias, **options: Any) -> Callable[[F], F]:
        """Register a handler of DELETE."""
        return self._add("DELETE", path, aliases, options)

    def _add(
        self, method: str, path: str, aliases: Sequence[str | Alias], options: dict[str, Any]
    ) -> Callable[[F], F]:
        plain = options.pop("plain", False)

        def added(function: F) -> F:
            for alias in (path, *aliases):
                here = dict(options)
                if isinstance(alias, Alias):
                    here["name"] = alias.name
                elif alias is not path:
                    here["include_in_schema"] = False
                at = self.prefix + (alias.path if isinstance(alias, Alias) else alias)
                self.all.append(Handler(method, at, function, plain, here))
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
            path = self.prefix + handler.path
            if handler.plain:
                yield PlainRoute(path, handler)
            else:
                yield LateRoute(path, handler, self)

    def document(self, app: FastAPI) -> None:
        """Give the routes to an application that only makes the document."""
        common, suffix = self.handlers, self.suffix
        for handler in common.all:
            options = {**handler.options, "tags": common.tags, "dependencies": self.dependencies()}
            if handler.plain:
                options["openapi_extra"] = _with_path(options, handler.path)
            options["responses"] = {**common.responses, **options.get("responses", {})}
            if (answer := options.pop("answer", None)) is not None:
                shown = {"description": "Successful Response", **answered(answer)}
                options["responses"] |= {options.get("status_code", 200): shown}
            app.add_api_route(
                self.prefix + handler.path,
                handler.function,
                methods=[handler.method],
                generate_unique_id_function=lambda route: route.name + suffix,
                **options,
            )

    def dependencies(self) -> list[Depends]:
        """What FastAPI checks at this place before each handler."""
        if "{project_id}" not in self.prefix:
            return []
        from fastapi import Depends, Path

        async def project(project_id: str = Path(max_length=LONGEST_PROJECT)) -> str:
            return project_id

        return [Depends(project)]


def _with_path(options: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return what the document of a handler says beside, with the ids of its path."""
    names = (part[1:-1] for part in path.split("/") if part.startswith("{"))
    text = {"type": "string"}
    ids = [{"name": name, "in": "path", "required": True, "schema": text} for name in names]
    return {**options.get("openapi_extra", {}), **({"parameters": ids} if ids else {})}


class PlainRoute(Route):
    """A route whose handler gets the request alone, which knows its route."""

    def __init__(self, path: str, handler: Handler) -> None:
        super().__init__(path, handler.function, name=handler.name)
        self.methods = {handler.method}  # without HEAD, which starlette adds to GET

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match, and say by which route."""
        match, child = super().matches(scope)
        child["route"] = self
        return match, child


class LateRoute(Route):
    """A route whose handler FastAPI reads at the first request."""

    def __init__(self, path: str, handler: Handler, face: Face) -> None:
        super().__init__(path, handler.function, name=handler.name)
        self.methods = {handler.method}  # without HEAD, which starlette adds to GET
        self._handler, self._face = handler, face
        self._read: BaseRoute | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self._read is None:
            from fastapi import APIRouter

            silent = {"response_model": None, "responses": None, "name": self.name}
            options = {**self._handler.options, **silent}
            options.pop("answer", None)
            router = APIRouter(strict_content_type=False)
            router.add_api_route(
                self.path,
                self.endpoint,
                methods=self.methods,
                dependencies=self._face.dependencies(),
                **options,
            )
            (self._read,) = router.routes
        from fastapi.exceptions import RequestValidationError

        _, matched = self._read.matches(scope)
        scope.update(matched)
        try:
            await self._read.handle(scope, receive, send)
        except RequestValidationError as invalid:
            raise ApiError(400, _first_error(invalid.errors())) from None


def _first_error(errors: Sequence[Mapping[str, object]]) -> str:
    """Return what is wrong with a body or a query, such as `server.name: field required`."""
    first = errors[0]
    location = cast(Sequence[str | int], first.get("loc", ()))
    place = ".".join(str(part) for part in location[1:]) or "body"
    return f"Invalid input for {place}: {first.get('msg')}"
