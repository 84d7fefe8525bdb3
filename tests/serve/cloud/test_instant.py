"""A cloud whose steps take no time: what a request asked for has happened when it is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecs_fsm.lifecycles import server_class
from ecs_fsm.profiles.loader import built_in_text
from ecs_fsm.serve.http.listen import Settings
from ecs_fsm.serve.service import Options, Service
from tests.clouds import cloud_of
from tests.compute import CIRROS
from tests.edge import Edge
from tests.nova_cloud import API, GLANCE, NovaCloud

NET = "0dae26c9-9a70-4392-93f3-87d53115d171"


@pytest.fixture
def instant() -> NovaCloud:
    return NovaCloud(instant=True)


def create(instant: NovaCloud, **more: object) -> str:
    answer = instant.create(**more)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["server"]["id"])


def status(instant: NovaCloud, server: str) -> str:
    return str(instant.get(f"{API}/servers/{server}")["server"]["status"])


def test_a_server_goes_from_request_to_request_while_the_clock_stands(instant: NovaCloud) -> None:
    server = create(instant)
    assert status(instant, server) == "ACTIVE"
    for key, argument, after in [
        ("os-stop", None, "SHUTOFF"),
        ("resize", {"flavorRef": "2"}, "VERIFY_RESIZE"),
        ("confirmResize", None, "SHUTOFF"),
        ("shelve", None, "SHELVED_OFFLOADED"),
        ("unshelve", None, "ACTIVE"),
    ]:
        assert instant.act(server, key, argument).is_success
        assert status(instant, server) == after
    (move,) = instant.get(f"{API}/os-migrations", 80, "admin")["migrations"]
    assert (move["migration_type"], move["status"]) == ("resize", "confirmed")
    assert instant.ask("DELETE", f"{API}/servers/{server}").status_code == 204
    assert instant.ask("GET", f"{API}/servers/{server}").status_code == 404


def test_the_answer_of_a_rebuild_shows_the_rebuilt_server(instant: NovaCloud) -> None:
    shown = instant.act(create(instant), "rebuild", {"imageRef": CIRROS, "name": "new"}).json()
    assert (shown["server"]["status"], shown["server"]["name"]) == ("ACTIVE", "new")
    failing = create(instant, metadata={"ecs:fault": "rebuild:fail@rebuilding"})
    shown = instant.act(failing, "rebuild", {"imageRef": CIRROS, "name": "new"}).json()
    assert (shown["server"]["status"], shown["server"]["name"]) == ("ERROR", "new")


def test_an_image_is_there_at_once_unless_it_fails(instant: NovaCloud) -> None:
    image = instant.snapshot(create(instant))
    assert instant.get(f"{GLANCE}/{image}")["status"] == "active"
    failing = create(instant, metadata={"ecs:fault": "create_image:roll_back@image_uploading"})
    instant.cloud.clock.speed = 1000
    image = instant.snapshot(failing)
    assert instant.ask("GET", f"{GLANCE}/{image}").status_code == 404


def test_a_server_still_waits_for_its_volume(instant: NovaCloud) -> None:
    disk = {"uuid": CIRROS, "source_type": "image", "destination_type": "volume"}
    server = create(instant, block_device_mapping_v2=[disk | {"boot_index": 0, "volume_size": 1}])
    assert status(instant, server) == "BUILD"
    instant.cloud.advance(1000)
    assert status(instant, server) == "ACTIVE"


def test_servers_that_are_made_together_all_begin_at_their_first_step() -> None:
    usual = NovaCloud()
    usual.cloud.clock.speed = 1e6
    create(usual, min_count=20)
    tasks = {server.state.task_state for server in usual.cloud.instances.values()}
    assert tasks == {"scheduling"}


def test_a_step_that_hangs_is_not_over(instant: NovaCloud) -> None:
    server = create(instant, metadata={"ecs:fault": "reboot:hang@reboot_pending"})
    instant.act(server, "reboot", {"type": "SOFT"})
    assert status(instant, server) == "REBOOT"


def test_jobs_and_control_requests_are_over_as_well() -> None:
    edge = Edge(cloud_of("ecs", instant=True))
    project = edge.login(project={"name": "demo", "domain": {"name": "Default"}})
    path = f"/v1/{project.json()['token']['project']['id']}"
    wanted: dict[str, object] = {"name": "web", "imageRef": CIRROS, "flavorRef": "2"}
    wanted |= {"vpcid": NET, "nics": [{"subnet_id": NET}], "root_volume": {"volumetype": "SSD"}}
    job = edge.ask("POST", f"{path}/cloudservers", json={"server": wanted}).json()["job_id"]
    assert edge.get(f"{path}/jobs/{job}").json()["status"] == "SUCCESS"
    (server,) = edge.cloud.instances
    control = f"/_ecs/servers/{server}"
    answer = edge.ask("POST", f"{control}/requests", json={"operation": "stop"})
    assert answer.json()["status"] == "SHUTOFF"
    edge.ask("POST", "/_ecs/faults", json={"fault": "rebuild:hang@rebuilding"})
    edge.ask("POST", f"{control}/requests", json={"operation": "rebuild"})
    answer = edge.ask("POST", f"{control}/events", json={"event": "advance"})
    assert answer.json()["status"] == "SHUTOFF"


def test_a_profile_says_that_nothing_takes_time(tmp_path: Path) -> None:
    path = tmp_path / "instant.toml"
    own = built_in_text(server_class("ecs").lifecycle)
    head, durations = own.split("[durations]\n")
    lines = [
        f'{line.partition("=")[0]}= "0s"' if "=" in line and not line.startswith("#") else line
        for line in durations.partition("\n[")[0].splitlines()
    ]
    path.write_text("\n".join([f"{head}[durations]", *lines]), encoding="utf-8")
    service = Service(Options("ecs", 0.0, 1, profile=str(path)), Settings())
    assert {time.mean for time in service.cloud.schedule._durations.values()} == {0.0}
    service.close()
