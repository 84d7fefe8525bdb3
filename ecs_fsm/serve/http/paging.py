"""Lists page by page: a limit, and a marker, the id of the last item of the previous page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol, TypeVar

from fastapi import Query, Request

from ecs_fsm.serve.http.errors import ApiError

MOST = 1000
"""Items of a page, whatever the limit."""

Limit = Annotated[int | None, Query(ge=0)]
Marker = Annotated[str | None, Query(max_length=255)]


class Identified(Protocol):
    """An item of a list."""

    @property
    def id(self) -> str:
        """What a marker names."""


Item = TypeVar("Item", bound=Identified)


def page(
    items: Sequence[Item], limit: int | None, marker: str | None
) -> tuple[Sequence[Item], str | None]:
    """Return the items after the marker, and the marker of the next page if there is one.

    Raise 400 for an unknown marker.
    """
    first = 0
    if marker:
        found = next((at for at, item in enumerate(items) if item.id == marker), None)
        if found is None:
            raise ApiError(400, f"marker [{marker}] not found")
        first = found + 1
    count = MOST if limit is None else min(limit, MOST)
    shown = items[first : first + count]
    more = bool(shown) and first + count < len(items)
    return shown, shown[-1].id if more else None


def next_url(request: Request, base: str, marker: str) -> str:
    """Return the URL of the page after this one."""
    query = request.url.include_query_params(marker=marker).query
    return f"{base}{request.url.path}?{query}"
