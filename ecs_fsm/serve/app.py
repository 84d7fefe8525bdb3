"""Puts the faces of the cloud together into one application.

Each face is a router with whole paths; adding one is one line in `ROUTERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from ecs_fsm.serve.accesslog import Logged
from ecs_fsm.serve.api import control, errors, identity, versions
from ecs_fsm.serve.api.access import Access
from ecs_fsm.serve.clockwork import running
from ecs_fsm.serve.cloud import Cloud
from ecs_fsm.serve.guard import Guarded
from ecs_fsm.serve.settings import Settings
from ecs_fsm.serve.wire import OWN_PATHS, Wired, WireFaults
from ecs_fsm.version import __version__

ROUTERS: tuple[tuple[APIRouter, str], ...] = (
    (versions.router, ""),
    (identity.router, "/identity/v3"),
    (identity.router, "/v3"),
    (identity.versions, ""),
    (control.router, ""),
)
"""The routers with the prefix of each; a request goes to the first that knows its path."""

Page = Callable[[Request], Response]


def routes() -> list[tuple[Collection[str], str, str]]:
    """Methods, path and name of everything that a client can ask."""
    return [
        (route.methods or (), prefix + route.path, route.name)
        for router, prefix in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and not route.path.startswith(OWN_PATHS)
    ]


def application(
    cloud: Cloud, settings: Settings, page: Page | None = None, actions: Collection[str] = ()
) -> FastAPI:
    """The application over a cloud; `page` answers browsers at `/`, `actions` are keys of bodies.

    Its `state` holds `cloud`, `settings`, `access` (tokens) and `wire` (its faults).
    """
    app = FastAPI(
        title="ecs-fsm",
        version=__version__,
        description="A cloud whose servers live by the lifecycle.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        lifespan=running,
    )
    app.state.cloud = cloud
    app.state.settings = settings
    app.state.access = Access(settings.token_lifetime)
    errors.handle(app)
    for router, prefix in ROUTERS:
        app.include_router(router, prefix=prefix, generate_unique_id_function=_named(prefix))
    app.include_router(_front(page))
    app.state.wire = WireFaults(routes(), actions, settings.seed)
    app.add_middleware(Wired, faults=app.state.wire)
    app.add_middleware(Guarded, settings=settings)
    app.add_middleware(versions.Marked)
    app.add_middleware(Logged)
    return app


def _named(prefix: str) -> Callable[[APIRoute], str]:
    """Operation ids are names of routes; what stands at the root as well says so."""
    suffix = "_at_root" if prefix == "/v3" else ""
    return lambda route: route.name + suffix


def _front(page: Page | None) -> APIRouter:
    front = APIRouter()

    @front.get("/", include_in_schema=False)
    async def show_front(request: Request) -> Response:
        """The page for browsers, the list of compute versions for everybody else."""
        if page is not None and "text/html" in request.headers.get("accept", ""):
            return page(request)
        return versions.compute_versions(request, "")

    return front
