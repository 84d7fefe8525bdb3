"""The cloud's own SDK, unmodified, against a server that listens: a life through jobs, and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkecs.v2 import (
    BatchRebootServersRequest,
    BatchRebootServersRequestBody,
    BatchRebootSeversOption,
    BatchStartServersOption,
    BatchStartServersRequest,
    BatchStartServersRequestBody,
    BatchStopServersOption,
    BatchStopServersRequest,
    BatchStopServersRequestBody,
    ChangeServerOsWithoutCloudInitOption,
    ChangeServerOsWithoutCloudInitRequest,
    ChangeServerOsWithoutCloudInitRequestBody,
    CreateServersRequest,
    CreateServersRequestBody,
    DeleteServersRequest,
    DeleteServersRequestBody,
    EcsClient,
    ListFlavorsRequest,
    ListServersDetailsRequest,
    NovaShowServerRequest,
    PrePaidServer,
    PrePaidServerNic,
    PrePaidServerRootVolume,
    ReinstallServerWithCloudInitOption,
    ReinstallServerWithCloudInitRequest,
    ReinstallServerWithCloudInitRequestBody,
    ResizePrePaidServerOption,
    ResizeServerRequest,
    ResizeServerRequestBody,
    ServerId,
    ShowJobRequest,
    ShowServerRequest,
)

from ecs_fsm.testing.emulator import EcsCloud, served

CIRROS, DEBIAN = "70a599e0-31e7-49b7-b260-868f441e862b", "155d900f-4e14-4e4c-a73d-069cbf4541e6"
SMALL, LARGE = "s6.small.1", "s6.large.2"


class User:
    """Somebody with the SDK, who lets time pass while a job runs."""

    def __init__(self, cloud: EcsCloud, project: str) -> None:
        self.cloud = cloud
        credentials = BasicCredentials("AK", "SK", project)
        builder = EcsClient.new_builder().with_credentials(credentials)
        self.client: Any = builder.with_endpoints([cloud.url]).build()

    def end(self, answer: Any) -> Any:
        """The job of an answer once it is over, by the loop that every user writes."""
        seen: list[Any] = []
        while not seen or seen[-1].status in {"INIT", "RUNNING"}:
            if seen:
                self.cloud.step()
            seen.append(self.client.show_job(ShowJobRequest(job_id=answer.job_id)))
        assert seen[0].status == "INIT"
        return seen[-1]

    def create(self, **more: Any) -> Any:
        server = PrePaidServer(
            name=more.pop("name", "web"),
            image_ref=CIRROS,
            flavor_ref=more.pop("flavor_ref", SMALL),
            vpcid="0dae26c9-9a70-4392-93f3-87d53115d171",
            nics=[PrePaidServerNic(subnet_id="157ee789-03ea-45b1-a698-76c92660dd83")],
            root_volume=PrePaidServerRootVolume(volumetype="SSD"),
            **more,
        )
        body = CreateServersRequestBody(server=server)
        return self.client.create_servers(CreateServersRequest(body=body))

    def stop(self, *ids: str) -> Any:
        option = BatchStopServersOption(servers=servers(*ids), type="SOFT")
        body = BatchStopServersRequestBody(os_stop=option)
        return self.client.batch_stop_servers(BatchStopServersRequest(body=body))

    def start(self, *ids: str) -> Any:
        body = BatchStartServersRequestBody(BatchStartServersOption(servers=servers(*ids)))
        return self.client.batch_start_servers(BatchStartServersRequest(body=body))

    def reboot(self, kind: str, *ids: str) -> Any:
        option = BatchRebootSeversOption(servers=servers(*ids), type=kind)
        body = BatchRebootServersRequestBody(reboot=option)
        return self.client.batch_reboot_servers(BatchRebootServersRequest(body=body))

    def resize(self, server_id: str, flavor: str = LARGE) -> Any:
        body = ResizeServerRequestBody(resize=ResizePrePaidServerOption(flavor_ref=flavor))
        request = ResizeServerRequest(server_id=server_id, body=body)
        return self.client.resize_server(request)

    def reinstall(self, server_id: str) -> Any:
        option = ReinstallServerWithCloudInitOption(adminpass="Secret.123", userid="me")
        body = ReinstallServerWithCloudInitRequestBody(os_reinstall=option)
        request = ReinstallServerWithCloudInitRequest(server_id=server_id, body=body)
        return self.client.reinstall_server_with_cloud_init(request)

    def change_image(self, server_id: str) -> Any:
        option = ChangeServerOsWithoutCloudInitOption(imageid=DEBIAN, adminpass="Secret.123")
        body = ChangeServerOsWithoutCloudInitRequestBody(os_change=option)
        request = ChangeServerOsWithoutCloudInitRequest(server_id=server_id, body=body)
        return self.client.change_server_os_without_cloud_init(request)

    def delete(self, *ids: str) -> Any:
        body = DeleteServersRequestBody(servers=servers(*ids), delete_volume=True)
        return self.client.delete_servers(DeleteServersRequest(body=body))

    def show(self, server_id: str) -> Any:
        return self.client.show_server(ShowServerRequest(server_id=server_id)).server


def servers(*ids: str) -> list[Any]:
    return [ServerId(id=server_id) for server_id in ids]


@pytest.fixture(scope="module", params=["ecs", "nova"])
def cloud(request: pytest.FixtureRequest) -> Iterator[EcsCloud]:
    with served(lifecycle=request.param, speed=0) as cloud:
        yield cloud


@pytest.fixture
def user(cloud: EcsCloud, request: pytest.FixtureRequest) -> User:
    """Somebody with a project of their own."""
    return User(cloud, uuid5(NAMESPACE_OID, request.node.name).hex)


def test_a_whole_life_goes_through_jobs(user: User) -> None:
    answer = user.create()
    [server_id] = answer.server_ids
    assert user.show(server_id).status == "BUILD"
    created = user.end(answer)
    assert (created.status, created.job_type) == ("SUCCESS", "createServer")
    assert created.entities.sub_jobs[0].entities.server_id == server_id
    steps: list[tuple[Callable[[], Any], str]] = [
        (lambda: user.stop(server_id), "SHUTOFF"),
        (lambda: user.resize(server_id), "SHUTOFF"),
        (lambda: user.start(server_id), "ACTIVE"),
        (lambda: user.reboot("SOFT", server_id), "ACTIVE"),
        (lambda: user.reboot("HARD", server_id), "ACTIVE"),
        (lambda: user.reinstall(server_id), "ACTIVE"),
        (lambda: user.change_image(server_id), "ACTIVE"),
    ]
    for ask, status in steps:
        done = user.end(ask())
        assert (done.status, done.error_code) == ("SUCCESS", None)
        assert user.show(server_id).status == status
    shown = user.show(server_id)
    assert (shown.flavor.id, shown.flavor.vcpus, shown.image.id) == (LARGE, "2", DEBIAN)
    assert shown.os_ext_st_svm_state == "active"
    assert next(iter(shown.addresses.values()))[0].addr
    with pytest.warns(DeprecationWarning, match="nova_show_server"):
        nova = user.client.nova_show_server(NovaShowServerRequest(server_id=server_id))
    assert nova.server.status == "ACTIVE"
    assert user.end(user.delete(server_id)).status == "SUCCESS"
    with pytest.raises(ClientRequestException) as gone:
        user.show(server_id)
    assert gone.value.status_code == 404


def test_a_list_and_the_flavors_are_read(user: User) -> None:
    answer = user.create(count=3)
    user.end(answer)
    request = ListServersDetailsRequest(limit=2, offset=2, status="ACTIVE", name="web")
    result = user.client.list_servers_details(request)
    assert (result.count, [server.name for server in result.servers]) == (3, ["web-0001"])
    flavors = user.client.list_flavors(ListFlavorsRequest()).flavors
    assert {(flavor.vcpus, flavor.ram) for flavor in flavors} >= {("2", 4096)}


def test_a_failing_resize_fails_the_job_with_its_reason(user: User) -> None:
    answer = user.create(name="unlucky")
    [server_id] = answer.server_ids
    user.end(answer)
    user.end(user.stop(server_id))
    user.cloud.fault("resize:roll_back@resize_migrating*1 on unlucky")
    user.cloud.fault("resize:fail@resize_finish on unlucky")
    for status in ("SHUTOFF", "ERROR"):
        done = user.end(user.resize(server_id))
        assert (done.status, done.error_code) == ("FAIL", "Ecs.0207")
        assert "resize" in done.fail_reason
        assert user.show(server_id).status == status
        assert user.show(server_id).flavor.id == SMALL


@pytest.mark.parametrize(
    ("ask", "code", "word"),
    [
        (lambda user: user.show("nope"), 404, "Ecs.0114"),
        (lambda user: user.delete("nope"), 404, "Ecs.0114"),
        (lambda user: user.end(user.stop("nope")), 404, "Ecs.0114"),
        (lambda user: user.resize("nope"), 404, "Ecs.0114"),
        (lambda user: user.client.show_job(ShowJobRequest(job_id="nope")), 404, "Ecs.0114"),
        (lambda user: user.create(flavor_ref="huge"), 400, "Ecs.0008"),
        (lambda user: user.create(count=-1), 400, "Ecs.0005"),
        (lambda user: user.stop(), 400, "Ecs.0005"),
        (lambda user: user.reboot("WARM", "nope"), 400, "Ecs.0005"),
        (lambda user: user.start(user.create().server_ids[0]), 409, "Ecs.0100"),
    ],
    ids=[
        "show an unknown server", "delete it", "stop it", "resize it", "an unknown job",
        "an unknown flavor", "a count below 0", "no server", "an unknown type", "too early",
    ],
)  # fmt: skip
def test_the_sdk_raises_errors_with_the_reason(
    user: User, ask: Callable[[User], Any], code: int, word: str
) -> None:
    with pytest.raises(ClientRequestException) as caught:
        ask(user)
    assert (caught.value.status_code, caught.value.error_code) == (code, word)
    assert caught.value.error_msg
    assert caught.value.request_id
