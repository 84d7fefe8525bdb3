"""What exists from the start, the same for all APIs: flavors, images, networks, hosts and more.

It is in `catalog.toml` beside this module; a file of the user replaces the parts that it has. Hosts
stay what they are; the rest becomes documents, which requests can change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid5

from ecs_fsm.core.errors import InvalidInput, unknown
from ecs_fsm.io.toml import TomlFile
from ecs_fsm.serve.cloud.catalog_keys import KEYS
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
    """A host of servers in a zone; RAM in MiB, disk in GiB."""

    name: str
    zone: str
    vcpus: int = 1024
    ram: int = 4 * 1024 * 1024
    disk: int = 100_000


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
            own, subnets = dict(network), network["subnets"]
            del own["subnets"]
            kept.of("networks").put(own)
            for subnet in subnets:
                kept.of("subnets").put(subnet)


def _text(row: Mapping[str, Any], key: str, default: str | None = None) -> Any:
    return _typed(row, key, str, default)


def _typed(row: Mapping[str, Any], key: str, kind: type, default: Any = None) -> Any:
    value: Any = row.get(key, default)
    if value is None:
        raise InvalidInput(f"{key} is missing")
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if not fits:
        words = {str: "a text", int: "a whole number", bool: "true or false", list: "a list"}
        raise InvalidInput(f"{key} is {value!r}; expected {words.get(kind, 'a table')}")
    if kind is int and not -1 <= value <= 2**31 - 1:
        raise InvalidInput(f"{key} is {value}; expected -1 to {2**31 - 1}")
    if kind is str and not (len(value) <= 255 and value.isprintable() and (value or default == "")):
        raise InvalidInput(f"{key} is {value[:40]!r}; expected a text of 1 to 255 characters")
    return value


def _known(row: Mapping[str, Any], table: str) -> None:
    for key in _typed({table: row}, table, dict):
        if key not in KEYS[table]:
            raise unknown("key", key, KEYS[table])


def _id(row: Mapping[str, Any], kind: str) -> str:
    return str(_text(row, "id", str(uuid5(NAMESPACE, f"{kind}/{row.get('name')}"))))


EPHEMERAL = "OS-FLV-EXT-DATA:ephemeral"
FLAVOR = {"vcpus": 1, "ram": 512, "disk": 0, "swap": 0}


def _flavor(row: Mapping[str, Any]) -> Item:
    _known(row, "flavors")
    specs = _typed(row, "extra_specs", dict, {})
    return {
        "name": _text(row, "name"),
        "id": _text(row, "id", row["name"]),
        **{key: _typed(row, key, int, least) for key, least in FLAVOR.items()},
        EPHEMERAL: _typed(row, "ephemeral", int, 0),
        "extra_specs": {str(key): _text(specs, key) for key in specs},
        "description": row.get("description") and _text(row, "description"),
        "os-flavor-access:is_public": _typed(row, "public", bool, True),
        "rxtx_factor": 1.0,
        "access": [],
    }


def _image(row: Mapping[str, Any]) -> Item:
    _known(row, "images")
    created = str(_text(row, "created", "2026-01-01T00:00:00Z"))
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created):
        raise InvalidInput(f"created is {created!r}; expected such as 2026-01-15T09:00:00Z")
    properties = _typed(row, "properties", dict, {})
    return {
        **IMAGE,
        "id": _id(row, "image"),
        "name": _text(row, "name"),
        **{key: _typed(row, key, int, 0) for key in ("size", "min_disk", "min_ram")},
        "created_at": created,
        "updated_at": created,
        "properties": {str(key): _text(properties, key) for key in properties},
    }


def _network(row: Mapping[str, Any]) -> Item:
    _known(row, "networks")
    own = {"id": _id(row, "network"), "name": _text(row, "name")}
    given = _typed(row, "subnets", list, [row["subnet"]] if "subnet" in row else [])
    return {
        **own,
        "shared": _typed(row, "shared", bool, True),
        "router:external": _typed(row, "external", bool, False),
        "mtu": _typed(row, "mtu", int, 1450),
        "project_id": OWNER,
        "subnets": [_subnet(subnet, own) for subnet in given],
    }


def _subnet(row: Mapping[str, Any], network: Item) -> Item:
    _known(row, "networks.subnets")
    try:
        block = ip_network(_text(row, "cidr"))
    except ValueError as error:
        raise InvalidInput(f"cidr: {error}") from None
    if block.num_addresses < 8:
        raise InvalidInput(f"cidr is {block}; expected 8 addresses or more")
    name = _text(row, "name", f"{network['name']}-subnet")
    return {
        "id": str(_text(row, "id", str(uuid5(NAMESPACE, f"{network['id']}/{block}")))),
        "name": name,
        "network_id": network["id"],
        "cidr": str(block),
        "ip_version": block.version,
        "gateway_ip": str(block[1]),
        "allocation_pools": [{"start": str(block[2]), "end": str(block[-2])}],
        "project_id": OWNER,
    }


def _host(row: Mapping[str, Any]) -> Host:
    known = {f.name: f.default for f in fields(Host)}
    _known(row, "hosts")
    sizes = {key: _typed(row, key, int, known[key]) for key in ("vcpus", "ram", "disk")}
    return Host(_text(row, "name"), _text(row, "zone", "nova"), **sizes)


def _project(row: Mapping[str, Any]) -> Item:
    _known(row, "projects")
    name = _text(row, "name")
    own = {"id": _text(row, "id", identifier("project", name)), "name": name}
    return {**own, "description": _text(row, "description", "")}


def _user(row: Mapping[str, Any]) -> Item:
    _known(row, "users")
    name = _text(row, "name")
    own = {"id": _text(row, "id", identifier("user", name)), "name": name}
    projects = [_text({"projects": one}, "projects") for one in _typed(row, "projects", list, [])]
    return {**own, "email": row.get("email") and _text(row, "email"), "projects": projects}


ROWS = {
    "flavors": _flavor,
    "images": _image,
    "networks": _network,
    "hosts": _host,
    "projects": _project,
    "users": _user,
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
                    found[key].append(ROWS[key](_typed({"row": row}, "row", dict)))
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
            Host(host.name, zones[number % len(zones)]) for number, host in enumerate(hosts)
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
