"""Models of bodies and queries, as the `[models]` of the files of services declare them.

A model has its meaning (`about`), and may be `strict`: then it refuses unknown keys. Its fields are
JSON schemas like those of resources (see `network/network.toml`): `model` names another model,
`any` lists several schemas, and `alias` is the key in bodies. What is not required is None,
or its `default`, where it is absent. A model that is not an object with fields is `of` a schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, create_model

from ecs_fsm.serve.cloud.resources import Item, tables

TYPES: Mapping[str, type] = {"string": str, "integer": int, "number": float, "boolean": bool}
BOUNDS = {
    **{"minimum": "ge", "maximum": "le", "pattern": "pattern"},
    **dict.fromkeys(("minLength", "minItems", "minProperties"), "min_length"),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties"), "max_length"),
}
"""The names that pydantic has for bounds of JSON schemas."""


def not_blank(text: str) -> str:
    """Return a text with printable content on one line. Raise `ValueError` for others."""
    if not text.strip():
        raise ValueError("it is blank")
    if unprintable := next((c for c in text if not (c.isprintable() or c.isspace())), None):
        raise ValueError(f"a character in it does not print: {unprintable!a}")
    if any(c in text for c in "\r\n"):
        raise ValueError("it has more than one line")
    return text


FORMATS = {"line": AfterValidator(not_blank)}


@cache
def model_of(name: str) -> type[BaseModel]:
    """Return the model of that name."""
    written = next(each for each in tables().values() if name in each.get("models", {}))
    row, types = written["models"][name], written.get("types", {})
    if "of" in row:
        base: Any = RootModel[_type(row["of"], types)]  # type: ignore[misc]
        return create_model(name, __base__=base, __doc__=row["about"])
    config = ConfigDict(extra="forbid" if row.get("strict") else "ignore")
    fields: dict[str, Any] = {
        key: _field(field, types) for key, field in row.items() if isinstance(field, dict)
    }
    return create_model(name, __config__=config, __doc__=row["about"], **fields)


def _field(row: Item, types: Mapping[str, Item]) -> Any:
    """Return the type and the default of a field."""
    kind, default = _type(row, types), row.get("default")
    if row.get("required"):
        return kind, Field(alias=row.get("alias"))
    return kind | None if default is None else kind, Field(default, alias=row.get("alias"))


def _type(row: Item, types: Mapping[str, Item]) -> Any:
    """Return the type of a JSON schema."""
    schema = {**types.get(row.get("is", ""), {}), **row}
    if "model" in schema:
        return model_of(schema["model"])
    if "any" in schema:
        return reduce(or_, (_type(one, types) for one in schema["any"]))
    if "type" not in schema and "enum" not in schema:
        return Any
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    found: Any = TYPES.get(schema["type"])
    if schema["type"] == "array":
        found = list[_type(schema["items"], types)]  # type: ignore[misc]
    elif schema["type"] == "object":
        names = _type(schema.get("propertyNames", {"type": "string"}), types)
        found = dict[names, _type(schema["additionalProperties"], types)]  # type: ignore[misc, valid-type]
    bounds: Item = {BOUNDS[key]: schema[key] for key in BOUNDS if key in schema}
    form = [FORMATS[schema["format"]]] if "format" in schema else []
    return Annotated[(found, Field(**bounds), *form)]
