"""Fleets: many servers with random times, simulated and calculated.

>>> from ecs_fsm import fleet
>>> result = fleet.run(servers=100, duration="1d", seed=7)
>>> result.done, result.partial
(100, False)

What simulates needs the extra `ecs-fsm[fleet]`; each name is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_fsm.fleet.running import run
    from ecs_fsm.profiles.loader import built_in, changed, read

_MODULES = {
    "built_in": "profilefile",
    "changed": "profilefile",
    "read": "profilefile",
    "run": "running",
}
_COMPILED = ("running",)

__all__ = ["built_in", "changed", "read", "run"]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _MODULES[name] in _COMPILED:
        from ecs_fsm.fleet.extra import need

        need("numba", "numpy")
    return getattr(import_module(f"ecs_fsm.fleet.{_MODULES[name]}"), name)
