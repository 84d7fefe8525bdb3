"""A cloud for the tests of a program that talks to one: a real server on a free port.

With pytest the fixture `ecs_cloud` is there as soon as the package is installed with its extra
`serve`; the mark `ecs_cloud` says what it is like:

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
"""Simulated seconds in a real one, where nobody says otherwise."""


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
    """A cloud that listens at `url` until its `with` ends; any user and password log in."""

    def __init__(self, service: Service, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self._service, self._loop = service, loop

    @property
    def auth_url(self) -> str:
        """Where clients log in, identity v3."""
        return f"{self.url}/identity/v3"

    def auth(self, user: str = "demo") -> dict[str, str]:
        """What keystoneauth needs to log in, `openstack.connect` among others."""
        return {
            "auth_url": self.auth_url,
            "username": user,
            "password": user,
            "project_name": "demo",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }

    def fault(self, text: str) -> None:
        """Let a fault strike from now on, such as `resize:fail@resize_prep*2 on web-*`.

        `wire:503@show_server` is one of the wire. Raises `InvalidInput` where it does not read.
        """
        self._in_its_thread(lambda: self._service.add_fault(text))

    def scenario(self, *words: str) -> None:
        """Lay a scenario on the next server. Raises `InvalidInput` where it does not read."""
        self._in_its_thread(lambda: self._service.cloud.orders.add_scenario(words))

    def advance(self, seconds: float) -> int:
        """Let simulated seconds pass at once; how many events there were."""
        return self._awaited(self._service.clockwork.advance(seconds))

    def step(self, count: int = 1) -> int:
        """Go on to the end of the next `count` steps; how many there were."""
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
) -> Iterator[EcsCloud]:
    """A cloud on a free port of this machine; at speed 0 its clock moves only when it is told.

    The options are those of `ecs-fsm serve`. Raises `MissingExtra` without the extra `serve`.
    """
    require("fastapi", "uvicorn", "httptools", extra="serve")
    from ecs_fsm.serve.http.listen import Settings, server_of, url_of
    from ecs_fsm.serve.service import Options, begun

    options = Options(lifecycle, speed, seed, profile, state, record, policy=policy or {})
    with begun(options, Settings(port=0)) as (service, bound):
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
