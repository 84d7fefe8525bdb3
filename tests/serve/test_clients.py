"""Real clients, as they come, drive the whole life of servers on a served cloud.

openstacksdk (its proxy and its cloud layer), the `openstack` command as processes of its own, and
Apache Libcloud. What each saw is listened to where it receives answers; after every test each pair
and status is one of the table, and what the cloud recorded is explained server by server.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import openstack
import pytest
import requests
from keystoneauth1.exceptions import ConnectFailure
from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.providers import get_driver
from libcloud.compute.types import NodeState, Provider
from openstack import exceptions
from openstack.connection import Connection
from requests.adapters import HTTPAdapter

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.lifecycles import server_class
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.testing import Changed, EcsCloud, served, sleepless
from tests.command import ecs_fsm

# The library warns of what it does itself, for every connection and resource that it makes.
pytestmark = [
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore:.*InfluxDB:openstack.warnings.RemovedInSDK60Warning"),
    pytest.mark.filterwarnings("ignore:Access to .*IPv:openstack.warnings.LegacyAPIWarning"),
    pytest.mark.filterwarnings("ignore:.*ignore_missing:openstack.warnings.RemovedInSDK60Warning"),
]

CIRROS = "70a599e0-31e7-49b7-b260-868f441e862b"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
OPENSTACK = str(Path(sysconfig.get_path("scripts")) / "openstack")
AT_ONCE = 1e6
"""A speed at which everything has happened before a client can ask again."""

OFF_AND_ON = (
    ("stop", "SHUTOFF"),
    ("start", "ACTIVE"),
    ("reboot", "ACTIVE"),
    ("hard_reboot", "ACTIVE"),
    ("rebuild", "ACTIVE"),
    ("live_migrate", "ACTIVE"),
)
LIVES: dict[str, tuple[tuple[str, str], ...]] = {
    "ecs": (
        *OFF_AND_ON,
        ("stop", "SHUTOFF"),
        ("resize", "VERIFY_RESIZE"),
        ("confirm_resize", "SHUTOFF"),
        ("resize", "VERIFY_RESIZE"),
        ("revert_resize", "SHUTOFF"),
        ("rebuild", "SHUTOFF"),
    ),
    "nova": (
        *OFF_AND_ON,
        ("resize", "VERIFY_RESIZE"),
        ("confirm_resize", "ACTIVE"),
        ("resize", "VERIFY_RESIZE"),
        ("revert_resize", "ACTIVE"),
    ),
}
"""Operations of a server from its creation to its deletion, with the status after each."""


class NovaCloud(NamedTuple):
    """A cloud, one project of which a client uses, with its requests and events so far."""

    cloud: EcsCloud
    lifecycle: Lifecycle
    project: str
    answers: list[str]
    before: int

    def auth(self, user: str = "demo") -> dict[str, str]:
        """How a user of the project logs in."""
        return {**self.cloud.auth(user), "project_name": self.project}

    def changes(self) -> list[Changed]:
        """What has happened."""
        return self.cloud.changes[self.before :]

    def operations(self) -> list[str]:
        """The operations that the first server has accepted, in order."""
        operations, changes = self.lifecycle.operations, self.changes()
        own = (c.event for c in changes if c.server == changes[0].server)
        return [event for event in own if event and event in operations]

    def whole_life(self) -> list[str]:
        """The operations of a whole life."""
        return ["create", *(name for name, _ in LIVES[self.lifecycle.name]), "delete"]


@contextmanager
def judged(cloud: EcsCloud, name: str, project: str = "demo") -> Iterator[NovaCloud]:
    """At its end, what was seen of the cloud and what happened there is held against the table."""
    lifecycle = server_class(name).lifecycle
    found = NovaCloud(cloud, lifecycle, project, [], len(cloud.changes))
    yield found
    seen = [server for answer in found.answers for server in servers_in(json.loads(answer))]
    assert seen
    for shown in seen:
        state = lifecycle.state(shown["OS-EXT-STS:vm_state"], shown["OS-EXT-STS:task_state"])
        assert shown["status"] == state.status
    changes = found.changes()
    for server in {change.server for change in changes}:
        states = [lifecycle.state(c.vm_state, c.task_state) for c in changes if c.server == server]
        rows = (Observation(state.as_dict(), state, None) for state in states)
        explained = [*Replay(lifecycle, sampled=False).explain(rows)]
        assert len(explained) == len(states) - 1
        assert all(explanation.events is not None for explanation in explained)


def servers_in(document: object) -> Iterator[Mapping[str, Any]]:
    """Every server that an answer shows with its state."""
    if isinstance(document, dict):
        if "OS-EXT-STS:vm_state" in document:
            yield document
        document = [*document.values()]
    if isinstance(document, list):
        for part in document:
            yield from servers_in(part)


@pytest.fixture(scope="module", params=LIVES)
def shared(request: pytest.FixtureRequest) -> Iterator[tuple[EcsCloud, str]]:
    """A cloud of either lifecycle, for the libraries of this process."""
    with served(lifecycle=request.param) as cloud:
        yield cloud, request.param


@pytest.fixture
def found(
    shared: tuple[EcsCloud, str],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[NovaCloud]:
    """A project of its own; whatever a library receives is kept."""
    with judged(*shared, project=request.node.name[:60]) as found:
        listen(monkeypatch, found.answers)
        yield found


def listen(monkeypatch: pytest.MonkeyPatch, answers: list[str]) -> None:
    """Keep every JSON that arrives through `requests`, which openstacksdk and Libcloud use."""
    send = HTTPAdapter.send

    def heard(self: HTTPAdapter, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        response = send(self, request, *args, **kwargs)
        if response.headers.get("content-type", "").startswith("application/json"):
            answers.append(response.text)
        return response

    monkeypatch.setattr(HTTPAdapter, "send", heard)


@contextmanager
def connected(found: NovaCloud, user: str = "demo") -> Iterator[Connection]:
    """openstacksdk, logged in."""
    connection = openstack.connect(
        auth=found.auth(user), load_yaml_config=False, load_envvars=False
    )
    try:
        yield connection
    finally:
        connection.close()


def created(connection: Connection) -> Any:
    """Return a server that openstacksdk creates without waiting for it."""
    return connection.compute.create_server(
        name="web-1", flavor_id="1", image_id=CIRROS, networks="auto"
    )


def wait(connection: Connection, server: str, status: str, **options: Any) -> Any:
    """Wait as openstacksdk does, looking more often than it would."""
    compute = connection.compute
    return compute.wait_for_server(
        compute.get_server(server), status=status, interval=0.02, wait=60, **options
    )


def test_openstacksdk_leads_a_server_through_its_whole_life(found: NovaCloud) -> None:
    with connected(found) as user, connected(found, "admin") as admin:
        compute, server, flavors = user.compute, created(user).id, iter(["2", "3"])
        requests: dict[str, Callable[[], object]] = {
            "stop": lambda: compute.stop_server(server),
            "start": lambda: compute.start_server(server),
            "reboot": lambda: compute.reboot_server(server, "SOFT"),
            "hard_reboot": lambda: compute.reboot_server(server, "HARD"),
            "rebuild": lambda: compute.rebuild_server(server, image=CIRROS),
            "live_migrate": lambda: admin.compute.live_migrate_server(
                server, block_migration="auto"
            ),
            "resize": lambda: compute.resize_server(server, next(flavors)),
            "confirm_resize": lambda: compute.confirm_server_resize(server),
            "revert_resize": lambda: compute.revert_server_resize(server),
        }
        wait(user, server, "ACTIVE")
        for operation, status in LIVES[found.lifecycle.name]:
            requests[operation]()
            assert wait(user, server, status).status == status
        shown = compute.get_server(server)
        compute.delete_server(server)
        compute.wait_for_delete(shown, interval=0.02, wait=60)
        assert [*compute.servers()] == []
    assert found.operations() == found.whole_life()


def test_the_cloud_layer_of_openstacksdk_waits_for_what_it_waits_for(found: NovaCloud) -> None:
    with connected(found) as user, sleepless():
        server = user.create_server(
            "web-1",
            image="cirros",
            flavor="m1.tiny",
            network="private",
            auto_ip=False,
            wait=True,
            timeout=60,
        )
        assert (server.status, server.flavor.original_name) == ("ACTIVE", "m1.tiny")
        assert server.private_v4 == server.addresses["private"][0]["addr"]
        rebuilt = user.rebuild_server(server.id, CIRROS, wait=True)
        assert rebuilt is not None
        assert rebuilt.status == "ACTIVE"
        assert [each.id for each in user.list_servers()] == [server.id]
        assert user.update_server("web-1", name="web-2")
        assert [each.name for each in user.list_servers()] == ["web-2"]
        assert user.delete_server("web-2", wait=True)
        assert not user.delete_server("web-2", wait=True)
    assert found.operations() == ["create", "rebuild", "delete"]


def test_openstacksdk_gets_the_reason_of_a_refusal(found: NovaCloud) -> None:
    with connected(found) as user:
        server = created(user).id
        wait(user, server, "ACTIVE")
        with pytest.raises(exceptions.ConflictException, match=r"vm_state active: .*possible now"):
            user.compute.start_server(server)
        with pytest.raises(exceptions.NotFoundException, match="could not be found"):
            user.compute.get_server(UNKNOWN)
        with pytest.raises(exceptions.ForbiddenException, match="os-migrateLive"):
            user.compute.live_migrate_server(server, block_migration="auto")
        with pytest.raises(exceptions.BadRequestException, match="name"):
            user.compute.create_server(
                name="x" * 256, flavor_id="1", image_id=CIRROS, networks="auto"
            )
        with pytest.raises(exceptions.BadRequestException, match="GENTLY"):
            user.compute.reboot_server(server, "GENTLY")
    assert found.operations() == ["create"]


def test_a_running_server_is_resized_by_nova_only(found: NovaCloud) -> None:
    with connected(found) as user:
        server = created(user).id
        wait(user, server, "ACTIVE")
        if found.lifecycle.name == "nova":
            user.compute.resize_server(server, "2")
            assert wait(user, server, "VERIFY_RESIZE").flavor.original_name == "m1.small"
        else:
            with pytest.raises(exceptions.ConflictException, match="not documented"):
                user.compute.resize_server(server, "2")


def test_openstacksdk_waits_in_vain_for_a_resize_that_was_rolled_back(found: NovaCloud) -> None:
    found.cloud.fault("resize:roll_back@resize_prep*1")
    with connected(found) as user:
        server = created(user).id
        wait(user, server, "ACTIVE")
        user.compute.stop_server(server)
        wait(user, server, "SHUTOFF")
        user.compute.resize_server(server, "2")
        with pytest.raises(exceptions.ResourceFailure, match="SHUTOFF"):
            wait(user, server, "VERIFY_RESIZE", failures=["SHUTOFF"])
        user.compute.resize_server(server, "2")
        wait(user, server, "VERIFY_RESIZE")


def test_openstacksdk_reports_a_creation_that_fails_with_the_reason(found: NovaCloud) -> None:
    found.cloud.fault("create:fail@spawning*1 on web-*")
    with connected(found) as user:
        server = created(user).id
        with pytest.raises(exceptions.ResourceFailure, match="ERROR"):
            wait(user, server, "ACTIVE")
        message = user.compute.get_server(server).fault["message"]
        assert message.startswith("Exceeded maximum number of retries.")


def test_openstacksdk_repeats_a_401_unseen_and_raises_on_a_503(found: NovaCloud) -> None:
    with connected(found) as user:
        server = created(user).id
        before = len(found.answers)
        found.cloud.fault("wire:401@show_server*1")
        assert user.compute.get_server(server).id == server
        unauthorized, *_, shown = found.answers[before:]
        assert "unauthorized" in unauthorized
        assert [*servers_in(json.loads(shown))]
        found.cloud.fault("wire:503@os-stop*1")
        wait(user, server, "ACTIVE")
        with pytest.raises(exceptions.HttpException, match="a fault was asked for") as raised:
            user.compute.stop_server(server)
        assert raised.value.status_code == 503
        user.compute.stop_server(server)
        wait(user, server, "SHUTOFF")
    assert found.operations() == ["create", "stop"]


def test_openstacksdk_does_not_know_of_a_server_that_was_made_behind_a_closed_connection(
    found: NovaCloud,
) -> None:
    found.cloud.fault("wire:close_after@create_server*1")
    with connected(found) as user:
        with pytest.raises(ConnectFailure):
            created(user)
        [unknown_to_it] = user.compute.servers()
        assert wait(user, unknown_to_it.id, "ACTIVE").name == "web-1"


@contextmanager
def driven(found: NovaCloud, user: str = "demo") -> Iterator[Any]:
    """Apache Libcloud's driver, logged in."""
    driver: Any = get_driver(Provider.OPENSTACK)(
        user,
        user,
        ex_force_auth_url=f"{found.cloud.url}/identity",
        ex_force_auth_version="3.x_password",
        ex_tenant_name=found.project,
        ex_domain_name="Default",
        ex_force_service_region="RegionOne",
        api_version="2.0",
    )
    try:
        yield driver
    finally:
        for connection in (driver.connection, driver.image_connection, driver.network_connection):
            if connection.connection:
                connection.connection.session.close()


def booted(driver: Any) -> Any:
    """A node that Libcloud has made and waited for."""
    size = next(size for size in driver.list_sizes() if size.name == "m1.tiny")
    image = next(image for image in driver.list_images() if image.name == "cirros")
    node = driver.create_node(name="web-1", size=size, image=image)
    ((running, addresses),) = driver.wait_until_running(
        [node], wait_period=0.02, timeout=60, ssh_interface="private_ips"
    )
    assert (running.state, addresses) == (NodeState.RUNNING, running.private_ips)
    return running


def at_rest(driver: Any, node: Any) -> Any:
    """The node once no task runs: Libcloud has no waiter for this."""
    while (now := driver.ex_get_node_details(node.id)).extra["task_state"] is not None:
        time.sleep(0.02)
    return now


def test_libcloud_leads_a_server_through_its_whole_life(found: NovaCloud) -> None:
    with driven(found, "admin") as driver:
        node = booted(driver)
        image = driver.get_image(CIRROS)
        sizes = iter([driver.ex_get_size("2"), driver.ex_get_size("3")])
        migration = {
            "os-migrateLive": {"host": None, "block_migration": False, "disk_over_commit": False}
        }
        requests: dict[str, Callable[[], Any]] = {
            "stop": lambda: driver.stop_node(node),
            "start": lambda: driver.start_node(node),
            "reboot": lambda: driver.ex_soft_reboot_node(node),
            "hard_reboot": lambda: driver.reboot_node(node),
            "rebuild": lambda: driver.ex_rebuild(node, image),
            "live_migrate": lambda: driver.connection.request(
                f"/servers/{node.id}/action", method="POST", data=migration
            ).success(),
            "resize": lambda: driver.ex_resize(node, next(sizes)),
            "confirm_resize": lambda: driver.ex_confirm_resize(node),
            "revert_resize": lambda: driver.ex_revert_resize(node),
        }
        vm_states = {"ACTIVE": "active", "SHUTOFF": "stopped", "VERIFY_RESIZE": "resized"}
        for operation, status in LIVES[found.lifecycle.name]:
            assert requests[operation]() is True
            assert at_rest(driver, node).extra["vm_state"] == vm_states[status]
        assert driver.destroy_node(node) is True
        while driver.ex_get_node_details(node.id) is not None:
            time.sleep(0.02)
        assert driver.list_nodes() == []
    assert found.operations() == found.whole_life()


def test_libcloud_gets_the_reason_of_a_refusal(found: NovaCloud) -> None:
    with driven(found) as driver:
        node = booted(driver)
        with pytest.raises(BaseHTTPError, match=r"vm_state active: .*possible now") as refused:
            driver.start_node(node)
        assert refused.value.code == 409
        assert driver.ex_get_node_details(UNKNOWN) is None
        node.id = UNKNOWN
        with pytest.raises(BaseHTTPError, match="could not be found"):
            driver.stop_node(node)
        with pytest.raises(BaseHTTPError, match="name") as bad:
            driver.create_node(
                name="x" * 256, size=driver.ex_get_size("1"), image=driver.get_image(CIRROS)
            )
        assert bad.value.code == 400
    assert found.operations() == ["create"]


def test_libcloud_meets_the_faults(found: NovaCloud) -> None:
    found.cloud.fault("stop:roll_back*1")
    with driven(found) as driver:
        node = booted(driver)
        assert driver.stop_node(node) is True
        assert at_rest(driver, node).state == NodeState.RUNNING
        found.cloud.fault("wire:503@os-stop*1")
        with pytest.raises(BaseHTTPError, match="a fault was asked for"):
            driver.stop_node(node)
        found.cloud.fault("wire:close_after@os-stop*1")
        with pytest.raises(requests.ConnectionError):
            driver.stop_node(node)
        found.cloud.fault("wire:401@show_server*1")
        with pytest.raises(BaseHTTPError, match="401 Unauthorized"):
            at_rest(driver, node)
        assert at_rest(driver, node).state == NodeState.STOPPED
    assert found.operations() == ["create", "stop", "stop"]


def command(found: NovaCloud, *arguments: str, script: str = "", user: str = "admin") -> Ran:
    """Run the `openstack` command; a script has its commands, one a line."""
    auth = {f"OS_{name.upper()}": value for name, value in found.auth(user).items()}
    done = subprocess.run(
        [OPENSTACK, *arguments],
        input=script,
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, **auth, "OS_CLIENT_CONFIG_FILE": os.devnull},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


class Ran(NamedTuple):
    """What a command came to: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    def answers(self) -> list[str]:
        """Return the bodies that it prints with --debug."""
        return re.findall(r"^RESP BODY: (\{.*\})$", self.err, re.MULTILINE)

    def shown(self) -> list[str]:
        """The servers that `server show -f json` has printed."""
        return re.findall(r"^\{$.*?^\}$", self.out, re.MULTILINE | re.DOTALL)


CREATE = "server create --flavor m1.tiny --image cirros --network private"
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
SHOW = "server show -f json web-1"


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


def test_the_openstack_command_reports_refusals_and_faults_and_goes_on() -> None:
    with served(speed=AT_ONCE) as cloud, judged(cloud, "ecs") as found:
        found.cloud.fault("wire:close_after@create_server*1")
        found.cloud.fault("resize:roll_back@resize_prep*1")
        found.cloud.fault("wire:503@os-start*1")
        lines = [
            f"{CREATE} web-1",
            SHOW,
            "server resize --flavor m1.small web-1",
            f"server stop {UNKNOWN}",
            f"{CREATE} {'x' * 256}",
            "server stop web-1",
            "server resize --flavor m1.small web-1",
            SHOW,
            "server start web-1",
            "server start web-1",
            SHOW,
        ]
        ran = command(found, script="\n".join(lines), user="demo")
        found.answers.extend(ran.shown())
        statuses = [json.loads(answer)["status"] for answer in ran.shown()]
        assert statuses == ["ACTIVE", "SHUTOFF", "ACTIVE"]
        result = [
            "Unable to establish connection",
            "Cannot 'resize' instance .* while it is in vm_state active: .*possible now",
            f"No Server found for {UNKNOWN}",
            "400: .*name",
            "503: .*a fault was asked for",
        ]
        assert re.search("[\\s\\S]*".join(result), ran.err), ran.err
        assert found.operations() == ["create", "stop", "resize", "start"]


def test_the_openstack_command_ends_with_1_where_a_request_is_refused() -> None:
    with served(speed=AT_ONCE) as cloud, judged(cloud, "ecs") as found:
        with connected(found) as user:
            server = created(user).id
        ran = command(found, "--debug", "server", "start", server, user="demo")
        found.answers.extend(ran.answers())
        assert ran.code == 1
        assert re.search("409: .* while it is in vm_state active: .*possible now", ran.err)
