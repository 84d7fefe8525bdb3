"""The identity service, keystone v3: tokens, the catalog, and what `identity.toml` declares.

It is at `/identity/v3` for clients that read catalogs, and at `/v3` for clients of Huawei Cloud and
for those that append `/v3` to any URL.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.access import Access, Caller, Token
from ecs_fsm.serve.http.api_errors import Api, ApiError
from ecs_fsm.serve.http.bodies import respond
from ecs_fsm.serve.http.context import NOT_AUTHENTICATED, RequestContext, access_of, unauthenticated
from ecs_fsm.serve.http.declared import DeclaredService
from ecs_fsm.serve.http.declared_routes import serve
from ecs_fsm.serve.http.handlers import Alias, Face
from ecs_fsm.serve.identity import kinds

SERVICE = DeclaredService(Api.IDENTITY, RequestContext)
serve(SERVICE, kinds.KINDS)
router = SERVICE.handlers
FACES: Sequence[Face] = (Face(router, "/identity/v3"), Face(router, "/v3", "_at_root"))


@router.post("/auth/tokens", body="TokenRequest", status_code=201, answer="Token")
def issue_token(request: Request, body: Item) -> Response:
    """Issue a token for any user and password, in the header `X-Subject-Token`."""
    access, scope = access_of(request), body["auth"]["scope"]
    user, methods = _authenticate(access, body["auth"]["identity"])
    known = ("project", "domain", "system") if isinstance(scope, dict) else ()
    kind = next((kind for kind in known if scope[kind] is not None), None)
    project: tuple[str | None, str | None] = (None, None)
    if kind == "project" and (project_id := scope["project"]["id"]):
        project = access.projects.of_id(project_id)
    elif kind == "project":
        project = access.projects.named(scope["project"]["name"] or _missing("project"))
    raised = kinds.is_administrator(RequestContext(request, Caller(*user)), user[0], project[0])
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


def _missing(what: str) -> str:
    raise ApiError(400, f"Expecting to find name or id in {what}.")


def _token_response(request: Request, token: Token, status: int) -> Response:
    headers = {"X-Subject-Token": token.id, "Vary": "X-Auth-Token"}
    return JSONResponse(
        kinds.token_view(token, RequestContext(request, token.caller)), status, headers
    )


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


SUBJECT = "X-Subject-Token"


@router.get("/auth/tokens", answer="Token", header=SUBJECT)
def show_token(context: RequestContext) -> Response:
    """The token in `X-Subject-Token`."""
    return _token_response(context.request, _subject(context), 200)


@router.head("/auth/tokens", header=SUBJECT)
def check_token(context: RequestContext) -> Response:
    """200 if the token in `X-Subject-Token` is valid, otherwise 404."""
    return Response(status_code=200, headers={"X-Subject-Token": _subject(context).id})


@router.delete("/auth/tokens", status_code=204, header=SUBJECT)
def revoke_token(context: RequestContext) -> Response:
    """Revoke the token in `X-Subject-Token`."""
    access_of(context.request).revoke(_subject(context).id)
    return Response(status_code=204)


@router.get("/auth/catalog", answer="ServiceCatalog")
def show_catalog(context: RequestContext) -> Response:
    """The catalog of a scoped token."""
    catalog = kinds.catalog_view(context) if _own(context).scope else []
    return JSONResponse({"catalog": catalog, "links": kinds.list_links(context.request)})


@router.get("/auth/projects", Alias("/users/{user_id}/projects", "list_projects_of_user"))
def list_own_projects(context: RequestContext) -> Response:
    """The projects of a user, which a token can have as its scope: all."""
    return SERVICE.kinds["projects"].answer_list(context)


@router.get("/auth/domains")
def list_own_domains(context: RequestContext) -> Response:
    """The domains that a token can have as its scope."""
    return SERVICE.kinds["domains"].answer_list(context)


@router.get("/role_assignments")
def list_role_assignments(context: RequestContext) -> Response:
    """The roles of users and groups."""
    query = context.request.query_params
    filters = {"role_id": "role.id", "user_id": "user.id", "group_id": "group.id"}
    scoped = any(key.startswith("scope.") for key in query)
    shown = [
        _grant_view(context, grant, "include_names" in query)
        for grant in context.cloud.resources.of(kinds.GRANTS)
        if all(query.get(key, grant[name]) == grant[name] for name, key in filters.items())
        and (not scoped or query.get(f"scope.{grant['scope']}.id") == grant["scope_id"])
    ]
    return respond({"role_assignments": shown, "links": kinds.list_links(context.request)})


def _grant_view(context: RequestContext, grant: Item, names: bool) -> Item:
    def named(kind: str, own_id: str) -> Item:
        item = SERVICE.kinds[f"{kind}s"].get(context, own_id) or {}
        more = {"name": item.get("name", own_id), "domain": kinds.DOMAIN} if names else {}
        return {kind: {"id": own_id, **more}}

    scope, actor = grant["scope"], "user" if grant["user_id"] else "group"
    place = {"system": {"all": True}} if scope == "system" else named(scope, grant["scope_id"])
    return {
        **named("role", grant["role_id"]),
        **named(actor, grant[f"{actor}_id"]),
        "scope": place,
        "links": {"assignment": f"{context.base}/identity/v3/{grant['id']}"},
    }


def _grant_of(scope: str, actor: str, context: RequestContext) -> Item:
    """Return the grant of a path, also where there is none. Raise 404 for an unknown part."""
    words = context.request.path_params
    scope_id, actor_id, role_id = (
        words.get(name, usual)
        for name, usual in (("scope_id", "all"), ("actor_id", ""), ("role_id", ""))
    )
    if scope != "system":
        SERVICE.kinds[f"{scope}s"].find(context, scope_id)
    SERVICE.kinds[f"{actor}s"].find(context, actor_id)
    own = {"user_id": None, "group_id": None, f"{actor}_id": actor_id, "role_id": role_id}
    name = f"{scope}/{scope_id}/{actor}/{actor_id}/{role_id}"
    return {"id": name, "scope": scope, "scope_id": scope_id, **own}


def _list_roles(scope: str, actor: str, context: RequestContext) -> Response:
    begin, kind = _grant_of(scope, actor, context)["id"], SERVICE.kinds["roles"]
    grants = (g for g in context.cloud.resources.of(kinds.GRANTS) if g["id"].startswith(begin))
    roles = [kind.shown(context, kind.find(context, grant["role_id"])) for grant in grants]
    return respond({"roles": roles, "links": kinds.list_links(context.request)})


def _change_role(scope: str, actor: str, context: RequestContext) -> Response:
    method = context.request.method
    if method != "HEAD" and not context.caller.admin:
        raise SERVICE.error(403, "forbidden", what="create_grant")
    grant, shelf = _grant_of(scope, actor, context), context.cloud.resources.of(kinds.GRANTS)
    SERVICE.kinds["roles"].find(context, grant["role_id"])
    if method == "PUT":
        shelf.put(grant)
    elif shelf.get(grant["id"]) is None:
        raise ApiError(404, f"Could not find role assignment with role: {grant['role_id']}.")
    elif method == "DELETE":
        shelf.drop(grant["id"])
    return Response(status_code=204)


for _scope, _actor in product(("project", "domain", "system"), ("user", "group")):
    _place = "/system" if _scope == "system" else f"/{_scope}s/{{scope_id}}"
    _path, _what = f"{_place}/{_actor}s/{{actor_id}}/roles", f"{_scope}_{_actor}"
    _more: Item = {"name": f"list_{_what}_roles", "description": "The roles of an actor."}
    router.get(_path, **_more)(partial(_list_roles, _scope, _actor))
    for _add, _verb in ((router.put, "grant"), (router.delete, "revoke"), (router.head, "check")):
        _more = {"name": f"{_verb}_{_what}_role", "description": f"{_verb.title()} a role."}
        _answer = partial(_change_role, _scope, _actor)
        _add(f"{_path}/{{role_id}}", status_code=204, **_more)(_answer)
