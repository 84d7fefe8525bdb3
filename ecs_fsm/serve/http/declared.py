"""Resources that are declared: routes, checks, views, filters and pages follow from a table.

A service has a TOML file. Its `[service]` says how it answers; each of its `[kinds.KIND]` is a
resource, with its fields and what refers to it. What a table cannot say is a method of a subclass
of `Declared`. See `network/network.toml` for what the keys mean.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache, cached_property
from typing import Any, Generic, TypeVar
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from ecs_fsm.serve.cloud.resources import OWNER, Item, Shelf, tables
from ecs_fsm.serve.http.api_errors import Api, ApiError
from ecs_fsm.serve.http.bodies import (
    Field,
    Schema,
    View,
    as_list,
    invalid,
    limit_of,
    next_url,
    ordered,
    page,
    respond,
    selects,
)
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.handlers import Handlers

C = TypeVar("C", bound=RequestContext)


class DeclaredService(Generic[C]):
    """The resources of a service, as the file in its package declares them.

    `context` makes the context of a request. `handlers` has the routes, which `serve` of
    `declared_routes` adds.
    """

    def __init__(
        self,
        api: Api,
        context: Callable[[Request], C | Awaitable[C]],
    ) -> None:
        self.written = tables()[api.value]
        self.form: dict[str, Any] = self.written["service"]
        self.types: dict[str, Schema] = self.written.get("types", {})
        self.handlers = Handlers(api, context)
        self.kinds: dict[str, Declared[C]] = {}

    def error(self, code: int, key: str, **words: object) -> ApiError:
        """Return an error with a message of the service's table."""
        return ApiError(code, str(self.form["texts"][key]).format(**words))


class Declared(Generic[C]):
    """A kind of resource, at its path; methods may be replaced for what its table cannot say."""

    def __init__(self, service: DeclaredService[C], kind: str) -> None:
        self.service, self.kind = service, kind
        self.row: dict[str, Any] = service.written["kinds"][kind]
        self.many = self.row.get("many", kind.replace("-", "_"))
        self.one: str = self.row.get("one", self.many.removesuffix("s"))
        self.label = self.row.get("label", self.one.replace("_", " ").capitalize())
        self.id: str = self.row.get("id", "item_id")
        self.path: str = service.form["root"] + "/" + self.row.get("path", kind)
        self.owned: bool = self.row.get("owned", service.form.get("owned", True))
        self.codes: dict[str, int] = {**service.form["codes"], **self.row.get("codes", {})}
        common = {} if self.row.get("bare") else service.written.get("common", {})
        rows = {**common, **self.row.get("fields", {})}
        self.fields = {name: Field.read(name, row, service.types) for name, row in rows.items()}
        known = [*self.fields.values()]
        self._fields_at: Callable[[int, bool], list[tuple[str, str, Any]]] = cache(
            lambda minor, admin: [(f.name, f.of, f.default) for f in known if f.shows(minor, admin)]
        )

    def code(self, context: C, verb: str) -> int:
        """Return the status of a creation or a removal."""
        return self.codes[verb]

    def wrapped(self, view: Item) -> Item:
        """Return a view as answers have it: under its key, unless the service has none."""
        return view if self.service.form.get("unwrapped") else {self.one: view}

    def shelf(self, context: C) -> Shelf:
        """Return where the documents are."""
        return context.cloud.resources.of(self.row.get("shelf", self.kind))

    def items(self, context: C) -> Iterable[Item]:
        """Return all documents, or those that an index finds for the query."""
        if "ids" in self.row:
            return [{"id": item_id} for item_id in self.row["ids"]]
        query, shelf = context.request.query_params, self.shelf(context)
        for name in self.row.get("index", ()):
            if name in query:
                return [item for value in query.getlist(name) for item in shelf.by(name, value)]
        return shelf

    def visible(self, context: C, item: Item) -> bool:
        """Return whether the caller sees a document."""
        known = context.caller
        if "access" in self.row:
            public = item.get(self.row["access"]["public"], True)
            return bool(public or known.admin or known.project_id in item.get("access", ()))
        return (
            not self.owned
            or known.admin
            or item.get("project_id") == known.project_id
            or any(item.get(name) for name in self.row.get("shared", ()))
        )

    def get(self, context: C, item_id: str) -> Item | None:
        """Return the document of that id, None without one."""
        if item_id in self.row.get("ids", ()):
            return {"id": item_id}
        return self.shelf(context).get(item_id)

    def find(self, context: C, item_id: str, code: int = 404) -> Item:
        """Return a document that the caller sees. Raise 404, or another code, without one."""
        item = self.get(context, item_id)
        if item is None or not self.visible(context, item):
            text = self.row.get("missing", self.service.form["texts"]["missing"])
            raise ApiError(code, text.format(label=self.label, one=self.one, id=item_id[:255]))
        return item

    def find_own(self, context: C, item_id: str, verb: str) -> Item:
        """Return a document that the caller may change. Raise 403 for that of another project."""
        item, known = self.find(context, item_id), context.caller
        if self.owned and not known.admin and item.get("project_id") != known.project_id:
            raise self.service.error(403, "forbidden", what=f"{verb}_{self.one}")
        return item

    def shown(self, context: C, item: Item) -> Item:
        """Return a document as answers show it."""
        fields = self._fields_at(getattr(context, "minor", 0), context.caller.admin)
        view = {name: item.get(of, default) for name, of, default in fields}
        if "tenant_id" in view:
            view["project_id"] = view["tenant_id"] = item.get("project_id") or OWNER
        return view | self.more(context, item)

    def more(self, context: C, item: Item) -> Item:
        """Return fields of a view that are not stored."""
        return {}

    def allow(self, context: C, verb: str) -> None:
        """Raise 403 for a change that only administrators make."""
        if self.row.get("admin") and not context.caller.admin:
            raise self.service.error(403, "forbidden", what=f"{verb}_{self.one}")

    @cached_property
    def schemas(self) -> Mapping[str, Schema]:
        """The schemas of the fields in a creation and in a change."""
        found: dict[str, Schema] = {}
        for verb in "cu":
            given = {n: f.schema for n, f in self.fields.items() if verb in f.where.lower()}
            required = [n for n, f in self.fields.items() if f.required and verb == "c"]
            found[verb] = {"type": "object", "properties": given, "required": required}
        return found

    def checked(self, context: C, given: object, verb: str) -> Item:
        """Return the fields of a body. Raise 400, 403 and 404 for what is invalid in them."""
        schema, error = self.schemas[verb], self.service.error
        if not isinstance(given, dict):
            raise error(400, "no_object", name=self.one)
        if "tenant_id" in given and "project_id" in self.fields:
            given.setdefault("project_id", given.pop("tenant_id"))
        unknown = [name for name in given if name not in schema["properties"]]
        if unknown and not self.service.form.get("lenient"):
            read_only = verb == "u" and unknown[0] in self.fields
            raise error(400, "read_only" if read_only else "unknown", name=unknown[0][:80])
        if missing := [name for name in schema["required"] if name not in given]:
            raise error(400, "required", name=missing[0])
        known = {name: value for name, value in given.items() if name not in unknown}
        for name, value in known.items():
            self.check(context, self.fields[name], value, verb)
        kept = unknown if self.service.form.get("lenient") == "keep" else ()
        return known | {name: given[name] for name in kept if name not in self.fields}

    def check(self, context: C, field: Field, value: Any, verb: str) -> None:
        """Raise 403 for a value that only administrators may give, 400 for an invalid one."""
        if verb.upper() in field.where and not context.caller.admin and value != field.default:
            what = f"{'create' if verb == 'c' else 'update'}_{self.one}:{field.name}"
            raise self.service.error(403, "forbidden", what=what)
        reason = invalid(json.dumps(field.schema), value)
        if reason:
            shown = str(value)[:80]
            raise self.service.error(400, "invalid", name=field.name, reason=reason, value=shown)
        if field.ref and (value or field.required):
            for named in as_list(value):
                self.service.kinds[field.ref].find(context, str(named))

    def create(self, context: C, given: Item) -> Item:
        """Make a document of checked fields, and store it."""
        item = {n: deepcopy(f.default) for n, f in self.fields.items() if "c" in f.where.lower()}
        item |= given
        if "id" not in given:
            item["id"] = uuid4().hex if self.service.form.get("hex_ids") else str(uuid4())
        if self.owned:
            own = item.get("project_id")
            if own not in (None, context.caller.project_id) and not context.caller.admin:
                what = f"create_{self.one}:project_id"
                raise self.service.error(403, "forbidden", what=what)
            item["project_id"] = own or context.project_id
            self.within_quota(context, item["project_id"])
        if "created_at" in self.fields:
            item["created_at"] = item["updated_at"] = self.now(context)
        self._require_unique(context, item)
        return self.store(context, self.made(context, item))

    def _require_unique(self, context: C, item: Item) -> None:
        """Raise 409 if another document has the same of what is its own by the table."""
        names = self.row.get("unique", ())
        for other in self.shelf(context).by(names[0], item.get(names[0])) if names else ():
            usual = [(name, self.fields[name].default) for name in names]
            same = all(other.get(name, value) == item.get(name, value) for name, value in usual)
            if same and other["id"] != item["id"]:
                words = {"one": self.one, "many": self.many, "name": item["name"]}
                raise self.service.error(409, "twice", **words)

    def now(self, context: C) -> str:
        """Return the date of the clock."""
        form = self.service.form.get("date", "%Y-%m-%dT%H:%M:%SZ")
        return context.cloud.clock.date().strftime(form)

    def store(self, context: C, item: Item) -> Item:
        """Store a document, and return it."""
        return self.shelf(context).put(item)

    def made(self, context: C, item: Item) -> Item:
        """Return a new document, completed. Raise for one that cannot be."""
        return item

    def within_quota(self, context: C, project_id: str) -> None:
        """Raise if a project has as many as its quota allows."""
        name = self.row.get("quota")
        if name is None:
            return
        most = context.quotas_of(project_id).get(name, -1)
        if 0 <= most <= len(self.shelf(context).by("project_id", project_id)):
            code, many = self.service.form.get("quota_code", 409), self.many.replace("_", " ")
            raise self.service.error(code, "quota", name=name, many=many)

    def update(self, context: C, item: Item, changes: Item) -> Item:
        """Store a document with checked changes."""
        if "revision_number" in self.fields:
            changes |= {"revision_number": item.get("revision_number", 1) + 1}
        if "updated_at" in self.fields:
            changes["updated_at"] = self.now(context)
        new = self.changed(context, item, {**item, **changes})
        self._require_unique(context, new)
        return self.store(context, new)

    def changed(self, context: C, item: Item, new: Item) -> Item:
        """Return a changed document, completed. Raise for one that cannot be."""
        return new

    def delete(self, context: C, item: Item) -> None:
        """Remove a document. Raise 409 while something uses it."""
        for use in self.row.get("used", ()):
            kind, _, field = use["by"].partition(".")
            users = context.cloud.resources.of(kind).by(field, item["id"])
            if users:
                ids = ",".join(user["id"] for user in users)
                raise ApiError(use.get("code", 409), use["text"].format(**item, ids=ids))
        self.gone(context, item)
        for child in self.row.get("with", ()):
            kind, _, field = child.partition(".")
            shelf = context.cloud.resources.of(kind)
            for other in shelf.by(field, item["id"]):
                shelf.drop(other["id"])
        self.shelf(context).drop(item["id"])

    def gone(self, context: C, item: Item) -> None:
        """Do what goes with a removal. Raise 409 for one that cannot be."""

    def add_more(self, add: Handlers, one: str) -> None:
        """Add further routes; `one` is the path of a document."""

    def answer_list(self, context: C) -> Response:
        """Return the answer of a list."""
        request, form = context.request, self.service.form
        detailed = "d" not in self.row.get("lists", form.get("lists", ""))
        detailed = detailed or request.url.path.endswith("/detail")
        if self.row.get("whole"):
            all_shown = (self.shown(context, item) for item in self.listed(context))
            return respond({self.many: [self.in_list(context, one, detailed) for one in all_shown]})
        found = [View(item["id"], self.shown(context, item)) for item in self.listed(context)]
        if self.row.get("filters", True):
            found = [e for e in found if selects(request, e.shown, bool(form.get("unwrapped")))]
        found = self.sorted(context, found)
        shown, more = page(found, limit_of(request), request.query_params.get("marker"))
        names = request.query_params.getlist("fields")
        views = [self.in_list(context, each.shown, detailed) for each in shown]
        if names and form.get("fields"):
            views = [{name: view[name] for name in names if name in view} for view in views]
        return respond({self.many: views, **self.pages(context, more)})

    def pages(self, context: C, more: str | None) -> Item:
        """Return the links of a list; `more` is the marker of the next page."""
        request = context.request
        href = next_url(request, context.base, more) if more else None
        if self.service.form.get("links") == "links":
            return {"links": {"self": str(request.url), "previous": None, "next": href}}
        return {f"{self.many}_links": [{"rel": "next", "href": href}]} if href else {}

    def sorted(self, context: C, found: list[View]) -> list[View]:
        """Return the views in the order of the query."""
        return ordered(context.request, found)

    def listed(self, context: C) -> Iterator[Item]:
        """Yield the documents of a list."""
        return (item for item in self.items(context) if self.visible(context, item))

    def in_list(self, context: C, view: Item, detailed: bool) -> Item:
        """Return a view as a list has it: in a short list, what the table says."""
        brief = view if detailed else self.row.get("brief", view)
        return {name: view[name] for name in brief if name in view}

    def shown_new(self, context: C, item: Item) -> Item:
        """Return a document as the answer to its creation shows it."""
        return self.shown(context, item)

    def answer_new(self, context: C, item: Item) -> Response:
        """Return the answer to a creation."""
        return respond(self.wrapped(self.shown_new(context, item)), self.code(context, "create"))
