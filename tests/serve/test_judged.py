"""What clients other than those of the tests showed: images of servers, hosts, consoles, shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compute import CIRROS, LONG, SMALL
from tests.nova_cloud import API, GLANCE, NovaCloud


@pytest.fixture
def judged() -> NovaCloud:
    return NovaCloud()


def test_an_image_of_a_server_is_queued_then_saved_then_there(judged: NovaCloud) -> None:
    server = judged.active()
    image = judged.snapshot(server)
    seen: list[str] = []
    while not seen or seen[-1] != "active":
        seen.append(judged.get(f"{GLANCE}/{image}")["status"])
        judged.cloud.step(1)
    assert list(dict.fromkeys(seen)) == ["queued", "saving", "active"]
    shown = judged.get(f"{GLANCE}?name=snap")["images"]
    assert [(one["id"], one["instance_uuid"], one["visibility"]) for one in shown] == [
        (image, server, "private")
    ]
    assert judged.ask("GET", f"{GLANCE}/{image}", user="other").status_code == 404


def test_a_server_starts_from_an_image_once_it_is_there(judged: NovaCloud) -> None:
    server = judged.active()
    image = judged.snapshot(server)
    assert judged.create(imageRef=image).status_code == 400
    judged.cloud.advance(LONG)
    assert judged.create(imageRef=image).status_code == 202
    assert judged.act(server, "rebuild", {"imageRef": image}).status_code == 202
    assert judged.ask("DELETE", f"{GLANCE}/{image}").status_code == 204
    assert judged.create(imageRef=image).status_code == 400


def test_an_image_whose_making_went_wrong_is_gone(judged: NovaCloud) -> None:
    server = judged.active()
    judged.cloud.orders.add("create_image:roll_back@image_uploading")
    image = judged.snapshot(server)
    judged.cloud.advance(LONG)
    assert judged.ask("GET", f"{GLANCE}/{image}").status_code == 404


def test_what_failed_just_before_does_not_spoil_an_image_without_steps(judged: NovaCloud) -> None:
    disk = {"boot_index": 0, "uuid": CIRROS, "source_type": "image", "destination_type": "volume"}
    server = judged.active(imageRef="", block_device_mapping_v2=[{**disk, "volume_size": 1}])
    judged.cloud.orders.add("live_migrate:roll_back@migrating")
    wanted = {"host": None, "block_migration": "auto"}
    assert judged.act(server, "os-migrateLive", wanted, minor=30, user="admin").status_code == 202
    judged.cloud.step(1)
    trouble = judged.cloud.instances[server].fault
    assert trouble is not None
    assert trouble.at == judged.cloud.now
    image = judged.snapshot(server)
    assert judged.get(f"{GLANCE}/{image}")["status"] == "active"


def test_a_backup_takes_the_place_of_the_oldest_of_its_kind(judged: NovaCloud) -> None:
    server = judged.active()
    for name in ("one", "two", "three"):
        body = {"name": name, "backup_type": "daily", "rotation": 2}
        assert judged.act(server, "createBackup", body).status_code == 202
        judged.cloud.advance(LONG)
    listed = judged.get(f"{GLANCE}?image_type=backup")["images"]
    assert [image["name"] for image in listed] == ["two", "three"]


def test_images_outlive_the_process_and_are_finished_after_it(tmp_path: Path) -> None:
    before = NovaCloud(tmp_path / "state")
    server = before.active()
    gone = before.snapshot(server)
    before.cloud.advance(LONG)
    assert before.ask("DELETE", f"{GLANCE}/{gone}").status_code == 204
    image = before.snapshot(server)
    before.cloud.close()
    after = NovaCloud(tmp_path / "state")
    assert after.ask("GET", f"{GLANCE}/{gone}", user="admin").status_code == 404
    assert after.get(f"{GLANCE}/{image}", user="admin")["status"] == "queued"
    after.cloud.advance(LONG)
    assert after.get(f"{GLANCE}/{image}", user="admin")["status"] == "active"
    after.cloud.close()


def test_an_image_that_is_brought_is_there_with_its_file(judged: NovaCloud) -> None:
    made = judged.ask("POST", GLANCE, {"name": "own", "disk_format": "raw", "os": "plan9"})
    assert (made.status_code, made.json()["status"], made.json()["os"]) == (201, "queued", "plan9")
    image = f"{GLANCE}/{made.json()['id']}"
    assert judged.ask("PUT", f"{image}/file", content=b"****").status_code == 204
    assert (judged.get(image)["status"], judged.get(image)["size"]) == ("active", 4)
    change = [{"op": "replace", "path": "/name", "value": "renamed"}]
    assert judged.ask("PATCH", image, change).json()["name"] == "renamed"
    assert judged.ask("DELETE", f"{GLANCE}/{CIRROS}").status_code == 403


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        *[("min_disk", 5, 200), ("min_disk", -5, 400), ("min_disk", True, 400)],
        *[("name", "x" * 256, 400), ("tags", ["a", "b"], 200), ("tags", ["x" * 256], 400)],
        *[("visibility", "private", 200), ("visibility", "mine", 400), ("visibility", "public", 403)],
        *[("os", "plan10", 200), ("os", 9, 400), ("size", 9, 403), ("disk_format", "raw", 403)],
    ],
)  # fmt: skip
def test_a_part_of_an_image_becomes_only_what_a_new_image_may_have(
    judged: NovaCloud, path: str, value: object, code: int
) -> None:
    made = judged.ask("POST", GLANCE, {"name": "own", "os": "plan9"}).json()
    change = [{"op": "replace", "path": f"/{path}", "value": value}]
    assert judged.ask("PATCH", f"{GLANCE}/{made['id']}", change).status_code == code
    kept = judged.get(f"{GLANCE}/{made['id']}")
    assert kept[path] == (value if code == 200 else made[path])


def test_the_old_proxy_shows_changes_and_takes_away_images_of_servers(judged: NovaCloud) -> None:
    server = judged.active()
    image = judged.snapshot(server)
    old = f"{API}/images/{image}"
    assert judged.get(old)["image"]["status"] == "SAVING"
    judged.cloud.advance(LONG)
    assert judged.get(old)["image"]["server"]["id"] == server
    assert judged.get(f"{API}/images?server={server}")["images"][0]["id"] == image
    meta = {"metadata": {"os": "plan9"}}
    assert judged.ask("PUT", f"{old}/metadata", meta).json() == meta
    assert judged.get(f"{old}/metadata/os") == {"meta": {"os": "plan9"}}
    assert judged.ask("DELETE", f"{old}/metadata/os").status_code == 204
    assert judged.ask("DELETE", old).status_code == 204
    assert judged.ask("GET", old).status_code == 404


def test_the_hosts_of_servers_are_those_that_are_listed(judged: NovaCloud) -> None:
    servers = [judged.active(name=f"web-{n}") for n in range(4)]
    shown = [judged.get(f"{API}/servers/{s}", user="admin")["server"] for s in servers]
    on = {server["id"]: server["OS-EXT-SRV-ATTR:host"] for server in shown}
    hypervisors = judged.get(f"{API}/os-hypervisors?with_servers=true", 53, "admin")["hypervisors"]
    names = [h["hypervisor_hostname"] for h in hypervisors]
    assert names == ["compute-1", "compute-2", "compute-3"]
    assert on == {
        server["uuid"]: h["hypervisor_hostname"] for h in hypervisors for server in h["servers"]
    }
    services = judged.get(f"{API}/os-services?binary=nova-compute", 96, "admin")["services"]
    assert [service["host"] for service in services] == names
    zones = judged.get(f"{API}/os-availability-zone/detail", user="admin")["availabilityZoneInfo"]
    assert [*zones[1]["hosts"]] == names
    details = judged.get(f"{API}/os-hypervisors/detail", 87, "admin")["hypervisors"]
    assert [h["running_vms"] for h in details] == [list(on.values()).count(name) for name in names]
    assert judged.ask("GET", f"{API}/os-hosts").status_code == 403


@pytest.mark.parametrize(
    ("key", "argument"),
    [
        ("os-migrateLive", {"host": "compute-3", "block_migration": "auto"}),
        ("evacuate", {"host": "compute-3"}),
    ],
)
def test_a_server_goes_to_the_host_that_was_named(
    judged: NovaCloud, key: str, argument: dict[str, object]
) -> None:
    judged.active()
    judged.active()
    server = judged.active()
    if key == "evacuate":
        judged.cloud.force_down(judged.cloud.instances[server].host, down=True)
    answer = judged.act(server, key, argument, minor=90, user="admin")
    assert answer.status_code in (200, 202), answer.text
    judged.cloud.advance(LONG)
    shown = judged.get(f"{API}/servers/{server}", user="admin")["server"]
    assert shown["OS-EXT-SRV-ATTR:host"] == "compute-3"


def test_a_migration_that_is_forced_ends_at_once(judged: NovaCloud) -> None:
    server = judged.active()
    argument = {"host": None, "block_migration": "auto"}
    assert judged.act(server, "os-migrateLive", argument, minor=30, user="admin").is_success
    path = f"{API}/servers/{server}/migrations"
    number = judged.get(path, 80, "admin")["migrations"][0]["id"]
    forced = judged.ask("POST", f"{path}/{number}/action", {"force_complete": None}, 80, "admin")
    assert forced.status_code == 202
    judged.cloud.advance(0)
    assert judged.get(f"{API}/servers/{server}")["server"]["status"] == "ACTIVE"


def test_a_console_has_a_url_by_both_ways_of_asking(judged: NovaCloud) -> None:
    server = judged.active()
    old = judged.act(server, "os-getVNCConsole", {"type": "novnc"})
    assert old.json()["console"]["url"].startswith("http://localhost/")
    assert judged.act(server, "os-getVNCConsole", {"type": "novnc"}, minor=6).status_code == 404
    body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    new = judged.ask("POST", f"{API}/servers/{server}/remote-consoles", body, 96)
    assert {**new.json()["remote_console"], "url": ""} == {**body["remote_console"], "url": ""}


def test_an_address_that_is_none_is_refused_and_others_are_shown_in_short(
    judged: NovaCloud,
) -> None:
    assert judged.create(accessIPv4="1.1.1.1.1").status_code == 400
    assert judged.create(accessIPv6="notvalid").status_code == 400
    server = judged.active(accessIPv6="0000:0000::babe")
    assert judged.get(f"{API}/servers/{server}")["server"]["accessIPv6"] == "::babe"


def test_a_resize_sets_how_the_disk_is_divided(judged: NovaCloud) -> None:
    server = judged.active()
    judged.act(server, "resize", {"flavorRef": SMALL, "OS-DCF:diskConfig": "AUTO"})
    judged.cloud.advance(LONG)
    assert judged.get(f"{API}/servers/{server}")["server"]["OS-DCF:diskConfig"] == "AUTO"


def test_what_is_said_of_an_image_goes_before_what_the_cloud_says(judged: NovaCloud) -> None:
    server = judged.active()
    argument = {"name": "snap", "metadata": {"image_type": "test"}}
    assert judged.act(server, "createImage", argument).status_code == 202
    assert judged.get(f"{GLANCE}?name=snap")["images"][0]["image_type"] == "test"


def test_a_shelved_server_may_come_back_to_its_host(judged: NovaCloud) -> None:
    server = judged.active()
    path = f"{API}/servers/{server}"
    host = judged.get(path, user="admin")["server"]["OS-EXT-SRV-ATTR:host"]
    judged.act(server, "shelve")
    judged.cloud.advance(LONG)
    back = judged.act(server, "unshelve", {"host": host}, minor=91, user="admin")
    assert back.status_code == 202, back.text
    judged.cloud.advance(LONG)
    assert judged.get(path, user="admin")["server"]["OS-EXT-SRV-ATTR:host"] == host


def test_the_answer_to_a_rebuild_has_the_user_data_once(judged: NovaCloud) -> None:
    server = judged.active()
    rebuilt = judged.act(server, "rebuild", {"imageRef": CIRROS}, minor=75, user="admin").json()
    assert {key for key in rebuilt["server"] if "user_data" in key} == {"user_data"}


def test_a_keypair_has_a_name_of_plain_letters(judged: NovaCloud) -> None:
    body = {"keypair": {"name": "key/", "public_key": "ssh-rsa AAAA"}}
    assert judged.ask("POST", f"{API}/os-keypairs", body).status_code == 400


def test_every_request_for_an_unknown_server_is_answered_with_404() -> None:
    judged = NovaCloud(lifecycle="ecs")
    assert judged.act("nowhere", "forceDelete").status_code == 404
    assert judged.act(judged.active(), "forceDelete").status_code == 400


def test_slashes_that_stand_together_are_one(judged: NovaCloud) -> None:
    assert judged.get(f"{API}//limits") == judged.get(f"{API}/limits")
    control = judged.edge.get("http://localhost//_ecs/faults", host="elsewhere.example")
    assert control.status_code == 403


@pytest.mark.parametrize(("text", "code"), [('[{"op": "replace", %s}]', 200), ("[{%s", 400)])
def test_an_image_changes_by_the_content_type_of_its_service(
    judged: NovaCloud, text: str, code: int
) -> None:
    image = judged.snapshot(judged.active())
    answer = judged.edge.ask(
        "PATCH",
        f"{GLANCE}/{image}",
        content=text % '"path": "/name", "value": "renamed"',
        headers={
            "X-Auth-Token": judged.tokens["demo"],
            "Content-Type": "application/openstack-images-v2.1-json-patch",
        },
    )
    assert answer.status_code == code, answer.text
    renamed = judged.get(f"{GLANCE}/{image}")["name"] == "renamed"
    assert renamed == (code == 200)


def test_what_exists_from_the_start_belongs_to_a_project(judged: NovaCloud) -> None:
    image = judged.get(f"{GLANCE}/{CIRROS}")
    (network, *_) = judged.get("/network/v2.0/networks")["networks"]
    assert image["owner"] == network["project_id"]
    assert judged.get(f"{GLANCE}?owner={image['owner']}")["images"] != []
    assert judged.ask("DELETE", f"{GLANCE}/{CIRROS}", user="admin").status_code == 403
