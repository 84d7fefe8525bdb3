"""What no real cloud offers, at `/_ecs`: the clock, the faults, every change, and all requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.followers import EventLog
from ecs_fsm.serve.cloud.instance import Instance, NewServer
from ecs_fsm.serve.control import routes
from ecs_fsm.serve.control.routes import ChangeStream
from ecs_fsm.testing import served
from tests.clouds import LONG, USER, cloud_of
from tests.compute import CIRROS
from tests.edge import Edge, credentials
from tests.own_thread import run_in_own_thread

CENTURY = 100 * 365 * 86400.0
"""The longest step of the clock."""
WEB = NewServer("web-1", "1", None)


@pytest.fixture
def edge() -> Edge:
    return Edge()


def active(edge: Edge) -> Instance:
    instance = edge.cloud.create(WEB, USER)
    edge.cloud.advance(LONG)
    return instance


def post(edge: Edge, path: str, body: object) -> httpx.Response:
    return edge.ask("POST", f"/_ecs/{path}", json=body)


# The clock


def test_the_clock_goes_on_by_seconds_and_by_steps(edge: Edge) -> None:
    edge.cloud.create(WEB, USER)
    first = edge.cloud.next_due()
    assert post(edge, "advance", {"steps": 1}).json() == {"now": first, "events": 1}
    before = edge.cloud.now
    answer = post(edge, "advance", {"seconds": 1e6}).json()
    assert answer == {"now": before + 1e6, "events": 4}
    assert post(edge, "advance", {"steps": 5}).json() == {"now": before + 1e6, "events": 0}
    assert post(edge, "advance", {"seconds": 0}).json() == {"now": before + 1e6, "events": 0}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"seconds": 1, "steps": 1},
        {"seconds": -1},
        {"seconds": 1e10},
        {"steps": 0},
        {"steps": 100_001},
        {"minutes": 1},
    ],
    ids=str,
)
def test_a_way_on_that_does_not_read_is_a_400_and_the_clock_stands(edge: Edge, body: Any) -> None:
    answer = post(edge, "advance", body)
    assert (answer.status_code, edge.cloud.now) == (400, 0)


def test_dates_end_with_the_last_that_there_is(edge: Edge) -> None:
    instance = edge.cloud.create(WEB, USER)
    for _ in range(81):
        post(edge, "advance", {"seconds": CENTURY})
    edge.login(project={"id": USER.project_id})
    edge.cloud.request(instance, "stop", {}, USER)
    answer = edge.get(f"/compute/v2.1/servers/{instance.id}")
    assert answer.json()["server"]["updated"] == "9999-12-31T23:59:59Z"


# Faults and scenarios


def test_faults_are_added_listed_with_what_they_met_and_taken_away(edge: Edge) -> None:
    lifecycle = {"fault": "stop:roll_back", "servers": "web-*", "times": 2}
    assert post(edge, "faults", lifecycle).json()["fault"] == "stop:roll_back*2 on web-*"
    assert post(edge, "faults", {"wire": "503", "request": "show_flavor"}).status_code == 201
    assert post(edge, "scenario", {"words": ["create:fail@spawning"]}).status_code == 201
    instance = edge.cloud.create(WEB, USER)
    edge.cloud.advance(LONG)
    assert instance.state == "error/-"
    post(edge, "scenario", {"words": ["stop"]})
    found = edge.get("/_ecs/faults").json()
    assert found["faults"] == [{"fault": "stop:roll_back*2 on web-*", "met": 0, "struck": 0}]
    assert found["wire"] == [{"fault": "wire:503@show_flavor", "met": 0, "struck": 0}]
    assert found["scenarios"] == [["create", "stop"]]
    assert edge.ask("DELETE", "/_ecs/faults").status_code == 204
    found = edge.get("/_ecs/faults").json()
    assert found == {"faults": [], "wire": [], "scenarios": []}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("faults", {}, "wire"),
        ("faults", {"fault": "stop:roll_back", "wire": "503"}, "wire"),
        ("faults", {"fault": "stop:burn"}, "roll_back"),
        ("faults", {"fault": "resize:fail@spawning"}, "resize_prep"),
        ("faults", {"wire": "304"}, "close_after"),
        ("faults", {"fault": "stop:roll_back", "often": 1}, "often"),
        ("scenario", {"words": []}, "words"),
        ("scenario", {"words": ["create", "resize"]}, "no server can go through"),
    ],
)
def test_an_unknown_outcome_or_step_is_a_400_with_what_exists(
    edge: Edge, path: str, body: object, said: str
) -> None:
    answer = post(edge, path, body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


# Requests and events


def test_a_request_is_accepted_or_refused_with_the_reason(edge: Edge) -> None:
    instance = active(edge)
    path = f"servers/{instance.id}/requests"
    refused = post(edge, path, {"operation": "resize"})
    assert refused.status_code == 409
    assert "not documented" in refused.json()["error"]["message"]
    accepted = post(edge, path, {"operation": "stop"})
    assert (accepted.status_code, accepted.json()["task_state"]) == (202, "powering-off")
    requests = edge.get(f"/_ecs/servers/{instance.id}").json()["asked"]
    assert [(row["operation"], row["refused"] is None) for row in requests] == [
        ("create", True),
        ("resize", False),
        ("stop", True),
    ]


def test_every_operation_that_a_running_server_allows_is_carried_out_to_its_end() -> None:
    edge = Edge(cloud_of("nova"))
    done = []
    for operation in edge.cloud.lifecycle.operations:
        instance = active(edge)
        if instance.server.may(operation):
            path = f"servers/{instance.id}/requests"
            assert post(edge, path, {"operation": operation}).status_code == 202, operation
            edge.cloud.advance(LONG)
            done.append(instance)
    assert len(done) > 20
    assert all(instance.operation is None for instance in done)


def test_an_event_happens_at_once_where_it_can(edge: Edge) -> None:
    instance = active(edge)
    path = f"servers/{instance.id}/events"
    assert post(edge, path, {"event": "fail"}).status_code == 409
    edge.cloud.request(instance, "stop", {}, USER)
    answer = post(edge, path, {"event": "roll_back"})
    assert (answer.status_code, answer.json()["vm_state"]) == (202, "active")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("requests", {"operation": "fail"}, 400),
        ("requests", {"operation": "burn"}, 400),
        ("requests", {"operation": "stop", "given": {"colour": "red"}}, 400),
        ("requests", {"operation": "stop", "hard": True}, 400),
        ("events", {"event": "stop"}, 400),
        ("events", {"event": "burn"}, 400),
        ("events", {"event": "fail", "given": {"colour": "red"}}, 400),
    ],
)
def test_an_invalid_request_or_event_changes_nothing(
    edge: Edge, path: str, body: object, status: int
) -> None:
    instance = active(edge)
    before = len(instance.history), len(instance.requests)
    answer = post(edge, f"servers/{instance.id}/{path}", body)
    assert answer.status_code == status, answer.text
    assert (len(instance.history), len(instance.requests)) == before


def test_a_deleted_server_is_still_shown_and_accepts_nothing(edge: Edge) -> None:
    instance = active(edge)
    edge.cloud.request(instance, "delete", {}, USER)
    edge.cloud.advance(LONG)
    shown = edge.get(f"/_ecs/servers/{instance.id}").json()
    assert shown["gone"] is True
    assert shown["history"][-1]["vm_state"] == "deleted"
    gone = post(edge, f"servers/{instance.id}/requests", {"operation": "stop"})
    assert gone.status_code == 404
    assert edge.get("/_ecs/servers").json()["servers"] == []


# Changes


def numbers(edge: Edge, query: str) -> list[int]:
    answer = edge.get(f"/_ecs/changes?{query}")
    assert answer.status_code == 200
    return [row["number"] for row in answer.json()["changes"]]


def test_changes_are_read_from_any_number_on(edge: Edge) -> None:
    active(edge)
    assert numbers(edge, "") == [1, 2, 3, 4, 5, 6]
    assert numbers(edge, "since=2&limit=3") == [3, 4, 5]
    assert numbers(edge, "since=6") == []


def test_who_has_seen_changes_of_before_a_new_start_gets_all(edge: Edge) -> None:
    active(edge)
    assert numbers(edge, "since=700") == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("query", ["since=-1", "since=x", "limit=0", "limit=1001"])
def test_numbers_of_changes_are_checked(edge: Edge, query: str) -> None:
    assert edge.get(f"/_ecs/changes?{query}").status_code == 400


async def streamed(edge: Edge, query: str, last: str | None, then: int = 0) -> str:
    """What the stream of changes says until it waits, after so many more steps of the clock."""
    headers = [(b"host", b"localhost")] + ([(b"last-event-id", last.encode())] if last else [])
    edge.app.state = edge.state
    scope = {
        "type": "http", "method": "GET", "path": "/_ecs/events", "headers": headers,
        "query_string": query.encode(), "app": edge.app,
    }  # fmt: skip
    number = int(query.partition("=")[2]) if query else None
    answer = routes.stream_changes(Request(scope), edge.state.record, {"since": number})
    events = cast(AsyncIterator[str], cast(StreamingResponse, answer).body_iterator)
    said = await anext(events)
    edge.cloud.step(then)
    while True:
        following = asyncio.ensure_future(anext(events))
        for _ in range(20):  # what is not there by then comes only with the clock
            await asyncio.sleep(0)
        if not following.done():
            following.cancel()
            return said
        said += following.result()


@pytest.mark.parametrize(
    ("query", "last", "ids"),
    [
        ("", None, []),
        ("since=4", None, [5, 6]),
        ("", "4", [5, 6]),
        ("since=1", "5", [6]),
        ("since=5", "", [6]),
        ("since=5", "\u00b2", [6]),
        ("since=5", "-1", [6]),
        ("since=5", "9" * 17, [6]),
        ("", "9" * 16, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_a_stream_goes_on_behind_the_last_event_that_was_seen(
    edge: Edge, query: str, last: str | None, ids: list[int]
) -> None:
    active(edge)
    said = run_in_own_thread(streamed(edge, query, last))
    assert [int(line[4:]) for line in said.splitlines() if line.startswith("id: ")] == ids


def test_a_stream_sends_changes_and_ends_when_its_reader_leaves(edge: Edge) -> None:
    edge.cloud.create(WEB, USER)
    said = run_in_own_thread(streamed(edge, "", None, then=2))
    assert said.startswith(": changes\n\nid: 2\ndata: {")
    assert '"number": 3' in said
    assert cast(EventLog, edge.state.record)._listeners == []


def test_an_idle_stream_says_that_it_is_still_there(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "KEEP_ALIVE", 0)
    said = run_in_own_thread(first_of(edge, 3))
    assert said == [": changes\n\n", ": still there\n\n", ": still there\n\n"]


async def first_of(edge: Edge, count: int) -> list[str]:
    events = cast(AsyncIterator[str], ChangeStream(edge.state.record, 0).body_iterator)
    return [await anext(events) for _ in range(count)]


def test_a_stream_lets_others_have_a_turn_and_notices_that_its_reader_has_gone(edge: Edge) -> None:
    for _ in range(10):
        active(edge)
    assert run_in_own_thread(pieces_after_leaving(edge)) == 3


async def pieces_after_leaving(edge: Edge) -> int:
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await ChangeStream(edge.state.record, 0)({"type": "http"}, receive, send)
    return len(sent)


def test_streams_are_bounded(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "MOST_STREAMS", 0)
    answer = edge.get("/_ecs/events")
    assert (answer.status_code, "most" in answer.text) == (503, True)
    assert edge.get("/_ecs/events", Origin="http://evil.example").status_code == 403


@pytest.mark.parametrize(
    "fault", ['wire:403="Quota exceeded"@create_server*1', "wire:503=5", "stop:roll_back#2 on web*"]
)
def test_what_get_shows_post_takes(edge: Edge, fault: str) -> None:
    assert post(edge, "faults", {"fault": fault}).status_code == 201

    def shown() -> list[dict[str, object]]:
        found = edge.get("/_ecs/faults").json()
        return [*found["faults"], *found["wire"]]

    (row,) = shown()
    assert row["fault"] == fault
    edge.ask("DELETE", "/_ecs/faults")
    assert post(edge, "faults", {**row, "met": 3}).status_code == 201
    assert shown() == [{**row, "met": 3}]


def test_all_times_of_an_answer_are_those_of_the_simulated_clock(edge: Edge) -> None:
    server = active(edge)
    before = parsedate_to_datetime(edge.get("/_ecs/servers").headers["date"])
    post(edge, "advance", {"seconds": 86400})
    answer = edge.login(project={"id": USER.project_id})
    now = parsedate_to_datetime(answer.headers["date"])
    assert (now - before).total_seconds() == 86400
    assert answer.json()["token"]["issued_at"][:19] == now.isoformat()[:19]
    shown = edge.get(f"/compute/v2.1/servers/{server.id}")
    created = datetime.fromisoformat(shown.json()["server"]["created"])
    assert (now - created).total_seconds() == LONG + 86400


# The same for tests in Python


def test_the_clock_of_a_cloud_for_tests_is_controlled() -> None:
    with served(speed=0, lifecycle="nova") as cloud:
        with pytest.raises(InvalidInput, match="roll_back"):
            cloud.fault("stop:burn")
        cloud.fault("wire:503@list_compute_versions*1")
        assert [httpx.get(f"{cloud.url}/compute").status_code for _ in range(2)] == [503, 200]
        cloud.scenario("create:fail@spawning")
        with httpx.Client(base_url=cloud.url) as client:
            answer = client.post("/v3/auth/tokens", json=credentials(project={"name": "demo"}))
            client.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
            body = {"server": {"name": "web", "flavorRef": "1", "imageRef": CIRROS}}
            client.post("/compute/v2.1/servers", json=body)
        assert (cloud.step(), cloud.step(2), cloud.advance(LONG)) == (1, 2, 2)
        found = [(change.event, change.status, change.name) for change in cloud.changes]
    assert found[0] == ("create", "BUILD", "web")
    assert found[-1] == ("fail", "ERROR", "web")
    assert len(found) == 6
