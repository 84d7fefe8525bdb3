"""Handlers with their paths, of which an application makes its routes, once for each place.

The framework reads a handler when it is asked for the first time, and what it answers only for the
document: to read all of them would take as long as everything else at the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from fastapi import APIRouter, FastAPI
from fastapi.params import Depends
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from ecs_fsm.serve.http.bodies import Responses

F = TypeVar("F", bound=Callable[..., Any])


class Handler(NamedTuple):
    """A function that answers a method at a path; `told` are the words of the framework for it.

    A `plain` one gets the request alone, past all that the framework does for a handler.
    """

    method: str
    path: str
    function: Callable[..., Any]
    plain: bool
    told: dict[str, Any]

    @property
    def name(self) -> str:
        """What its route is called."""
        return str(self.told.get("name", self.function.__name__))


class Late(Route):
    """A route whose handler the framework reads when it is asked for the first time."""

    def __init__(self, path: str, handler: Handler, dependencies: Sequence[Depends]) -> None:
        super().__init__(path, handler.function, name=handler.name)
        self.methods = {handler.method}  # and not HEAD for GET, as would be usual
        silent = {"response_model": None, "responses": None, "name": handler.name}
        self._told = {**handler.told, **silent, "dependencies": dependencies}
        self._read: BaseRoute | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if self._read is None:
            router = APIRouter(strict_content_type=False)
            router.add_api_route(self.path, self.endpoint, methods=self.methods, **self._told)
            (self._read,) = router.routes
        _, matched = self._read.matches(scope)
        scope.update(matched)
        await self._read.handle(scope, receive, send)


class Handlers:
    """The handlers of a part of the API, all with these tags and responses; paths get the prefix.

    Each is added by a decorator with the words of FastAPI's own.
    """

    def __init__(
        self, *, tags: Sequence[str] = (), responses: Responses | None = None, prefix: str = ""
    ) -> None:
        self.tags, self.responses, self.prefix = tags, responses or {}, prefix
        self.all: list[Handler] = []

    def get(self, path: str, *, plain: bool = False, **told: Any) -> Callable[[F], F]:
        """Answers GET."""
        return self._add("GET", path, told, plain=plain)

    def head(self, path: str, **told: Any) -> Callable[[F], F]:
        """Answers HEAD."""
        return self._add("HEAD", path, told)

    def post(self, path: str, **told: Any) -> Callable[[F], F]:
        """Answers POST."""
        return self._add("POST", path, told)

    def put(self, path: str, **told: Any) -> Callable[[F], F]:
        """Answers PUT."""
        return self._add("PUT", path, told)

    def patch(self, path: str, **told: Any) -> Callable[[F], F]:
        """Answers PATCH."""
        return self._add("PATCH", path, told)

    def delete(self, path: str, **told: Any) -> Callable[[F], F]:
        """Answers DELETE."""
        return self._add("DELETE", path, told)

    def _add(
        self, method: str, path: str, told: dict[str, Any], *, plain: bool = False
    ) -> Callable[[F], F]:
        def added(function: F) -> F:
            self.all.append(Handler(method, self.prefix + path, function, plain, told))
            return function

        return added

    def give(self, app: FastAPI, prefix: str = "", dependencies: Sequence[Depends] = ()) -> None:
        """Gives an application the routes, for requests."""
        for handler in self.all:
            path = prefix + handler.path
            app.router.routes.append(
                Route(path, handler.function, methods=[handler.method], name=handler.name)
                if handler.plain
                else Late(path, handler, dependencies)
            )

    def document(
        self, app: FastAPI, prefix: str = "", suffix: str = "", dependencies: Sequence[Depends] = ()
    ) -> None:
        """Gives an application the routes, for its document; the suffix ends their ids there."""
        for handler in self.all:
            told = {**handler.told, "tags": self.tags, "dependencies": dependencies}
            told["responses"] = {**self.responses, **told.get("responses", {})}
            app.add_api_route(
                prefix + handler.path,
                handler.function,
                methods=[handler.method],
                generate_unique_id_function=lambda route: route.name + suffix,
                **told,
            )
