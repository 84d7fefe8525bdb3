"""Replay on fleets whose events are known; `make bench` measures it on more servers.

The bounds leave a margin below what was measured: the least of several seeds.
"""

from __future__ import annotations

import pytest

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.lifecycles.nova import NOVA
from tests.replay.best_observer import ceiling, walks
from tests.replay.truth import figure, figure_of, in_common


@pytest.mark.parametrize(
    ("lifecycle", "every", "status", "servers", "least"),
    [
        (ECS, 10, False, 200, 0.975),
        (ECS, 60, False, 200, 0.89),
        (ECS, 60, True, 200, 0.86),
        (NOVA, 10, False, 20, 0.95),
    ],
    ids=["ecs every 10 s", "ecs every 60 s", "ecs by status", "nova every 10 s"],
)
def test_what_happened_is_named(
    lifecycle: Lifecycle, every: float, status: bool, servers: int, least: float
) -> None:
    assert figure(lifecycle, every, status=status, servers=servers, seed=31) >= least


@pytest.mark.parametrize("every", [10, 60])
@pytest.mark.parametrize(
    ("lifecycle", "servers", "below"), [(ECS, 1000, 0.003), (NOVA, 500, 0.008)], ids=["ecs", "nova"]
)
def test_by_pair_replay_names_nearly_all_that_can_be_known(
    lifecycle: Lifecycle, servers: int, below: float, every: float
) -> None:
    walked = walks(lifecycle, servers, seed=32)
    best = ceiling(walked, every)
    found = figure_of(lifecycle, [walk.life for walk in walked], every)
    assert best - below <= found <= best + 0.001


def test_that_nova_cannot_be_told_better_is_known() -> None:
    assert 0.95 < ceiling(walks(NOVA, 3000, seed=33), 10) < 0.97


def test_the_longest_common_subsequence() -> None:
    assert in_common(["stop", "start", "fail"], ["stop", "fail", "start"]) == 2
    assert in_common([], ["stop"]) == 0
    assert in_common(["a", "b", "a", "c"], ["b", "a", "b", "c"]) == 3
