"""The identity service, keystone v3: tokens, the catalog, and what `identity.toml` declares.

It is at `/identity/v3` for clients that read catalogs, and at `/v3` for clients of Huawei Cloud and
for those that append `/v3` to any URL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.access import Access, Caller, Token
from ecs_fsm.serve.http.api_errors import Api, ApiError
from ecs_fsm.serve.http.context import (
    NOT_AUTHENTICATED,
    RequestContext,
    access_of,
    unauthenticated,
)
from ecs_fsm.serve.http.declared import DeclaredService
from ecs_fsm.serve.http.declared_routes import serve
from ecs_fsm.serve.http.handlers import Face, Handlers
from ecs_fsm.serve.identity.kinds import (
    KINDS,
    add_assignments,
    catalog_view,
    is_administrator,
    list_links,
    token_view,
)

SERVICE = DeclaredService(Api.IDENTITY, RequestContext)
serve(SERVICE, KINDS)
add_assignments(SERVICE)
router = Handlers(Api.IDENTITY, RequestContext)
FACES: Sequence[Face] = (
    *(Face(ours, "/identity/v3") for ours in (router, SERVICE.handlers)),
    *(Face(ours, "/v3", "_at_root") for ours in (router, SERVICE.handlers)),
)


@router.post("/auth/tokens", body="TokenRequest", status_code=201, answer="Token")
def issue_token(request: Request, body: Item) -> Response:
    """Issue a token for any user and password, in the header `X-Subject-Token`."""
    access, scope = access_of(request), body["auth"]["scope"]
    user, methods = _authenticate(access, body["auth"]["identity"])
    kinds = ("project", "domain", "system") if isinstance(scope, dict) else ()
    kind = next((kind for kind in kinds if scope[kind] is not None), None)
    project: tuple[str | None, str | None] = (None, None)
    if kind == "project":
        project = _project_of(access, scope["project"])
    raised = is_administrator(RequestContext(request, Caller(*user)), user[0], project[0])
    token = access.issue(Caller(*user, *project, raised), methods, kind)
    return _token_response(request, token, 201)


def _authenticate(access: Access, identity: Item) -> tuple[tuple[str, str], tuple[str, ...]]:
    """Return the id and the name of a user, and the methods of its authentication."""
    password, token = (
        identity[method] if method in identity["methods"] else None
        for method in ("password", "token")
    )
    if password is not None:
        user = password["user"]
        if user["name"]:
            return access.users.named(user["name"]), ("password",)
        return access.users.of_id(user["id"] or _missing("user")), ("password",)
    if token is not None:
        found = access.find(token["id"])
        if found is None:
            raise ApiError(401, NOT_AUTHENTICATED)
        methods = dict.fromkeys(("token", *found.methods))
        return (found.caller.user_id, found.caller.user_name), tuple(methods)
    raise ApiError(401, "Attempted to authenticate with an unsupported method.")


def _project_of(access: Access, reference: Item) -> tuple[str, str]:
    """Return the id and the name of a project."""
    if reference["id"]:
        return access.projects.of_id(reference["id"])
    return access.projects.named(reference["name"] or _missing("project"))


def _missing(what: str) -> str:
    raise ApiError(400, f"Expecting to find name or id in {what}.")


def _token_response(request: Request, token: Token, status: int) -> Response:
    headers = {"X-Subject-Token": token.id, "Vary": "X-Auth-Token"}
    return JSONResponse(token_view(token, RequestContext(request, token.caller)), status, headers)


def _own(context: RequestContext) -> Token:
    """Return the token of the caller. Raises 401 for a caller without one."""
    found = access_of(context.request).find(context.request.headers.get("x-auth-token"))
    if found is None:
        raise unauthenticated()
    return found


def _subject(context: RequestContext) -> Token:
    """Return the token that a request is about. Raises 404 for an invalid one."""
    _own(context)
    found = access_of(context.request).find(context.request.headers.get("x-subject-token"))
    if found is None:
        raise ApiError(404, "Could not find token.")
    return found


@router.get("/auth/tokens", answer="Token")
def show_token(context: RequestContext) -> Response:
    """The token in `X-Subject-Token`."""
    return _token_response(context.request, _subject(context), 200)


@router.head("/auth/tokens")
def check_token(context: RequestContext) -> Response:
    """200 if the token in `X-Subject-Token` is valid, otherwise 404."""
    return Response(status_code=200, headers={"X-Subject-Token": _subject(context).id})


@router.delete("/auth/tokens", status_code=204)
def revoke_token(context: RequestContext) -> Response:
    """Revoke the token in `X-Subject-Token`."""
    access_of(context.request).revoke(_subject(context).id)
    return Response(status_code=204)


@router.get("/auth/catalog", answer="ServiceCatalog")
def show_catalog(context: RequestContext) -> Response:
    """The catalog of a scoped token."""
    catalog = catalog_view(context) if _own(context).scope else []
    return JSONResponse({"catalog": catalog, "links": list_links(context.request)})


@router.get("/auth/projects", response_model=dict[str, Any])
def list_own_projects(context: RequestContext) -> Response:
    """The projects that a token can have as its scope: all."""
    return SERVICE.kinds["projects"].answer_list(context, True)


@router.get("/users/{user_id}/projects", response_model=dict[str, Any])
def list_projects_of_user(context: RequestContext) -> Response:
    """The projects of a user: all."""
    return SERVICE.kinds["projects"].answer_list(context, True)


@router.get("/auth/domains", response_model=dict[str, Any])
def list_own_domains(context: RequestContext) -> Response:
    """The domains that a token can have as its scope."""
    return SERVICE.kinds["domains"].answer_list(context, True)
