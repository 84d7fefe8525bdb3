"""What `path` and `cover` print where there is no path, or where something is left out."""

from __future__ import annotations

import pytest

from ecs_fsm import ECS
from ecs_fsm.analysis.cover import cover
from ecs_fsm.analysis.report import print_cover, print_no_path


def test_what_can_be_reached_instead_is_listed_by_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    states = [ECS.states[name] for name in ("active/-", "active/powering-off", "stopped/-")]
    print_no_path("nothing leads there", states)
    assert capsys.readouterr().out.splitlines() == [
        "nothing leads there",
        "what can be reached instead:",
        "status    states",
        "ACTIVE    active/-, active/powering-off",
        "SHUTOFF   stopped/-",
    ]
    print_no_path("nothing leads there", [])
    assert capsys.readouterr().out.endswith("nothing can be reached instead\n")


def test_each_transition_that_is_left_out_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    (stop,) = ECS.find("stop", ECS.states["active/-"])
    print_cover(ECS, cover(ECS, "states")._replace(left_out=[stop]), "states")
    *_, heading, row = capsys.readouterr().out.splitlines()
    assert heading.startswith("# left out")
    assert (row[:4], "stop" in row) == ("#   ", True)
