"""The flavors of the compute API: the list, its details, one by id, and their extra specs.

A name is not found here, which is how clients learn to look for it in the list.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.catalog import Flavor, catalog
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, Body, Link
from ecs_fsm.serve.http.context import Known, Microversion
from ecs_fsm.serve.http.errors import ApiError
from ecs_fsm.serve.http.handlers import Handlers
from ecs_fsm.serve.http.paging import Limit, Marker, next_url, page
from ecs_fsm.serve.http.versions import base

DESCRIPTION, EXTRA_SPECS, SWAP_A_NUMBER = 55, 61, 75
"""Microversions from which a flavor shows these."""
SORT_KEYS = {"flavorid": "id", "id": "id", "name": "name", "vcpus": "vcpus"}
SORT_KEYS |= {"memory_mb": "ram", "root_gb": "disk"}


class FlavorInBrief(Body):
    """A flavor in the short list."""

    id: str
    name: str
    links: list[Link]


class FlavorTold(FlavorInBrief):
    """A flavor; the description from 2.55, its extra specs from 2.61."""

    vcpus: int
    ram: int
    disk: int
    swap: int | str
    ephemeral: int = Field(alias="OS-FLV-EXT-DATA:ephemeral")
    disabled: bool = Field(alias="OS-FLV-DISABLED:disabled")
    public: bool = Field(alias="os-flavor-access:is_public")
    rxtx_factor: float
    description: str | None = None
    extra_specs: dict[str, str] | None = None


class FlavorsInBrief(Body):
    """The short list."""

    flavors: list[FlavorInBrief]
    flavors_links: list[Link] | None = None


class Flavors(Body):
    """The list in detail."""

    flavors: list[FlavorTold]
    flavors_links: list[Link] | None = None


class OneFlavor(Body):
    """One flavor."""

    flavor: FlavorTold


class ExtraSpecs(Body):
    """The extra specs of a flavor."""

    extra_specs: dict[str, str]


router = Handlers(tags=["flavors"], responses=COMPUTE_ERRORS)


class Wanted(Body):
    """Which flavors, and in which order."""

    limit: Limit = None
    marker: Marker = None
    is_public: str | None = Field(None, max_length=20)
    min_ram: int | None = Field(None, alias="minRam", ge=0)
    min_disk: int | None = Field(None, alias="minDisk", ge=0)
    sort_key: str = Field("flavorid", max_length=40)
    sort_dir: str = Field("asc", pattern="^(asc|desc)$")


@router.get("/flavors", response_model=FlavorsInBrief)
async def list_flavors(
    request: Request, version: Microversion, _: Known, wanted: Annotated[Wanted, Query()]
) -> Response:
    """The flavors with their names."""
    return _listed(request, version, wanted, False)


@router.get("/flavors/detail", response_model=Flavors)
async def list_flavors_in_detail(
    request: Request, version: Microversion, _: Known, wanted: Annotated[Wanted, Query()]
) -> Response:
    """The flavors with all that is known of them."""
    return _listed(request, version, wanted, True)


@router.get("/flavors/{flavor_id}", response_model=OneFlavor)
async def show_flavor(
    request: Request, flavor_id: str, version: Microversion, _: Known
) -> Response:
    """One flavor, by id only."""
    return JSONResponse({"flavor": shown(request, _found(flavor_id), version)})


@router.get("/flavors/{flavor_id}/os-extra_specs", response_model=ExtraSpecs)
async def list_extra_specs(flavor_id: str, version: Microversion, _: Known) -> Response:
    """The extra specs of a flavor."""
    return JSONResponse({"extra_specs": dict(_found(flavor_id).extra_specs)})


@router.get("/flavors/{flavor_id}/os-extra_specs/{key}", response_model=dict[str, str])
async def show_extra_spec(flavor_id: str, key: str, version: Microversion, _: Known) -> Response:
    """One extra spec of a flavor."""
    specs = _found(flavor_id).extra_specs
    if key not in specs:
        raise ApiError(404, f"Flavor {flavor_id} has no extra specs with key {key}.")
    return JSONResponse({key: specs[key]})


def _found(flavor_id: str) -> Flavor:
    flavor = catalog().flavors.get(flavor_id)
    if flavor is None:
        raise ApiError(404, f"Flavor {flavor_id} could not be found.")
    return flavor


def _listed(request: Request, version: int, wanted: Wanted, detailed: bool) -> Response:
    items, following = page(_chosen(wanted), wanted.limit, wanted.marker)
    tell = shown if detailed else _in_brief
    told: dict[str, Any] = {"flavors": [tell(request, item, version) for item in items]}
    if following is not None:
        href = next_url(request, base(request), following)
        told["flavors_links"] = [{"rel": "next", "href": href}]
    return JSONResponse(told)


def _chosen(wanted: Wanted) -> list[Flavor]:
    public = (wanted.is_public or "true").lower()
    if public not in ("true", "false", "none", "1", "0"):
        raise ApiError(400, f"Invalid is_public filter [{wanted.is_public}]")
    if wanted.sort_key not in SORT_KEYS:
        raise ApiError(400, f"Sort key {wanted.sort_key} is not supported.")
    if public in ("false", "0"):
        return []  # all of them are for everybody
    found = [
        flavor
        for flavor in catalog().flavors.values()
        if flavor.ram >= (wanted.min_ram or 0) and flavor.disk >= (wanted.min_disk or 0)
    ]
    key = SORT_KEYS[wanted.sort_key]
    found.sort(key=lambda flavor: (getattr(flavor, key), flavor.id))
    return found[::-1] if wanted.sort_dir == "desc" else found


def _links(request: Request, flavor_id: str) -> list[dict[str, str]]:
    root = base(request)
    return [
        {"rel": "self", "href": f"{root}/compute/v2.1/flavors/{flavor_id}"},
        {"rel": "bookmark", "href": f"{root}/compute/flavors/{flavor_id}"},
    ]


def _in_brief(request: Request, flavor: Flavor, version: int) -> dict[str, object]:
    told: dict[str, object] = {
        "id": flavor.id,
        "name": flavor.name,
        "links": _links(request, flavor.id),
    }
    if version >= DESCRIPTION:
        told["description"] = None
    return told


def shown(request: Request, flavor: Flavor, version: int) -> dict[str, object]:
    """The flavor as that microversion shows it."""
    told = _in_brief(request, flavor, version) | {
        "vcpus": flavor.vcpus,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "swap": 0 if version >= SWAP_A_NUMBER else "",
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": True,
        "rxtx_factor": 1.0,
    }
    if version >= EXTRA_SPECS:
        told["extra_specs"] = dict(flavor.extra_specs)
    return told
