"""What a client sends cannot make the served cloud grow without end, nor break what it keeps."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import cast

import pytest

from ecs_fsm.core.errors import InvalidInput, Refused
from ecs_fsm.serve.cloud import requests, snapshot
from ecs_fsm.serve.cloud.instance import HistoryEntry
from ecs_fsm.serve.cloud.store import StateFile
from ecs_fsm.serve.compute import kinds
from ecs_fsm.serve.http import listen
from tests.clouds import LONG, USER, cloud_of
from tests.compute import CIRROS
from tests.edge import Edge
from tests.own_thread import run_in_own_thread
from tests.serve.cloud.test_cloud import running

CREATE = "/compute/v2.1/servers"


def test_the_past_of_a_server_that_is_rebooted_for_days_is_bounded_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "MOST_PAST", 50)
    file = str(tmp_path / "cloud.db")
    cloud = cloud_of(state=file)
    instance = running(cloud)
    before, entries = len(instance.history), list[HistoryEntry]()
    cloud.schedule.entries.append(lambda _, entry: entries.append(entry))
    for _ in range(30):
        cloud.request(instance, "reboot", {}, USER)
        cloud.advance(LONG)
        for _ in range(2):
            with pytest.raises(Refused):
                cloud.request(instance, "resize", {}, USER)
    past = len(instance.history), len(instance.requests)
    totals = [gone + left for gone, left in zip(instance.forgotten, past, strict=True)]
    assert totals == [before + len(entries), 1 + 30 * 3]
    assert totals[0] > 50 >= len(instance.history)
    assert totals[1] > 50 >= len(instance.requests)
    history, asked, state = list(instance.history), list(instance.requests), instance.state
    cloud.close()
    again = cloud_of(state=file)
    (kept,) = again.instances.values()
    assert (kept.history, kept.requests, kept.state) == (history, asked, state)
    assert kept.forgotten == instance.forgotten
    again.request(kept, "reboot", {}, USER)
    again.close()
    read = StateFile(file)
    names = [name for name, _ in read.all("server")]
    read.close()
    assert sum("/seen/" in name for name in names) == len(kept.history) <= 50
    assert sum("/asked/" in name for name in names) == len(kept.requests) <= 50


def test_refused_requests_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MOST_PAST", 50)
    cloud = cloud_of()
    instance = running(cloud)
    counts = []
    for _ in range(60):
        with pytest.raises(Refused, match="not documented"):
            cloud.request(instance, "resize", {}, USER)
        counts.append(len(instance.requests))
    assert counts[47:51] == [49, 50, 45, 46]


def test_faults_and_scenarios_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "MOST", 3)
    cloud = cloud_of()
    for _ in range(3):
        cloud.orders.add("resize:fail@resize_prep")
        cloud.orders.add_scenario(["create"])
    with pytest.raises(InvalidInput, match="remove some"):
        cloud.orders.add("resize:fail@resize_prep")
    with pytest.raises(InvalidInput, match="remove some"):
        cloud.orders.add_scenario(["create"])


def test_keypairs_are_bounded_for_one_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "MOST_OF_ALL", 3)
    edge, path = Edge(cloud_of()), "/compute/v2.1/os-keypairs"
    cast(dict[str, int], edge.state.cloud.catalog.quotas)["key_pairs"] = 2

    def code(user: str, name: str) -> int:
        edge.login(user, project={"name": "demo"})
        return edge.ask("POST", path, json={"keypair": {"name": name}}).status_code

    assert [code("one", name) for name in "abc"] == [200, 200, 403]
    assert [code("two", name) for name in "ab"] == [200, 403]


@pytest.mark.parametrize(
    "name",
    ['"\\ud800"', '"a\\ndelete"', '"a\\u0000b"', '"\\u202eevil"', '"\\u001b[31m"'],
)
def test_a_name_that_does_not_print_is_a_400(name: str) -> None:
    edge = Edge()
    edge.login(project={"name": "demo"})
    body = f'{{"server": {{"name": {name}, "flavorRef": "1", "networks": "none"}}}}'
    headers = {"Content-Type": "application/json", "OpenStack-API-Version": "compute 2.96"}
    answer = edge.ask("POST", CREATE, content=body, headers=headers)
    assert (answer.status_code, list(answer.json())) == (400, ["badRequest"])


@pytest.mark.parametrize(
    "body",
    [
        b'{"server": {"name": "a", "flavorRef": "\\udfff"}}',
        b'{"server": {"name": "a", "accessIPv4": "\\uD800", "flavorRef": "1"}}',
        b'{"\\ud800": 1}',
        b"[" * 200_000,
        b'{"server": {"name": "a", "flavorRef": NaN}}',
        b'{"server": {"name": "a", "flavorRef": "1", "min_count": Infinity}}',
        b'{"server": {"name": "a", "flavorRef": "1", "min_count": ' + b"9" * 5000 + b"}}",
        b'{"server": {"name": "\xff\xfe"}}',
    ],
    ids=["half", "half kept", "half key", "deep", "nan", "infinity", "long number", "no utf-8"],
)
def test_a_body_that_is_not_json_is_a_400(body: bytes) -> None:
    edge = Edge()
    edge.login(project={"name": "demo"})
    headers = {"Content-Type": "application/json"}
    answer = edge.ask("POST", CREATE, content=body, headers=headers)
    assert (answer.status_code, list(answer.json())) == (400, ["badRequest"])


def test_a_whole_character_of_two_halves_is_one() -> None:
    edge = Edge()
    edge.login(project={"name": "demo"})
    body = (
        '{"server": {"name": "web", "flavorRef": "1", "imageRef": "IMAGE",'
        ' "metadata": {"mood": "\\ud83d\\ude00"}}}'
    ).replace("IMAGE", CIRROS)
    headers = {"Content-Type": "application/json"}
    answer = edge.ask("POST", "/compute/v2.1/servers", content=body, headers=headers)
    assert answer.status_code == 202
    (server,) = edge.cloud.instances.values()
    assert server.metadata == {"mood": "\N{GRINNING FACE}"}


def test_a_client_that_does_not_end_its_request_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    from ecs_fsm.testing import served

    monkeypatch.setattr(listen, "SLOWEST", 0.5)
    pieces = (
        b"",
        b"GET /compute HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /_ecs/advance HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
        b"GET /compute HTTP/1.1\r\nHost: localhost\r\n\r\nGET /compute HTTP/1.1\r\n",
    )

    async def cut(port: int, piece: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(piece)
        read = b""
        try:
            while more := await asyncio.wait_for(reader.read(65536), 120):
                read += more
        except ConnectionResetError:
            pass
        finally:
            writer.close()
        return read

    async def all_cut(port: int) -> list[bytes]:
        return await asyncio.gather(*(cut(port, piece) for piece in pieces))

    with served(speed=0) as cloud:
        read = run_in_own_thread(all_cut(int(cloud.url.rpartition(":")[2])))
    assert read[:2] == [b"", b""]
    assert read[3].startswith(b"HTTP/1.1 200")


def test_a_connection_too_many_is_a_503_and_the_others_are_served_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ecs_fsm.testing import served

    monkeypatch.setattr(listen, "MOST_CONNECTIONS", 2)

    def status(connection: HTTPConnection) -> int:
        connection.request("GET", "/compute")
        answer = connection.getresponse()
        answer.read()
        return answer.status

    with served(speed=0) as cloud, ExitStack() as stack:
        port = int(cloud.url.rpartition(":")[2])
        first, second, third = (
            stack.enter_context(closing(HTTPConnection("127.0.0.1", port, timeout=120)))
            for _ in range(3)
        )
        assert [status(each) for each in (first, second, third)] == [200, 200, 503]
        assert [status(each) for each in (first, second)] == [200, 200]


def test_a_user_that_only_looks_leaves_nothing_behind() -> None:
    edge = Edge()
    edge.login("somebody", project={"name": "demo"})
    assert edge.get("/compute/v2.1/os-keypairs").json() == {"keypairs": []}
    kept = edge.state.cloud.resources.of("keypairs")
    assert (len(kept), kept.by("user_id", "x")) == (0, [])
