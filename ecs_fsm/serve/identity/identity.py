"""Whose names tokens bear: projects, users and the one domain of the identity service, keystone v3.

It stands at `/identity/v3` for those who read catalogs and at `/v3` for clients of Huawei's and for
those that put `/v3` behind whatever they are given.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.http.access import Names
from ecs_fsm.serve.http.bodies import Body
from ecs_fsm.serve.http.context import Known, access_of
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.versions import base
from ecs_fsm.serve.identity.tokenbody import DOMAIN, ERRORS, Domain, links

Name = Annotated[str, Query(max_length=255)]


class Project(Body):
    """A project."""

    id: str
    name: str
    domain_id: str
    enabled: bool


class Projects(Body):
    """A list of projects."""

    projects: list[Project]


class OneProject(Body):
    """One project."""

    project: Project


class User(Body):
    """A user."""

    id: str
    name: str
    domain_id: str
    enabled: bool


class Users(Body):
    """A list of users."""

    users: list[User]


class OneUser(Body):
    """One user."""

    user: User


class Domains(Body):
    """A list of domains."""

    domains: list[Domain]


class OneDomain(Body):
    """One domain."""

    domain: Domain


class VersionTold(Body):
    """A version of the identity service."""

    id: str
    status: str
    updated: str
    links: list[dict[str, str]]


class IdentityVersion(Body):
    """The document of one version."""

    version: VersionTold


class IdentityVersions(Body):
    """The list of versions."""

    versions: dict[str, list[VersionTold]]


router = Handlers(tags=["identity"], responses=ERRORS)


@router.get("/auth/projects", response_model=Projects)
async def list_own_projects(request: Request, caller: Known) -> Response:
    """The projects that a token can be scoped to: those that anybody named so far."""
    return _projects(request, list(access_of(request).projects.by_id.items()))


@router.get("/projects", response_model=Projects)
async def list_projects(request: Request, caller: Known, name: Name | None = None) -> Response:
    """Projects; one of any name is there as soon as it is asked for."""
    projects = access_of(request).projects
    found = list(projects.by_id.items()) if name is None else [projects.named(name)]
    return _projects(request, found)


def _projects(request: Request, found: list[tuple[str, str]]) -> Response:
    told = [_project(request, *pair) for pair in found[-1000:]]
    return JSONResponse({"projects": told, "links": links(request)})


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


@router.get("/projects/{project_id}", response_model=OneProject)
async def show_project(request: Request, project_id: str, caller: Known) -> Response:
    """A project that somebody named."""
    name = _name(access_of(request).projects, project_id)
    return JSONResponse({"project": _project(request, project_id, name)})


@router.get("/users", response_model=Users)
async def list_users(request: Request, caller: Known, name: Name | None = None) -> Response:
    """Users that logged in, or the one of that name."""
    known = access_of(request).users.by_id.items()
    found = [pair for pair in known if name in (None, pair[1])]
    told = [_user_told(request, *pair) for pair in found[-1000:]]
    return JSONResponse({"users": told, "links": links(request)})


@router.get("/users/{user_id}", response_model=OneUser)
async def show_user(request: Request, user_id: str, caller: Known) -> Response:
    """A user that logged in."""
    name = _name(access_of(request).users, user_id)
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


@router.get("/users/{user_id}/projects", response_model=Projects)
async def list_projects_of_user(request: Request, user_id: str, caller: Known) -> Response:
    """The projects of a user: all."""
    return _projects(request, list(access_of(request).projects.by_id.items()))


@router.get("/domains", response_model=Domains)
@router.get("/auth/domains", response_model=Domains, name="list_own_domains")
async def list_domains(request: Request, caller: Known) -> Response:
    """The one domain that there is."""
    domain = {**DOMAIN, "enabled": True, "description": ""}
    return JSONResponse({"domains": [domain], "links": links(request)})


@router.get("/domains/{domain_id}", response_model=OneDomain)
async def show_domain(domain_id: str, caller: Known) -> Response:
    """The one domain that there is."""
    if domain_id != DOMAIN["id"]:
        raise ApiError(404, f"Could not find domain: {domain_id}.")
    return JSONResponse({"domain": {**DOMAIN, "enabled": True, "description": ""}})


def _name(known: Names, own_id: str) -> str:
    """The name of a user or project that was met. Raises 404 for others."""
    name = known.by_id.get(own_id)
    if name is None:
        raise ApiError(404, f"Could not find {known.kind}: {own_id}.")
    return name


def _here(request: Request) -> str:
    """The URL of the version of the API that was asked."""
    at_root = request.url.path.startswith("/v3")
    return f"{base(request)}{'' if at_root else '/identity'}/v3"


versions = Handlers(tags=["identity"])


def _version(request: Request, prefix: str) -> dict[str, object]:
    kind = "application/vnd.openstack.identity-v3+json"
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base(request)}{prefix}/v3/"}],
        "media-types": [{"base": "application/json", "type": kind}],
    }


@versions.get("/identity", status_code=300, response_model=IdentityVersions)
@versions.get("/identity/", status_code=300, include_in_schema=False)
async def list_identity_versions(request: Request) -> Response:
    """The versions of the identity service."""
    return JSONResponse({"versions": {"values": [_version(request, "/identity")]}}, 300)


@versions.get("/identity/v3", response_model=IdentityVersion)
@versions.get("/identity/v3/", include_in_schema=False)
async def show_identity_version(request: Request) -> Response:
    """The version document of the identity service."""
    return JSONResponse({"version": _version(request, "/identity")})


@versions.get("/v3", response_model=IdentityVersion)
@versions.get("/v3/", include_in_schema=False)
async def show_identity_version_at_root(request: Request) -> Response:
    """The version document of the identity service for those who begin at the root."""
    return JSONResponse({"version": _version(request, "")})
