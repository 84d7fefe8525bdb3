"""Puts the faces of the cloud together into one application.

Each face is what some handlers answer at one place; adding one is one line in `ROUTERS`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from ecs_fsm.serve.cloud.clockwork import Clockwork, running
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.imagestore import ImageStore
from ecs_fsm.serve.cloud.jobs import Jobs
from ecs_fsm.serve.compute import (
    actions,
    compute,
    flavors,
    hosts,
    imageproxy,
    keypairs,
    metadata,
    migrations,
    past,
    ports,
    quotas,
    reports,
    servers,
    tags,
    volumes,
)
from ecs_fsm.serve.control import control, document, page, stream, troubles
from ecs_fsm.serve.http import errors, versions
from ecs_fsm.serve.http.access import Access
from ecs_fsm.serve.http.accesslog import Logged
from ecs_fsm.serve.http.guard import Guarded
from ecs_fsm.serve.http.handlers import Face, Handlers
from ecs_fsm.serve.http.settings import Settings
from ecs_fsm.serve.http.slashes import Merged
from ecs_fsm.serve.http.wire import OWN_PATHS, Wired, WireFaults
from ecs_fsm.serve.huawei import cloudlists, huawei
from ecs_fsm.serve.identity import identity, tokens
from ecs_fsm.serve.image import imagechanges, images
from ecs_fsm.serve.network import groupchanges, groups, network
from ecs_fsm.version import __version__

COMPUTE: tuple[Handlers, ...] = (
    servers.router,
    actions.router,
    metadata.router,
    tags.router,
    reports.router,
    volumes.router,
    ports.router,
    past.router,
    migrations.router,
    flavors.router,
    keypairs.router,
    compute.router,
    quotas.router,
    hosts.router,
    imageproxy.router,
)
"""Routers of the compute API; paths begin behind its version."""

IDENTITY: tuple[Handlers, ...] = (tokens.router, identity.router)
"""Routers of the identity API; paths begin behind its version."""

ROUTERS: tuple[Face, ...] = (
    *(Face(router, "/compute/v2.1") for router in COMPUTE),
    *(Face(router, "/v2.1/{project_id}", "_of_project") for router in COMPUTE),
    *(Face(router, "/identity/v3") for router in IDENTITY),
    *(Face(router, "/v3", "_at_root") for router in IDENTITY),
    Face(identity.versions),
    Face(versions.router),
    Face(images.router),
    Face(imagechanges.router),
    Face(network.router),
    Face(groupchanges.router),
    Face(huawei.router),
    Face(cloudlists.router),
    Face(control.router),
    Face(troubles.router),
    Face(stream.router),
)
"""All routers; a request goes to the first that knows its path."""


FRONT = Handlers()


@FRONT.get("/", include_in_schema=False)
async def show_front(request: Request) -> Response:
    """The page for browsers, the list of compute versions for everybody else."""
    if "text/html" in request.headers.get("accept", ""):
        return await page.front(request)
    return versions.compute_versions(request, "")


def routes() -> list[tuple[Collection[str], str, str]]:
    """Methods, path and name of everything that a client can ask."""
    return [
        ((handler.method,), face.prefix + handler.path, handler.name)
        for face in ROUTERS
        for handler in face.handlers.all
        if not handler.path.startswith(OWN_PATHS)
    ]


TOLD: dict[str, Any] = {
    "title": "ecs-fsm",
    "version": __version__,
    "description": "A cloud whose servers live by the lifecycle.",
}


def _document() -> dict[str, Any]:
    """The document of an application with the same routes that knows what each answers."""
    app = FastAPI(**TOLD)
    for face in ROUTERS:
        face.document(app)
    return app.openapi()


def application(cloud: Cloud, settings: Settings) -> FastAPI:
    """The application over a cloud.

    Its `state` holds `cloud`, its `clockwork`, `settings`, `access` (tokens), `images`, `jobs`,
    `keypairs`, `groups` and `wire` (faults).
    """
    app = FastAPI(
        **TOLD,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        lifespan=running,
    )
    app.state.cloud = cloud
    app.state.clockwork = Clockwork(cloud)
    app.state.settings = settings
    app.state.access = Access(settings.token_lifetime)
    app.state.images = ImageStore(cloud)
    app.state.jobs = Jobs(cloud)
    app.state.keypairs = keypairs.Kept(cloud.state)
    app.state.groups = groups.Groups(cloud.state)
    errors.handle(app)
    document.describe(app, _document)
    for face in ROUTERS:
        app.router.routes.extend(face.routes())
    app.router.routes.extend(Face(FRONT).routes())
    app.state.wire = WireFaults(routes(), actions.table(), cloud.seed)
    app.add_middleware(Wired, faults=app.state.wire)
    app.add_middleware(Guarded, settings=settings)
    app.add_middleware(versions.Marked)
    app.add_middleware(Merged)
    app.add_middleware(Logged)
    return app
