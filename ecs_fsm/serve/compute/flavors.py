"""Flavors: the list, its details, one by id, and their extra specs.

A flavor is not found by its name here, so clients look for it in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from starlette.responses import JSONResponse, Response

from ecs_fsm.serve.cloud.catalog import Flavor, catalog
from ecs_fsm.serve.compute.api import ComputeContext, Versioned
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, Body, Limit, LinkBody, Marker, next_url, page
from ecs_fsm.serve.http.context import Microversion
from ecs_fsm.serve.http.handlers import Handlers

DESCRIPTION, EXTRA_SPECS, SWAP_A_NUMBER = 55, 61, 75
"""Microversions from which a flavor shows these."""
SORT_KEYS: Mapping[str, Callable[[Flavor], str | int]] = {
    "flavorid": lambda flavor: flavor.id,
    "id": lambda flavor: flavor.id,
    "name": lambda flavor: flavor.name,
    "vcpus": lambda flavor: flavor.vcpus,
    "memory_mb": lambda flavor: flavor.ram,
    "root_gb": lambda flavor: flavor.disk,
}
"""Keys to order flavors by."""


class BriefFlavor(Body):
    """A flavor in the short list."""

    id: str
    name: str
    links: list[LinkBody]


class DetailedFlavor(BriefFlavor):
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


class BriefFlavorList(Body):
    """The short list."""

    flavors: list[BriefFlavor]
    flavors_links: list[LinkBody] | None = None


class FlavorList(Body):
    """The list in detail."""

    flavors: list[DetailedFlavor]
    flavors_links: list[LinkBody] | None = None


class OneFlavor(Body):
    """One flavor."""

    flavor: DetailedFlavor


class ExtraSpecs(Body):
    """The extra specs of a flavor."""

    extra_specs: dict[str, str]


# The handlers negotiate the microversion before they authenticate the caller, unlike others: their
# answers to callers without a valid token have the version in their headers.
router = Handlers(tags=["flavors"], responses=COMPUTE_ERRORS)


class FlavorQuery(Body):
    """Filters, the order and the page of a list of flavors."""

    limit: Limit = None
    marker: Marker = None
    is_public: str | None = Field(None, max_length=20)
    min_ram: int | None = Field(None, alias="minRam", ge=0)
    min_disk: int | None = Field(None, alias="minDisk", ge=0)
    sort_key: str = Field("flavorid", max_length=40)
    sort_dir: str = Field("asc", pattern="^(asc|desc)$")


@router.get("/flavors", response_model=BriefFlavorList)
async def list_flavors(
    _: Microversion, context: Versioned, query: Annotated[FlavorQuery, Query()]
) -> Response:
    """The flavors with their names."""
    return _list(context, query, detailed=False)


@router.get("/flavors/detail", response_model=FlavorList)
async def list_flavors_in_detail(
    _: Microversion, context: Versioned, query: Annotated[FlavorQuery, Query()]
) -> Response:
    """The flavors with their details."""
    return _list(context, query, detailed=True)


@router.get("/flavors/{flavor_id}", response_model=OneFlavor)
async def show_flavor(_: Microversion, context: Versioned, flavor_id: str) -> Response:
    """One flavor, by id only."""
    return JSONResponse({"flavor": _detailed(context, _found(flavor_id))})


@router.get("/flavors/{flavor_id}/os-extra_specs", response_model=ExtraSpecs)
async def list_extra_specs(_: Microversion, context: Versioned, flavor_id: str) -> Response:
    """The extra specs of a flavor."""
    return JSONResponse({"extra_specs": dict(_found(flavor_id).extra_specs)})


@router.get("/flavors/{flavor_id}/os-extra_specs/{key}", response_model=dict[str, str])
async def show_extra_spec(
    _: Microversion, context: Versioned, flavor_id: str, key: str
) -> Response:
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


def _list(context: ComputeContext, query: FlavorQuery, *, detailed: bool) -> Response:
    items, following = page(_select(query), query.limit, query.marker)
    view = _detailed if detailed else _brief
    body: dict[str, Any] = {"flavors": [view(context, item) for item in items]}
    if following is not None:
        href = next_url(context.request, context.base, following)
        body["flavors_links"] = [{"rel": "next", "href": href}]
    return JSONResponse(body)


def _select(query: FlavorQuery) -> list[Flavor]:
    public = (query.is_public or "true").lower()
    if public not in ("true", "false", "none", "1", "0"):
        raise ApiError(400, f"Invalid is_public filter [{query.is_public}]")
    if query.sort_key not in SORT_KEYS:
        raise ApiError(400, f"Sort key {query.sort_key} is not supported.")
    if public in ("false", "0"):
        return []  # all flavors are public
    found = [
        flavor
        for flavor in catalog().flavors.values()
        if flavor.ram >= (query.min_ram or 0) and flavor.disk >= (query.min_disk or 0)
    ]
    key = SORT_KEYS[query.sort_key]
    found.sort(key=lambda flavor: (key(flavor), flavor.id))
    return found[::-1] if query.sort_dir == "desc" else found


def _links(root: str, flavor_id: str) -> list[dict[str, str]]:
    return [
        {"rel": "self", "href": f"{root}/compute/v2.1/flavors/{flavor_id}"},
        {"rel": "bookmark", "href": f"{root}/compute/flavors/{flavor_id}"},
    ]


def _brief(context: ComputeContext, flavor: Flavor) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": flavor.id,
        "name": flavor.name,
        "links": _links(context.base, flavor.id),
    }
    if context.minor >= DESCRIPTION:
        shown["description"] = None
    return shown


def _detailed(context: ComputeContext, flavor: Flavor) -> dict[str, object]:
    """Return a flavor with all fields of the microversion."""
    shown = _brief(context, flavor) | {
        "vcpus": flavor.vcpus,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "swap": 0 if context.minor >= SWAP_A_NUMBER else "",
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": True,
        "rxtx_factor": 1.0,
    }
    if context.minor >= EXTRA_SPECS:
        shown["extra_specs"] = dict(flavor.extra_specs)
    return shown
