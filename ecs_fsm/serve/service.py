"""A cloud with everything around it, ready for an HTTP server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import socket

from starlette.applications import Starlette

from ecs_fsm.lifecycles import server_class
from ecs_fsm.profiles.loader import read
from ecs_fsm.serve.app import START, application
from ecs_fsm.serve.cloud.catalog import read_catalog
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.followers import Clockwork, EventLog
from ecs_fsm.serve.cloud.store import NoRoom, StateFile, StateLost
from ecs_fsm.serve.cloud.vocabulary import VOLUME
from ecs_fsm.serve.http.listen import Settings, bind
from ecs_fsm.serve.http.wire import PREFIX, WireFaults


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a cloud.

    `profile`, `state`, `record` and `catalog` are paths; `speed` is in simulated seconds in a real
    one;
    `faults` are texts, for the cloud or the wire; `policy` has the settings of `Policy`.
    """

    lifecycle: str
    speed: float
    seed: int
    profile: str | None = None
    state: str | None = None
    record: str | None = None
    faults: Iterable[str] = ()
    policy: Mapping[str, float] = field(default_factory=dict)
    catalog: str | None = None


class Service:
    """A `cloud`, its `clockwork`, the `record` of its changes, faults on its `wire`, and the `app`.

    Raise `InvalidInput` for an invalid option and `StateLost` without room for the state; then
    nothing was started.
    """

    def __init__(self, options: Options, settings: Settings) -> None:
        kind, kept = server_class(options.lifecycle), StateFile(options.state)
        try:
            cloud = Cloud(
                kind,
                read(kind.lifecycle, options.profile),
                speed=options.speed,
                seed=options.seed,
                settings=options.policy,
                state=kept,
                catalog=read_catalog(options.catalog),
            )
            self.record = EventLog(cloud, options.record, resumes=options.state is not None)
            self.app: Starlette = application(cloud, settings)
            self.app.state.record = self.record
            self.clockwork: Clockwork = self.app.state.clockwork
            self.wire: WireFaults = self.app.state.wire
            for fault in options.faults:
                self.add_fault(fault)
            self.app.state.snapshots.take(START)
        except NoRoom as error:
            kept.close()
            raise StateLost(str(error)) from None
        except BaseException:
            kept.close()
            raise

    @property
    def cloud(self) -> Cloud:
        """The cloud, which is another one after a reset."""
        found: Cloud = self.app.state.cloud
        return found

    def add_fault(self, text: str) -> None:
        """Let a fault strike from now on.

        It is one of the wire or of volumes if its text begins with `wire:` or `volume:`.
        """
        if text.startswith(PREFIX):
            self.wire.add(text)
        elif text.startswith(VOLUME):
            self.cloud.volumes.cloud.orders.add(text.removeprefix(VOLUME))
        else:
            self.cloud.orders.add(text)

    def close(self) -> None:
        """Store everything, and close the files. Raise `StateLost` if that cannot be."""
        try:
            self.cloud.close()
        finally:
            self.record.close()


@contextmanager
def begun(options: Options, settings: Settings) -> Iterator[tuple[Service, socket]]:
    """Yield a service and the socket for its server; store everything at the end.

    Raise `InvalidInput` for an address that is in use, and as `Service` does.
    """
    with bind(settings) as bound:
        service = Service(options, settings)
        try:
            yield service, bound
        finally:
            service.close()
