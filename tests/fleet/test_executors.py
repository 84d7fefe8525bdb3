"""A fleet on a Dask cluster, one of whose workers dies in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from distributed import Client, LocalCluster

from ecs_fsm import ECS, fleet
from ecs_fsm.fleet.tally import Tally
from ecs_fsm.profiles.loader import built_in
from tests.command import ecs_fsm

SIZES = ("--servers", "20000", "--duration", "30d", "--step", "1d", "--seed", "7", "--json")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[LocalCluster]:
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs="CRITICAL"
    )
    with cluster:
        yield cluster


def test_a_worker_that_dies_changes_nothing(scheduler: LocalCluster) -> None:
    profile = built_in(ECS)
    killed: list[int] = []
    with Client(scheduler, set_as_default=False) as client:
        workers: dict[str, int] = client.run(os.getpid)

        def kill(done: int, of: int) -> None:
            if not killed and done >= of // 4:
                killed.append(next(iter(workers.values())))
                os.kill(killed[0], signal.SIGKILL)

        many = fleet.run(
            profile,
            servers=20_000,
            duration="30d",
            seed=7,
            chunk=500,
            executor=client.get_executor(),
            progress=kill,
        )
    one = fleet.run(profile, servers=20_000, duration="30d", seed=7)
    assert killed
    assert as_bytes(many.tally) == as_bytes(one.tally)
    assert many.as_dict() == one.as_dict()


def as_bytes(tally: Tally) -> list[bytes]:
    return [column.astype("int64").tobytes() for column in tally]


def test_the_command_runs_on_a_cluster(scheduler: LocalCluster) -> None:
    address = scheduler.scheduler_address
    there = ecs_fsm("fleet", "run", *SIZES, "--dask", address)
    assert there.code == 0
    assert there.out == ecs_fsm("fleet", "run", *SIZES).out


def test_a_scheduler_that_does_not_answer_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecs_fsm.fleet.executors.CONNECTION_TIMEOUT", 0.2)
    answer = ecs_fsm("fleet", "run", *SIZES, "--dask", "nonsense://127.0.0.1:1")
    assert (answer.code, answer.out) == (2, "")
    assert "no Dask scheduler answers at nonsense://127.0.0.1:1" in answer.err
