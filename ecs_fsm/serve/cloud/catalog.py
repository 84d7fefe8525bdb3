"""Flavors, images, networks and zones that exist from the start: the same for all APIs.

They are in `catalog.toml` beside this module, and do not change while the cloud runs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from ipaddress import IPv4Network
from uuid import UUID, uuid5

NAMESPACE = UUID("2b1d7f1c-6a0e-4e7e-8d51-8774ec5f5b01")


@dataclass(frozen=True, slots=True)
class Flavor:
    """A size of server; `ram` in MiB, `disk` in GiB."""

    id: str
    name: str
    vcpus: int
    ram: int
    disk: int
    extra_specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Image:
    """What a server starts from; `size` in bytes, `min_disk` in GiB, `min_ram` in MiB.

    `owner` is the id of a project, None for what exists from the start; `formats` are those of the
    container and the disk, `properties` further ones that users set.
    """

    id: str
    name: str
    size: int
    min_disk: int
    min_ram: int
    status: str
    created: str
    updated: str | None = None
    owner: str | None = None
    visibility: str = "public"
    formats: tuple[str, str] = ("bare", "qcow2")
    tags: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subnet:
    """The addresses of a network."""

    id: str
    name: str
    cidr: str

    @property
    def gateway(self) -> str:
        """The first address, which no server gets."""
        return str(IPv4Network(self.cidr)[1])

    def address(self, number: int) -> str:
        """Return the address of the server of that number, from 1 on; it wraps around."""
        block = IPv4Network(self.cidr)
        return str(block[2 + number % (block.num_addresses - 3)])


@dataclass(frozen=True, slots=True)
class Network:
    """A network with its one subnet."""

    id: str
    name: str
    external: bool
    mtu: int
    subnet: Subnet


@dataclass(frozen=True, slots=True)
class Attachment:
    """The port of a server on a network, with its hardware address and address."""

    network: Network
    port_id: str
    mac: str
    address: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """All that exists from the start, by ids in the order of the file."""

    flavors: Mapping[str, Flavor]
    images: Mapping[str, Image]
    networks: Mapping[str, Network]
    availability_zone: str

    @property
    def default_network(self) -> Network:
        """The network that a server gets by default."""
        return next(network for network in self.networks.values() if not network.external)


def attachment(
    network: Network, server_id: str, number: int, address: str | None = None
) -> Attachment:
    """Return the port of a server on a network, always the same one.

    `number` counts servers and determines the address, unless one is given.
    """
    port = uuid5(NAMESPACE, f"{server_id}/{network.id}")
    digits = f"{number % 2**24:06x}"
    return Attachment(
        network=network,
        port_id=str(port),
        mac=f"fa:16:3e:{digits[:2]}:{digits[2:4]}:{digits[4:]}",
        address=address or network.subnet.address(number),
    )


@cache
def catalog() -> Catalog:
    """Return the catalog of the package."""
    text = (
        resources.files("ecs_fsm.serve.cloud").joinpath("catalog.toml").read_text(encoding="utf-8")
    )
    read = tomllib.loads(text)
    networks = [Network(**{**row, "subnet": Subnet(**row["subnet"])}) for row in read["networks"]]
    return Catalog(
        flavors={row["id"]: Flavor(**row) for row in read["flavors"]},
        images={row["id"]: Image(**row) for row in read["images"]},
        networks={network.id: network for network in networks},
        availability_zone=read["availability_zone"],
    )
