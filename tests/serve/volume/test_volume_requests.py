"""Requests to the volume service: actions, and what hangs on volumes, with Cinder's refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compute import CIRROS
from tests.nova_cloud import API, NovaCloud
from tests.serve.volume.storage import Storage

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def storage() -> Storage:
    return Storage()


def free(storage: Storage, **fields: object) -> str:
    volume = storage.volume(**fields)
    storage.rest()
    assert storage.status(volume) == "available"
    return volume


def in_use(storage: Storage, **fields: object) -> tuple[str, str]:
    volume, server = free(storage, **fields), storage.active()
    assert storage.attach(server, volume).status_code == 200
    storage.rest()
    return volume, server


def test_volumes_are_made_of_snapshots_backups_and_other_volumes(storage: Storage) -> None:
    first = free(storage, size=3, name="first")
    assert storage.act_on(first, "os-set_bootable", {"bootable": True}).status_code == 200
    snapshot = storage.made("snapshot", 202, volume_id=first, name="s", metadata={"a": "b"})
    assert storage.made("snapshot", 202, volume_id=first, metadata=None)["metadata"] == {}
    backup = storage.made("backup", 202, volume_id=first, name="b", container="c")
    project = storage.shown("volume", first)["os-vol-tenant-attr:tenant_id"]
    assert (snapshot["size"], snapshot["volume_id"], snapshot["metadata"]) == (3, first, {"a": "b"})
    assert (backup["size"], backup["volume_id"], backup["container"]) == (3, first, "c")
    assert backup["links"][0]["href"].endswith(f"/v3/{project}/backups/{backup['id']}")
    for source, boots in (
        ({"snapshot_id": snapshot["id"]}, "false"),
        ({"source_volid": first}, "true"),
        ({"backup_id": backup["id"]}, "false"),
    ):
        made = storage.made("volume", 202, **source)
        assert (made["size"], made["bootable"]) == (3, boots)
        assert {name: made.get(name) for name in source if name != "backup_id"} == {
            name: value for name, value in source.items() if name != "backup_id"
        }
        larger = storage.made("volume", 202, size=4, **source)
        assert larger["size"] == 4
        less = storage.volumes("POST", "volumes", {"volume": {"size": 2, **source}})
        assert (less.status_code, "cannot be smaller than the source size 3GB" in less.text) == (
            400,
            True,
        )


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({}, 400, "must be an integer and greater than 0"),
        ({"size": "x"}, 400, "must be an integer and greater than 0"),
        ({"size": "0"}, 400, "must be an integer and greater than 0"),
        ({"size": "2147483648"}, 400, "must be an integer and greater than 0"),
        ({"size": 0}, 400, "size"),
        ({"size": 1, "multiattach": True}, 400, "multiattach parameter has been removed"),
        ({"size": 1, "volume_type": "gold"}, 404, "Volume type with name gold"),
        ({"size": 1, "availability_zone": "mars"}, 400, "Availability zone 'mars' is invalid"),
        ({"size": 1, "imageRef": NOWHERE}, 400, "Invalid image identifier"),
        ({"size": 1, "snapshot_id": NOWHERE}, 404, NOWHERE),
    ],
)
def test_a_volume_that_cannot_be_is_refused_and_not_made(
    storage: Storage, fields: dict[str, object], code: int, said: str
) -> None:
    refused = storage.volumes("POST", "volumes", {"volume": fields})
    assert (refused.status_code, said in refused.text) == (code, True), refused.text
    assert storage.volumes("GET", "volumes").json() == {"volumes": []}


def test_a_volume_of_an_image_has_its_metadata_and_room_for_it(storage: Storage) -> None:
    volume = free(storage, imageRef=CIRROS)
    assert storage.act_on(volume, "os-extend", {"new_size": 2}).status_code == 202
    storage.rest()
    meta = storage.shown("volume", volume)["volume_image_metadata"]
    assert (meta["image_id"], storage.shown("volume", volume)["bootable"]) == (CIRROS, "true")
    body = {"metadata": {"os": "linux"}}
    assert storage.act_on(volume, "os-set_image_metadata", body).json() == body
    more = {"metadata": {"arch": "arm"}}
    both = {"os": "linux", "arch": "arm"}
    assert storage.act_on(volume, "os-set_image_metadata", more).json() == {"metadata": both}
    assert storage.shown("volume", volume)["volume_image_metadata"] == meta | both
    assert storage.act_on(volume, "os-unset_image_metadata", {"key": "os"}).status_code == 200
    assert storage.act_on(volume, "os-unset_image_metadata", {"key": "os"}).status_code == 404
    assert storage.shown("volume", volume)["volume_image_metadata"] == meta | {"arch": "arm"}
    image = storage.act_on(volume, "os-volume_upload_image", {"image_name": "i"}).json()
    made = image["os-volume_upload_image"]
    assert (made["size"], made["disk_format"], made["container_format"]) == (2, "raw", "bare")
    shown = storage.get(f"/image/v2/images/{made['image_id']}")
    assert (shown["min_disk"], shown["size"]) == (2, 2 << 30)
    storage.rest()
    small = {"volume": {"size": 1, "imageRef": made["image_id"]}}
    refused = storage.volumes("POST", "volumes", small)
    assert "cannot be smaller than the image minDisk size 2GB" in refused.text


def test_a_volume_in_use_is_backed_up_and_uploaded_by_force(storage: Storage) -> None:
    volume, _ = in_use(storage)
    for kind in ("snapshot", "backup"):
        body: dict[str, dict[str, object]] = {kind: {"volume_id": volume}}
        assert storage.volumes("POST", f"{kind}s", body).status_code == 400
        body[kind]["force"] = "true"
        assert storage.volumes("POST", f"{kind}s", body).status_code == 202
    assert storage.act_on(volume, "os-volume_upload_image", {"image_name": "i"}).status_code == 400
    forced = {"image_name": "i", "force": True}
    assert storage.act_on(volume, "os-volume_upload_image", forced).status_code == 202


def test_a_volume_with_snapshots_is_deleted_with_them_or_not_at_all(storage: Storage) -> None:
    volume = free(storage)
    snapshot = storage.made("snapshot", 202, volume_id=volume)["id"]
    assert storage.volumes("DELETE", f"volumes/{volume}").status_code == 400
    assert storage.volumes("DELETE", f"volumes/{volume}?cascade=true").status_code == 202
    assert storage.volumes("GET", f"snapshots/{snapshot}").status_code == 404
    storage.rest()
    assert storage.volumes("GET", f"volumes/{volume}").status_code == 404


def test_a_server_that_is_stored_in_its_first_step_has_its_volume(tmp_path: Path) -> None:
    cloud = NovaCloud(tmp_path / "cloud.db")
    disk = {"boot_index": 0, "uuid": CIRROS, "source_type": "image", "volume_size": 2}
    disks = [{**disk, "destination_type": "volume"}]
    server = cloud.create(imageRef="", block_device_mapping_v2=disks).json()["server"]["id"]
    for _ in range(2):
        attached = cloud.get(f"{API}/servers/{server}/os-volume_attachments")
        assert [row["device"] for row in attached["volumeAttachments"]] == ["/dev/vda"]
        cloud.edge.state.snapshots.take("now")
        cloud.edge.state.snapshots.restore("now")


def test_snapshots_have_actions_for_administrators(storage: Storage) -> None:
    volume = free(storage)
    snapshot = storage.made("snapshot", 202, volume_id=volume)["id"]
    path = f"snapshots/{snapshot}/action"
    reset: dict[str, object] = {"os-reset_status": {"status": "error"}}
    force: dict[str, object] = {"os-force_delete": {}}
    for body in (reset, force):
        assert storage.volumes("POST", path, body).status_code == 403
    assert storage.volumes("POST", path, {**reset, **force}, user="admin").status_code == 400
    assert storage.volumes("POST", path, reset, user="admin").status_code == 202
    assert storage.shown("snapshot", snapshot)["status"] == "error"
    reset["os-reset_status"] = {"status": "x" * 50}
    assert storage.volumes("POST", path, reset, user="admin").status_code == 202
    assert storage.shown("snapshot", snapshot)["status"] == "x" * 40
    assert storage.volumes("POST", path, {"os-burn": {}}, user="admin").status_code == 400
    assert storage.volumes("POST", path, {"os-force_delete": {}}, user="admin").status_code == 202
    assert storage.volumes("GET", f"snapshots/{snapshot}").status_code == 404


def test_an_action_attaches_and_detaches_a_volume(storage: Storage) -> None:
    volume, server = free(storage), storage.active()
    unknown = storage.act_on(volume, "os-attach", {"instance_uuid": NOWHERE})
    assert (unknown.status_code, NOWHERE in unknown.text) == (400, True)
    wanted = {"instance_uuid": server, "mountpoint": "/dev/vdx"}
    assert storage.act_on(volume, "os-attach", wanted).status_code == 202
    storage.rest()
    (attached,) = storage.shown("volume", volume)["attachments"]
    assert (attached["server_id"], attached["device"]) == (server, "/dev/vdx")
    assert [row["volumeId"] for row in attachments(storage, server)] == [volume]
    again = storage.act_on(volume, "os-attach", wanted)
    assert (again.status_code, "current status is in-use" in again.text) == (400, True)
    assert storage.act_on(volume, "os-detach").status_code == 202
    storage.rest()
    assert (storage.status(volume), attachments(storage, server)) == ("available", [])
    assert storage.act_on(volume, "os-detach").status_code == 400


def test_a_volume_shows_its_server_from_the_attachment_until_it_is_detached(
    storage: Storage,
) -> None:
    volume, server = free(storage), storage.active()

    def shown() -> tuple[str, list[str]]:
        found = storage.shown("volume", volume)
        return found["status"], [row["server_id"] for row in found["attachments"]]

    storage.attach(server, volume)
    assert shown() == ("attaching", [])
    storage.rest()
    assert shown() == ("in-use", [server])
    path = f"{API}/servers/{server}/os-volume_attachments/{volume}"
    assert storage.ask("DELETE", path).status_code == 202
    assert shown() == ("detaching", [server])
    storage.rest()
    assert shown() == ("available", [])


def attachments(storage: Storage, server: str) -> list[dict[str, object]]:
    path = f"{API}/servers/{server}/os-volume_attachments"
    found: list[dict[str, object]] = storage.get(path)["volumeAttachments"]
    return found


@pytest.mark.parametrize(
    ("action", "argument", "code"),
    [
        ("os-extend", {"new_size": "x"}, 400),
        ("os-extend", {"new_size": 0}, 400),
        ("os-extend", {"new_size": 2**31}, 400),
        ("os-extend", {"new_size": 2**31 - 1}, 202),
        ("os-retype", {"new_type": "gold"}, 404),
        ("os-retype", {"new_type": "__DEFAULT__"}, 202),
        ("os-volume_upload_image", {"image_name": ""}, 400),
        ("os-volume_upload_image", {"image_name": "x" * 255}, 202),
        ("os-volume_upload_image", {"image_name": "x" * 256}, 400),
        ("os-set_bootable", {}, 400),
        ("os-unset_image_metadata", {"key": "os"}, 404),
        ("os-reserve", {}, 202),
        ("os-unreserve", {}, 400),
        ("os-begin_detaching", {}, 202),
        ("os-update_readonly_flag", {}, 202),
        ("os-force_delete", {}, 403),
        ("os-force_detach", {}, 403),
    ],
)
def test_an_action_has_the_status_that_cinder_answers(
    storage: Storage, action: str, argument: object, code: int
) -> None:
    assert storage.act_on(free(storage), action, argument).status_code == code


def test_a_reset_frees_a_volume_of_its_server_and_knows_its_statuses(storage: Storage) -> None:
    volume, server = in_use(storage)
    wrong = storage.act_on(volume, "os-reset_status", {"status": "x"}, user="admin")
    assert (wrong.status_code, "known" not in wrong.text, "error" in wrong.text) == (
        400,
        True,
        True,
    )
    assert storage.act_on(volume, "os-reset_status", {"attach_status": "detached"}, user="admin")
    assert (storage.status(volume), len(attachments(storage, server))) == ("in-use", 1)
    reset = storage.act_on(volume, "os-reset_status", {"status": "available"}, user="admin")
    assert reset.status_code == 202
    assert (storage.status(volume), attachments(storage, server)) == ("available", [])


def test_types_of_volumes_are_made_used_and_kept_while_they_are(storage: Storage) -> None:
    given = {"volume_type": {"name": "gold", "extra_specs": {"iops": "9"}}}
    assert storage.volumes("POST", "types", given).status_code == 403
    made = storage.volumes("POST", "types", given, user="admin").json()["volume_type"]
    assert (made["is_public"], made["extra_specs"]) == (True, {"iops": "9"})
    volume = free(storage, volume_type=made["id"])
    assert storage.shown("volume", volume)["volume_type"] == "gold"
    used = storage.volumes("DELETE", f"types/{made['id']}", user="admin")
    assert (used.status_code, "still in use" in used.text) == (400, True)
    assert storage.act_on(volume, "os-retype", {"new_type": "__DEFAULT__"}).status_code == 202
    storage.rest()
    hidden = {"volume_type": {"is_public": False}}
    path = f"types/{made['id']}"
    changed = storage.volumes("PUT", path, hidden, user="admin").json()["volume_type"]
    assert (changed["is_public"], changed["os-volume-type-access:is_public"]) == (False, False)
    assert storage.volumes("DELETE", path, user="admin").status_code == 202
    usual = storage.volumes("GET", "types/default").json()["volume_type"]
    assert usual["name"] == "__DEFAULT__"
    for method, body in (("PUT", hidden), ("DELETE", None)):
        path = f"types/{usual['id']}"
        assert storage.volumes(method, path, body, user="admin").status_code == 400
    listed = storage.volumes("GET", "types").json()["volume_types"]
    assert [each["name"] for each in listed] == ["__DEFAULT__"]


def test_attachments_are_those_of_servers_and_reservations(storage: Storage) -> None:
    volume, server = in_use(storage)
    other = free(storage)
    body = {"attachment": {"volume_uuid": other, "instance_uuid": server}}
    reserved = storage.volumes("POST", "attachments", body).json()["attachment"]
    assert (reserved["status"], storage.shown("volume", other)["status"]) == (
        "reserved",
        "reserved",
    )
    listed = storage.volumes("GET", "attachments").json()["attachments"]
    seen = {each["volume_id"]: (each["status"], each["instance"]) for each in listed}
    assert seen == {volume: ("attached", server), other: ("reserved", server)}
    (real,) = (each["id"] for each in listed if each["volume_id"] == volume)
    shown = storage.shown("attachment", real)
    assert (shown["id"], shown["volume_id"], shown["attached_at"] is None) == (real, volume, False)
    refused = storage.volumes("DELETE", f"attachments/{real}")
    assert (refused.status_code, server in refused.text) == (409, True)
    assert storage.volumes("DELETE", f"attachments/{reserved['id']}").status_code == 200
    assert storage.status(other) == "available"
    assert storage.volumes("GET", f"attachments/{reserved['id']}").status_code == 404


def test_quotas_of_sizes_count_volumes_and_snapshots(storage: Storage) -> None:
    volume = free(storage, size=3)
    project = storage.shown("volume", volume)["os-vol-tenant-attr:tenant_id"]
    own = f"os-quota-sets/{project}"
    limits = {"quota_set": {"gigabytes": 5, "snapshots": 9, "volumes": 9}}
    assert storage.volumes("PUT", own, limits, user="admin").status_code == 200
    over = storage.volumes("POST", "volumes", {"volume": {"size": 3}})
    assert "Requested 3G, quota is 5G and 3G has been consumed" in over.text
    assert storage.volumes(
        "POST", "snapshots", {"snapshot": {"volume_id": volume}}
    ).status_code == (413)
    larger = storage.act_on(volume, "os-extend", {"new_size": 6})
    assert (larger.status_code, "Requested 3G" in larger.text) == (413, True)
    assert storage.act_on(volume, "os-extend", {"new_size": 4}).status_code == 202
    assert storage.made("volume", 202, size=1)["size"] == 1
    limits["quota_set"]["gigabytes"] = 9
    assert storage.volumes("PUT", own, limits, user="admin").status_code == 200
    storage.rest()
    storage.made("snapshot", 202, volume_id=volume)
    absolute = storage.volumes("GET", "limits").json()["limits"]["absolute"]
    used = {"Volumes": 2, "Snapshots": 1, "Gigabytes": 9, "Backups": 0, "BackupGigabytes": 0}
    assert {name: absolute[f"total{name}Used"] for name in used} == used
    assert (absolute["maxTotalVolumes"], absolute["maxTotalVolumeGigabytes"]) == (9, 9)


def test_lists_are_of_the_own_project_short_or_whole_the_newest_first(storage: Storage) -> None:
    first, second = free(storage, name="first"), free(storage, name="second", size=2)
    short = storage.volumes("GET", "volumes").json()["volumes"]
    assert [each["id"] for each in short] == [second, first]
    assert {*short[0]} == {"id", "name", "links"}
    whole = storage.volumes("GET", "volumes/detail").json()["volumes"]
    assert whole == [storage.shown("volume", each) for each in (second, first)]
    for query, user, count in (
        ("", "admin", 0),
        ("?all_tenants=1", "admin", 2),
        ("?all_tenants=1", "other", 0),
    ):
        listed = storage.volumes("GET", f"volumes{query}", user=user).json()["volumes"]
        assert len(listed) == count
    assert storage.volumes("GET", f"volumes/{first}", user="other").status_code == 404
    summary = storage.volumes("GET", "volumes/summary").json()["volume-summary"]
    assert (summary["total_count"], summary["total_size"]) == (2, 3)
    storage.made("snapshot", 202, volume_id=first)
    for path, has in (("snapshots", False), ("snapshots/detail", True)):
        (listed,) = storage.volumes("GET", path).json()["snapshots"]
        assert any(name.startswith("os-") for name in listed) is has


def test_a_volume_shows_what_its_creation_and_its_changes_gave(storage: Storage) -> None:
    given = {"name": "n", "description": "d", "metadata": {"a": "b"}, "availability_zone": "nova"}
    volume = free(storage, **given)
    shown = storage.shown("volume", volume)
    assert {name: shown[name] for name in given} == given
    assert "os-vol-host-attr:host" not in shown
    assert storage.shown("volume", volume, user="admin")["os-vol-host-attr:host"]
    changes = {"display_name": "m", "display_description": "e", "metadata": {"c": "d"}}
    answer = storage.volumes("PUT", f"volumes/{volume}", {"volume": changes})
    assert answer.status_code == 200
    shown = storage.shown("volume", volume)
    assert (shown["name"], shown["description"], shown["metadata"]) == ("m", "e", {"c": "d"})


def test_services_and_zones_of_volumes_are_listed(storage: Storage) -> None:
    assert storage.volumes("GET", "os-services").status_code == 403
    services = storage.volumes("GET", "os-services", user="admin").json()["services"]
    assert [(each["binary"], each["host"], each["state"]) for each in services] == [
        ("cinder-scheduler", "cinder", "up"),
        ("cinder-volume", "cinder@emulated", "up"),
    ]
    zones = storage.volumes("GET", "os-availability-zone").json()["availabilityZoneInfo"]
    assert [(zone["zoneName"], zone["zoneState"]["available"]) for zone in zones] == [
        ("nova", True)
    ]
    found = storage.volumes("GET", "extensions").json()["extensions"]
    assert "os-extend" in {each["alias"] for each in found}
