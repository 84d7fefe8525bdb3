"""Recordings explained: each change by the event that causes it, or why nothing does."""

import json
import tracemalloc
from collections import deque
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_fsm import ECS, Lifecycle, Server
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.record import Record, RecordOptions
from ecs_fsm.replay.changes import Explanation
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain
from tests.command import Answer, ecs_fsm


def seen(*names: str) -> list[Observation]:
    return [Observation(ECS.states[name].as_dict(), ECS.states[name], None) for name in names]


def explained(*names: str, sampled: bool = False) -> list[Explanation]:
    return list(explain(Replay(ECS, sampled=sampled), seen(*names)))


def events(*names: str, sampled: bool = False) -> list[tuple[str, ...] | None]:
    return [explanation.events for explanation in explained(*names, sampled=sampled)]


def test_each_change_is_explained_by_the_event_that_causes_it() -> None:
    path = ("active/-", "active/powering-off", "stopped/-", "stopped/deleting", "deleted/-")
    assert events(*path) == [("stop",), ("advance",), ("delete",), ("advance",)]


def test_the_second_change_of_one_event_has_no_event_of_its_own() -> None:
    assert events("active/rebuilding", "error/rebuilding", "error/-") == [("fail",), ()]
    path = ("stopped/rebuild_spawning", "active/-", "active/powering-off", "stopped/-")
    assert events(*path) == [("advance",), (), ("advance",)]


def test_what_comes_later_decides_which_event_it_was() -> None:
    assert events("stopped/resize_prep", "stopped/-", "error/-") == [("fail",), ()]
    rolled_back = explained("stopped/resize_prep", "stopped/-", "stopped/powering-on")
    assert [(e.events, e.others) for e in rolled_back] == [(("roll_back",), ()), (("start",), ())]
    (undecided,) = explained("stopped/resize_prep", "stopped/-")
    assert (undecided.events, undecided.settled) == (("roll_back",), False)
    ((events_of_the_other, share),) = undecided.others
    assert events_of_the_other == ("fail",)
    assert share == pytest.approx(0.002 / 0.022, abs=1e-3)  # fail 0.002, roll_back 0.02


def test_an_event_is_whole_within_a_recording() -> None:
    assert events("stopped/powering-on", "stopped/-", "error/-") == [("roll_back",), None]
    broken = explained("active/rebuilding", "error/rebuilding", "error/deleting")
    assert [e.events for e in broken] == [("fail",), None]
    assert broken[1].reason == "the event under way enters error/- next, not error/deleting"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("stopped/-", "error/-"), [()]),
        (("error/rebuilding", "error/-", "error/deleting"), [("fail",), ("delete",)]),
        (("active/-", "active/powering-off"), [("stop",)]),
        (("stopped/resize_migrating", "stopped/resize_migrated"), [("advance",)]),
    ],
    ids=["between two writes", "a failed rebuild's end", "a stop's begin", "within a resize"],
)
def test_a_recording_may_begin_and_end_anywhere(
    path: tuple[str, ...], expected: list[tuple[str, ...]]
) -> None:
    assert events(*path) == expected


def test_progress_comes_before_other_events_of_the_system_and_those_before_requests() -> None:
    (change,) = explained("active/migrating", "active/-")
    assert change.events == ("advance",)
    ((other, share),) = change.others
    assert other == ("roll_back",)
    assert share == pytest.approx(0.02, abs=1e-3)
    (change,) = explained("building/networking", "building/scheduling")
    assert (change.events, change.others) == (("reschedule",), ())
    (change,) = explained("resized/-", "stopped/-")
    assert (change.events, change.others) == (("confirm_resize",), ())


def test_a_change_that_nothing_explains_says_what_could_have_come() -> None:
    (change,) = explained("stopped/-", "active/-")
    assert change.reason == (
        "no event leads from stopped/- to active/-, only to "
        "stopped/powering-on, stopped/rebuilding, stopped/resize_prep, stopped/deleting, error/-"
    )


def test_after_a_change_that_is_not_explained_the_recording_goes_on() -> None:
    path = ("stopped/-", "active/-", "active/migrating")
    assert events(*path) == [None, ("live_migrate",)]


def _fewest_events() -> dict[tuple[str, str], int]:
    """By breadth-first search over whole events: how many it takes to see one state from another."""
    fewest: dict[tuple[str, str], int] = {}
    for start in ECS.states.values():
        distance, waiting = {start: 0}, deque([start])
        while waiting:
            source = waiting.popleft()
            for t in ECS.leaving(source):
                for state in t.path:
                    fewest.setdefault((start, state), distance[source] + 1)
                if t.path[-1] not in distance:
                    distance[t.path[-1]] = distance[source] + 1
                    waiting.append(t.path[-1])
    return fewest


FEWEST = _fewest_events()


@pytest.mark.parametrize("start", ECS.states)
def test_between_samples_events_are_found_exactly_where_there_are_any(start: str) -> None:
    for end in ECS.states:
        if end != start:
            (change,) = explained(start, end, sampled=True)
            assert (change.events is not None) == ((start, end) in FEWEST), end
            assert len(change.events or ()) >= FEWEST.get((start, end), 0)


@pytest.mark.parametrize("start", ECS.states)
def test_between_samples_all_ways_are_runs_of_the_table(start: str) -> None:
    beginning = ECS.found(ECS.states[start])
    for end in ECS.states:
        if end != start and (start, end) in FEWEST:
            (change,) = explained(start, end, sampled=True)
            for events in (change.events, *(other.events for other in change.others)):
                nodes, seen = {beginning}, set()
                for event in events or ():
                    outcomes = [o for node in nodes for o in ECS.outcomes(node, event)]
                    nodes, seen = (
                        {o.end for o in outcomes},
                        {n.state for o in outcomes for n in o.nodes},
                    )
                assert end in seen, (start, end, events)


def test_a_sample_between_two_writes_of_one_event_is_explained_with_it() -> None:
    path = ("active/-", "error/rebuilding", "error/-")
    assert events(*path, sampled=True) == [("rebuild", "fail"), ()]


def _statuses(*words: str) -> list[Observation]:
    return [Observation({"status": word}, None, None) for word in words]


def test_every_pair_that_shows_a_status_is_possible_where_only_that_was_recorded() -> None:
    replay = Replay(ECS, sampled=True)
    up = [e.events for e in explain(replay, _statuses("SHUTOFF", "ACTIVE", "MIGRATING", "ACTIVE"))]
    assert up == [("start", "advance"), ("live_migrate",), ("advance",)]
    back = list(explain(replay, _statuses("DELETED", "ACTIVE")))
    assert [(e.events, e.reason) for e in back] == [(None, "no events lead from DELETED to ACTIVE")]


@settings(max_examples=100)
@given(st.data())
def test_every_life_of_a_server_is_explained(data: st.DataObject) -> None:
    server = Server(ECS.node(ECS.states[data.draw(st.sampled_from(list(ECS.states)))]))
    for _ in range(data.draw(st.integers(1, 25))):
        if possible := server.triggers():
            server.trigger(data.draw(st.sampled_from(possible)))
    lived = server.history
    visible = [c for before, c in pairwise(lived) if c[1:] != before[1:]]
    names = [f"{c.vm_state}/{c.task_state or '-'}" for c in [lived[0], *visible]]
    changes = explained(*names)
    assert all(e.events is not None for e in changes)
    assert len(changes) == len(visible)
    for sampled in explained(names[0], *names[1::3], sampled=True):
        assert sampled.events is not None


FORMS = {
    "json": '[{"vm_state": "active", "task_state": null, "at": 1},\n'
    ' {"vm_state": "active", "task_state": "powering-off", "status": "ACTIVE"},\n'
    ' {"vm_state": "active", "task_state": "powering-off"}, {"vm_state": "stopped", "task_state": null}]',
    "api": '[{"OS-EXT-STS:vm_state": "active", "OS-EXT-STS:task_state": null, "status": "ACTIVE"},'
    '{"OS-EXT-STS:vm_state": "active", "OS-EXT-STS:task_state": "powering-off"},'
    '{"OS-EXT-STS:vm_state": "stopped", "OS-EXT-STS:task_state": null}]',
    "lines": '{"vm_state": "active", "task_state": null}\n\n'
    '{"vm_state": "active", "task_state": "powering-off"}\n{"vm_state": "stopped", "task_state": "-"}',
    "csv": "at,vm_state,task_state\n1,active,\n2,active,powering-off\n3,stopped,null\n",
    "answer": '{"changes": [\n{"vm_state": "active", "task_state": null},\n'
    '{"vm_state": "active", "task_state": "powering-off"},\n'
    '{"vm_state": "stopped", "task_state": null}]}',
}


TOLD: dict[str, object] = {"server": None, "facts": {}, "or": [], "settled": True, "reason": None}
NONE = [(None, None)]
OTHER_COLUMNS: dict[str, list[tuple[object, object]]] = {
    "json": [(1, None), (None, None)], "api": [*NONE], "lines": [*NONE],
    "csv": [("1", "2"), ("2", "3")], "answer": [*NONE],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_recording_gives_the_same_answer(form: str) -> None:
    code, out, err = ecs_fsm("replay", "-", "--json", given="\ufeff" + FORMS[form])
    active = {"vm_state": "active", "task_state": None, "status": "ACTIVE"}
    stopping = {"vm_state": "active", "task_state": "powering-off", "status": "ACTIVE"}
    stopped = {"vm_state": "stopped", "task_state": None, "status": "SHUTOFF"}
    answer = json.loads(out)
    for change in answer["changes"]:
        assert (change["from"].pop("at", None), change["to"].pop("at", None)) in OTHER_COLUMNS[form]
        change.pop("at")
    assert (code, err) == (0, "")
    assert answer.pop("record")["servers"] == 1
    assert answer == {
        "changes": [
            {"from": active, "to": stopping, "events": ["stop"], **TOLD},
            {"from": stopping, "to": stopped, "events": ["advance"], **TOLD},
        ],
        "overdue": [],
        "explained": True,
    }


def test_what_simulate_prints_replay_explains(tmp_path: Path) -> None:
    words = ("create", "stop", "rebuild:roll_back", "rebuild:fail@rebuilding", "rebuild", "delete")
    run = tmp_path / "run.json"
    run.write_text(ecs_fsm("simulate", *words, "--json").out, encoding="utf-8")
    code, out, _ = ecs_fsm("replay", str(run))
    assert (code, out.splitlines()[-1]) == (0, "22 changes, all explained")


def test_a_replay_for_a_person() -> None:
    assert ecs_fsm(
        "replay", "-", given="vm_state,task_state\nactive,\nactive,migrating\nactive,\nstopped,\n"
    ) == Answer(
        1,
        "CSV, columns: 1 server, no times, complete\n"
        "     1  active/- → active/migrating" + " " * 47 + "live_migrate\n"
        "     2  active/migrating → active/-" + " " * 47 + "advance 98 % (or roll_back 2 %)\n"
        "     3  active/- → stopped/-"
        + " "
        * 54
        + "NOT EXPLAINED: no event leads from active/- to "
        "stopped/-, only to active/powering-off, active/rebooting, active/rebooting_hard, "
        "active/migrating, active/rebuilding, active/deleting\n"
        "3 changes, 1 not explained (--sampled, if states may have been missed)\n",
        "",
    )


@pytest.mark.parametrize(
    ("rows", "reasons"),
    [
        ([("active", None, "SHUTOFF")], ["status SHUTOFF contradicts active/-, which shows ACTIVE"]),
        (
            [("active", None, None), ("active", "resize_prep", None), ("active", None, None)],
            ["active/resize_prep is not one of the 36 pairs",
             "nothing is known to follow active/resize_prep"],
        ),
        (
            [("stopped", None, None), ("active", None, "SHUTOFF"), ("active", "migrating", None)],
            ["status SHUTOFF contradicts active/-, which shows ACTIVE", None],
        ),
        (
            [("active", None, None), ("active", "powering-off", "SHUTOFF")],
            ["status SHUTOFF contradicts active/powering-off, which shows ACTIVE"],
        ),
    ],
    ids=["first row", "a pair outside the table", "a contradicting status", "where it may be"],
)  # fmt: skip
def test_known_words_that_contradict_the_table_are_not_explained(
    rows: list[tuple[str, str | None, str | None]], reasons: list[str | None]
) -> None:
    names = ("vm_state", "task_state", "status")
    recording = json.dumps(
        [
            {k: v for k, v in zip(names, row, strict=True) if (k, v) != ("status", None)}
            for row in rows
        ]
    )
    code, out, _ = ecs_fsm("replay", "-", "--json", given=recording)
    answer = json.loads(out)
    assert (code, answer["explained"]) == (1, False)
    assert [change["reason"] for change in answer["changes"]] == reasons
    assert all((c["events"] is None) == (c["reason"] is not None) for c in answer["changes"])


EXPECTED = "expected rows as CSV or JSON"
HELP = "--columns server=…,time=…,vm_state=…,task_state=…"


@pytest.mark.parametrize(
    ("recording", "error"),
    [
        (b"", f": the file is empty; {EXPECTED}"),
        (b" \n\n", f": the file is empty; {EXPECTED}"),
        (b"vm_state\n\xff\xfe\n", ":2: not valid UTF-8"),
        (b'[{"vm_state": "active", "task_state": null},\n{"vm_state": "activ", "task_state": null}]',
         ":2: unknown vm_state 'activ'; did you mean 'active'?"),
        (b'{"vm_state": "active", "task_state": null}\n{"vm_state": "active",\n',
         ":2: not valid JSON (Expecting property name enclosed in double quotes)"),
        (b'[{"vm_state": "active"}]', ":1: no task_state beside vm_state; write null or - for no task"),
        (b'[{"vm_state": "active", "task_state": 3}]', ":1: task_state is 3, not a word"),
        (b"[1, 2]", ":1: a row is an object"),
        (b'{"task_state": "deleting", "at": 3}',
         f":1: no column of a known meaning for a state or an action among 'task_state, at'; "
         f"expected rows with vm_state and task_state, a status, or an action; {HELP} or --format names them"),
        (b"vm_state,task_state\nactive\n", ":2: 2 columns were expected, as in the header, not 1"),
        (b"name,colour\na,b\n",
         ":1: no column of a known meaning for a state or an action among 'name, colour'; "
         f"expected rows with vm_state and task_state, a status, or an action; {HELP} or --format names them"),
        (b'vm_state,task_state\nactive,"x"y\n', ":2: not valid CSV (',' expected after '\"')"),
        (b'[{"vm_state": "active", "junk": "' + b"x" * (1 << 21) + b'"}]',
         ":1: a row of more than 1048576 characters"),
    ],
    ids=["empty", "blank", "bytes", "unknown word", "broken line", "no task_state", "a number",
         "no objects", "no state", "short row", "other columns", "broken CSV", "endless row"],
)  # fmt: skip
def test_what_does_not_read_is_one_line_with_file_and_line(recording: bytes, error: str) -> None:
    assert ecs_fsm("replay", "-", "--json", given=recording) == Answer(
        2, "", f"ecs-fsm: standard input{error}\n"
    )


@pytest.mark.parametrize(
    "row",
    [
        '{"vm_state": "active", "task_state": null, "x": ' + "9" * 5000 + "}",
        '{"vm_state": "active", "task_state": null, "x": "' + "a" * 70_000 + '"}',
        '{"vm_state": "active", "task_state": null, "changes": 3}',
    ],
    ids=["an endless number", "a long first row", "a column called changes"],
)
def test_a_strange_column_does_no_harm(row: str) -> None:
    after = '{"vm_state": "active", "task_state": "migrating"}'
    for recording in (f"{row}\n{after}\n", f"[{row},\n{after}]"):
        code, out, err = ecs_fsm("replay", "-", given=recording)
        if "9999" in row:
            assert (code, out) == (2, "")
            assert err.startswith("ecs-fsm: standard input:1: not valid JSON (")
        else:
            assert (code, out.splitlines()[-1]) == (0, "1 change, all explained")


def test_a_row_too_deep_to_read_is_one_line() -> None:
    deep = '{"vm_state": "active", "x":' + "[" * 100_000 + "]" * 100_000 + "}"
    code, _, err = ecs_fsm("replay", "-", given=deep)
    assert code == 2
    assert err.startswith("ecs-fsm: standard input:1: not valid JSON (")


@pytest.mark.parametrize(
    "recording",
    [
        [{"status": "ACTIVE"}, "active/deleting"],
        ["active/migrating", {"status": "MIGRATING"}],
        [{"status": "ERROR"}, "error/deleting", {"status": "ERROR"}],
    ],
    ids=str,
)
def test_what_may_be_no_change_may_have_no_event(recording: list[str | dict[str, str]]) -> None:
    rows = [seen(r)[0] if isinstance(r, str) else Observation(r, None, None) for r in recording]
    explained = explain(Replay(ECS, sampled=True, all_ways=True), rows)
    for change in explained:
        assert () in (change.events, *(other.events for other in change.others))
        assert sum(other.share for other in change.others) < 1


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        line = b'{"vm_state": "active", "task_state": null}\n{"vm_state": "active", "task_state": "migrating"}\n'
        recording = tmp_path / "long.jsonl"
        recording.write_bytes(line * (rows // 2))
        tracemalloc.start()
        record = Record(ECS, [str(recording)])
        count = record.follow(lambda seen: sum(1 for _ in explain(Replay(ECS), seen)))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == rows - 1
        return most

    peak(2)  # what is imported and read once
    assert peak(50_000) < 1_000_000


TRACES = [
    [{k: s[k] for k in ("vm_state", "task_state", "status")} for s in trace["states"]]
    for trace in json.loads(
        (Path(__file__).parents[1] / "data" / "nova-traces.json").read_text(encoding="utf-8")
    )["traces"]
]
Row = dict[str, object]


def answered(
    replay: Replay, rows: list[Row], lifecycle: Lifecycle, *, sampled: bool
) -> list[Explanation]:
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    record = Record(lifecycle, ["rows"], RecordOptions(sampled=sampled), BytesIO(lines))
    return record.follow(lambda rows: list(explain(replay, rows)))


def interleaved(lives: Sequence[Sequence[Mapping[str, object]]], chance: Random) -> list[Row]:
    """The rows of all servers, each server's in order, with the number of the server as its name."""
    turns = [number for number, life in enumerate(lives) for _ in life]
    chance.shuffle(turns)
    waiting = [iter(life) for life in lives]
    return [{"server": f"s{number}", **next(waiting[number])} for number in turns]


def together_as_alone(
    lives: Sequence[Sequence[Mapping[str, object]]],
    lifecycle: Lifecycle,
    chance: Random,
    *,
    sampled: bool,
) -> None:
    replay = Replay(lifecycle, sampled=sampled)
    together = answered(replay, interleaved(lives, chance), lifecycle, sampled=sampled)
    for number, life in enumerate(lives):
        own = [e for e in together if e.after.server == f"s{number}"]
        alone = answered(replay, [dict(row) for row in life], lifecycle, sampled=sampled)
        assert [e[2:] for e in own] == [e[2:] for e in alone]
        assert [e.after.shown for e in own] == [e.after.shown for e in alone]


@pytest.mark.parametrize("sampled", [False, True], ids=["every change", "sampled"])
def test_recorded_servers_are_explained_together_as_each_alone(sampled: bool) -> None:
    # The sampled search goes over the whole graph from each place: some recordings will do.
    lives = TRACES[::8] if sampled else TRACES
    together_as_alone(lives, NOVA, Random(3), sampled=sampled)  # noqa: S311  # an order of rows


@settings(max_examples=60)
@given(st.data())
def test_simulated_servers_are_explained_together_as_each_alone(data: st.DataObject) -> None:
    lives = []
    for _ in range(data.draw(st.integers(2, 5))):
        server = Server(ECS.node(ECS.states[data.draw(st.sampled_from(list(ECS.states)))]))
        for _ in range(data.draw(st.integers(0, 12))):
            if possible := server.triggers():
                server.trigger(data.draw(st.sampled_from(possible)))
        lives.append([{"vm_state": c.vm_state, "task_state": c.task_state} for c in server.history])
    together_as_alone(lives, ECS, Random(data.draw(st.integers(0, 99))), sampled=False)  # noqa: S311


INTERLEAVED = (
    '{"server": "a", "vm_state": "active", "task_state": null}\n'
    '{"server": "b", "vm_state": "stopped", "task_state": null}\n'
    '{"server": "a", "vm_state": "active", "task_state": "powering-off"}\n'
    '{"server": "b", "vm_state": "stopped", "task_state": "powering-on"}\n'
)


def test_the_answer_names_the_server_of_each_change() -> None:
    code, out, err = ecs_fsm("replay", "-", given=INTERLEAVED)
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["1", "a", "active/-", "→", "active/powering-off", "stop"],
        ["2", "b", "stopped/-", "→", "stopped/powering-on", "start"],
        ["2", "changes,", "all", "explained"],
    ]
    changes = json.loads(ecs_fsm("replay", "-", "--json", given=INTERLEAVED).out)["changes"]
    named = [(c["from"]["server"], c["to"]["server"]) for c in changes]
    assert named == [("a", "a"), ("b", "b")]


def test_without_a_column_that_names_servers_all_rows_are_of_one() -> None:
    code, out, _ = ecs_fsm("replay", "-", given=INTERLEAVED.replace('"server"', '"colour"'))
    assert code == 1
    assert out.splitlines()[-1].startswith("3 changes, 3 not explained")


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        ('"server": "a", ', "", "no server; the first row has one, so every row names its server"),
        (
            '"uuid": 7, ',
            '"uuid": null, ',
            "no uuid; every row names its server (--one-server: all rows are about one)",
        ),
        ("", '"uuid": "a", ', "a server, but the first row names none; all rows do or none does"),
        ('"server": 1, ', '"server": [1], ', "server is [1], not the name of a server"),
        ('"server": 1, ', '"server": "a\\nb", ', 'server is "a\\nb", not the name of a server'),
    ],
    ids=["left out", "null", "only later", "a list", "a broken line"],
)
def test_a_row_whose_server_is_not_named_is_one_line(first: str, second: str, error: str) -> None:
    rows = "".join(
        f'{{{name}"vm_state": "active", "task_state": null}}\n' for name in (first, second)
    )
    assert ecs_fsm("replay", "-", "--json", given=rows) == Answer(
        2, "", f"ecs-fsm: standard input:2: {error}\n"
    )


def test_memory_does_not_grow_with_servers_whose_life_has_ended() -> None:
    life = seen("active/-", "active/deleting", "deleted/-")

    def peak(servers: int) -> int:
        rows = (row._replace(server=f"s{n}") for n in range(servers) for row in life)
        tracemalloc.start()
        count = sum(1 for _ in explain(Replay(ECS), rows))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == 2 * servers
        return most

    # Python keeps some freed rows for reuse.
    assert peak(5_000) < peak(50) + 400_000


def test_each_change_begins_where_the_same_server_s_last_one_ended() -> None:
    lifecycle = ECS
    chance = Random(5)  # noqa: S311
    states = [state for state in lifecycle.states.values() if lifecycle.leaving(state)]
    checked = 0
    for sampled in (False, True):
        replay = Replay(lifecycle, sampled=sampled)
        lives = []
        for _ in range(30):
            shown = [chance.choice(states)]
            for _ in range(8):
                nexts = [s for t in lifecycle.leaving(shown[-1]) for s in t.path[-1:]]
                nexts = [s for s in nexts if s in states] or states
                shown.append(chance.choice(states if chance.random() < 0.1 else nexts))
            lives.append([{"status": s.status} if sampled else s.as_dict() for s in shown])
        last: dict[str | None, Observation] = {}
        for change in answered(replay, interleaved(lives, chance), lifecycle, sampled=sampled):
            server = change.after.server
            if server in last:
                assert change.before is not None
                assert change.before.shown == last[server].shown
                checked += 1
            last[server] = change.after
    assert checked > 200


WIDE = "x" * 70_000


WIDE_ROWS: list[Row] = [
    {"vm_state": "active", "task_state": "", "note": ""},
    {"vm_state": "active", "task_state": "powering-off", "note": WIDE},
    {"vm_state": "stopped", "task_state": "", "note": WIDE},
]


@pytest.mark.parametrize("form", ["lines", "array", "keyed", "csv"])
def test_a_row_above_64_kib_is_read_wherever_it_stands(form: str) -> None:
    text = {
        "lines": "\n".join(map(json.dumps, WIDE_ROWS)),
        "array": json.dumps(WIDE_ROWS),
        "keyed": json.dumps({"servers": WIDE_ROWS}),
        "csv": "\n".join(
            ",".join(map(str, row)) for row in (WIDE_ROWS[0], *(r.values() for r in WIDE_ROWS))
        ),
    }[form]
    record = Record(ECS, ["rows"], stream=BytesIO(text.encode()))
    changes = record.follow(lambda rows: list(explain(Replay(ECS), rows)))
    assert [change.events for change in changes] == [("stop",), ("advance",)]
    assert [change.after.others["note"] for change in changes] == [WIDE, WIDE]


def test_a_csv_cell_of_500_000_bytes_is_read() -> None:
    cell = "y" * 500_000
    text = f"vm_state,task_state,note\nactive,-,\nactive,powering-off,{cell}\nstopped,-,\n"
    rows = Record(ECS, ["rows"], stream=BytesIO(text.encode())).follow(list)
    assert [row.others["note"] for row in rows] == ["", cell, ""]
    assert [str(row) for row in rows] == ["active/-", "active/powering-off", "stopped/-"]


def test_a_status_with_a_task_decides_the_pair() -> None:
    recording = "server,status,task_state\ns,ACTIVE,\ns,ACTIVE,powering-off\n"
    code, out, _ = ecs_fsm("replay", "-", given=recording)
    assert (code, out.splitlines()[-1]) == (0, "1 change, all explained")
    assert "active/- → active/powering-off" in out


def test_a_status_with_a_task_leaves_open_what_it_does_not_decide() -> None:
    # The other words of the row are known; only their pair is not.
    rows = answered(Replay(ECS), [{"status": "REBUILD", "task_state": None}], ECS, sampled=False)
    assert rows[0].reason == "no pair shows REBUILD with the task -"
