"""Lifecycles by name or from a file, and everything that a table in Python is written with.

A lifecycle is imported or read on first use. `load` reads a file. The notation of a table's rows is
described in `ecs_fsm.core.notation`; `ecs_fsm.Lifecycle` reads and checks a `Table`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ecs_fsm.core.model import (
    NO_SERVER,
    Fact,
    Guard,
    Kind,
    Rows,
    Surprise,
    Table,
)
from ecs_fsm.core.server import BaseServer
from ecs_fsm.core.word import Tone, Word

if TYPE_CHECKING:
    from pathlib import Path

    from ecs_fsm.core.lifecycle import Lifecycle

__all__ = [
    "ENDING",
    "GROUP",
    "NAMES",
    "NO_SERVER",
    "Fact",
    "Guard",
    "Kind",
    "Rows",
    "Surprise",
    "Table",
    "Tone",
    "Word",
    "load",
    "names",
    "server_class",
]

NAMES = ("ecs", "nova")
"""The names of the lifecycles whose tables are Python modules of this package."""

ENDING = ".toml"
"""How the name of a lifecycle file ends."""
GROUP = "ecs_fsm.lifecycles"
"""The group of entry points by which an installed package offers lifecycles."""


def names() -> tuple[str, ...]:
    """Return the names of all lifecycles: of this package first, then of other packages."""
    from ecs_fsm.lifecycles import registry

    return registry.names()


def load(path: str | Path) -> Lifecycle:
    """Return the lifecycle that a file describes.

    Raise `InvalidInput` for a file that is not TOML, and `InvalidTable` with every fault of its
    table, each with its line.
    """
    from ecs_fsm.lifecycles.tablefile import read

    return read(str(path))


def server_class(name: str) -> type[BaseServer]:
    """Return the servers of the lifecycle of that name, or of a file whose name ends with `.toml`.

    Raise `InvalidInput` if there is none, and what `load` raises.
    """
    from importlib import import_module

    if name in NAMES:
        return cast(type[BaseServer], import_module(f"ecs_fsm.lifecycles.{name}").Server)
    from ecs_fsm.lifecycles import registry

    return registry.find(name).server_class()
