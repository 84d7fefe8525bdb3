"""The pytest plug-in is loaded by every test run, so it loads nothing that it does not need."""

import subprocess
import sys

from ecs_fsm import testing

LOADED = (
    "import sys, pytest, ecs_fsm; before = set(sys.modules); import ecs_fsm.testing.plugin; "
    "print(*sorted(set(sys.modules) - before))"
)


def test_the_plugin_loads_only_itself_and_its_package() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, check=True, text=True
    )
    assert done.stdout.split() == ["ecs_fsm.testing", "ecs_fsm.testing.plugin"]


def test_every_public_name_of_testing_is_there() -> None:
    assert [name for name in testing.__all__ if not hasattr(testing, name)] == []
    assert not hasattr(testing, "nothing")
