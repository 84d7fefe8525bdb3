"""Fleets: the engine against real servers, and against itself in other pieces and threads."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import pyarrow.parquet as pq
import pytest

from ecs_fsm import ECS, fleet
from ecs_fsm.fleet.result import FleetResult
from ecs_fsm.fleet.tally import EventRows
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.profiles.loader import built_in, changed, parse
from ecs_fsm.profiles.process import Activity, process
from ecs_fsm.profiles.profile import Profile
from tests.command import COMMAND, ecs_fsm
from tests.fleet.reference import follow

T = TypeVar("T")
EVERY_FAMILY = """
extends = "built-in"
[durations]
networking = { distribution = "lognormal", mean = "60s", sd = "30s" }
spawning = { distribution = "weibull", mean = "60s", shape = 0.7 }
scheduling = { distribution = "gamma", mean = 3, shape = 0.4 }
rebooting = { distribution = "gamma", mean = 3, shape = 4 }
reboot_pending = { distribution = "constant", mean = 3 }
migrating = { distribution = "empirical", file = "times.txt" }
[arrivals]
kind = "poisson"
every = "6h"
"""
FOUND = 'extends = "built-in"\n[arrivals]\nkind = "none"\nstate = "stopped/-"\n'


def every_family(folder: Path) -> Profile:
    (folder / "times.txt").write_text("3s 1m 2m\n", encoding="utf-8")
    return parse(ECS, EVERY_FAMILY, str(folder / "mine.toml"))


def profiles(folder: Path) -> dict[str, Profile]:
    return {
        "ecs": built_in(ECS),
        "nova": built_in(NOVA),
        "every family": every_family(folder),
        "found": parse(ECS, FOUND, "mine.toml"),
        "hanging": changed(built_in(ECS), ["hang.spawning=0.3", "hang.rebooting=0.3"]),
    }


@pytest.mark.parametrize("name", ["ecs", "nova", "every family", "found", "hanging"])
def test_the_engine_moves_servers_as_they_move(name: str, tmp_path: Path) -> None:
    profile = profiles(tmp_path)[name]
    pieces: list[EventRows] = []
    ours = fleet.run(profile, servers=40, duration="20d", seed=5, chunk=13, take=pieces.append)
    theirs, entries = follow(profile, servers=40, duration="20d", seed=5)
    entries.sort(key=lambda entry: entry.server)
    servers, times, events, states = zip(*entries, strict=True)
    joined = {f: np.concatenate([getattr(p, f) for p in pieces]) for f in EventRows._fields}
    assert len(entries) > 1000
    assert joined["servers"].tolist() == list(servers)
    assert joined["events"].tolist() == list(events)
    assert joined["states"].tolist() == list(states)
    # A logarithm in single precision is right to 1e-7, and the longest mean time is a day.
    np.testing.assert_allclose(joined["times"], times, rtol=3e-7, atol=0.02)
    for field, mine, other in zip(ours.tally._fields, ours.tally, theirs.tally, strict=True):
        if field in ("spent", "micros"):
            np.testing.assert_allclose(
                mine.astype(float), other.astype(float), rtol=1e-6, atol=1e6, err_msg=field
            )
        else:
            assert mine.tolist() == other.tolist(), field


@pytest.mark.parametrize("name", ["ecs", "nova", "every family", "found", "hanging"])
def test_events_do_not_change_what_is_counted(name: str, tmp_path: Path) -> None:
    """Blocks of servers, without events, and one server after the other: two pieces of code."""
    run = partial(fleet.run, profiles(tmp_path)[name], servers=700, duration="9d", step="7h")
    rows: list[EventRows] = []
    blocks, single = run(seed=5, chunk=500), run(seed=5, take=rows.append)
    assert told(blocks) == told(single)
    assert [column.tolist() for column in blocks.tally] == [c.tolist() for c in single.tally]
    assert sum(len(piece.servers) for piece in rows) == blocks.changes


def told(result: FleetResult) -> str:
    return json.dumps(result.as_dict())


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_pieces_and_threads_do_not_change_the_result(lifecycle: object) -> None:
    profile = built_in(ECS if lifecycle is ECS else NOVA)
    run = partial(fleet.run, profile, servers=1500, duration="5d", step="6h")
    one = told(run(seed=3))
    assert told(run(seed=3, chunk=101, threads=2)) == one
    with ThreadPoolExecutor(3) as threads:
        assert told(run(seed=3, chunk=400, executor=threads)) == one
    assert told(run(seed=4)) != one


def test_processes_do_not_change_the_result() -> None:
    profile = built_in(ECS)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        many = fleet.run(profile, servers=300, duration="5d", seed=3, chunk=100, executor=processes)
    assert told(many) == told(fleet.run(profile, servers=300, duration="5d", seed=3))


class Losing(Executor):
    """Loses some of what it is asked for: it cancels the one, and tells of an error in another.

    By what is given it knows what it was asked, and answers that in the same way for ever.
    """

    def __init__(self, most: int) -> None:
        self.answers: dict[object, Future[object]] = {}
        self.most = most

    def submit(self, work: Callable[..., T], /, *given: Any, **named: Any) -> Future[T]:
        (part,) = given
        name = part.first, part.repeated
        if name not in self.answers:
            future = self.answers[name] = Future()
            if len(self.answers) > self.most:
                future.set_result(work(part))
            elif len(self.answers) % 2:
                future.cancel()
                future.set_running_or_notify_cancel()
            else:
                future.set_exception(ValueError("lost"))
        return cast("Future[T]", self.answers[name])


def test_what_an_executor_loses_is_asked_for_once_more() -> None:
    profile = built_in(ECS)
    run = partial(fleet.run, profile, servers=300, duration="5d", seed=3)
    assert told(run(chunk=100, executor=Losing(2))) == told(run())
    with pytest.raises(ValueError, match="lost"):
        run(chunk=300, executor=Losing(1000), progress=lambda *_: pytest.fail("it is lost"))


def test_every_server_shows_one_status_at_every_time() -> None:
    result = fleet.run(built_in(ECS), servers=500, duration="10d", step="1h", seed=1)
    for attribute in ("status", "vm_state", "task_state"):
        counts = result.counts(attribute)
        assert np.array(list(counts.values())).sum(axis=0).tolist() == [500] * 241
        assert sum(result.spent(attribute).values()) == pytest.approx(500 * 864000)
    assert len(result.times) == 241


def test_a_server_that_hangs_stays_until_it_is_asked_something_that_it_accepts() -> None:
    profile = changed(built_in(ECS), ["hang.scheduling=1", "fail.scheduling=0"])
    sojourns = process(profile)
    (stuck,) = [s for s in sojourns.values() if s.at.hangs]
    assert stuck.activity is Activity.LOST
    result = fleet.run(profile, servers=10, duration="1d")
    assert result.requests()["create"].hung == 10
    assert result.counts()["BUILD"].tolist() == [10] * 101


def test_an_interrupt_leaves_what_is_done_marked_partial() -> None:
    def stop(done: int, of: int) -> None:
        if done >= 200:
            raise KeyboardInterrupt

    result = fleet.run(built_in(ECS), servers=1000, duration="1d", chunk=100, progress=stop)
    assert result.partial
    assert result.done == 200
    assert told(result).count('"partial": true') == 1


def test_ctrl_c_ends_the_command_cleanly(tmp_path: Path) -> None:
    file = tmp_path / "events.parquet"
    sizes = ("--servers", "10000000", "--duration", "30d", "--json", "--events", "-o", str(file))
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job ignores it
    try:
        running = subprocess.Popen(
            [COMMAND, "fleet", "run", *sizes],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        for _ in range(1200):  # until it has written something beside the file's place
            if any(path.stat().st_size > 1000 for path in tmp_path.iterdir()):
                break
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "Traceback" not in err
    answer = json.loads(out)
    assert answer["partial"] is True
    assert answer["done"] < 10_000_000
    assert answer["waiting"].get("create", {"asked": 0})["asked"] == answer["done"]
    assert pq.read_metadata(file).num_rows == answer["changes"]


RUN = ("fleet", "run", "--servers", "200", "--duration", "2d", "--step", "1h", "--seed", "7")


def test_the_command_prints_what_profile_sizes_and_seed_determine() -> None:
    one = ecs_fsm(*RUN, "--json")
    two = ecs_fsm(*RUN, "--json", "--threads", "2")
    assert one.code == 0
    assert one.out == two.out
    answer = json.loads(one.out)
    assert answer["seed"] == 7
    assert len(answer["times"]) == 49
    assert answer["waiting"]["create"]["asked"] == 200
    assert "changes a second" in one.err


def test_the_command_prints_tables_and_the_seed() -> None:
    answer = ecs_fsm(*RUN)
    assert answer.code == 0
    for word in ("status", "vm_state", "task_state", "failures", "create", "seed 7 repeats this"):
        assert word in answer.out


def test_events_are_written_to_parquet(tmp_path: Path) -> None:
    file = tmp_path / "events.parquet"
    assert ecs_fsm(*RUN, "--events", "-o", str(file)).code == 0
    table = pq.read_table(file)
    assert table.column_names == ["server", "seconds", "event", "status", "vm_state", "task_state"]
    changes = json.loads(ecs_fsm(*RUN, "--json").out)["changes"]
    assert table.num_rows == changes
    assert [path.name for path in tmp_path.iterdir()] == ["events.parquet"]


def test_counts_are_written_to_parquet(tmp_path: Path) -> None:
    file = tmp_path / "counts.parquet"
    assert ecs_fsm(*RUN, "-o", str(file)).code == 0
    table = pq.read_table(file).to_pylist()
    assert sum(row["servers"] for row in table if row["seconds"] == 3600) == 200


@pytest.mark.parametrize(
    "words",
    [
        ("--servers", "0", "--duration", "1d"),
        ("--servers", "5", "--duration", "soon"),
        ("--servers", "5", "--duration", "0s"),
        ("--servers", "5", "--duration", "1d", "--step", "1ms"),
        ("--servers", "5", "--duration", "1d", "--profile", "nowhere.toml"),
        ("--servers", "5", "--duration", "1d", "--events"),
    ],
)
def test_sizes_that_make_no_sense_are_usage_errors(words: tuple[str, ...]) -> None:
    answer = ecs_fsm("fleet", "run", *words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("ecs-fsm: ")
