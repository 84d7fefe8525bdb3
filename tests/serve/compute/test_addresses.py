"""Addresses that a client chooses are honoured, and refused where there can be no such thing."""

from __future__ import annotations

import pytest

from tests.compute import PRIVATE, PUBLIC
from tests.nova_cloud import API, NovaCloud


@pytest.fixture
def judged() -> NovaCloud:
    return NovaCloud()


def on(network: str, address: str) -> dict[str, object]:
    return {"networks": [{"uuid": network, "fixed_ip": address}]}


def addresses(judged: NovaCloud, server: str) -> list[str]:
    shown = judged.get(f"{API}/servers/{server}")["server"]["addresses"]
    return [address["addr"] for of_network in shown.values() for address in of_network]


def test_a_server_gets_the_address_that_was_chosen_for_it(judged: NovaCloud) -> None:
    server = judged.active(**on(PRIVATE, "10.0.0.77"))
    assert addresses(judged, server) == ["10.0.0.77"]
    (port,) = judged.get(f"/network/v2.0/ports?device_id={server}")["ports"]
    assert port["fixed_ips"][0]["ip_address"] == "10.0.0.77"


def test_a_server_has_an_interface_for_each_time_a_network_is_named(judged: NovaCloud) -> None:
    made = judged.ask("POST", "/network/v2.0/ports", {"port": {"network_id": PRIVATE}})
    free = made.json()["port"]["id"]
    chosen = [
        {"uuid": PRIVATE, "fixed_ip": "10.0.0.77", "tag": "first"},
        {"uuid": PRIVATE},
        {"port": free, "tag": "third"},
    ]
    server = judged.active(networks=chosen)
    assert len(addresses(judged, server)) == len(set(addresses(judged, server))) == len(chosen)
    shown = judged.get(f"{API}/servers/{server}/os-interface", 70)["interfaceAttachments"]
    tags = {port["tag"]: port["fixed_ips"][0]["ip_address"] for port in shown}
    assert (set(tags), tags["first"]) == ({"first", None, "third"}, "10.0.0.77")
    assert free in {port["port_id"] for port in shown if port["tag"] == "third"}
    assert judged.create(networks=[{"uuid": PRIVATE, "fixed_ip": "10.0.0.78"}] * 2).is_client_error
    assert len(judged.cloud.instances) == 1


@pytest.mark.parametrize("address", ["203.0.113.1", "10.0.0.0", "10.0.0.1", "fe80::1"])
def test_an_address_outside_of_the_network_is_refused(judged: NovaCloud, address: str) -> None:
    refused = judged.create(**on(PRIVATE, address))
    assert refused.status_code == 400
    assert f"Fixed IP {address} is not a valid" in refused.json()["badRequest"]["message"]


def test_what_is_not_an_address_is_refused(judged: NovaCloud) -> None:
    refused = judged.create(**on(PRIVATE, "ten"))
    assert refused.status_code == 400
    assert "networks" in refused.json()["badRequest"]["message"]


def test_an_address_belongs_to_one_server(judged: NovaCloud) -> None:
    first, chosen = judged.active(), judged.active(**on(PRIVATE, "10.0.0.77"))
    for server, address in ((first, addresses(judged, first)[0]), (chosen, "10.0.0.77")):
        refused = judged.create(**on(PRIVATE, address))
        assert refused.status_code == 400
        message = refused.json()["badRequest"]["message"]
        assert message == f"Fixed IP address {address} is already in use on instance {server}."


def test_a_port_of_another_server_and_one_that_does_not_exist_are_refused_as_nova_does(
    judged: NovaCloud,
) -> None:
    first, second = judged.active(), judged.active()
    (port,) = judged.get(f"/network/v2.0/ports?device_id={second}")["ports"]
    for port_id, said in (
        (port["id"], f"Instance {first} does not have a port with id {port['id']}"),
        (PUBLIC, f"Port id {PUBLIC} could not be found."),
    ):
        for method in ("GET", "DELETE"):
            refused = judged.ask(method, f"{API}/servers/{first}/os-interface/{port_id}")
            found = refused.status_code, refused.json()["itemNotFound"]["message"]
            assert found == (404, said)


def test_one_address_is_not_for_several_servers(judged: NovaCloud) -> None:
    refused = judged.create(max_count=2, **on(PRIVATE, "10.0.0.77"))
    assert (refused.status_code, len(judged.cloud.instances)) == (400, 0)


def test_an_interface_gets_the_address_that_was_chosen_and_takes_it_along(
    judged: NovaCloud,
) -> None:
    server = judged.active()
    path = f"{API}/servers/{server}/os-interface"
    body = {"interfaceAttachment": {"net_id": PUBLIC, "fixed_ips": [{"ip_address": "198.18.0.9"}]}}
    port = judged.ask("POST", path, body).json()["interfaceAttachment"]
    assert port["fixed_ips"][0]["ip_address"] == "198.18.0.9"
    judged.ask("DELETE", f"{path}/{port['port_id']}")
    again = judged.ask("POST", path, {"interfaceAttachment": {"net_id": PUBLIC}}).json()
    assert again["interfaceAttachment"]["fixed_ips"][0]["ip_address"] != "198.18.0.9"
