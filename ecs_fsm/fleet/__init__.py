"""Fleets: many servers with random times, simulated and calculated.

>>> from ecs_fsm import fleet
>>> result = fleet.run(servers=100, duration="1d", seed=7)
>>> result.done, result.partial
(100, False)

`run` needs the extra `ecs-fsm[fleet]`. Each name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_fsm.fleet.simulation import run
    from ecs_fsm.profiles.loader import built_in, changed, read

_MODULES = {
    "built_in": "ecs_fsm.profiles.loader",
    "changed": "ecs_fsm.profiles.loader",
    "read": "ecs_fsm.profiles.loader",
    "run": "ecs_fsm.fleet.simulation",
}

__all__ = ["built_in", "changed", "read", "run"]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "run":
        from ecs_fsm.core.errors import require

        require("llvmlite", "numpy")
    return getattr(import_module(_MODULES[name]), name)
