"""What a cloud keeps in its state: its servers, and what it goes on with as the same cloud."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, cast

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.server import BaseServer
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.cloud.state import State
from ecs_fsm.serve.cloud.stored import instances, pieces, surplus
from ecs_fsm.serve.cloud.troubles import Troubles

SERVER, CLOUD = "server", "cloud"


class Standing(NamedTuple):
    """Where a cloud stands: its time, when it began, its seed, and how many servers it has made."""

    now: float
    epoch: datetime
    seed: int
    made: int


class Kept(NamedTuple):
    """A cloud as it was kept, with the servers that are there and those that are gone."""

    standing: Standing
    instances: list[Instance]


class Keeping:
    """A cloud of servers of a `kind`, with its `troubles`, in a `state`."""

    def __init__(self, state: State, kind: type[BaseServer], troubles: Troubles) -> None:
        self._state, self._kind, self._troubles = state, kind, troubles

    def put(self, instance: Instance) -> None:
        """Have a server there as it is now, from the next commit on."""
        instance.revision += 1
        if self._state.kept:
            for name, document in pieces(instance):
                self._state.put(SERVER, name, document)
        for name in surplus(instance):
            self._state.drop(SERVER, name)

    def drop(self, instance: Instance) -> None:
        """Forget a server, from the next commit on."""
        self._state.drop(SERVER, instance.id)

    def commit(self, standing: Standing) -> None:
        """Have on the disk what was put, the troubles, and where the cloud stands."""
        self._state.put(
            CLOUD,
            self._kind.lifecycle.name,
            {
                "now": standing.now,
                "epoch": standing.epoch.isoformat(),
                "seed": standing.seed,
                "count": standing.made,
                **self._troubles.as_json(),
            },
        )
        self._state.commit()

    def read(self) -> Kept | None:
        """What was kept, None where nothing was; the troubles go on with theirs.

        Raises `InvalidInput` for another lifecycle and for what does not read.
        """
        path, name = self._state.path, self._kind.lifecycle.name
        try:
            kept = dict(self._state.all(CLOUD))
        except ValueError as error:
            raise InvalidInput(f"{path}: the file is broken: {error}") from None
        if not kept:
            return None
        if name not in kept:
            raise InvalidInput(f"{path}: its servers are of the lifecycle {', '.join(kept)}")
        try:
            own = cast(dict[str, Any], kept[name])
            epoch, seed = datetime.fromisoformat(own["epoch"]), int(own["seed"])
            self._troubles.take(own)
            standing = Standing(float(own["now"]), epoch, seed, own["count"])
            return Kept(standing, list(instances(self._kind, self._state.all(SERVER))))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"{path}: the file is broken: {error}") from None
