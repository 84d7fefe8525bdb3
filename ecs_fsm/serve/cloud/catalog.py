"""What exists from the start, the same for all APIs: flavors, images, networks, hosts and more.

It is in `catalog.toml` beside this module; a file of the user replaces the parts that it has. Hosts
stay what they are; the rest becomes documents, which requests can change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid5

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.io.toml import TomlFile, shipped
from ecs_fsm.serve.cloud.resources import OWNER, Item, Resources, identifier

NAMESPACE = UUID("2b1d7f1c-6a0e-4e7e-8d51-8774ec5f5b01")
EXPECTED = "expected a catalog, as in docs/reference/toml.md"
MOST_ROWS = 1000


IMAGE: Item = {
    "size": 0,
    "min_disk": 0,
    "min_ram": 0,
    "status": "active",
    "visibility": "public",
    "owner": None,
    "container_format": "bare",
    "disk_format": "qcow2",
    "tags": [],
    "properties": {},
}
"""An image: size in bytes, `min_disk` in GiB, `min_ram` in MiB, the project that owns it."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host of servers in a zone; RAM in MiB, disk in GiB; `hypervisor_type` is Nova's word."""

    name: str
    zone: str
    vcpus: int
    ram: int
    disk: int
    hypervisor_type: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """All that exists from the start, in the order of the file.

    `quotas` are what a project may have of something, by its name in the APIs. `users` are
    documents with the names of their `projects`.
    """

    images: Mapping[str, Item]
    hosts: tuple[Host, ...]
    zones: tuple[str, ...]
    flavors: tuple[Item, ...]
    networks: tuple[Item, ...]
    regions: tuple[str, ...]
    projects: tuple[Item, ...]
    users: tuple[Item, ...]
    quotas: Mapping[str, int]
    sized: bool
    """Whether servers must find room on the hosts, which those of the package always have."""

    def stock(self, kept: Resources) -> None:
        """Put what requests can change."""
        for kind in ("flavors", "projects", "users"):
            for item in getattr(self, kind):
                kept.of(kind).put(item)
        for image in self.images.values():
            kept.of("images").put(image)
        for region in self.regions:
            kept.of("regions").put({"id": region, "parent_region_id": None, "description": ""})
        for network in self.networks:
            own = {name: value for name, value in network.items() if name != "subnets"}
            kept.of("networks").put(own)
            for subnet in network["subnets"]:
                kept.of("subnets").put(subnet)


KEYS: Mapping[str, Mapping[str, Item]] = shipped("ecs_fsm.serve.cloud", "catalog_keys.toml")
"""What a catalog may have: by table its keys, each with its meaning."""
TYPES = {"whole": int, "flag": bool, "table": dict, "rows": list, "texts": list, "row": object}


def _text(row: Mapping[str, Any], key: str) -> str:
    return str(_typed(row, key, str))


def _typed(row: Mapping[str, Any], key: str, kind: type, default: Any = None) -> Any:
    value: Any = row.get(key, default)
    if value is None:
        raise InvalidInput(f"{key} is missing")
    fits = isinstance(value, kind) and (kind in (bool, object) or not isinstance(value, bool))
    if not fits:
        words = {str: "a text", int: "a whole number", bool: "true or false", list: "a list"}
        raise InvalidInput(f"{key} is {value!r}; expected {words.get(kind, 'a table')}")
    if kind is int and not -1 <= value <= 2**31 - 1:
        raise InvalidInput(f"{key} is {value}; expected -1 to {2**31 - 1}")
    if kind is str and not (len(value) <= 255 and value.isprintable() and (value or default == "")):
        raise InvalidInput(f"{key} is {value[:40]!r}; expected a text of 1 to 255 characters")
    return value


def _read_row(table: str, row: Mapping[str, Any]) -> Item:
    """Return a row of a table with its defaults. Raise `InvalidInput` for an invalid one."""
    for key in _typed({table: row}, table, dict):
        if key not in KEYS[table]:
            raise unknown("key", key, KEYS[table])
    found: Item = {}
    for key, rule in KEYS[table].items():
        if row.get(key, "") == "" and not rule.get("required") and "default" not in rule:
            continue
        kind = rule.get("is", "text")
        found[key] = _typed(row, key, TYPES.get(kind, str), rule.get("default"))
        if kind == "texts":
            found[key] = [_text({key: one}, key) for one in found[key]]
        if kind == "table":
            found[key] = {str(name): _text(found[key], name) for name in found[key]}
    return found


def _id(row: Item, kind: str) -> str:
    return str(row.get("id") or uuid5(NAMESPACE, f"{kind}/{row['name']}"))


EPHEMERAL = "OS-FLV-EXT-DATA:ephemeral"


def _flavor(row: Item) -> Item:
    return {
        "id": row["name"],
        **{key: row[key] for key in row if key not in ("ephemeral", "public")},
        EPHEMERAL: row["ephemeral"],
        "description": row.get("description"),
        "os-flavor-access:is_public": row["public"],
        "rxtx_factor": 1.0,
        "access": [],
    }


def _image(row: Item) -> Item:
    created = row.pop("created")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created):
        raise InvalidInput(f"created is {created!r}; expected such as 2026-01-15T09:00:00Z")
    own = {"id": _id(row, "image"), "created_at": created, "updated_at": created}
    return {**IMAGE, **row, **own}


def _network(row: Item) -> Item:
    own = {"id": _id(row, "network"), "name": row["name"]}
    given = row.get("subnets", [row["subnet"]] if "subnet" in row else [])
    return {
        **own,
        "shared": row["shared"],
        "router:external": row["external"],
        "mtu": row["mtu"],
        "project_id": OWNER,
        "subnets": [_subnet(_read_row("networks.subnets", subnet), own) for subnet in given],
    }


def _subnet(row: Item, network: Item) -> Item:
    try:
        block = ip_network(row["cidr"])
    except ValueError as error:
        raise InvalidInput(f"cidr: {error}") from None
    if block.num_addresses < 8:
        raise InvalidInput(f"cidr is {block}; expected 8 addresses or more")
    return {
        "id": str(row.get("id") or uuid5(NAMESPACE, f"{network['id']}/{block}")),
        "name": row.get("name", f"{network['name']}-subnet"),
        "network_id": network["id"],
        "cidr": str(block),
        "ip_version": block.version,
        "gateway_ip": str(block[1]),
        "allocation_pools": [{"start": str(block[2]), "end": str(block[-2])}],
        "project_id": OWNER,
    }


ROWS: Mapping[str, Callable[[Item], Any]] = {
    "flavors": _flavor,
    "images": _image,
    "networks": _network,
    "hosts": lambda row: Host(**row),
    "projects": lambda row: {"id": identifier("project", row["name"]), **row},
    "users": lambda row: {"email": None, "id": identifier("user", row["name"]), **row},
}


def _once(file: TomlFile, key: str, rows: list[Any]) -> None:
    """Raise `InvalidInput` for an id or a name that two rows have."""
    for name in ("id", "name"):
        names = [r.get(name) if isinstance(r, dict) else getattr(r, name, None) for r in rows]
        for number, one in enumerate(names):
            if one is not None and one in names[:number]:
                raise file.error(f"{key}: the {name} {one} is given twice", key, number)


def _read(file: TomlFile) -> dict[str, Any]:
    """Return the parts of a catalog that a file has. Raise `InvalidInput` for invalid ones."""
    found: dict[str, Any] = {}
    for key, value in file.content.items():
        if key in ROWS:
            rows = value if isinstance(value, list) else [value]
            if len(rows) > MOST_ROWS:
                raise file.error(f"{len(rows)} {key}; expected at most {MOST_ROWS}", key)
            found[key] = []
            for number, row in enumerate(rows):
                try:
                    found[key].append(ROWS[key](_read_row(key, _typed({"row": row}, "row", dict))))
                except InvalidInput as error:
                    raise file.error(f"{key}: {error}", key, number) from None
            _once(file, key, found[key])
            continue
        try:
            if key == "quotas":
                limits = _typed({key: value}, key, dict)
                found[key] = {name: _typed(limits, name, int) for name in limits}
            elif key in ("zones", "regions"):
                listed = _typed({key: value}, key, list)
                if not listed:
                    raise InvalidInput(f"{key} is empty; expected one or more")
                found[key] = [_text({key: one}, key) for one in dict.fromkeys(listed)]
            else:
                raise unknown("part of a catalog", key, [*ROWS, *KEYS[""]])
        except InvalidInput as error:
            raise file.error(str(error), key) from None
    return found


@cache
def _built_in() -> dict[str, Any]:
    here = resources.files("ecs_fsm.serve.cloud") / "catalog.toml"
    return _read(TomlFile(here.read_text(encoding="utf-8"), "catalog.toml", EXPECTED))


def read_catalog(path: str | None = None) -> Catalog:
    """Return the catalog of the package, with the parts that the file at `path` has in theirs.

    Raise `InvalidInput`, which names file and line, for an invalid file.
    """
    own = {} if path is None else _read(TomlFile.read(path, EXPECTED))
    found = {**_built_in(), **own}
    hosts, zones = tuple(found["hosts"]), found["zones"]
    if "hosts" in own and "zones" not in own:
        zones = list(dict.fromkeys(host.zone for host in hosts))
    if "zones" in own and "hosts" not in own:
        hosts = tuple(
            replace(host, zone=zones[number % len(zones)]) for number, host in enumerate(hosts)
        )
    for host in hosts:
        if host.zone not in zones:
            where = f"host {host.name} is in zone {host.zone}"
            raise InvalidInput(f"{path}: {where}; expected one of {', '.join(zones)}")
    if not hosts or not found["flavors"]:
        raise InvalidInput(f"{path}: expected a host and a flavor or more")
    lists = ("flavors", "networks", "regions", "projects", "users")
    return Catalog(
        images={image["id"]: image for image in found["images"]},
        hosts=hosts,
        zones=tuple(zones),
        quotas={**_built_in()["quotas"], **found["quotas"]},
        sized="hosts" in own,
        **{name: tuple(found[name]) for name in lists},
    )
