"""The built-in lifecycles by name, and everything that a table of another one is written with.

A lifecycle is imported on first use. The notation of a table's rows is described in
`ecs_fsm.core.notation`; `ecs_fsm.Lifecycle` reads and checks a `Table`.
"""

from __future__ import annotations

from typing import cast

from ecs_fsm.core.errors import unknown
from ecs_fsm.core.model import (
    NO_SERVER,
    Fact,
    Guard,
    Kind,
    Rows,
    Surprise,
    Table,
    Tone,
    Word,
)
from ecs_fsm.core.server import BaseServer

__all__ = [
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
    "server_class",
]

NAMES = ("ecs", "nova")
"""The names of the built-in lifecycles."""


def server_class(name: str) -> type[BaseServer]:
    """Return the `Server` of the lifecycle of that name. Raise `InvalidInput` if there is none."""
    from importlib import import_module

    if name not in NAMES:
        raise unknown("lifecycle", name, NAMES)
    return cast(type[BaseServer], import_module(f"ecs_fsm.lifecycles.{name}").Server)
