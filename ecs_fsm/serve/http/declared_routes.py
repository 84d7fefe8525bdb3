"""The routes of declared resources and of quotas, and what the document says of them.

The `[quotas]` of a service's file say: `path` and `called` are where they are and how they are
called, `key` is that of their bodies, `default` and `detail` the ends of further paths, `used` a
key of a detail, `least` the text of the refusal of a quota below what is used, `known` whether
unknown names are refused, `ids` whether answers have the id of the project, `gone` the status of a
removal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic

from starlette.responses import Response

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import MOST_ITEMS, body_of, fields_of, respond
from ecs_fsm.serve.http.declared import C, Declared, DeclaredService
from ecs_fsm.serve.http.parts import add_parts

NOTHING_SHOWN = 202
"""The status of a change that is only accepted."""


def _show(kind: Declared[C], context: C) -> Response:
    item = kind.find(context, context.request.path_params[kind.id])
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
    item = kind.find_own(context, context.request.path_params[kind.id], "update")
    body = await body_of(context.request)
    new = kind.update(context, item, kind.checked(context, body.get(kind.one), "u"))
    code = kind.code(context, "update")
    if code == NOTHING_SHOWN:
        return Response(status_code=code)
    return respond(kind.wrapped(kind.shown(context, new)), code)


def _delete(kind: Declared[C], context: C) -> Response:
    kind.allow(context, "delete")
    item = kind.find_own(context, context.request.path_params[kind.id], "delete")
    kind.delete(context, item)
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
        add_parts(kind, service.handlers, one)


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
