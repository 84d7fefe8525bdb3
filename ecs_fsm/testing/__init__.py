"""Tests of what drives servers: waiting loops against every run, whole programs against a cloud.

`pollings` and `try_out` (`ecs_fsm.testing.loops`) run a waiting loop, `served` and the pytest
fixture `ecs_cloud` (`ecs_fsm.testing.emulator`) give a program a cloud to talk to.
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
