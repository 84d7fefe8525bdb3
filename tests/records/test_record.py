"""Records in the layouts of clouds: what is read, what is detected, and what is refused."""

import gzip
import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecs_fsm import ECS
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.record import Record, RecordOptions
from ecs_fsm.records.times import iso, seconds, zone
from tests.command import Answer, ecs_fsm

SAMPLES = Path(__file__).parent / "samples"
WEB_1, WEB_2 = "0a11ce00-0000-4000-8000-000000000001", "0b0b0000-0000-4000-8000-000000000002"


def read(
    text: str | bytes, options: RecordOptions | None = None
) -> tuple[Record, list[Observation]]:
    data = text.encode() if isinstance(text, str) else text
    record = Record(ECS, ["rows"], options, BytesIO(data))
    return record, record.follow(list)


def sample(name: str, options: RecordOptions | None = None) -> tuple[Record, list[Observation]]:
    record = Record(NOVA, [str(SAMPLES / name)], options)
    return record, record.follow(list)


def shown(rows: list[Observation]) -> list[tuple[str | None, str]]:
    return [(row.server, str(row)) for row in rows if row.shown]


@pytest.mark.parametrize(
    ("name", "layout", "servers", "complete"),
    [
        ("notifications-versioned.jsonl", "notifications", 1, True),
        ("notifications-legacy-oslo.jsonl", "notifications", 1, True),
        ("api-server-show-polls.jsonl", "servers", 1, False),
        ("api-servers-detail-polls.jsonl", "servers", 2, False),
        ("api-servers-flat.jsonl", "servers", 2, False),
        ("osc-server-show.json", "servers", 1, False),
        ("osc-server-list-long.csv", "server-list", 3, False),
        ("osc-server-list-long.json", "server-list", 3, False),
        ("osc-poll.csv", "server-list", 2, False),
        ("osc-server-event-list.json", "instance-actions", 1, True),
        ("instance-actions-list.json", "instance-actions", 1, True),
        ("instance-action-get.jsonl", "instance-actions", 1, True),
        ("huawei-jobs.jsonl", "jobs", 1, True),
    ],
)
def test_the_layout_of_a_record_is_known_by_its_shape(
    name: str, layout: str, servers: int, complete: bool
) -> None:
    record, rows = sample(name)
    assert rows
    assert (record.format, record.servers, record.complete) == (layout, servers, complete)
    by_name, same = sample(name, RecordOptions(format=layout))
    assert (str(by_name), same) == (str(record), rows)


def test_polls_by_the_compute_api_and_by_the_client_show_states_and_hosts() -> None:
    for name in ("api-server-show-polls.jsonl", "api-servers-flat.jsonl"):
        _, rows = sample(name)
        own = [row for row in rows if row.server == WEB_1]
        assert list(map(str, own)) == ["active/-", "active/powering-off", "stopped/-"]
        assert {row.host for row in own} == {"host-a"}
        # Where only the time of the last write is known, that is the time.
        assert [iso(row.time or 0)[11:] for row in own] == ["09:01:20Z", "10:00:00Z", "10:00:30Z"]


def test_a_server_that_a_full_list_leaves_out_is_gone() -> None:
    record, rows = sample("osc-poll.csv")
    assert shown(rows)[-1] == (WEB_2, "deleted/-")
    assert rows[-1].time == rows[-2].time
    assert (record.gone, "1 is gone: absent from a full list" in str(record)) == (1, True)
    _, rows = sample("osc-poll.csv", RecordOptions(partial_lists=True))
    assert shown(rows)[-1] == (WEB_1, "stopped/-")


ONE = {
    "id": "a",
    "status": "ACTIVE",
    "created": "2026-01-01T00:00:00Z",
    "OS-EXT-STS:task_state": None,
}
ONE |= {"OS-EXT-STS:vm_state": "active"}
TWO = {**ONE, "id": "b"}


@pytest.mark.parametrize(
    ("polls", "gone"),
    [
        ([{"servers": [ONE, TWO]}, {"servers": [ONE]}], ["b"]),
        ([{"servers": [ONE, TWO]}, {"servers": []}], ["a", "b"]),
        ([{"servers": [ONE], "servers_links": [{"rel": "next"}]}, {"servers": [TWO]}], []),
        ([[ONE, TWO], [TWO]], ["a"]),
        ([{"server": ONE}, {"server": TWO}], []),
        ([ONE, TWO], []),
    ],
    ids=["a list", "an empty list", "pages", "bare lists", "single servers", "single rows"],
)
def test_each_list_of_the_compute_api_is_full_but_a_page_of_one(
    polls: list[object], gone: list[str]
) -> None:
    for text in (
        "\n".join(map(json.dumps, polls)),
        "\n".join(json.dumps(p, indent=1) for p in polls),
    ):
        _, rows = read(text)
        assert [row.server for row in rows if str(row) == "deleted/-"] == gone


def test_what_stands_under_a_key_of_the_compute_api_is_its_answer_however_few_its_columns_are() -> (
    None
):
    one = '"status": "ACTIVE", "OS-EXT-STS:vm_state": "active", "OS-EXT-STS:task_state": null'
    polls = (
        f'{{"when": 10, "servers": [{{"id": "a", {one}}}, {{"id": "b", {one}}}]}}\n'
        f'{{"when": 20, "servers": [{{"id": "a", {one}}}]}}\n'
    )
    record, rows = read(polls)
    assert (record.format, record.complete, record.gone) == ("servers", False, 1)
    assert [(row.server, row.time) for row in rows] == [("a", 10), ("b", 10), ("a", 20), ("b", 20)]
    assert str(rows[-1]) == "deleted/-"
    _, partial = read(polls, RecordOptions(partial_lists=True))
    assert [(row.server, row.time) for row in partial] == [("a", 10), ("b", 10), ("a", 20)]
    record, rows = read(f'{{"ts": 10, "server": {{"id": "a", {one}}}}}\n')
    assert (record.format, record.complete, rows[0].time) == ("servers", False, 10)


def test_a_poll_larger_than_a_row_may_be_is_read_server_by_server() -> None:
    servers = [{**ONE, "id": f"s{n}", "metadata": {"x": "y" * 3000}} for n in range(800)]
    poll = json.dumps({"servers": servers, "servers_links": []})
    assert len(poll) > 2 << 20
    record, rows = read(f"{poll}\n{json.dumps({'servers': servers[:-1]})}\n")
    assert (record.servers, len(rows), record.gone) == (800, 1600, 1)


def test_instance_actions_come_newest_first_and_are_put_in_order() -> None:
    record, rows = sample("instance-actions-list.json")
    actions = [row.action for row in rows if row.action]
    assert [(a.word, a.failed) for a in actions] == [
        ("create", False), ("stop", False), ("resize", True), ("start", True),
    ]  # fmt: skip
    assert record.actions_alone
    assert "newest first, so sorted" in str(record)


def test_steps_of_instance_actions_have_exact_times_and_hosts() -> None:
    _, rows = sample("instance-action-get.jsonl")
    _, stop, resize, start = [row.action for row in rows if row.action]
    (step,) = stop.steps
    assert (step.tasks, step.host, step.failed) == (("powering-off",), "host-a", False)
    assert (step.finished or 0) - (step.began or 0) == 30
    assert resize.steps[0].failed
    assert start.steps[0].finished is None


def test_what_names_no_server_is_about_one_only_where_that_is_said() -> None:
    with pytest.raises(InvalidInput, match=r"no instance_uuid.*--one-server"):
        sample("osc-server-event-show.json")
    _, (row,) = sample("osc-server-event-show.json", RecordOptions(one_server=True))
    assert row.server is None
    assert row.action is not None
    assert row.action.steps[0].tasks == ("powering-off",)


def test_notifications_say_the_state_before_as_a_row_of_its_own() -> None:
    _, rows = sample("notifications-legacy-oslo.jsonl")
    assert [state for _, state in shown(rows)] == [
        "active/-", "active/powering-off", "active/powering-off", "stopped/-",
        "stopped/-", "stopped/powering-on",
    ]  # fmt: skip
    _, rows = sample("notifications-versioned.jsonl")
    ended = [row.action for row in rows if row.action and row.action.finished]
    assert [(a.operations, a.failed) for a in ended] == [
        (("stop",), False), (("resize", "migrate"), True),
    ]  # fmt: skip


def test_notifications_without_changes_of_tasks_may_have_missed_states() -> None:
    payload = {"instance_id": "a", "old_state": "active", "state": "stopped",
               "old_task_state": None, "new_task_state": None}  # fmt: skip
    update = {
        "event_type": "compute.instance.update",
        "timestamp": "2026-11-28 10:00:00",
        "payload": payload,
    }
    assert not read(json.dumps(update))[0].complete


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("keypair.import.end", {"key_name": "k"}),
        ("volume.usage", {"instance_id": "a", "volume_id": "v"}),
        ("compute.instance.metrics", {"host": "host-a"}),
    ],
)
def test_notifications_about_other_things_than_a_server_are_left_out(
    kind: str, payload: Mapping[str, str]
) -> None:
    known = {"instance_id": "a", "old_state": "active", "state": "active",
                "old_task_state": None, "new_task_state": "powering-off"}  # fmt: skip
    rows = [
        {"event_type": event, "timestamp": "2026-11-28 10:00:00", "payload": about}
        for event, about in (("compute.instance.update", known), (kind, payload))
    ]
    _, seen = read("\n".join(map(json.dumps, rows)))
    assert {row.server for row in seen} == {"a"}
    assert [state for _, state in shown(seen)] == ["active/-", "active/powering-off"]


def test_a_record_of_actions_alone_gives_a_change_for_each() -> None:
    code, out, _ = ecs_fsm("replay", str(SAMPLES / "huawei-jobs.jsonl"), "--json")
    answer = json.loads(out)
    # The stop has run for an hour when the record ends.
    assert (code, [one["server"] for one in answer["overdue"]]) == (1, [WEB_1])
    assert answer["record"] == {
        "format": "jobs", "complete": True, "servers": 1,
        "first": "2026-11-28T09:00:00Z", "last": "2026-11-28T11:00:06Z",
    }  # fmt: skip
    told = [(c["at"], c["from"], c["to"], c["events"]) for c in answer["changes"]]
    assert told == [
        ("2026-11-28T09:00:00Z", None, None, ["create"]),
        ("2026-11-28T10:00:00Z", None, None, ["stop"]),
        ("2026-11-28T11:00:00Z", None, None, ["resize", "fail"]),
    ]


def test_two_servers_with_different_ids_are_two() -> None:
    recording = "time,id,status\n1,a,ACTIVE\n2,b,SHUTOFF\n3,a,ACTIVE\n4,b,SHUTOFF\n"
    assert ecs_fsm("replay", "-", given=recording) == Answer(
        0, "CSV, columns: 2 servers, 1 s to 4 s, sampled\n0 changes, all explained\n", ""
    )


def test_a_newest_first_record_is_read_in_the_order_of_time() -> None:
    recording = (
        "time,server,vm_state,task_state\n3,s,stopped,\n2,s,active,powering-off\n1,s,active,\n"
    )
    code, out, _ = ecs_fsm("replay", "-", given=recording)
    assert code == 0
    assert "newest first, so sorted" in out.splitlines()[0]
    assert [line.split()[-1] for line in out.splitlines()[1:-1]] == ["stop", "advance"]


def test_rows_of_one_time_keep_their_order_and_turn_it_newest_first() -> None:
    newest = "time,vm_state,task_state\n2,stopped,\n1,active,powering-off\n1,active,\n"
    assert list(map(str, read(newest)[1])) == ["active/-", "active/powering-off", "stopped/-"]
    mixed = "time,vm_state,task_state\n1,active,\n1,active,powering-off\n3,stopped,\n2,active,powering-off\n"
    assert list(map(str, read(mixed)[1]))[:2] == ["active/-", "active/powering-off"]


def test_many_rows_out_of_order_are_sorted_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecs_fsm.records.ordering.RUN", 2000)
    count = 4_500
    lines = [f"{n * 7919 % count},s{n % 3},active,,web {n}" for n in range(count)]
    record, rows = read("time,server,vm_state,task_state,note\n" + "\n".join(lines))
    assert [row.time for row in rows] == [float(n) for n in range(count)]
    assert rows[3_419].others["note"] == "web 1"
    assert "not in the order of time, so sorted" in str(record)


def test_several_files_are_one_record(tmp_path: Path) -> None:
    header = "time,server,vm_state,task_state\n"
    (tmp_path / "log.1").write_text(
        f"{header}1,s,active,\n2,s,active,powering-off\n", encoding="utf-8"
    )
    (tmp_path / "log").write_text(f"{header}3,s,stopped,\n", encoding="utf-8")
    for names in (("log.1", "log"), ("log", "log.1")):
        code, out, _ = ecs_fsm("replay", *(str(tmp_path / name) for name in names))
        assert (code, out.splitlines()[-1]) == (0, "2 changes, all explained")
        assert "in 2 files: 1 server, 1 s to 3 s, complete" in out


ROWS = [("server", "vm_state", "task_state"), ("s", "active", "-"), ("s", "active", "deleting")]
TABLES = {
    name: "\n".join(sign.join(row) for row in ROWS) + "\n"
    for name, sign in {"CSV": ",", "TSV": "\t", "CSV with ;": ";", "CSV with |": "|"}.items()
}


@pytest.mark.parametrize("title", TABLES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_tables_are_read_in_every_dialect_and_encoding(
    title: str, encoding: str, packed: bool
) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    data = (mark + TABLES[title]).replace("\n", "\r\n").encode(encoding)
    record, rows = read(gzip.compress(data) if packed else data)
    assert (
        str(record)
        == f"{title}{' (gzip)' if packed else ''}, columns: 1 server, no times, complete"
    )
    assert shown(rows) == [("s", "active/-"), ("s", "active/deleting")]


def test_the_events_of_a_fleet_in_parquet_are_read_back(tmp_path: Path) -> None:
    events = tmp_path / "events.parquet"
    run = ecs_fsm(
        "fleet", "run", "--servers", "30", "--duration", "1d", "--events", "-o", str(events)
    )
    assert run.code == 0
    code, out, err = ecs_fsm("replay", str(events))
    assert (code, err) == (0, "")
    assert out.startswith("Parquet, columns: 30 servers, 0 s to ")
    assert out.rstrip().endswith("all explained")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_parquet_of_another_tool_has_times_of_its_own_type_and_empty_cells(
    packed: bool, tmp_path: Path
) -> None:
    cet = timezone(timedelta(hours=1))
    whole = BytesIO()
    pq.write_table(
        pa.table(
            {
                "server": ["a", "a", "b"],
                "time": [datetime(2026, 11, 28, 11, minute, tzinfo=cet) for minute in (0, 1, 2)],
                "vm_state": ["active", "active", "stopped"],
                "task_state": ["powering-off", None, None],
                "load": [0.5, math.nan, None],
            }
        ),
        whole,
    )
    data = gzip.compress(whole.getvalue()) if packed else whole.getvalue()
    record, rows = read(data)
    assert shown(rows) == [("a", "active/powering-off"), ("a", "active/-"), ("b", "stopped/-")]
    assert record.as_dict()["first"] == "2026-11-28T10:00:00Z"
    file = tmp_path / "polls"
    file.write_bytes(data)
    (change,) = json.loads(ecs_fsm("replay", "--json", str(file)).out)["changes"]
    assert [change[end]["load"] for end in ("from", "to")] == [0.5, None]
    assert change["to"]["time"] == "2026-11-28 11:01:00+01:00"
    assert change["to"]["task_state"] is None


@pytest.mark.parametrize(
    "header",
    ["VM State,Task State,Server ID", "OS-EXT-STS:vm_state,OS-EXT-STS:task_state,ID",
     "vm state,TASK_STATE,instance_uuid", "Vm_State,task-state,resource_id",
     "vmState,taskState,serverId", "VMSTATE,TASKSTATE,SERVERID", "VMState,TaskState,InstanceUUID"],
)  # fmt: skip
def test_columns_are_known_whatever_their_case_and_spaces(header: str) -> None:
    _, rows = read(f"{header}\nACTIVE,N/A,a\nActive,POWERING-OFF,a\nstopped,None,a\n")
    assert shown(rows) == [("a", "active/-"), ("a", "active/powering-off"), ("a", "stopped/-")]


def test_a_column_is_named_by_the_noun_of_the_lifecycle_as_well() -> None:
    cinder = server_class("cinder").lifecycle
    record = Record(cinder, ["rows"], None, BytesIO(b"Volume ID,status\na,available\nb,in-use\n"))
    assert [row.server for row in record.follow(list)] == ["a", "b"]
    assert "2 volumes" in str(record)


def test_a_row_of_a_status_alone_makes_a_record_sampled() -> None:
    rows = ['{"vm_state": "active", "task_state": null}', '{"status": "ACTIVE"}']
    assert [read("\n".join(rows[:n]))[0].complete for n in (1, 2)] == [True, False]


def test_a_table_without_rows_has_columns_and_no_servers() -> None:
    assert str(read("time,server,status\n")[0]) == "CSV, columns: 0 servers, no times, sampled"


def test_other_columns_are_named_by_an_option() -> None:
    text = "host_name;ts;state;task\na;2026-11-28 12:00;active;\n"
    named = "server=host_name,time=ts,vm_state=state,task_state=task"
    record, rows = read(text, RecordOptions(columns=named, utc_offset="+02:00"))
    assert shown(rows) == [("a", "active/-")]
    assert record.as_dict()["first"] == "2026-11-28T10:00:00Z"


@pytest.mark.parametrize(
    ("text", "options", "error"),
    [
        ("name,status\na,ACTIVE\n", RecordOptions(), "does name name the server?.*--columns server=name, or --one-server"),
        ("time,at,vm_state,task_state\n", RecordOptions(), ""),
        ("time,at,vm_state,task_state\n1,2,active,\n", RecordOptions(), "time and at have one meaning; choose: --columns time=time"),
        ("instance,resource_id,status\na,b,ACTIVE\n", RecordOptions(), "instance and resource_id have one meaning; choose: --columns server=instance"),
        ("server_id,instance_uuid,status\na,b,ACTIVE\n", RecordOptions(), "server_id and instance_uuid have one meaning; choose: --columns server=server_id"),
        ("null\n", RecordOptions(), "rows:1: no column of a known meaning"),
        ("{}", RecordOptions(), "rows:1: a row without columns"),
        ("hostId,status\na,ACTIVE\n", RecordOptions(), "does hostId name the server?.*--one-server"),
        ("vmid,status\na,ACTIVE\n", RecordOptions(), "does vmid name the server?"),
        ("GUID,status\na,ACTIVE\n", RecordOptions(), "does GUID name the server?"),
        ("resource,status\na,ACTIVE\n", RecordOptions(), "does resource name the server?"),
        ('{"status": "ACTIVE"}\n{"name": "b", "status": "ACTIVE"}\n', RecordOptions(), "rows:2: does name name the server?"),
        ("time,server,status\n".encode("utf-16-le")[1:], RecordOptions(), "not valid UTF-16"),
        ("vm_state,task_state\nactive,\npaused,\n".encode("utf-16"), RecordOptions(), "rows:3: unknown vm_state 'paused'"),
        ("vm_state,task_state\npaused,\n", RecordOptions(), "unknown vm_state 'paused'.*--lifecycle nova"),
        ("status,instance\nshutting-down,a\n", RecordOptions(), "unknown status.*--lifecycle ec2"),
        ("vm_state,task_state,time\nactive,,28.11.2026\n", RecordOptions(), 'time is "28.11.2026"; expected'),
        ("vm_state,vm_state,task_state\nactive,active,\n", RecordOptions(), "two columns are called 'vm_state'"),
        ("a,b\n1,2\n", RecordOptions(columns="state=a"), "unknown meaning 'state'"),
        ("a,b\n1,2\n", RecordOptions(columns="vm_state=c"), "no column 'c' among 'a, b'"),
        ("status\nACTIVE\n", RecordOptions(utc_offset="noon"), "--utc-offset 'noon': expected"),
        ("status\nACTIVE\n", RecordOptions(format="csv"), "unknown format 'csv'; known: columns"),
        (b"PK\x03\x04xl", RecordOptions(), "a workbook or an archive; save it as CSV"),
        (b"PAR1PAR1", RecordOptions(), "not valid Parquet"),
        (gzip.compress(b"status\nACTIVE\n", mtime=0)[:-9], RecordOptions(), "not valid gzip"),
    ],
)  # fmt: skip
def test_what_is_ambiguous_is_refused_with_the_way_out(
    text: str | bytes, options: RecordOptions, error: str
) -> None:
    if not error:
        assert read(text, options)[1] == []
        return
    with pytest.raises(InvalidInput, match=error):
        read(text, options)


def test_an_action_that_only_the_other_lifecycle_has_is_refused_with_that_hint() -> None:
    pause = {"action": "pause", "instance_uuid": "a", "start_time": "2026-01-01T00:00:00"}
    with pytest.raises(
        InvalidInput, match="has no pause; the lifecycle nova has it: --lifecycle nova"
    ):
        read(json.dumps(pause))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-28T10:00:00Z", 1795860000.0), ("2026-11-28 12:00:00+02:00", 1795860000.0),
        ("2026-11-28 11:00:00.000000", 1795860000.0), (1795860000, 1795860000.0),
        ("1795860000000", 1795860000.0), (1795860000000.0, 1795860000.0), ("12.5", 12.5),
    ],
)  # fmt: skip
def test_times_are_iso_or_seconds_or_milliseconds(value: object, expected: float) -> None:
    assert seconds(value, zone("+1")) == expected


@pytest.mark.parametrize("value", ["soon", "", "nan", "1e300", True, 1e15])
def test_what_is_not_a_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r".*"):
        seconds(value, zone(None))


@pytest.mark.parametrize(
    ("offset", "seconds_ahead"),
    [("+05:59", 21_540), ("-14", -50_400), ("5:30", 19_800), ("3", 10_800), (None, 0)],
)
def test_an_offset_is_of_hours_and_minutes(offset: str | None, seconds_ahead: int) -> None:
    ahead = zone(offset).utcoffset(None)
    assert ahead is not None
    assert ahead.total_seconds() == seconds_ahead


@pytest.mark.parametrize("offset", ["+05:60", "15", "+1:2", ""])
def test_an_offset_of_more_than_a_day_has_is_refused(offset: str) -> None:
    with pytest.raises(InvalidInput, match="expected hours such as"):
        zone(offset)


def test_words_are_known_whatever_their_case() -> None:
    text = "vm_state,task_state,status\nACTIVE,Powering-Off,active\nStopped,NULL,\n"
    assert shown(read(text)[1]) == [(None, "active/powering-off"), (None, "stopped/-")]


@pytest.mark.parametrize(
    ("text", "layout"),
    [('{"servers": []}', "servers"), ("[]", "servers"), ("status,time\n", "columns")],
)
def test_a_record_without_rows_has_a_layout(text: str, layout: str) -> None:
    record, rows = read(text)
    assert (record.format, rows) == (layout, [])


def test_a_cell_that_goes_on_behind_its_quotes_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="rows:2: "):
        read('vm_state,task_state\n"active"x,\n')


def test_an_end_of_a_line_within_a_row_is_an_error_in_the_middle_of_many_rows_as_well() -> None:
    rows = ["active,"] * 3000
    with pytest.raises(InvalidInput, match="rows:"):
        read("vm_state,task_state\n" + "\n".join([*rows, "active\rx,", *rows]))


def test_the_columns_that_only_a_lifecycle_has_show_whole_states() -> None:
    parcel = server_class(str(Path(__file__).parents[1] / "own" / "parcel.toml")).lifecycle
    whole = b"time,label,X-POST:place,X-POST:move\n1,TRANSIT,depot,driving\n"
    label = b"time,label\n1,TRANSIT\n"
    assert [Record(parcel, ["rows"], None, BytesIO(text)).complete for text in (whole, label)] == [
        True,
        False,
    ]


def test_an_empty_cell_is_the_end_only_where_a_lifecycle_has_one() -> None:
    text = b"time,id,State\n1,a,running\n2,a,\n"
    with pytest.raises(InvalidInput, match=r"no \S+"):
        Record(server_class("ec2").lifecycle, ["rows"], None, BytesIO(text)).follow(list)
    pump = server_class(str(Path(__file__).parents[1] / "own" / "pump.toml")).lifecycle
    gone = BytesIO(b"time,server,Mode.Name\n1,a,idle\n2,a,\n")
    assert [str(row) for row in Record(pump, ["rows"], None, gone).follow(list)] == [
        "idle",
        "(gone)",
    ]


def test_files_that_follow_each_other_are_sorted_by_their_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ecs_fsm.records.ordering.RUN", 1000)
    order = [*range(4000, 5000), *range(2000, 3000), *range(3000, 4000), *range(1000, 2000), 0]
    text = "time,server,vm_state,task_state\n" + "\n".join(f"{n},s,active," for n in order)
    _, rows = read(text)
    assert [row.time for row in rows] == sorted(map(float, order))


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.jsonl")))
def test_rows_of_every_layout_are_the_same_after_they_were_sorted_on_the_disk(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (SAMPLES / name).read_text(encoding="utf-8")
    backwards = "\n".join(text.splitlines()[::-1])
    in_memory = Record(NOVA, ["rows"], None, BytesIO(backwards.encode())).follow(list)
    monkeypatch.setattr("ecs_fsm.records.ordering.RUN", 2)
    on_disk = Record(NOVA, ["rows"], None, BytesIO(backwards.encode())).follow(list)
    assert on_disk == in_memory
    assert on_disk
