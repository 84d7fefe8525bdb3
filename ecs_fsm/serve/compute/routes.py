"""The handlers of the compute API, nova v2.1; their paths begin after its version."""

from __future__ import annotations

from collections.abc import Sequence

from ecs_fsm.serve.compute import (  # noqa: F401 - each module adds its own
    actions,
    guests,
    hosts,
    instance_actions,
    migrations,
    nics,
    servers,
    services,
    usage,
)
from ecs_fsm.serve.compute.api import router
from ecs_fsm.serve.compute.kinds import SERVICE
from ecs_fsm.serve.http.handlers import Face, Handlers

ROUTERS: tuple[Handlers, ...] = (servers.router, router, SERVICE.handlers)
FACES: Sequence[Face] = (
    *(Face(router, "/compute/v2.1") for router in ROUTERS),
    *(Face(router, "/v2.1/{project_id}", "_of_project") for router in ROUTERS),
)
