"""What a watch shows of servers that a test says: lines, a table, JSON and metrics."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ecs_fsm import ECS
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.monitor import display
from ecs_fsm.monitor.metrics import MetricsServer, WatchMetrics
from ecs_fsm.monitor.polling import CloudPoll, ServerRow
from ecs_fsm.monitor.requested import LatestRequest
from ecs_fsm.monitor.tracking import Happened, Tracking
from ecs_fsm.monitor.watch import MOST_ASKED, Lines, Watch, WatchSettings
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.overdue import Limits, Overdue, overdue
from tests.monitor.test_polls import HOST, Scripted, Silent, row

STOPPING = "powering-off"
WORD = {"status": "ACTIVE", "vm_state": "active"}


def server(name: str, task_state: str | None = None, /, **more: Any) -> ServerRow:
    shown: dict[str, Any] = {"name": f"n-{name}", **WORD, "task_state": task_state, **more}
    return ServerRow(name, **shown)


def tracked(*polls: Sequence[ServerRow]) -> Tracking:
    """A cloud that gave such full lists, a minute after each other, the first at 60 s."""
    tracking = Tracking(ECS)
    for number, rows in enumerate(polls, 1):
        tracking.take(CloudPoll(60.0 * number, True, [*rows]))
    return tracking


def late_of(tracking: Tracking, limit: str = "30s") -> list[Overdue]:
    limits = Limits({}, limit)
    return [*overdue(ECS, tracking.standing(), limits, tracking.at or 0.0, sampled=True)]


def text_of(tracking: Tracking, late: Sequence[Overdue], notes: str = "") -> list[str]:
    console = Console(width=1000, record=True, file=StringIO())
    console.print(display.live_table("mine", tracking, late, notes))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_the_table_has_the_overdue_servers_first_and_then_those_that_began_before() -> None:
    works = {name: server(name, STOPPING) for name in "abc"}
    tracking = tracked(
        [server("a"), works["b"], server("c")],
        [works["a"], works["b"], server("c")],
        [*works.values(), server("d", "rebooting", status="REBOOT")],
        [*works.values(), server("d", "rebooting", status="REBOOT")],
    )
    late = [one for one in late_of(tracking) if one.standing.row.server == "c"]
    head, heading, *lines = text_of(tracking, late)
    assert head == "mine, 1970-01-01T00:04:00Z: 4 servers, 4 not at rest, 1 overdue"
    assert heading.split() == ["server", "name", "state", "for", "limit", "frees", "it"]
    assert [line.split()[0] for line in lines] == ["c", "b", "a", "d"]
    assert lines[0].split()[:3] == ["c", "n-c", "active/powering-off"]
    assert "≥ 1 min  30 s" in lines[0]
    assert "; ".join(map(str, late[0].frees)) in lines[0]
    assert [line.split("≥ ")[1] for line in lines[1:]] == ["3 min", "2 min", "1 min"]


def test_a_long_table_is_cut_and_says_so() -> None:
    for count, more in ((40, []), (41, ["and 1 more"])):
        tracking = tracked([server(f"s{n:02}", STOPPING) for n in range(count)])
        shown = text_of(tracking, [], "soon")
        assert sum(STOPPING in line for line in shown) == 40
        assert shown[42:] == [*more, "soon"]


def test_where_all_rest_the_table_says_so() -> None:
    assert text_of(tracked([server("a")]), []) == [
        "mine, 1970-01-01T00:01:00Z: 1 server, 0 not at rest, 0 overdue",
        "everything is at rest",
    ]


@pytest.mark.parametrize(
    ("name", "request_", "first", "last"),
    [
        ("web", None, " (web)", "  frees it: "),
        (None, ("stop", "req-1", None, "", None), "step)", "  requested: stop, req-1"),
        ("w", ("stop", "req-1", "u", "", "h"), " (w)", "  requested: stop by user u on h, req-1"),
    ],
)
def test_an_overdue_server_is_shown_with_what_is_known_of_its_request(
    name: str | None, request_: tuple[Any, ...] | None, first: str, last: str
) -> None:
    tracking = tracked([server("a", STOPPING, name=name)], [server("a", STOPPING, name=name)])
    (late,) = late_of(tracking)
    tracking.servers["a"].request = LatestRequest(*request_) if request_ else None
    lines = display.late_lines(late, tracking.servers["a"])
    assert lines[0].startswith("OVERDUE: a  active/powering-off for at least 1 min; limit 30 s")
    assert lines[0].endswith(first if name else "for every step)")
    assert lines[-1].startswith(last)
    assert len(lines) == 1 + len(late.frees) + (request_ is not None)


def test_json_says_since_when_a_server_works_and_what_is_overdue() -> None:
    works = server("b", STOPPING, host="h", updated="1970-01-01T00:01:30Z")
    tracking = tracked([server("a", STOPPING), server("b")], [server("a", STOPPING), works])
    late = late_of(tracking)
    happened = Happened(120.0, unknown={"z": "unknown word"})
    poll = json.loads(display.as_line(happened, tracking, late, full=True))
    assert {key: poll[key] for key in ("at", "full", "servers", "changes", "unknown")} == {
        "at": "1970-01-01T00:02:00Z", "full": True, "servers": 2, "changes": [], "unknown": {"z": "unknown word"},
    }  # fmt: skip
    shown = {**WORD, "task_state": STOPPING}
    assert poll["working"] == [
        {"server": "a", "name": "n-a", **shown, "since": {"at_least": 60.0, "at_most": None}},
        {"server": "b", "name": "n-b", **shown, "since": {"at_least": 30.0, "at_most": 60.0}},
    ]
    (one,) = poll["overdue"]
    assert (one["server"], one["name"], one["host"], one["request"]) == ("a", "n-a", None, None)


def explained(name: str, *events: str, settled: bool = True, at: float = 60.0) -> Explanation:
    first = tracked([server(name)]).servers[name].standing.row
    return Explanation(first, first._replace(time=at), events, settled=settled)


def printed(capsys: pytest.CaptureFixture[str], *polls: list[Explanation]) -> list[int]:
    """How many lines about servers each poll prints, behind the head of the first one."""
    lines = Lines(Tracking(ECS), "mine", as_json=False, whole=False)
    counts = []
    for changes in polls:
        lines.polled(CloudPoll(60.0, False, []), Happened(60.0, changes), [])
        counts.append(len(capsys.readouterr().out.splitlines()))
    return [counts[0] - 1, *counts[1:]]


def test_a_change_is_printed_again_only_if_it_is_explained_otherwise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    open_ = explained("a", "stop", settled=False)
    otherwise = open_._replace(events=("delete",))
    assert printed(capsys, [open_], [open_], [open_._replace(settled=True)]) == [1, 0, 0]
    assert printed(capsys, [open_], [otherwise], [otherwise], [open_]) == [1, 1, 0, 1]
    other = explained("a", "stop", settled=False, at=120.0)
    assert printed(capsys, [open_], [open_, other], [open_, other]) == [1, 1, 0]
    settled = open_._replace(settled=True)
    assert printed(capsys, [settled], [settled]) == [1, 1]
    assert printed(capsys, [open_], [explained("b", "stop", settled=False)], [open_]) == [1, 1, 0]


def test_a_change_has_its_own_time_and_an_unknown_word_its_server() -> None:
    change = explained("a", "stop", at=30.0)
    timeless = change._replace(after=change.after._replace(time=None))
    lines = display.happened_lines(60.0, [change, timeless], {"z": "unknown word"})
    assert [line.split("  ")[0] for line in lines[:2]] == [
        "1970-01-01T00:00:30Z",
        "1970-01-01T00:01:00Z",
    ]
    assert lines[2] == "z: unknown word"


def test_a_server_is_reported_as_overdue_once(capsys: pytest.CaptureFixture[str]) -> None:
    tracking = tracked([server("a", STOPPING)], [server("a", STOPPING)])
    late, nothing = late_of(tracking), Happened(120.0)
    lines = Lines(tracking, "mine", as_json=False, whole=False)
    reported = []
    for some in (late, late, [], late):
        lines.polled(CloudPoll(120.0, True, []), nothing, some)
        reported.append("OVERDUE" in capsys.readouterr().out)
    assert reported == [True, False, False, True]


@pytest.mark.parametrize(("whole", "heads"), [(True, 3), (False, 1)])
def test_the_head_is_printed_with_each_poll_or_once(
    whole: bool, heads: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Lines(Tracking(ECS), "mine", as_json=False, whole=whole)
    for _ in range(3):
        lines.polled(CloudPoll(60.0, True, []), Happened(60.0), [])
    assert capsys.readouterr().out == "mine, no answer yet: 0 servers, 0 not at rest, 0 overdue\n" * heads  # fmt: skip
    lines.failed("a\nb")
    assert capsys.readouterr().err == r"ecs-fsm: a\nb" + "\n"


def test_words_that_the_lifecycle_lacks_are_told_and_the_server_stays_as_it_was() -> None:
    tracking = tracked([server("a"), server("b")])
    happened = tracking.take(CloudPoll(120.0, True, [server("a", "dreaming"), server("b")]))
    assert [*happened.unknown] == ["a"]
    assert str(tracking.servers["a"].standing.row) == "active/-"
    with pytest.raises(InvalidInput, match="--lifecycle nova"):
        tracked([server("a", vm_state="paused", status="PAUSED")])
    late = tracking.take(CloudPoll(180.0, False, [server("c", vm_state="paused", status="PAUSED")]))
    assert [*late.unknown] == ["c"]


def test_servers_of_the_past_are_not_followed_and_those_that_end_are_forgotten() -> None:
    gone = {"vm_state": "deleted", "status": "DELETED"}
    tracking = tracked([server("a"), server("b", **gone)])
    assert [*tracking.servers] == ["a"]
    happened = tracking.take(CloudPoll(120.0, False, [server("a", **gone)]))
    assert [change.events for change in happened.changes] == [("delete", "advance")]
    assert tracking.servers == {}


def test_a_server_that_is_left_out_is_deleted_in_a_full_list_alone() -> None:
    tracking = tracked([server("a", host="h"), server("b")])
    assert tracking.take(CloudPoll(120.0, False, [server("b")])).changes == []
    (change,) = tracking.take(CloudPoll(180.0, True, [server("b")])).changes
    assert change.events == ("delete", "advance")
    assert (change.after.server, change.after.time, change.after.host) == ("a", 180.0, "h")
    assert change.after.others == {"id": "a", "name": "n-a"}
    assert [*tracking.servers] == ["b"]


def test_a_change_is_of_a_server_with_its_host_its_name_and_its_time() -> None:
    tracking = tracked([server("a")], [server("a", STOPPING, host="h")])
    standing = tracking.servers["a"].standing
    assert (standing.left, standing.row.time, standing.row.host) == (60.0, 120.0, "h")
    assert standing.row.others == {"id": "a", "name": "n-a"}


def asked(count: int, polls: int) -> list[str]:
    """Whose actions a watch asks for, of so many servers whose step is overdue."""
    works = [row(f"s{n:02}", "active", STOPPING) for n in range(count)]

    class Asked(Scripted):
        def get(self, path: str, query: Any, minor: int = 1) -> Any:
            if path.endswith("/os-instance-actions"):
                self.answers.insert(0, {"instanceActions": []})
                self.each = 0.0
            else:
                self.each = 3600.0
            return super().get(path, query, minor)

    client = Asked(*[works] * polls)
    settings = WatchSettings("mine", polls=polls, overdue="1m")
    Watch(client, ECS, settings, sleep=lambda _: None).run(Silent())
    return [path.split("/")[2] for path, _, _ in client.asked if path.endswith("-actions")]


def test_who_requested_it_is_asked_once_for_each_and_for_a_few_after_one_poll() -> None:
    assert asked(3, 1) == []
    assert asked(3, 3) == ["s00", "s01", "s02"]
    assert MOST_ASKED == 20
    assert len(asked(25, 2)) == 20
    assert asked(25, 3) == [f"s{n:02}" for n in range(25)]


def samples(metrics: WatchMetrics) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        one.name.removeprefix("ecs_fsm_watch_"): {
            tuple(sample.labels.values()): sample.value
            for sample in one.samples
            if not sample.name.endswith("_created")
        }
        for one in metrics.collect()
    }


def test_metrics_name_servers_by_their_state_and_overdue_ones_by_more() -> None:
    rows = [server("a", STOPPING, host="h"), server("b"), server("c")]
    tracking = tracked(rows, [*rows, ServerRow("d", "ACTIVE")])
    metrics = WatchMetrics()
    assert [*metrics.describe()] == []
    assert [*metrics.collect()] == []
    metrics.failed()
    assert samples(metrics) == {"polls": {("answered",): 0, ("unanswered",): 1}}
    metrics.polled(tracking, late_of(tracking), 0.5)
    metrics.failed()
    state = ("active", STOPPING, "ACTIVE")
    assert samples(metrics) == {
        "servers": {state: 1, ("active", "-", "ACTIVE"): 2, ("-", "-", "ACTIVE"): 1},
        "overdue_seconds": {("a", "n-a", "h", *state): 60.0},
        "overdue_limit_seconds": {("a", "n-a", "h", *state): 30.0},
        "last_poll_timestamp_seconds": {(): 120.0},
        "poll_seconds": {(): 0.5},
        "polls": {("answered",): 1, ("unanswered",): 2},
    }


@pytest.mark.parametrize("address", [":9180", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:65536"])
def test_an_address_for_metrics_has_a_host_and_a_port(address: str) -> None:
    with pytest.raises(InvalidInput, match="expected HOST:PORT"):
        MetricsServer(address, WatchMetrics())


def test_a_watch_appends_to_its_record(tmp_path: Path) -> None:
    record = tmp_path / "polls.jsonl"
    record.write_text("{}\n", encoding="utf-8")
    settings = WatchSettings("mine", polls=1, record=str(record))
    Watch(Scripted([{**row("a"), HOST: "hé"}]), ECS, settings).run(Silent())
    first, second = record.read_text("utf-8").splitlines()
    assert first == "{}"
    assert json.loads(second)[HOST] == "hé"
    assert "hé" in second
