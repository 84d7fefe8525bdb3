"""The login of a watch, and what it makes of servers that show little, without a cloud."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from keystoneauth1.exceptions import HttpError

from ecs_fsm import ECS, InvalidInput
from ecs_fsm.monitor import display
from ecs_fsm.monitor.client import CloudClient, Unanswered, short
from ecs_fsm.monitor.polling import CloudPoll, ServerRow
from ecs_fsm.monitor.tracking import Tracking
from ecs_fsm.monitor.watch import LiveTable


class Session:
    """A session that counts how often its token is thrown away."""

    def __init__(self, status: int) -> None:
        self.timeout = None
        self.thrown_away = 0
        answer = SimpleNamespace(status_code=status, reason="No", headers={}, content=b"")
        found = SimpleNamespace(max_microversion=(2, 90))
        adapter = SimpleNamespace(get=lambda *_, **__: answer, get_endpoint_data=lambda: found)
        self.session = self
        self.config = SimpleNamespace(get_session_client=lambda _: adapter)

    def invalidate(self) -> None:
        self.thrown_away += 1


@pytest.mark.parametrize(("status", "times"), [(401, 1), (402, 0), (403, 0), (404, 0), (500, 0)])
def test_a_token_that_the_cloud_no_longer_knows_is_thrown_away(status: int, times: int) -> None:
    session: Any = Session(status)
    with pytest.raises(Unanswered, match=f"the cloud answers {status} No") as raised:
        CloudClient(session).get("/servers/detail", {})
    assert raised.value.status == status
    assert session.thrown_away == times


@pytest.mark.parametrize(
    ("reason", "said"), [("Gone away", "410 Gone away"), ("", "410 a long text (HTTP 410)")]
)
def test_what_an_error_says_is_the_reason_of_its_answer_if_there_is_one(
    reason: str, said: str
) -> None:
    session: Any = Session(200)
    answer: Any = SimpleNamespace(reason=reason, headers={"Retry-After": "7"})

    def fails(*_: object, **__: object) -> None:
        raise HttpError("a long text", response=answer, http_status=410)

    session.config.get_session_client("compute").get = fails
    with pytest.raises(Unanswered) as raised:
        CloudClient(session).get("/servers/detail", {})
    assert str(raised.value) == f"the cloud answers {said}"
    assert (raised.value.status, session.thrown_away) == (410, 1)


def test_an_error_without_words_is_named_by_its_kind() -> None:
    assert short(TimeoutError("no  answer\nat all")) == "no answer at all"
    assert short(TimeoutError()) == "TimeoutError"


def test_a_cloud_without_a_name_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OS_AUTH_URL", raising=False)
    with pytest.raises(InvalidInput, match=r"^cloud of OS_ variables: .*auth_url"):
        CloudClient.of(None)


def test_what_libraries_log_is_not_mixed_into_what_a_watch_says(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("OS_AUTH_URL", raising=False)
    log = logging.getLogger("keystoneauth.session")
    logging.getLogger("keystoneauth").setLevel(logging.NOTSET)
    log.warning("before")
    with pytest.raises(InvalidInput):
        CloudClient.of(None)
    log.warning("after")
    assert caplog.messages == ["before"]


def test_a_live_table_is_drawn_by_polls_alone() -> None:
    assert LiveTable(Tracking(ECS), "mine").live.auto_refresh is False


def test_before_the_first_answer_there_is_no_time() -> None:
    tracking = Tracking(ECS)
    assert display.head("mine", tracking, []).startswith("mine, no answer yet: 0 servers, 0 not")
    tracking.take(CloudPoll(0.0, True, [ServerRow("a", "ACTIVE")]))
    assert display.head("mine", tracking, []).startswith("mine, 1970-01-01T00:00:00Z: 1 server, 0 ")


def test_a_server_that_shows_its_status_only_may_be_in_every_state_that_shows_it() -> None:
    tracking = Tracking(ECS)
    rows = [
        ServerRow("a", "ACTIVE"),
        ServerRow("b", "ACTIVE", vm_state="active", task_state=None),
        ServerRow("c", "ACTIVE", vm_state="active"),
    ]
    unknown = tracking.take(CloudPoll(60.0, True, rows)).unknown
    assert [*unknown] == ["c"]
    assert unknown["c"].startswith("no task_state beside vm_state")
    stands = {name: [*map(str, one.standing.states)] for name, one in tracking.servers.items()}
    shown = [str(state) for state in ECS.states.values() if state.status == "ACTIVE"]
    assert stands == {"a": shown, "b": ["active/-"]}


@pytest.mark.parametrize(
    ("updated", "begun"), [("1970-01-01T00:00:30Z", 30.0), (None, 60.0), ("soon", 60.0)]
)
def test_a_step_began_when_the_cloud_wrote_it_if_the_cloud_says_when(
    updated: str | None, begun: float
) -> None:
    tracking = Tracking(ECS)
    for at, task in ((0.0, None), (60.0, "powering-off")):
        row = ServerRow("a", "ACTIVE", vm_state="active", task_state=task, updated=updated)
        tracking.take(CloudPoll(at, True, [row]))
    assert tracking.servers["a"].standing.begun == begun


def test_what_happened_since_the_last_poll_is_explained_by_that_time_alone() -> None:
    tracking = Tracking(ECS)
    for at, task in ((0.0, "powering-off"), (100_000.0, "powering-off"), (100_010.0, None)):
        row = ServerRow("a", "ACTIVE", vm_state="active", task_state=task)
        happened = tracking.take(CloudPoll(at, True, [row]))
    (change,) = happened.changes
    # In a day it could have stopped and been started again; in ten seconds it hardly can.
    assert change.events == ("roll_back",)
