"""The tags of declared resources: show, replace, check, add and remove them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastapi import Request
from starlette.responses import Response

from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import Schema
from ecs_fsm.serve.http.declared import C, Declared
from ecs_fsm.serve.http.fields import body_of, fields_of, invalid, respond
from ecs_fsm.serve.http.handlers import Handlers

TAGS = json.dumps(
    {"type": "array", "maxItems": 50, "items": {"type": "string", "maxLength": 255, "minLength": 1}}
)


def add_tags(kind: Declared[C], add: Handlers, one: str) -> None:
    """Add the requests for the tags of a kind; `one` is the path of a document."""
    name, many = kind.one, f"{one}/tags"

    async def change(request: Request, tags: Callable[[list[str]], list[str]]) -> list[str]:
        context = await kind.service.context(request)
        item = kind.find_own(context, request.path_params["item_id"], "update")
        new = tags([*item.get("tags", [])])
        if new != item.get("tags", []):
            kind.update(context, item, {"tags": new})
            context.cloud.resources.commit()
        return new

    async def show(request: Request) -> Response:
        return respond({"tags": await change(request, lambda tags: tags)})

    async def replace(request: Request) -> Response:
        new = (await body_of(request)).get("tags")
        reason = invalid(TAGS, new)
        if reason:
            raise ApiError(400, kind.service.text("invalid", name="tags", reason=reason))
        return respond({"tags": await change(request, lambda _: [*dict.fromkeys(new or [])])})

    async def clear(request: Request) -> Response:
        await change(request, lambda _: [])
        return Response(status_code=204)

    async def check(request: Request) -> Response:
        tag = request.path_params["tag"]
        if tag not in await change(request, lambda tags: tags):
            raise ApiError(404, f"Tag {tag} could not be found.")
        return Response(status_code=204)

    async def put(request: Request) -> Response:
        tag = request.path_params["tag"][:255]
        await change(request, lambda tags: [*dict.fromkeys([*tags, tag])])
        return Response(status_code=201)

    async def drop(request: Request) -> Response:
        tag = request.path_params["tag"]
        if tag not in await change(request, lambda tags: tags):
            raise ApiError(404, f"Tag {tag} could not be found.")
        await change(request, lambda tags: [other for other in tags if other != tag])
        return Response(status_code=204)

    schema = fields_of("tags", json.loads(TAGS))
    add.get(many, **_options(f"list_{name}_tags", 200))(show)
    add.put(many, **_options(f"replace_{name}_tags", 200, schema))(replace)
    add.delete(many, **_options(f"clear_{name}_tags", 204))(clear)
    add.get(f"{many}/{{tag}}", **_options(f"check_{name}_tag", 204))(check)
    add.put(f"{many}/{{tag}}", **_options(f"add_{name}_tag", 201))(put)
    add.delete(f"{many}/{{tag}}", **_options(f"remove_{name}_tag", 204))(drop)


def _options(name: str, code: int, schema: Schema | None = None) -> dict[str, Any]:
    extra: dict[str, Any] = {"security": [{"token": []}]}
    if schema is not None:
        extra["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return {"plain": True, "name": name, "status_code": code, "openapi_extra": extra}
