"""The words in which the compute API and a lifecycle differ, as `servers.toml` says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Operations:
    """Operations of a lifecycle that requests other than actions ask for."""

    delete: str
    create_image: str
    backup: str
    update_metadata: str
    delete_metadata: str
    attach_volume: str
    detach_volume: str
    swap_volume: str
    attach_interface: str
    detach_interface: str
    migration: str
    abort_migration: str
    force_migration: str


@dataclass(frozen=True, slots=True)
class Words:
    """What the file says.

    `progress`, `begun` and `fault` are statuses, `connected` and `without_host` names of states;
    `locked` is a fact with its value; `aborted` the event in which a migration ends that was given
    up; `from_volume` and `without_network` are facts of a creation.
    """

    progress: frozenset[str]
    begun: frozenset[str]
    fault: frozenset[str]
    connected: frozenset[str]
    without_host: frozenset[str]
    power_states: Mapping[str, int]
    locked: tuple[str, str]
    from_volume: Mapping[str, str]
    without_network: Mapping[str, str]
    aborted: str
    operations: Operations


@cache
def words() -> Words:
    """What the file of the package says."""
    text = resources.files(__package__).joinpath("servers.toml").read_text(encoding="utf-8")
    read = tomllib.loads(text)
    return Words(
        progress=frozenset(read["progress"]),
        begun=frozenset(read["begun"]),
        fault=frozenset(read["fault"]),
        connected=frozenset(read["connected"]),
        without_host=frozenset(read["without_host"]),
        power_states=read["power_states"],
        locked=(read["guarded"]["fact"], read["guarded"]["value"]),
        **read["created"],
        aborted=read["aborted"],
        operations=Operations(**read["operations"]),
    )
