"""The lifecycles that there are, by name; each is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from ecs_fsm.core.errors import unknown
from ecs_fsm.core.server import BaseServer

NAMES = ("ecs", "nova")


def server_class(name: str) -> type[BaseServer]:
    """The `Server` of the lifecycle of that name. Raises `InvalidInput` for an unknown one."""
    if name not in NAMES:
        raise unknown("lifecycle", name, NAMES)
    return cast(type[BaseServer], import_module(f"ecs_fsm.lifecycles.{name}").Server)
