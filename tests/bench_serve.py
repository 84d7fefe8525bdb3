"""How fast and how small the served cloud is, beside moto's server, each in a process of its own.

Clients are processes too, and keep their connection. In a cloud of 10,000 servers all are in
progress, and steps of them end all the time.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import urlencode

from tests.bench_rows import Row
from tests.command import COMMAND
from tests.serving import LOGIN

ROUNDS, SECONDS = 5, 2.0
SERVERS, AT_ONCE, RATE, REQUESTS = 10_000, 1000, 200, 4000
SLOW = "0.4"
"""The speed at which the steps of 10,000 servers in their creation end at hundreds a second."""
MINUTE = 60
HOST = "127.0.0.1"
JSON = {"Content-Type": "application/json"}
FORM = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/ec2/aws4_request, "
    "SignedHeaders=host, Signature=a",
}


class Request(NamedTuple):
    """What a client sends, again and again."""

    port: int
    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: str | None = None

    def ask(self, connection: http.client.HTTPConnection) -> tuple[bytes, str]:
        """The answer, and its token if it has one. Raise for anything but success."""
        connection.request(self.method, self.path, self.body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{self.method} {self.path}: {answer.status} {content[:200]!r}")
        return content, answer.headers.get("X-Subject-Token", "")

    def once(self) -> tuple[bytes, str]:
        """The answer over a connection of its own."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        try:
            return self.ask(connection)
        finally:
            connection.close()


def client() -> None:
    """The client's process: a request and how to send it come in, what it took goes out.

    With a rate, requests are sent at their times, and those that come late count from then.
    """
    given = json.loads(sys.stdin.readline())
    request, rate, count = Request(*given["request"]), given["rate"], given["count"]
    connection = http.client.HTTPConnection(HOST, request.port, timeout=60)
    request.ask(connection)
    begun = time.perf_counter()
    took: list[float] = []
    while len(took) < count and (rate or time.perf_counter() - begun < given["seconds"]):
        due = begun + len(took) / rate if rate else time.perf_counter()
        time.sleep(max(0.0, due - time.perf_counter()))
        request.ask(connection)
        took.append(time.perf_counter() - due)
    spent = time.perf_counter() - begun
    print(json.dumps({"rate": len(took) / spent, "took": sorted(took)}))


def load(
    request: Request, *, rate: float = 0, count: int = 10**9, seconds: float = SECONDS
) -> tuple[float, list[float]]:
    """Requests a second of a client in a process of its own, and how long each took, in order."""
    given = {"request": request, "rate": rate, "count": count, "seconds": seconds}
    done = subprocess.run(
        [sys.executable, "-c", "from tests.bench_serve import client; client()"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    return found["rate"], found["took"]


class Cloud:
    """`ecs-fsm serve` in a process of its own."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [COMMAND, "serve", "--port", "0", "--seed", "7", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[2]
        self.port = int(self.url.rpartition(":")[2])
        self.headers = JSON

    def login(self) -> None:
        """Has what follows bear a token."""
        path = "/identity/v3/auth/tokens"
        _, token = Request(self.port, "POST", path, JSON, json.dumps(LOGIN)).once()
        self.headers = {**JSON, "X-Auth-Token": token, "X-OpenStack-Nova-API-Version": "2.96"}

    def get(self, path: str) -> Request:
        """A request for what is at the path."""
        return Request(self.port, "GET", path, self.headers)

    def create(self, count: int) -> str:
        """The id of one of so many new servers."""
        image = json.loads(self.get("/image/v2/images").once()[0])["images"][0]["id"]
        server = {"name": "web", "flavorRef": "1", "imageRef": image, "networks": "none"}
        body = json.dumps({"server": {**server, "min_count": count}})
        path = "/compute/v2.1/servers"
        answer, _ = Request(self.port, "POST", path, self.headers, body).once()
        return str(json.loads(answer)["server"]["id"])

    def events(self) -> int:
        """How many changes there have been."""
        return int(json.loads(self.get("/_ecs/servers").once()[0])["changes"])

    def memory(self) -> float:
        """The most memory that it has had, in MB."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


@contextmanager
def cloud(*options: str) -> Iterator[Cloud]:
    """A cloud with a user logged in."""
    served = Cloud(*options)
    try:
        served.login()
        yield served
    finally:
        served.process.kill()
        served.process.communicate()


@contextmanager
def moto() -> Iterator[Request]:
    """A request for one instance to moto's server."""
    import socket

    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    script = "from moto.server import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script, "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def call(action: str, **more: str | int) -> Request:
        body = urlencode({"Action": action, "Version": "2016-11-15", **more})
        return Request(port, "POST", "/", FORM, body)

    try:
        for _ in range(600):
            try:
                call("DescribeInstances").once()
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        body, _ = call("RunInstances", ImageId="ami-1", MinCount=1, MaxCount=1).once()
        name = body.partition(b"<instanceId>")[2].partition(b"<")[0].decode()
        yield call("DescribeInstances", **{"InstanceId.1": name})
    finally:
        process.kill()
        process.wait()


def throughput() -> Row:
    """GET of one server a second, and moto's describing one instance, in turns."""
    with cloud() as ours, moto() as theirs:
        own = ours.get(f"/compute/v2.1/servers/{ours.create(1)}")
        rates = [(load(own)[0], load(theirs)[0]) for _ in range(ROUNDS)]
    ratio = median(a / b for a, b in rates)
    fast, slow = (f"{median(rate):.0f} / s" for rate in zip(*rates, strict=True))
    what = "GET of a server / moto, one instance"
    return Row(what, fast, slow, f"{ratio:.1f} x", "at least 8 x", ratio >= 8)


def crowd() -> list[Row]:
    """What 10,000 servers in progress take, and how late a GET is among them."""
    with cloud("--speed", SLOW) as ours:
        for _ in range(SERVERS // AT_ONCE):
            one = ours.create(AT_ONCE)
        before = ours.events()
        begun = time.perf_counter()
        _, took = load(ours.get(f"/compute/v2.1/servers/{one}"), rate=RATE, count=REQUESTS)
        steps = (ours.events() - before) / (time.perf_counter() - begun)
        memory = ours.memory()
    late = took[int(len(took) * 0.99)] * 1e3
    what = f"{SERVERS:,} servers in progress"
    p99, rate = f"{late:.1f} ms", f"{steps:.0f} steps / s"
    return [
        Row(f"{what}: memory", "", "", f"{memory:.0f} MB", "at most 400 MB", memory <= 400),
        Row(f"{what}: p99 at {RATE} / s", rate, "", p99, "at most 50 ms", late <= 50),
        Row(f"{what}: steps", rate, "", rate, "at least 100 / s", steps >= 100),
    ]


def start() -> Row:
    """From the command to the first answer."""
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        served = Cloud()
        served.get("/compute").once()
        took.append(time.perf_counter() - begun)
        served.process.kill()
        served.process.communicate()
    figure = f"{median(took):.2f} s"
    return Row("command to first answer", figure, "", figure, "at most 1.5 s", median(took) <= 1.5)


def life() -> Row:
    """A server's life through openstacksdk, waits included."""
    import openstack

    with cloud("--speed", "1000") as ours:
        user = {"username": "admin", "password": "any", "project_name": "demo"}
        domains = {"user_domain_name": "Default", "project_domain_name": "Default"}
        sdk = openstack.connect(
            auth={"auth_url": f"{ours.url}/identity/v3", **user, **domains}, region_name="RegionOne"
        )
        begun, compute = time.perf_counter(), sdk.compute
        image = next(iter(sdk.image.images()))
        server = compute.create_server(
            name="web", flavor_id="1", image_id=image.id, networks="none"
        )
        server = compute.wait_for_server(server, interval=0.05)
        compute.stop_server(server)
        server = compute.wait_for_server(
            compute.get_server(server.id), status="SHUTOFF", interval=0.05
        )
        compute.resize_server(server, "2")
        server = compute.wait_for_server(
            compute.get_server(server.id), status="VERIFY_RESIZE", interval=0.05
        )
        compute.confirm_server_resize(server)
        server = compute.wait_for_server(
            compute.get_server(server.id), status="SHUTOFF", interval=0.05
        )
        compute.delete_server(server)
        compute.wait_for_delete(server, interval=0.05)
        took = time.perf_counter() - begun
    figure = f"{took:.1f} s"
    return Row("a life through openstacksdk", figure, "", figure, "at most 5 s", took <= 5)


def anything(lifecycle: str) -> Row:
    """A minute of whatever the server's own document allows, and what it does not."""
    import tempfile

    from tests.fuzzing import try_anything
    from tests.serving import served_apart

    with (
        tempfile.TemporaryDirectory() as directory,
        served_apart("--lifecycle", lifecycle, "--seed", "7") as served,
    ):
        tried = try_anything(served, Path(directory), MINUTE)
        served.end()
        count = served.log.all().count(" HTTP/1.1")
    figure = "nothing wrong" if tried.well else tried.report[-400:]
    size = f"{count:,} requests"
    return Row(f"schemathesis, a minute, {lifecycle}", size, "", figure, "nothing", tried.well)


def rows() -> list[Row]:
    """Everything about the served cloud."""
    return [throughput(), *crowd(), start(), life(), anything("ecs"), anything("nova")]
