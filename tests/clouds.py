"""Clouds for tests whose clock moves only when it is told, and who asks there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ecs_fsm.lifecycles import server_class
from ecs_fsm.profiles.durations import Duration, Family
from ecs_fsm.profiles.loader import built_in
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.instance import Asker
from ecs_fsm.serve.cloud.store import StateFile

LIFECYCLES = ("ecs", "nova")
USER = Asker("req-1", "user", "project", "test")
ADMIN = USER._replace(admin=True)
LONG = 1e6
"""Seconds in which everything comes to its end."""


def cloud_of(
    name: str = "ecs",
    *,
    state: str | None = None,
    policy: Mapping[str, float] | None = None,
    instant: bool = False,
    **more: Any,
) -> Cloud:
    """A cloud whose clock stands still; if it is `instant`, the steps of servers take no time."""
    kind = server_class(name)
    kept, profile = StateFile(state), built_in(kind.lifecycle)
    if instant:
        none = dict.fromkeys(profile.durations, Duration(Family.CONSTANT, 0.0))
        profile = replace(profile, durations=none)
    own = {"seed": 7, **more}
    return Cloud(kind, profile, speed=0, settings=policy, state=kept, **own)
