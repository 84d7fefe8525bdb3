"""The keys of a catalog, for its reader and the documentation."""

from __future__ import annotations

from collections.abc import Mapping

_ID = "its id; one is made from the name otherwise"
NAMED = {"id": _ID, "name": "its name, required"}
KEYS: Mapping[str, Mapping[str, str]] = {
    "": {
        "zones": "a list of availability zones; those of `[[hosts]]` otherwise",
        "regions": "a list of regions of the identity service",
        "quotas": (
            "a table: what a project may have of each, by its name in the APIs "
            "(`volumes`, `floatingip`, ...); -1 is without a limit"
        ),
    },
    "flavors": {
        "id": "its id; the name otherwise",
        "name": NAMED["name"],
        "vcpus": "virtual CPUs, 1 if not given",
        "ram": "memory in MiB, 512 if not given",
        "disk": "root disk in GiB, 0 if not given",
        "swap": "swap in MiB",
        "ephemeral": "a further disk in GiB",
        "extra_specs": "a table of texts",
        "description": "a text",
        "public": "whether all projects may use it, true if not given",
    },
    "images": {
        **NAMED,
        "size": "bytes",
        "min_disk": "the least root disk in GiB",
        "min_ram": "the least memory in MiB",
        "created": "when it was made, such as `2026-01-15T09:00:00Z`",
        "properties": "a table of texts",
    },
    "networks": {
        **NAMED,
        "external": "whether floating IPs come from it, false if not given",
        "shared": "whether all projects may use it, true if not given",
        "mtu": "bytes, 1450 if not given",
        "subnet": "a table: its only subnet",
        "subnets": "a list of tables instead",
    },
    "networks.subnets": {
        "id": _ID,
        "name": "its name; that of the network with `-subnet` otherwise",
        "cidr": "its addresses, such as `10.0.0.0/24`, 8 or more",
    },
    "hosts": {
        "name": NAMED["name"],
        "zone": "its availability zone, `nova` if not given",
        "vcpus": "virtual CPUs; servers must find room on hosts that a file gives",
        "ram": "memory in MiB",
        "disk": "GiB",
    },
    "projects": {**NAMED, "description": "a text"},
    "users": {**NAMED, "email": "a text", "projects": "a list of names of projects"},
}
"""What a catalog may have: by table its keys, each with its meaning."""
