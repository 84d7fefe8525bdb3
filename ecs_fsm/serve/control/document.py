"""The OpenAPI document of the server, from what is declared of its handlers.

Its errors are those that clients get.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

from ecs_fsm.io.toml import shipped
from ecs_fsm.serve.cloud.resources import tables
from ecs_fsm.serve.compute.nova_schemas import body_schema
from ecs_fsm.serve.http.api_errors import Api
from ecs_fsm.serve.http.bodies import Schema
from ecs_fsm.serve.http.handlers import LONGEST_PROJECT, Face, Handler
from ecs_fsm.serve.http.models import model_of

ERRORS: dict[str, dict[str, str]] = shipped("ecs_fsm.serve.http", "errors.toml")
ANSWERS: dict[str, Mapping[str, str]] = shipped("ecs_fsm.serve.http", "answers.toml")
TOKEN = {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}
REFERENCE = "#/components/schemas/{model}"


def openapi(title: str, version: str, description: str, faces: Iterable[Face]) -> dict[str, Any]:
    """Return the document of these handlers, with errors as each API spells them."""
    paths: dict[str, dict[str, Any]] = {}
    for face in faces:
        for handler in face.handlers.all:
            if handler.documented:
                path = face.prefix + handler.path
                paths.setdefault(path, {})[handler.method.lower()] = _operation(face, handler, path)
    schemas = {name: _of_answer(row) for name, row in ANSWERS.items()}
    schemas |= {
        name: _of_model(name) for file in tables().values() for name in file.get("models", ())
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": TOKEN}},
    }


def _operation(face: Face, handler: Handler, path: str) -> dict[str, Any]:
    """Return what the document says of a handler at a path."""
    errors, parameters = ERRORS[face.handlers.api.value], []
    for name in re.findall(r"{(\w+)}", path):
        longest = {"maxLength": LONGEST_PROJECT} if name == "project_id" else {}
        parameters.append(_parameter("path", name, {"type": "string", **longest}, required=True))
    query = _of_model(handler.query) if handler.query else {"properties": {}}
    for name, schema in query["properties"].items():
        required = name in query.get("required", ())
        parameters.append(_parameter("query", name, schema, required=required))
    if handler.header:
        parameters.append(_parameter("header", handler.header, {"type": "string"}, required=False))
    body, text = _body(handler, path), handler.description
    return {
        "tags": [errors["tag"]],
        "summary": handler.name.replace("_", " ").title(),
        "operationId": handler.name + face.suffix,
        **({"description": cleandoc(text)} if text else {}),
        "parameters": parameters,
        **({"requestBody": {**_json(body), "required": True}} if body else {}),
        "responses": _responses(handler, errors),
        "security": [{"token": []}] if "context" in handler.parameters else [],
    }


def _parameter(place: str, name: str, schema: Schema, *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _body(handler: Handler, path: str) -> Schema | None:
    """Return the schema of a body: that of Nova, of a model or of any object."""
    if "body" not in handler.parameters:
        return handler.schema
    nova = body_schema(handler.method, path) if Api.of(path) is Api.COMPUTE else None
    return {**nova} if nova else _schema(handler.body or "object")


def _responses(handler: Handler, errors: Mapping[str, str]) -> dict[str, Any]:
    """Return the answers by their status."""
    answer = _answer(handler.answer)
    if (
        handler.answer is None
        and handler.method not in ("DELETE", "HEAD")
        and handler.status_code != 204
    ):
        answer = _json({"type": "object"} if handler.status_code != 202 else {})
    error = _answer(errors.get("answer"))
    return {
        **{str(code): {"description": HTTPStatus(code).phrase} for code in handler.other_codes},
        **{code: {"description": text, **error} for code, text in errors.items() if code.isdigit()},
        str(handler.status_code): {"description": "Successful Response", **answer},
        "default": {"description": "An error.", **error},
    }


def _answer(name: str | None) -> dict[str, Any]:
    """Return what an answer has, by its name in `answers.toml` or its type of media."""
    if name is None:
        return {}
    return {"content": {name: {}}} if "/" in name else _json(_schema(name))


def _json(schema: Schema) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _of_model(name: str) -> Schema:
    """Return the schema of a model."""
    schema = model_of(name).model_json_schema(ref_template=REFERENCE)
    schema.pop("$defs", None)
    return schema


def _of_answer(row: Mapping[str, str]) -> Schema:
    """Return the schema of a table of `answers.toml`."""
    required = [key for key, value in row.items() if not value.endswith("?")]
    properties = {key: _schema(value) for key, value in row.items()}
    return {"type": "object", "properties": properties, "required": required}


def _schema(text: str) -> Schema:
    """Return the schema of a value of `answers.toml`, or of a model by its name."""
    if text.endswith("?"):
        return {"anyOf": [_schema(text[:-1]), {"type": "null"}]}
    if text.endswith("[]"):
        return {"type": "array", "items": _schema(text[:-2])}
    if text.endswith("{}"):
        return {"type": "object", "additionalProperties": _schema(text[:-2])}
    return (
        {"type": text.split("|")} if text[0].islower() else {"$ref": REFERENCE.format(model=text)}
    )
