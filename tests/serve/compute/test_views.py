"""Servers as JSON: which keys which microversion shows, and to whom."""

from __future__ import annotations

import pytest

from tests.compute import CIRROS, DEBIAN, Compute

ALWAYS = {
    *("id", "name", "status", "tenant_id", "user_id", "metadata", "hostId", "image", "flavor"),
    *("created", "updated", "addresses", "accessIPv4", "accessIPv6", "links", "progress"),
    "OS-DCF:diskConfig",
}
EXTENDED = {
    *("OS-EXT-STS:vm_state", "OS-EXT-STS:task_state", "OS-EXT-STS:power_state", "key_name"),
    *("OS-EXT-AZ:availability_zone", "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at"),
    *("config_drive", "security_groups", "os-extended-volumes:volumes_attached"),
}
ADDED = {
    9: {"locked"},
    19: {"description"},
    26: {"tags"},
    63: {"trusted_image_certificates"},
    71: {"server_groups"},
    73: {"locked_reason"},
    90: {"OS-EXT-SRV-ATTR:hostname"},
    96: {"pinned_availability_zone"},
    100: {"scheduler_hints"},
}
FOR_ADMINISTRATORS = {
    1: {f"OS-EXT-SRV-ATTR:{name}" for name in ("host", "hypervisor_hostname", "instance_name")},
    3: {
        f"OS-EXT-SRV-ATTR:{name}"
        for name in (
            *("hostname", "reservation_id", "launch_index", "kernel_id", "ramdisk_id"),
            *("root_device_name", "user_data"),
        )
    },
    16: {"host_status"},
}
VERSIONS = (1, 2, 3, 8, 9, 15, 16, 18, 19, 25, 26, 46, 47, 62, 63, 70, 71, 72, 73, 74, 75, 89, 90, 95, 96, 99, 100, 104)  # fmt: skip


def since(table: dict[int, set[str]], minor: int) -> set[str]:
    return {name for first, names in table.items() if first <= minor for name in names}


@pytest.mark.parametrize("minor", VERSIONS)
def test_a_server_has_the_keys_of_its_microversion(compute: Compute, minor: int) -> None:
    server = compute.active()
    expected = ALWAYS | EXTENDED | since(ADDED, minor)
    assert set(compute.show(server, minor=minor)) == expected
    for_admin = expected | since(FOR_ADMINISTRATORS, minor)
    assert set(compute.show(server, minor=minor, user="admin")) == for_admin
    (listed,) = compute.ask("GET", "/servers/detail", minor=minor).json["servers"]
    assert set(listed) == expected - {"server_groups"}
    poor = ALWAYS | since(ADDED, minor) - {"OS-EXT-SRV-ATTR:hostname"}
    changed = expected if minor >= 75 else poor
    named = {"server": {"name": "db"}}
    result = compute.ask("PUT", f"/servers/{server}", named, minor=minor).json["server"]
    assert set(result) == changed
    rebuilt = compute.act(server, "rebuild", {"imageRef": CIRROS}, minor=minor).json["server"]
    extra = {"adminPass"} | since({54: {"key_name"}, 57: {"user_data"}}, minor)
    assert set(rebuilt) == changed | extra
    for shown, whole in ((result, minor >= 75), (listed, True)):
        ((address,),) = shown["addresses"].values()
        assert ("OS-EXT-IPS-MAC:mac_addr" in address) is whole


def test_a_flavor_is_embedded_from_2_47_on(compute: Compute) -> None:
    server = compute.active()
    assert set(compute.show(server, minor=46)["flavor"]) == {"id", "links"}
    assert compute.show(server, minor=47)["flavor"] == {
        "original_name": "m1.tiny",
        "vcpus": 1,
        "ram": 512,
        "disk": 1,
        "ephemeral": 0,
        "swap": 0,
        "extra_specs": {},
    }


def test_links_begin_with_the_path_of_the_request(compute: Compute) -> None:
    server = compute.active()
    self_link, bookmark = compute.show(server)["links"]
    assert self_link == {
        "rel": "self",
        "href": f"http://localhost/compute/v2.1/servers/{server}",
    }
    assert bookmark["href"] == f"http://localhost/compute/servers/{server}"
    (image,) = compute.show(server)["image"]["links"]
    assert image == {"rel": "bookmark", "href": f"http://localhost/compute/images/{CIRROS}"}


def test_an_answer_shows_changes_although_no_time_passed(compute: Compute) -> None:
    server = compute.active()
    compute.show(server)
    changes: list[tuple[str, str, object, str, object]] = [
        ("PUT", "", {"server": {"name": "db"}}, "name", "db"),
        ("PUT", "/metadata", {"metadata": {"a": "b"}}, "metadata", {"a": "b"}),
        ("PUT", "/tags", {"tags": ["x"]}, "tags", ["x"]),
        ("PUT", "", {"server": {"description": "d"}}, "description", "d"),
        ("PUT", "", {"server": {"hostname": "h"}}, "OS-EXT-SRV-ATTR:hostname", "h"),
        ("POST", "/action", {"os-stop": None}, "OS-EXT-STS:task_state", "powering-off"),
    ]
    for method, path, body, key, value in changes:
        answer = compute.ask(method, f"/servers/{server}{path}", body, minor=96)
        assert answer.code < 300, answer.text
        assert compute.show(server, minor=96)[key] == value


def test_a_change_is_refused_below_the_version_that_brought_it(compute: Compute) -> None:
    server = compute.active()
    body = {"server": {"description": "d", "hostname": "h"}}
    assert compute.ask("PUT", f"/servers/{server}", body, minor=18).code == 400
    assert compute.show(server, minor=19)["description"] is None
    for wrong in ({"name": ""}, {"name": " "}, {"name": "x" * 256}, {"hostname": "a b"}):
        assert compute.ask("PUT", f"/servers/{server}", {"server": wrong}, minor=96).code == 400
    assert compute.show(server)["name"] == "web"


def test_power_states_follow_the_vm_state(nova: Compute) -> None:
    server = nova.create()
    seen = {nova.show(server)["OS-EXT-STS:vm_state"]: nova.show(server)["OS-EXT-STS:power_state"]}
    nova.rest()
    for key in ("pause", "unpause", "os-stop", "os-start"):
        nova.act(server, key)
        nova.rest()
        shown = nova.show(server)
        seen[shown["OS-EXT-STS:vm_state"]] = shown["OS-EXT-STS:power_state"]
    assert seen == {"building": 0, "paused": 3, "stopped": 4, "active": 1}


# Whose servers


def test_a_server_of_another_project_is_not_found(compute: Compute) -> None:
    server = compute.active()
    for method, path, body in (
        ("GET", "", None),
        ("PUT", "", {"server": {"name": "x"}}),
        ("DELETE", "", None),
        ("POST", "/action", {"os-stop": None}),
        ("GET", "/metadata", None),
        ("GET", "/os-instance-actions", None),
        ("GET", "/os-interface", None),
    ):
        assert compute.ask(method, f"/servers/{server}{path}", body, user="other").code == 404
        assert compute.ask(method, f"/servers/-1{path}", body).code == 404
    assert compute.names("", user="other") == []
    assert compute.show(server, user="admin")["id"] == server
    assert compute.ask("GET", f"/servers/{'x' * 300}").code == 404


def test_administrators_see_all_projects_if_they_ask(compute: Compute) -> None:
    compute.create()
    assert compute.names("", user="admin") == []
    assert compute.names("all_tenants=1", user="admin") == ["web"]
    project = next(iter(compute.cloud.instances.values())).project_id
    assert compute.names(f"all_tenants=True&project_id={project}", user="admin") == ["web"]
    assert compute.names("all_tenants=True&project_id=x", user="admin") == []
    assert compute.ask("GET", "/servers/detail?all_tenants=1").code == 403
    assert compute.ask("GET", "/servers?all_tenants=maybe", user="admin").code == 400


def test_a_server_keeps_the_hints_and_the_properties_of_its_image(nova: Compute) -> None:
    wanted = {"name": "web", "flavorRef": "1", "imageRef": CIRROS, "networks": "auto"}
    hints = {"different_host": [DEBIAN]}
    body = {"server": wanted, "os:scheduler_hints": hints}
    server = nova.ask("POST", "/servers", body, minor=104).json["server"]["id"]
    assert nova.show(server, minor=100)["scheduler_hints"] == hints
    assert "properties" not in nova.show(server, minor=97)["image"]
    assert nova.show(server, minor=98)["image"]["properties"] == {}


def test_a_server_is_unpinned_and_pinned_to_its_own_zone(nova: Compute) -> None:
    server = nova.active(availability_zone="nova")

    def pin(zone: str | None, minor: int = 104) -> int:
        body = {"server": {"pinned_availability_zone": zone}}
        return nova.ask("PUT", f"/servers/{server}", body, minor=minor).code

    def pinned() -> object:
        return nova.show(server, minor=96)["pinned_availability_zone"]

    assert pin(None, 103) == 400
    assert [(pin(zone), pinned()) for zone in ("other", "nova", None, "other", "nova")] == [
        (409, "nova"),
        (200, "nova"),
        (200, None),
        (409, None),
        (200, "nova"),
    ]


def test_flavors_have_names_to_filter_and_lose_two_fields(nova: Compute) -> None:
    flavors = nova.ask("GET", "/flavors/detail?name=m1.tiny", minor=102).json["flavors"]
    assert [flavor["name"] for flavor in flavors] == ["m1.tiny"]
    assert not {"rxtx_factor", "OS-FLV-DISABLED:disabled"} & {*flavors[0]}
    assert nova.ask("GET", "/flavors?name=tiny", minor=101).code == 400


def test_shares_belong_to_servers_that_are_off(nova: Compute) -> None:
    server = nova.active()
    path, body = f"/servers/{server}/shares", {"share": {"share_id": CIRROS, "tag": "data"}}
    assert nova.ask("GET", path, minor=96).code == 404
    assert nova.ask("POST", path, body, minor=97).code == 409
    nova.act(server, "os-stop")
    nova.rest()
    made = nova.ask("POST", path, body, minor=97, user="admin")
    assert (made.code, made.json["share"]["status"]) == (201, "attaching")
    assert nova.ask("POST", path, body, minor=97).code == 409
    shown = {"share_id": CIRROS, "status": "inactive", "tag": "data"}
    assert nova.ask("GET", path, minor=97).json == {"shares": [shown]}
    assert nova.ask("GET", f"{path}/{CIRROS}", minor=97).json == {"share": shown}
    whole = nova.ask("GET", f"{path}/{CIRROS}", minor=97, user="admin").json["share"]
    assert {*whole} == {*shown, "uuid", "export_location"}
    assert nova.ask("DELETE", f"{path}/{CIRROS}", minor=97).code == 200
    assert nova.ask("GET", f"{path}/{CIRROS}", minor=97).code == 404
