"""Aggregates of hosts, for administrators: made, changed, refused, and what their zones do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.compute import CIRROS, LONG
from tests.nova_cloud import API, NovaCloud

PATH = f"{API}/os-aggregates"


@pytest.fixture
def cloud() -> NovaCloud:
    return NovaCloud()


def ask(cloud: NovaCloud, method: str, path: str, body: object, code: int = 200) -> Any:
    answer = cloud.ask(method, f"{PATH}{path}", body, minor=96, user="admin")
    assert answer.status_code == code, answer.text
    if code == 200:
        return answer.json()["aggregate"]
    return answer.json().popitem()[1]["message"] if answer.content else None


def make(cloud: NovaCloud, name: str, zone: str | None = None) -> Any:
    given = {"availability_zone": zone} if zone else {}
    return ask(cloud, "POST", "", {"aggregate": {"name": name, **given}})


def act(cloud: NovaCloud, number: int, action: str, code: int = 200, **argument: object) -> Any:
    return ask(cloud, "POST", f"/{number}/action", {action: argument}, code)


def zones(cloud: NovaCloud) -> dict[str, list[str]]:
    shown = cloud.get(f"{API}/os-availability-zone/detail", user="admin")["availabilityZoneInfo"]
    return {zone["zoneName"]: [*(zone["hosts"] or ())] for zone in shown}


def test_an_aggregate_is_made_changed_and_removed(cloud: NovaCloud) -> None:
    made = make(cloud, "fast", "london")
    assert {"hosts", "metadata"} & {*made} == set()
    assert (made["id"], made["availability_zone"], made["updated_at"]) == (1, "london", None)
    assert make(cloud, "slow")["id"] == 2
    assert "already exists" in ask(cloud, "POST", "", {"aggregate": {"name": "slow"}}, 409)
    assert "already exists" in ask(cloud, "PUT", "/1", {"aggregate": {"name": "slow"}}, 409)
    renamed = ask(cloud, "PUT", "/2", {"aggregate": {"name": "slower"}})
    assert (renamed["name"], renamed["updated_at"] is None) == ("slower", False)
    tagged = act(cloud, 2, "set_metadata", metadata={"ssd": "no", "rack": "7"})
    assert tagged["metadata"] == {"ssd": "no", "rack": "7"}
    assert act(cloud, 2, "set_metadata", metadata={"rack": None})["metadata"] == {"ssd": "no"}
    listed = cloud.get(PATH, 1, "admin")["aggregates"]
    assert [(one["name"], "uuid" in one) for one in listed] == [("fast", False), ("slower", False)]
    assert len(cloud.get(f"{PATH}?limit=1&marker=9", 96, "admin")["aggregates"]) == 2
    images = f"{PATH}/1/images", {"cache": [{"id": CIRROS}]}
    codes = [cloud.ask("POST", *images, minor=m, user="admin").status_code for m in (80, 81)]
    assert codes == [404, 202]
    for _ in range(2):
        cloud.ask("DELETE", f"{PATH}/2", user="admin")
    assert "Aggregate 2 could not be found" in ask(cloud, "GET", "/2", None, 404)
    for method, path in (("GET", PATH), ("POST", PATH), ("GET", f"{PATH}/1")):
        body = {"aggregate": {"name": "x"}} if method == "POST" else None
        assert cloud.ask(method, path, body).status_code == 403


def test_hosts_come_and_go_once_each(cloud: NovaCloud) -> None:
    make(cloud, "fast")
    before = ask(cloud, "GET", "/1", None)["updated_at"]
    added = act(cloud, 1, "add_host", host="compute-1")
    assert (added["hosts"], added["updated_at"]) == (["compute-1"], before)
    assert "already has host" in act(cloud, 1, "add_host", 409, host="compute-1")
    assert "could not be found" in act(cloud, 1, "add_host", 404, host="compute-9")
    assert "no such action: paint" in act(cloud, 1, "paint", 400)
    several = {"add_host": {"host": "compute-2"}, "remove_host": {"host": "compute-1"}}
    for body in ({}, several):
        assert "Malformed" in ask(cloud, "POST", "/1/action", body, 400)
    assert "is not empty" in ask(cloud, "DELETE", "/1", None, 400)
    assert act(cloud, 1, "remove_host", host="compute-1")["hosts"] == []
    assert "Cannot remove host" in act(cloud, 1, "remove_host", 404, host="compute-1")


def test_the_zone_of_an_aggregate_is_that_of_its_hosts_and_servers(
    tmp_path: Path,
) -> None:
    cloud = NovaCloud(tmp_path / "state")
    assert cloud.create(availability_zone="london").status_code == 400
    make(cloud, "fast", "london")
    act(cloud, 1, "add_host", host="compute-1")
    assert zones(cloud)["london"] == ["compute-1"]
    assert zones(cloud)["nova"] == ["compute-2", "compute-3"]
    services = cloud.get(f"{API}/os-services?host=compute-1", 96, "admin")["services"]
    assert [service["zone"] for service in services] == ["london"]
    for zone, hosts in (("london", {"compute-1"}), ("nova", {"compute-2", "compute-3"})):
        for _ in range(3):
            server = cloud.active(availability_zone=zone)
            shown = cloud.get(f"{API}/servers/{server}", user="admin")["server"]
            assert shown["OS-EXT-AZ:availability_zone"] == zone
            assert shown["OS-EXT-SRV-ATTR:host"] in hosts
    cloud.cloud.close()
    assert zones(NovaCloud(tmp_path / "state"))["london"] == ["compute-1"]


def test_no_server_changes_its_zone(cloud: NovaCloud) -> None:
    make(cloud, "fast", "london")
    make(cloud, "other", "rome")
    make(cloud, "plain")
    act(cloud, 1, "add_host", host="compute-1")
    said = act(cloud, 2, "add_host", 409, host="compute-1")
    assert "One or more hosts already in availability zone(s) ['london']" in said
    act(cloud, 3, "add_host", host="compute-1")
    paris = {"aggregate": {"availability_zone": "paris"}}
    assert "already in availability zone" in ask(cloud, "PUT", "/3", paris, 400)
    cloud.active(availability_zone="london")
    contained = "One or more hosts contain instances in this zone"
    assert contained in act(cloud, 1, "remove_host", 409, host="compute-1")
    act(cloud, 3, "remove_host", host="compute-1")
    assert contained in ask(cloud, "PUT", "/1", paris, 400)
    said = act(cloud, 1, "set_metadata", 400, metadata={"availability_zone": None})
    assert "empty named availability zone" in said
    cloud.active(availability_zone="nova")
    (busy,) = {s.host for s in cloud.cloud.instances.values()} - {0}
    assert contained in act(cloud, 2, "add_host", 409, host=cloud.cloud.hosts[busy].name)
    act(cloud, 3, "add_host", host=cloud.cloud.hosts[busy].name)
    first = next(iter(cloud.cloud.instances))
    assert cloud.act(first, "shelve").status_code == 202
    cloud.cloud.advance(LONG)
    act(cloud, 1, "remove_host", host="compute-1")
