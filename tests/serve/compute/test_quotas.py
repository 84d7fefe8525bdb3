"""The limits of a project and what it uses, and the lists of what clients cannot create."""

from __future__ import annotations

import pytest

from tests.compute import SMALL, TINY
from tests.nova_cloud import API, NovaCloud


@pytest.fixture
def judged() -> NovaCloud:
    return NovaCloud()


def project_of(judged: NovaCloud, server: str) -> str:
    return str(judged.get(f"{API}/servers/{server}")["server"]["tenant_id"])


def test_the_limits_of_a_project_show_what_its_own_servers_use(judged: NovaCloud) -> None:
    sizes = {flavor["id"]: flavor for flavor in judged.get(f"{API}/flavors/detail")["flavors"]}
    server = judged.active(flavorRef=TINY)
    judged.active(flavorRef=SMALL)
    cores, ram = (sizes[TINY][what] + sizes[SMALL][what] for what in ("vcpus", "ram"))
    limits = judged.get(f"{API}/limits")["limits"]["absolute"]
    used = [limits[f"total{what}Used"] for what in ("Instances", "Cores", "RAM")]
    assert used == [2, cores, ram]
    others = judged.get(f"{API}/limits", user="other")["limits"]["absolute"]
    assert others["totalInstancesUsed"] == 0
    project = project_of(judged, server)
    detail = judged.get(f"{API}/os-quota-sets/{project}/detail")["quota_set"]
    assert [detail[what]["in_use"] for what in ("instances", "cores", "ram")] == used
    limits = judged.get(f"{API}/limits?tenant_id={project}", user="admin")["limits"]["absolute"]
    assert limits["totalInstancesUsed"] == 2


def test_quotas_say_what_the_limits_say(judged: NovaCloud) -> None:
    project = project_of(judged, judged.active())
    quotas = judged.get(f"{API}/os-quota-sets/{project}")["quota_set"]
    limits = judged.get(f"{API}/limits")["limits"]["absolute"]
    assert quotas["id"] == project
    assert quotas["instances"] == limits["maxTotalInstances"]
    assert quotas["key_pairs"] == limits["maxTotalKeypairs"]
    assert judged.get(f"{API}/os-quota-sets/{project}/defaults")["quota_set"] == quotas


@pytest.mark.parametrize(
    ("minor", "gone"),
    [(35, set()), (36, {"floating_ips"}), (57, {"floating_ips", "injected_files"})],
)
def test_quotas_lose_what_the_microversion_leaves_to_others(
    judged: NovaCloud, minor: int, gone: set[str]
) -> None:
    quotas = judged.get(f"{API}/os-quota-sets/any", minor=minor, user="admin")["quota_set"]
    assert {"floating_ips", "injected_files"} - quotas.keys() == gone


def test_quotas_of_another_project_are_for_administrators(judged: NovaCloud) -> None:
    path = f"{API}/os-quota-sets/{project_of(judged, judged.active())}"
    for more in ("", "/detail"):
        assert judged.ask("GET", path + more, user="other").status_code == 403
        assert judged.ask("GET", path + more, user="admin").status_code == 200


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("os-server-groups", "server_groups"),
        ("os-aggregates", "aggregates"),
        ("os-floating-ips", "floating_ips"),
    ],
)
def test_what_clients_cannot_create_is_an_empty_list(
    judged: NovaCloud, path: str, key: str
) -> None:
    assert judged.get(f"{API}/{path}", user="admin") == {key: []}


@pytest.mark.parametrize("path", ["os-floating-ips", "os-floating-ip-pools"])
def test_floating_addresses_belong_to_the_network_service_alone(
    judged: NovaCloud, path: str
) -> None:
    assert judged.ask("GET", f"{API}/{path}", minor=35).status_code == 200
    assert judged.ask("GET", f"{API}/{path}", minor=36).status_code == 404


def test_floating_addresses_would_come_from_the_networks_outside(judged: NovaCloud) -> None:
    outside = judged.get("/network/v2.0/networks?router:external=true")["networks"]
    pools = judged.get(f"{API}/os-floating-ip-pools")["floating_ip_pools"]
    assert pools == [{"name": network["name"]} for network in outside] != []


def test_a_quota_that_an_administrator_sets_refuses_servers_as_nova_does(judged: NovaCloud) -> None:
    project = project_of(judged, judged.active(flavorRef=SMALL))
    path = f"{API}/os-quota-sets/{project}"
    change = {"quota_set": {"instances": 1, "ram": "2048"}}
    assert judged.ask("PUT", path, change).status_code == 403
    answer = judged.ask("PUT", path, change, user="admin")
    assert (answer.status_code, answer.json()["quota_set"]["ram"]) == (200, 2048)
    refused = judged.create()
    assert refused.status_code == 403
    assert refused.json()["forbidden"]["message"] == (
        "Quota exceeded for instances, ram: Requested 1, 512, but already used 1, 2048 of 1, 2048 "
        "instances, ram"
    )
    assert judged.get(f"{API}/limits")["limits"]["absolute"]["maxTotalInstances"] == 1
    below = {"quota_set": {"instances": 0}}
    assert judged.ask("PUT", path, below, user="admin").status_code == 400
    below["quota_set"]["force"] = True
    assert judged.ask("PUT", path, below, user="admin").status_code == 200
    assert judged.ask("PUT", path, {"quota_set": {"pens": 1}}, user="admin").status_code == 400
    assert judged.ask("DELETE", path, user="admin").status_code == 202
    assert judged.create().status_code == 202


def test_a_setting_bounds_the_servers_of_every_project() -> None:
    judged = NovaCloud(policy={"instances": 1})
    assert [judged.create().status_code for _ in range(2)] == [202, 403]
