"""The page about one's own lifecycle: its commands and its Python are run, and print what it shows."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

from tests.command import ecs_fsm

PAGE = Path(__file__).parents[2] / "docs" / "own-lifecycle.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_shows_what_its_commands_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = 0
    for block in re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            command, _, target = line.partition(" > ")
            answer = ecs_fsm(*shlex.split(command)[1:])
            if target:
                Path(target).write_text(answer.out, encoding="utf-8")
            printed = "" if target else answer.out + answer.err.replace("ecs-fsm: ", "", 0)
            assert printed == shown.rstrip("\n") + "\n" * bool(shown.strip()), line
            run += 1
    assert run == 5


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ecs_fsm("lifecycle", "new", "disk.toml")
    parsed = doctest.DocTestParser().get_doctest(TEXT, {}, PAGE.name, str(PAGE), 0)
    assert doctest.DocTestRunner().run(parsed).failed == 0
    assert parsed.examples
