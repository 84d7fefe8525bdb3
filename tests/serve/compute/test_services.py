"""Deletes look at the host: a hung one stays, and a host that is down is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ecs_fsm.serve.cloud.catalog import read_catalog
from tests.nova_cloud import API, NovaCloud

HOSTS = ["compute-1", "compute-2", "compute-3"]
UNKNOWN = "6f70656e-7374-4163-8b20-342065766572"
HUNG = {"ecs:fault": "delete:hang@deleting"}


@pytest.fixture
def judged() -> NovaCloud:
    return NovaCloud()


def state(judged: NovaCloud, server: str) -> str | None:
    answer = judged.ask("GET", f"{API}/servers/{server}", minor=96, user="admin")
    if answer.status_code == 404:
        return None
    shown = answer.json()["server"]
    return f"{shown['OS-EXT-STS:vm_state']}/{shown['OS-EXT-STS:task_state'] or '-'}"


def delete(judged: NovaCloud, server: str) -> int:
    return int(judged.ask("DELETE", f"{API}/servers/{server}").status_code)


def force_down(judged: NovaCloud, server: str, down: bool) -> None:
    path = f"{API}/servers/{server}"
    host = judged.get(path, user="admin")["server"]["OS-EXT-SRV-ATTR:host"]
    services = judged.get(f"{API}/os-services?host={host}", 96, "admin")["services"]
    path = f"{API}/os-services/{services[0]['id']}"
    answer = judged.ask("PUT", path, {"forced_down": down}, 96, "admin")
    shown = answer.json()["service"]
    assert (shown["forced_down"], shown["state"]) == (down, "down" if down else "up")


def test_a_second_delete_leaves_a_hung_one_hanging(judged: NovaCloud) -> None:
    server = judged.active(metadata=HUNG)
    for _ in range(3):
        assert delete(judged, server) == 204
        judged.cloud.advance(10_000)
        assert state(judged, server) == "active/deleting"


def test_a_delete_is_local_while_the_host_is_down(judged: NovaCloud) -> None:
    server = judged.active(metadata=HUNG)
    assert delete(judged, server) == 204
    judged.cloud.advance(10_000)
    force_down(judged, server, True)
    assert delete(judged, server) == 204
    assert state(judged, server) is None


def test_a_host_that_is_up_again_deletes_as_usual(judged: NovaCloud) -> None:
    server = judged.active()
    force_down(judged, server, True)
    force_down(judged, server, False)
    assert delete(judged, server) == 204
    assert state(judged, server) == "active/deleting"


def test_a_restart_of_the_service_ends_a_hung_delete(judged: NovaCloud) -> None:
    server = judged.active(metadata=HUNG)
    assert delete(judged, server) == 204
    judged.cloud.advance(10_000)
    judged.cloud.happen(judged.cloud.instances[server], "restart", {})
    judged.cloud.advance(10_000)
    assert state(judged, server) is None


def test_old_clients_name_the_host_and_the_binary(judged: NovaCloud) -> None:
    path, known = f"{API}/os-services/force-down", {"host": "compute-1", "binary": "nova-compute"}
    answer = judged.ask("PUT", path, {**known, "forced_down": True}, 52, "admin")
    assert answer.json() == {"service": {**known, "forced_down": True}}
    services = judged.get(f"{API}/os-services", 52, "admin")["services"]
    assert [s["forced_down"] for s in services] == [True, False, False, False, False]
    hypervisors = judged.get(f"{API}/os-hypervisors", 52, "admin")["hypervisors"]
    assert [h["state"] for h in hypervisors] == ["down", "up", "up"]
    unknown = {**known, "host": "compute-9", "forced_down": True}
    assert judged.ask("PUT", path, unknown, 52, "admin").status_code == 404
    assert judged.ask("PUT", path, {**known, "forced_down": True}, 52).status_code == 403
    assert judged.ask("PUT", path, known, 10, "admin").status_code == 404
    assert judged.ask("PUT", path, known, 52, "admin").status_code == 400
    assert judged.ask("PUT", path, {"forced_down": True}, 53, "admin").status_code == 400


def test_services_of_controllers_are_listed_and_stay_as_they_are(judged: NovaCloud) -> None:
    services = judged.get(f"{API}/os-services", 96, "admin")["services"]
    zones = {service["binary"]: service["zone"] for service in services}
    assert zones == {
        "nova-compute": "nova",
        "nova-conductor": "internal",
        "nova-scheduler": "internal",
    }
    refusal = "Updating a nova-scheduler service is not supported. "
    (scheduler,) = (one for one in services if one["binary"] == "nova-scheduler")
    path = f"{API}/os-services/{scheduler['id']}"
    answer = judged.ask("PUT", path, {"status": "disabled"}, 53, "admin")
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"].startswith(refusal)
    old = {"host": scheduler["host"], "binary": "nova-scheduler"}
    answer = judged.ask("PUT", f"{API}/os-services/disable", old, 52, "admin")
    assert answer.status_code == 400
    assert answer.json()["badRequest"]["message"].startswith(refusal)
    mixed = {**old, "binary": "nova-compute"}
    assert judged.ask("PUT", f"{API}/os-services/disable", mixed, 52, "admin").status_code == 404
    unknown = f"{API}/os-services/{UNKNOWN}"
    assert judged.ask("PUT", unknown, {"status": "disabled"}, 53, "admin").status_code == 404
    mine = f"{API}/os-services/{services[0]['id']}"
    enabled = {"status": "enabled", "disabled_reason": "x"}
    assert judged.ask("PUT", mine, enabled, 53, "admin").status_code == 400
    hosts = judged.get(f"{API}/os-hosts?zone=internal", 42, "admin")["hosts"]
    assert {host["service"] for host in hosts} == {"conductor", "scheduler"}


def test_a_zone_is_available_as_long_as_a_host_is_enabled(judged: NovaCloud) -> None:
    def zones() -> dict[str, tuple[bool, list[str] | None]]:
        shown = judged.get(f"{API}/os-availability-zone/detail", user="admin")
        return {
            zone["zoneName"]: (zone["zoneState"]["available"], zone["hosts"] and [*zone["hosts"]])
            for zone in shown["availabilityZoneInfo"]
        }

    internal = (True, ["conductor", "scheduler"])
    assert zones() == {"internal": internal, "nova": (True, HOSTS)}
    for host in HOSTS:
        body = {"host": host, "binary": "nova-compute"}
        assert judged.ask("PUT", f"{API}/os-services/disable", body, 1, "admin").is_success
        rest = HOSTS[HOSTS.index(host) + 1 :]
        assert zones() == {"internal": internal, "nova": (bool(rest), rest or None)}
    shown = judged.get(f"{API}/os-availability-zone")["availabilityZoneInfo"]
    assert shown == [{"zoneName": "nova", "zoneState": {"available": False}, "hosts": None}]
    listed = judged.get(f"{API}/os-hosts", 42, "admin")["hosts"]
    assert {host["zone"] for host in listed} == {"internal"}


def test_a_host_has_no_uptime_if_it_is_down_or_never_says_it() -> None:
    catalog = read_catalog()
    first, *others = catalog.hosts
    hosts = (first, *(replace(host, hypervisor_type="ironic") for host in others))
    cloud = NovaCloud(catalog=replace(catalog, hosts=hosts))
    path = f"{API}/os-hypervisors"

    def shown() -> list[bool]:
        rows = cloud.get(f"{path}/detail", 88, "admin")["hypervisors"]
        return [row["uptime"] is not None for row in rows]

    def old() -> list[int]:
        numbers = range(1, len(HOSTS) + 1)
        asked = (cloud.ask("GET", f"{path}/{n}/uptime", user="admin") for n in numbers)
        return [answer.status_code for answer in asked]

    assert (shown(), old()) == ([True, False, False], [200, 501, 501])
    cloud.cloud.force_down(0, down=True)
    assert (shown(), old()) == ([False, False, False], [400, 501, 501])
    assert cloud.ask("GET", f"{path}/1", minor=53, user="admin").status_code == 400
    assert cloud.ask("GET", f"{path}/{UNKNOWN}", minor=53, user="admin").status_code == 404


def test_a_cloud_remembers_the_hosts_that_are_down(tmp_path: Path) -> None:
    before = NovaCloud(tmp_path / "cloud.db")
    before.cloud.force_down(1, down=True)
    before.cloud.close()
    after = NovaCloud(tmp_path / "cloud.db")
    assert [after.cloud.is_down(number) for number in range(3)] == [False, True, False]
    after.cloud.close()


def test_the_steps_of_a_host_that_is_down_hang_until_it_comes_back() -> None:
    judged = NovaCloud()
    server = judged.active()
    instance = judged.cloud.instances[server]
    path = f"/_ecs/hosts/compute-{instance.host + 1}"
    assert judged.ask("POST", path, {"state": "off"}).status_code == 400
    assert judged.ask("POST", "/_ecs/hosts/nowhere", {"state": "down"}).status_code == 404
    judged.act(server, "os-stop")
    answer = judged.ask("POST", path, {"state": "down"})
    assert (answer.status_code, answer.json()["state"]) == (200, "down"), answer.text
    judged.cloud.advance(1e6)
    assert (instance.hangs, instance.state) == (True, "active/powering-off")
    assert judged.ask("POST", path, {"state": "up"}).status_code == 200
    judged.cloud.advance(1e6)
    assert not instance.hangs
    assert instance.state.task_state is None
