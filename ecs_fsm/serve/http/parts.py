"""Parts of declared resources: tags, entries by key, and the projects with access."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.responses import Response

from ecs_fsm.serve.cloud.resources import MOST_OF_A_KIND, Item
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import action_of, body_of, fields_of, invalid, respond
from ecs_fsm.serve.http.declared import C, Declared
from ecs_fsm.serve.http.handlers import Handlers

MOST_TAGS = 50
TAGS = json.dumps(
    {
        "type": "array",
        "maxItems": MOST_TAGS,
        "items": {"type": "string", "maxLength": 255, "minLength": 1},
    }
)
OF_TAGS = (
    *(("", "GET", "list", 200), ("", "PUT", "replace", 200), ("", "DELETE", "clear", 204)),
    *(("/{tag}", "GET", "check", 204), ("/{tag}", "PUT", "add", 201)),
    ("/{tag}", "DELETE", "remove", 204),
)
OF_ENTRIES = (
    *(("", "GET", "list", 200), ("", "POST", "set", 200), ("", "PUT", "replace", 200)),
    *(("/{key}", "GET", "show", 200), ("/{key}", "PUT", "set", 200)),
    ("/{key}", "DELETE", "delete", 204),
)
"""The requests for parts: where, the method, the verb of the name, and the status of the answer."""


def add_parts(kind: Declared[C], add: Handlers, one: str) -> None:
    """Add the requests for the parts of a kind; `one` is the path of a document.

    Their names follow from that of the kind, unless the part has them (`called`).
    """
    if how := kind.row.get("tags"):
        how = {} if how is True else how
        usual = [f"{verb}_{kind.one}_tag{'' if at else 's'}" for at, _, verb, _ in OF_TAGS]
        answer, schema = partial(_tags, kind, how), fields_of("tags", json.loads(TAGS))
        for name, (at, method, verb, code) in zip(how.get("called", usual), OF_TAGS, strict=True):
            body = schema if verb == "replace" else None
            add.add(method, f"{one}/tags{at}", name=name, status_code=code, schema=body)(answer)
    for field, how in kind.row.get("entries", {}).items():
        many, answer = f"{one}/{how.get('path', field)}", partial(_entries, kind, field, how)
        called, gone = f"{kind.one}_{how.get('key', field)}", how.get("gone", 200)
        usual = [f"{verb}_{called}{'_item' if at else ''}" for at, _, verb, _ in OF_ENTRIES]
        for name, (at, method, verb, code) in zip(
            how.get("called", usual), OF_ENTRIES, strict=True
        ):
            if verb != "replace" or "one" in how:
                status = gone if verb == "delete" else code
                add.add(method, f"{many}{at}", name=name, status_code=status)(answer)
    if how := kind.row.get("access"):
        answer = partial(_access, kind)
        add.get(f"{one}/{how['path']}", name=f"list_{kind.one}_access")(answer)
        add.post(f"{one}/action", name=f"act_on_{kind.one}", status_code=how["code"])(answer)


def _item_of(kind: Declared[C], context: C, *, own: bool) -> Item:
    """Return the document of a request, which the caller may change if it is its `own`."""
    item_id = context.request.path_params[kind.id]
    return kind.find_own(context, item_id, "update") if own else kind.find(context, item_id)


async def _tags(kind: Declared[C], how: Mapping[str, Any], context: C) -> Response:
    request, method = context.request, context.request.method
    item, tag = _item_of(kind, context, own=True), request.path_params.get("tag")
    old, headers = [*item.get("tags", [])], {}
    new = old if method == "GET" else [one for one in old if tag not in (None, one)]
    if tag is not None and method == "PUT":
        if reason := invalid(json.dumps(how.get("schema", {})), tag):
            raise kind.service.error(400, "tag", tag=tag, reason=reason)
        if tag in old and "again" in how:
            return Response(status_code=how["again"])
        if len(old) >= how.get("most", MOST_OF_A_KIND):
            raise kind.service.error(400, "tags", most=how["most"])
        new = [*dict.fromkeys([*old, tag[:255]])]
        headers = {"Location": context.base + request.scope["path"]} if how else {}
    elif tag is not None and tag not in old:
        text = how.get("missing", "Tag {tag} could not be found.")
        raise ApiError(404, text.format(id=item["id"], tag=tag))
    elif method == "PUT":
        new = (await body_of(request)).get("tags") or []
        if reason := invalid(TAGS, new):
            raise kind.service.error(400, "invalid", name="tags", reason=reason)
        new = [*dict.fromkeys(new)]
    if new != old:
        kind.update(context, item, {"tags": new})
    if tag is None and method != "DELETE":
        return respond({"tags": new})
    return Response(status_code=201 if method == "PUT" else 204, headers=headers)


async def _entries(kind: Declared[C], field: str, how: Mapping[str, Any], context: C) -> Response:
    name = how.get("key", field)
    request, method = context.request, context.request.method
    body = await body_of(request) if method in ("POST", "PUT") else {}
    if method != "GET":
        kind.allow(context, how.get("verb", "update"))
    key, item = request.path_params.get("key"), _item_of(kind, context, own=method != "GET")
    old, wrapper = {**(item.get(field) or {})}, how.get("one")
    if key is not None and method in ("GET", "DELETE") and key not in old:
        raise ApiError(404, how["missing"].format(id=item["id"], key=key[:255]))
    given: Any = old if key is None else {key: old.get(key)}
    if method in ("POST", "PUT"):
        given = body.get(name) if key is None else body.get(wrapper) if wrapper else body
        if not isinstance(given, dict) or (key is not None and key not in given):
            raise ApiError(400, "Request body and URI mismatch")
        given = given if key is None else {key: given[key]}
    kept = {} if method == "PUT" and key is None else old
    new = kept | given if method != "DELETE" else {n: v for n, v in old.items() if n != key}
    if method != "GET":
        kind.check(context, kind.fields[field], new, "u")
        kind.update(context, item, {field: {name: str(value) for name, value in new.items()}})
    if method == "DELETE":
        return Response(status_code=how.get("gone", 200))
    if key is None:
        return respond({name: new if wrapper else given})
    return respond({wrapper: given} if wrapper else given)


async def _access(kind: Declared[C], context: C) -> Response:
    how = kind.row["access"]
    request = context.request
    kind.allow(context, "access")
    item = _item_of(kind, context, own=False)
    public, access = item.get(how["public"], True), item.get("access", [])
    words = {"id": item["id"], "project": ""}
    if request.method == "POST":
        action, argument = await action_of(request)
        project = argument.get(how["argument"]) if isinstance(argument, dict) else None
        if action not in how["actions"] or not isinstance(project, str):
            expected = " or ".join(how["actions"])
            raise ApiError(400, f"expected {expected} with a {how['argument']}")
        words["project"], adds = project, action == how["actions"][0]
        if public and adds:
            raise ApiError(how["public_code"], how["public_text"])
        if (project in access) is adds:
            text = how["there" if adds else "not_there"]
            raise ApiError(409 if adds else 404, text.format(**words))
        access = [*access, project] if adds else [one for one in access if one != project]
        kind.shelf(context).change(item, access=access)
    elif public:
        raise ApiError(404, how["hidden"])
    if request.method == "POST" and how["code"] == 202:
        return Response(status_code=202)
    rows = [{f"{kind.one}_id": item["id"], how["owner"]: project} for project in access]
    return respond({f"{kind.one}_access": rows})
