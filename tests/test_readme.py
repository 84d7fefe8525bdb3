"""README shows what the commands print."""

import re
import shlex
from pathlib import Path

import pytest

from tests.command import ecs_fsm

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
SHOWN = [
    found for b in BLOCKS for found in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", b, re.MULTILINE)
]


@pytest.mark.parametrize(("line", "shown"), SHOWN, ids=[line for line, _ in SHOWN])
def test_an_example_prints_what_readme_shows(
    line: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = ""
    for part in line.split(" | "):
        command, *arguments = shlex.split(part)
        assert command == "ecs-fsm"
        printed = ecs_fsm(*arguments, given=printed).out
    assert printed == shown


def test_the_demo_of_the_makefile_is_the_first_example() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text(encoding="utf-8")
    assert SHOWN[0][0] in makefile
