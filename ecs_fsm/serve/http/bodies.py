"""What bodies of all APIs share: JSON, fields with their schemas, filters and pages of lists.

A page has a limit, and a marker, the id of the last item of the previous page.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import ApiError

Schema = dict[str, Any]
"""A JSON schema."""


MOST_ITEMS = 1000
"""Items of a page, whatever the limit."""


class PageItem(Protocol):
    """An item of a list."""

    @property
    def id(self) -> str | int:
        """What a marker names."""


Row = TypeVar("Row", bound=PageItem)


def page(
    items: Sequence[Row], limit: int | None, marker: str | None
) -> tuple[Sequence[Row], str | None]:
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


def is_number(text: str) -> bool:
    """Return whether a text is a whole number of at most nine digits."""
    return text.isascii() and text.isdecimal() and len(text) < 10


def limit_of(request: Request, name: str = "limit") -> int | None:
    """Return a limit of a query, None without one. Raise 400 for an invalid one."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not is_number(text):
        raise ApiError(400, f"{name} param must be an integer: {text[:40]}")
    return int(text)


def page_of(
    request: Request, base: str, items: Sequence[Row], name: str
) -> tuple[Sequence[Row], dict[str, Any]]:
    """Return the items of the page of a query, and the link to the next one by its name."""
    shown, more = page(items, limit_of(request), request.query_params.get("marker"))
    href = more and next_url(request, base, more)
    return shown, {name: [{"rel": "next", "href": href}]} if href else {}


def next_url(request: Request, base: str, marker: str) -> str:
    """Return the URL of the page after this one."""
    query = request.url.include_query_params(marker=marker).query
    return f"{base}{request.url.path}?{query}"


NAMED = {"is", "in", "default", "required", "null", "ref", "since", "until", "of", "admin", "hide"}
"""Keys of a field that are not those of its JSON schema."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field: where it may be given (`c`reate, `u`pdate, in capitals by administrators only).

    `ref` is the kind that it names, `since` the microversion that brought it, `until` the last one
    that has it, `of` the name under which the document has it. `admin` is whether only
    administrators see it, `hidden` that no answer has it.
    """

    name: str
    schema: Schema
    of: str
    where: str = ""
    default: Any = None
    required: bool = False
    ref: str | None = None
    since: int = 0
    until: float = math.inf
    admin: bool = False
    hidden: bool = False

    @classmethod
    def read(cls, name: str, row: Mapping[str, Any], types: Mapping[str, Schema]) -> Field:
        """Return the field of a row."""
        schema = {**types.get(row.get("is", ""), {})}
        schema |= {key: value for key, value in row.items() if key not in NAMED}
        if row.get("null"):
            schema["type"] = [*as_list(schema.get("type", "string")), "null"]
            if "enum" in schema:
                schema["enum"] = [*schema["enum"], None]
        known = {key: row[key] for key in row if key in NAMED - {"is", "null", "in", "hide", "of"}}
        where, hidden = row.get("in", ""), row.get("hide", False)
        return cls(name, schema, row.get("of", name), where, hidden=hidden, **known)

    def shows(self, minor: int, admin: bool) -> bool:
        """Return whether an answer at a microversion has it, for an administrator or not."""
        return not self.hidden and self.since <= minor <= self.until and (admin or not self.admin)


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, anything else as its one element."""
    return value if isinstance(value, list) else [value]


def respond(body: object, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer, which may hold any text of a client."""
    return Response(json.dumps(body), code, headers, "application/json")


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request. Raise 400 for anything else."""
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise ApiError(400, "The body is not a JSON object.")
    return body


async def action_of(request: Request) -> tuple[str, Any]:
    """Return the one key of the body of an action, and its argument. Raise 400 for other bodies."""
    body = await body_of(request)
    if len(body) != 1:
        raise ApiError(400, "Malformed request body")
    return next(iter(body.items()))


def fields_of(name: str, schema: Schema) -> Schema:
    """Return the schema of an object with one field."""
    return {"type": "object", "properties": {name: schema}, "required": [name]}


@cache
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator, FormatChecker

    return Draft202012Validator(json.loads(schema), format_checker=FormatChecker())


def invalid(schema: str, value: object) -> str | None:
    """Return what is wrong with a value by a JSON schema, None if nothing is."""
    error = next(iter(_validator(schema).iter_errors(value)), None)
    return None if error is None else str(error.message)[:300]


NOT_FILTERS = {"limit", "marker", "sort_key", "sort_dir", "fields", "page_reverse"}
NOT_FILTERS |= {"sort", "member_status"}


class View(NamedTuple):
    """A document as a list shows it, with its id, which is the marker of the next page."""

    id: str
    shown: Item


def ordered(request: Request, found: list[View]) -> list[View]:
    """Return the views in the order of the query, those without a value last."""
    query = request.query_params
    keys, ways = query.getlist("sort_key"), query.getlist("sort_dir") or ["asc"]
    for number, key in reversed([*enumerate(keys)]):
        down = ways[min(number, len(ways) - 1)] == "desc"
        found.sort(key=lambda each: _rank(each.shown.get(key)), reverse=down)
    return found


def _rank(value: object) -> tuple[bool, str]:
    if isinstance(value, int | float):
        return (False, f"{value:030.6f}")
    return (value is None, str(value or ""))


def selects(request: Request, view: Item, strict: bool) -> bool:
    """Return whether the query selects a document by its fields and tags.

    If it is `strict`, it selects none without a field of that name.
    """
    query = request.query_params
    for key in query:
        if key in NOT_FILTERS:
            continue
        texts = [text.lower() for text in query.getlist(key)]
        texts = [part.strip('"') for text in texts for part in (text[3:].split(",") if text.startswith("in:") else [text])]  # fmt: skip  # noqa: E501
        if key in TAG_FILTERS and "tags" in view:
            wanted = {tag for text in query.getlist(key) for tag in text.split(",")}
            quantor, expected = TAG_FILTERS[key]
            if quantor(tag in view["tags"] for tag in wanted) is not expected:
                return False
        elif strict if key not in view else not _matches(view[key], texts):
            return False
    return True


TAG_FILTERS: Mapping[str, tuple[Callable[[Iterable[bool]], bool], bool]] = {
    "tags": (all, True),
    "tags-any": (any, True),
    "not-tags": (all, False),
    "not-tags-any": (any, False),
}


def _matches(value: Any, texts: list[str]) -> bool:
    if isinstance(value, bool):
        return ("true" if value else "false") in [{"1": "true", "0": "false"}.get(t, t) for t in texts]  # fmt: skip  # noqa: E501
    if isinstance(value, list):
        flat = [part for each in value for part in _parts(each)]
        return all(text in flat for text in texts)
    if isinstance(value, dict):
        return True
    return str("" if value is None else value).lower() in texts


def _parts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{key}={each}".lower() for key, each in value.items()]
    return [str(value).lower()]
