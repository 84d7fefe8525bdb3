"""The examples of a document: its commands are run, and what they print is what it shows.

`python -m tests.examples FILE...` writes what they print now into the files.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
import tempfile
from pathlib import Path

from tests.command import ecs_fsm

FILE = re.compile(r"```\{code-block\} \w+\n:caption: (\S+)\n\n(.*?)```", re.DOTALL)
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def rewritten(text: str, folder: Path) -> str:
    """The text with what its commands print in `folder`, which gets the files that it shows."""
    with contextlib.chdir(folder):
        for name, content in FILE.findall(text):
            Path(name).write_text(content, encoding="utf-8")
        return CONSOLE.sub(_block, text)


def _block(block: re.Match[str]) -> str:
    shown = "".join(f"$ {line}\n{_printed(line)}" for line, _ in COMMAND.findall(block[1]))
    return f"```console\n{shown}```"


def _printed(line: str) -> str:
    command, _, target = line.partition(" > ")
    printed = ""
    for part in command.split(" | "):
        name, *arguments = shlex.split(part)
        assert name == "ecs-fsm", f"{line}: only ecs-fsm is run"
        answer = ecs_fsm(*arguments, given=printed)
        printed = answer.out + answer.err
    if target:
        Path(target).write_text(printed, encoding="utf-8")
    return "" if target else printed


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        document = Path(argument)
        with tempfile.TemporaryDirectory() as place:
            new = rewritten(document.read_text(encoding="utf-8"), Path(place))
        document.write_text(new, encoding="utf-8")
