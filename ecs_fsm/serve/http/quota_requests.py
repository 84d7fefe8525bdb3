"""The requests for quotas of projects, as the `[quotas]` of a service's file has them.

`path` and `called` are where they are and how they are called, `key` is that of their bodies,
`default` and `detail` the ends of further paths, `used` a key of a detail, `least` the text of the
refusal of a quota below what is used, `known` whether unknown names are refused, `ids` whether
answers have the id of the project, `gone` the status of a removal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic

from fastapi import Request
from starlette.responses import Response

from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.declared import C, DeclaredService
from ecs_fsm.serve.http.declared_routes import plain
from ecs_fsm.serve.http.fields import body_of, respond
from ecs_fsm.serve.http.project_quotas import quotas_of, set_quotas


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
        own = quotas_of(context, project_id)
        return {name: own.get(name, most) for name, most in self._usual(context).items()}

    async def _asked(self, request: Request, verb: str) -> tuple[C, str]:
        """Return the context and the project. Raise 403 for another one, and changes by users."""
        context = await self.service.context(request)
        owner = request.path_params["owner_id"].removesuffix(".json")
        own = verb == "defaults" or (verb == "show" and owner == context.caller.project_id)
        if not context.caller.admin and not own:
            what = self.form.get("policy", "{verb}_quota").format(verb=verb)
            raise ApiError(403, self.service.text("forbidden", what=what))
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
            raise ApiError(400, self.service.text("no_object", name=key))
        known, has = self.of(context, owner), self._used(context, owner)
        force, new = given.get("force", False), {}
        for name, most in given.items():
            if name in ("force", "check_limit") or (name not in known and not self.form["known"]):
                continue
            if name not in known:
                raise ApiError(400, self.service.text("unknown", name=name[:80]))
            whole = str(most).removeprefix("-").isdecimal() and -1 <= int(most) < 2**31
            if not whole or isinstance(most, bool):
                words = {"name": name, "value": str(most)[:40]}
                reason = f"'{words['value']}' is not an integer of -1 or more"
                raise ApiError(400, self.service.text("invalid", **words, reason=reason))
            new[name] = int(most)
            if "least" in self.form and not force and 0 <= new[name] < has.get(name, 0):
                text = self.form["least"].format(name=name, most=most, used=has[name])
                raise ApiError(400, text)
        set_quotas(context, owner, new)
        return self._answer(owner, self.of(context, owner), of=False)

    async def _delete(self, request: Request) -> Response:
        context, owner = await self._asked(request, "delete")
        set_quotas(context, owner, {}, [*self.of(context, owner)])
        return Response(status_code=self.form["gone"])
