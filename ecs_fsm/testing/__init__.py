"""Tests of programs that drive servers: wait loops against every run, programs against a cloud.

`pollings` and `try_out` (`ecs_fsm.testing.loops`) run a wait loop. `served` and the pytest fixture
`ecs_cloud` (`ecs_fsm.testing.emulator`) emulate a cloud for a program.
"""

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
    "pollings",
    "served",
    "sleepless",
    "try_out",
]
