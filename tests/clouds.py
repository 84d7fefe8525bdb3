"""Clouds for tests whose clock moves only when it is told, and who asks there."""

from __future__ import annotations

from collections.abc import Mapping

from ecs_fsm.lifecycles import server_class
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
    seed: int = 7,
    state: str | None = None,
    policy: Mapping[str, float] | None = None,
) -> Cloud:
    """A cloud whose clock stands still."""
    kind = server_class(name)
    kept = StateFile(state)
    return Cloud(kind, built_in(kind.lifecycle), speed=0, seed=seed, settings=policy, state=kept)
