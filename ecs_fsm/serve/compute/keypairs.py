"""Keypairs, kept by user.

Nothing logs in with them: a key that a request does not bring is invented, and says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.compute.api import ComputeContext
from ecs_fsm.serve.http.api_errors import ApiError
from ecs_fsm.serve.http.declared import Declared
from ecs_fsm.serve.http.project_quotas import quotas_of

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
        most = quotas_of(context, context.caller.project_id or "")["key_pairs"]
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

    def more(self, context: ComputeContext, item: Item) -> Item:
        """Show the number of the keypair as its id."""
        return {"id": item["number"]}

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
