"""The help of every command: what it is for, and examples that work."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ecs_fsm.cli import cli
from tests.command import ecs_fsm

FILES = {
    "changes.csv": "vm_state,task_state\nactive,\nactive,powering-off\nstopped,\n",
    "observed.csv": "server,seconds,vm_state,task_state\n"
    + "".join(
        f"{n},0,active,\n{n},9,active,powering-off\n{n},{20 + n},stopped,\n" for n in range(9)
    ),
    "waiters.toml": '[[waiter]]\nname = "w"\noperation = "stop"\ntarget = "SHUTOFF"\n',
    "mine.toml": '[[claim]]\nname = "c"\ntext = "C."\nkind = "never"\nfrom = "DELETED"\nto = "any"\n',
}
TO_TRY_BY_HAND = ("serve", "watch", "play", "explore --open", "--dask", "| grep", "actions-*")
"""What ends only when a user ends it, opens a browser or needs another program."""


def commands(group: click.Group, above: str = "") -> Iterator[str]:
    """Return the name of every command, those of groups included."""
    for name, command in group.commands.items():
        yield f"{above}{name}"
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")


def examples(command: str) -> list[str]:
    """Return the examples in the help of a command, one a line."""
    shown = ecs_fsm(*command.split(), "--help").out
    return re.findall(r"^(?: +|.*Examples?: )(ecs-fsm .*)$", shown, re.MULTILINE)


COMMANDS = list(commands(cli))
EXAMPLES = [
    line
    for command in COMMANDS
    for line in examples(command)
    if not any(word in line for word in TO_TRY_BY_HAND)
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_begins_with_a_sentence_and_has_an_example_of_the_command(command: str) -> None:
    code, out, _ = ecs_fsm(*command.split(), "--help")
    about = out.split("\n\n")[1]
    assert code == 0
    assert re.match(r"  [A-Z][a-z]+,? ", about)
    assert re.search(r"[.:]$", about)
    assert any(line.startswith(f"ecs-fsm {command}") for line in examples(command))


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_in_a_help_works(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for folder in ("mine", "my-lessons", *(["lessons"] if "lesson check" in line else [])):
        (tmp_path / folder).mkdir()
        lifecycle = ("--lifecycle", "nova") if "nova" in line else ()
        assert ecs_fsm(*lifecycle, "lesson", "new", f"{folder}/stop.toml").code == 0
    if "disk.toml" in line and " new " not in line:
        assert ecs_fsm("lifecycle", "new", "disk.toml").code == 0
    if "fleet capacity" in line and "--duration" not in line:
        line += " --duration 100d --warmup 0"
    given = ""
    for part in re.sub(r"--servers \d+", "--servers 20", line).partition(" > ")[0].split(" | "):
        answer = ecs_fsm(*shlex.split(part)[1:], given=given)
        assert answer.code in {0, 1}
        assert "ecs-fsm: " not in answer.err
        given = answer.out
