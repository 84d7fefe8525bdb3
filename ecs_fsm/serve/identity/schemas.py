"""Bodies of requests to the identity service."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.handlers import answered

Text = Annotated[str, Field(max_length=255)]


ERRORS: dict[int | str, dict[str, Any]] = {
    code: {**answered("NumberedError"), "description": description}
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
