"""A cloud with everything around it, ready to be listened for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fastapi import FastAPI

from ecs_fsm.fleet.profilefile import read
from ecs_fsm.lifecycles import server_class
from ecs_fsm.serve.app import application
from ecs_fsm.serve.cloud import Cloud
from ecs_fsm.serve.record import Record
from ecs_fsm.serve.settings import Settings
from ecs_fsm.serve.state import State
from ecs_fsm.serve.wire import WireFaults
from ecs_fsm.serve.wirefault import PREFIX


class Service:
    """A `cloud`, the `record` of its changes, its faults on the `wire`, and the `app` over them.

    `profile` and `record` are paths, `faults` as they are written for the cloud or the wire. Raises
    `InvalidInput` for whatever does not read; then nothing was begun.
    """

    def __init__(
        self,
        lifecycle: str,
        settings: Settings,
        *,
        profile: str | None = None,
        speed: float = 60.0,
        seed: int = 0,
        state: str | None = None,
        record: str | None = None,
        faults: Iterable[str] = (),
        policy: Mapping[str, float] | None = None,
    ) -> None:
        kind = server_class(lifecycle)
        times = read(kind.lifecycle, profile)
        kept = State(state)
        self.cloud = Cloud(kind, times, speed=speed, seed=seed, settings=policy, state=kept)
        try:
            self.record = Record(self.cloud, record, goes_on=state is not None)
            self.app: FastAPI = application(self.cloud, settings)
            self.app.state.record = self.record
            self.wire: WireFaults = self.app.state.wire
            for fault in faults:
                self.add_fault(fault)
        except BaseException:
            self.cloud.close()
            raise

    def add_fault(self, text: str) -> None:
        """Let a fault strike from now on, one of the wire if it begins so."""
        if text.startswith(PREFIX):
            self.wire.add(text)
        else:
            self.cloud.troubles.add(text)

    def close(self) -> None:
        """Keep everything, and let the files go."""
        self.cloud.close()
        self.record.close()
