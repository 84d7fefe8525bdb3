"""Real clients, as they come, drive the whole life of servers on a served cloud.

openstacksdk (its proxy and its cloud layer), the `openstack` command as a process of its own, of
which `tests/more/test_openstack_command.py` has more, and Apache Libcloud. What each saw is listened
to where it receives answers, and judged after every test.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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

from ecs_fsm.testing import EcsCloud, served, sleepless
from tests.client_cloud import (
    AT_ONCE,
    CREATE,
    LIVES,
    SHOW,
    UNKNOWN,
    ClientCloud,
    command,
    judged,
    servers_in,
)

# The library warns of what it does itself, for every connection and resource that it makes.
pytestmark = [
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore:.*InfluxDB:openstack.warnings.RemovedInSDK60Warning"),
    pytest.mark.filterwarnings("ignore:Access to .*IPv:openstack.warnings.LegacyAPIWarning"),
    pytest.mark.filterwarnings("ignore:.*ignore_missing:openstack.warnings.RemovedInSDK60Warning"),
]

CIRROS = "70a599e0-31e7-49b7-b260-868f441e862b"


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
) -> Iterator[ClientCloud]:
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
def connected(found: ClientCloud, user: str = "demo") -> Iterator[Connection]:
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
        compute.get_server(server), status=status, interval=0.02, wait=120, **options
    )


def test_openstacksdk_leads_a_server_through_its_whole_life(found: ClientCloud) -> None:
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
        compute.wait_for_delete(shown, interval=0.02, wait=120)
        assert [*compute.servers()] == []
    assert found.operations() == found.whole_life()


def test_the_cloud_layer_of_openstacksdk_waits_for_what_it_waits_for(found: ClientCloud) -> None:
    with connected(found) as user, sleepless():
        server = user.create_server(
            "web-1",
            image="cirros",
            flavor="m1.tiny",
            network="private",
            auto_ip=False,
            wait=True,
            timeout=120,
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


def test_openstacksdk_gets_the_reason_of_a_refusal(found: ClientCloud) -> None:
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


def test_a_running_server_is_resized_by_nova_only(found: ClientCloud) -> None:
    with connected(found) as user:
        server = created(user).id
        wait(user, server, "ACTIVE")
        if found.lifecycle.name == "nova":
            user.compute.resize_server(server, "2")
            assert wait(user, server, "VERIFY_RESIZE").flavor.original_name == "m1.small"
        else:
            with pytest.raises(exceptions.ConflictException, match="not documented"):
                user.compute.resize_server(server, "2")


def test_openstacksdk_waits_in_vain_for_a_resize_that_was_rolled_back(found: ClientCloud) -> None:
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


def test_openstacksdk_reports_a_creation_that_fails_with_the_reason(found: ClientCloud) -> None:
    found.cloud.fault("create:fail@spawning*1 on web-*")
    with connected(found) as user:
        server = created(user).id
        with pytest.raises(exceptions.ResourceFailure, match="ERROR"):
            wait(user, server, "ACTIVE")
        message = user.compute.get_server(server).fault["message"]
        assert message.startswith("Exceeded maximum number of retries.")


def test_openstacksdk_repeats_a_401_unseen_and_raises_on_a_503(found: ClientCloud) -> None:
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
    found: ClientCloud,
) -> None:
    found.cloud.fault("wire:close_after@create_server*1")
    with connected(found) as user:
        with pytest.raises(ConnectFailure):
            created(user)
        [unknown_to_it] = user.compute.servers()
        assert wait(user, unknown_to_it.id, "ACTIVE").name == "web-1"


@contextmanager
def driven(found: ClientCloud, user: str = "demo") -> Iterator[Any]:
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
        [node], wait_period=0.02, timeout=120, ssh_interface="private_ips"
    )
    assert (running.state, addresses) == (NodeState.RUNNING, running.private_ips)
    return running


def at_rest(driver: Any, node: Any) -> Any:
    """The node once no task runs: Libcloud has no waiter for this."""
    while (now := driver.ex_get_node_details(node.id)).extra["task_state"] is not None:
        time.sleep(0.02)
    return now


def test_libcloud_leads_a_server_through_its_whole_life(found: ClientCloud) -> None:
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


def test_libcloud_gets_the_reason_of_a_refusal(found: ClientCloud) -> None:
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


def test_libcloud_meets_the_faults(found: ClientCloud) -> None:
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
