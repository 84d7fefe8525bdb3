"""The actions of a server, and its running migration."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compute import Compute


def test_actions_are_remembered_with_the_steps_that_they_took(compute: Compute) -> None:
    server = compute.active(metadata={"ecs:fault": "reboot:fail@reboot_started"})
    stopped = compute.act(server, "os-stop")
    compute.act(server, "os-stop")  # which is refused, and no action
    compute.rest()
    compute.act(server, "os-start")
    compute.rest()
    compute.act(server, "reboot", {"type": "SOFT"})
    path = f"/servers/{server}/os-instance-actions"
    compute.rest()
    assert compute.status(server) == "ERROR"
    actions = compute.ask("GET", path).json["instanceActions"]
    result = [(action["action"], action["message"]) for action in actions]
    assert result == [("reboot", "Error"), ("start", None), ("stop", None), ("create", None)]
    found = stopped.headers["x-compute-request-id"]
    assert actions[2]["request_id"] == found
    action = compute.ask("GET", f"{path}/{found}", minor=51).json["instanceAction"]
    (event,) = action["events"]
    assert (event["event"], event["result"]) == ("compute_stop_instance", "Success")
    assert event["start_time"] == action["start_time"] < event["finish_time"]
    for minor, user, added in (
        (61, "admin", set()),
        (62, "admin", {"host", "hostId"}),
        (62, "demo", {"hostId"}),
    ):
        shown = compute.ask("GET", f"{path}/{found}", minor=minor, user=user).json
        assert {"host", "hostId"} & set(shown["instanceAction"]["events"][0]) == added
    reboot = f"{path}/{actions[0]['request_id']}"
    for user, details in (("admin", ["libvirtError"]), ("demo", [])):
        (event,) = compute.ask("GET", reboot, minor=84, user=user).json["instanceAction"]["events"]
        assert (event["event"], event["result"]) == ("compute_reboot_instance", "Error")
        assert [event[key] for key in event if key == "details"] == details
    assert "events" not in compute.ask("GET", f"{path}/{found}").json["instanceAction"]
    assert compute.ask("GET", f"{path}/req-nothing").code == 404


@pytest.mark.parametrize("minor", [51, 61, 62, 83, 84, 96])
def test_an_event_has_the_keys_of_its_microversion(nova: Compute, minor: int) -> None:
    path = f"/servers/{nova.active()}/os-instance-actions"
    (made,) = nova.ask("GET", path, minor=minor).json["instanceActions"]
    for user, own in (("demo", {}), ("admin", {"traceback": 51, "host": 62, "details": 84})):
        shown = nova.ask("GET", f"{path}/{made['request_id']}", minor=minor, user=user).json
        since = {"event": 1, "start_time": 1, "finish_time": 1, "result": 1, "hostId": 62, **own}
        expected = {key for key, first in since.items() if first <= minor}
        assert {*shown["instanceAction"]["events"][0]} == expected


def test_an_action_without_steps_has_no_events_and_metadata_is_no_action(nova: Compute) -> None:
    server = nova.active()
    nova.ask("POST", f"/servers/{server}/metadata", {"metadata": {"a": "b"}})
    nova.ask("DELETE", f"/servers/{server}/metadata/a")
    nova.act(server, "injectNetworkInfo", user="admin")
    nova.act(server, "lock")
    nova.act(server, "forceDelete", user="admin")
    path = f"/servers/{server}/os-instance-actions"
    actions = nova.ask("GET", path, minor=51).json["instanceActions"]
    assert [action["action"] for action in actions] == ["delete", "lock", "create"]
    shown = nova.ask("GET", f"{path}/{actions[1]['request_id']}", minor=51).json
    assert shown["instanceAction"]["events"] == []


def test_actions_come_page_by_page_and_outlive_the_server(compute: Compute) -> None:
    server = compute.active()
    compute.ask("DELETE", f"/servers/{server}")
    compute.rest()
    path = f"/servers/{server}/os-instance-actions"
    assert compute.ask("GET", path, minor=20).code == 404
    assert compute.ask("GET", path, minor=21, user="other").code == 404
    assert len(compute.ask("GET", path, minor=21).json["instanceActions"]) == 2
    page = compute.ask("GET", f"{path}?limit=1", minor=58).json
    assert [action["action"] for action in page["instanceActions"]] == ["delete"]
    rest = page["links"][0]["href"].removeprefix("http://localhost/compute/v2.1")
    last = compute.ask("GET", rest, minor=58).json
    assert [action["action"] for action in last["instanceActions"]] == ["create"]
    assert "links" not in last
    for query in ("changes-since=2100-01-01T00:00:00Z", "changes-before=2000-01-01T00:00:00Z"):
        assert compute.ask("GET", f"{path}?{query}", minor=66).json == {"instanceActions": []}
    before = compute.ask("GET", f"{path}?changes-before=2000-01-01T00:00:00Z", minor=65)
    assert before.code == 400  # a query that the version does not know yet
    assert compute.ask("GET", f"{path}?changes-since=x", minor=66).code == 400


def test_a_live_migration_is_shown_forced_and_given_up(nova: Compute) -> None:
    server = nova.active()
    path = f"/servers/{server}/migrations"
    by: dict[str, Any] = {"user": "admin", "minor": 80}
    assert nova.ask("GET", path, **by).json == {"migrations": []}
    host = nova.show(server, **by)["OS-EXT-SRV-ATTR:host"]
    nova.act(server, "os-migrateLive", {"host": None, "block_migration": "auto"}, **by)
    (migration,) = nova.ask("GET", path, **by).json["migrations"]
    assert (migration["status"], migration["source_compute"]) == ("running", host)
    own = f"{path}/{migration['id']}"
    refused = nova.act(server, "os-migrateLive", {"host": None, "block_migration": "auto"}, **by)
    assert refused.code == 409
    assert nova.ask("GET", own, **by).json == {"migration": migration}
    assert nova.ask("POST", f"{own}/action", {"force_complete": None}, **by).code == 202
    assert nova.ask("POST", f"{own}/action", {"other": None}, **by).code == 400
    assert nova.ask("DELETE", own, minor=80).code == 403
    assert nova.ask("DELETE", f"{path}/77", **by).code == 404
    assert nova.ask("DELETE", own, **by).code == 202
    nova.rest()
    assert nova.status(server) == "ACTIVE"
    assert nova.show(server, **by)["OS-EXT-SRV-ATTR:host"] == host
    assert nova.ask("GET", own, **by).code == 404


def test_ecs_gives_no_migration_up(ecs: Compute) -> None:
    server = ecs.active()
    by: dict[str, Any] = {"user": "admin", "minor": 80}
    ecs.act(server, "os-migrateLive", {"host": None, "block_migration": "auto"}, **by)
    path = f"/servers/{server}/migrations"
    (migration,) = ecs.ask("GET", path, **by).json["migrations"]
    assert ecs.ask("DELETE", f"{path}/{migration['id']}", **by).code == 400
