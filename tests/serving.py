"""`ecs-fsm serve` as a process of its own, and a user who is logged in to it."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import httpx

from tests.command import COMMAND

SERVERS = "/compute/v2.1/servers"
LOGIN = {
    "auth": {
        "identity": {
            "methods": ["password"],
            "password": {
                "user": {"name": "admin", "password": "any", "domain": {"name": "Default"}}
            },
        },
        "scope": {"project": {"name": "demo", "domain": {"name": "Default"}}},
    }
}


def soon(attempt: Callable[[], float], seconds: float) -> bool:
    """Whether one of some attempts takes less; other programs make single ones slow."""
    return any(attempt() < seconds for _ in range(6))


class Reader:
    """Reads a stream as it comes, so that the writer never waits."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._lines: list[str] = []
        self._more = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            with self._more:
                self._lines.append(line.decode())
                self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()

    def until(self, mark: str) -> str:
        """What was read up to the line with the mark."""
        with self._more:
            found = self._more.wait_for(
                lambda: self._ended or any(mark in line for line in self._lines), timeout=120
            )
            text = "".join(self._lines)
        assert found, f"nothing with {mark!r} came: {text}"
        assert mark in text, f"it ended without {mark!r}: {text}"
        return text

    def all(self) -> str:
        """Everything, once the stream has ended."""
        self._thread.join(timeout=120)
        return "".join(self._lines)


class Served:
    """A server of its own; `printed` is its output, `admin` a client with a token."""

    def __init__(self, *arguments: str) -> None:
        command = [COMMAND, "serve", "--port", "0", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self.process.stdout
        assert self.process.stderr
        self.out, self.log = Reader(self.process.stdout), Reader(self.process.stderr)
        self.printed = self.out.until("EcsClient.new_builder")
        self.url = self.printed.split()[2]
        self.admin = httpx.Client(base_url=self.url, timeout=120)
        self.login()

    def login(self) -> None:
        """Gets a token, as a client does at its start and after a 401."""
        answer = self.admin.post("/identity/v3/auth/tokens", json=LOGIN)
        self.admin.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
        self.admin.headers["X-OpenStack-Nova-API-Version"] = "2.96"

    def create(self, name: str = "web-1", **more: object) -> str:
        """The id of a new server."""
        image = self.admin.get("/image/v2/images").json()["images"][0]["id"]
        body = {"name": name, "flavorRef": "1", "imageRef": image, "networks": "none", **more}
        answer = self.admin.post(SERVERS, json={"server": body})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["server"]["id"])

    def server(self, server_id: str) -> dict[str, Any]:
        """A server as the compute API shows it."""
        found: dict[str, Any] = self.admin.get(f"{SERVERS}/{server_id}").json()["server"]
        return found

    def state(self, server_id: str) -> tuple[str, str | None]:
        """Its vm_state and task_state."""
        shown = self.server(server_id)
        return shown["OS-EXT-STS:vm_state"], shown["OS-EXT-STS:task_state"]

    def act(self, server_id: str, action: str, argument: object = None) -> int:
        """The status that an action is answered with."""
        answer = self.admin.post(f"{SERVERS}/{server_id}/action", json={action: argument})
        return answer.status_code

    def advance(self, **how: float) -> None:
        """Lets the clock go on: `seconds` or `steps`."""
        assert self.admin.post("/_ecs/advance", json=how).status_code == 200

    def history(self, server_id: str) -> list[dict[str, Any]]:
        """Every state that a server entered."""
        found: list[dict[str, Any]] = self.admin.get(f"/_ecs/servers/{server_id}").json()["history"]
        return found

    def end(self, number: signal.Signals = signal.SIGTERM) -> float:
        """The seconds in which a signal ends it."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=120)
        return time.monotonic() - begun


@contextmanager
def served_apart(*arguments: str) -> Iterator[Served]:
    """A server by these options of the command; it is killed at the end if it still runs."""
    served = Served(*arguments)
    try:
        yield served
    finally:
        served.admin.close()
        served.process.kill()
        served.process.wait()
        served.log.all()
        for stream in (served.process.stdout, served.process.stderr):
            if stream:
                stream.close()
