"""The command that serves a cloud, as a process: how it begins, how it ends, and what it keeps."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from ecs_fsm.serve.http import listen
from tests.command import ecs_fsm
from tests.serving import SERVERS, Served, served_apart, soon

COMBINED = re.compile(
    r'\S+ - \S+ \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "[A-Z]+ \S+ HTTP/1\.1" \d{3} (\d+|-) '
    r'"[^"]*" "[^"]*"'
)
LIFECYCLES = ("ecs", "nova")
FOR_EVER = 1e6


# The end


@pytest.mark.timed
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_and_everything_is_kept(
    number: signal.Signals, tmp_path: Path
) -> None:
    kept = ("--speed", "0", "--state", str(tmp_path / "cloud.db"))
    server = ""
    shown: tuple[str, str | None] = ("", None)
    before: list[dict[str, Any]] = []

    def ended() -> float:
        nonlocal server, shown, before
        with served_apart(*kept) as cloud:
            server = cloud.create()
            cloud.advance(steps=2)
            shown, before = cloud.state(server), cloud.history(server)
            with cloud.admin.stream("GET", "/_ecs/events") as stream:
                assert next(stream.iter_lines()) == ": changes"
                took = cloud.end(number)
            assert cloud.process.returncode == 0
            log = cloud.log.all()
        assert [line for line in log.splitlines() if not COMBINED.fullmatch(line)] == []
        return took

    assert soon(ended, 1)
    with served_apart(*kept) as cloud:
        assert (cloud.state(server), cloud.history(server)) == (shown, before)


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_after_a_kill_a_stopped_clock_goes_on_where_it_was(lifecycle: str, tmp_path: Path) -> None:
    kept = ("--lifecycle", lifecycle, "--speed", "0", "--state", str(tmp_path / "cloud.db"))
    with served_apart(*kept, "--seed", "3") as cloud:
        servers = [cloud.create(f"web-{n}") for n in range(3)]
        cloud.advance(steps=4)
        before = [cloud.history(server) for server in servers]
        cloud.end(signal.SIGKILL)
    with served_apart(*kept) as cloud:
        assert [cloud.history(server) for server in servers] == before
        cloud.advance(seconds=FOR_EVER)
        assert {cloud.state(server) for server in servers} == {("active", None)}
        assert cloud.act(servers[0], "os-stop") == 202
        cloud.end(signal.SIGKILL)
    with served_apart(*kept) as cloud:
        assert cloud.state(servers[0]) == ("active", "powering-off")
        cloud.advance(seconds=FOR_EVER)
        assert cloud.state(servers[0]) == ("stopped", None)


def test_after_a_kill_a_running_clock_goes_on_and_a_new_token_is_needed(
    tmp_path: Path,
) -> None:
    kept = ("--speed", "2", "--seed", "5", "--state", str(tmp_path / "cloud.db"))
    with served_apart(*kept) as cloud:
        server = cloud.create()
        before = cloud.history(server)
        cloud.end(signal.SIGKILL)
        token = cloud.admin.headers["X-Auth-Token"]
    with served_apart(*kept) as cloud:
        old = httpx.get(f"{cloud.url}{SERVERS}", headers={"X-Auth-Token": token})
        assert old.status_code == 401
        after = cloud.history(server)
        assert after[: len(before)] == before
        assert cloud.state(server)[0] == "building"
        cloud.advance(seconds=FOR_EVER)
        assert cloud.state(server) == ("active", None)


# The beginning


def refused(*arguments: str) -> str:
    """What the command says that refuses to begin, in one line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listen, "serve_until_signal", lambda *_, **__: pytest.fail("it begins"))
        answer = ecs_fsm("serve", "--port", "0", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert "Traceback" not in answer.err
    last = answer.err.strip().splitlines()[-1]
    assert answer.err.count("\n") == 1 or last.startswith("Error: ")
    return last


BROKEN = b"SQLite format 3\x00 and nothing else"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fault", "resize:burn@resize_prep"], "burn"),
        (["--fault", "wire:299"], "299"),
        (["--set", "x"], "--set x: expected NAME=TIME"),
        (["--set", "x=1h"], "x"),
        (["--speed", "-1"], "--speed"),
        (["--profile", "{bad}"], "bad"),
        (["--profile", "{none}"], "none"),
        (["--state", "{bad}"], "bad"),
        (["--record", "{bad}"], "already"),
        (["--token-lifetime", "soon"], "soon"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_does_not_read_is_one_line_and_nothing_is_overwritten(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(BROKEN)
    message = refused(*(a.format(bad=bad, none=tmp_path / "none") for a in arguments))
    assert said in message
    assert bad.read_bytes() == BROKEN
    assert [file.name for file in tmp_path.iterdir()] == ["bad"]


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = ecs_fsm("serve", "--port", str(port))
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert str(port) in answer.err


def test_a_second_server_on_one_state_file_is_refused(tmp_path: Path) -> None:
    file = str(tmp_path / "cloud.db")
    with served_apart("--state", file, "--speed", "0") as cloud:
        server = cloud.create()
        assert "another process is using it" in refused("--state", file)
        assert cloud.state(server)[0] == "building"


OPEN = (
    "ecs-fsm: 0.0.0.0 is open to other machines, and passwords are not checked; without "
    "--allow-host, a web page whose name leads to this machine can read and change everything"
)


def test_who_listens_for_others_is_warned_in_one_line() -> None:
    with served_apart("--host", "0.0.0.0") as cloud:  # noqa: S104 - this is what is warned of
        warning = cloud.log.until("open to other machines")
        assert warning.splitlines()[0] == OPEN
        assert warning.count("open to other machines") == 1
        assert cloud.url.startswith("http://127.0.0.1:")


# What is printed


def pasted(message: str, title: str) -> str:
    """What stands below a title, up to the next empty line."""
    return message.partition(f"# {title}\n")[2].partition("\n\n")[0]


LISTS = "import openstack; print([f.name for f in openstack.connect({}).compute.flavors()][:1])"


def test_what_is_printed_works_when_it_is_pasted(tmp_path: Path) -> None:
    with served_apart() as cloud:
        (tmp_path / "clouds.yaml").write_text(
            pasted(cloud.printed, "clouds.yaml"), encoding="utf-8"
        )
        plain = {name: v for name, v in os.environ.items() if not name.startswith("OS_")}
        run = (sys.executable, "-W", "ignore", "-c")
        shell = f'{pasted(cloud.printed, "shell")}\nexec "$@"'
        for command in (
            [*run, LISTS.format("cloud='ecs-fsm'")],
            ["sh", "-c", shell, "sh", *run, LISTS.format("")],
        ):
            done = subprocess.run(
                command, cwd=tmp_path, env=plain, capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stdout[:2]) == (0, "['"), done.stderr


# What is written


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_replay_explains_what_was_recorded_of_several_servers(
    lifecycle: str, tmp_path: Path
) -> None:
    record = tmp_path / "changes.jsonl"
    options = ("--lifecycle", lifecycle, "--speed", "0", "--record", str(record))
    with served_apart(*options, "--fault", "resize:fail@resize_finish on web-1") as cloud:
        servers = [cloud.create(f"web-{n}") for n in range(3)]
        cloud.advance(seconds=FOR_EVER)
        for action, argument in (
            ("reboot", {"type": "HARD"}),
            ("os-stop", None),
            ("resize", {"flavorRef": "2"}),
        ):
            assert [cloud.act(server, action, argument) for server in servers] == [202] * 3
            cloud.advance(seconds=FOR_EVER)
        assert [cloud.server(s)["status"] for s in servers] == [
            "VERIFY_RESIZE",
            "ERROR",
            "VERIFY_RESIZE",
        ]
        assert cloud.act(servers[0], "confirmResize") == 204
        cloud.advance(seconds=FOR_EVER)
        for server in servers[:2]:
            assert cloud.admin.delete(f"{SERVERS}/{server}").status_code == 204
        cloud.advance(seconds=FOR_EVER)
        cloud.end()
    answer = ecs_fsm("replay", "--lifecycle", lifecycle, str(record))
    assert answer.code == 0, answer.out
    lines = record.read_text(encoding="utf-8").splitlines()
    assert len(lines) > 30


def answers_at_once(cloud: Served, server: str, count: int) -> list[int]:
    """What so many requests to stop a server are answered, sent at the same moment."""
    head = (
        f"POST {SERVERS}/{server}/action HTTP/1.1\r\nHost: {cloud.url[7:]}\r\n"
        f"X-Auth-Token: {cloud.admin.headers['X-Auth-Token']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 17\r\nConnection: close\r\n\r\n"
    ).encode()
    address = ("127.0.0.1", httpx.URL(cloud.url).port or 0)
    connections = [socket.create_connection(address, timeout=120) for _ in range(count)]
    for connection in connections:
        connection.sendall(head + b'{"os-stop": null')

    def answer(connection: socket.socket) -> int:
        with connection:
            connection.sendall(b"}")
            return int(connection.recv(65536).split(b" ")[1])

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(answer, connections))


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_exactly_one_of_many_requests_at_once_is_accepted(lifecycle: str) -> None:
    with served_apart("--lifecycle", lifecycle, "--speed", "0") as cloud:
        server = cloud.create()
        cloud.advance(seconds=FOR_EVER)
        assert answers_at_once(cloud, server, 20) == [202] + [409] * 19
        assert [row["task_state"] for row in cloud.history(server)].count("powering-off") == 1
