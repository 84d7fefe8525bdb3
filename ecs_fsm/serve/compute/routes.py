"""The routers of the compute API, nova v2.1."""

from __future__ import annotations

from ecs_fsm.serve.compute import (
    actions,
    attachments,
    file_shares,
    flavors,
    guests,
    hosts,
    instance_actions,
    metadata,
    migrations,
    moves,
    proxies,
    quotas,
    servers,
    services,
    usage,
    volume_attachments,
)
from ecs_fsm.serve.http.handlers import Handlers

ROUTERS: tuple[Handlers, ...] = (
    servers.router,
    actions.router,
    metadata.router,
    guests.router,
    attachments.router,
    volume_attachments.router,
    instance_actions.router,
    migrations.router,
    moves.router,
    flavors.router,
    quotas.router,
    hosts.router,
    services.router,
    file_shares.router,
    usage.router,
    proxies.router,
)
"""All handlers of the API; their paths begin after its version."""
