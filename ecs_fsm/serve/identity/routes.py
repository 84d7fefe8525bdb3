"""The identity service, keystone v3: tokens, the catalog, projects, users and the one domain.

It is at `/identity/v3` for clients that read catalogs, and at `/v3` for clients of Huawei Cloud and
for those that append `/v3` to any URL.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Query, Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.http.access import Access, Caller, Names, Token
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.context import NOT_AUTHENTICATED, GoodToken, Known, access_of, base_of
from ecs_fsm.serve.http.handlers import Alias, Handlers
from ecs_fsm.serve.identity.schemas import (
    ERRORS,
    DomainList,
    Identity,
    IdentityVersion,
    IdentityVersions,
    OneDomain,
    OneProject,
    OneUser,
    ProjectList,
    Reference,
    Scope,
    ServiceCatalog,
    TokenAnswer,
    TokenRequest,
    UserList,
)
from ecs_fsm.serve.identity.views import (
    DOMAIN,
    catalog_view,
    domain_view,
    list_links,
    project_view,
    token_view,
    user_view,
    version_view,
)

Subject = Annotated[str | None, Header(alias="X-Subject-Token")]
NameFilter = Annotated[str, Query(max_length=255)]
MOST_LISTED = 1000

router = Handlers(tags=["identity"], responses=ERRORS)
versions = Handlers(tags=["identity"])


@router.post("/auth/tokens", status_code=201, response_model=TokenAnswer)
async def issue_token(request: Request, body: TokenRequest) -> Response:
    """Issue a token for any user and password, in the header `X-Subject-Token`."""
    access = access_of(request)
    user, methods = _authenticate(access, body.auth.identity)
    scope = body.auth.scope if isinstance(body.auth.scope, Scope) else None
    project: tuple[str | None, str | None] = (None, None)
    kind = None
    if scope is not None and scope.project is not None:
        project, kind = _project_of(access, scope.project), "project"
    elif scope is not None and (scope.domain is not None or scope.system is not None):
        kind = "domain" if scope.domain is not None else "system"
    token = access.issue(Caller(*user, *project), methods, kind)
    return _token_response(request, token, 201)


def _authenticate(access: Access, identity: Identity) -> tuple[tuple[str, str], tuple[str, ...]]:
    """Return the id and the name of a user, and the methods of its authentication."""
    if identity.password is not None and "password" in identity.methods:
        user = identity.password.user
        if user.name:
            return access.users.named(user.name), ("password",)
        if user.id:
            return access.users.of_id(user.id), ("password",)
        raise ApiError(400, "Expecting to find name or id in user.")
    if identity.token is not None and "token" in identity.methods:
        found = access.find(identity.token.id)
        if found is None:
            raise ApiError(401, NOT_AUTHENTICATED)
        methods = dict.fromkeys(("token", *found.methods))
        return (found.caller.user_id, found.caller.user_name), tuple(methods)
    raise ApiError(401, "Attempted to authenticate with an unsupported method.")


def _project_of(access: Access, reference: Reference) -> tuple[str, str]:
    """Return the id and the name of a project."""
    if reference.id:
        return access.projects.of_id(reference.id)
    if reference.name:
        return access.projects.named(reference.name)
    raise ApiError(400, "Expecting to find name or id in project.")


def _token_response(request: Request, token: Token, status: int) -> Response:
    headers = {"X-Subject-Token": token.id, "Vary": "X-Auth-Token"}
    return JSONResponse(token_view(token, base_of(request)), status, headers)


def _subject(request: Request, subject: str | None) -> Token:
    """Return the token that a request is about. Raises 404 for an invalid one."""
    found = access_of(request).find(subject)
    if found is None:
        raise ApiError(404, "Could not find token.")
    return found


@router.get("/auth/tokens", response_model=TokenAnswer)
async def show_token(request: Request, _: GoodToken, subject: Subject = None) -> Response:
    """The token in `X-Subject-Token`."""
    return _token_response(request, _subject(request, subject), 200)


@router.head("/auth/tokens")
async def check_token(request: Request, _: GoodToken, subject: Subject = None) -> Response:
    """200 if the token in `X-Subject-Token` is valid, otherwise 404."""
    found = _subject(request, subject)
    return Response(status_code=200, headers={"X-Subject-Token": found.id})


@router.delete("/auth/tokens", status_code=204)
async def revoke_token(request: Request, _: GoodToken, subject: Subject = None) -> Response:
    """Revoke the token in `X-Subject-Token`."""
    access_of(request).revoke(_subject(request, subject).id)
    return Response(status_code=204)


@router.get("/auth/catalog", response_model=ServiceCatalog)
async def show_catalog(request: Request, token: GoodToken) -> Response:
    """The catalog of a scoped token."""
    catalog = catalog_view(base_of(request)) if token.scope else []
    return JSONResponse({"catalog": catalog, "links": list_links(request)})


@router.get("/auth/projects", response_model=ProjectList)
async def list_own_projects(request: Request, caller: Known) -> Response:
    """The projects that a token can have as its scope: those that requests have named."""
    return _project_list(request, list(access_of(request).projects.by_id.items()))


@router.get("/projects", response_model=ProjectList)
async def list_projects(
    request: Request, caller: Known, name: NameFilter | None = None
) -> Response:
    """Projects; one of any name exists as soon as a query names it."""
    projects = access_of(request).projects
    found = list(projects.by_id.items()) if name is None else [projects.named(name)]
    return _project_list(request, found)


def _project_list(request: Request, found: list[tuple[str, str]]) -> Response:
    shown = [project_view(_api(request), *pair) for pair in found[-MOST_LISTED:]]
    return JSONResponse({"projects": shown, "links": list_links(request)})


@router.get("/projects/{project_id}", response_model=OneProject)
async def show_project(request: Request, project_id: str, caller: Known) -> Response:
    """A project that a request has named."""
    name = _name(access_of(request).projects, project_id)
    return JSONResponse({"project": project_view(_api(request), project_id, name)})


@router.get("/users", response_model=UserList)
async def list_users(request: Request, caller: Known, name: NameFilter | None = None) -> Response:
    """Users that have logged in, or the one of that name."""
    known = access_of(request).users.by_id.items()
    found = [pair for pair in known if name in (None, pair[1])]
    shown = [user_view(_api(request), *pair) for pair in found[-MOST_LISTED:]]
    return JSONResponse({"users": shown, "links": list_links(request)})


@router.get("/users/{user_id}", response_model=OneUser)
async def show_user(request: Request, user_id: str, caller: Known) -> Response:
    """A user that has logged in."""
    name = _name(access_of(request).users, user_id)
    return JSONResponse({"user": user_view(_api(request), user_id, name)})


@router.get("/users/{user_id}/projects", response_model=ProjectList)
async def list_projects_of_user(request: Request, user_id: str, caller: Known) -> Response:
    """The projects of a user: all."""
    return _project_list(request, list(access_of(request).projects.by_id.items()))


@router.get("/domains", Alias("/auth/domains", "list_own_domains"), response_model=DomainList)
async def list_domains(request: Request, caller: Known) -> Response:
    """The one domain."""
    return JSONResponse({"domains": [domain_view()], "links": list_links(request)})


@router.get("/domains/{domain_id}", response_model=OneDomain)
async def show_domain(domain_id: str, caller: Known) -> Response:
    """The one domain."""
    if domain_id != DOMAIN["id"]:
        raise ApiError(404, f"Could not find domain: {domain_id}.")
    return JSONResponse({"domain": domain_view()})


def _name(known: Names, own_id: str) -> str:
    """Return the name of a user or project by its id. Raises 404 for an unknown one."""
    name = known.by_id.get(own_id)
    if name is None:
        raise ApiError(404, f"Could not find {known.kind}: {own_id}.")
    return name


def _api(request: Request) -> str:
    """Return the URL of the version of the API under which the request came."""
    at_root = request.url.path.startswith("/v3")
    return f"{base_of(request)}{'' if at_root else '/identity'}/v3"


@versions.get("/identity", "/identity/", status_code=300, response_model=IdentityVersions)
async def list_identity_versions(request: Request) -> Response:
    """The versions of the identity service."""
    shown = version_view(base_of(request), "/identity")
    return JSONResponse({"versions": {"values": [shown]}}, 300)


@versions.get("/identity/v3", "/identity/v3/", response_model=IdentityVersion)
async def show_identity_version(request: Request) -> Response:
    """The version document of the identity service."""
    return JSONResponse({"version": version_view(base_of(request), "/identity")})


@versions.get("/v3", "/v3/", response_model=IdentityVersion)
async def show_identity_version_at_root(request: Request) -> Response:
    """The version document of the identity service for clients whose paths begin at the root."""
    return JSONResponse({"version": version_view(base_of(request), "")})
