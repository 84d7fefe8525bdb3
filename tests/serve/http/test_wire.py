"""Faults on the wire, and what holds on a real socket: bounds, closed connections, signals."""

from __future__ import annotations

import json
import re
import socket

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.control.routes import fault_text
from ecs_fsm.serve.http.listen import MOST_HEADERS, Settings, bind
from ecs_fsm.serve.http.middleware import MOST_BODY
from ecs_fsm.serve.http.wire import WireFault
from tests.clouds import cloud_of
from tests.edge import Edge, credentials, running
from tests.serving import soon

KNOWN = ("show_server", "os-stop")
NO_FAULT = dict.fromkeys(("fault", "servers", "wire", "request", "message", "retry_after"))
NO_FAULT |= dict.fromkeys(("first", "times", "percent", "met", "struck"))
FLAVOR = "/compute/v2.1/flavors/1"


@pytest.fixture
def edge() -> Edge:
    edge = Edge()
    edge.login(project={"name": "demo"})
    return edge


def fault(edge: Edge, asked: str) -> None:
    edge.state.wire.add(asked)


@pytest.mark.parametrize(
    "text",
    [
        "wire:503",
        "wire:503@show_server",
        "wire:429=5@os-stop#3*2%10",
        "wire:401*1",
        "wire:latency=2s",
        "wire:latency=0.25s@show_server",
        "wire:close_before@os-stop*1",
        "wire:close_after%50",
        "wire:500_after@os-stop*1",
        'wire:403="Quota exceeded"@os-stop*1',
        'wire:409=5="50 % #1 * \\"@home\\""@show_server#2',
        "wire:truncated",
        "wire:wrong_type",
        "wire:old_token*1",
        "wire:slow_body=2s",
    ],
)
def test_a_fault_reads_back_from_what_it_shows(text: str) -> None:
    read = WireFault.parse(text, KNOWN)
    assert str(read) == text


def test_a_fault_is_the_same_as_text_and_as_json() -> None:
    document = {"wire": "503", "request": "show_server", "times": 1, "percent": 10.0, "first": 3}
    read = fault_text({**NO_FAULT, **document, "retry_after": 5, "message": 'a "b" #1'})
    expected = WireFault.parse(r'wire:503=5="a \"b\" #1"@show_server#3*1%10', KNOWN)
    assert WireFault.parse(read, KNOWN) == expected
    assert WireFault.parse("latency=250ms", KNOWN).amount == 0.25


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wire:399", "a status from 400 to 599"),
        ("wire:burn", "close_after, truncated, wrong_type, old_token"),
        ('wire:latency=2s="x"', "message"),
        ('wire:403="x', "does not read"),
        ('wire:403="\\x"', "message"),
        ("wire:503@show_servers", "show_server"),
        ("wire:503@", "os-stop"),
        ("wire:latency", "latency=2s"),
        ("wire:latency=long", "latency=2s"),
        ("wire:latency=99999s", "3600"),
        ("wire:truncated=5", "without a value"),
        ("wire:503*x", "whole number"),
    ],
)
def test_an_invalid_fault_is_refused_with_the_known_words(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)):
        WireFault.parse(text, KNOWN)


@pytest.mark.parametrize(
    "document",
    [
        *[{}, {"wire": 503}, {"wire": "503", "request": 1}, {"wire": "503", "often": 2}],
        *[{"wire": "503", "servers": "web-*"}, {"wire": "503#2", "first": 2}],
        *[{"wire": "503", "times": 0}, {"wire": "503", "percent": "ten"}],
        *[{"wire": "503", "times": 1.5}, {"wire": "503", "first": [1]}],
        *[{"fault": "wire:503", "times": 2}, {"fault": "wire:503", "wire": "503"}],
    ],
)
def test_json_that_does_not_read_is_refused(edge: Edge, document: dict[str, object]) -> None:
    assert edge.ask("POST", "/_ecs/faults", json=document).status_code == 400
    assert edge.get("/_ecs/faults").json()["wire"] == []


@pytest.mark.parametrize(
    ("outcome", "key"),
    [
        ("500", "computeFault"),
        ("503", "serviceUnavailable"),
        ("429", "overLimit"),
        ("401", "unauthorized"),
    ],
)
def test_a_status_comes_in_the_shape_of_the_compute_service(
    edge: Edge, outcome: str, key: str
) -> None:
    fault(edge, f"wire:{outcome}@show_flavor*1")
    assert edge.get("/compute/v2.1/flavors").status_code == 200
    answer = edge.get(FLAVOR)
    assert answer.status_code == int(outcome)
    assert answer.json()[key]["code"] == int(outcome)
    assert edge.get(FLAVOR).status_code == 200


@pytest.mark.parametrize("status", [403, 408, 409, 502, 504])
def test_any_status_has_a_message_of_its_own(edge: Edge, status: int) -> None:
    fault(edge, f'wire:{status}="Quota exceeded"@show_flavor')
    answer = edge.get(FLAVOR)
    (found,) = answer.json().values()
    assert (answer.status_code, found["code"], found["message"]) == (
        status, status, "Quota exceeded"
    )  # fmt: skip


def test_an_error_after_the_work_leaves_it_done(edge: Edge) -> None:
    fault(edge, "wire:500_after@create_keypair*1")
    body = {"keypair": {"name": "mine", "public_key": "k"}}
    keypairs = "/compute/v2.1/os-keypairs"
    assert edge.ask("POST", keypairs, json=body).status_code == 500
    assert edge.ask("POST", keypairs, json=body).status_code == 409


def test_an_old_token_is_refused_until_there_is_a_new_one(edge: Edge) -> None:
    fault(edge, "wire:old_token@show_flavor*1")
    assert [edge.get(FLAVOR).status_code for _ in range(2)] == [401, 401]
    edge.login()
    assert edge.get(FLAVOR).status_code == 200


def test_a_body_is_cut_slow_or_of_another_type(edge: Edge) -> None:
    whole = edge.get(FLAVOR)
    fault(edge, "wire:truncated@show_flavor*1")
    fault(edge, "wire:slow_body=1ms@show_flavor*1")
    fault(edge, "wire:wrong_type@show_flavor*1")
    cut, slow, other = (edge.get(FLAVOR) for _ in range(3))
    assert whole.content.startswith(cut.content)
    assert len(cut.content) < len(whole.content) == int(cut.headers["content-length"])
    assert slow.content == other.content == whole.content
    assert other.headers["content-type"].startswith("text/html")


def test_too_many_requests_say_when_to_come_back(edge: Edge) -> None:
    fault(edge, "wire:429=7@show_flavor")
    answer = edge.get(FLAVOR)
    assert answer.headers["retry-after"] == "7"
    assert answer.json()["overLimit"]["retryAfter"] == "7"


def test_other_services_answer_a_fault_in_their_own_shape(edge: Edge) -> None:
    fault(edge, "wire:503")
    assert edge.get("/v3").json()["error"]["title"] == "Service Unavailable"
    assert "NeutronError" in edge.get("/network").json()
    assert edge.get("/image").headers["content-type"].startswith("text/html")


def test_a_route_is_meant_wherever_it_stands(edge: Edge) -> None:
    fault(edge, "wire:500@show_flavor")
    assert edge.get("/v2.1/p/flavors/1").status_code == 500
    assert edge.get("/compute/v2.1/flavors/detail").status_code == 200


def test_some_percent_of_the_requests_suffer_and_a_seed_repeats_which() -> None:
    def suffered() -> list[int]:
        edge = Edge(cloud_of(seed=5), alone=True)
        fault(edge, "wire:500@list_compute_versions%50")
        return [edge.get("/compute").status_code for _ in range(20)]

    first = suffered()
    assert {200, 500} == set(first)
    assert suffered() == first


@pytest.mark.parametrize(("path", "status"), [("/_ecs/servers", 200), ("/_ecs", 404)])
def test_the_paths_of_the_emulator_itself_never_suffer(edge: Edge, path: str, status: int) -> None:
    fault(edge, "wire:500")
    assert edge.get("/_ecsx").status_code == 500
    assert edge.get(path).status_code == status


def test_latency_comes_before_the_work(edge: Edge) -> None:
    fault(edge, "wire:latency=20ms@show_flavor*1")
    answer = edge.get(FLAVOR)
    assert answer.status_code == 200
    ((_, tally),) = edge.state.wire.active
    assert tally.struck == 1


@pytest.mark.parametrize(("outcome", "done"), [("close_before", 0), ("close_after", 1)])
def test_a_closed_connection_leaves_the_work_done_or_not(outcome: str, done: int) -> None:
    with running(f"wire:{outcome}@create_keypair*1") as server, httpx.Client() as client:
        answer = client.post(f"{server.url}/v3/auth/tokens", json=credentials())
        client.headers["X-Auth-Token"] = answer.headers["x-subject-token"]
        keypairs = f"{server.url}/compute/v2.1/os-keypairs"
        with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
            client.post(keypairs, json={"keypair": {"name": "mine", "public_key": "k"}})
        assert len(client.get(keypairs).json()["keypairs"]) == done
        _, _, log = server.end()
    assert ('os-keypairs HTTP/1.1" - -' in log) is True
    assert "Traceback" not in log


def test_an_action_suffers_by_its_key_and_reads_its_body_whole() -> None:
    edge, bodies = Edge(alone=True), []
    edge.state.wire.add("wire:503@os-stop")

    async def act(request: Request) -> Response:
        bodies.append(await request.json())
        return Response()

    edge.app.router.routes.insert(0, Route("/elsewhere/x/action", act, methods=["POST"]))
    path = "/elsewhere/x/action"
    assert edge.ask("POST", path, json={"os-start": None}).status_code == 200
    assert edge.ask("POST", path, json={"os-stop": {}}).status_code == 503
    assert bodies == [{"os-start": None}]


# Bounds and guards


@pytest.mark.parametrize("path", ["/v3/auth/tokens", "/compute/v2.1/os-keypairs"])
def test_a_body_that_is_too_large_is_a_413_in_the_shape_of_the_service(
    edge: Edge, path: str
) -> None:
    answer = edge.ask("POST", path, content=b"x" * (MOST_BODY + 1))
    assert answer.status_code == 413
    assert next(iter(answer.json().values()))["code"] == 413


def test_a_body_without_its_size_is_bounded_as_well() -> None:
    with running("wire:500@create_keypair#1000000") as server, httpx.Client() as client:
        chunks = (b" " * 65536 for _ in range(64))
        headers = {"content-type": "application/json"}
        answer = client.post(f"{server.url}/v3/auth/tokens", content=chunks, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, 413)


def answered(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b"reset"


def test_headers_are_bounded_in_one_piece_and_in_many() -> None:
    with running() as server:
        line = b"X-Filler: " + b"a" * 1000 + b"\r\n"
        enough, too_many = 60, MOST_HEADERS // 1000 + 8
        for count, status in ((enough, b"200"), (too_many, b"431")):
            with server.connect() as connection:
                head = b"GET /compute HTTP/1.1\r\nHost: localhost\r\n"
                connection.sendall(head + line * count + b"\r\n")
                assert answered(connection).split(b" ")[1] == status
        with server.connect() as connection:
            connection.sendall(b"GET /compute HTTP/1.1\r\nHost: localhost\r\nX-Endless: ")
            connection.settimeout(0.05)
            answer = b""
            for _ in range(200):  # far more than is allowed
                try:
                    connection.sendall(b"a" * 8192)
                    answer = connection.recv(100)
                    break
                except TimeoutError:
                    continue
                except OSError:
                    break
            assert answer.split(b" ")[1:2] in ([b"431"], [])
            assert server.process.poll() is None


def test_data_that_is_not_http_is_a_400() -> None:
    with running() as server, server.connect() as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/", "evil.example", 403),
        ("/", "localhost:8774", 200),
        ("/", "127.0.0.1", 200),
        ("/", "[::1]:8774", 200),
        ("/_ecs/x", "evil.example", 403),
        ("/_ecs/x", "localhost.evil.example", 403),
        ("/_ecs/x", "localhost", 404),
        ("/compute", "cloud.example", 403),
        ("/compute/v2.1/servers", "evil.example:8774", 403),
        ("/compute", "cloud", 200),
        ("/compute", "[fe80::1]", 200),
        ("/compute", "192.0.2.7:80", 200),
    ],
)
def test_a_name_of_another_site_reaches_nothing(
    edge: Edge, path: str, host: str, status: int
) -> None:
    assert edge.get(path, Host=host).status_code == status


LOGIN = "/identity/v3/auth/tokens"


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("cloud.example", None, 403),
        ("cloud", None, 201),
        ("localhost", "http://localhost", 201),
        ("evil.example", "http://evil.example", 403),
        ("localhost", "http://evil.example", 403),
        ("127.0.0.1:8774", "null", 403),
    ],
)
def test_a_browser_logs_in_only_from_a_page_of_this_server(
    edge: Edge, host: str, origin: str | None, status: int
) -> None:
    headers = {"Host": host} | ({"Origin": origin} if origin else {})
    answer = edge.ask("POST", LOGIN, json=credentials(), headers=headers)
    assert answer.status_code == status
    assert ("x-subject-token" in answer.headers) is (status == 201)


def test_who_listens_for_all_is_reached_by_any_name() -> None:
    assert Edge(host="192.0.2.7").get("/", Host="cloud.example").status_code == 200


def test_a_name_with_a_dot_is_known_if_it_was_allowed() -> None:
    for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - nothing listens
        edge = Edge(host=host, allowed_hosts=("Cloud.example",))
        found = [edge.get("/", Host=f"{name}.example").status_code for name in ("cloud", "evil")]
        assert found == [200, 403]
    assert "--allow-host" in edge.get("/", Host="evil.example").text


def test_two_host_headers_are_an_error(edge: Edge) -> None:
    answer = edge.ask("GET", "/", headers=httpx.Headers([("Host", "localhost"), ("Host", "b")]))
    assert answer.status_code == 400


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 400 + ".0"])
def test_numbers_that_are_none_are_refused(edge: Edge, number: str) -> None:
    answer = edge.ask("POST", "/_ecs/advance", content=f'{{"seconds": {number}}}')
    assert answer.status_code == 400
    assert "not finite" in answer.text


@pytest.mark.parametrize(
    ("method", "origin", "status"),
    [
        ("POST", "http://localhost", 404),
        ("POST", "http://evil.example", 403),
        ("POST", "null", 403),
        ("DELETE", "http://localhost:1", 403),
        ("GET", "http://evil.example", 403),
    ],
)
def test_a_page_of_another_site_cannot_change_anything(
    edge: Edge, method: str, origin: str, status: int
) -> None:
    answer = edge.ask(method, "/_ecs/x", headers={"Origin": origin, "Host": "localhost"})
    assert answer.status_code == status


# The process


@pytest.mark.timed
def test_a_signal_ends_it_within_a_second_whatever_is_open() -> None:
    def ended() -> float:
        with running() as server, server.connect() as idle, server.connect() as stream:
            idle.sendall(b"GET /compute HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.recv(65536).startswith(b"HTTP/1.1 200")
            stream.sendall(b"GET /_ecs/endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = b""
            while b"data: 1" not in received:
                received += stream.recv(65536)
            seconds, out, log = server.end()
            assert server.process.returncode == 0
        assert out == "ended\n"
        assert "Traceback" not in log
        return seconds

    assert soon(ended, 1)


def test_a_bug_is_in_the_log_and_not_in_the_response() -> None:
    with running() as server:
        answer = httpx.get(f"{server.url}/compute/broken")
        assert (answer.status_code, list(answer.json())) == (500, ["computeFault"])
        assert "secret" not in answer.text
        _, _, log = server.end()
    assert "RuntimeError: a secret of the inside" in log


def test_each_request_is_one_line_that_log_readers_know() -> None:
    with running() as server:
        agent = 'some"body\\'
        httpx.get(f"{server.url}/compute?x=%0a", headers={"User-Agent": agent})
        _, _, log = server.end()
    (line,) = log.splitlines()
    assert re.fullmatch(
        r"127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "
        r'"GET /compute\?x=%0a HTTP/1\.1" 200 \d+ "-" "some\\"body\\\\"',
        line,
    )
    assert json.dumps(line)


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with bind(Settings(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"port {port}"):
            bind(Settings(port=port))
