"""The `openstack` command, a process of its own, leads servers through their whole lives.

One of its commands takes some seconds; `tests/serve/test_clients.py` has one test with it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ecs_fsm.testing import served
from tests.client_cloud import AT_ONCE, CREATE, LIVES, SHOW, command, judged, servers_in
from tests.command import ecs_fsm

COMMANDS = {
    "stop": "server stop web-1",
    "start": "server start web-1",
    "reboot": "server reboot --soft web-1",
    "hard_reboot": "server reboot --hard web-1",
    "rebuild": "server rebuild --image cirros web-1",
    "live_migrate": "server migrate --live-migration web-1",
    "resize": "server resize --flavor {flavor} web-1",
    "confirm_resize": "server resize confirm web-1",
    "revert_resize": "server resize revert web-1",
}


@pytest.mark.parametrize("name", LIVES)
def test_the_openstack_command_leads_a_server_through_its_whole_life(
    name: str, tmp_path: Path
) -> None:
    record = str(tmp_path / "changes.jsonl")
    with (
        served(lifecycle=name, speed=AT_ONCE, record=record) as cloud,
        judged(cloud, name) as found,
    ):
        lines = [f"{CREATE} -f json --wait web-1", SHOW]
        flavors = iter(["m1.small", "m1.medium"])
        for operation, _ in LIVES[name]:
            flavor = next(flavors) if operation == "resize" else ""
            lines += [COMMANDS[operation].format(flavor=flavor), SHOW]
        lines += [f"{CREATE} -f value -c name web-2", "server delete --wait web-1", SHOW]
        ran = command(found, script="\n".join(lines))
        found.answers.extend(ran.shown())
        assert ran.err.strip() == "No Server found for web-1"
        statuses = [json.loads(answer)["status"] for answer in ran.shown()]
        assert [*dict.fromkeys(statuses[:2])] == ["ACTIVE"]
        assert statuses[-len(LIVES[name]) :] == [status for _, status in LIVES[name]]
        assert found.operations() == found.whole_life()
        servers = {change.server for change in found.changes()}
    assert len(servers) == 2
    replayed = ecs_fsm("replay", "--lifecycle", name, record)
    assert all(server in replayed.out for server in servers)
    assert (replayed.code, replayed.out.splitlines()[-1].split(", ")[1]) == (0, "all explained")


def test_the_openstack_command_waits_for_a_creation_and_reports_its_failure() -> None:
    with served(lifecycle="nova", speed=60) as cloud, judged(cloud, "nova") as found:
        found.cloud.fault("create:fail@spawning on bad-*")
        ran = command(found, "--debug", *CREATE.split(), "--wait", "bad-1")
        found.answers.extend(ran.answers())
        statuses = [s["status"] for a in ran.answers() for s in servers_in(json.loads(a))]
        assert [*dict.fromkeys(statuses)] == ["BUILD", "ERROR"]
        assert ran.code == 1
        assert "Error creating server: bad-1" in ran.err


def test_the_openstack_command_ends_with_1_where_a_request_is_refused() -> None:
    with served(speed=AT_ONCE) as cloud, judged(cloud, "ecs") as found:
        found.answers.extend(command(found, script=f"{CREATE} web-1\n{SHOW}").shown())
        ran = command(found, "server", "start", "web-1")
        assert ran.code == 1
        assert re.search("409: .* while it is in vm_state active: .*possible now", ran.err)
