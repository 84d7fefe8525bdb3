"""A cloud returns to its start, or to a snapshot, over HTTP and for tests that share one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from ecs_fsm.testing import served
from ecs_fsm.testing.emulator import EcsCloud
from tests.nova_cloud import API, GLANCE, NovaCloud


def everything(nova: NovaCloud) -> list[Any]:
    """All that the APIs show of the cloud."""
    paths = ["/_ecs/servers", "/_ecs/faults", "/_ecs/snapshots", f"{GLANCE}?visibility=private"]
    paths += [f"{API}/{name}" for name in ("os-keypairs", "os-quota-sets/x", "os-security-groups")]
    shown = {path: nova.get(path, user="admin") for path in paths}
    shown["/_ecs/servers"].pop("changes")
    detail = nova.get(f"{API}/servers/detail?all_tenants=1", user="admin")["servers"]
    return [shown, detail]


@pytest.mark.parametrize("file", [False, True])
def test_a_reset_returns_to_the_start_or_to_a_snapshot(tmp_path: Path, file: bool) -> None:
    nova = NovaCloud(tmp_path / "state" if file else None)
    start = everything(nova)
    server = nova.active()
    nova.snapshot(server)
    nova.ask("POST", f"{API}/os-keypairs", {"keypair": {"name": "k"}}, user="admin")
    nova.ask("PUT", f"{API}/os-quota-sets/x", {"quota_set": {"cores": 9}}, user="admin")
    nova.ask("POST", "/_ecs/faults", {"fault": "resize:fail@resize_prep*2"})
    nova.ask("POST", "/_ecs/faults", {"fault": "wire:503@list_servers#9"})
    taken = nova.ask("POST", "/_ecs/snapshots/here")
    assert (taken.status_code, taken.json()) == (201, {"name": "here", "servers": 1})
    here = everything(nova)
    nova.cloud.advance(1e6)
    nova.ask("DELETE", f"{API}/servers/{server}")
    nova.ask("DELETE", "/_ecs/faults")
    nova.create(name="other")
    back = nova.ask("POST", "/_ecs/reset", {"snapshot": "here"})
    assert (back.status_code, back.json()["servers"]) == (200, 1)
    assert everything(nova) == here
    nova.cloud.advance(1e6)
    assert nova.get(f"{GLANCE}?name=snap")["images"][0]["status"] == "active"
    assert nova.ask("POST", "/_ecs/reset", {}).status_code == 200
    nova_at_start = everything(nova)
    assert nova_at_start == json.loads(
        json.dumps(start).replace('["beginning"]', '["beginning", "here"]')
    )
    assert nova.get("/_ecs/changes") == {"changes": []}
    assert nova.active() == server


def test_a_reset_to_no_snapshot_is_refused() -> None:
    nova = NovaCloud()
    unknown = nova.ask("POST", "/_ecs/reset", {"snapshot": "nowhere"})
    assert (unknown.status_code, unknown.json()["error"]["message"]) == (
        404,
        "there is no snapshot nowhere; there are beginning",
    )
    for name in ("beginning", "a b", "x" * 61):
        assert nova.ask("POST", f"/_ecs/snapshots/{name}").status_code == 400
    codes = {nova.ask("POST", f"/_ecs/snapshots/{n}").status_code for n in range(21)}
    assert codes == {201, 400}


def test_tests_share_a_cloud_that_is_reset_in_no_time() -> None:
    with served(lifecycle="nova", speed=0) as cloud:
        cloud.fault("create:fail@spawning")
        cloud.reset()
        cloud.fault("create:hang@spawning")
        cloud.snapshot("hangs")
        took = []
        for _ in range(5):
            begun = time.process_time()
            cloud.reset()
            took.append(time.process_time() - begun)
            assert cloud.changes == []
        assert min(took) < 0.02
        cloud.reset("hangs")


urls: list[str] = []


@pytest.mark.ecs_cloud(shared=True, lifecycle="nova", speed=0)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_fixture_shares_a_cloud_between_tests_and_resets_it(
    ecs_cloud: EcsCloud, turn: int
) -> None:
    urls.append(ecs_cloud.url)
    assert urls == [ecs_cloud.url] * turn
    ecs_cloud.snapshot("first" if turn == 1 else "second")
    assert httpx.get(f"{ecs_cloud.url}/_ecs/faults").json()["faults"] == []
    ecs_cloud.fault("create:fail@spawning")
