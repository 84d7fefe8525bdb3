"""What bodies of all APIs share: unknown keys are ignored, and schemas of errors."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from ecs_fsm.serve.http.handlers import Responses


class Body(BaseModel):
    """A JSON object of which only the named keys are read."""

    model_config = ConfigDict(extra="ignore")


class Link(Body):
    """A link to a resource."""

    rel: str
    href: str


class Version(Body):
    """A version of an API in a version document."""

    id: str
    status: str
    version: str
    min_version: str
    updated: str
    links: list[Link]


class OneVersion(Body):
    """The document of one version."""

    version: Version


class Versions(Body):
    """The list of versions."""

    versions: list[Version]


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
    """Return errors for the document of an API, such as `_404="There is no such thing."`.

    FastAPI would compile models again for each route.
    """
    content = {"application/json": {"schema": schema}}
    return {
        int(code[1:]): {"content": content, "description": t} for code, t in descriptions.items()
    }


COMPUTE_ERRORS = errors(
    COMPUTE_FAULT,
    _400="The request does not read.",
    _401="There is no good token.",
    _403="Only an administrator may ask this.",
    _404="There is no such thing.",
    _406="The microversion is out of range.",
)
