"""Polls of a cloud that answers what a test says: no server runs, and no time passes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ecs_fsm import ECS
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.monitor.client import CloudAnswer, CloudClient, Unanswered, short
from ecs_fsm.monitor.memory import recall, remember
from ecs_fsm.monitor.polling import CloudPolls
from ecs_fsm.monitor.recorder import Recorder
from ecs_fsm.monitor.requested import LatestRequest, latest_request
from ecs_fsm.monitor.tracking import Tracking
from ecs_fsm.monitor.watch import Watch, WatchSettings

VM, TASK, HOST = "OS-EXT-STS:vm_state", "OS-EXT-STS:task_state", "OS-EXT-SRV-ATTR:host"


def row(server: str, vm_state: str = "active", task_state: str | None = None) -> dict[str, Any]:
    return {"id": server, "status": "ACTIVE", VM: vm_state, TASK: task_state, "name": f"n-{server}"}


class Scripted(CloudClient):
    """Gives one answer after the other: rows of servers, or an error; it keeps what was asked."""

    def __init__(self, *answers: Any, begin: float = 1000.0, each: float = 60.0) -> None:
        self.answers, self.at, self.each = [*answers], begin, each
        self.asked: list[tuple[str, dict[str, str], int]] = []

    def get(self, path: str, query: Mapping[str, str], minor: int = 1) -> CloudAnswer:
        self.asked.append((path, {**query}, minor))
        answer, at = self.answers.pop(0), self.at
        if isinstance(answer, Unanswered):
            raise answer
        self.at += self.each
        listed = {"servers": answer} if isinstance(answer, list) else answer
        return CloudAnswer(json.dumps(listed).encode(), at)


def in_pages(*servers: str) -> dict[str, Any]:
    return {"servers": [row(s) for s in servers], "servers_links": [{"rel": "next"}]}


class Adapter:
    """What openstacksdk gives for the compute API, with one answer for all requests."""

    def __init__(self, newest: tuple[int, int] | None, headers: Mapping[str, str] = {}) -> None:
        self.asked: list[dict[str, Any]] = []
        self._found = SimpleNamespace(max_microversion=newest)
        self._headers = headers
        self.status = 200

    def get_endpoint_data(self) -> object:
        return self._found

    def get(self, path: str, **how: Any) -> object:
        self.asked.append({"path": path, **how})
        return SimpleNamespace(
            status_code=self.status, reason="No", headers=self._headers, content=b"{}"
        )


def client_of(adapter: Adapter) -> tuple[CloudClient, Any]:
    session = SimpleNamespace(timeout=None, invalidate=lambda: None)
    config = SimpleNamespace(get_session_client=lambda name: {"compute": adapter}[name])
    connection: Any = SimpleNamespace(session=session, config=config)
    return CloudClient(connection, local=lambda: 77.0), session


@pytest.mark.parametrize(
    ("newest", "minor", "sent"),
    [
        ((2, 90), 62, "2.62"),
        ((2, 53), 62, "2.53"),
        ((2, 53), 1, "2.1"),
        (None, 62, "2.1"),
        ((3, 90), 62, "2.1"),
    ],
)
def test_a_request_is_of_the_microversion_that_both_sides_know(
    newest: tuple[int, int] | None, minor: int, sent: str
) -> None:
    adapter = Adapter(newest)
    client, session = client_of(adapter)
    client.get("/servers", {"limit": "1"}, minor)
    (asked,) = adapter.asked
    assert asked == {
        "path": "/servers",
        "params": {"limit": "1"},
        "headers": {"Accept": "application/json"},
        "microversion": sent,
        "raise_exc": False,
    }
    assert session.timeout == 60


@pytest.mark.parametrize(
    ("headers", "at"),
    [
        ({"Date": "Thu, 01 Jan 1970 00:02:00 GMT"}, 120.0),
        ({"Date": "today"}, 77.0),
        ({}, 77.0),
    ],
)
def test_the_time_of_an_answer_is_the_clouds_or_else_ours(
    headers: Mapping[str, str], at: float
) -> None:
    client, _ = client_of(Adapter((2, 90), headers))
    assert client.get("/servers", {}).at == at


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("7", 7.0),
        ("-7", 0.0),
        ("soon", 0.0),
        (None, 0.0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 0.0),
        (format_datetime(datetime.now(UTC) + timedelta(hours=10)), 36_000.0),
    ],
    ids=["seconds", "less than none", "a word", "nothing", "a date that is past", "a date"],
)
def test_a_cloud_says_when_to_ask_again_in_seconds_or_by_a_date(
    text: str | None, after: float
) -> None:
    adapter = Adapter((2, 90), {} if text is None else {"Retry-After": text})
    adapter.status = 429
    client, _ = client_of(adapter)
    with pytest.raises(Unanswered) as raised:
        client.get("/servers", {})
    assert raised.value.after == pytest.approx(after, abs=1800)
    assert raised.value.after <= after


def test_words_of_an_error_are_cut_after_a_hundred_characters() -> None:
    assert short(ValueError("x" * 100)) == "x" * 100
    assert short(ValueError("x" * 101)) == "x" * 100 + "…"
    assert short(ValueError("Retries (Caused by Lost(Caused by refused))")) == "refused"
    assert short(OSError("a [Errno 111] Connection refused: b")) == "Connection refused"


def test_changes_are_asked_for_from_half_a_minute_before_the_last_poll() -> None:
    client = Scripted([], [], [], [])
    polls = CloudPolls(client, full_every=3)
    assert [polls.poll().full for _ in range(4)] == [True, False, False, True]
    asked = [query.get("changes-since") for _, query, _ in client.asked]
    assert asked == [None, "1970-01-01T00:16:10Z", "1970-01-01T00:17:10Z", None]
    assert {query["limit"] for _, query, _ in client.asked} == {"1000"}
    assert {query["all_tenants"] for _, query, _ in client.asked} == {"1"}


def test_before_1970_no_changes_are_asked_for() -> None:
    client = Scripted([], [], begin=10.0)
    polls = CloudPolls(client, full_every=3)
    polls.poll()
    polls.poll()
    assert client.asked[1][1]["changes-since"] == "1970-01-01T00:00:00Z"


def test_after_a_poll_without_an_answer_the_next_is_full() -> None:
    polls = CloudPolls(Scripted([], Unanswered("no"), [], []), full_every=100)
    polls.poll()
    with pytest.raises(Unanswered):
        polls.poll()
    assert [polls.poll().full for _ in range(2)] == [True, False]
    assert polls.count == 3


def test_a_list_that_repeats_its_page_has_no_end() -> None:
    with pytest.raises(Unanswered, match="repeats a page"):
        CloudPolls(Scripted(in_pages("a"), in_pages("a")), full_every=1).poll()


def test_a_list_ends_with_a_page_without_servers_or_without_a_next_one() -> None:
    client = Scripted(in_pages("a", "b"), in_pages("c"), in_pages())
    assert [s.id for s in CloudPolls(client, full_every=1).poll().servers] == ["a", "b", "c"]
    last = {"servers": [row("c")], "servers_links": [{"rel": "previous"}]}
    client = Scripted(in_pages("a"), last)
    assert [s.id for s in CloudPolls(client, full_every=1).poll().servers] == ["a", "c"]


def test_who_may_not_list_the_servers_of_others_asks_for_all_of_them_once() -> None:
    client = Scripted(Unanswered("no", 403), [], [], Unanswered("no", 403))
    polls = CloudPolls(client, full_every=1)
    polls.poll()
    polls.poll()
    assert [query.get("all_tenants") for _, query, _ in client.asked] == ["1", None, None]
    assert client.asked[1][1]["limit"] == "1000"
    with pytest.raises(Unanswered):
        polls.poll()
    assert len(client.asked) == 4


def test_an_answer_that_is_not_a_list_is_none() -> None:
    with pytest.raises(Unanswered, match="the answer is not a list of servers"):
        CloudPolls(Scripted({"volumes": []}), full_every=1).poll()


ACTIONS = {
    "instanceActions": [
        {"action": "start", "request_id": "req-1", "start_time": "2024-01-02", "user_id": "u"},
        {"action": "stop", "request_id": "req-2", "start_time": "2024-01-03", "user_id": "v"},
        {"action": "create", "request_id": "req-0", "start_time": "2024-01-01", "user_id": "w"},
    ]
}


@pytest.mark.parametrize(
    ("events", "host"),
    [
        ([{"host": "h-1"}, {"host": "h-2"}, {"host": None}], "h-2"),
        ([{"event": "compute_stop"}], None),
        ([], None),
    ],
)
def test_the_last_request_is_that_which_began_last_on_the_last_host_named(
    events: list[dict[str, str | None]], host: str | None
) -> None:
    action = {**ACTIONS["instanceActions"][1], "events": events}
    client = Scripted(ACTIONS, {"instanceAction": action})
    found = latest_request(client, "a")
    assert found == LatestRequest("stop", "req-2", "v", "2024-01-03", host)
    path = "/servers/a/os-instance-actions"
    assert client.asked == [(path, {}, 62), (f"{path}/req-2", {}, 62)]
    assert found.as_dict() == {
        "action": "stop", "request_id": "req-2", "user": "v", "started": "2024-01-03", "host": host,
    }  # fmt: skip


@pytest.mark.parametrize(
    "answers",
    [
        ({"instanceActions": []},),
        (Unanswered("no", 404),),
        ([],),
        (ACTIONS, Unanswered("no")),
    ],
    ids=["none", "refused", "something else", "no events"],
)
def test_who_requested_it_is_not_known_where_the_cloud_does_not_say(answers: Any) -> None:
    assert latest_request(Scripted(*answers), "a") is None


def recorded(*polls: list[dict[str, Any]], full_every: int = 1) -> list[tuple[str, str, str]]:
    """The rows of a record: time, server, and what it shows."""
    out, tracking = io.StringIO(), Tracking(ECS)
    text: list[str] = []
    polling, recorder = CloudPolls(Scripted(*polls, begin=0.0), full_every), Recorder(out, tracking)
    out.close = lambda: text.append(out.getvalue())  # type: ignore[method-assign]
    for _ in polls:
        last = tracking.at
        recorder.begin()
        poll = polling.poll()
        tracking.take(poll)
        recorder.end(poll, last)
    recorder.close()
    rows = map(json.loads, text[0].splitlines())
    return [(one["time"][11:16], one["id"], f"{one[VM]}/{one[TASK] or '-'}") for one in rows]


def test_a_record_has_a_change_with_the_row_before_it() -> None:
    rests, works = [row("a")], [row("a", "active", "powering-off")]
    assert recorded(rests, rests, rests, works) == [
        ("00:00", "a", "active/-"),
        ("00:02", "a", "active/-"),
        ("00:03", "a", "active/powering-off"),
        ("00:03", "a", "active/powering-off"),
    ]
    assert recorded(rests, works, rests)[:2] == [
        ("00:00", "a", "active/-"),
        ("00:01", "a", "active/powering-off"),
    ]


def test_a_full_list_records_what_works_once_more() -> None:
    works, rests = row("a", "active", "powering-off"), row("b")
    full = recorded([works, rests], [works, rests])
    assert [one for one in full if one[1] == "a"] == [
        (f"00:0{n}", "a", "active/powering-off") for n in (0, 1, 1)
    ]
    assert [one for one in full if one[1] == "b"] == [("00:00", "b", "active/-")]
    changes = recorded([works, rests], [], full_every=2)
    assert [time for time, server, _ in changes if server == "a"] == ["00:00", "00:01"]


def test_a_server_that_a_full_list_leaves_out_is_deleted_in_the_record() -> None:
    both, one = [row("a"), row("b")], [row("b")]
    assert [known for known in recorded(both, both, one) if known[1] == "a"] == [
        ("00:00", "a", "active/-"),
        ("00:01", "a", "active/-"),
        ("00:02", "a", "deleted/-"),
    ]


def watched(client: CloudClient, state: str, **how: Any) -> Watch:
    """A watch of so many polls which keeps what it knows."""
    settings = WatchSettings("mine", state=state, **how)
    return Watch(client, ECS, settings, sleep=lambda _: None)


class Silent:
    """Shows nothing."""

    def polled(self, *_: object) -> None: ...

    def failed(self, line: str) -> None: ...


def test_a_watch_that_is_begun_again_knows_what_the_last_one_knew(tmp_path: Path) -> None:
    state = str(tmp_path / "state.json")
    works = {**row("a", "active", "powering-off"), HOST: "h-1", "updated": "1970-01-01T00:17:00Z"}
    shows_less = {"id": "b", "status": "ACTIVE"}
    first = watched(Scripted([row("a")], [works, shows_less]), state, polls=2)
    first.run(Silent())
    first.tracking.servers["a"].request = LatestRequest("stop", "req-1", "u", "", None)
    remember(state, "mine", first.tracking, first._polling)
    again = watched(Scripted([]), state, polls=1)
    for name, known in first.tracking.servers.items():
        found = again.tracking.servers[name]
        assert found.standing == known.standing
        assert (found.name, found.cells, found.request) == (known.name, known.cells, known.request)
        assert found.asked == (name == "a")
    assert again.tracking.at == first.tracking.at == 1060.0
    assert (again._polling.count, again._polling.since) == (2, 1030.0)
    again.run(Silent())
    assert {*again.tracking.servers} == {"a", "b"}


def test_a_file_that_is_too_long_is_not_what_a_watch_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state.json"
    state.write_bytes(b" " * 101)
    monkeypatch.setattr("ecs_fsm.monitor.memory.MOST_BYTES", 100)
    with pytest.raises(InvalidInput, match=r"state\.json: longer than 100 bytes; expected"):
        recall(str(state), "mine", Tracking(ECS), CloudPolls(Scripted(), 1))
    with pytest.raises(InvalidInput, match="Is a directory"):
        recall(str(tmp_path), "mine", Tracking(ECS), CloudPolls(Scripted(), 1))
    assert recall(str(tmp_path / "none"), "mine", Tracking(ECS), CloudPolls(Scripted(), 1)) is False


def hears(answers: list[Any], say: Callable[[str], None], **how: Any) -> list[float]:
    """How long a watch sleeps between polls."""
    slept: list[float] = []
    view = SimpleNamespace(polled=lambda *_: None, failed=say)
    Watch(Scripted(*answers), ECS, WatchSettings("mine", **how), sleep=slept.append).run(view)
    return slept


def test_pauses_grow_to_five_minutes_and_begin_anew_after_an_answer() -> None:
    lines: list[str] = []
    no = Unanswered("no answer")
    slept = hears([*[no] * 8, [], no, []], lines.append, polls=2, interval=0.0)
    assert slept == [5, 10, 20, 40, 80, 160, 300, 300, 0, 5]
    assert lines[6] == "no answer; asked again in 5 min"


def test_a_cloud_that_names_a_pause_is_heard_for_an_hour() -> None:
    busy = [Unanswered("busy", 429, after) for after in (60.0, 3.0, 86_400.0)]
    assert hears([*busy, []], lambda _: None, polls=1) == [60, 10, 3600]


def test_between_polls_a_watch_sleeps_for_what_is_left_of_the_interval() -> None:
    (slept,) = hears([[], []], lambda _: None, polls=2, interval=100.0)
    assert 90 < slept < 100
