"""Which documents of a list a query selects, and in which order they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from fastapi import Request

from ecs_fsm.serve.cloud.resources import Item

NOT_FILTERS = {"limit", "marker", "sort_key", "sort_dir", "fields", "page_reverse"}
NOT_FILTERS |= {"sort", "member_status"}


class View(NamedTuple):
    """A document as a list shows it, with its id, by which pages go on."""

    id: str
    shown: Item


def rank(value: object) -> tuple[bool, str]:
    """Return what orders values of any kind, those without a value last."""
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
