"""Runs commands: in this process, or as a user does, the installed one in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import NamedTuple, TextIO
from unittest.mock import patch

from ecs_fsm.cli import main

COMMAND = str(Path(sysconfig.get_path("scripts")) / "ecs-fsm")


class Answer(NamedTuple):
    """What a command answered: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def cpu_seconds() -> float:
    """What the commands that ended so far have cost, whatever else the machine does."""
    import resource  # which Python in a browser lacks

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def installed(*arguments: str, given: str | bytes = "", **environment: str) -> Answer:
    """The answer of the installed `ecs-fsm ARGUMENTS` with `given` on standard input."""
    done = subprocess.run(
        [COMMAND, *arguments],
        input=_bytes(given),
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


def ecs_fsm(*arguments: str, given: str | bytes = "", stream: TextIO | None = None) -> Answer:
    """The same in this process, where what it imports and compiles is there already.

    A `stream` takes the place of `given`.
    """
    out, err = _stream(), _stream()
    code: object = None
    with patch("sys.stdin", stream or _stream(given)), redirect_stdout(out), redirect_stderr(err):
        try:
            main(list(arguments))
        except SystemExit as leaving:
            code = leaving.code
    assert isinstance(code, int)
    return Answer(code, _text(out), _text(err))


def _bytes(given: str | bytes) -> bytes:
    return given.encode() if isinstance(given, str) else given


def _stream(given: str | bytes = "") -> TextIOWrapper[BytesIO]:
    return TextIOWrapper(BytesIO(_bytes(given)), encoding="utf-8", write_through=True)


def _text(stream: TextIOWrapper[BytesIO]) -> str:
    return stream.buffer.getvalue().decode()
