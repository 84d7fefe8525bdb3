"""Puts the APIs of the cloud together into one application.

A service is imported, and its models are made, at the first request to it. The start then does not
need pydantic.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route, Router
from starlette.types import Receive, Scope, Send

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.followers import Clockwork
from ecs_fsm.serve.cloud.imagestore import ImageStore
from ecs_fsm.serve.cloud.jobs import Jobs
from ecs_fsm.serve.cloud.store import NoRoom, StateLost
from ecs_fsm.serve.control import page
from ecs_fsm.serve.http import api_errors, versions
from ecs_fsm.serve.http.access import Access
from ecs_fsm.serve.http.api_errors import Api
from ecs_fsm.serve.http.handlers import Face, Handlers
from ecs_fsm.serve.http.listen import Settings
from ecs_fsm.serve.http.middleware import AccessLog, RequestGuard, ResponseHeaders
from ecs_fsm.serve.http.wire import OWN_PATHS, FaultInjector, WireFaults
from ecs_fsm.version import __version__

logger = logging.getLogger("uvicorn.error")
FRONT = Handlers()


@FRONT.get("/", documented=False)
async def show_front(request: Request) -> Response:
    """Return the page for browsers, the list of compute versions for all other clients."""
    if "text/html" in request.headers.get("accept", ""):
        return await page.front(request)
    return versions.respond(request, "compute", "/v2.1/")


def faces_of(api: Api) -> Sequence[Face]:
    """Return what a service answers, which imports its package, named like the service."""
    found: Sequence[Face] = import_module(f"ecs_fsm.serve.{api.name.lower()}.routes").FACES
    return found


LIGHT: Mapping[Api, Face] = {**versions.FACES, Api.CONTROL: Face(FRONT)}
"""What is answered without importing the service to which the paths belong."""


def faces() -> list[Face]:
    """Return all that the application answers, in the order of its document."""
    found = [face for api in Api for face in faces_of(api)]
    return [*found, *versions.FACES.values()]


class ServiceRoute(Route):
    """The paths of one service, which is imported at the first request that it alone can answer."""

    def __init__(self, api: Api, light: Sequence[Route]) -> None:
        self._api, self._router, self._whole = api, Router(light, redirect_slashes=False), False

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match all paths of the service."""
        ours = scope["type"] == "http" and Api.of(scope["path"]) is self._api
        return (Match.FULL if ours else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        light = (route.matches(scope)[0] is Match.FULL for route in self._router.routes)
        if not self._whole and not any(light):
            routes = (route for face in faces_of(self._api) for route in face.routes())
            self._router.routes.extend(routes)
            self._whole = True
        await self._router(scope, receive, send)


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document of the server."""
    from ecs_fsm.serve.control.document import openapi

    title, summary = "ecs-fsm", "A cloud whose servers live by the lifecycle."
    return openapi(title, __version__, summary, faces())


def named_requests() -> tuple[list[tuple[str, str, str]], list[str]]:
    """Return methods, paths and names of all routes for clients, and the keys of actions."""
    from ecs_fsm.serve.compute.actions import ACTIONS

    routes = [
        (handler.method, face.prefix + handler.path, handler.name)
        for face in faces()
        for handler in face.handlers.all
        if not handler.path.startswith(OWN_PATHS)
    ]
    return routes, list(ACTIONS)


@contextlib.asynccontextmanager
async def _running(app: Starlette) -> AsyncIterator[None]:
    """Run the clock's loop while the application is served."""
    clockwork: Clockwork = app.state.clockwork
    task = asyncio.create_task(clockwork.run())
    task.add_done_callback(lambda done: _end(app, done))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _end(app: Starlette, task: asyncio.Task[None]) -> None:
    """End the process if the clock's loop did."""
    if task.cancelled() or (error := task.exception()) is None:
        return
    if isinstance(error, StateLost):
        app.state.end(str(error))
    else:
        logger.error("the clock's loop ended", exc_info=error)


async def _show_document(request: Request) -> Response:
    return JSONResponse(await asyncio.to_thread(document))


def application(cloud: Cloud, settings: Settings) -> Starlette:
    """Return the application over a cloud.

    Its `state` holds `cloud`, its `clockwork`, `settings`, `access` (tokens), `images`, `jobs`,
    `wire` (faults), `snapshots`, and `end`, which ends the process with a reason. Raise
    `InvalidInput` for anything invalid in the state file of the cloud.
    """
    light = {api: [*face.routes()] for api, face in LIGHT.items()}
    light[Api.CONTROL].append(Route("/openapi.json", _show_document))
    services = [ServiceRoute(api, light.get(api, ())) for api in Api]
    wire = WireFaults(named_requests, cloud.seed)
    app = Starlette(
        routes=services,
        exception_handlers={**api_errors.HANDLERS, **STORING},
        lifespan=_running,
        middleware=[
            Middleware(AccessLog),
            Middleware(ResponseHeaders),
            Middleware(RequestGuard, hosts=settings.guarded_hosts),
            Middleware(FaultInjector, faults=wire),
        ],
    )
    app.router.redirect_slashes = False
    app.state.cloud, app.state.clockwork = cloud, Clockwork(cloud)
    app.state.settings, app.state.wire = settings, wire
    app.state.access = Access(
        settings.token_lifetime,
        cloud.clock.wall,
        lambda: app.state.cloud.clock.date().timestamp(),
        cloud.resources,
    )
    app.state.images, app.state.jobs = ImageStore(cloud), Jobs(cloud)
    app.state.end, app.state.snapshots = partial(logger.error, "%s"), CloudCopies(app)
    app.state.snapshots.take(START)
    return app


def renew(app: Starlette, *, anew: bool = False) -> None:
    """Let the application serve the cloud that is stored now; `anew`, also without past changes."""
    cloud = app.state.cloud.again()
    app.state.cloud = cloud
    app.state.clockwork.follow(cloud)
    app.state.access.follow(cloud.resources)
    app.state.images, app.state.jobs = ImageStore(cloud), Jobs(cloud)
    if getattr(app.state, "record", None) is not None:
        app.state.record.follow(cloud, anew=anew)


class CloudCopies:
    """Copies of the cloud of an application by name; `START` is the one of its start."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self.by_name: dict[str, tuple[list[tuple[str, str, str]], list[tuple[str, int, int]]]] = {}

    def take(self, name: str) -> None:
        """Keep the cloud as it is now. Raise `InvalidInput` beyond `MOST_SNAPSHOTS`."""
        if name not in self.by_name and len(self.by_name) > MOST_SNAPSHOTS:
            raise InvalidInput(f"there are {MOST_SNAPSHOTS} snapshots, which is the most")
        state = self._app.state
        self.by_name[name] = state.cloud.state.copy(), state.wire.kept()

    def restore(self, name: str) -> None:
        """Let the cloud be as it was. Raise `KeyError` for an unknown name."""
        documents, wire = self.by_name[name]
        self._app.state.cloud.state.replace(documents)
        self._app.state.wire.restore(wire)
        renew(self._app, anew=True)


async def _answer_no_room(request: Request, error: Exception) -> Response:
    """Undo a change that could not be written, by reading the cloud again."""
    app: Starlette = request.app
    try:
        app.state.cloud.state.replace()
        renew(app)
    except (InvalidInput, sqlite3.Error, StateLost) as lost:
        app.state.end(f"the state cannot be read again: {lost}")
    return api_errors.spelled(request.scope["path"], 507, str(error))


async def _answer_lost(request: Request, error: Exception) -> Response:
    """End the process, since what it would answer from now on could not be kept."""
    request.app.state.end(str(error))
    return api_errors.spelled(request.scope["path"], 500, str(error))


START, MOST_SNAPSHOTS = "beginning", 20
STORING: Mapping[object, Callable[[Request, Exception], Awaitable[Response]]] = {
    NoRoom: _answer_no_room,
    StateLost: _answer_lost,
}
