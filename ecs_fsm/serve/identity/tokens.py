"""Tokens of the identity service, asked for, shown and revoked, and the catalog that they open."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.http.access import Access, Caller, Token
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.context import NOT_AUTHENTICATED, GoodToken, access_of
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.versions import base
from ecs_fsm.serve.identity.tokenbody import ERRORS, Catalog, TokenAnswer, catalog, document, links

router = Handlers(tags=["identity"], responses=ERRORS)

Text = Annotated[str, Field(max_length=255)]


class DomainAsked(Body):
    """A domain, by name or id; there is one, whatever it is called."""

    id: Text | None = None
    name: Text | None = None


class Asked(Body):
    """A user or project, by name or id."""

    id: Text | None = None
    name: Text | None = None
    domain: DomainAsked | None = None


class UserAsked(Asked):
    """A user with a password, which is never looked at."""

    password: str = ""


class Password(Body):
    """The method of that name."""

    user: UserAsked


class TokenGiven(Body):
    """The method of that name: another token."""

    id: Text


class Identity(Body):
    """How somebody says who they are."""

    methods: list[Text] = Field(min_length=1, max_length=10)
    password: Password | None = None
    token: TokenGiven | None = None


class Scope(Body):
    """What a token is to be good for."""

    project: Asked | None = None
    domain: DomainAsked | None = None
    system: dict[Text, bool] | None = None


class Auth(Body):
    """A request for a token; the scope may be the word `unscoped`."""

    identity: Identity
    scope: Scope | Text | None = None


class TokenRequest(Body):
    """The body of a request for a token."""

    auth: Auth


@router.post("/auth/tokens", status_code=201, response_model=TokenAnswer)
async def issue_token(request: Request, body: TokenRequest) -> Response:
    """A token for any user and password, in the header `X-Subject-Token`."""
    access = access_of(request)
    user, methods = _user(access, body.auth.identity)
    scope = body.auth.scope if isinstance(body.auth.scope, Scope) else None
    project: tuple[str | None, str | None] = (None, None)
    kind = None
    if scope is not None and scope.project is not None:
        project, kind = _named(access, scope.project), "project"
    elif scope is not None and (scope.domain is not None or scope.system is not None):
        kind = "domain" if scope.domain is not None else "system"
    token = access.issue(Caller(*user, *project), methods, kind)
    return _told(request, token, 201)


def _user(access: Access, asked: Identity) -> tuple[tuple[str, str], tuple[str, ...]]:
    if asked.password is not None and "password" in asked.methods:
        user = asked.password.user
        if user.name:
            return access.users.named(user.name), ("password",)
        if user.id:
            return access.users.of_id(user.id), ("password",)
        raise ApiError(400, "Expecting to find name or id in user.")
    if asked.token is not None and "token" in asked.methods:
        found = access.find(asked.token.id)
        if found is None:
            raise ApiError(401, NOT_AUTHENTICATED)
        methods = dict.fromkeys(("token", *found.methods))
        return (found.caller.user_id, found.caller.user_name), tuple(methods)
    raise ApiError(401, "Attempted to authenticate with an unsupported method.")


def _named(access: Access, asked: Asked) -> tuple[str, str]:
    if asked.id:
        return access.projects.of_id(asked.id)
    if asked.name:
        return access.projects.named(asked.name)
    raise ApiError(400, "Expecting to find name or id in project.")


def _told(request: Request, token: Token, status: int) -> Response:
    headers = {"X-Subject-Token": token.id, "Vary": "X-Auth-Token"}
    return JSONResponse(document(token, base(request)), status, headers)


def _subject(request: Request, subject: str | None) -> Token:
    found = access_of(request).find(subject)
    if found is None:
        raise ApiError(404, "Could not find token.")
    return found


Subject = Annotated[str | None, Header(alias="X-Subject-Token")]


@router.get("/auth/tokens", response_model=TokenAnswer)
async def show_token(request: Request, _: GoodToken, subject: Subject = None) -> Response:
    """What the token in `X-Subject-Token` is good for."""
    return _told(request, _subject(request, subject), 200)


@router.head("/auth/tokens")
async def check_token(request: Request, _: GoodToken, subject: Subject = None) -> Response:
    """Whether the token in `X-Subject-Token` is good."""
    found = _subject(request, subject)
    return Response(status_code=200, headers={"X-Subject-Token": found.id})


@router.delete("/auth/tokens", status_code=204)
async def revoke_token(request: Request, _: GoodToken, subject: Subject = None) -> Response:
    """Ends the token in `X-Subject-Token`."""
    access_of(request).revoke(_subject(request, subject).id)
    return Response(status_code=204)


@router.get("/auth/catalog", response_model=Catalog)
async def show_catalog(request: Request, token: GoodToken) -> Response:
    """The catalog of a scoped token."""
    told = catalog(base(request)) if token.scope else []
    return JSONResponse({"catalog": told, "links": links(request)})
