"""Replay on fleets whose events are known; `make bench` measures it on more servers.

The bounds leave a margin below what was measured: the least of several seeds.
"""

from __future__ import annotations

import pytest

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.lifecycles.nova import NOVA
from tests.replay.truth import ceiling, figure, in_common


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
def test_by_pair_what_happened_to_an_ecs_is_named_as_well_as_polls_allow(every: float) -> None:
    best = ceiling(ECS, every, servers=200, seed=32)
    assert best - 0.008 <= figure(ECS, every, servers=200, seed=32) <= best + 0.002


def test_the_longest_common_subsequence() -> None:
    assert in_common(["stop", "start", "fail"], ["stop", "fail", "start"]) == 2
    assert in_common([], ["stop"]) == 0
    assert in_common(["a", "b", "a", "c"], ["b", "a", "b", "c"]) == 3
