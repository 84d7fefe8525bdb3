"""A cloud with Nova's lifecycle over HTTP, for tests of defects that real clients found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from ecs_fsm.serve.cloud.cloud import Cloud
from tests.clouds import cloud_of
from tests.compute import CIRROS, LONG, TINY
from tests.edge import Edge

API, GLANCE = "/compute/v2.1", "/image/v2/images"


class NovaCloud:
    """A cloud of nova's lifecycle with its clock stopped, and three users."""

    def __init__(
        self,
        path: Path | None = None,
        lifecycle: str = "nova",
        **settings: Any,
    ) -> None:
        kept = str(path) if path else None
        self.edge = Edge(cloud_of(lifecycle, state=kept, **settings))
        self.tokens = {name: self._token(name) for name in ("demo", "other", "admin")}

    @property
    def cloud(self) -> Cloud:
        """The cloud, which is another one after a reset."""
        found: Cloud = self.edge.state.cloud
        return found

    def _token(self, name: str) -> str:
        project = {"name": name, "domain": {"name": "Default"}}
        return self.edge.login(name, project=project).headers["x-subject-token"]

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        minor: int = 1,
        user: str = "demo",
        **more: object,
    ) -> httpx.Response:
        headers = {
            "X-Auth-Token": self.tokens[user],
            "openstack-api-version": f"compute 2.{minor}",
        }
        given = {"json": body} if body is not None else {}
        return self.edge.ask(method, path, headers=headers, **given, **more)

    def get(self, path: str, minor: int = 1, user: str = "demo") -> Any:
        answer = self.ask("GET", path, minor=minor, user=user)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create(self, **more: object) -> Any:
        wanted = {"name": "web", "flavorRef": TINY, "imageRef": CIRROS, "networks": "auto", **more}
        return self.ask("POST", f"{API}/servers", {"server": wanted}, 96)

    def active(self, **more: object) -> str:
        answer = self.create(**more)
        assert answer.status_code == 202, answer.text
        self.cloud.advance(LONG)
        return str(answer.json()["server"]["id"])

    def act(self, server: str, key: str, argument: object = None, **by: Any) -> Any:
        return self.ask("POST", f"{API}/servers/{server}/action", {key: argument}, **by)

    def snapshot(self, server: str, name: str = "snap") -> str:
        answer = self.act(server, "createImage", {"name": name}, minor=96)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["image_id"])
