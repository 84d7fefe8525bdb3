"""A cloud with everything around it, ready for an HTTP server, and the text at its start.

The lifecycles that can be served are those that speak OpenStack as Nova does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from socket import socket
from string import Template

from starlette.applications import Starlette

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.core.model import ATTRIBUTES
from ecs_fsm.lifecycles import names, server_class
from ecs_fsm.profiles.loader import read
from ecs_fsm.serve.app import START, application
from ecs_fsm.serve.cloud.catalog import read_catalog
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.followers import Clockwork, EventLog
from ecs_fsm.serve.cloud.resources import identifier
from ecs_fsm.serve.cloud.store import NoRoom, StateFile, StateLost
from ecs_fsm.serve.http.listen import Settings, bind
from ecs_fsm.serve.http.wire import add_fault

SPOKEN = "nova"
"""The lifecycle whose operations the APIs of the cloud request."""


def check_servable(lifecycle: Lifecycle) -> None:
    """Raise `InvalidInput`, saying why and what can be served, for any other lifecycle."""
    if reason := why_not(lifecycle):
        able = [name for name in names() if not why_not(server_class(name).lifecycle)]
        raise InvalidInput(
            f"serve speaks OpenStack, and {lifecycle.name} does not: {reason}; it can serve "
            f"{', '.join(able)}, and files that extend them"
        )


def why_not(lifecycle: Lifecycle) -> str:
    """Return why a lifecycle cannot be served; empty if it can be."""
    attributes = {key: lifecycle.table.attributes.get(key) for key in ATTRIBUTES}
    if lifecycle.table.one_word or attributes != dict(ATTRIBUTES):
        called = ", ".join(lifecycle.table.attributes.values())
        return f"its attributes are {called}, not those of the compute API"
    known = server_class(SPOKEN).lifecycle
    foreign = [name for name in lifecycle.operations if name not in known.operations]
    if foreign:
        return f"Nova has no operation {foreign[0]}"
    if {*lifecycle.creations} != {*known.creations}:
        return f"servers come by {' and '.join(known.creations)} only"
    return ""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a cloud.

    `profile`, `state`, `record` and `catalog` are paths; `speed` is in simulated seconds in a real
    one; `faults` are texts, for the cloud or the wire; `policy` has the settings of `Policy`.
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
    """A `cloud`, its `clockwork`, the `record` of its changes, and the `app` that serves it.

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
            for fault in options.faults:
                self.add_fault(fault)
            self.app.state.snapshots.take(START)
        except BaseException as error:
            kept.close()
            if isinstance(error, NoRoom):
                raise StateLost(str(error)) from None
            raise

    @property
    def cloud(self) -> Cloud:
        """The cloud, which is another one after a reset."""
        found: Cloud = self.app.state.cloud
        return found

    def add_fault(self, text: str) -> None:
        """Let a fault of the cloud, of its volumes or of the wire strike from now on."""
        add_fault(self.cloud, self.app.state.wire, text)

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


USER = "demo"


def to_paste(cloud: Cloud, url: str) -> str:
    """Return the address of the cloud and the settings of its clients."""
    text = (resources.files("ecs_fsm.serve") / "paste.txt").read_text(encoding="utf-8")
    speed = cloud.clock.speed
    return Template(text).substitute(
        url=url,
        lifecycle=cloud.lifecycle.name,
        clock=f"{speed:g} seconds in one" if speed else "its clock stands still",
        seed=cloud.seed,
        region=cloud.catalog.regions[0],
        user=USER,
        project=identifier("project", USER),
    )
