"""Pictures of two small lifecycles, one of them with one attribute, are those that were looked at.

After a change of pictures look at them, and write them anew: `ecs-fsm draw WORDS -o FILE`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import Answer, ecs_fsm

OWN = Path(__file__).parents[1] / "own"
PICTURES = {
    "pump-lanes.svg": ("lanes",),
    "pump-matrix.svg": ("matrix",),
    "pump-begin.svg": ("operation", "begin"),
    "pump-overview.dot": ("overview",),
    "pump-run.svg": ("run", "build", "begin:fail@warming up", "repair"),
    "pump-status.svg": ("status",),
    "pump-timeline.svg": ("timeline", "adopt", "end", "begin:hold@warming up", "scrap"),
    "parcel-matrix.svg": ("matrix",),
    "parcel-overview.svg": ("overview",),
    "parcel-send.mmd": ("operation", "send"),
    "parcel-status.svg": ("status",),
    "parcel-timeline.svg": ("timeline", "hand_in", "send:lose@driving", "search"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_a_small_lifecycle_is_the_one_to_look_at(name: str, tmp_path: Path) -> None:
    table = str(OWN / f"{name.partition('-')[0]}.toml")
    drawn = tmp_path / name
    words = ("draw", *PICTURES[name], "--lifecycle", table, "-o", str(drawn))
    assert ecs_fsm(*words) == Answer(0, "", "")
    assert drawn.read_text("utf-8") == (OWN / "pictures" / name).read_text("utf-8")
