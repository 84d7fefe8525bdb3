"""Addresses, gateways, routers and rules as Neutron gives and refuses them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compute import PRIVATE, PUBLIC
from tests.nova_cloud import NovaCloud
from tests.serve.network.test_networks import V2, make, put, subnet

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def cloud() -> NovaCloud:
    return NovaCloud()


def lan(cloud: NovaCloud, name: str = "lan") -> str:
    return str(make(cloud, "networks", "network", name=name)["id"])


def in_lan(cloud: NovaCloud, code: int = 201, **fields: object) -> Any:
    given = {"network_id": lan(cloud), "ip_version": 4, **fields}
    return make(cloud, "subnets", "subnet", code, **given)


@pytest.mark.parametrize(
    ("cidr", "gateway", "first", "last"),
    [
        ("10.9.0.0/24", "10.9.0.1", "10.9.0.2", "10.9.0.254"),
        ("10.9.0.0/30", "10.9.0.1", "10.9.0.2", "10.9.0.2"),
        ("10.9.0.0/31", None, "10.9.0.0", "10.9.0.1"),
        ("10.9.0.7/32", None, "10.9.0.7", "10.9.0.7"),
        ("2001:db8::/120", "2001:db8::1", "2001:db8::2", "2001:db8::ff"),
    ],
)
def test_a_subnet_has_its_gateway_first_and_gives_out_the_rest(
    cloud: NovaCloud, cidr: str, gateway: str | None, first: str, last: str
) -> None:
    made = in_lan(cloud, cidr=cidr, ip_version=6 if ":" in cidr else 4)
    pools = [{"start": first, "end": last}]
    assert (made["gateway_ip"], made["allocation_pools"]) == (gateway, pools)


def test_a_subnet_without_a_gateway_gives_out_its_first_address_too(cloud: NovaCloud) -> None:
    made = in_lan(cloud, cidr="10.9.0.0/29", gateway_ip=None)
    pools = [{"start": "10.9.0.1", "end": "10.9.0.6"}]
    assert (made["gateway_ip"], made["allocation_pools"]) == (None, pools)


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"cidr": "ten"}, 400, "'ten' is not a valid IP subnet"),
        ({"cidr": "10.9.0.1/24"}, 400, "is not a valid IP subnet"),
        ({"cidr": "2001:db8::/64"}, 400, "ip_version 4 does not match cidr 2001:db8::/64"),
        ({}, 400, "a subnetpool must be specified"),
        ({"pool": ("10.8.0.9", "10.9.0.9")}, 400, "spans beyond the subnet"),
        ({"pool": ("10.9.0.9", "10.9.1.0")}, 400, "spans beyond the subnet"),
        ({"pool": ("10.9.0.9", "10.9.0.8")}, 400, "spans beyond the subnet"),
        ({"pool": ("10.9.0.9", "x")}, 400, "expected addresses"),
        ({"pool": ("10.9.0.1", "10.9.0.8")}, 409, "Gateway ip 10.9.0.1 conflicts"),
        ({"pool": ("10.9.0.0", "10.9.0.1")}, 409, "Gateway ip 10.9.0.1 conflicts"),
    ],
)
def test_a_subnet_that_cannot_be_is_refused(
    cloud: NovaCloud, fields: dict[str, Any], code: int, said: str
) -> None:
    if "pool" in fields:
        start, end = fields["pool"]
        fields = {"cidr": "10.9.0.0/24", "allocation_pools": [{"start": start, "end": end}]}
    assert said in in_lan(cloud, code, **fields)
    assert cloud.get(f"{V2}/subnets?name=")["subnets"] == []


def test_a_pool_may_have_one_address_and_lie_beside_the_gateway(cloud: NovaCloud) -> None:
    for start, end in (("10.9.0.2", "10.9.0.2"), ("10.9.0.2", "10.9.0.255")):
        pools = [{"start": start, "end": end}]
        assert (
            in_lan(cloud, cidr="10.9.0.0/24", allocation_pools=pools)["allocation_pools"] == pools
        )


def test_each_of_several_pools_is_in_the_subnet(cloud: NovaCloud) -> None:
    inside = {"start": "10.9.0.9", "end": "10.9.0.19"}
    outside = {"start": "10.9.1.9", "end": "10.9.1.19"}
    for pools in ([inside, outside], [outside, inside]):
        said = in_lan(cloud, 400, cidr="10.9.0.0/24", allocation_pools=pools)
        assert "spans beyond the subnet" in said


def test_only_administrators_see_where_a_network_is(cloud: NovaCloud) -> None:
    at = f"{V2}/networks/{lan(cloud)}"
    assert cloud.get(at)["network"]["provider:segmentation_id"] is None
    assert cloud.get(at, user="admin")["network"]["provider:segmentation_id"] >= 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "DOWN"}, "Cannot update read-only attribute status"),
        ({"colour": "red"}, "Unrecognized attribute(s) 'colour'"),
        ({"mtu": "wide"}, "Invalid input for mtu"),
    ],
)
def test_a_change_of_what_cannot_be_changed_is_refused_by_name(
    cloud: NovaCloud, fields: dict[str, object], said: str
) -> None:
    code, text = put(cloud, f"networks/{lan(cloud)}", {"network": fields})
    assert (code, said in text) == (400, True), text


def test_subnets_of_one_network_do_not_overlap_and_those_of_two_may(cloud: NovaCloud) -> None:
    first, second = lan(cloud), lan(cloud)
    subnet(cloud, first, "10.9.0.0/25")
    assert "overlaps" in subnet(cloud, first, "10.9.0.64/26", 400)
    subnet(cloud, first, "10.9.0.128/25")
    subnet(cloud, second, "10.9.0.0/25")
    six: dict[str, Any] = {"network_id": first, "cidr": "2001:db8::/64", "ip_version": 6}
    make(cloud, "subnets", "subnet", **six)


def test_a_subnet_pool_gives_the_first_free_block(cloud: NovaCloud) -> None:
    pool = make(
        *(cloud, "subnetpools", "subnetpool"),
        name="pool",
        prefixes=["10.20.0.0/23", "10.30.0.0/24"],
        default_prefixlen="24",
    )["id"]
    given = {"subnetpool_id": pool}
    blocks = [
        in_lan(cloud, **given, **more)["cidr"] for more in ({}, {"prefixlen": 25}, {}, {})[:3]
    ]
    assert blocks == ["10.20.0.0/24", "10.20.1.0/25", "10.30.0.0/24"]
    assert in_lan(cloud, **given, prefixlen=25)["cidr"] == "10.20.1.128/25"
    assert "Insufficient prefix space" in in_lan(cloud, 400, **given)
    usual = {"subnetpool": {"is_default": True}}
    answer = cloud.ask("PUT", f"{V2}/subnetpools/{pool}", usual, user="admin")
    assert answer.status_code == 200
    assert "Insufficient prefix space" in in_lan(cloud, 400, use_default_subnetpool=True)


def test_a_subnet_whose_addresses_are_used_stays(cloud: NovaCloud) -> None:
    network = lan(cloud)
    used, unused = (subnet(cloud, network, cidr)["id"] for cidr in ("10.9.0.0/24", "10.9.1.0/24"))
    make(cloud, "ports", "port", network_id=network, fixed_ips=[{"subnet_id": used}])
    assert cloud.ask("DELETE", f"{V2}/subnets/{used}").status_code == 409
    assert cloud.ask("DELETE", f"{V2}/subnets/{unused}").status_code == 204


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"fixed_ips": [{}]}, 400, "requires subnet_id or ip_address"),
        ({"fixed_ips": [{"ip_address": "ten"}]}, 400, "'ten' is not a valid IP address"),
        ({"security_groups": [NOWHERE]}, 404, f"Security group {NOWHERE} does not exist"),
    ],
)
def test_a_port_that_cannot_be_is_refused_when_it_is_made_and_changed(
    cloud: NovaCloud, fields: dict[str, Any], code: int, said: str
) -> None:
    assert said in make(cloud, "ports", "port", code, network_id=PRIVATE, **fields)
    port = make(cloud, "ports", "port", network_id=PRIVATE)
    answer = put(cloud, f"ports/{port['id']}", {"port": fields})
    assert (answer[0], said in answer[1]) == (code, True)
    assert cloud.get(f"{V2}/ports/{port['id']}")["port"] == port


def test_a_port_moves_to_another_address_which_is_free_again_afterwards(cloud: NovaCloud) -> None:
    def wanted(last: int) -> list[dict[str, str]]:
        return [{"ip_address": f"10.0.7.{last}"}]

    port = make(cloud, "ports", "port", network_id=PRIVATE, fixed_ips=wanted(7))
    assert (port["status"], len(port["security_groups"])) == ("DOWN", 1)
    assert put(cloud, f"ports/{port['id']}", {"port": {"fixed_ips": wanted(8)}})[0] == 200
    shown = cloud.get(f"{V2}/ports/{port['id']}")["port"]
    assert [fixed["ip_address"] for fixed in shown["fixed_ips"]] == ["10.0.7.8"]
    other = make(cloud, "ports", "port", network_id=PRIVATE, fixed_ips=wanted(7))
    assert put(cloud, f"ports/{other['id']}", {"port": {"fixed_ips": wanted(8)}})[0] == 409
    bare = make(cloud, "ports", "port", network_id=PRIVATE, port_security_enabled=False)
    assert bare["security_groups"] == []
    taken = make(cloud, "ports", "port", network_id=PRIVATE, device_id="a-device")
    assert taken["status"] == "ACTIVE"


def routed(cloud: NovaCloud, **fields: Any) -> str:
    return f"routers/{make(cloud, 'routers', 'router', **fields)['id']}"


def test_interfaces_of_a_router_are_added_once_and_removed(cloud: NovaCloud) -> None:
    network, at = lan(cloud), routed(cloud)
    own = subnet(cloud, network, "10.9.0.0/24")
    adding, removing = f"{at}/add_router_interface", f"{at}/remove_router_interface"
    for body in ({}, {"subnet_id": own["id"], "port_id": NOWHERE}):
        code, text = put(cloud, adding, body)
        assert (code, "Either subnet_id or port_id" in text) == (400, True)
    answer = cloud.ask("PUT", f"{V2}/{adding}", {"subnet_id": own["id"]}).json()
    port = cloud.get(f"{V2}/ports/{answer['port_id']}")["port"]
    assert (answer["subnet_id"], answer["subnet_ids"]) == (own["id"], [own["id"]])
    assert port["fixed_ips"] == [{"subnet_id": own["id"], "ip_address": "10.9.0.1"}]
    assert (port["device_owner"], port["status"]) == ("network:router_interface", "ACTIVE")
    assert cloud.ask("DELETE", f"{V2}/ports/{port['id']}").status_code == 409
    code, text = put(cloud, adding, {"subnet_id": own["id"]})
    assert (code, "Router already has a port on subnet" in text) == (400, True)
    over = subnet(cloud, lan(cloud), "10.9.0.0/16")
    code, text = put(cloud, adding, {"subnet_id": over["id"]})
    assert (code, f"overlaps with cidr 10.9.0.0/24 of subnet {own['id']}" in text) == (400, True)
    six = in_lan(cloud, cidr="2001:db8::/64", ip_version=6)
    assert put(cloud, adding, {"subnet_id": six["id"]})[0] == 200
    beside = subnet(cloud, lan(cloud), "10.9.1.0/24")
    assert put(cloud, removing, {"subnet_id": beside["id"]})[0] == 404
    assert put(cloud, adding, {"subnet_id": beside["id"]})[0] == 200
    assert cloud.ask("DELETE", f"{V2}/{at}").status_code == 409
    for gone in (own, six, beside):
        answer = cloud.ask("PUT", f"{V2}/{removing}", {"subnet_id": gone["id"]}).json()
        assert answer["subnet_id"] == gone["id"]
    assert cloud.get(f"{V2}/ports") == {"ports": []}
    assert cloud.ask("DELETE", f"{V2}/{at}").status_code == 204


def test_a_free_port_becomes_the_interface_of_one_router(cloud: NovaCloud) -> None:
    network = lan(cloud)
    subnet(cloud, network, "10.9.0.0/24")
    port = make(cloud, "ports", "port", network_id=network)["id"]
    first, second = routed(cloud), routed(cloud)
    assert put(cloud, f"{first}/add_router_interface", {"port_id": port})[0] == 200
    code, text = put(cloud, f"{second}/add_router_interface", {"port_id": port})
    assert (code, "already has an attached device" in text) == (409, True)
    assert put(cloud, f"{second}/remove_router_interface", {"port_id": port})[0] == 404
    assert put(cloud, f"{first}/remove_router_interface", {"port_id": port})[0] == 200
    assert cloud.get(f"{V2}/ports") == {"ports": []}
    closed = in_lan(cloud, cidr="10.8.0.0/24", gateway_ip=None)
    code, text = put(cloud, f"{first}/add_router_interface", {"subnet_id": closed["id"]})
    assert (code, "must have a gateway IP" in text) == (400, True)


def test_the_gateway_of_a_router_is_on_an_external_network(cloud: NovaCloud) -> None:
    inside: dict[str, Any] = {"external_gateway_info": {"network_id": PRIVATE}}
    assert "is not an external network" in make(cloud, "routers", "router", 400, **inside)
    unknown: dict[str, Any] = {"external_gateway_info": {"network_id": NOWHERE}}
    assert NOWHERE in make(cloud, "routers", "router", 404, **unknown)
    at = routed(cloud, external_gateway_info={"network_id": PUBLIC})

    def gateway() -> Any:
        return cloud.get(f"{V2}/{at}")["router"]["external_gateway_info"]

    def gateways() -> list[str]:
        listed = cloud.get(f"{V2}/ports?device_owner=network:router_gateway", user="admin")["ports"]
        return [fixed["ip_address"] for port in listed for fixed in port["fixed_ips"]]

    first = gateway()
    assert (first["network_id"], first["enable_snat"]) == (PUBLIC, True)
    assert gateways() == [fixed["ip_address"] for fixed in first["external_fixed_ips"]]
    same = {"network_id": PUBLIC, "enable_snat": False}
    assert put(cloud, at, {"router": {"external_gateway_info": same}})[0] == 200
    assert gateway() == {**first, "enable_snat": False}
    address = str(first["external_fixed_ips"][0]["ip_address"])
    chosen = f"{address.rpartition('.')[0]}.77"
    moved = {"network_id": PUBLIC, "external_fixed_ips": [{"ip_address": chosen}]}
    assert put(cloud, at, {"router": {"external_gateway_info": moved}})[0] == 200
    assert gateways() == [chosen] == [f["ip_address"] for f in gateway()["external_fixed_ips"]]
    assert put(cloud, at, {"router": {"external_gateway_info": None}})[0] == 200
    assert (gateway(), gateways()) == (None, [])
    assert put(cloud, at, {"router": {"external_gateway_info": same}})[0] == 200
    assert cloud.ask("DELETE", f"{V2}/{at}").status_code == 204
    assert gateways() == []


def test_routes_are_joined_and_taken_away(cloud: NovaCloud) -> None:
    at = routed(cloud)
    one, two = ({"destination": f"10.{n}.0.0/16", "nexthop": "10.0.0.9"} for n in (1, 2))

    def routes(verb: str, *given: object) -> Any:
        body = {"router": {"routes": [*given]}}
        return cloud.ask("PUT", f"{V2}/{at}/{verb}_extraroutes", body).json()["router"]["routes"]

    assert routes("add", one) == [one]
    assert routes("add", one, two) == [one, two]
    assert routes("remove", one) == [two]
    assert cloud.get(f"{V2}/{at}")["router"]["routes"] == [two]


def test_a_floating_address_is_taken_moved_and_given_back(cloud: NovaCloud) -> None:
    inside = make(cloud, "floatingips", "floatingip", 400, floating_network_id=PRIVATE)
    assert "is not a valid external network" in inside
    first, second = (make(cloud, "ports", "port", network_id=PRIVATE, name=n) for n in "ab")
    address = first["fixed_ips"][0]["ip_address"]
    made = make(
        *(cloud, "floatingips", "floatingip"), floating_network_id=PUBLIC, port_id=first["id"]
    )
    assert (made["fixed_ip_address"], made["port_details"]["name"]) == (address, "a")
    wanted: dict[str, Any] = {"floating_network_id": PUBLIC, "port_id": first["id"]}
    assert "already has a floating IP" in make(cloud, "floatingips", "floatingip", 409, **wanted)
    at = f"floatingips/{made['id']}"
    wrong = {"floatingip": {"port_id": first["id"], "fixed_ip_address": "10.0.0.250"}}
    code, text = put(cloud, at, wrong)
    assert (code, "does not have fixed ip 10.0.0.250" in text) == (400, True)
    assert put(cloud, at, {"floatingip": {"port_id": second["id"]}})[0] == 200
    moved = cloud.get(f"{V2}/{at}")["floatingip"]
    assert moved["fixed_ip_address"] == second["fixed_ips"][0]["ip_address"]
    assert (moved["status"], moved["port_details"]["name"]) == ("ACTIVE", "b")
    assert put(cloud, at, {"floatingip": {"port_id": None}})[0] == 200
    left = cloud.get(f"{V2}/{at}")["floatingip"]
    assert (left["status"], left["fixed_ip_address"], left["port_details"]) == ("DOWN", None, None)
    own = {"floating_network_id": PUBLIC, "floating_ip_address": made["floating_ip_address"]}
    assert "already" in make(cloud, "floatingips", "floatingip", 409, **own)
    assert cloud.ask("DELETE", f"{V2}/{at}").status_code == 204
    again = make(cloud, "floatingips", "floatingip", **own)
    assert again["floating_ip_address"] == made["floating_ip_address"]


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"remote_ip_prefix": "ten"}, 400, "'ten' is not a valid IP subnet"),
        ({"protocol": "tcp", "port_range_min": 9, "port_range_max": 8}, 400, "must be <="),
        ({"protocol": "udp", "port_range_min": 9, "port_range_max": 8}, 400, "must be <="),
        ({"protocol": "icmp", "port_range_min": 9, "port_range_max": 8}, 201, ""),
        ({"protocol": "tcp", "port_range_min": 9, "port_range_max": 9}, 201, ""),
        ({"remote_ip_prefix": "10.0.0.7/8"}, 201, ""),
    ],
)
def test_a_rule_is_checked_and_not_given_twice(
    cloud: NovaCloud, fields: dict[str, Any], code: int, said: str
) -> None:
    group = make(cloud, "security-groups", "security_group", name="g")["id"]
    rule = {"security_group_id": group, "direction": "ingress", **fields}
    answer = make(cloud, "security-group-rules", "security_group_rule", code, **rule)
    assert said in str(answer)
    if code == 201:
        again = make(cloud, "security-group-rules", "security_group_rule", 409, **rule)
        assert answer["id"] in again
        rule["direction"] = "egress"
        make(cloud, "security-group-rules", "security_group_rule", **rule)
        shown = cloud.get(f"{V2}/security-groups/{group}")["security_group"]
        assert len(shown["security_group_rules"]) == 4


def test_the_default_group_stays_and_a_group_that_is_used_does(cloud: NovaCloud) -> None:
    path = f"{V2}/security-groups"
    (usual,) = cloud.get(path)["security_groups"]
    assert usual["name"] == "default"
    # All traffic goes out, and that of its own members comes in.
    rules = usual["security_group_rules"]
    found = {(r["direction"], r["ethertype"], r["remote_group_id"]) for r in rules}
    assert (len(rules), found) == (
        4,
        {("egress", f"IPv{n}", None) for n in (4, 6)}
        | {("ingress", f"IPv{n}", usual["id"]) for n in (4, 6)},
    )
    assert "already exists" in make(cloud, "security-groups", "security_group", 409, name="default")
    group = make(cloud, "security-groups", "security_group", name="a")["id"]
    assert [each["name"] for each in cloud.get(path)["security_groups"]] == ["default", "a"]
    renamed = {"security_group": {"name": "default"}}
    for at, body in ((usual["id"], {"security_group": {"name": "x"}}), (group, renamed)):
        assert put(cloud, f"security-groups/{at}", body)[0] == 409
    described = {"security_group": {"description": "d"}}
    assert put(cloud, f"security-groups/{usual['id']}", described)[0] == 200
    assert cloud.ask("DELETE", f"{path}/{usual['id']}").status_code == 409
    port = make(cloud, "ports", "port", network_id=PRIVATE, security_groups=[group])["id"]
    assert cloud.ask("DELETE", f"{path}/{group}").status_code == 409
    assert put(cloud, f"security-groups/{group}", {"security_group": {"name": "b"}})[0] == 409
    assert cloud.ask("DELETE", f"{V2}/ports/{port}").status_code == 204
    assert put(cloud, f"security-groups/{group}", {"security_group": {"name": "b"}})[0] == 200
    assert cloud.ask("DELETE", f"{path}/{group}").status_code == 204


def test_zones_extensions_and_kinds_are_listed(cloud: NovaCloud) -> None:
    zones = cloud.get(f"{V2}/availability_zones")["availability_zones"]
    assert {(zone["name"], zone["resource"], zone["state"]) for zone in zones} == {
        ("nova", "network", "available"),
        ("nova", "router", "available"),
    }
    listed = cloud.get(f"{V2}/extensions")["extensions"]
    router = next(each for each in listed if each["alias"] == "router")
    assert cloud.get(f"{V2}/extensions/router") == {"extension": router}
    assert cloud.ask("GET", f"{V2}/extensions/burner").status_code == 404
    kinds = {each["collection"]: each for each in cloud.get(V2)["resources"]}
    assert kinds["subnets"]["name"] == "subnet"
    assert kinds["subnets"]["links"][0]["href"].endswith(f"{V2}/subnets")
