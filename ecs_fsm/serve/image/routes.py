"""The image service, glance v2: images of the catalog, of servers, and those that clients upload.

Of what is uploaded only the size is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from starlette.responses import Response

from ecs_fsm.serve.cloud.catalog import IMAGE
from ecs_fsm.serve.cloud.imagestore import ACTIVE, QUEUED
from ecs_fsm.serve.cloud.resources import OWNER, Item
from ecs_fsm.serve.http.api_errors import Api, ApiError
from ecs_fsm.serve.http.bodies import invalid, next_url, respond
from ecs_fsm.serve.http.context import RequestContext
from ecs_fsm.serve.http.declared import Declared, DeclaredService
from ecs_fsm.serve.http.declared_routes import serve
from ecs_fsm.serve.http.handlers import Face, Handlers

MOST_PROPERTIES = 128


class Images(Declared[RequestContext]):
    """Images; what is not a field of one is a property, a text."""

    def visible(self, context: RequestContext, item: Item) -> bool:
        """Return whether the caller sees an image."""
        return context.images.is_for(item, context.caller.project_id, context.caller.admin)

    def find_own(self, context: RequestContext, item_id: str, verb: str) -> Item:
        """Return an image that the caller can change. Raise 403 and 404 for others."""
        item, caller = self.find(context, item_id), context.caller
        if item["owner"] is None or not (caller.admin or item["owner"] == caller.project_id):
            raise self.service.error(403, "forbidden", what=verb)
        return item

    def more(self, context: RequestContext, item: Item) -> Item:
        """Add links and the owner."""
        here = f"/v2/images/{item['id']}"
        own = {"owner": item["owner"] or OWNER, "schema": "/v2/schemas/image"}
        return {**own, "self": here, "file": f"{here}/file"}

    def shown(self, context: RequestContext, item: Item) -> Item:
        """Show the properties beside the fields, which take precedence."""
        return {**item["properties"], **super().shown(context, item)}

    def made(self, context: RequestContext, item: Item) -> Item:
        """Make an image, which is queued until its content is uploaded."""
        if self.get(context, item["id"]):
            raise ApiError(409, f"Image ID {item['id']} already exists!")
        extra = {name: item.pop(name) for name in [*item] if name not in self.fields}
        if len(extra) > MOST_PROPERTIES or not all(isinstance(v, str) for v in extra.values()):
            raise ApiError(400, f"The properties of an image are texts, {MOST_PROPERTIES} at most.")
        own = {"status": QUEUED, "owner": context.caller.project_id, "properties": extra}
        return self.changed(context, item, {**IMAGE, **item, **own})

    def changed(self, context: RequestContext, item: Item, new: Item) -> Item:
        """Refuse to make an image public, but to administrators."""
        if new["visibility"] == "public" and not context.caller.admin:
            raise self.service.error(403, "publish")
        return {**new, "tags": [*dict.fromkeys(new["tags"])]}

    def gone(self, context: RequestContext, item: Item) -> None:
        """Refuse for a protected image."""
        if item.get("protected"):
            raise self.service.error(403, "protected", id=item["id"])

    def listed(self, context: RequestContext) -> Iterator[Item]:
        """Yield the images of a list: hidden ones alone, or all others."""
        hidden = context.request.query_params.get("os_hidden", "").lower() == "true"
        return (one for one in super().listed(context) if bool(one.get("os_hidden")) is hidden)

    def pages(self, context: RequestContext, more: str | None) -> Item:
        """Return the links of a list."""
        links = {"first": "/v2/images", "schema": "/v2/schemas/images"}
        href = next_url(context.request, "", more or "").removeprefix("/image")
        return links | ({"next": href} if more else {})

    def add_more(self, add: Handlers, one: str) -> None:
        """Add changes, the upload and the tasks."""
        add.patch(one, name="update_image", schema=self.service.types["patches"])(self._patch)
        add.put(f"{one}/file", name="upload_image", status_code=204)(self._upload)
        add.get(f"{one}/tasks", name="list_tasks_of_image")(self._tasks)

    def _tasks(self, context: RequestContext, item_id: str) -> Response:
        self.find(context, item_id)
        return respond({"tasks": []})

    async def _upload(self, context: RequestContext, item_id: str) -> Response:
        image = self.find_own(context, item_id, "upload")
        if image["status"] != QUEUED:
            reason = f"Image status transition from {image['status']} to saving is not allowed"
            raise ApiError(409, reason)
        size = len(await context.request.body())
        self.update(context, image, {"status": ACTIVE, "size": size})
        return Response(status_code=204)

    async def _patch(self, context: RequestContext, item_id: str) -> Response:
        image = self.find_own(context, item_id, "modify")
        try:
            patches = json.loads(await context.request.body())
        except (ValueError, RecursionError):
            raise ApiError(400, "The body is not valid JSON.") from None
        if reason := invalid(json.dumps(self.service.types["patches"]), patches):
            raise ApiError(400, f"Invalid input for body: {reason}")
        changes: Item = {"properties": image["properties"]}
        for patch in patches:
            changes |= self._change(context, changes, patch)
        return respond(self.shown(context, self.update(context, image, changes)))

    def _change(self, context: RequestContext, image: Item, patch: Item) -> Item:
        """Return what a patch changes. Raise 403 for what is read-only, 400 and 409 for others."""
        name, value, removes = patch["path"][1:], patch.get("value"), patch["op"] == "remove"
        field, kept = self.fields.get(name), {**image["properties"]}
        if field and "u" in field.where and not removes:
            self.check(context, field, value, "u")
            return {name: value}
        if field or name in ("self", "file", "schema"):
            raise ApiError(403, f"Attribute '{name}' is read-only.")
        if removes and kept.pop(name, None) is None:
            raise ApiError(409, f"Can not remove non-existent property {name}.")
        if not removes and (not isinstance(value, str) or len(kept) >= MOST_PROPERTIES):
            raise ApiError(400, f"Invalid input for {name}: expected a text")
        return {"properties": kept if removes else {**kept, name: value}}


SERVICE = DeclaredService(Api.IMAGE, RequestContext)
serve(SERVICE, {"images": Images})
FACES: Sequence[Face] = (Face(SERVICE.handlers),)
