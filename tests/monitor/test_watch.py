"""A watch of an emulated cloud whose clock moves only while the watch sleeps."""

from __future__ import annotations

import json
import logging
import socket
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import openstack
import pytest
from openstack.connection import Connection
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.lifecycles import server_class
from ecs_fsm.monitor import display
from ecs_fsm.monitor.client import CloudAnswer, CloudClient
from ecs_fsm.monitor.metrics import MetricsServer, WatchMetrics
from ecs_fsm.monitor.polling import CloudPoll, CloudPolls
from ecs_fsm.monitor.tracking import Happened
from ecs_fsm.monitor.watch import Lines, Watch, WatchSettings
from ecs_fsm.records.record import Record
from ecs_fsm.replay.overdue import Overdue
from ecs_fsm.testing.emulator import EcsCloud, served
from tests.command import ecs_fsm

pytestmark = [
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # the sessions of its clients
]
HOUR = 3600.0
ONE = WatchSettings("test", polls=1)


class Heard:
    """What a watch said: polls as JSON, and lines about failures."""

    def __init__(self) -> None:
        self.polls: list[CloudPoll] = []
        self.happened: list[Happened] = []
        self.failures: list[str] = []

    def polled(self, poll: CloudPoll, happened: Happened, late: Sequence[Overdue]) -> None:
        self.polls.append(poll)
        self.happened.append(happened)

    def failed(self, line: str) -> None:
        self.failures.append(line)

    @property
    def told(self) -> list[tuple[str, ...] | None]:
        return [change.events for one in self.happened for change in one.changes]


def connected(cloud: EcsCloud, user: str = "admin") -> Connection:
    words: dict[str, Any] = dict(cloud.auth(user))
    return openstack.connect(**words)


def made(connection: Connection, count: int) -> list[str]:
    """The ids of new servers, `web-0` and so on."""
    image = next(connection.image.images()).id
    rows = (
        connection.compute.create_server(
            name=f"web-{n}", flavor_id="1", image_id=image, networks="none"
        )
        for n in range(count)
    )
    return [str(row.id) for row in rows]


@pytest.fixture(scope="module", params=["ecs", "nova"])
def hour(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[
    tuple[Watch, Heard, list[str], Path]
]:  # fmt: skip
    """An hour of a cloud in which stops hang, and resizes fail, while others do not."""
    record = tmp_path_factory.mktemp("hour") / "polls.jsonl"
    lifecycle = server_class(request.param).lifecycle
    with served(lifecycle=request.param, speed=0) as cloud:
        user = connected(cloud)
        ids = made(user, 6)
        cloud.advance(600)
        user.compute.stop_server(ids[2])
        cloud.advance(600)
        cloud.fault("stop:hang@powering-off on web-1")
        cloud.fault("resize:fail@resize_finish on web-2")
        sleeps = 0

        def sleep(seconds: float) -> None:
            nonlocal sleeps
            sleeps += 1
            if sleeps == 2:
                user.compute.stop_server(ids[0])
                user.compute.stop_server(ids[1])
                user.compute.resize_server(ids[2], "2")
                user.compute.delete_server(ids[3])
            cloud.advance(seconds)

        settings = WatchSettings("test", interval=60, polls=int(HOUR / 60), record=str(record))
        watch, heard = Watch(CloudClient(user), lifecycle, settings, sleep=sleep), Heard()
        watch.run(heard)
        yield watch, heard, ids, record


Hour = tuple[Watch, Heard, list[str], Path]


def test_after_an_hour_exactly_the_servers_that_hang_are_overdue(hour: Hour) -> None:
    watch, _, ids, _ = hour
    (late,) = watch.late
    assert late.standing.row.server == ids[1]
    assert HOUR - 300 < late.at_least <= (late.at_most or 0) < HOUR
    assert {way.events[0] for way in late.frees} >= {"delete"}


def test_what_happened_is_told_and_who_requested_what_hangs(hour: Hour) -> None:
    watch, heard, ids, _ = hour
    told = [event for events in heard.told if events for event in events]
    assert {"stop", "delete"} <= {*told}
    assert any(event.startswith(("fail", "abort", "roll_back")) for event in told)
    assert ids[3] not in watch.tracking.servers
    request = watch.tracking.servers[ids[1]].request
    assert request is not None
    assert (request.action, request.request_id[:4], bool(request.host)) == ("stop", "req-", True)
    assert all(watch.tracking.servers[i].request is None for i in (ids[0], ids[2], ids[4]))


def test_most_polls_ask_for_changes_only(hour: Hour) -> None:
    _, heard, _, _ = hour
    full = [n for n, poll in enumerate(heard.polls) if poll.full]
    assert full == [*range(0, 60, 10)]
    assert max(len(p.servers) for p in heard.polls if not p.full) < 6


def test_the_record_is_read_by_replay_and_by_fleet_fit(hour: Hour) -> None:
    watch, _, ids, path = hour
    record = Record(watch.tracking.lifecycle, [str(path)])
    rows = record.follow(list)
    assert (record.format, record.complete, record.servers) == ("servers", False, 6)
    own = [row for row in rows if row.server == ids[1]]
    assert [str(row) for row in own[:2]] == ["active/-"] * 2
    assert {str(row) for row in own[2:]} == {"active/powering-off"}
    # The last row of a state is that of the poll before the change.
    assert (own[2].time or 0) - (own[1].time or 0) <= 61
    # What has not come to rest is written once more at the end.
    assert own[-1].time == pytest.approx(watch.tracking.at, abs=1)
    gone = [row for row in rows if row.server == ids[3]]
    assert str(gone[-1]) == "deleted/-"
    words = ("replay", "--lifecycle", watch.tracking.lifecycle.name, "--json", str(path))
    answer = ecs_fsm(*words)
    assert [one["server"] for one in json.loads(answer.out)["overdue"]] == [ids[1]]


class PagedClient(CloudClient):
    """A cloud whose list has three pages; it keeps what was requested."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    def get(self, path: str, query: Mapping[str, str], minor: int = 1) -> CloudAnswer:
        assert path == "/servers/detail"
        self.asked.append({**query})
        page = len(self.asked)
        rows = [{"id": f"{page}-{n}", "status": "ACTIVE"} for n in range(2)]
        more = {"servers_links": [{"rel": "next"}]} if page < 3 else {}
        return CloudAnswer(json.dumps({"servers": rows, **more}).encode(), 1000.0 * page)


def test_every_page_of_a_list_is_asked_for_behind_the_last_server_of_the_one_before() -> None:
    client = PagedClient()
    poll = CloudPolls(client, full_every=10).poll()
    assert [row.id for row in poll.servers] == ["1-0", "1-1", "2-0", "2-1", "3-0", "3-1"]
    assert [query.get("marker") for query in client.asked] == [None, "1-1", "2-1"]
    assert (poll.full, poll.at) == (True, 1000.0)


def test_a_poll_as_json_says_who_requested_what_is_overdue(hour: Hour) -> None:
    watch, heard, ids, _ = hour
    poll = json.loads(display.as_line(heard.happened[-1], watch.tracking, watch.late, full=True))
    (late,) = poll["overdue"]
    assert (late["server"], late["name"], late["request"]["action"]) == (ids[1], "web-1", "stop")
    watch.tracking.servers[ids[1]].request, known = None, watch.tracking.servers[ids[1]].request
    poll = json.loads(display.as_line(heard.happened[-1], watch.tracking, watch.late, full=True))
    watch.tracking.servers[ids[1]].request = known
    assert poll["overdue"][0]["request"] is None


def test_a_table_on_a_terminal_has_what_does_not_rest(hour: Hour) -> None:
    watch, _, ids, _ = hour
    console = Console(width=200, record=True, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    console.print(display.live_table("test", watch.tracking, watch.late, "a note"))
    shown = console.export_text()
    assert "5 servers, 1 not at rest, 1 overdue" in shown
    assert [i in shown for i in ids] == [False, True, False, False, False, False]
    assert "a note" in shown


def test_metrics_are_read_by_the_parser_of_prometheus(hour: Hour) -> None:
    watch, _, ids, _ = hour
    metrics = WatchMetrics()
    server = MetricsServer("127.0.0.1:0", metrics)
    try:
        metrics.failed()
        metrics.polled(watch.tracking, watch.late, 0.25)
        url = f"http://127.0.0.1:{server.port}/metrics"
        text = urllib.request.urlopen(url).read().decode()
    finally:
        server.close()
    found = {f.name: f.samples for f in text_string_to_metric_families(text)}
    assert sum(sample.value for sample in found["ecs_fsm_watch_servers"]) == 5
    (late,) = found["ecs_fsm_watch_overdue_seconds"]
    assert (late.labels["server"], late.labels["task_state"]) == (ids[1], "powering-off")
    assert late.value > HOUR - 300
    (limit,) = found["ecs_fsm_watch_overdue_limit_seconds"]
    assert (limit.labels, limit.value) == (late.labels, watch.late[0].limit)
    (took,) = found["ecs_fsm_watch_poll_seconds"]
    assert took.value == 0.25
    polls = {sample.labels["result"]: sample.value for sample in found["ecs_fsm_watch_polls"]}
    assert polls == {"answered": 1, "unanswered": 1}


@pytest.fixture(scope="module")
def cloud() -> Iterator[tuple[EcsCloud, Connection, list[str]]]:
    with served(lifecycle="nova", speed=0) as started:
        user = connected(started)
        ids = made(user, 2)
        started.advance(600)
        yield started, user, ids


Cloud = tuple[EcsCloud, Connection, list[str]]


@pytest.mark.parametrize(
    ("faults", "pauses", "said"),
    [
        (["wire:500@list_servers_in_detail*3"], [5, 10, 20], "the cloud answers 500"),
        (["wire:429=42@list_servers_in_detail*2"], [42, 42], "the cloud answers 429"),
        (["wire:401@list_servers_in_detail*4"], [5, 10], "the cloud answers 401"),
        (["wire:close_before@list_servers_in_detail*2"], [5, 10], "the cloud does not answer"),
    ],
    ids=["500", "429", "401", "nothing"],
)
def test_a_cloud_that_does_not_answer_is_asked_again_after_growing_pauses(
    faults: list[str], pauses: list[float], said: str, cloud: Cloud
) -> None:
    started, user, ids = cloud
    for fault in faults:
        started.fault(fault)
    slept: list[float] = []
    watch = Watch(CloudClient(user), server_class("nova").lifecycle, ONE, sleep=slept.append)
    heard = Heard()
    watch.run(heard)
    assert slept == pauses
    assert all(line.startswith(said) and "asked again in" in line for line in heard.failures)
    assert "\n" not in "".join(heard.failures)
    assert {*watch.tracking.servers} == {*ids}
    counted = {metric.name: metric.samples for metric in watch._metrics.collect()}
    polls = {sample.labels["result"]: sample.value for sample in counted["ecs_fsm_watch_polls"]}
    assert polls == {"answered": 1, "unanswered": len(pauses)}


def test_once_gives_up_in_one_line(cloud: Cloud) -> None:
    started, user, _ = cloud
    started.fault("wire:503@list_servers_in_detail*5")
    settings = WatchSettings("test", polls=1, once=True)
    watch = Watch(CloudClient(user), server_class("nova").lifecycle, settings, sleep=lambda s: None)
    with pytest.raises(InvalidInput, match=r"the cloud answers 503.*asked 5 times"):
        watch.run(Heard())


def test_a_watch_only_reads(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    started, _, _ = cloud
    with caplog.at_level(logging.INFO, "ecs_fsm.access"):
        watch = Watch(CloudClient(connected(started)), server_class("nova").lifecycle, ONE)
        watch.run(Heard())
    sent = {line.split('"')[1].split(" ")[0] for line in caplog.messages if "/auth/" not in line}
    assert sent == {"GET"}


def test_one_project_alone_is_listed_where_more_is_not_allowed(cloud: Cloud) -> None:
    started, _, _ = cloud
    user = connected(started, "demo")
    watch = Watch(CloudClient(user), server_class("nova").lifecycle, ONE)
    watch.run(Heard())
    assert len(watch.tracking.servers) == 2


def test_the_cloud_of_another_lifecycle_is_refused_with_the_hint(cloud: Cloud) -> None:
    started, user, ids = cloud
    user.compute.pause_server(ids[1])
    started.advance(60)
    with pytest.raises(InvalidInput, match="--lifecycle nova"):
        Watch(CloudClient(user), server_class("ecs").lifecycle, ONE).run(Heard())
    user.compute.unpause_server(ids[1])
    started.advance(60)


def test_a_watch_outlives_the_cloud(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lifecycle = server_class("nova").lifecycle
    state = str(tmp_path / "cloud.db")
    with ExitStack() as running:

        def start() -> EcsCloud:
            return running.enter_context(served(lifecycle="nova", speed=0, state=state, port=port))

        user = connected(cloud := start())
        ids = made(user, 2)
        cloud.advance(600)
        sleeps = 0

        def sleep(seconds: float) -> None:
            nonlocal sleeps, cloud
            sleeps += 1
            if sleeps == 1:
                user.compute.stop_server(ids[0])
                running.close()
            elif sleeps == 3:
                cloud = start()
            elif sleeps > 3:
                cloud.advance(60)

        heard = Heard()
        settings = WatchSettings("test", polls=3)
        watch = Watch(CloudClient(user), lifecycle, settings, sleep=sleep)
        watch.run(heard)
    assert len(heard.failures) == 2
    assert heard.failures[0].startswith("the cloud does not answer (Connection refused); asked")
    assert [poll.full for poll in heard.polls] == [True, True, False]
    assert str(watch.tracking.servers[ids[0]].standing.row) == "stopped/-"


CLOUDS = """
clouds:
  test:
    auth: {{auth_url: "{url}", username: admin, password: any, project_name: demo,
           user_domain_name: Default, project_domain_name: Default}}
"""


@pytest.fixture
def clouds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> Cloud:
    file = tmp_path / "clouds.yaml"
    file.write_text(CLOUDS.format(url=cloud[0].auth_url), encoding="utf-8")
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    return cloud


def once(*words: str) -> tuple[int, str, str]:
    command = ("watch", "--lifecycle", "nova", "--cloud", "test", "--once", *words)
    code, out, err = ecs_fsm(*command)
    return code, out, err


def test_once_remembers_what_it_saw(clouds: Cloud, tmp_path: Path) -> None:
    started, user, ids = clouds
    state = str(tmp_path / "state.json")
    code, out, err = once("--state", state)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert out.endswith("2 servers, 0 not at rest, 0 overdue\n")
    started.fault("stop:hang@powering-off on web-0")
    user.compute.stop_server(ids[0])
    started.advance(30)
    code, out, _ = once("--state", state)
    assert (code, "1 not at rest" in out, "active/- → active/powering-off" in out) == (
        0,
        True,
        True,
    )
    started.advance(HOUR)
    code, out, _ = once("--state", state)
    assert (code, "1 overdue" in out) == (1, True)
    assert f"OVERDUE: {ids[0]}" in out
    assert "requested: stop by user" in out
    code, out, _ = once("--state", state, "--json")
    answer = json.loads(out)
    assert answer["working"][0]["since"] == answer["overdue"][0]["since"]
    code, out, _ = once("--state", state, "--json", "--overdue", "2h")
    assert code == 0
    answer = json.loads(out)
    assert (answer["servers"], answer["full"], answer["overdue"]) == (2, False, [])
    (working,) = answer["working"]
    assert (working["server"], working["task_state"]) == (ids[0], "powering-off")
    user.compute.reset_server_state(ids[0], "active")
    started.advance(60)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "expected a file that watch wrote"),
        ("[" * 100_000, "expected a file that watch wrote"),
        ('{"format": 1}', "missing required field"),
        ('{"format": 9, "lifecycle": "nova", "cloud": "test", "polls": 1, "at": 1, "since": 1, "servers": {}}', "format 9, not 1"),
        ('{"format": 1, "lifecycle": "ecs", "cloud": "test", "polls": 1, "at": 1, "since": 1, "servers": {}}', "of the lifecycle 'ecs', not 'nova'"),
        ('{"format": 1, "lifecycle": "nova", "cloud": "x", "polls": 1, "at": 1, "since": 1, "servers": {}}', "of the cloud 'x', not 'test'"),
        ('{"format": 1, "lifecycle": "nova", "cloud": "test", "polls": 1, "at": 1, "since": 1, "servers": {"a": {"words": {"vm_state": "x", "task_state": null, "status": "ACTIVE"}, "time": 1}}}', "unknown vm_state 'x'"),
    ],
)  # fmt: skip
def test_a_state_file_of_something_else_is_refused(
    text: str, wrong: str, clouds: Cloud, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    state.write_text(text, encoding="utf-8")
    code, out, err = once("--state", str(state))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert wrong in err


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("--cloud", "none"), "cloud none:"),
        (("--listen", "9180"), "expected HOST:PORT"),
        (("--listen", "127.0.0.1:65536"), "expected HOST:PORT"),
        (("--listen", "192.0.2.1:9180"), "--listen 192.0.2.1:9180: Cannot assign requested"),
        (("--overdue", "often"), "--overdue 'often'"),
        (("--interval", "often"), "invalid duration"),
    ],
)
def test_wrong_usage_is_one_line(words: tuple[str, ...], wrong: str, clouds: Cloud) -> None:
    code, out, err = once(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert wrong in err


def test_lines_tell_a_change_once(clouds: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    started, user, ids = clouds
    settings = WatchSettings("test", polls=4)

    def sleep(seconds: float) -> None:
        if str(watch.tracking.servers[ids[1]].standing.row) == "active/-":
            user.compute.stop_server(ids[1])
        started.advance(20)

    watch = Watch(CloudClient(user), server_class("nova").lifecycle, settings, sleep=sleep)
    watch.run(Lines(watch.tracking, "test", as_json=False, whole=False))
    lines = [line for line in capsys.readouterr().out.splitlines() if ids[1] in line]
    assert sum("→ active/powering-off" in line for line in lines) <= 1
    assert "stopped/-" in lines[-1]
