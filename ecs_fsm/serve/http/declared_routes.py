"""The routes of what a service declares: resources, their parts and quotas.

Parts are tags, entries by key, and the projects with access.

The `[quotas]` of a service's file say: `path` and `called` are where they are and how they are
called, `key` is that of their bodies, `default` and `detail` the ends of further paths, `used` a
key of a detail, `least` the text of the refusal of a quota below what is used, `known` whether
unknown names are refused, `ids` whether answers have the id of the project, `gone` the status of a
removal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic

from starlette.responses import Response

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.resources import MOST_OF_A_KIND, Item
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import MOST_ITEMS, action_of, body_of, fields_of, invalid, respond
from ecs_fsm.serve.http.declared import C, Declared, DeclaredService
from ecs_fsm.serve.http.handlers import Handlers

NOTHING_SHOWN = 202
"""The status of a change that is only accepted."""


def _item_of(kind: Declared[C], context: C, verb: str | None = None) -> Item:
    """Return the document of a request, for a change one that the caller may change."""
    item_id = context.request.path_params[kind.id]
    return kind.find(context, item_id) if verb is None else kind.find_own(context, item_id, verb)


def _show(kind: Declared[C], context: C) -> Response:
    item = _item_of(kind, context)
    return respond(kind.wrapped(kind.shown(context, item)))


async def _create(kind: Declared[C], context: C) -> Response:
    """Make a document, or several: either all or none."""
    kind.allow(context, "create")
    body, form = await body_of(context.request), kind.service.form
    several = body.get(kind.many) if form.get("bulk") and kind.many != kind.one else None
    given = [body if form.get("unwrapped") else body.get(kind.one)]
    given = several[:MOST_ITEMS] if isinstance(several, list) else given
    checked, made = [kind.checked(context, one, "c") for one in given], list[Item]()
    try:
        for one in checked:
            made.append(kind.create(context, one))
    except (ApiError, InvalidInput):
        for item in made:
            kind.shelf(context).drop(item["id"])
        raise
    if not isinstance(several, list):
        return kind.answer_new(context, made[0])
    views = [kind.shown(context, item) for item in made]
    return respond({kind.many: views}, kind.code(context, "create"))


async def _update(kind: Declared[C], context: C) -> Response:
    kind.allow(context, "update")
    item, body = _item_of(kind, context, "update"), await body_of(context.request)
    new = kind.update(context, item, kind.checked(context, body.get(kind.one), "u"))
    code = kind.code(context, "update")
    if code == NOTHING_SHOWN:
        return Response(status_code=code)
    return respond(kind.wrapped(kind.shown(context, new)), code)


def _delete(kind: Declared[C], context: C) -> Response:
    kind.allow(context, "delete")
    kind.delete(context, _item_of(kind, context, "delete"))
    return Response(status_code=kind.code(context, "delete"))


DETAILED = "i"
REQUESTS: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
    *(("l", "list", "GET", Declared.answer_list), ("c", "create", "POST", _create)),
    *((DETAILED, "list_in_detail", "GET", Declared.answer_list), ("s", "show", "GET", _show)),
    *(("u", "update", "PUT", _update), ("d", "delete", "DELETE", _delete)),
)
"""The requests of a kind: the letter among its verbs, the verb of the name, method and answer."""


def serve(service: DeclaredService[C], special: Mapping[str, type[Declared[C]]]) -> None:
    """Add the routes of all kinds; `special` has the classes of those with methods."""
    form, add = service.form, service.handlers.add
    for name, row in service.written["kinds"].items():
        kind = service.kinds[name] = special.get(name, Declared)(service, name)
        one = f"{kind.path}/{{{kind.id}}}"
        verbs: str = row.get("verbs", "lscud")
        verbs += DETAILED if "d" in row.get("lists", form.get("lists", "")) else ""
        places = {"l": kind.path, "c": kind.path, DETAILED: f"{kind.path}/detail"}
        kind.add_more(service.handlers, one)
        for letter, verb, method, answer in REQUESTS:
            if letter in verbs:
                at, how = places.get(letter, one), form["update"] if letter == "u" else method
                also = [at + more for more in form.get("also", ())]
                add(how, at, *also, **_fields(kind, verb))(partial(answer, kind))
        _add_parts(kind, service.handlers, one)


def _fields(kind: Declared[C], verb: str) -> dict[str, Any]:
    """Return the fields of a handler, with the schema of its body if it has one."""
    row, schema = kind.row, kind.schemas[verb[0]] if verb in ("create", "update") else None
    if schema and not kind.service.form.get("unwrapped"):
        schema = fields_of(kind.one, schema)
    what, _, how = verb.partition("_")
    called = row.get("called_many", kind.many) if what == "list" else row.get("called", kind.one)
    name = row.get("names", {}).get(verb, "_".join(filter(None, (what, called, how))))
    return {
        **{"name": name, "status_code": kind.codes.get(verb, 200), "schema": schema},
        "answer": row.get("answers", {}).get(verb),
        "other_codes": row.get("other_codes", {}).get(verb, ()),
    }


TAG = {"type": "string", "maxLength": 255, "minLength": 1}
TAGS = json.dumps({"type": "array", "maxItems": 50, "items": TAG})
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


def _add_parts(kind: Declared[C], add: Handlers, one: str) -> None:
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
        names = how.get("called", usual)
        for name, (at, method, verb, code) in zip(names, OF_ENTRIES, strict=True):
            if verb != "replace" or "one" in how:
                status = gone if verb == "delete" else code
                add.add(method, f"{many}{at}", name=name, status_code=status)(answer)
    if how := kind.row.get("access"):
        answer = partial(_access, kind)
        add.get(f"{one}/{how['path']}", name=f"list_{kind.one}_access")(answer)
        add.post(f"{one}/action", name=f"act_on_{kind.one}", status_code=how["code"])(answer)


async def _tags(kind: Declared[C], how: Mapping[str, Any], context: C) -> Response:
    request, method = context.request, context.request.method
    item, tag = _item_of(kind, context, "update"), request.path_params.get("tag")
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
    name, request, method = how.get("key", field), context.request, context.request.method
    body = await body_of(request) if method in ("POST", "PUT") else {}
    if method != "GET":
        kind.allow(context, how.get("verb", "update"))
    key = request.path_params.get("key")
    item = _item_of(kind, context, None if method == "GET" else "update")
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
    how, request = kind.row["access"], context.request
    kind.allow(context, "access")
    item = _item_of(kind, context)
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


class QuotaRequests(Generic[C]):
    """The requests; `usual` returns what every project may have, `used` what one has."""

    def __init__(
        self,
        service: DeclaredService[C],
        usual: Callable[[C], Mapping[str, int]],
        used: Callable[[C, str], Mapping[str, int]],
    ) -> None:
        self.service, self.form = service, service.written["quotas"]
        self._usual, self._used = usual, used
        add, one, name = service.handlers, self.form["path"] + "/{owner_id}", self.form["called"]
        add.get(one, name=f"show_{name}")(self._show)
        add.put(one, name=f"update_{name}")(self._update)
        add.delete(one, name=f"delete_{name}", status_code=self.form["gone"])(self._delete)
        add.get(f"{one}/{self.form['default']}", name=f"show_default_{name}")(self._default)
        if "detail" in self.form:
            add.get(f"{one}/{self.form['detail']}", name=f"show_{name}_in_detail")(self._detail)

    def of(self, context: C, project_id: str) -> dict[str, int]:
        """Return the quotas of a project."""
        own = context.quotas_of(project_id)
        return {name: own.get(name, most) for name, most in self._usual(context).items()}

    def limits(self, context: C, project_id: str) -> Response:
        """Return the answer that shows the limits of `[limits]`, and what is used of them."""
        shown, minor = {}, getattr(context, "minor", 0)
        known = {"quota": self.of(context, project_id), "used": self._used(context, project_id)}
        for name, row in self.service.written["limits"].items():
            if minor <= row.get("until", minor):
                what, of = next(iter(row.items()))
                shown[name] = known[what][of] if what in known else of
        return respond({"limits": {"rate": [], "absolute": shown}})

    def _owner(self, context: C, verb: str) -> str:
        """Return the project. Raise 403 for another one, and changes by users."""
        owner = str(context.request.path_params["owner_id"]).removesuffix(".json")
        own = verb == "defaults" or (verb == "show" and owner == context.caller.project_id)
        if not context.caller.admin and not own:
            what = self.form.get("policy", "{verb}_quota").format(verb=verb)
            raise self.service.error(403, "forbidden", what=what)
        return owner

    def _answer(self, owner: str, shown: Mapping[str, object], *, of: bool = True) -> Response:
        own = {"id": owner} if of and self.form.get("ids") else {}
        return respond({self.form["key"]: {**own, **shown}})

    def _show(self, context: C) -> Response:
        owner = self._owner(context, "show")
        usage = context.request.query_params.get("usage", "").lower() in ("true", "1")
        if usage and "detail" not in self.form:
            return self._detail(context)
        return self._answer(owner, self.of(context, owner))

    def _default(self, context: C) -> Response:
        return self._answer(self._owner(context, "defaults"), self.of(context, ""))

    def _detail(self, context: C) -> Response:
        owner = self._owner(context, "show")
        has, used = self._used(context, owner), self.form["used"]
        limits = self.of(context, owner).items()
        rows = {n: {"limit": m, used: has.get(n, 0), "reserved": 0} for n, m in limits}
        return self._answer(owner, rows)

    async def _update(self, context: C) -> Response:
        owner, key = self._owner(context, "update"), self.form["key"]
        given = (await body_of(context.request)).get(key)
        if not isinstance(given, dict):
            raise self.service.error(400, "no_object", name=key)
        known, has = self.of(context, owner), self._used(context, owner)
        force, new = given.get("force", False), {}
        for name, most in given.items():
            if name in ("force", "check_limit") or (name not in known and not self.form["known"]):
                continue
            if name not in known:
                raise self.service.error(400, "unknown", name=name[:80])
            whole = str(most).removeprefix("-").isdecimal() and -1 <= int(most) < 2**31
            if not whole or isinstance(most, bool):
                words = {"name": name, "value": str(most)[:40]}
                reason = f"'{words['value']}' is not an integer of -1 or more"
                raise self.service.error(400, "invalid", **words, reason=reason)
            new[name] = int(most)
            if "least" in self.form and not force and 0 <= new[name] < has.get(name, 0):
                text = self.form["least"].format(name=name, most=most, used=has[name])
                raise ApiError(400, text)
        self._set(context, owner, new, ())
        return self._answer(owner, self.of(context, owner), of=False)

    def _delete(self, context: C) -> Response:
        owner = self._owner(context, "delete")
        self._set(context, owner, {}, [*self.of(context, owner)])
        return Response(status_code=self.form["gone"])

    def _set(self, context: C, owner: str, new: Mapping[str, int], gone: Sequence[str]) -> None:
        """Set quotas of a project; those that are `gone` become those of all projects."""
        shelf = context.cloud.resources.of("quotas")
        old = (shelf.get(owner) or {"limits": {}})["limits"]
        known = {name: most for name, most in old.items() if name not in gone}
        shelf.put({"id": owner, "limits": {**known, **new}})
