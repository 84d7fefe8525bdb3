"""Answers of the compute API about servers, for the document of it.

What is there depends on the microversion and on who asks, so most keys may be missing.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ecs_fsm.serve.http.bodies import COMPUTE_ERRORS, COMPUTE_FAULT, Body, Link, errors


class Address(Body):
    """An address of a server."""

    version: int
    addr: str
    kind: str | None = Field(None, alias="OS-EXT-IPS:type")
    mac: str | None = Field(None, alias="OS-EXT-IPS-MAC:mac_addr")


class Brief(Body):
    """A server in a list without details."""

    id: str
    name: str
    links: list[Link]


class Server(Brief):
    """A server."""

    status: str
    tenant_id: str
    user_id: str
    metadata: dict[str, str]
    hostId: str  # noqa: N815
    image: dict[str, Any] | str
    flavor: dict[str, Any]
    created: str
    updated: str
    addresses: dict[str, list[Address]]
    accessIPv4: str  # noqa: N815
    accessIPv6: str  # noqa: N815
    disk_config: str = Field(alias="OS-DCF:diskConfig")
    progress: int | None = None
    fault: dict[str, Any] | None = None
    vm_state: str | None = Field(None, alias="OS-EXT-STS:vm_state")
    task_state: str | None = Field(None, alias="OS-EXT-STS:task_state")
    power_state: int | None = Field(None, alias="OS-EXT-STS:power_state")
    locked: bool | None = None
    description: str | None = None
    tags: list[str] | None = None


class OneServer(Body):
    """A server in an answer."""

    server: Server


class Servers(Body):
    """A page of a list with details, and where the next one is."""

    servers: list[Server]
    servers_links: list[Link] | None = None


class BriefServers(Body):
    """A page of a list without details, and where the next one is."""

    servers: list[Brief]
    servers_links: list[Link] | None = None


class New(Body):
    """What is told of a server that is being made."""

    id: str
    links: list[Link]
    adminPass: str  # noqa: N815
    disk_config: str = Field(alias="OS-DCF:diskConfig")
    security_groups: list[dict[str, str]]


class Created(Body):
    """The answer to a creation: a server, or a reservation if that was asked for."""

    server: New | None = None
    reservation_id: str | None = None


REFUSED = {
    **COMPUTE_ERRORS,
    **errors(COMPUTE_FAULT, _409="The lifecycle does not allow it now."),
}
"""Answers to requests that the lifecycle may refuse."""
