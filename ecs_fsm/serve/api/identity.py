"""The identity service, keystone v3: tokens with the catalog, and whose names they bear.

It stands at `/identity/v3` for those who read catalogs and at `/v3` for clients of Huawei's and for
those that put `/v3` behind whatever they are given.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.api import tokenbody
from ecs_fsm.serve.api.access import (
    NOT_AUTHENTICATED,
    Access,
    Caller,
    GoodToken,
    Known,
    Token,
    access_of,
)
from ecs_fsm.serve.api.bodies import Body
from ecs_fsm.serve.api.errors import ApiError
from ecs_fsm.serve.api.tokenbody import DOMAIN, document
from ecs_fsm.serve.api.versions import base

Text = Annotated[str, Field(max_length=255)]
Name = Annotated[str, Query(max_length=255)]


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


router = APIRouter(tags=["identity"], responses=tokenbody.ERRORS)


@router.post("/auth/tokens", status_code=201, response_model=tokenbody.TokenAnswer)
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


@router.get("/auth/tokens", response_model=tokenbody.TokenAnswer)
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


@router.get("/auth/catalog", response_model=tokenbody.Catalog)
async def show_catalog(request: Request, token: GoodToken) -> Response:
    """The catalog of a scoped token."""
    catalog = tokenbody.catalog(base(request)) if token.scope else []
    return JSONResponse({"catalog": catalog, "links": _links(request)})


@router.get("/auth/projects", response_model=tokenbody.Projects)
async def list_own_projects(request: Request, caller: Known) -> Response:
    """The projects that a token can be scoped to: those that anybody named so far."""
    return _projects(request, list(access_of(request).projects.by_id.items()))


@router.get("/projects", response_model=tokenbody.Projects)
async def list_projects(request: Request, caller: Known, name: Name | None = None) -> Response:
    """Projects; one of any name is there as soon as it is asked for."""
    projects = access_of(request).projects
    found = list(projects.by_id.items()) if name is None else [projects.named(name)]
    return _projects(request, found)


def _projects(request: Request, found: list[tuple[str, str]]) -> Response:
    told = [_project(request, *pair) for pair in found[-1000:]]
    return JSONResponse({"projects": told, "links": _links(request)})


def _project(request: Request, project_id: str, name: str) -> dict[str, object]:
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
        "links": {"self": f"{_here(request)}/projects/{project_id}"},
    }


@router.get("/projects/{project_id}", response_model=tokenbody.OneProject)
async def show_project(request: Request, project_id: str, caller: Known) -> Response:
    """A project that somebody named."""
    name = access_of(request).projects.by_id.get(project_id)
    if name is None:
        raise ApiError(404, f"Could not find project: {project_id}.")
    return JSONResponse({"project": _project(request, project_id, name)})


@router.get("/users", response_model=tokenbody.Users)
async def list_users(request: Request, caller: Known, name: Name | None = None) -> Response:
    """Users that logged in, or the one of that name."""
    known = access_of(request).users.by_id.items()
    found = [pair for pair in known if name in (None, pair[1])]
    told = [_user_told(request, *pair) for pair in found[-1000:]]
    return JSONResponse({"users": told, "links": _links(request)})


@router.get("/users/{user_id}", response_model=tokenbody.OneUser)
async def show_user(request: Request, user_id: str, caller: Known) -> Response:
    """A user that logged in."""
    name = access_of(request).users.by_id.get(user_id)
    if name is None:
        raise ApiError(404, f"Could not find user: {user_id}.")
    return JSONResponse({"user": _user_told(request, user_id, name)})


def _user_told(request: Request, user_id: str, name: str) -> dict[str, object]:
    return {
        "id": user_id,
        "name": name,
        "domain_id": DOMAIN["id"],
        "enabled": True,
        "password_expires_at": None,
        "options": {},
        "links": {"self": f"{_here(request)}/users/{user_id}"},
    }


@router.get("/users/{user_id}/projects", response_model=tokenbody.Projects)
async def list_projects_of_user(request: Request, user_id: str, caller: Known) -> Response:
    """The projects of a user: all."""
    return _projects(request, list(access_of(request).projects.by_id.items()))


@router.get("/domains", response_model=tokenbody.Domains)
@router.get("/auth/domains", response_model=tokenbody.Domains, name="list_own_domains")
async def list_domains(request: Request, caller: Known) -> Response:
    """The one domain that there is."""
    domain = {**DOMAIN, "enabled": True, "description": ""}
    return JSONResponse({"domains": [domain], "links": _links(request)})


@router.get("/domains/{domain_id}", response_model=tokenbody.OneDomain)
async def show_domain(domain_id: str, caller: Known) -> Response:
    """The one domain that there is."""
    if domain_id != DOMAIN["id"]:
        raise ApiError(404, f"Could not find domain: {domain_id}.")
    return JSONResponse({"domain": {**DOMAIN, "enabled": True, "description": ""}})


def _here(request: Request) -> str:
    """The URL of the version of the API that was asked."""
    at_root = request.url.path.startswith("/v3")
    return f"{base(request)}{'' if at_root else '/identity'}/v3"


def _links(request: Request) -> dict[str, str | None]:
    return {"self": str(request.url), "previous": None, "next": None}


versions = APIRouter(tags=["identity"])


def _version(request: Request, prefix: str) -> dict[str, object]:
    kind = "application/vnd.openstack.identity-v3+json"
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base(request)}{prefix}/v3/"}],
        "media-types": [{"base": "application/json", "type": kind}],
    }


@versions.get("/identity", status_code=300, response_model=tokenbody.IdentityVersions)
@versions.get("/identity/", status_code=300, include_in_schema=False)
async def list_identity_versions(request: Request) -> Response:
    """The versions of the identity service."""
    return JSONResponse({"versions": {"values": [_version(request, "/identity")]}}, 300)


@versions.get("/identity/v3", response_model=tokenbody.IdentityVersion)
@versions.get("/identity/v3/", include_in_schema=False)
async def show_identity_version(request: Request) -> Response:
    """The version document of the identity service."""
    return JSONResponse({"version": _version(request, "/identity")})


@versions.get("/v3", response_model=tokenbody.IdentityVersion)
@versions.get("/v3/", include_in_schema=False)
async def show_identity_version_at_root(request: Request) -> Response:
    """The version document of the identity service for those who begin at the root."""
    return JSONResponse({"version": _version(request, "")})
