"""The routes of declared resources and of quotas, and what the document says of them.

The `[quotas]` of a service's file say: `path` and `called` are where they are and how they are
called, `key` is that of their bodies, `default` and `detail` the ends of further paths, `used` a
key of a detail, `least` the text of the refusal of a quota below what is used, `known` whether
unknown names are refused, `ids` whether answers have the id of the project, `gone` the status of a
removal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic

from starlette.responses import Response

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import MOST_ITEMS, body_of, fields_of, respond
from ecs_fsm.serve.http.declared import C, Declared, DeclaredService
from ecs_fsm.serve.http.parts import add_parts


def serve(service: DeclaredService[C], special: Mapping[str, type[Declared[C]]]) -> None:
    """Add the routes of all kinds; `special` has the classes of those with methods."""
    for name in service.written["kinds"]:
        kind = service.kinds[name] = special.get(name, Declared)(service, name)
        KindRoutes(kind).add()
        add_parts(kind, service.handlers, f"{kind.path}/{{{kind.id}}}")


NOTHING_SHOWN = 202
"""The status of a change that is only accepted."""


class KindRoutes(Generic[C]):
    """The requests of one kind."""

    def __init__(self, kind: Declared[C]) -> None:
        self.kind = kind

    def add(self) -> None:
        """Add the routes to the service of the kind."""
        form, verbs = self.kind.service.form, self.kind.row.get("verbs", "lscud")
        here, add = self.kind.path, self.kind.service.handlers
        one = f"{here}/{{{self.kind.id}}}"
        if "l" in verbs:
            add.get(here, *_also(form, here), **self._options("list"))(self._list)
        if "d" in self.kind.row.get("lists", form.get("lists", "")):
            add.get(f"{here}/detail", **self._options("list_in_detail"))(self._list_in_detail)
        if "c" in verbs:
            add.post(here, *_also(form, here), **self._options("create", "c"))(self._create)
        self.kind.add_more(add, one)
        if "s" in verbs:
            add.get(one, *_also(form, one), **self._options("show"))(self._show)
        if "u" in verbs:
            update = add.patch if form["update"] == "PATCH" else add.put
            update(one, *_also(form, one), **self._options("update", "u"))(self._update)
        if "d" in verbs:
            add.delete(one, *_also(form, one), **self._options("delete"))(self._delete)

    def _options(self, verb: str, body: str = "") -> dict[str, Any]:
        """Return the options of a handler, with the schema of its body if it has one."""
        row, kind, schema = self.kind.row, self.kind, None
        if body:
            own = kind.schemas[body]
            schema = own if kind.service.form.get("unwrapped") else fields_of(kind.one, own)
        what, _, how = verb.partition("_")
        called = (
            row.get("called_many", kind.many) if what == "list" else row.get("called", kind.one)
        )
        name = row.get("names", {}).get(verb, "_".join(filter(None, (what, called, how))))
        others = row.get("other_codes", {}).get(verb, ())
        return {
            **{"name": name, "status_code": kind.codes.get(verb, 200), "schema": schema},
            **{"answer": row.get("answers", {}).get(verb), "other_codes": others},
        }

    def _list(self, context: C) -> Response:
        return self.kind.answer_list(context, False)

    def _list_in_detail(self, context: C) -> Response:
        return self.kind.answer_list(context, True)

    def _show(self, context: C) -> Response:
        item = self.kind.find(context, context.request.path_params[self.kind.id])
        return respond(self.kind.wrapped(self.kind.shown(context, item)))

    async def _create(self, context: C) -> Response:
        self.kind.allow(context, "create")
        body = await body_of(context.request)
        several = body.get(self.kind.many) if self.kind.many != self.kind.one else None
        if isinstance(several, list) and self.kind.service.form.get("bulk"):
            checked = [self.kind.checked(context, one, "c") for one in several[:MOST_ITEMS]]
            all_made = self._create_several(context, checked)
            views = [self.kind.shown(context, item) for item in all_made]
            return respond({self.kind.many: views}, self.kind.code(context, "create"))
        bare = self.kind.service.form.get("unwrapped")
        given = self.kind.checked(context, body if bare else body.get(self.kind.one), "c")
        return self.kind.answer_new(context, self.kind.create(context, given))

    def _create_several(self, context: C, given: list[Item]) -> list[Item]:
        """Make several documents: either all or none."""
        made: list[Item] = []
        try:
            for one in given:
                made.append(self.kind.create(context, one))
        except (ApiError, InvalidInput):
            for item in made:
                self.kind.shelf(context).drop(item["id"])
            raise
        return made

    async def _update(self, context: C) -> Response:
        self.kind.allow(context, "update")
        item = self.kind.find_own(context, context.request.path_params[self.kind.id], "update")
        body = await body_of(context.request)
        new = self.kind.update(
            context, item, self.kind.checked(context, body.get(self.kind.one), "u")
        )
        code = self.kind.code(context, "update")
        if code == NOTHING_SHOWN:
            return Response(status_code=code)
        return respond(self.kind.wrapped(self.kind.shown(context, new)), code)

    def _delete(self, context: C) -> Response:
        self.kind.allow(context, "delete")
        item_id = context.request.path_params[self.kind.id]
        self.kind.delete(context, self.kind.find_own(context, item_id, "delete"))
        return Response(status_code=self.kind.code(context, "delete"))


def _also(form: Mapping[str, Any], path: str) -> list[str]:
    return [path + more for more in form.get("also", ())]


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
