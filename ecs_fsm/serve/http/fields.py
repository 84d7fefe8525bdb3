"""Fields of declared resources, and the JSON that requests bring and answers take away."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from fastapi import Request
from starlette.responses import Response

from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Schema

NAMED = {"is", "in", "default", "required", "null", "ref", "since", "hide", "alias"}
"""Keys of a field that are not those of its JSON schema."""


class Field(NamedTuple):
    """A field: where it may be given (`c`reate, `u`pdate, in capitals by administrators only).

    `ref` is the kind that it names, `since` the microversion that brought it.
    """

    name: str
    schema: Schema
    where: str
    default: Any
    required: bool
    ref: str | None
    since: int
    hidden: bool

    @classmethod
    def of(cls, name: str, row: Mapping[str, Any], types: Mapping[str, Schema]) -> Field:
        """Return the field of a row."""
        schema = {**types.get(row.get("is", ""), {})}
        schema |= {key: value for key, value in row.items() if key not in NAMED}
        if row.get("null"):
            schema["type"] = [*as_list(schema.get("type", "string")), "null"]
            if "enum" in schema:
                schema["enum"] = [*schema["enum"], None]
        return cls(
            name,
            schema,
            row.get("in", ""),
            row.get("default"),
            row.get("required", False),
            row.get("ref"),
            row.get("since", 0),
            row.get("hide", False),
        )


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, anything else as its one element."""
    return value if isinstance(value, list) else [value]


def respond(body: object, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer, which may hold any text of a client."""
    return Response(json.dumps(body), code, headers, "application/json")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request. Raise 400 for anything else."""
    try:
        body = json.loads(await request.body(), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise ApiError(400, "The body is not a JSON object.")
    return body


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
