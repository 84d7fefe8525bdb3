"""Tokens and the service catalog as the identity service shows them."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import Request

from ecs_fsm.serve.cloud.resources import Item, identifier
from ecs_fsm.serve.http.access import Token
from ecs_fsm.serve.http.context import RequestContext

DOMAIN = {"id": "default", "name": "Default"}
SERVICES = (
    ("identity", "keystone", "/identity/v3"),
    ("compute", "nova", "/compute/v2.1"),
    ("image", "glance", "/image"),
    ("network", "neutron", "/network"),
    ("block-storage", "cinder", "/volume/v3/$"),
    ("volumev3", "cinderv3", "/volume/v3/$"),
    ("volume", "cinderv3", "/volume/v3/$"),
)
"""Type, name and path of each service in the catalog; `$` is the project."""
INTERFACES = ("public", "internal", "admin")


def services() -> list[Item]:
    """Return the services of the cloud itself."""
    return [
        {"id": identifier("service", f"{name}-{kind}"), "type": kind, "name": name, "path": path}
        for kind, name, path in SERVICES
    ]


def endpoints(context: RequestContext) -> list[Item]:
    """Return the endpoints of these services, in every region."""
    project = context.caller.project_id
    return [
        {
            "id": identifier("endpoint", f"{service['type']}-{interface}-{region}"),
            "interface": interface,
            "region": region,
            "region_id": region,
            "url": context.base + service["path"].replace("$", project or ""),
            "service_id": service["id"],
        }
        for service in services()
        for region in context.cloud.catalog.regions
        for interface in INTERFACES
    ]


def catalog_view(context: RequestContext) -> list[dict[str, object]]:
    """Return the services of the server as the client reaches it, and those that were added."""
    kept = context.cloud.resources
    every = [*endpoints(context), *kept.of("endpoints")]
    shown = ("id", "interface", "region", "region_id", "url")
    return [
        {
            "id": service["id"],
            "type": service["type"],
            "name": service.get("name", ""),
            "endpoints": [
                {**{key: each.get(key) for key in shown}, "region": each.get("region_id")}
                for each in every
                if each["service_id"] == service["id"]
            ],
        }
        for service in [*services(), *kept.of("services")]
    ]


def token_view(token: Token, context: RequestContext) -> dict[str, object]:
    """Return the body that describes a token."""
    caller = token.caller
    shown: dict[str, object] = {
        "methods": list(token.methods),
        "user": {
            "domain": DOMAIN,
            "id": caller.user_id,
            "name": caller.user_name,
            "password_expires_at": None,
        },
        "audit_ids": [token.audit_id],
        "issued_at": _time(token.shown[0]),
        "expires_at": _time(token.shown[1]),
    }
    if token.scope is None:
        return {"token": shown}
    if token.scope == "project":
        shown["project"] = {
            "domain": DOMAIN,
            "id": caller.project_id,
            "name": caller.project_name,
        }
        shown["is_domain"] = False
    elif token.scope == "domain":
        shown["domain"] = DOMAIN
    else:
        shown["system"] = {"all": True}
    names = ("admin", "member", "reader") if caller.admin else ("member", "reader")
    shown["roles"] = [{"id": identifier("role", name), "name": name} for name in names]
    shown["catalog"] = catalog_view(context)
    return {"token": shown}


def _time(seconds: float) -> str:
    """Return a time as the identity service writes it."""
    at = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{at.isoformat(timespec='microseconds')}Z"


def list_links(request: Request) -> dict[str, str | None]:
    """Return the links of a list, which has one page."""
    return {"self": str(request.url), "previous": None, "next": None}
