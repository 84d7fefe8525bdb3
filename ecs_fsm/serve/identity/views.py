"""Tokens, the service catalog, projects and users as the identity service shows them."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import Request

from ecs_fsm.serve.http.access import REGION, Token, identifier

DOMAIN = {"id": "default", "name": "Default"}
SERVICES = (
    ("identity", "keystone", "/identity/v3"),
    ("compute", "nova", "/compute/v2.1"),
    ("image", "glance", "/image"),
    ("network", "neutron", "/network"),
)
"""Type, name and path of each service in the catalog."""
INTERFACES = ("public", "internal", "admin")


def catalog_view(base: str) -> list[dict[str, object]]:
    """Return the services of the server that the client reaches at the URL `base`."""
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


def token_view(token: Token, base: str) -> dict[str, object]:
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
    shown["catalog"] = catalog_view(base)
    return {"token": shown}


def _time(seconds: float) -> str:
    """Return a time as the identity service writes it."""
    at = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{at.isoformat(timespec='microseconds')}Z"


def list_links(request: Request) -> dict[str, str | None]:
    """Return the links of a list, which has one page."""
    return {"self": str(request.url), "previous": None, "next": None}


def domain_view() -> dict[str, object]:
    """Return the one domain."""
    return {**DOMAIN, "enabled": True, "description": ""}


def project_view(api: str, project_id: str, name: str) -> dict[str, object]:
    """Return a project; `api` is the URL of the version of the API."""
    return {
        "id": project_id,
        "name": name,
        "domain_id": DOMAIN["id"],
        "parent_id": DOMAIN["id"],
        "description": "",
        "enabled": True,
        "is_domain": False,
        "tags": [],
        "options": {},
        "links": {"self": f"{api}/projects/{project_id}"},
    }


def user_view(api: str, user_id: str, name: str) -> dict[str, object]:
    """Return a user; `api` is the URL of the version of the API."""
    return {
        "id": user_id,
        "name": name,
        "domain_id": DOMAIN["id"],
        "enabled": True,
        "password_expires_at": None,
        "options": {},
        "links": {"self": f"{api}/users/{user_id}"},
    }


def version_view(base: str, prefix: str) -> dict[str, object]:
    """Return the version of the API whose paths begin with the prefix."""
    kind = "application/vnd.openstack.identity-v3+json"
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base}{prefix}/v3/"}],
        "media-types": [{"base": "application/json", "type": kind}],
    }
