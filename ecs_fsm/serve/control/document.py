"""The OpenAPI document of the server.

Its errors are those that clients get; FastAPI alone would document its own 422, which is never
sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Body, FastAPI, Path, Query, Security
from fastapi.security import APIKeyHeader

from ecs_fsm.io.toml import shipped
from ecs_fsm.serve.compute.nova_schemas import body_schema
from ecs_fsm.serve.http.api_errors import Api
from ecs_fsm.serve.http.handlers import LONGEST_PROJECT, Face, Handler, answered
from ecs_fsm.serve.http.models import model_of

ERRORS: dict[str, dict[str, str]] = shipped("ecs_fsm.serve.http", "errors.toml")
MODELS = ("body", "query")
TOKEN = APIKeyHeader(name="X-Auth-Token", scheme_name="token", auto_error=False)
OF_THE_FRAMEWORK = ("HTTPValidationError", "ValidationError")


def openapi(title: str, version: str, description: str, faces: Iterable[Face]) -> dict[str, Any]:
    """Return the document of these handlers, with errors as each API spells them."""
    app = FastAPI(title=title, version=version, description=description)
    for face in faces:
        for handler in face.handlers.all:
            _add(app, face, handler)
    document = app.openapi()
    _replace_errors(document)
    return document


def _add(app: FastAPI, face: Face, handler: Handler) -> None:
    """Add a handler at a place to an application that only makes the document."""
    common, options, path = face.handlers, {**handler.options}, face.prefix + handler.path
    errors = ERRORS[common.api.value]
    options["responses"] = {
        **{
            int(c): {"description": t, **_form(common.api)}
            for c, t in errors.items()
            if c.isdigit()
        },
        **options.get("responses", {}),
    }
    if (answer := options.pop("answer", None)) is not None:
        shown = {"description": "Successful Response", **answered(answer)}
        options["responses"] |= {options.get("status_code", 200): shown}
    if "body" in handler.parameters and (schema := _of_nova(handler, path)):
        body = {"content": {"application/json": {"schema": schema}}, "required": True}
        options["openapi_extra"] = {"requestBody": body}
    app.add_api_route(
        path,
        _signed(handler, path),
        methods=[handler.method],
        tags=[errors["tag"]],
        dependencies=[Security(TOKEN)] if "context" in handler.parameters else [],
        generate_unique_id_function=lambda route: route.name + face.suffix,
        **{"name": handler.name, **{k: v for k, v in options.items() if k not in MODELS}},
    )


def _of_nova(handler: Handler, path: str) -> Mapping[str, Any] | None:
    """Return the schema of a body of the compute API, None if Nova has none."""
    return body_schema(handler.method, path) if Api.of(path) is Api.COMPUTE else None


def _signed(handler: Handler, path: str) -> Callable[..., None]:
    """Return a function that has the parameters of a handler as FastAPI reads them."""

    def function() -> None: ...

    function.__doc__ = handler.function.__doc__
    function.__signature__ = Signature([*_parameters(handler, path)])  # type: ignore[attr-defined]
    return function


def _parameters(handler: Handler, path: str) -> Iterator[Parameter]:
    ids = re.findall(r"{(\w+)}", path)
    for name in ids:
        longest = LONGEST_PROJECT if name == "project_id" else None
        text = Annotated[str, Path(max_length=longest)]
        yield Parameter(name, Parameter.KEYWORD_ONLY, annotation=text)
    for name, own in handler.parameters.items():
        if name not in ("request", "context", *ids) and not _of_nova(handler, path):
            kind = _type_of(handler, name), Body() if name == "body" else Query()
            yield own.replace(kind=Parameter.KEYWORD_ONLY, annotation=Annotated[kind])


def _type_of(handler: Handler, name: str) -> Any:
    """Return the type of the body or the query of a handler."""
    return model_of(handler.options[name]) if name in handler.options else dict[str, Any]


def _form(api: Api) -> dict[str, Any]:
    """Return the content of an error of an API; that of the image API is a page."""
    answer = ERRORS[api.value].get("answer")
    return answered(answer) if answer else {"content": {"text/html": {}}}


def _replace_errors(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        error = {"description": "An error.", **_form(Api.of(path))}
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = error
    for name in OF_THE_FRAMEWORK:
        document["components"]["schemas"].pop(name, None)
