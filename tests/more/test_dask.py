"""A fleet on a Dask cluster, one of whose workers dies in the middle."""

from __future__ import annotations

import os
import signal

from distributed import Client, LocalCluster

from ecs_fsm import ECS, fleet
from ecs_fsm.fleet.tally import Tally
from ecs_fsm.profiles.loader import built_in

WORKERS = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}


def test_a_worker_that_dies_changes_nothing() -> None:
    profile = built_in(ECS)
    killed: list[int] = []
    with (
        LocalCluster(silence_logs="CRITICAL", **WORKERS) as scheduler,
        Client(scheduler, set_as_default=False) as client,
    ):
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
