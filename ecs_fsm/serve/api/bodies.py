"""What the bodies of all services have in common: keys that nobody knows are ignored."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A JSON object of which only the named keys are read."""

    model_config = ConfigDict(extra="ignore")


class Link(Body):
    """Where something is."""

    rel: str
    href: str


class ComputeFault(Body):
    """What is in an error of the compute service."""

    code: int
    message: str


Responses = dict[int | str, dict[str, Any]]


def errors(model: object, **told: str) -> Responses:
    """Answers for a document of an API, such as `_404="there is none"`."""
    return {int(code[1:]): {"model": model, "description": text} for code, text in told.items()}


COMPUTE_ERRORS = errors(
    dict[str, ComputeFault],
    _400="The request does not read.",
    _401="There is no good token.",
    _403="Only an administrator may ask this.",
    _404="There is no such thing.",
    _406="The microversion is out of range.",
)
