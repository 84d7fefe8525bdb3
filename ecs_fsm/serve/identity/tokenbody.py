"""What the identity service answers: the token with its catalog, and the models of its answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import Request

from ecs_fsm.serve.http.access import REGION, Token, identifier
from ecs_fsm.serve.http.bodies import Body

DOMAIN = {"id": "default", "name": "Default"}
SERVICES = (
    ("identity", "keystone", "/identity/v3"),
    ("compute", "nova", "/compute/v2.1"),
    ("image", "glance", "/image"),
    ("network", "neutron", "/network"),
)
"""Type, name and path of each service in the catalog."""
INTERFACES = ("public", "internal", "admin")


class Error(Body):
    """An error of the identity service."""

    error: dict[str, str | int]


ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": Error, "description": told}
    for code, told in (
        (400, "The request does not read."),
        (401, "There is no good token, or nobody logged in."),
        (404, "There is no such thing."),
    )
}


class Endpoint(Body):
    """Where a service is found."""

    id: str
    interface: str
    region: str
    region_id: str
    url: str


class CatalogEntry(Body):
    """A service."""

    id: str
    type: str
    name: str
    endpoints: list[Endpoint]


class Catalog(Body):
    """The services that a token opens."""

    catalog: list[CatalogEntry]


class Domain(Body):
    """A domain."""

    id: str
    name: str


class Owner(Body):
    """A user or project as a token names it."""

    id: str
    name: str
    domain: Domain


class TokenTold(Body):
    """A token; project, roles and catalog only if it is scoped."""

    methods: list[str]
    user: Owner
    audit_ids: list[str]
    issued_at: str
    expires_at: str
    project: Owner | None = None
    is_domain: bool | None = None
    roles: list[dict[str, str]] | None = None
    catalog: list[CatalogEntry] | None = None


class TokenAnswer(Body):
    """The answer to a request for a token."""

    token: TokenTold


def catalog(base: str) -> list[dict[str, object]]:
    """The services of the server that the client reached at that URL."""
    return [
        {
            "id": identifier("service", name),
            "type": kind,
            "name": name,
            "endpoints": [
                {
                    "id": identifier("endpoint", f"{name}-{interface}"),
                    "interface": interface,
                    "region": REGION,
                    "region_id": REGION,
                    "url": base + path,
                }
                for interface in INTERFACES
            ],
        }
        for kind, name, path in SERVICES
    ]


def document(token: Token, base: str) -> dict[str, object]:
    """The body that tells of a token."""
    caller = token.caller
    told: dict[str, object] = {
        "methods": list(token.methods),
        "user": {
            "domain": DOMAIN,
            "id": caller.user_id,
            "name": caller.user_name,
            "password_expires_at": None,
        },
        "audit_ids": [token.audit_id],
        "issued_at": _moment(token.issued),
        "expires_at": _moment(token.expires),
    }
    if token.scope is None:
        return {"token": told}
    if token.scope == "project":
        told["project"] = {
            "domain": DOMAIN,
            "id": caller.project_id,
            "name": caller.project_name,
        }
        told["is_domain"] = False
    elif token.scope == "domain":
        told["domain"] = DOMAIN
    else:
        told["system"] = {"all": True}
    names = ("admin", "member", "reader") if caller.admin else ("member", "reader")
    told["roles"] = [{"id": identifier("role", name), "name": name} for name in names]
    told["catalog"] = catalog(base)
    return {"token": told}


def _moment(seconds: float) -> str:
    """A time as the identity service writes it."""
    at = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{at.isoformat(timespec='microseconds')}Z"


def links(request: Request) -> dict[str, str | None]:
    """Where a list that was asked for stands; it has one page."""
    return {"self": str(request.url), "previous": None, "next": None}
