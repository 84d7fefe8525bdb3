"""The OpenAPI document of the server, which tells of errors as each service spells them.

The framework alone would promise its own shape of a 422, which nobody gets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from ecs_fsm.serve.http.bodies import COMPUTE_FAULT, Schema, fields
from ecs_fsm.serve.http.errors import Service
from ecs_fsm.serve.network.network import NETWORK_ERROR

_NUMBERED = fields("code", "message", code="integer", message="string", title="string")
_WORDED = fields("code", "message", code="string", message="string")
ERRORS: dict[Service, Schema] = {
    Service.IDENTITY: fields("error", error=_NUMBERED),
    Service.COMPUTE: COMPUTE_FAULT,
    Service.NETWORK: NETWORK_ERROR,
    Service.HUAWEI: fields("error", error=_WORDED),
    Service.CONTROL: fields("error", error=_NUMBERED),
}
"""The body of an error by service; that of the image service is a page."""
OF_THE_FRAMEWORK = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI, framework: Callable[[], dict[str, Any]]) -> None:
    """Has the application tell the framework's document with errors as they are, made once."""

    def told() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = framework()
            _mended(app.openapi_schema)
        return app.openapi_schema

    app.openapi = told  # type: ignore[method-assign]


def _mended(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        schema = ERRORS.get(Service.of(path))
        content = {"text/html": {}} if schema is None else {"application/json": {"schema": schema}}
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"description": "An error.", "content": content}
    for name in OF_THE_FRAMEWORK:
        document["components"]["schemas"].pop(name, None)
