"""The compute API for tests: the application over a stopped cloud, without a socket."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

from starlette.applications import Starlette

from ecs_fsm.serve.app import application
from ecs_fsm.serve.cloud.instance import Asker, Instance, NewServer
from ecs_fsm.serve.http.access import Access, Caller
from ecs_fsm.serve.http.listen import Settings
from tests.clouds import cloud_of
from tests.own_thread import run_in_own_thread

TINY, SMALL = "1", "2"
CIRROS, DEBIAN = "70a599e0-31e7-49b7-b260-868f441e862b", "155d900f-4e14-4e4c-a73d-069cbf4541e6"
PRIVATE, PUBLIC = "3cb9bc59-5699-4588-a4b1-b87f96708bc6", "5aa0b1c8-0f9a-4b7a-8e12-4b5ad7a0c5e3"
LONG = 100_000
"""Simulated seconds in which everything comes to its end."""


class Answer(NamedTuple):
    """What came back."""

    code: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def message(self) -> str:
        """The message of an error of the compute API."""
        ((key, error),) = self.json.items()
        assert error["code"] == self.code
        assert key == KEYS[self.code]
        message: str = error["message"]
        return message


KEYS = {400: "badRequest", 403: "forbidden", 404: "itemNotFound", 409: "conflictingRequest"}


@cache
def one_application() -> Starlette:
    """Return the one application of all clouds; each request sets its cloud."""
    return application(cloud_of(), Settings())


class Compute:
    """A cloud with its clock stopped, and its caller: `demo` of the project of that name."""

    def __init__(self, lifecycle: str, **settings: float) -> None:
        self.cloud = cloud_of(lifecycle, policy=settings)
        self.app = one_application()
        self.minor = 1
        self.tokens = {name: self._token(name) for name in ("demo", "other", "admin")}
        self.user = "demo"

    def _token(self, name: str) -> str:
        access: Access = self.app.state.access
        caller = Caller(*access.users.named(name), *access.projects.named(name))
        return access.issue(caller, ("password",), "project").id

    def ask(self, method: str, path: str, body: object = None, **by: Any) -> Answer:
        """Send a request; the path begins after the version of the API."""
        return run_in_own_thread(self.send(method, path, body, **by))

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        user: str | None = None,
        minor: int | None = None,
    ) -> Answer:
        path, _, query = path.partition("?")
        whole = f"/compute/v2.1{path}"
        minor = self.minor if minor is None else minor
        headers = {
            "host": "localhost",
            "x-auth-token": self.tokens[user or self.user],
            "openstack-api-version": f"compute 2.{minor}",
            "content-type": "application/json",
        }
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": whole,
            "raw_path": quote(whole).encode(),
            "query_string": quote(query, safe="=&:%+").encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "extensions": {},
        }
        sent: list[dict[str, Any]] = []
        raw = b"" if body is None else json.dumps(body).encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        self.app.state.cloud = self.cloud
        await self.app(scope, receive, send)
        pairs = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        text = b"".join(message.get("body", b"") for message in sent[1:]).decode()
        return Answer(sent[0]["status"], dict(pairs), text)

    def create(self, name: str = "web", **more: object) -> str:
        """The id of a new server, in the first step of its creation."""
        wanted = {"name": name, "flavorRef": TINY, "imageRef": CIRROS, "networks": "auto", **more}
        answer = self.ask("POST", "/servers", {"server": wanted}, minor=96)
        assert answer.code == 202, answer.text
        server_id: str = answer.json["server"]["id"]
        return server_id

    def active(self, name: str = "web", **more: object) -> str:
        """The id of a new server that runs."""
        server_id = self.create(name, **more)
        self.rest()
        return server_id

    def rest(self) -> None:
        """Let everything come to its end."""
        self.cloud.advance(LONG)

    def act(self, server_id: str, key: str, argument: object = None, **by: Any) -> Answer:
        return self.ask("POST", f"/servers/{server_id}/action", {key: argument}, **by)

    def show(self, server_id: str, **by: Any) -> Any:
        answer = self.ask("GET", f"/servers/{server_id}", **by)
        assert answer.code == 200, answer.text
        return answer.json["server"]

    def status(self, server_id: str) -> str:
        """The status, with the task where one runs."""
        shown = self.show(server_id)
        task = shown["OS-EXT-STS:task_state"]
        return f"{shown['status']} {task}" if task else str(shown["status"])

    def names(self, query: str, **by: Any) -> list[str]:
        """The names of the servers of a list."""
        answer = self.ask("GET", f"/servers/detail?{query}", **by)
        assert answer.code == 200, answer.text
        return [server["name"] for server in answer.json["servers"]]

    def put(self, number: int) -> Instance:
        """A server that no request made, for tests of many."""
        access: Access = self.app.state.access
        (user, _), (project, _) = access.users.named("demo"), access.projects.named("demo")
        asker = Asker("req", user, project, "test")
        return self.cloud.create(NewServer(f"s{number}", TINY, CIRROS), asker)
