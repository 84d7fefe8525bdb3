"""What a request names must exist and belong to the caller."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compute import CIRROS
from tests.nova_cloud import API, NovaCloud


@pytest.fixture
def judged() -> NovaCloud:
    return NovaCloud()


def keypair(judged: NovaCloud, name: str, user: str = "demo") -> None:
    body = {"keypair": {"name": name, "public_key": "ssh-rsa AAAA"}}
    assert judged.ask("POST", f"{API}/os-keypairs", body, user=user).status_code == 200


def test_a_server_gets_only_a_key_of_its_user(judged: NovaCloud) -> None:
    keypair(judged, "mine")
    keypair(judged, "theirs", user="other")
    shown = judged.get(f"{API}/servers/{judged.active(key_name='mine')}")
    assert shown["server"]["key_name"] == "mine"
    refused = judged.create(key_name="theirs")
    assert refused.status_code == 400
    assert refused.json()["badRequest"]["message"] == "Invalid key_name provided."


def test_a_rebuild_takes_a_key_that_exists(judged: NovaCloud) -> None:
    keypair(judged, "mine")
    server = judged.active()
    argument = {"imageRef": CIRROS, "key_name": "nobodys"}
    assert judged.act(server, "rebuild", argument, minor=54).status_code == 400
    rebuilt = judged.act(server, "rebuild", argument | {"key_name": "mine"}, minor=54)
    assert rebuilt.status_code == 202


def test_a_shelf_is_not_left_for_a_zone_that_there_is_not(judged: NovaCloud) -> None:
    server = judged.active()
    judged.act(server, "shelve")
    judged.cloud.advance(1e6)
    refused = judged.act(server, "unshelve", {"availability_zone": "mars"}, minor=77)
    assert refused.status_code == 400
    assert "availability zone" in refused.json()["badRequest"]["message"]


NETWORK = "/network/v2.0"


def group(judged: NovaCloud, name: str, user: str = "demo") -> str:
    body = {"security_group": {"name": name, "description": f"of {user}"}}
    made = judged.ask("POST", f"{NETWORK}/security-groups", body, user=user)
    assert made.status_code == 201, made.text
    return str(made.json()["security_group"]["id"])


def names_of(judged: NovaCloud, server: str) -> list[str]:
    shown = judged.get(f"{API}/servers/{server}")["server"]["security_groups"]
    return [each["name"] for each in shown]


def test_a_server_is_in_groups_that_exist_by_name_or_id(judged: NovaCloud) -> None:
    web = group(judged, "web")
    server = judged.active(security_groups=[{"name": "default"}, {"name": web}])
    assert names_of(judged, server) == ["default", "web"]
    result = judged.get(f"{API}/servers/{server}/os-security-groups")["security_groups"]
    (port,) = judged.get(f"{NETWORK}/ports?device_id={server}")["ports"]
    assert port["security_groups"] == [each["id"] for each in result]
    assert all(judged.get(f"{NETWORK}/security-groups/{each['id']}") for each in result)
    assert judged.get(f"{API}/os-security-groups")["security_groups"] == result


def test_a_group_that_is_not_there_is_refused(judged: NovaCloud) -> None:
    group(judged, "theirs", user="other")
    refused = judged.create(security_groups=[{"name": "theirs"}])
    assert refused.status_code == 400
    message = "Unable to find security_group with name or id 'theirs'"
    assert refused.json()["badRequest"]["message"] == message
    assert judged.act(judged.active(), "addSecurityGroup", {"name": "theirs"}).status_code == 404


def test_a_group_is_renamed_and_removed_while_no_server_is_in_it(judged: NovaCloud) -> None:
    path = f"{NETWORK}/security-groups/{group(judged, 'web')}"
    server = judged.active(security_groups=[{"name": "web"}])
    renamed = {"security_group": {"name": "front", "description": "new"}}
    assert judged.ask("PUT", path, renamed).status_code == 409
    assert judged.ask("DELETE", path).status_code == 409
    described = judged.ask("PUT", path, {"security_group": {"description": "new"}}).json()
    assert described["security_group"]["description"] == "new"
    judged.act(server, "removeSecurityGroup", {"name": "web"})
    assert judged.ask("PUT", path, renamed).json()["security_group"]["name"] == "front"
    assert judged.ask("DELETE", path).status_code == 204
    assert judged.ask("GET", path).status_code == 404


def test_the_default_group_stays(judged: NovaCloud) -> None:
    (usual,) = judged.get(f"{NETWORK}/security-groups?name=default")["security_groups"]
    path = f"{NETWORK}/security-groups/{usual['id']}"
    assert judged.ask("DELETE", path).status_code == 409
    assert judged.ask("PUT", path, {"security_group": {"name": "x"}}).status_code == 409
    again = {"security_group": {"name": "default"}}
    assert judged.ask("POST", f"{NETWORK}/security-groups", again).status_code == 409


def test_rules_come_and_go_once_each(judged: NovaCloud) -> None:
    web = group(judged, "web")
    wanted = {"security_group_id": web, "direction": "ingress", "protocol": "tcp"}
    ssh = {"security_group_rule": wanted | {"port_range_min": 22, "port_range_max": 22}}
    made = judged.ask("POST", f"{NETWORK}/security-group-rules", ssh)
    assert made.status_code == 201, made.text
    rule = made.json()["security_group_rule"]
    assert judged.ask("POST", f"{NETWORK}/security-group-rules", ssh).status_code == 409
    shown = judged.get(f"{NETWORK}/security-groups/{web}")["security_group"]
    ways = [each["direction"] for each in shown["security_group_rules"]]
    assert ways == ["egress", "egress", "ingress"]
    listed = judged.get(f"{NETWORK}/security-group-rules?security_group_id={web}")
    assert listed["security_group_rules"] == shown["security_group_rules"]
    of_compute = judged.get(f"{API}/os-security-groups")["security_groups"][-1]["rules"]
    assert [(each["from_port"], each["to_port"]) for each in of_compute] == [(22, 22)]
    path = f"{NETWORK}/security-group-rules/{rule['id']}"
    assert [judged.ask("DELETE", path).status_code for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"protocol": "foo"}, "protocol foo not supported. Only protocol values"),
        ({"protocol": 256}, "protocol 256 not supported"),
        ({"port_range_min": 22, "port_range_max": 22}, "Must also specify protocol"),
        ({"protocol": "any", "port_range_min": 22}, "Must also specify protocol"),
        ({"protocol": "tcp", "port_range_min": 22}, "port_range_min must be <="),
        ({"protocol": "17", "port_range_min": 23, "port_range_max": 22}, "port_range_min must be"),
        ({"protocol": "tcp", "port_range_min": 0, "port_range_max": 22}, "Invalid value for port"),
        ({"protocol": "vrrp", "port_range_min": 1, "port_range_max": 2}, "Ports cannot be"),
        ({"protocol": "icmp", "port_range_min": 256}, "It must be 0 to 255"),
        ({"protocol": "icmp", "port_range_max": 0}, "ICMP code (port-range-max) 0 is provided"),
        ({"remote_ip_prefix": "ten"}, "'ten' is not a valid IP subnet"),
        ({"remote_ip_prefix": "::/0"}, "Conflicting value ethertype IPv4 for CIDR ::/0"),
        ({"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": "{own}"}, "Only one of remote_ip"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_reason(
    judged: NovaCloud, fields: dict[str, object], said: str
) -> None:
    web = group(judged, "web")
    own = {key: web if value == "{own}" else value for key, value in fields.items()}
    body = {"security_group_rule": {"security_group_id": web, "direction": "ingress", **own}}
    answer = judged.ask("POST", f"{NETWORK}/security-group-rules", body)
    assert answer.status_code == 400
    assert said in answer.json()["NeutronError"]["message"]


def test_a_rule_is_kept_as_neutron_writes_it(judged: NovaCloud) -> None:
    web = group(judged, "web")

    def made(**fields: object) -> tuple[int, dict[str, object]]:
        body = {"security_group_rule": {"security_group_id": web, "direction": "ingress", **fields}}
        answer = judged.ask("POST", f"{NETWORK}/security-group-rules", body)
        shown = answer.json().get("security_group_rule", {})
        return answer.status_code, {key: shown.get(key) for key in fields}

    all_ports = {"port_range_min": 1, "port_range_max": 65535}
    none = dict.fromkeys(all_ports)
    assert made(protocol="TCP", **all_ports) == (201, {"protocol": "tcp", **none})
    assert made(protocol="any") == (201, {"protocol": None})
    assert made(remote_ip_prefix="10.0.0.1") == (201, {"remote_ip_prefix": "10.0.0.1/32"})
    assert made(remote_ip_prefix="0.0.0.0/0")[0] == 409
    assert made(protocol="icmp", port_range_min=8, port_range_max=0)[0] == 201


def test_there_are_at_most_a_hundred_groups(judged: NovaCloud) -> None:
    for number in range(99):
        group(judged, f"g{number}")
    body = {"security_group": {"name": "more"}}
    assert judged.ask("POST", f"{NETWORK}/security-groups", body).status_code == 409


def test_several_rules_are_made_at_once_or_none_is(judged: NovaCloud) -> None:
    web = group(judged, "web")
    rules = [
        {"security_group_id": web, "direction": "ingress", "protocol": 6}
        | {"port_range_min": port, "port_range_max": port}
        for port in (80, 443)
    ]
    path = f"{NETWORK}/security-group-rules"
    again = judged.ask("POST", path, {"security_group_rules": [*rules, rules[0]]})
    assert again.status_code == 409
    of_web = f"{path}?security_group_id={web}&direction=ingress"
    assert judged.get(of_web) == {"security_group_rules": []}
    made = judged.ask("POST", path, {"security_group_rules": rules})
    assert made.status_code == 201, made.text
    assert made.json() == judged.get(of_web)


def test_keys_and_groups_outlive_the_process(tmp_path: Path) -> None:
    before = NovaCloud(tmp_path / "state")
    for name in ("first", "a second", "gone"):
        keypair(before, name)
    assert before.ask("DELETE", f"{API}/os-keypairs/gone").status_code == 202
    made = group(before, "web")
    rule = {"direction": "ingress", "security_group_id": made, "protocol": "tcp"}
    body = {"security_group_rule": {**rule, "port_range_min": 22, "port_range_max": 22}}
    assert before.ask("POST", f"{NETWORK}/security-group-rules", body).status_code == 201
    places = f"{API}/os-keypairs", f"{NETWORK}/security-groups/{made}"
    result = [before.get(place) for place in places]
    before.cloud.close()
    after = NovaCloud(tmp_path / "state")
    assert [after.get(place) for place in places] == result
    assert [one["keypair"]["name"] for one in result[0]["keypairs"]] == ["first", "a second"]
    after.active(key_name="first", security_groups=[{"name": "web"}])
    after.cloud.close()
