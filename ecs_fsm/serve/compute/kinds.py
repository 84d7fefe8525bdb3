"""Flavors, images, keypairs and groups of servers, as `compute.toml` has them.

A flavor is not found by its name here, so clients look for it in the list; so they do for images
before they have negotiated a microversion. Keypairs are kept by user. Nothing logs in with them: a
key that a request does not bring is invented, and says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from uuid import uuid4

from ecs_fsm.serve.cloud.imagestore import ACTIVE, QUEUED, SAVING
from ecs_fsm.serve.cloud.instance import Json
from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.cloud.vocabulary import DELETE_METADATA, UPDATE_METADATA
from ecs_fsm.serve.compute.api import ComputeContext, compute_context
from ecs_fsm.serve.compute.disks import ServerVolumes, Shares, disk_config_of
from ecs_fsm.serve.compute.listing import moment, pattern_of
from ecs_fsm.serve.compute.nics import NO_PROXY, Interfaces
from ecs_fsm.serve.compute.nova_schemas import MOST_ITEMS, within_quota
from ecs_fsm.serve.compute.services import Aggregates
from ecs_fsm.serve.compute.views import links
from ecs_fsm.serve.http.api_errors import Api, ApiError
from ecs_fsm.serve.http.bodies import View, is_number, limit_of
from ecs_fsm.serve.http.declared import Declared, DeclaredService
from ecs_fsm.serve.http.declared_routes import serve

WITH_TYPE, OF_OTHERS, PAGED, GIVEN_ONLY = 2, 10, 35, 92
"""Since when there are types, keypairs of others for administrators, pages, and no keys made."""
MOST_OF_ALL = 10_000
MADE_UP = "-----BEGIN PRIVATE KEY-----\nmade up, it opens nothing\n-----END PRIVATE KEY-----\n"


class Keypairs(Declared[ComputeContext]):
    """Keypairs; those of different users may have one name."""

    def items(self, context: ComputeContext) -> Iterable[Item]:
        """Return the keypairs of a user, which lists know by their names."""
        own = self.shelf(context).by("user_id", owner_of(context))
        return [{**item, "id": item["name"]} for item in own]

    def get(self, context: ComputeContext, item_id: str) -> Item | None:
        """Return the keypair of that name of the user."""
        return self.shelf(context).get(f"{owner_of(context)}/{item_id}")

    def code(self, context: ComputeContext, verb: str) -> int:
        """Return the status, which changed with the type."""
        new = {"create": 201, "delete": 204}
        return new[verb] if context.minor >= WITH_TYPE else super().code(context, verb)

    def find(self, context: ComputeContext, item_id: str, code: int = 404) -> Item:
        """Return a keypair of the user. Raise 404 for others."""
        found = self.get(context, item_id)
        if found is None:
            user = owner_of(context)[:255]
            raise ApiError(code, f"Keypair {item_id[:255]} not found for user {user}")
        return found

    def pages(self, context: ComputeContext, more: str | None) -> Item:
        """Return the link to the next page, from the version on that has pages."""
        return super().pages(context, more) if context.minor >= PAGED else {}

    def made(self, context: ComputeContext, item: Item) -> Item:
        """Invent the key, unless it is given or must be."""
        name, given = item["name"], item.get("public_key")
        if given is None and context.minor >= GIVEN_ONLY:
            raise ApiError(400, "Invalid input for keypair: 'public_key' is a required property")
        if given == "":
            raise ApiError(400, "Keypair data is invalid: failed to generate fingerprint")
        user, kept = owner_of(context, item.pop("user_id")), self.shelf(context)
        if kept.get(f"{user}/{name}"):
            raise ApiError(409, f"Key pair '{name}' already exists.")
        most = context.quotas_of(context.caller.project_id or "")["key_pairs"]
        if 0 <= most <= len(kept.by("user_id", user)) or len(kept) >= MOST_OF_ALL:
            raise ApiError(403, "Quota exceeded, too many key pairs.")
        made_up = f"ssh-rsa {hashlib.sha256(name.encode()).hexdigest()} made-up"
        digest = hashlib.md5((given or made_up).encode(), usedforsecurity=False).hexdigest()
        return {
            **item,
            "id": f"{user}/{name}",
            "public_key": given or made_up,
            "fingerprint": ":".join(digest[at : at + 2] for at in range(0, 32, 2)),
            "user_id": user,
            "created_at": context.cloud.clock.date().strftime("%Y-%m-%dT%H:%M:%S.%f"),
            "updated_at": None,
            "number": int(hashlib.sha256(name.encode()).hexdigest()[:7], 16),
            "invented": given is None,
        }

    def in_list(self, context: ComputeContext, view: Item, detailed: bool) -> Item:
        """Return the short form, each in an object of its own."""
        brief = ("name", "public_key", "fingerprint", "type")
        return {"keypair": {name: view[name] for name in brief if name in view}}

    def shown_new(self, context: ComputeContext, item: Item) -> Item:
        """Return the short form with the user, and the private key of one that was invented."""
        view: Item = self.in_list(context, self.shown(context, item), False)["keypair"]
        secret = {"private_key": MADE_UP} if item["invented"] else {}
        return {**view, "user_id": item["user_id"], **secret}


def owner_of(context: ComputeContext, named: str | None = None) -> str:
    """Return the user of a request for keypairs. Raise 403 if a user names another one."""
    own = context.caller.user_id
    if context.minor < OF_OTHERS:
        return own
    owner = named or context.request.query_params.get("user_id", own)
    if owner != own:
        context.require_admin("os_compute_api:os-keypairs")
    return owner


def keypair_of(context: ComputeContext, name: str) -> Item | None:
    """Return the keypair of that name of the caller, None without one."""
    return context.cloud.resources.of("keypairs").get(f"{context.caller.user_id}/{name}")


SWAP_A_NUMBER, DESCRIBED, TAGGED = 75, 55, 26
PUBLIC = "os-flavor-access:is_public"


class Flavors(Declared[ComputeContext]):
    """Flavors; a deleted one is remembered for its servers."""

    def more(self, context: ComputeContext, item: Item) -> Item:
        """Add links, and write the swap as the microversion does."""
        swap = item["swap"] if context.minor >= SWAP_A_NUMBER or item["swap"] else ""
        return {"swap": swap, "links": links(context.root, "flavors", item["id"])}

    def listed(self, context: ComputeContext) -> Iterator[Item]:
        """Yield the flavors that the query selects. Raise 400 for an invalid one."""
        query, caller = context.request.query_params, context.caller
        public = query.get("is_public", "true").lower() if caller.admin else "true"
        if public not in ("true", "false", "none", "1", "0"):
            raise ApiError(400, f"Invalid is_public filter [{public[:40]}]")
        least = {}
        for name, size in (("minRam", "ram"), ("minDisk", "disk")):
            if not is_number(query.get(name, "0")):
                raise ApiError(400, f"Invalid {name} filter [{query[name][:40]}]")
            least[size] = int(query.get(name, "0"))
        if query.get("sort_key", "id") not in self.row["sorts"]:
            raise ApiError(400, f"Sort key {query['sort_key'][:40]} is not supported.")
        named = pattern_of("name", query["name"]) if "name" in query else None
        open_ones = public in ("true", "1")
        for item in super().listed(context):
            own = open_ones and caller.project_id in item["access"]
            wanted = own or public == "none" or item[PUBLIC] is open_ones
            large = all(item[size] >= most for size, most in least.items())
            if wanted and large and (named is None or named.search(item["name"])):
                yield item

    def sorted(self, context: ComputeContext, found: list[View]) -> list[View]:
        """Return the flavors in the order of the query."""
        query = context.request.query_params
        key = self.row["sorts"][query.get("sort_key", "id")]
        found.sort(key=lambda each: (each.shown[key] or 0, each.id))  # no swap is an empty text
        return found[::-1] if query.get("sort_dir") == "desc" else found

    def made(self, context: ComputeContext, item: Item) -> Item:
        """Read numbers, and refuse an id or a name that is taken."""
        chosen = str(item.pop("flavorid", None) or item["given_id"] or uuid4())
        item = {**item, "id": chosen, "access": [], "extra_specs": {}}
        del item["given_id"]
        for name in ("ram", "vcpus", "disk", "swap", "OS-FLV-EXT-DATA:ephemeral"):
            item[name] = int(item[name] or 0)
        item["rxtx_factor"] = float(item["rxtx_factor"] or 1)
        item[PUBLIC] = str(item[PUBLIC]).lower() in ("true", "1")
        for field, word in (("name", "name"), ("id", "ID")):
            if self.shelf(context).by(field, item[field]):
                raise ApiError(409, f"Flavor with {word} {item[field]} already exists.")
        context.cloud.resources.of("past-flavors").drop(chosen)
        return item

    def create(self, context: ComputeContext, given: Item) -> Item:
        """Make a flavor of the id that the request names."""
        return super().create(context, {**given, "given_id": given.get("id")})

    def allow(self, context: ComputeContext, verb: str) -> None:
        """Raise 403 for users, and 404 for a change below its microversion."""
        if verb == "update":
            context.require_version(since=DESCRIBED)
        super().allow(context, verb)

    def gone(self, context: ComputeContext, item: Item) -> None:
        """Remember a flavor that servers have."""
        if any(server.flavor == item["id"] for server in context.cloud.instances.values()):
            context.cloud.resources.of("past-flavors").put(item)


class ServerGroups(Declared[ComputeContext]):
    """Groups of servers with a policy, which their hosts follow."""

    def made(self, context: ComputeContext, item: Item) -> Item:
        """Read the policy in either form."""
        policy = item.pop("policies", None) or [item["policy"]]
        rules = {name: int(value) for name, value in (item.get("rules") or {}).items()}
        if rules and policy[0] != "anti-affinity":
            raise ApiError(400, "Only anti-affinity policy supports rules.")
        own = {"policy": policy[0], "rules": rules, "user_id": context.caller.user_id}
        return {**item, **own, "members": []}

    def listed(self, context: ComputeContext) -> Iterator[Item]:
        """Yield the groups after the first ones, whose number a query gives."""
        yield from [*super().listed(context)][limit_of(context.request, "offset") or 0 :]

    def more(self, context: ComputeContext, item: Item) -> Item:
        """Show policies below 2.64."""
        return {} if context.minor >= 64 else {"policies": [item["policy"]], "metadata": {}}

    def visible(self, context: ComputeContext, item: Item) -> bool:
        """Return whether the group is of the project, or an administrator asks for all."""
        everything = "all_projects" in context.request.query_params and context.caller.admin
        by_id = "item_id" in context.request.path_params and context.caller.admin
        return everything or by_id or item["project_id"] == context.caller.project_id


IMAGE_TYPE = "application/vnd.openstack.image"
NO_METADATA = 39
STATUSES = {QUEUED: ("SAVING", 25), SAVING: ("SAVING", 50), ACTIVE: ("ACTIVE", 100)}
"""The status and the progress that the proxy shows, by the status of the image service."""


class ComputeImages(Declared[ComputeContext]):
    """Images as the compute API shows them."""

    def visible(self, context: ComputeContext, item: Item) -> bool:
        """Return whether the caller sees an image. Raise 404 above the last microversion."""
        of_metadata = "/metadata" in context.request.scope["route"].path
        context.require_version(before=NO_METADATA if of_metadata else NO_PROXY)
        return context.images.is_for(item, context.caller.project_id, context.caller.admin)

    def find_own(self, context: ComputeContext, item_id: str, verb: str) -> Item:
        """Return an image that the caller can change. Raise 403 and 404 for others."""
        item, caller = self.find(context, item_id), context.caller
        if item["owner"] is None or not (caller.admin or item["owner"] == caller.project_id):
            raise ApiError(403, "You are not allowed to change this image.")
        return item

    def more(self, context: ComputeContext, item: Item) -> Item:
        """Add links, the status as Nova has it, and the server that the image is of."""
        status, progress = STATUSES[item["status"]]
        glance = f"{context.base}/image/images/{item['id']}"
        alternate: Json = {"rel": "alternate", "type": IMAGE_TYPE, "href": glance}
        disk_config, server_id = disk_config_of(item), item["properties"].get("instance_uuid")
        server = {"id": server_id, "links": links(context.root, "servers", str(server_id))}
        return {
            "links": [*links(context.root, "images", item["id"]), alternate],
            "status": status,
            "progress": progress,
            **({"OS-DCF:diskConfig": disk_config} if disk_config else {}),
            **({"server": server} if server_id else {}),
        }

    def listed(self, context: ComputeContext) -> Iterator[Item]:
        """Yield the images that the query selects, beside those by their name and status."""
        query = context.request.query_params
        server = query.get("server", "").rpartition("/")[2]
        for image in super().listed(context):
            own = image["properties"]
            kind = own.get("image_type", "server" if image["owner"] else "base")
            changed = moment("changes-since", image["updated_at"])
            since = query.get("changes-since")
            if (
                query.get("type", kind) == kind
                and server in ("", own.get("instance_uuid"))
                and (since is None or changed >= moment("changes-since", since))
            ):
                yield image

    def changed(self, context: ComputeContext, item: Item, new: Item) -> Item:
        """Refuse too much metadata."""
        if len(new["properties"]) > MOST_ITEMS:
            raise ApiError(403, f"Image metadata limit exceeded: {MOST_ITEMS} at most")
        return {**new, "updated_at": context.images.date()}


class ServerParts(Declared[ComputeContext]):
    """The tags and the metadata of servers; the lifecycle can forbid changes of the metadata."""

    def get(self, context: ComputeContext, item_id: str) -> Item:
        """Return what a server has of them. Raise 404 for others, and before there were tags."""
        if "/tags" in context.request.scope["route"].path:
            context.require_version(since=TAGGED)
        found = context.find(item_id)
        own = {"metadata": found.metadata, "tags": found.names("tags")}
        return {"id": found.id, "project_id": found.project_id, **own}

    def update(self, context: ComputeContext, item: Item, changes: Item) -> Item:
        """Set them at once."""
        instance = context.find(item["id"])
        if "metadata" in changes:
            within_quota(changes["metadata"])
            gone = context.request.method == "DELETE"
            context.change(instance, DELETE_METADATA if gone else UPDATE_METADATA, changes)
        else:
            context.cloud.keep(instance, changes)
        return item


SERVICE = DeclaredService(Api.COMPUTE, compute_context)
KINDS: dict[str, type[Declared[ComputeContext]]] = {
    "aggregates": Aggregates,
    "flavors": Flavors,
    "images": ComputeImages,
    "keypairs": Keypairs,
    "server-groups": ServerGroups,
    "servers": ServerParts,
    "interfaces": Interfaces,
    "server-volumes": ServerVolumes,
    "shares": Shares,
}
serve(SERVICE, KINDS)
