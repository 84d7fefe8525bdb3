"""What the schemas of Nova leave to read in bodies about servers: flags, addresses, changes."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from uuid import UUID

from ecs_fsm.serve.cloud.resources import Item
from ecs_fsm.serve.http.api_errors import ApiError

MOST_ITEMS = 128
"""Metadata entries of a server or an image."""
TRUTHS = {
    **dict.fromkeys(("1", "t", "true", "on", "y", "yes"), True),
    **dict.fromkeys(("0", "f", "false", "off", "n", "no", ""), False),
}
"""Texts that Nova takes for truth values; it takes no empty one in bodies."""


def is_uuid(text: str | None) -> bool:
    """Return whether a text is the id of something that has a UUID."""
    try:
        return bool(UUID(text or ""))
    except ValueError:
        return False


def as_flag(value: object) -> object:
    """Return the truth value that a text means for old clients, other values as they are."""
    return TRUTHS.get(value.lower(), value) if isinstance(value, str) else value


def within_quota(metadata: Mapping[str, str]) -> None:
    """Raise 403 for more entries than a server can have."""
    if len(metadata) > MOST_ITEMS:
        raise ApiError(403, f"Maximum number of metadata items exceeds {MOST_ITEMS}")


ADDRESSES, DISK_CONFIG = ("accessIPv4", "accessIPv6"), "OS-DCF:diskConfig"


def address_of(text: str | None) -> str | None:
    """Return an address in its short form, None or an empty text as it is."""
    return text and str(ip_address(text))


def changed_fields(given: Item) -> Item:
    """Return the fields of a change of a server, under the names that it has for them."""
    addresses = {name: address_of(given[name]) for name in ADDRESSES if name in given}
    disk = {"disk_config": given[DISK_CONFIG]} if DISK_CONFIG in given else {}
    return {name: given[name] for name in given if name != DISK_CONFIG} | addresses | disk
