"""What stands around servers: made, changed, refused and removed as the network service has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.compute import PRIVATE, PUBLIC
from tests.nova_cloud import API, NovaCloud

V2 = "/network/v2.0"


@pytest.fixture
def cloud() -> NovaCloud:
    return NovaCloud()


def make(cloud: NovaCloud, path: str, one: str, code: int = 201, **fields: object) -> Any:
    answer = cloud.ask("POST", f"{V2}/{path}", {one: fields})
    assert answer.status_code == code, answer.text
    return answer.json()[one] if code == 201 else answer.json()["NeutronError"]["message"]


def subnet(cloud: NovaCloud, network: str, cidr: str, code: int = 201) -> Any:
    return make(cloud, "subnets", "subnet", code, network_id=network, cidr=cidr, ip_version=4)


def put(cloud: NovaCloud, path: str, body: object) -> tuple[int, str]:
    answer = cloud.ask("PUT", f"{V2}/{path}", body)
    return answer.status_code, answer.text


def test_a_network_is_used_from_its_creation_to_its_end(cloud: NovaCloud) -> None:
    network = make(cloud, "networks", "network", name="lan")
    lan, path = network["id"], f"{V2}/networks/{network['id']}"
    own = subnet(cloud, lan, "10.9.0.0/29")
    assert (own["gateway_ip"], own["allocation_pools"]) == (
        "10.9.0.1",
        [{"start": "10.9.0.2", "end": "10.9.0.6"}],
    )
    assert "overlaps with another subnet" in subnet(cloud, lan, "10.9.0.0/24", 400)
    router = make(cloud, "routers", "router", external_gateway_info={"network_id": PUBLIC})
    at = f"routers/{router['id']}"
    assert put(cloud, f"{at}/add_router_interface", {"subnet_id": own["id"]})[0] == 200
    server = cloud.active(networks=[{"uuid": lan}])
    (port,) = cloud.get(f"{V2}/ports?device_id={server}")["ports"]
    floating = make(
        cloud, "floatingips", "floatingip", floating_network_id=PUBLIC, port_id=port["id"]
    )
    assert (floating["status"], floating["router_id"]) == ("ACTIVE", router["id"])
    addresses = cloud.get(f"{API}/servers/{server}")["server"]["addresses"]["lan"]
    kinds = {a["OS-EXT-IPS:type"]: a["addr"] for a in addresses}
    assert kinds == {
        "fixed": port["fixed_ips"][0]["ip_address"],
        "floating": floating["floating_ip_address"],
    }
    for kind in (path, f"{V2}/subnets/{own['id']}", f"{V2}/{at}"):
        assert cloud.ask("DELETE", kind).status_code == 409, kind
    code, text = put(cloud, f"{at}/remove_router_interface", {"subnet_id": own["id"]})
    assert (code, "required by one or more floating IPs" in text) == (409, True)
    cloud.ask("DELETE", f"{API}/servers/{server}")
    cloud.cloud.advance(1e6)
    shown = cloud.get(f"{V2}/floatingips/{floating['id']}")["floatingip"]
    assert (shown["status"], shown["port_id"]) == ("DOWN", None)
    assert put(cloud, f"{at}/remove_router_interface", {"subnet_id": own["id"]})[0] == 200
    for kind in (f"{V2}/{at}", path, f"{V2}/floatingips/{floating['id']}"):
        assert cloud.ask("DELETE", kind).status_code == 204, kind
    assert cloud.get(f"{V2}/ports") == {"ports": []}


def test_groups_and_pairs_need_a_port_with_security_and_addresses_are_its_own(
    cloud: NovaCloud,
) -> None:
    lan = make(cloud, "networks", "network", name="lan")["id"]
    pairs = {"allowed_address_pairs": [{"ip_address": "10.9.0.9"}]}
    open_port = make(cloud, "ports", "port", network_id=lan, port_security_enabled=False)
    assert open_port["security_groups"] == []
    refused = make(
        cloud, "ports", "port", 409, network_id=lan, port_security_enabled=False, **pairs
    )
    assert "in order to have allowed address pairs" in refused
    code, text = put(cloud, f"ports/{open_port['id']}", {"port": pairs})
    assert (code, "in order to have allowed address pairs" in text) == (409, True)
    port = make(cloud, "ports", "port", network_id=lan)
    groups, at = port["security_groups"], f"ports/{port['id']}"
    code, text = put(cloud, f"ports/{open_port['id']}", {"port": {"security_groups": groups}})
    assert (code, "in order to use security groups" in text) == (409, True)
    insecure: dict[str, object] = {"port_security_enabled": False}
    code, text = put(cloud, at, {"port": insecure})
    assert (code, "Port has security group associated" in text) == (409, True)
    assert put(cloud, at, {"port": insecure | {"security_groups": []}})[0] == 200
    used = make(cloud, "ports", "port", 409, network_id=lan, mac_address=port["mac_address"])
    assert f"The mac address {port['mac_address']} is in use" in used
    code, _ = put(cloud, f"ports/{open_port['id']}", {"port": {"mac_address": port["mac_address"]}})
    assert code == 409
    assert put(cloud, at, {"port": {"mac_address": port["mac_address"], "name": "p"}})[0] == 200


def test_a_floating_address_needs_a_router_to_its_port(cloud: NovaCloud) -> None:
    lan = make(cloud, "networks", "network", name="lan")["id"]
    subnet(cloud, lan, "10.9.0.0/24")
    port = make(cloud, "ports", "port", network_id=lan)
    wanted = {"floating_network_id": PUBLIC, "port_id": port["id"]}
    assert "not reachable from subnet" in make(cloud, "floatingips", "floatingip", 404, **wanted)
    assert cloud.get(f"{V2}/floatingips") == {"floatingips": []}


def test_free_ports_are_bound_once_and_stay_when_their_server_goes(cloud: NovaCloud) -> None:
    fixed = [{"ip_address": "10.0.7.7"}]
    port = make(cloud, "ports", "port", network_id=PRIVATE, name="p", fixed_ips=fixed)["id"]
    again = make(cloud, "ports", "port", 409, network_id=PRIVATE, fixed_ips=fixed)
    assert "already allocated" in again
    server = cloud.active(networks=[{"port": port}])
    (address,) = cloud.get(f"{API}/servers/{server}")["server"]["addresses"]["private"]
    assert address["addr"] == "10.0.7.7"
    assert cloud.create(networks=[{"port": port}]).status_code == 409
    other = cloud.active(networks="none")
    attach = {"interfaceAttachment": {"port_id": port}}
    assert cloud.ask("POST", f"{API}/servers/{other}/os-interface", attach).status_code == 409
    cloud.ask("DELETE", f"{API}/servers/{server}")
    cloud.cloud.advance(1e6)
    shown = cloud.get(f"{V2}/ports/{port}")["port"]
    assert (shown["device_id"], shown["status"]) == ("", "DOWN")
    assert cloud.ask("POST", f"{API}/servers/{other}/os-interface", attach).status_code == 200


def test_the_port_of_a_server_is_changed_like_others(cloud: NovaCloud) -> None:
    (port,) = cloud.get(f"{V2}/ports?device_id={cloud.active()}")["ports"]
    assert put(cloud, f"ports/{port['id']}", {"port": {"name": "eth0"}})[0] == 200
    assert put(cloud, f"ports/{port['id']}/tags/a", None)[0] == 201
    shown = cloud.get(f"{V2}/ports/{port['id']}")["port"]
    assert (shown["name"], shown["tags"]) == ("eth0", ["a"])


def test_old_actions_move_floating_and_fixed_addresses(cloud: NovaCloud) -> None:
    server = cloud.active()
    floating = make(cloud, "floatingips", "floatingip", floating_network_id=PUBLIC)
    address = {"address": floating["floating_ip_address"]}
    assert cloud.act(server, "addFloatingIp", address).status_code == 202
    assert cloud.get(f"{V2}/floatingips/{floating['id']}")["floatingip"]["status"] == "ACTIVE"
    assert cloud.act(server, "removeFloatingIp", address).status_code == 202
    assert cloud.act(server, "removeFloatingIp", address).status_code == 409
    assert cloud.act(server, "addFloatingIp", address, minor=44).status_code == 404
    assert cloud.act(server, "addFixedIp", {"networkId": PRIVATE}).status_code == 202
    assert len(cloud.get(f"{V2}/ports?device_id={server}")["ports"]) == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": 7}, "Invalid input for name"),
        ({"colour": "red"}, "Unrecognized attribute(s) 'colour'"),
        ({"status": "DOWN"}, "Unrecognized attribute(s) 'status'"),
        ({"mtu": 1}, "Invalid input for mtu"),
    ],
)
def test_invalid_fields_are_refused_by_name(
    cloud: NovaCloud, fields: dict[str, object], said: str
) -> None:
    assert said in make(cloud, "networks", "network", 400, **fields)
    assert len(cloud.get(f"{V2}/networks")["networks"]) == 2


@pytest.mark.parametrize("address", ["ten", "10.0.0.300", "10.0.0.0/24"])
def test_what_is_no_address_is_refused_by_name(cloud: NovaCloud, address: str) -> None:
    fields = {"floating_network_id": PUBLIC, "floating_ip_address": address}
    said = make(cloud, "floatingips", "floatingip", 400, **fields)
    assert said.startswith("Invalid input for floating_ip_address.")


@pytest.mark.parametrize(
    ("path", "one", "named"),
    [
        ("ports", "port", {"network_id": ""}),
        ("subnets", "subnet", {"network_id": "", "cidr": "10.1.0.0/24", "ip_version": 4}),
        ("floatingips", "floatingip", {"floating_network_id": ""}),
    ],
)
def test_a_reference_that_names_nothing_is_not_found(
    cloud: NovaCloud, path: str, one: str, named: dict[str, object]
) -> None:
    assert "could not be found" in make(cloud, path, one, 404, **named)


def test_quotas_count_and_refuse_until_an_administrator_changes_them(cloud: NovaCloud) -> None:
    project = make(cloud, "networks", "network", name="n0")["project_id"]
    path, body = f"{V2}/quotas/{project}", {"quota": {"network": 1}}
    assert cloud.ask("PUT", path, body).status_code == 403
    assert cloud.ask("PUT", path, body, user="admin").json()["quota"]["network"] == 1
    refused = make(cloud, "networks", "network", 409, name="n1")
    assert refused == "Quota exceeded for resources: ['network']."
    used = cloud.get(f"{path}/details.json")["quota"]["network"]
    assert used == {"limit": 1, "used": 1, "reserved": 0}
    assert cloud.ask("DELETE", path, user="admin").status_code == 204
    make(cloud, "networks", "network", name="n1")


def test_lists_have_filters_tags_fields_an_order_and_pages(cloud: NovaCloud) -> None:
    made = [make(cloud, "networks", "network", name=name)["id"] for name in "cab"]
    assert put(cloud, f"networks/{made[0]}/tags", {"tags": ["x", "y"]})[0] == 200

    def names(query: str) -> list[str]:
        return [n["name"] for n in cloud.get(f"{V2}/networks?{query}")["networks"]]

    assert names("tags=x,y") == names("name=c") == ["c"]
    assert names("shared=false&sort_key=name&sort_dir=desc") == ["c", "b", "a"]
    page = cloud.get(f"{V2}/networks?shared=false&sort_key=name&limit=2&fields=id")
    assert [list(n) for n in page["networks"]] == [["id"], ["id"]]
    href = page["networks_links"][0]["href"].removeprefix("http://localhost")
    assert [n["id"] for n in cloud.get(href)["networks"]] == [made[0]]


def test_a_project_sees_and_changes_its_own_and_what_is_shared(cloud: NovaCloud) -> None:
    own = make(cloud, "networks", "network", name="mine")["id"]
    assert cloud.ask("GET", f"{V2}/networks/{own}", user="other").status_code == 404
    shared = {"network": {"name": "theirs"}}
    assert cloud.ask("PUT", f"{V2}/networks/{PRIVATE}", shared).status_code == 403
    assert cloud.ask("PUT", f"{V2}/networks/{own}", shared, user="admin").status_code == 200


def test_what_was_made_outlives_the_process(tmp_path: Path) -> None:
    before = NovaCloud(tmp_path / "state")
    lan = make(before, "networks", "network", name="lan")["id"]
    subnet(before, lan, "10.9.0.0/24")
    server = before.active(networks=[{"uuid": lan}])
    places = [f"{V2}/networks/{lan}", f"{V2}/ports", f"{API}/servers/{server}"]
    shown = [before.get(place) for place in places]
    before.cloud.close()
    after = NovaCloud(tmp_path / "state")
    assert [after.get(place) for place in places] == shown
    after.cloud.close()
