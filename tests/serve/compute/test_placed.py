"""Flavors, server groups, services and migrations, as administrators and users ask for them."""

from __future__ import annotations

import pytest

from tests.compute import Compute


def test_rules_belong_to_anti_affinity_alone(nova: Compute) -> None:
    for policy, code in (("affinity", 400), ("anti-affinity", 200)):
        rules = {"max_server_per_host": 2}
        body = {"server_group": {"name": "g", "policy": policy, "rules": rules}}
        assert nova.ask("POST", "/os-server-groups", body, minor=64).code == code


def test_a_list_of_server_groups_begins_at_its_offset(nova: Compute) -> None:
    for name in "abc":
        nova.ask(
            "POST", "/os-server-groups", {"server_group": {"name": name, "policies": ["affinity"]}}
        )
    for query, names in (("limit=1&offset=1", "b"), ("offset=2", "c"), ("offset=9", "")):
        found = nova.ask("GET", f"/os-server-groups?{query}").json["server_groups"]
        assert "".join(group["name"] for group in found) == names


@pytest.mark.parametrize(
    ("policy", "hosts", "error"),
    [("affinity", 1, 0), ("anti-affinity", 3, 1), ("soft-anti-affinity", 3, 0)],
)
def test_hosts_follow_the_policy_of_a_server_group(
    nova: Compute, policy: str, hosts: int, error: int
) -> None:
    body = {"server_group": {"name": "g", "policy": policy}}
    group = nova.ask("POST", "/os-server-groups", body, minor=64).json["server_group"]["id"]
    made = []
    for name in "abcd":
        wanted = {"name": name, "flavorRef": "1", "networks": "none"}
        wanted["imageRef"] = "70a599e0-31e7-49b7-b260-868f441e862b"
        hints = {"group": group}
        answer = nova.ask(
            "POST", "/servers", {"server": wanted, "os:scheduler_hints": hints}, minor=64
        )
        made.append(answer.json["server"]["id"])
    nova.rest()
    shown = [nova.show(server, user="admin", minor=71) for server in made]
    placed = {s["OS-EXT-SRV-ATTR:host"] for s in shown if s["status"] == "ACTIVE"}
    assert (len(placed), sum(s["status"] == "ERROR" for s in shown)) == (hosts, error)
    assert shown[0]["server_groups"] == [group]
    listed = nova.ask("GET", f"/os-server-groups/{group}", minor=63).json["server_group"]
    assert (listed["policies"], set(listed["members"])) == ([policy], set(made))
    assert nova.ask("GET", "/limits").json["limits"]["absolute"]["totalServerGroupsUsed"] == 1


def test_a_flavor_is_private_gets_extra_specs_and_outlives_its_deletion(nova: Compute) -> None:
    fields = {"name": "own", "ram": 64, "vcpus": 1, "disk": 1, "os-flavor-access:is_public": False}
    assert nova.ask("POST", "/flavors", {"flavor": fields}).code == 403
    made = nova.ask("POST", "/flavors", {"flavor": fields}, user="admin")
    path = f"/flavors/{made.json['flavor']['id']}"
    assert nova.ask("POST", "/flavors", {"flavor": fields}, user="admin").code == 409
    specs = {"extra_specs": {"hw:a": "b"}}
    assert nova.ask("POST", f"{path}/os-extra_specs", specs, user="admin").json == specs
    assert nova.ask("GET", path).code == 404
    project = nova.show(nova.create())["tenant_id"]
    access = {"addTenantAccess": {"tenant": project}}
    assert nova.ask("POST", f"{path}/action", access, user="admin").code == 200
    assert nova.ask("POST", f"{path}/action", access, user="admin").code == 409
    server = nova.active(flavorRef=path.rpartition("/")[2])
    assert nova.ask("DELETE", path, user="admin").code == 202
    assert nova.ask("GET", path, user="admin").code == 404
    assert nova.show(server, minor=47)["flavor"]["extra_specs"] == {"hw:a": "b"}


def test_a_disabled_host_gets_no_server_and_migrations_are_listed(nova: Compute) -> None:
    nova.user = "admin"
    body = {"host": "compute-2", "binary": "nova-compute", "disabled_reason": "new disks"}
    shown = nova.ask("PUT", "/os-services/disable-log-reason", body).json["service"]
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "new disks")
    hosts = {nova.show(nova.active(f"s{n}"))["OS-EXT-SRV-ATTR:host"] for n in range(4)}
    assert hosts == {"compute-1", "compute-3"}
    server = nova.active("mover")
    assert nova.act(server, "resize", {"flavorRef": "2"}).code == 202
    nova.rest()
    nova.act(server, "confirmResize")
    nova.rest()
    (row,) = nova.ask("GET", "/os-migrations", minor=59).json["migrations"]
    assert (row["migration_type"], row["status"]) == ("resize", "confirmed")
    assert {row["source_compute"], row["dest_compute"]} == {"compute-1", "compute-3"}
