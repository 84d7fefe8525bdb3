"""What the tables of the identity service cannot say: links, roles, tokens and the catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from starlette.requests import Request

from ecs_fsm.serve.cloud.resources import Item, identifier
from ecs_fsm.serve.http.access import ADMIN, Token
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.context import RequestContext, access_of
from ecs_fsm.serve.http.declared import Declared

DOMAIN = {"id": "default", "name": "Default"}
PATHS = (
    ("identity", "keystone", "/identity/v3"),
    ("compute", "nova", "/compute/v2.1"),
    ("image", "glance", "/image"),
    ("network", "neutron", "/network"),
    ("block-storage", "cinder", "/volume/v3/$"),
    ("volumev3", "cinderv3", "/volume/v3/$"),
    ("volume", "cinderv3", "/volume/v3/$"),
)
"""Type, name and path of each service in the catalog; `$` is the project."""
SERVICES: Sequence[Item] = [
    {"id": identifier("service", f"{name}-{kind}"), "type": kind, "name": name}
    for kind, name, _ in PATHS
]
"""The services of the cloud itself."""
INTERFACES = ("public", "internal", "admin")


def endpoints(context: RequestContext) -> list[Item]:
    """Return the endpoints of these services, in every region."""
    project = context.caller.project_id
    return [
        {
            "id": identifier("endpoint", f"{service['type']}-{interface}-{region}"),
            "interface": interface,
            "region": region,
            "region_id": region,
            "url": context.base + path.replace("$", project or ""),
            "service_id": service["id"],
        }
        for service, (_, _, path) in zip(SERVICES, PATHS, strict=True)
        for region in context.cloud.catalog.regions
        for interface in INTERFACES
    ]


def catalog_view(context: RequestContext) -> list[Item]:
    """Return the services of the server as the client reaches it, and those that were added."""
    kept, shown = context.cloud.resources, ("id", "interface", "region", "region_id", "url")
    every = [*endpoints(context), *kept.of("endpoints")]
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
        for service in [*SERVICES, *kept.of("services")]
    ]


def token_view(token: Token, context: RequestContext) -> Item:
    """Return the body that describes a token."""
    caller = token.caller
    user = {"domain": DOMAIN, "id": caller.user_id, "name": caller.user_name}
    shown: Item = {
        "methods": [*token.methods],
        "user": {**user, "password_expires_at": None},
        "audit_ids": [token.audit_id],
        "issued_at": _time(token.shown[0]),
        "expires_at": _time(token.shown[1]),
    }
    project = {"domain": DOMAIN, "id": caller.project_id, "name": caller.project_name}
    scopes: dict[str, Item] = {
        "project": {"project": project, "is_domain": False},
        "domain": {"domain": DOMAIN},
        "system": {"system": {"all": True}},
    }
    if token.scope is not None:
        names = ("admin", "member", "reader") if caller.admin else ("member", "reader")
        roles = [{"id": identifier("role", name), "name": name} for name in names]
        shown |= {**scopes[token.scope], "roles": roles, "catalog": catalog_view(context)}
    return {"token": shown}


def _time(seconds: float) -> str:
    """Return a time as the identity service writes it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def list_links(request: Request) -> dict[str, str | None]:
    """Return the links of a list, which has one page."""
    return {"self": str(request.url), "previous": None, "next": None}


ROLES = [
    {"id": identifier("role", name), "name": name}
    for name in (ADMIN, "member", "reader", "service")
]
GRANTS = "role_assignments"
OWN: Mapping[str, Callable[[RequestContext], Iterable[Item]]] = {
    "domains": lambda context: [DOMAIN],
    "roles": lambda context: ROLES,
    "services": lambda context: SERVICES,
    "endpoints": endpoints,
}
"""What comes with the cloud, by kind."""


class IdentityKind(Declared[RequestContext]):
    """A kind of the identity service, with some that come with the cloud."""

    def _own(self, context: RequestContext) -> Iterable[Item]:
        return OWN[self.kind](context) if self.kind in OWN else ()

    def items(self, context: RequestContext) -> Iterable[Item]:
        """Return what comes with the cloud, and what was made."""
        return [*self._own(context), *self.shelf(context)]

    def get(self, context: RequestContext, item_id: str) -> Item | None:
        """Return either by its id."""
        found = (item for item in self._own(context) if item["id"] == item_id)
        return super().get(context, item_id) or next(found, None)

    def more(self, context: RequestContext, item: Item) -> Item:
        """Add the link to itself, and what clients gave beside the known fields."""
        root = "/v3" if context.request.url.path.startswith("/v3") else "/identity/v3"
        link = f"{context.base}{root}{self.path}/{item['id']}"
        extra = {n: v for n, v in item.items() if n not in self.fields}
        return {**extra, "links": {"self": link}}

    def gone(self, context: RequestContext, item: Item) -> None:
        """Refuse what comes with the cloud, and forget the grants of others."""
        if self.shelf(context).get(item["id"]) is None:
            raise self.service.error(403, "forbidden", what=f"delete_{self.one}")
        grants = context.cloud.resources.of(GRANTS)
        for grant in [each for each in grants if item["id"] in each["id"].split("/")]:
            grants.drop(grant["id"])


class Projects(IdentityKind):
    """Projects; at the root, where Huawei's clients ask, one of any name exists."""

    def items(self, context: RequestContext) -> Iterable[Item]:
        """Return the projects."""
        request = context.request
        name = request.query_params.get("name")
        if name and request.url.path.startswith("/v3"):
            access_of(request).projects.named(name[:255])
        return super().items(context)


class Domains(IdentityKind):
    """Domains: the default one, and others in which nothing is apart."""

    def gone(self, context: RequestContext, item: Item) -> None:
        """Refuse a domain that is enabled."""
        if item.get("enabled", True):
            raise ApiError(403, "Cannot delete a domain that is enabled, please disable it first.")
        super().gone(context, item)


class EndpointKind(IdentityKind):
    """The endpoints of the cloud, and others."""

    def made(self, context: RequestContext, item: Item) -> Item:
        """Write the region under both of its names."""
        region = item.get("region_id") or item.get("region")
        return {**item, "region": region, "region_id": region}


class Regions(IdentityKind):
    """Regions, which endpoints are in."""

    def gone(self, context: RequestContext, item: Item) -> None:
        """Refuse while an endpoint is there."""
        every = [*endpoints(context), *context.cloud.resources.of("endpoints")]
        if any(endpoint.get("region_id") == item["id"] for endpoint in every):
            raise ApiError(
                403,
                f"Unable to delete region {item['id']} because it or its child regions have "
                "associated endpoints.",
            )


KINDS: dict[str, type[Declared[RequestContext]]] = {
    **dict.fromkeys(("users", "groups", "credentials", "roles", "services"), IdentityKind),
    "projects": Projects,
    "domains": Domains,
    "endpoints": EndpointKind,
    "regions": Regions,
}
"""The kinds with methods."""


def is_administrator(context: RequestContext, user_id: str, project_id: str | None) -> bool:
    """Return whether a user has the role of administrators in a project."""
    grants = context.cloud.resources.of(GRANTS)
    return any(
        grant["user_id"] == user_id
        and grant["role_id"] == ROLES[0]["id"]
        and grant["scope_id"] in (project_id, "all", DOMAIN["id"])
        for grant in grants
    )
