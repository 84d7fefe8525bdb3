"""Bodies of requests to the identity service, and the models of its answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from ecs_fsm.serve.http.bodies import Body

Text = Annotated[str, Field(max_length=255)]


class IdentityError(Body):
    """An error of the identity service."""

    error: dict[str, str | int]


ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"model": IdentityError, "description": description}
    for code, description in (
        (400, "The request is invalid."),
        (401, "The token or the credentials are missing or invalid."),
        (404, "The resource does not exist."),
    )
}


class DomainReference(Body):
    """A domain, by name or id; there is only one, with any name."""

    id: Text | None = None
    name: Text | None = None


class Reference(Body):
    """A user or project, by name or id."""

    id: Text | None = None
    name: Text | None = None
    domain: DomainReference | None = None


class UserCredentials(Reference):
    """A user with a password, which is not checked."""

    password: str = ""


class PasswordMethod(Body):
    """Authentication by password."""

    user: UserCredentials


class TokenMethod(Body):
    """Authentication by another token."""

    id: Text


class Identity(Body):
    """The methods of an authentication, and what each needs."""

    methods: list[Text] = Field(min_length=1, max_length=10)
    password: PasswordMethod | None = None
    token: TokenMethod | None = None


# Messages about an invalid body name this class, so its name is part of the API.
class Scope(Body):
    """The scope of a token."""

    project: Reference | None = None
    domain: DomainReference | None = None
    system: dict[Text, bool] | None = None


class Auth(Body):
    """A request for a token; the scope may be the word `unscoped`."""

    identity: Identity
    scope: Scope | Text | None = None


class TokenRequest(Body):
    """The body of a request for a token."""

    auth: Auth


class Endpoint(Body):
    """The URL of a service."""

    id: str
    interface: str
    region: str
    region_id: str
    url: str


class ServiceEntry(Body):
    """A service of the catalog."""

    id: str
    type: str
    name: str
    endpoints: list[Endpoint]


class ServiceCatalog(Body):
    """The services that a token gives access to."""

    catalog: list[ServiceEntry]


class DomainName(Body):
    """A domain."""

    id: str
    name: str


class TokenOwner(Body):
    """A user or project as a token shows it."""

    id: str
    name: str
    domain: DomainName


class TokenFields(Body):
    """A token; only a scoped one has a project, roles and a catalog."""

    methods: list[str]
    user: TokenOwner
    audit_ids: list[str]
    issued_at: str
    expires_at: str
    project: TokenOwner | None = None
    is_domain: bool | None = None
    roles: list[dict[str, str]] | None = None
    catalog: list[ServiceEntry] | None = None


class TokenAnswer(Body):
    """The answer to a request for a token."""

    token: TokenFields


class IdentityVersionFields(Body):
    """A version of the identity service."""

    id: str
    status: str
    updated: str
    links: list[dict[str, str]]


class IdentityVersion(Body):
    """The document of one version."""

    version: IdentityVersionFields


class IdentityVersions(Body):
    """The list of versions."""

    versions: dict[str, list[IdentityVersionFields]]
