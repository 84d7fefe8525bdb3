"""An emulated cloud for the tests of a program: a real HTTP server on a free port.

With the extra `serve` installed, pytest has the fixture `ecs_cloud`; the mark of the same name sets
its options:

    @pytest.mark.ecs_cloud(lifecycle="nova", speed=0)
    def test_our_program_survives_a_failed_resize(ecs_cloud):
        ecs_cloud.fault("resize:fail@resize_finish")
        our_program(auth_url=ecs_cloud.auth_url)
        assert ecs_cloud.changes[-1].status == "ERROR"
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ecs_fsm.core.errors import require

if TYPE_CHECKING:
    from ecs_fsm.serve.service import Service

Found = TypeVar("Found")
FAST = 1000.0
"""The default speed: simulated seconds per real second."""


class Changed(NamedTuple):
    """A state that a server entered, with its id and name; `at` is in simulated seconds."""

    server: str
    name: str
    at: float
    event: str | None
    vm_state: str
    task_state: str | None
    status: str


class EcsCloud:
    """A cloud that listens at `url` until its `with` ends; it accepts any user and password."""

    def __init__(self, service: Service, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self._service, self._loop = service, loop

    @property
    def auth_url(self) -> str:
        """The URL of the identity API v3."""
        return f"{self.url}/identity/v3"

    def auth(self, user: str = "demo") -> dict[str, str]:
        """Return the arguments to log in with keystoneauth, for example of `openstack.connect`."""
        return {
            "auth_url": self.auth_url,
            "username": user,
            "password": user,
            "project_name": "demo",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }

    def fault(self, text: str) -> None:
        """Order a fault, such as `resize:fail@resize_prep*2 on web-*`.

        `wire:503@show_server` is a fault of the connection. Raise `InvalidInput` for invalid text.
        """
        self._in_its_thread(lambda: self._service.add_fault(text))

    def scenario(self, *words: str) -> None:
        """Set the scenario of the next server. Raise `InvalidInput` for an invalid one."""
        self._in_its_thread(lambda: self._service.cloud.orders.add_scenario(words))

    def snapshot(self, name: str) -> None:
        """Keep the cloud as it is now under a name, for `reset`."""
        self._in_its_thread(lambda: self._service.app.state.snapshots.take(name))

    def reset(self, snapshot: str = "beginning") -> None:
        """Return to the beginning, or to a snapshot. Raise `KeyError` for an unknown one.

        Tokens of clients stay valid; the ids of new servers are those of the first time.
        """
        self._in_its_thread(lambda: self._service.app.state.snapshots.restore(snapshot))

    def advance(self, seconds: float) -> int:
        """Advance the clock by simulated seconds and return the number of events."""
        return self._awaited(self._service.clockwork.advance(seconds))

    def step(self, count: int = 1) -> int:
        """Advance the clock to the end of the next `count` steps; return how many ended."""
        return self._awaited(self._service.clockwork.step(count))

    @property
    def changes(self) -> list[Changed]:
        """Every change so far, in order."""
        rows = self._in_its_thread(lambda: self._service.record.since(0))
        return [
            Changed(
                row.server,
                row.name,
                row.entry.at,
                row.entry.event,
                row.entry.state.vm_state.value,
                row.entry.state.task_state and row.entry.state.task_state.value,
                row.entry.state.status.value,
            )
            for row in rows
        ]

    def _in_its_thread(self, call: Callable[[], Found]) -> Found:
        async def called() -> Found:
            return call()

        return self._awaited(called())

    def _awaited(self, coroutine: Coroutine[object, object, Found]) -> Found:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


@contextmanager
def served(
    *,
    lifecycle: str = "ecs",
    speed: float = FAST,
    seed: int = 0,
    profile: str | None = None,
    state: str | None = None,
    record: str | None = None,
    policy: Mapping[str, float] | None = None,
    catalog: str | None = None,
    port: int = 0,
) -> Iterator[EcsCloud]:
    """Serve a cloud on a port of this machine; at speed 0 the clock stands until advanced.

    The options are those of `ecs-fsm serve`. Raise `MissingExtra` without the extra `serve`.
    """
    require("starlette", "uvicorn", "httptools", extra="serve")
    from ecs_fsm.serve.http.listen import Settings, server_of, url_of
    from ecs_fsm.serve.service import Options, begun

    options = Options(
        lifecycle, speed, seed, profile, state, record, policy=policy or {}, catalog=catalog
    )
    with begun(options, Settings(port=port)) as (service, bound):
        loops: list[asyncio.AbstractEventLoop] = []
        ready = threading.Event()
        server = server_of(service.app, ready.set)

        async def run() -> None:
            loops.append(asyncio.get_running_loop())
            await server.serve([bound])

        thread = threading.Thread(target=lambda: asyncio.run(run()), name="ecs-cloud", daemon=True)
        thread.start()
        ready.wait()
        try:
            yield EcsCloud(service, url_of(bound), loops[0])
        finally:
            server.should_exit = True
            thread.join()
