"""The edge of the emulator for tests: inside this process, and as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import httpx
from starlette.applications import Starlette

from ecs_fsm.serve.app import application
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.followers import EventLog
from ecs_fsm.serve.http.listen import Settings
from tests.clouds import cloud_of
from tests.own_thread import run_in_own_thread


@cache
def _shared(settings: Settings) -> Starlette:
    """One application for all, since the first request to one takes longer than a hundred more."""
    return application(cloud_of(), settings)


class Edge:
    """The application without a socket; `ask` gives the answer.

    Its `state` is its own, all but the faults of the wire; `alone`, so is the application.
    """

    def __init__(self, cloud: Cloud | None = None, alone: bool = False, **settings: object) -> None:
        self.cloud, chosen = cloud or cloud_of(), Settings(**settings)  # type: ignore[arg-type]
        self.app = application(self.cloud, chosen)
        self.state = self.app.state
        self.state.record = EventLog(self.cloud)
        if not alone:
            self.app = _shared(chosen)
            self.state.wire = self.app.state.wire
            self.state.wire.restore(())
        self.headers: dict[str, str] = {}

    def ask(self, method: str, path: str, **more: object) -> httpx.Response:
        return run_in_own_thread(self._ask(method, path, more))

    async def _ask(self, method: str, path: str, more: dict[str, object]) -> httpx.Response:
        given = httpx.Headers(more.pop("headers", {}))  # type: ignore[arg-type]
        own = {name: value for name, value in self.headers.items() if name not in given}
        headers = [*httpx.Headers(own).raw, *given.raw]
        self.app.state = self.state
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers=headers, **more)  # type: ignore[arg-type]

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.ask("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def login(self, name: str = "demo", **scope: object) -> httpx.Response:
        answer = self.ask("POST", "/identity/v3/auth/tokens", json=credentials(name, **scope))
        self.headers = {"X-Auth-Token": answer.headers.get("x-subject-token", "")}
        return answer


def credentials(name: str = "demo", **scope: object) -> dict[str, object]:
    """The body with which a user logs in."""
    user = {"name": name, "password": "secret", "domain": {"name": "Default"}}
    auth: dict[str, object] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    return {"auth": auth | ({"scope": scope} if scope else {})}


PROGRAM = """
import asyncio, sys
from starlette.responses import StreamingResponse
from starlette.routing import Route
from ecs_fsm.serve.app import application
from ecs_fsm.serve.http.listen import bind, serve_until_signal
from ecs_fsm.serve.http.listen import Settings
from tests.clouds import cloud_of

settings = Settings(port=0)
bound = bind(settings)
app = application(cloud_of(), settings)
for fault in sys.argv[1:]:
    app.state.wire.add(fault)

async def endless(request):
    async def events():
        while True:
            yield "data: 1\\n\\n"
            await asyncio.sleep(3600)
    return StreamingResponse(events(), media_type="text/event-stream")

async def broken(request):
    raise RuntimeError("a secret of the inside")

app.router.routes[:0] = [Route("/_ecs/endless", endless), Route("/compute/broken", broken)]

serve_until_signal(app, bound, lambda: print(bound.getsockname()[1], flush=True))
print("ended", flush=True)
"""


@dataclass
class Running:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=120)

    def end(self) -> tuple[float, str, str]:
        """Seconds from the signal to the end, and what it wrote."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=120)
        return time.monotonic() - begun, out, err


@contextmanager
def running(*faults: str) -> Iterator[Running]:
    """A server with these faults on its wire."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *faults],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    try:
        assert process.stdout is not None
        yield Running(process, int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()
