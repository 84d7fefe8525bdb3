"""What other tools get of two small lifecycles is what was read once.

After a change of an export read it, and write it anew: `ecs-fsm export FORMAT -o FILE`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import ecs_fsm

OWN = Path(__file__).parents[1] / "own"
FORMATS = {
    "xstate": "xstate.json",
    "markup": "markup.json",
    "prism": "prism",
    "plantuml": "puml",
    "json": "json",
}
NO_PROFILE = ("parcel", "prism")


@pytest.mark.parametrize(
    ("name", "form"),
    [(name, form) for name in ("pump", "parcel") for form in FORMATS if (name, form) != NO_PROFILE],
)
def test_an_export_of_a_small_lifecycle_is_the_one_to_read(name: str, form: str) -> None:
    code, out, err = ecs_fsm("export", form, "--lifecycle", str(OWN / f"{name}.toml"))
    kept = OWN / "exports" / f"{name}.{FORMATS[form]}"
    assert (code, out, err) == (0, kept.read_text(encoding="utf-8"), "")
