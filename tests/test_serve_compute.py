"""The compute API: servers as clients see them, on both lifecycles, with the clock stopped."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.apart import apart
from tests.compute import CIRROS, DEBIAN, PRIVATE, PUBLIC, SMALL, TINY, Compute


@pytest.fixture(params=["ecs", "nova"])
def compute(request: pytest.FixtureRequest) -> Compute:
    return Compute(request.param)


@pytest.fixture
def nova() -> Compute:
    return Compute("nova")


@pytest.fixture
def ecs() -> Compute:
    return Compute("ecs")


def test_a_life_of_a_server_shows_every_status_in_its_order(compute: Compute) -> None:
    server = compute.create()
    assert compute.status(server) == "BUILD scheduling"
    compute.rest()
    life: list[tuple[str, object, str | None, int, str, str]] = [
        ("os-stop", None, None, 202, "ACTIVE powering-off", "SHUTOFF"),
        ("resize", {"flavorRef": SMALL}, None, 202, "RESIZE resize_prep", "VERIFY_RESIZE"),
        ("revertResize", None, None, 202, "REVERT_RESIZE resize_reverting", "SHUTOFF"),
        ("resize", {"flavorRef": SMALL}, None, 202, "RESIZE resize_prep", "VERIFY_RESIZE"),
        ("confirmResize", None, None, 204, "SHUTOFF", "SHUTOFF"),
        ("rebuild", {"imageRef": DEBIAN}, None, 202, "REBUILD rebuilding", "SHUTOFF"),
        ("os-start", {}, None, 202, "SHUTOFF powering-on", "ACTIVE"),
        ("reboot", {"type": "SOFT"}, None, 202, "REBOOT rebooting", "ACTIVE"),
        ("reboot", {"type": "HARD"}, None, 202, "HARD_REBOOT rebooting_hard", "ACTIVE"),
        ("os-migrateLive", LIVE_FIRST, "admin", 202, "MIGRATING migrating", "ACTIVE"),
    ]
    for key, argument, user, code, first, last in life:
        answer = compute.act(server, key, argument, user=user)
        assert (answer.code, compute.status(server)) == (code, first), answer.text
        compute.rest()
        assert compute.status(server) == last
    assert compute.ask("DELETE", f"/servers/{server}").code == 204
    assert compute.status(server) == "ACTIVE deleting"
    compute.rest()
    for method, path, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "/action", {"os-start": None}),
        ("PUT", "", {"server": {"name": "x"}}),
    ):
        answer = compute.ask(method, f"/servers/{server}{path}", body)
        assert answer.code == 404
        assert answer.message == f"Instance {server} could not be found."


LIVE_FIRST = {"host": None, "block_migration": False, "disk_over_commit": False}


def test_nova_has_more_ways_than_ecs(nova: Compute, ecs: Compute) -> None:
    server = nova.active()
    for key, argument, first, last in (
        ("pause", None, "ACTIVE pausing", "PAUSED"),
        ("unpause", None, "PAUSED unpausing", "ACTIVE"),
        ("suspend", None, "ACTIVE suspending", "SUSPENDED"),
        ("resume", None, "SUSPENDED resuming", "ACTIVE"),
        ("rescue", None, "ACTIVE rescuing", "RESCUE"),
        ("unrescue", None, "RESCUE unrescuing", "ACTIVE"),
        ("shelve", None, "ACTIVE shelving", "SHELVED_OFFLOADED"),
        ("unshelve", None, "SHELVED_OFFLOADED unshelving", "ACTIVE"),
        ("resize", {"flavorRef": SMALL}, "RESIZE resize_prep", "VERIFY_RESIZE"),
        ("revertResize", None, "REVERT_RESIZE resize_reverting", "ACTIVE"),
    ):
        answer = nova.act(server, key, argument)
        assert (answer.code // 100, nova.status(server)) == (2, first), answer.text
        nova.rest()
        assert nova.status(server) == last
    answer = ecs.act(ecs.active(), "pause")
    assert answer.code == 400
    assert "the lifecycle ecs has no operation pause; it has create, stop," in answer.message


def test_a_resize_of_a_running_ecs_is_refused_with_the_reason(ecs: Compute) -> None:
    server = ecs.active()
    refused = ecs.act(server, "resize", {"flavorRef": SMALL})
    assert refused.code == 409
    assert refused.message.startswith(
        f"Cannot 'resize' instance {server} while it is in vm_state active: "
    )
    assert (
        "active/resize_prep, a pair that is not documented; possible now: stop," in refused.message
    )
    ecs.act(server, "os-stop")
    refused = ecs.act(server, "os-start")
    assert "while it is in task_state powering-off: " in refused.message
    assert refused.message.endswith("possible now: delete")


def test_of_two_requests_at_once_one_is_accepted(compute: Compute) -> None:
    server = compute.active()

    async def both() -> list[int]:
        path, body = f"/servers/{server}/action", {"os-stop": None}
        tasks = [compute.asked("POST", path, body) for _ in range(5)]
        return [answer.code for answer in await asyncio.gather(*tasks)]

    assert sorted(apart(both())) == [202, 409, 409, 409, 409]


# What a resize, a rebuild and a migration leave behind


def flavor(compute: Compute, server: str) -> str:
    return str(compute.show(server)["flavor"]["id"])


def test_a_flavor_changes_when_the_resize_has_succeeded(ecs: Compute) -> None:
    server = ecs.active()
    ecs.act(server, "os-stop")
    ecs.rest()
    ecs.act(server, "resize", {"flavorRef": SMALL})
    assert flavor(ecs, server) == TINY
    ecs.rest()
    assert flavor(ecs, server) == SMALL
    ecs.act(server, "revertResize")
    ecs.rest()
    assert flavor(ecs, server) == TINY


def test_a_resize_that_fails_leaves_the_flavor_and_shows_the_fault_in_error_only(
    ecs: Compute,
) -> None:
    server = ecs.active(metadata={"ecs:fault": "resize:fail@resize_prep*1"})
    ecs.act(server, "os-stop")
    ecs.rest()
    ecs.act(server, "resize", {"flavorRef": SMALL})
    ecs.rest()
    shown = ecs.show(server)
    assert (shown["status"], flavor(ecs, server)) == ("ERROR", TINY)
    assert shown["fault"]["code"] == 500
    assert shown["fault"]["message"] == "resize: fail at stopped/resize_prep"
    assert set(shown["fault"]) == {"code", "created", "message"}
    assert "details" in ecs.show(server, user="admin")["fault"]
    ecs.act(server, "rebuild", {"imageRef": CIRROS})
    ecs.rest()
    assert "fault" not in ecs.show(server)


def test_a_rebuild_shows_its_image_and_name_at_once(compute: Compute) -> None:
    server = compute.active()
    wanted = {"imageRef": DEBIAN, "name": "db", "metadata": {"a": "b"}, "flavorRef": SMALL}
    answer = compute.act(server, "rebuild", wanted)
    told = answer.json["server"]
    assert (told["image"]["id"], told["name"], told["metadata"]) == (DEBIAN, "db", {"a": "b"})
    assert (told["flavor"]["id"], bool(told["adminPass"])) == (TINY, True)
    assert answer.headers["location"] == f"http://localhost/compute/v2.1/servers/{server}"


def test_a_migration_goes_to_another_host_and_a_revert_back(nova: Compute) -> None:
    server = nova.active()

    def host() -> str:
        return str(nova.show(server, user="admin")["OS-EXT-SRV-ATTR:host"])

    first, its_id = host(), nova.show(server)["hostId"]
    assert nova.act(server, "migrate", None, user="admin").code == 202
    nova.rest()
    assert host() != first
    assert nova.show(server)["hostId"] != its_id
    nova.act(server, "revertResize")
    nova.rest()
    assert host() == first
    target = {"host": "compute-1", "block_migration": "auto"}
    assert nova.act(server, "os-migrateLive", target, user="admin", minor=30).code == 202
    nova.rest()
    assert host() == "compute-1"
    for name in ("compute-1", "nowhere"):
        wrong = {"host": name, "block_migration": "auto"}
        assert nova.act(server, "os-migrateLive", wrong, user="admin", minor=30).code == 400


def test_an_evacuation_stops_the_server_from_2_95_on(nova: Compute) -> None:
    for minor, last in ((95, "SHUTOFF"), (94, "ACTIVE")):
        server = nova.active()
        assert nova.act(server, "evacuate", {}, user="admin", minor=minor).code == 200
        nova.rest()
        assert nova.status(server) == last


def test_a_locked_server_is_refused_to_users_and_not_to_administrators(nova: Compute) -> None:
    server = nova.active()
    nova.act(server, "lock", {"locked_reason": "mine"}, minor=73)
    shown = nova.show(server, minor=73)
    assert (shown["locked"], shown["locked_reason"]) == (True, "mine")
    assert "the server is locked" in nova.act(server, "os-stop").message
    assert nova.act(server, "os-stop", user="admin").code == 202
    nova.act(server, "unlock")
    shown = nova.show(server, minor=73)
    assert (shown["locked"], shown["locked_reason"]) == (False, None)


# Creation

WANTED = {"name": "web", "flavorRef": TINY, "imageRef": CIRROS}


def test_a_creation_tells_what_clients_need_and_not_more(compute: Compute) -> None:
    answer = compute.ask("POST", "/servers", {"server": WANTED})
    told = answer.json["server"]
    assert answer.code == 202
    assert set(told) == {"id", "links", "OS-DCF:diskConfig", "security_groups", "adminPass"}
    assert answer.headers["location"] == told["links"][0]["href"]
    assert told["links"][0]["href"] == f"http://localhost/compute/v2.1/servers/{told['id']}"
    given = compute.ask("POST", "/servers", {"server": {**WANTED, "adminPass": "secret"}})
    assert given.json["server"]["adminPass"] == "secret"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "server.name"),
        ({"name": "  "}, "server.name"),
        ({"name": "x" * 256}, "server.name"),
        ({"name": 7}, "server.name"),
        ({"flavorRef": ""}, "Flavor  could not be found"),
        ({"flavorRef": "nowhere"}, "Flavor nowhere could not be found"),
        ({"flavorRef": None}, "server.flavorRef"),
        ({"imageRef": 7}, "server.imageRef"),
        ({"imageRef": ""}, "imageRef"),
        ({"imageRef": TINY}, "Can not find requested image 1"),
        ({"metadata": {"a": 1}}, "server.metadata.a"),
        ({"metadata": {"a": "x" * 256}}, "server.metadata.a"),
        ({"metadata": {"": "x"}}, "server.metadata"),
        ({"metadata": "a=b"}, "server.metadata"),
        ({"metadata": {"ecs:fault": "resize:explode"}}, "explode"),
        ({"min_count": 0}, "server.min_count"),
        ({"min_count": 3, "max_count": 2}, "min_count must be <= max_count"),
        ({"networks": "auto"}, "2.37"),
        ({"networks": [{"uuid": "7"}]}, "server.networks"),
        ({"networks": [{}]}, "'uuid' or 'port' is required"),
        ({"networks": [{"uuid": CIRROS}]}, f"Network {CIRROS} could not be found"),
        ({"networks": [{"port": CIRROS}]}, f"Port {CIRROS} could not be found"),
        ({"block_device_mapping_v2": [{"source_type": "cloud"}]}, "block_device_mapping_v2"),
        ({"tags": ["a,b"]}, "server.tags"),
        ({"user_data": 7}, "server.user_data"),
    ],
)
def test_a_creation_that_does_not_read_is_refused_and_makes_nothing(
    nova: Compute, change: dict[str, object], said: str
) -> None:
    answer = nova.ask("POST", "/servers", {"server": {**WANTED, **change}})
    assert answer.code == 400, answer.text
    assert said in answer.message
    assert not nova.cloud.instances


@pytest.mark.parametrize("body", [None, [], 7, {}, {"server": None}, {"servers": WANTED}])
def test_a_body_that_is_no_creation_is_refused(nova: Compute, body: object) -> None:
    assert nova.ask("POST", "/servers", body).code == 400


def test_more_than_a_project_can_have_is_forbidden(nova: Compute) -> None:
    many = {"metadata": {str(number): "" for number in range(129)}}
    for change in (many, {"max_count": 1001}):
        assert nova.ask("POST", "/servers", {"server": {**WANTED, **change}}).code == 403
    assert not nova.cloud.instances


def test_networks_are_named_from_2_37_on(nova: Compute) -> None:
    def addresses(networks: object, minor: int) -> list[str]:
        body = {"server": {**WANTED, **({} if networks is None else {"networks": networks})}}
        answer = nova.ask("POST", "/servers", body, minor=minor)
        assert answer.code == 202, answer.text
        nova.rest()
        return list(nova.show(answer.json["server"]["id"])["addresses"])

    assert addresses(None, 36) == addresses([], 36) == addresses("auto", 37) == ["private"]
    assert addresses("none", 37) == []
    assert addresses([{"uuid": PUBLIC}, {"uuid": PRIVATE}], 37) == ["public", "private"]
    assert nova.ask("POST", "/servers", {"server": WANTED}, minor=37).code == 400


def test_a_server_has_no_address_before_networking_is_done(compute: Compute) -> None:
    server = compute.create()
    shown: list[tuple[str, bool]] = []
    while not shown or not shown[-1][0].startswith("ACTIVE"):
        if not shown or shown[-1][0] != compute.status(server):
            shown.append((compute.status(server), bool(compute.show(server)["addresses"])))
        compute.cloud.step(1)
        shown.append((compute.status(server), bool(compute.show(server)["addresses"])))
    without = [status for status, has in dict.fromkeys(shown) if not has]
    assert without == ["BUILD scheduling", "BUILD", "BUILD networking"]
    assert [status for status, has in dict.fromkeys(shown) if has] == [
        "BUILD block_device_mapping",
        "BUILD spawning",
        "ACTIVE",
    ]
    ((address,),) = compute.show(server)["addresses"].values()
    assert address["OS-EXT-IPS:type"] == "fixed"
    assert address["addr"].startswith("10.")


def test_networks_none_spares_nova_the_step(nova: Compute) -> None:
    server = nova.create(networks="none")
    states = []
    while nova.cloud.step(1):
        states.append(nova.status(server))
    assert "BUILD networking" not in states
    assert states[-1] == "ACTIVE"


def test_a_server_boots_from_a_volume_or_from_what_an_image_device_says(nova: Compute) -> None:
    image = {"boot_index": 0, "uuid": CIRROS, "source_type": "image"}
    volume = nova.active(
        imageRef="", block_device_mapping_v2=[{**image, "destination_type": "volume"}]
    )
    local = nova.active(block_device_mapping_v2=[{**image, "destination_type": "local"}])
    assert nova.show(volume)["image"] == ""
    assert len(nova.show(volume)["os-extended-volumes:volumes_attached"]) == 1
    assert nova.show(local)["image"]["id"] == CIRROS
    # An image of a server on a volume is made without a trace, a backup is refused.
    assert nova.act(volume, "createImage", {"name": "x"}).code == 202
    assert nova.status(volume) == "ACTIVE"
    backup = {"name": "x", "backup_type": "daily", "rotation": 1}
    assert nova.act(volume, "createBackup", backup).code == 409


def test_several_servers_are_numbered(nova: Compute) -> None:
    body = {"server": {**WANTED, "min_count": 2, "max_count": 3, "return_reservation_id": True}}
    answer = nova.ask("POST", "/servers", body)
    assert set(answer.json) == {"reservation_id"}
    assert sorted(nova.names("")) == ["web-1", "web-2", "web-3"]
    reservation = answer.json["reservation_id"]
    assert len(nova.names(f"reservation_id={reservation}")) == 3


# Shapes

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
VERSIONS = (1, 2, 3, 8, 9, 15, 16, 18, 19, 25, 26, 46, 47, 62, 63, 70, 71, 72, 73, 74, 75, 89, 90, 95, 96)  # fmt: skip


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
    told = compute.ask("PUT", f"/servers/{server}", named, minor=minor).json["server"]
    assert set(told) == changed
    rebuilt = compute.act(server, "rebuild", {"imageRef": CIRROS}, minor=minor).json["server"]
    extra = {"adminPass"} | since({54: {"key_name"}, 57: {"user_data"}}, minor)
    assert set(rebuilt) == changed | extra
    for shown, whole in ((told, minor >= 75), (listed, True)):
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


def test_links_are_those_of_the_path_that_was_asked(compute: Compute) -> None:
    server = compute.active()
    self_link, bookmark = compute.show(server)["links"]
    assert self_link == {
        "rel": "self",
        "href": f"http://localhost/compute/v2.1/servers/{server}",
    }
    assert bookmark["href"] == f"http://localhost/compute/servers/{server}"


def test_an_answer_tells_what_changed_although_no_time_passed(compute: Compute) -> None:
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


def test_a_change_is_ignored_below_the_version_that_brought_it(compute: Compute) -> None:
    server = compute.active()
    body = {"server": {"description": "d", "hostname": "h"}}
    assert compute.ask("PUT", f"/servers/{server}", body, minor=18).code == 200
    assert compute.show(server, minor=19)["description"] is None
    for wrong in ({"name": ""}, {"name": " "}, {"name": "x" * 256}, {"hostname": "-"}):
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


def test_a_server_of_somebody_else_is_not_found(compute: Compute) -> None:
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


# Lists


@pytest.fixture
def three(ecs: Compute) -> Compute:
    """Servers `a` that was stopped, `b1` that runs, `b2` in its creation."""
    ecs.active("a", imageRef=DEBIAN, tags=["x", "y"])
    ecs.active("b1", flavorRef=SMALL, tags=["x"], key_name="k")
    ecs.act(next(iter(ecs.cloud.instances)), "os-stop")
    ecs.rest()
    ecs.create("b2")
    return ecs


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["b2", "b1", "a"]),
        ("status=active", ["b1"]),
        ("status=SHUTOFF", ["a"]),
        ("status=SHUTOFF&status=BUILD", ["b2", "a"]),
        ("status=nonsense", []),
        ("name=b", ["b2", "b1"]),
        ("name=^b.$", ["b2", "b1"]),
        ("name=B1", ["b1"]),
        ("name=1|a", ["b1", "a"]),
        ("name=^$", []),
        (f"image={DEBIAN}", ["a"]),
        (f"flavor={SMALL}", ["b1"]),
        ("flavor=nowhere", []),
        ("key_name=k", ["b1"]),
        ("availability_zone=nova", ["b2", "b1", "a"]),
        ("ip=^10.0.0.3$", ["a"]),
        ("deleted=False", ["b2", "b1", "a"]),
        ("changes-since=2000-01-01T00:00:00Z", ["b2", "b1", "a"]),
        ("changes-since=2100-01-01T00:00:00Z", []),
        ("changes-before=2100-01-01T00:00:00", ["b2", "b1", "a"]),
        ("tags=x", ["b1", "a"]),
        ("tags=x,y", ["a"]),
        ("tags-any=y,z", ["a"]),
        ("not-tags=x,y", ["b2", "b1"]),
        ("not-tags-any=x", ["b2"]),
        ("sort_key=display_name&sort_dir=asc", ["a", "b1", "b2"]),
        ("sort_key=display_name", ["b2", "b1", "a"]),
        ("sort_dir=asc", ["a", "b1", "b2"]),
        ("sort_key=vm_state&sort_dir=asc&sort_key=display_name&sort_dir=desc", ["b1", "b2", "a"]),
        ("limit=0", []),
        ("limit=2", ["b2", "b1"]),
        ("limit=5000", ["b2", "b1", "a"]),
        ("unknown=1", ["b2", "b1", "a"]),
        ("vm_state=active", ["b2", "b1", "a"]),
    ],
)
def test_a_list_holds_what_the_query_asks_for(three: Compute, query: str, found: list[str]) -> None:
    assert three.names(query, minor=96) == found
    brief = three.ask("GET", f"/servers?{query}", minor=96).json["servers"]
    assert [server["name"] for server in brief] == found
    assert all(set(server) == {"id", "name", "links"} for server in brief)


def test_only_administrators_filter_by_vm_state_and_host(three: Compute) -> None:
    every = "all_tenants=1&"
    assert three.names(f"{every}vm_state=active", user="admin") == ["b1"]
    assert three.names(f"{every}host=compute-2", user="admin") == ["a"]
    assert three.names("host=compute-2") == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=text",
        "limit=1.5",
        "marker=unknown",
        "name=[",
        "name=(",
        "name=*",
        "name=(a%2B)%2B$",
        "name=(a|a)*b",
        "name=a?a?a?a?a?a?a?a?",
        f"name={'(a|a)' * 9}",
        f"name={'x' * 300}",
        "sort_key=nonsense",
        "sort_dir=up",
        "changes-since=yesterday",
        "deleted=perhaps",
    ],
)
def test_a_query_that_does_not_read_is_refused(three: Compute, query: str) -> None:
    user = "admin" if "deleted" in query else None
    for path in ("/servers", "/servers/detail"):
        answer = three.ask("GET", f"{path}?{query}", user=user)
        assert (answer.code, bool(answer.message)) == (400, True)


def test_a_pattern_is_tried_as_long_as_it_takes_little_work(nova: Compute) -> None:
    for number in range(3):
        nova.put(number).name = "a" * 250
    assert nova.ask("GET", "/servers?name=a.*b").code == 200
    answer = nova.ask("GET", "/servers?name=a.*a.*a.*b")
    assert "could take too long" in answer.message


def test_pages_follow_each_other_to_the_end(compute: Compute) -> None:
    for number in range(7):
        compute.put(number)
    for path in ("/servers", "/servers/detail"):
        next_page: str | None = f"{path}?limit=3&name=s[1-6]"
        pages = []
        while next_page:
            answer = compute.ask("GET", next_page).json
            pages.append([server["name"] for server in answer["servers"]])
            (link,) = answer.get("servers_links", [None])
            next_page = link and link["href"].removeprefix("http://localhost/compute/v2.1")
        assert pages == [["s6", "s5", "s4"], ["s3", "s2", "s1"]]


def test_a_page_has_at_most_a_thousand_servers(ecs: Compute) -> None:
    for number in range(1003):
        ecs.put(number)
    answer = ecs.ask("GET", "/servers").json
    assert len(answer["servers"]) == 1000
    assert "marker=" in answer["servers_links"][0]["href"]


def test_servers_that_are_gone_are_shown_to_who_asks_for_them(compute: Compute) -> None:
    gone = compute.active("old")
    compute.active("new")
    compute.ask("DELETE", f"/servers/{gone}")
    compute.rest()
    every = "all_tenants=1&"
    assert compute.names("") == ["new"]
    assert compute.names("deleted=True") == ["new"]
    assert compute.names(f"{every}deleted=True", user="admin") == ["old"]
    assert compute.names(f"{every}status=deleted", user="admin") == ["old"]
    assert compute.ask("GET", "/servers?status=DELETED").code == 403
    assert sorted(compute.names("changes-since=2000-01-01T00:00:00Z")) == ["new", "old"]
    (shown,) = compute.ask("GET", f"/servers/detail?{every}deleted=True", user="admin").json[
        "servers"
    ]
    assert (shown["status"], bool(shown["OS-SRV-USG:terminated_at"])) == ("DELETED", True)


# What hangs on a server


def test_metadata_is_set_replaced_and_removed(compute: Compute) -> None:
    server = compute.active(metadata={"a": "1"})
    path = f"/servers/{server}/metadata"

    def ask(method: str, more: str = "", body: object = None) -> Any:
        answer = compute.ask(method, path + more, body)
        assert answer.code < 300, answer.text
        return answer.json if answer.text else answer.code

    assert ask("GET") == {"metadata": {"a": "1"}}
    assert ask("POST", "", {"metadata": {"b": "2"}}) == {"metadata": {"a": "1", "b": "2"}}
    assert ask("PUT", "", {"metadata": {"c": "3"}}) == {"metadata": {"c": "3"}}
    assert ask("PUT", "/c", {"meta": {"c": "4"}}) == {"meta": {"c": "4"}}
    assert ask("GET", "/c") == {"meta": {"c": "4"}}
    assert ask("DELETE", "/c") == 204
    for method, body in (("GET", None), ("DELETE", None)):
        assert compute.ask(method, f"{path}/c", body).message == "Metadata item was not found"
    bad: tuple[object, ...] = ({"meta": {"d": "1"}}, {"meta": {}}, {"meta": {"c": 1}}, {})
    for wrong in bad:
        assert compute.ask("PUT", f"{path}/c", wrong).code == 400
    many = {"metadata": {str(number): "" for number in range(129)}}
    assert compute.ask("POST", path, many).code == 403
    assert ask("GET") == {"metadata": {}}


def test_nova_refuses_metadata_where_its_lifecycle_does(nova: Compute) -> None:
    server = nova.create(metadata={"a": "1"})
    path = f"/servers/{server}/metadata"
    assert nova.ask("POST", path, {"metadata": {"b": "2"}}).code == 409
    assert nova.ask("DELETE", f"{path}/a").code == 409
    assert nova.ask("GET", path).json == {"metadata": {"a": "1"}}


def test_tags_are_there_from_2_26_on(compute: Compute) -> None:
    server = compute.active()
    path = f"/servers/{server}/tags"
    assert compute.ask("GET", path, minor=25).code == 404

    def code(method: str, more: str = "", body: object = None) -> int:
        return compute.ask(method, path + more, body, minor=26).code

    assert code("PUT", "", {"tags": ["a", "b", "a"]}) == 200
    assert compute.ask("GET", path, minor=26).json == {"tags": ["a", "b"]}
    assert (code("PUT", "/c"), code("PUT", "/c"), code("GET", "/c")) == (201, 204, 204)
    assert (code("DELETE", "/a"), code("DELETE", "/a"), code("GET", "/a")) == (204, 404, 404)
    assert code("PUT", f"/{'x' * 61}") == 400
    assert code("PUT", "", {"tags": [str(number) for number in range(51)]}) == 400
    assert code("DELETE") == 204
    assert compute.show(server, minor=26)["tags"] == []


def test_addresses_and_ports_are_the_same_everywhere(nova: Compute) -> None:
    server = nova.active()
    ips = nova.ask("GET", f"/servers/{server}/ips").json["addresses"]
    (shown,) = nova.show(server)["addresses"]["private"]
    assert ips == {"private": [{"version": 4, "addr": shown["addr"]}]}
    assert nova.ask("GET", f"/servers/{server}/ips/private").json == ips
    assert nova.ask("GET", f"/servers/{server}/ips/public").code == 404
    path = f"/servers/{server}/os-interface"
    (port,) = nova.ask("GET", path).json["interfaceAttachments"]
    assert port["mac_addr"] == shown["OS-EXT-IPS-MAC:mac_addr"]
    assert port["fixed_ips"][0]["ip_address"] == shown["addr"]
    added = nova.ask("POST", path, {"interfaceAttachment": {"net_id": PUBLIC}})
    assert added.json["interfaceAttachment"]["net_id"] == PUBLIC
    assert list(nova.show(server)["addresses"]) == ["private", "public"]
    for wrong in ({"net_id": PUBLIC}, {"net_id": CIRROS}, {"port_id": CIRROS}):
        assert nova.ask("POST", path, {"interfaceAttachment": wrong}).code == 400
    assert nova.ask("DELETE", f"{path}/{port['port_id']}").code == 202
    assert nova.ask("GET", f"{path}/{port['port_id']}").code == 404
    assert list(nova.show(server)["addresses"]) == ["public"]
    nova.act(server, "suspend")
    assert nova.ask("POST", path, {"interfaceAttachment": {"net_id": PRIVATE}}).code == 409


def test_volumes_are_attached_swapped_and_detached(compute: Compute) -> None:
    server = compute.active()
    path = f"/servers/{server}/os-volume_attachments"
    body = {"volumeAttachment": {"volumeId": CIRROS}}
    assert compute.ask("POST", path, body).json["volumeAttachment"]["device"] == "/dev/vdb"
    assert compute.ask("POST", path, body).code == 400
    assert compute.show(server)["os-extended-volumes:volumes_attached"] == [{"id": CIRROS}]
    other = {"volumeAttachment": {"volumeId": DEBIAN}}
    assert compute.ask("PUT", f"{path}/{CIRROS}", other).code == 403
    assert compute.ask("PUT", f"{path}/{CIRROS}", other, user="admin").code == 202
    (shown,) = compute.ask("GET", path, minor=89).json["volumeAttachments"]
    assert (shown["volumeId"], shown["bdm_uuid"]) == (DEBIAN, DEBIAN)
    assert compute.ask("GET", f"{path}/{DEBIAN}").json["volumeAttachment"]["id"] == DEBIAN
    assert compute.ask("DELETE", f"{path}/{CIRROS}").code == 404
    assert compute.ask("DELETE", f"{path}/{DEBIAN}").code == 202
    assert compute.ask("GET", path).json == {"volumeAttachments": []}


def test_security_groups_are_added_and_removed(compute: Compute) -> None:
    server = compute.active()
    compute.act(server, "addSecurityGroup", {"name": "web"})
    assert compute.show(server)["security_groups"] == [{"name": "default"}, {"name": "web"}]
    groups = compute.ask("GET", f"/servers/{server}/os-security-groups").json["security_groups"]
    assert [group["name"] for group in groups] == ["default", "web"]
    compute.act(server, "removeSecurityGroup", {"name": "default"})
    assert compute.show(server)["security_groups"] == [{"name": "web"}]
    assert compute.act(server, "removeSecurityGroup", {"name": "default"}).code == 404


def test_small_reports_are_there(compute: Compute) -> None:
    server = compute.active()
    path = f"/servers/{server}"
    assert compute.ask("GET", f"{path}/diagnostics").code == 403
    assert "memory" in compute.ask("GET", f"{path}/diagnostics", user="admin").json
    assert compute.ask("GET", f"{path}/diagnostics", user="admin", minor=48).json["num_cpus"] == 1
    assert compute.ask("GET", f"{path}/os-server-password").json == {"password": ""}
    assert compute.ask("DELETE", f"{path}/os-server-password").code == 204
    lines = compute.act(server, "os-getConsoleOutput", {}).json["output"].splitlines()
    assert lines[0].endswith("building/scheduling")
    assert lines[-1].endswith("active/-")
    last = compute.act(server, "os-getConsoleOutput", {"length": 1}).json["output"]
    assert last.splitlines() == lines[-1:]


def test_an_image_is_told_by_its_place_or_its_id(nova: Compute) -> None:
    server = nova.active()
    first = nova.act(server, "createImage", {"name": "x"}, minor=44)
    assert (first.code, first.text) == (202, "")
    assert first.headers["location"].startswith("http://localhost/image/v2/images/")
    nova.rest()
    assert set(nova.act(server, "createImage", {"name": "x"}, minor=45).json) == {"image_id"}


# What was asked


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
    told = [(action["action"], action["message"]) for action in actions]
    assert told == [("reboot", "Error"), ("start", None), ("stop", None), ("create", None)]
    found = stopped.headers["x-compute-request-id"]
    assert actions[2]["request_id"] == found
    action = compute.ask("GET", f"{path}/{found}", minor=51).json["instanceAction"]
    (event,) = action["events"]
    assert (event["event"], event["result"]) == ("compute_powering-off", "Success")
    assert event["start_time"] == action["start_time"] < event["finish_time"]
    failed = compute.ask("GET", f"{path}/{actions[0]['request_id']}", minor=84).json
    assert [event["result"] for event in failed["instanceAction"]["events"]] == [
        "Success",
        "Success",
        "Error",
    ]
    assert "reboot_started" in failed["instanceAction"]["events"][-1]["details"]
    assert "events" not in compute.ask("GET", f"{path}/{found}").json["instanceAction"]
    assert compute.ask("GET", f"{path}/req-nothing").code == 404


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
