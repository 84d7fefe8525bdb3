"""A cloud whose volume service is tested."""

from __future__ import annotations

from typing import Any

from tests.compute import LONG
from tests.nova_cloud import API, NovaCloud


class Storage(NovaCloud):
    """A cloud with its volume service."""

    def volumes(self, method: str, path: str, body: object = None, **by: Any) -> Any:
        return self.ask(method, f"/volume/v3/demo/{path}", body, **by)

    def volume(self, **fields: object) -> str:
        answer = self.volumes("POST", "volumes", {"volume": {"size": 1, **fields}})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["volume"]["id"])

    def status(self, volume: str) -> str:
        return str(self.volumes("GET", f"volumes/{volume}").json()["volume"]["status"])

    def rest(self) -> None:
        self.cloud.advance(LONG)

    def attach(self, server: str, volume: str, **more: object) -> Any:
        body = {"volumeAttachment": {"volumeId": volume, **more}}
        return self.ask("POST", f"{API}/servers/{server}/os-volume_attachments", body, 96)

    def made(self, kind: str, code: int, **fields: object) -> Any:
        """Return what a new resource of a kind shows."""
        answer = self.volumes("POST", f"{kind}s", {kind: fields})
        assert answer.status_code == code, answer.text
        return answer.json()[kind]

    def shown(self, kind: str, item: str, **by: Any) -> Any:
        """Return what a resource shows."""
        answer = self.volumes("GET", f"{kind}s/{item}", **by)
        assert answer.status_code == 200, answer.text
        return answer.json()[kind]

    def act_on(self, volume: str, key: str, argument: object = None, **by: Any) -> Any:
        """Send an action of a volume."""
        return self.volumes("POST", f"volumes/{volume}/action", {key: argument or {}}, **by)
