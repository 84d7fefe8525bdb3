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

from fastapi import Request
from starlette.responses import Response

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.bodies import MOST_ITEMS, Schema, body_of, fields_of, respond
from ecs_fsm.serve.http.declared import C, Declared, DeclaredService
from ecs_fsm.serve.http.handlers import plain_options
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
            options = self._options("delete")
            add.delete(one, *_also(form, one), **options, response_class=Response)(self._delete)

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
        options = plain(name, kind.codes.get(verb, 200), schema, *others)
        if answer := row.get("answers", {}).get(verb):
            options = {**options, "response_model": None, "answer": answer}
        return options

    async def _list(self, request: Request) -> Response:
        return self.kind.answer_list(await self.kind.service.context(request), False)

    async def _list_in_detail(self, request: Request) -> Response:
        return self.kind.answer_list(await self.kind.service.context(request), True)

    async def _show(self, request: Request) -> Response:
        context = await self.kind.service.context(request)
        item = self.kind.find(context, request.path_params[self.kind.id])
        return respond(self.kind.wrapped(self.kind.shown(context, item)))

    async def _create(self, request: Request) -> Response:
        context = await self.kind.service.context(request)
        self.kind.allow(context, "create")
        body = await body_of(request)
        several = body.get(self.kind.many) if self.kind.many != self.kind.one else None
        if isinstance(several, list) and self.kind.service.form.get("bulk"):
            checked = [self.kind.checked(context, one, "c") for one in several[:MOST_ITEMS]]
            all_made = self._create_several(context, checked)
            views = [self.kind.shown(context, item) for item in all_made]
            answer = respond({self.kind.many: views}, self.kind.code(context, "create"))
        else:
            bare = self.kind.service.form.get("unwrapped")
            given = self.kind.checked(context, body if bare else body.get(self.kind.one), "c")
            answer = self.kind.answer_new(context, self.kind.create(context, given))
        context.cloud.resources.commit()
        return answer

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

    async def _update(self, request: Request) -> Response:
        context = await self.kind.service.context(request)
        self.kind.allow(context, "update")
        item = self.kind.find_own(context, request.path_params[self.kind.id], "update")
        changes = self.kind.checked(context, (await body_of(request)).get(self.kind.one), "u")
        new, code = self.kind.update(context, item, changes), self.kind.code(context, "update")
        context.cloud.resources.commit()
        if code == NOTHING_SHOWN:
            return Response(status_code=code)
        return respond(self.kind.wrapped(self.kind.shown(context, new)), code)

    async def _delete(self, request: Request) -> Response:
        context = await self.kind.service.context(request)
        self.kind.allow(context, "delete")
        self.kind.delete(
            context, self.kind.find_own(context, request.path_params[self.kind.id], "delete")
        )
        context.cloud.resources.commit()
        return Response(status_code=self.kind.code(context, "delete"))


def plain(name: str, code: int, schema: Schema | None = None, *others: int) -> dict[str, Any]:
    """Return the options of a handler without the framework, with what its document says."""
    options = plain_options(name, code, schema, required=True)
    options["responses"] = {other: {} for other in others}
    if code not in (202, 204):
        options["response_model"] = dict[str, Any]
    return options


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
        add.get(one, **plain(f"show_{name}", 200))(self._show)
        add.put(one, **plain(f"update_{name}", 200))(self._update)
        gone = plain(f"delete_{name}", self.form["gone"])
        add.delete(one, **gone, response_class=Response)(self._delete)
        default = plain(f"show_default_{name}", 200)
        add.get(f"{one}/{self.form['default']}", **default)(self._default)
        if "detail" in self.form:
            detail = plain(f"show_{name}_in_detail", 200)
            add.get(f"{one}/{self.form['detail']}", **detail)(self._detail)

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

    async def _asked(self, request: Request, verb: str) -> tuple[C, str]:
        """Return the context and the project. Raise 403 for another one, and changes by users."""
        context = await self.service.context(request)
        owner = request.path_params["owner_id"].removesuffix(".json")
        own = verb == "defaults" or (verb == "show" and owner == context.caller.project_id)
        if not context.caller.admin and not own:
            what = self.form.get("policy", "{verb}_quota").format(verb=verb)
            raise self.service.error(403, "forbidden", what=what)
        return context, owner

    def _answer(self, owner: str, shown: Mapping[str, object], *, of: bool = True) -> Response:
        own = {"id": owner} if of and self.form.get("ids") else {}
        return respond({self.form["key"]: {**own, **shown}})

    async def _show(self, request: Request) -> Response:
        context, owner = await self._asked(request, "show")
        usage = request.query_params.get("usage", "").lower() in ("true", "1")
        if usage and "detail" not in self.form:
            return await self._detail(request)
        return self._answer(owner, self.of(context, owner))

    async def _default(self, request: Request) -> Response:
        context, owner = await self._asked(request, "defaults")
        return self._answer(owner, self.of(context, ""))

    async def _detail(self, request: Request) -> Response:
        context, owner = await self._asked(request, "show")
        has, used = self._used(context, owner), self.form["used"]
        limits = self.of(context, owner).items()
        rows = {n: {"limit": m, used: has.get(n, 0), "reserved": 0} for n, m in limits}
        return self._answer(owner, rows)

    async def _update(self, request: Request) -> Response:
        context, owner = await self._asked(request, "update")
        given, key = (await body_of(request)).get(self.form["key"]), self.form["key"]
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

    async def _delete(self, request: Request) -> Response:
        context, owner = await self._asked(request, "delete")
        self._set(context, owner, {}, [*self.of(context, owner)])
        return Response(status_code=self.form["gone"])

    def _set(self, context: C, owner: str, new: Mapping[str, int], gone: Sequence[str]) -> None:
        """Set quotas of a project; those that are `gone` become those of all projects."""
        shelf = context.cloud.resources.of("quotas")
        old = (shelf.get(owner) or {"limits": {}})["limits"]
        known = {name: most for name, most in old.items() if name not in gone}
        shelf.put({"id": owner, "limits": {**known, **new}})
        context.cloud.resources.commit()
