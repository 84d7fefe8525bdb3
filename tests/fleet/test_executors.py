"""A fleet on a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from distributed import LocalCluster

from tests.command import ecs_fsm

SIZES = ("--servers", "2000", "--duration", "30d", "--step", "1d", "--seed", "7", "--json")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[LocalCluster]:
    """A cluster whose workers are threads: what dies with a process is tested in `tests/more`."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    ) as cluster:
        yield cluster


def test_the_command_runs_on_a_cluster(scheduler: LocalCluster) -> None:
    address = scheduler.scheduler_address
    there = ecs_fsm("fleet", "run", *SIZES, "--dask", address)
    assert there.code == 0
    assert there.out == ecs_fsm("fleet", "run", *SIZES).out


def test_a_scheduler_that_does_not_answer_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecs_fsm.fleet.simulation.CONNECTION_TIMEOUT", 0.2)
    answer = ecs_fsm("fleet", "run", *SIZES, "--dask", "nonsense://127.0.0.1:1")
    assert (answer.code, answer.out) == (2, "")
    assert "no Dask scheduler answers at nonsense://127.0.0.1:1" in answer.err
