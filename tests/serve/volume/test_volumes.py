"""Volumes live by their lifecycle, by the clock of the servers, and go with them if they should."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.compute import CIRROS
from tests.edge import Edge
from tests.nova_cloud import API
from tests.serve.volume.storage import Storage


@pytest.fixture
def storage() -> Storage:
    return Storage()


def test_a_volume_is_created_attached_detached_and_deleted_in_its_time(storage: Storage) -> None:
    volume, server = storage.volume(), storage.active()
    assert storage.status(volume) == "available"
    assert storage.attach(server, volume).status_code == 200
    assert storage.status(volume) == "attaching"
    storage.rest()
    shown = storage.volumes("GET", f"volumes/{volume}").json()["volume"]
    assert (shown["status"], shown["attachments"][0]["server_id"]) == ("in-use", server)
    refused = storage.volumes("DELETE", f"volumes/{volume}")
    assert (refused.status_code, "must be available" in refused.text) == (400, True)
    second = storage.attach(storage.active(), volume)
    assert (second.status_code, "current status is in-use" in second.text) == (400, True)
    path = f"{API}/servers/{server}/os-volume_attachments/{volume}"
    assert storage.ask("DELETE", path).status_code == 202
    assert storage.status(volume) == "detaching"
    storage.rest()
    assert storage.volumes("DELETE", f"volumes/{volume}").status_code == 202
    storage.rest()
    assert storage.volumes("GET", f"volumes/{volume}").status_code == 404


def test_a_server_boots_from_volumes_which_go_with_it_if_they_should(storage: Storage) -> None:
    blank = storage.volume()
    storage.rest()
    device = {"boot_index": 0, "uuid": CIRROS, "source_type": "image", "volume_size": 2}
    disks = [
        {**device, "destination_type": "volume", "delete_on_termination": True},
        {"boot_index": -1, "uuid": blank, "source_type": "volume", "destination_type": "volume"},
    ]
    server = storage.active(imageRef="", block_device_mapping_v2=disks)
    listed = storage.volumes("GET", "volumes/detail").json()["volumes"]
    assert {v["status"] for v in listed} == {"in-use"}
    assert sorted(a["device"] for v in listed for a in v["attachments"]) == ["/dev/vda", "/dev/vdb"]
    root = f"{API}/servers/{server}/os-volume_attachments"
    boot = next(v["id"] for v in listed if v["id"] != blank)
    assert storage.ask("DELETE", f"{root}/{boot}").status_code == 403
    storage.ask("DELETE", f"{API}/servers/{server}")
    storage.rest()
    (left,) = storage.volumes("GET", "volumes").json()["volumes"]
    assert (left["id"], storage.status(blank)) == (blank, "available")


@pytest.mark.parametrize(
    ("fault", "status", "kept"),
    [
        ("volume:attach:fail", "available", 0),
        ("volume:attach:hang", "attaching", 1),
        ("volume:create:fail@creating", "error", 0),
    ],
)
def test_a_fault_strikes_a_volume(storage: Storage, fault: str, status: str, kept: int) -> None:
    edge: Edge = storage.edge
    answer = edge.ask("POST", "/_ecs/faults", json={"fault": fault})
    assert (answer.status_code, answer.json()["fault"]) == (201, fault)
    volume, server = storage.volume(), storage.active()
    storage.attach(server, volume)
    storage.rest()
    rows = storage.get(f"{API}/servers/{server}/os-volume_attachments")["volumeAttachments"]
    assert (storage.status(volume), len(rows)) == (status, kept)
    assert edge.get("/_ecs/faults").json()["faults"][0]["struck"] == 1


IMAGE = {"boot_index": 0, "uuid": CIRROS, "source_type": "image", "destination_type": "volume"}
BLANK = {"boot_index": -1, "source_type": "blank", "destination_type": "volume", "volume_size": 1}


def booted(storage: Storage, *faults: str) -> Any:
    """A server that boots from a volume and has a second one, once nothing happens any more."""
    for fault in faults:
        storage.cloud.volumes.cloud.orders.add(fault)
    disks = [{**IMAGE, "volume_size": 2}, BLANK]
    answer = storage.create(imageRef="", block_device_mapping_v2=disks)
    server = storage.cloud.instances[answer.json()["server"]["id"]]
    storage.rest()
    return server


@pytest.mark.parametrize("lifecycle", ["ecs", "nova"])
def test_a_new_server_has_its_task_until_its_volumes_are_attached(lifecycle: str) -> None:
    storage = Storage(lifecycle=lifecycle)
    server = booted(storage)
    entered = {str(entry.state): entry.at for entry in server.history}
    volumes = [*storage.cloud.volumes.cloud.instances.values()]
    attached = max(volume.history[-1].at for volume in volumes)
    assert {volume.state.status for volume in volumes} == {"in-use"}
    assert entered["building/block_device_mapping"] < attached == entered["building/spawning"]


WITHOUT_VOLUME = {
    "create:fail@downloading": r"Volume \S+ did not finish being created .* its status is error\.",
    "create:hang@downloading": r"Volume \S+ did not finish .* after we waited 183 seconds or 61 attempts\. .*",
    "attach:fail": r"Volume \S+ could not be attached\.",
}


@pytest.mark.parametrize("fault", WITHOUT_VOLUME)
def test_a_new_server_without_its_volume_fails_and_says_so(storage: Storage, fault: str) -> None:
    server = booted(storage, fault)
    assert (server.state.vm_state, server.history[-2].state.task_state) == (
        "error",
        "block_device_mapping",
    )
    begin = f"Build of instance {server.id} aborted: "
    assert re.fullmatch(begin + WITHOUT_VOLUME[fault], server.fault.message)
    entered = {str(entry.state): entry.at for entry in server.history}
    waited = server.history[-1].at - entered["building/block_device_mapping"]
    for seconds, attempts in re.findall(r"waited (\d+) seconds or (\d+)", server.fault.message):
        # Nova looks at once, then after every three seconds, 60 times at most.
        assert (int(seconds), int(attempts)) == (round(waited), min(1 + int(waited // 3), 61))
    storage.ask("DELETE", f"{API}/servers/{server.id}")
    storage.rest()
    assert server.id not in storage.cloud.instances


def test_actions_extend_reset_and_upload(storage: Storage) -> None:
    volume = storage.volume()
    storage.rest()

    def act(body: object, **by: Any) -> Any:
        return storage.volumes("POST", f"volumes/{volume}/action", body, **by)

    assert act({"os-extend": {"new_size": 1}}).status_code == 400
    assert act({"os-extend": {"new_size": 3}}).status_code == 202
    assert storage.status(volume) == "extending"
    storage.rest()
    assert storage.volumes("GET", f"volumes/{volume}").json()["volume"]["size"] == 3
    assert act({"os-reset_status": {"status": "error"}}).status_code == 403
    assert act({"os-reset_status": {"status": "error"}}, user="admin").status_code == 202
    assert storage.status(volume) == "error"
    assert act({"os-reset_status": {"status": "available"}}, user="admin").status_code == 202
    assert act({"os-set_bootable": {"bootable": True}}).status_code == 200
    image = act({"os-volume_upload_image": {"image_name": "i"}}).json()["os-volume_upload_image"]
    assert storage.get(f"/image/v2/images/{image['image_id']}")["name"] == "i"
    assert act({"os-unknown": {}}).status_code == 400


def test_snapshots_keep_their_volume_and_quotas_refuse(storage: Storage) -> None:
    volume = storage.volume()
    storage.rest()
    made = storage.volumes("POST", "snapshots", {"snapshot": {"volume_id": volume, "name": "s"}})
    assert (made.status_code, made.json()["snapshot"]["status"]) == (202, "available")
    assert storage.volumes("DELETE", f"volumes/{volume}").status_code == 400
    name = f"snapshots/{made.json()['snapshot']['id']}"
    assert storage.volumes("DELETE", name).status_code == 202
    shown = storage.volumes("GET", f"volumes/{volume}").json()["volume"]
    own = f"os-quota-sets/{shown['os-vol-tenant-attr:tenant_id']}"
    limits = {"quota_set": {"volumes": 1}}
    assert storage.volumes("PUT", own, limits, user="admin").status_code == 200
    refused = storage.volumes("POST", "volumes", {"volume": {"size": 1}})
    assert (refused.status_code, "VolumeLimitExceeded" in refused.text) == (413, True)


def test_volumes_go_on_after_a_restart(tmp_path: Path) -> None:
    before = Storage(tmp_path / "state")
    volume, server = before.volume(), before.active()
    before.attach(server, volume)
    before.cloud.close()
    after = Storage(tmp_path / "state")
    assert after.status(volume) == "attaching"
    after.rest()
    assert after.status(volume) == "in-use"
    after.cloud.close()
