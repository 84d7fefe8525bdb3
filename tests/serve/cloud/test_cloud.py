"""The served cloud without its APIs: servers run the lifecycle by a clock, and fail on demand."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_fsm.core.errors import InvalidInput, Refused
from ecs_fsm.core.model import Kind
from ecs_fsm.core.scenario import choices, simulate
from ecs_fsm.lifecycles import server_class
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain
from ecs_fsm.serve.cloud.cloud import Cloud
from ecs_fsm.serve.cloud.followers import EventLog
from ecs_fsm.serve.cloud.instance import HistoryEntry, Instance, NewServer
from ecs_fsm.serve.cloud.requests import FAULT
from ecs_fsm.serve.cloud.store import StateFile
from ecs_fsm.serve.http.listen import Settings
from ecs_fsm.serve.service import Options, Service
from tests.clouds import ADMIN, LIFECYCLES, LONG, USER, cloud_of
from tests.command import ecs_fsm


def new(cloud: Cloud, name: str = "web-1", **metadata: str) -> Instance:
    return cloud.create(NewServer(name, "1", None, metadata), USER)


def running(cloud: Cloud, name: str = "web-1", fault: str | None = None) -> Instance:
    instance = cloud.create(NewServer(name, "1", None, {FAULT: fault} if fault else {}), USER)
    cloud.advance(LONG)
    return instance


def entered(instance: Instance) -> list[str]:
    return [seen.state for seen in instance.history]


def explained(cloud: Cloud, history: list[HistoryEntry]) -> bool:
    rows = [Observation(seen.state.as_dict(), seen.state, None) for seen in history]
    found = explain(Replay(cloud.lifecycle, sampled=False), iter(rows))
    return all(explanation.events is not None for explanation in found)


def test_the_first_step_stands_before_the_request_returns() -> None:
    cloud = cloud_of()
    instance = running(cloud)
    cloud.request(instance, "stop", {}, USER)
    assert instance.state == "active/powering-off"


def test_a_clock_that_stands_still_lets_nothing_happen() -> None:
    cloud = cloud_of()
    instance = new(cloud)
    assert cloud.run() == 0
    assert entered(instance) == ["building/scheduling"]


def test_a_step_of_the_clock_ends_one_step_of_a_server() -> None:
    cloud = cloud_of()
    first, second = new(cloud), new(cloud)
    before = (first.state, second.state)
    assert cloud.step(1) == 1
    assert (
        sum(old != now for old, now in zip(before, (first.state, second.state), strict=True)) == 1
    )
    assert cloud.step(1000) == 9


def test_a_refused_request_changes_nothing_and_is_remembered() -> None:
    cloud = cloud_of()
    instance = running(cloud)
    before = entered(instance)
    with pytest.raises(Refused, match="not documented"):
        cloud.request(instance, "resize", {}, USER)
    assert entered(instance) == before
    assert instance.requests[-1].refused is not None


def test_a_server_that_is_deleted_is_gone() -> None:
    cloud = cloud_of()
    instance = running(cloud)
    cloud.request(instance, "delete", {}, USER)
    assert instance.id in cloud.instances
    cloud.advance(LONG)
    assert instance.id not in cloud.instances
    assert cloud.gone[instance.id].terminated is not None


SCENARIOS = {
    "ecs": [
        "create stop resize:fail@resize_finish rebuild delete",
        "create:reschedule@spawning,fail@networking delete",
        "create stop resize:roll_back@resize_prep resize confirm_resize:fail rebuild",
        "create reboot:hang@reboot_started hard_reboot:roll_back@reboot_started_hard stop start",
        "create stop rebuild:fail@rebuild_spawning delete:fail@deleting delete",
        "create live_migrate:hang wait:roll_back@migrating delete",
    ],
    "nova": [
        "create pause unpause suspend resume rescue unrescue shelve unshelve lock unlock delete",
        "create resize:fail[retry=broken]@resize_prep hard_reboot",
        "create[boot=volume] shelve unshelve create_image stop power_event",
        "create reboot:restart[guest=off]@reboot_started pause",
        "create stop resize revert_resize soft_delete restore force_delete",
    ],
}


@pytest.mark.parametrize(("name", "words"), [(n, w) for n, all_ in SCENARIOS.items() for w in all_])
def test_a_scenario_laid_on_a_server_ends_as_it_is_simulated(name: str, words: str) -> None:
    cloud = cloud_of(name)
    plan = cloud.orders.add_scenario(words.split())
    instance = new(cloud)
    cloud.advance(LONG)
    for word in plan[1:]:
        if word.operation.kind is Kind.REQUEST:
            cloud.request(instance, word.operation.name, word.given, USER)
            cloud.advance(LONG)
    expected = simulate(server_class(name), words.split()).server.history
    assert [(seen.event, str(seen.state)) for seen in instance.history] == [
        (change.event, f"{change.vm_state}/{change.task_state or '-'}") for change in expected
    ]


def outcomes_of_resizes(cloud: Cloud, instance: Instance, count: int) -> str:
    """R where a resize came to its end, - where it was rolled back."""
    found = ""
    for _ in range(count):
        cloud.request(instance, "resize", {}, USER)
        cloud.advance(LONG)
        found += "-" if instance.state == "stopped/-" else "R"
        if instance.state == "resized/-":
            cloud.request(instance, "confirm_resize", {}, USER)
    return found


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ("", "-----"),
        ("*2", "--RRR"),
        ("#3", "RR---"),
        ("#3*1", "RR-RR"),
        (" on web-*", "-----"),
        (" on db-*", "RRRRR"),
    ],
)
@pytest.mark.parametrize("where", ["cloud", "metadata"])
def test_a_fault_strikes_as_often_as_it_was_ordered(limits: str, expected: str, where: str) -> None:
    cloud = cloud_of()
    fault = f"resize:roll_back@resize_prep{limits}"
    instance = running(cloud, fault=fault if where == "metadata" else None)
    if where == "cloud":
        cloud.orders.add(fault)
    cloud.request(instance, "stop", {}, USER)
    cloud.advance(LONG)
    assert outcomes_of_resizes(cloud, instance, 5) == expected


def test_a_fault_of_so_many_in_a_hundred_strikes_about_as_often() -> None:
    cloud = cloud_of()
    cloud.orders.add("resize:roll_back@resize_prep%30")
    instance = running(cloud)
    cloud.request(instance, "stop", {}, USER)
    cloud.advance(LONG)
    assert 60 < outcomes_of_resizes(cloud, instance, 300).count("-") < 120


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("resize:explode@resize_prep", "roll_back"),
        ("resize:fail@spawning", "resize_prep"),
        ("resise:fail@resize_prep", "did you mean 'resize'"),
        ("resize", "OUTCOME@STEP"),
        ("resize:fail@resize_prep*0", "times"),
        ("resize:fail@resize_prep%101", "percent"),
    ],
)
def test_an_invalid_fault_is_refused_with_the_known_words(fault: str, expected: str) -> None:
    cloud = cloud_of()
    with pytest.raises(InvalidInput, match=expected):
        cloud.orders.add(fault)
    with pytest.raises(InvalidInput, match=expected):
        cloud.create(NewServer("web-1", "1", None, {FAULT: fault}), USER)
    assert (cloud.orders.faults, cloud.instances) == ([], {})


@pytest.mark.parametrize("name", LIFECYCLES)
def test_each_fault_that_a_creation_can_have_strikes_in_its_step(name: str) -> None:
    lifecycle = server_class(name).lifecycle
    for choice in choices(lifecycle, lifecycle.operations["create"]):
        outcome, _, step = choice.partition("@")
        cloud = cloud_of(name)
        fault = cloud.orders.add(f"create:{choice}*1")
        instance = new(cloud)
        cloud.advance(LONG)
        assert fault.count.struck == 1
        if outcome != "hang":
            at = [seen.event for seen in instance.history].index(outcome)
            assert (instance.history[at - 1].state.task_state or "-") == step


def test_what_an_operation_changes_is_changed_only_by_its_success() -> None:
    cloud = cloud_of()
    instance = running(cloud, fault="resize:fail@resize_finish*1")
    cloud.request(instance, "stop", {}, USER)
    cloud.advance(LONG)
    cloud.request(instance, "resize", {}, USER, {"flavor": "2"})
    cloud.advance(LONG)
    assert (instance.state, instance.flavor) == ("error/-", "1")
    assert instance.fault is not None
    cloud.request(instance, "rebuild", {}, USER)
    cloud.advance(LONG)
    cloud.request(instance, "stop", {}, USER)
    cloud.advance(LONG)
    cloud.request(instance, "resize", {}, USER, {"flavor": "2"})
    assert instance.flavor == "1"
    cloud.advance(LONG)
    assert (instance.state, instance.flavor) == ("resized/-", "2")


def test_an_administrator_passes_a_lock_which_stays() -> None:
    cloud = cloud_of("nova")
    instance = running(cloud)
    cloud.request(instance, "lock", {}, USER)
    with pytest.raises(Refused, match="locked"):
        cloud.request(instance, "stop", {}, USER)
    cloud.request(instance, "stop", {}, ADMIN)
    cloud.advance(LONG)
    assert instance.state == "stopped/-"
    with pytest.raises(Refused, match="locked"):
        cloud.request(instance, "start", {}, USER)
    cloud.request(instance, "unlock", {}, ADMIN)
    cloud.request(instance, "start", {}, USER)


def test_the_settings_of_a_cloud_do_what_those_of_nova_do() -> None:
    cloud = cloud_of(
        "nova", policy={"reclaim_instance_interval": 3600, "resize_confirm_window": 60}
    )
    instance = running(cloud)
    cloud.request(instance, "resize", {}, USER)
    cloud.advance(3000)
    assert entered(instance)[-2:] == ["resized/-", "active/-"]
    cloud.request(instance, "delete", {}, USER)
    cloud.advance(3000)
    assert instance.state == "soft-delete/-"
    cloud.advance(3600)
    assert entered(instance)[-1] == "deleted/-"
    with pytest.raises(InvalidInput, match="unknown setting"):
        cloud_of("ecs", policy={"resize_confirm_window": 60})


@pytest.mark.parametrize("name", LIFECYCLES)
def test_a_run_with_a_seed_repeats(name: str) -> None:
    def rows(seed: int) -> list[object]:
        cloud = cloud_of(name, seed=seed)
        record = EventLog(cloud)
        cloud.orders.add("create:fail@spawning%50")
        for number in range(5):
            new(cloud, f"web-{number}")
            cloud.advance(10)
        cloud.advance(LONG)
        return [row.as_dict() for row in record.since(0)]

    assert rows(3) == rows(3)
    assert rows(3) != rows(4)


@pytest.mark.parametrize("name", LIFECYCLES)
@settings(max_examples=60)
@given(data=st.data())
def test_replay_explains_every_order_of_requests(name: str, data: st.DataObject) -> None:
    cloud = cloud_of(name, seed=data.draw(st.integers(0, 99)))
    instance = new(cloud)
    operations: st.SearchStrategy[str] = st.sampled_from([*cloud.lifecycle.operations][1:])
    for _ in range(data.draw(st.integers(1, 12))):
        cloud.advance(data.draw(st.sampled_from([0.0, 5.0, LONG])))
        if instance.terminated is not None:
            break
        node = instance.server.node
        wrong = [n for n in cloud.lifecycle.events if cloud.lifecycle.possible(n, node)]
        if wrong and data.draw(st.sampled_from([0.0, 1.0])):
            outcomes = [o for o in cloud.lifecycle.outcomes(node) if o.transition.trigger in wrong]
            outcome = data.draw(st.sampled_from(outcomes))
            event = cloud.lifecycle.triggers[outcome.transition.trigger]
            facts = {name: value for name, value in outcome.facts if name in event.given}
            cloud.happen(instance, event.name, facts)
        else:
            try:
                cloud.request(instance, data.draw(operations), {}, USER)
            except Refused:
                assert instance.requests[-1].refused
    assert explained(cloud, instance.history)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "cloud.db")


@pytest.mark.parametrize("name", LIFECYCLES)
def test_a_cloud_goes_on_where_the_file_has_it_after_a_kill(name: str, file: str) -> None:
    cloud = cloud_of(name, state=file)
    instance = running(cloud, fault="reboot:hang@reboot_started;stop:roll_back#2")
    cloud.orders.add("reboot:fail@reboot_started*3 on db-*")
    cloud.orders.add_scenario(["create", "stop"])
    for operation in ("stop", "start", "reboot"):
        cloud.request(instance, operation, {}, USER)
        cloud.advance(LONG if operation != "reboot" else 1)
    # What a kill leaves is what is on the disk at this moment.
    for part in ("", "-wal"):
        shutil.copy(f"{file}{part}", f"{file}.killed{part}")
    again = cloud_of(name, state=f"{file}.killed")
    found = again.instances[instance.id]
    assert (found.state, found.due, found.history) == (
        instance.state,
        instance.due,
        instance.history,
    )
    assert found.requests == instance.requests
    assert [str(fault) for fault in again.orders.faults] == [
        str(fault) for fault in cloud.orders.faults
    ]
    for each, server in ((cloud, instance), (again, found)):
        each.advance(LONG)
        assert server.state == "active/reboot_started"
        each.request(server, "hard_reboot", {}, USER)
        each.advance(LONG)
        each.request(server, "stop", {}, USER)
        each.advance(LONG)
        assert server.state == "active/-"
    assert found.history == instance.history
    assert again.orders.plans == cloud.orders.plans


def kept(path: str) -> bytes:
    return Path(path).read_bytes()


def test_a_file_of_another_kind_is_refused_and_stays(file: str) -> None:
    Path(file).write_text("my thesis\n" * 1000, encoding="utf-8")
    before = kept(file)
    with pytest.raises(InvalidInput, match="not a database"):
        StateFile(file)
    assert kept(file) == before


def test_a_database_of_another_program_is_refused_and_stays(file: str) -> None:
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE document (mine TEXT)")
    other.close()
    before = kept(file)
    with pytest.raises(InvalidInput, match="another program's"):
        StateFile(file)
    assert kept(file) == before


def test_a_file_of_another_version_is_refused_and_stays(file: str) -> None:
    cloud_of(state=file).close()
    with sqlite3.connect(file) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    before = kept(file)
    with pytest.raises(InvalidInput, match="version 99; expected"):
        StateFile(file)
    assert kept(file) == before


def test_a_file_of_another_lifecycle_is_refused_and_stays(file: str) -> None:
    cloud_of("nova", state=file).close()
    before = kept(file)
    with pytest.raises(InvalidInput, match="lifecycle nova"):
        cloud_of("ecs", state=file)
    assert kept(file) == before


def test_a_broken_file_is_refused_and_stays(file: str) -> None:
    cloud = cloud_of(state=file)
    for _ in range(50):
        new(cloud)
    cloud.close()
    whole = kept(file)
    broken = whole[:4096] + b"\0" * 4096 + whole[8192 : len(whole) // 2]
    Path(file).write_bytes(broken)
    with pytest.raises(InvalidInput, match=r"cloud\.db: "):
        cloud_of(state=file)
    assert kept(file) == broken


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '"x"'])
@pytest.mark.parametrize("kind", ["cloud", "server"])
def test_an_invalid_document_is_refused_in_one_line(kind: str, body: str, file: str) -> None:
    cloud = cloud_of(state=file)
    new(cloud)
    cloud.close()
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute("UPDATE document SET body = ? WHERE kind = ?", (body, kind))
    with pytest.raises(InvalidInput, match=r"cloud\.db: the file is broken: [^\n]+$"):
        cloud_of(state=file)


def test_a_part_of_a_server_of_another_type_is_refused_in_one_line(file: str) -> None:
    cloud = cloud_of("nova", state=file)
    new(cloud)
    cloud.close()
    with closing(sqlite3.connect(file)) as opened:
        ((name, body),) = opened.execute(
            "SELECT name, body FROM document WHERE kind = 'server' AND name NOT LIKE '%/%'"
        )
    whole = json.loads(body)
    for part in whole:
        with closing(sqlite3.connect(file)) as opened, opened:
            broken = json.dumps({**whole, part: [{}]})
            opened.execute("UPDATE document SET body = ? WHERE name = ?", (broken, name))
        with pytest.raises(InvalidInput, match=r"cloud\.db: the file is broken: [^\n]+$"):
            Service(Options("nova", 0, 0, state=file), Settings())
    assert len(whole) > 20


def test_a_stored_seed_that_is_not_a_number_is_refused_in_one_line(file: str) -> None:
    cloud_of(state=file).close()
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute("UPDATE document SET body = json_set(body, '$.seed', json('[]'))")
    with pytest.raises(InvalidInput, match=r"cloud\.db: the file is broken: [^\n]+$"):
        Service(Options("ecs", 0, 0, state=file), Settings())


def test_a_service_that_does_not_begin_lets_its_state_file_go(file: str) -> None:
    cloud_of("nova", state=file).close()
    with pytest.raises(InvalidInput, match="lifecycle nova"):
        Service(Options("ecs", 0, 0, state=file), Settings())
    StateFile(file).close()


def test_a_file_in_use_is_refused(file: str) -> None:
    cloud = cloud_of(state=file)
    with pytest.raises(InvalidInput, match="another process is using it"):
        StateFile(file)
    cloud.close()
    StateFile(file).close()


def test_a_recording_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "changes.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="there is a file already"):
        EventLog(cloud_of(), str(path))
    assert path.read_text(encoding="utf-8") == "{}\n"


def test_a_hang_is_recorded_and_explained_as_what_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "changes.jsonl"
    cloud = cloud_of()
    record = EventLog(cloud, str(path))
    instance = running(cloud, fault="stop:hang@powering-off")
    cloud.request(instance, "stop", {}, USER)
    cloud.advance(LONG)
    shown = [(row.entry.event, row.as_dict().get("hangs")) for row in record.since(0)]
    assert shown[-2:] == [("stop", None), ("hang", True)]
    record.close()
    assert ecs_fsm("replay", str(path)).code == 0
