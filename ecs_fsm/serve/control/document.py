"""The OpenAPI document of the server.

Its errors are those that clients get; FastAPI alone would document its own 422, which is never
sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI

from ecs_fsm.serve.http.api_errors import Api
from ecs_fsm.serve.http.bodies import COMPUTE_FAULT, Schema, fields
from ecs_fsm.serve.http.handlers import Face
from ecs_fsm.serve.network.routes import NETWORK_ERROR

_NUMBERED = fields("code", "message", code="integer", message="string", title="string")
_WORDED = fields("code", "message", code="string", message="string")
ERRORS: dict[Api, Schema] = {
    Api.IDENTITY: fields("error", error=_NUMBERED),
    Api.COMPUTE: COMPUTE_FAULT,
    Api.NETWORK: NETWORK_ERROR,
    Api.VOLUME: COMPUTE_FAULT,
    Api.HUAWEI: fields("error", error=_WORDED),
    Api.CONTROL: fields("error", error=_NUMBERED),
}
"""The body of an error by API; that of the image API is a page."""
OF_THE_FRAMEWORK = ("HTTPValidationError", "ValidationError")


def openapi(title: str, version: str, description: str, faces: Iterable[Face]) -> dict[str, Any]:
    """Return the document of these handlers, with errors as each API spells them."""
    app = FastAPI(title=title, version=version, description=description)
    for face in faces:
        face.document(app)
    document = app.openapi()
    _replace_errors(document)
    return document


def _replace_errors(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        schema = ERRORS.get(Api.of(path))
        content = {"text/html": {}} if schema is None else {"application/json": {"schema": schema}}
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"description": "An error.", "content": content}
    for name in OF_THE_FRAMEWORK:
        document["components"]["schemas"].pop(name, None)
