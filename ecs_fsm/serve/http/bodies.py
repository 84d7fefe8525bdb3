"""What bodies of all APIs share: unknown keys are ignored, errors have schemas, lists have pages.

A page has a limit, and a marker, the id of the last item of the previous page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict

from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.handlers import Responses


class Body(BaseModel):
    """A JSON object of which only the named keys are read."""

    model_config = ConfigDict(extra="ignore")


Schema = dict[str, Any]
"""A JSON schema."""


def fields(*required: str, **properties: str | Schema) -> Schema:
    """Return the schema of an object; each property is a schema or the name of a type."""
    kinds = {n: {"type": k} if isinstance(k, str) else k for n, k in properties.items()}
    return {"type": "object", "properties": kinds, "required": [*required]}


COMPUTE_FAULT: Schema = {
    "type": "object",
    "additionalProperties": fields("code", "message", code="integer", message="string"),
}
"""An error of the compute API, in an object whose key depends on the code."""


def errors(schema: Schema, **descriptions: str) -> Responses:
    """Return errors for the document of an API, such as `_404="Not found."`.

    FastAPI would compile models again for each route.
    """
    content = {"application/json": {"schema": schema}}
    return {
        int(code[1:]): {"content": content, "description": t} for code, t in descriptions.items()
    }


COMPUTE_ERRORS = errors(
    COMPUTE_FAULT,
    _400="The request does not read.",
    _401="No valid token.",
    _403="Only an administrator may ask this.",
    _404="Not found.",
    _406="The microversion is out of range.",
)

MOST_ITEMS = 1000
"""Items of a page, whatever the limit."""

Limit = Annotated[int | None, Query(ge=0)]
Marker = str | None


class PageItem(Protocol):
    """An item of a list."""

    @property
    def id(self) -> str | int:
        """What a marker names."""


Item = TypeVar("Item", bound=PageItem)


def page(
    items: Sequence[Item], limit: int | None, marker: str | None
) -> tuple[Sequence[Item], str | None]:
    """Return the items after the marker, and the marker of the next page if there is one.

    Raise 400 for an unknown marker.
    """
    first = 0
    if marker:
        found = next((at for at, item in enumerate(items) if str(item.id) == marker), None)
        if found is None:
            raise ApiError(400, f"marker [{marker[:255]}] not found")
        first = found + 1
    count = MOST_ITEMS if limit is None else min(limit, MOST_ITEMS)
    shown = items[first : first + count]
    more = bool(shown) and first + count < len(items)
    return shown, str(shown[-1].id) if more else None


def limit_of(request: Request) -> int | None:
    """Return the limit of a query, None without one. Raise 400 for an invalid one."""
    text = request.query_params.get("limit")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ApiError(400, f"limit param must be an integer: {text[:40]}")
    return int(text)


def page_of(
    request: Request, base: str, items: Sequence[Item], name: str
) -> tuple[Sequence[Item], dict[str, Any]]:
    """Return the items of the page of a query, and the link to the next one by its name."""
    shown, more = page(items, limit_of(request), request.query_params.get("marker"))
    href = more and next_url(request, base, more)
    return shown, {name: [{"rel": "next", "href": href}]} if href else {}


def next_url(request: Request, base: str, marker: str) -> str:
    """Return the URL of the page after this one."""
    query = request.url.include_query_params(marker=marker).query
    return f"{base}{request.url.path}?{query}"
