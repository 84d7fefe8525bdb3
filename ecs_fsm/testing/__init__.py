"""Tests of programs that drive servers: wait loops against every run, programs against a cloud.

`assert_waits` (`ecs_fsm.testing.assertions`) fails for a wait loop that goes wrong in some run,
with its story; `pollings` and `try_out` (`ecs_fsm.testing.loops`) are the single steps. `served`
and the pytest fixture `ecs_cloud` (`ecs_fsm.testing.emulator`) emulate a cloud for a program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_fsm.testing.assertions import assert_waits
    from ecs_fsm.testing.emulator import Changed, EcsCloud, served
    from ecs_fsm.testing.loops import (
        Answer,
        FakeServer,
        Gone,
        Polling,
        StillWaiting,
        Tried,
        pollings,
        sleepless,
        try_out,
    )

__all__ = [
    "Answer",
    "Changed",
    "EcsCloud",
    "FakeServer",
    "Gone",
    "Polling",
    "StillWaiting",
    "Tried",
    "assert_waits",
    "pollings",
    "served",
    "sleepless",
    "try_out",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: the pytest plug-in loads this package always."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ecs_fsm.testing import assertions, emulator, loops

    return vars(emulator).get(name) or vars(loops).get(name) or vars(assertions)[name]
