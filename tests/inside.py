"""Runs a command in this process, where what it imports and compiles is there already."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from ecs_fsm.cli import main
from tests.command import Answer


def inside(*arguments: str) -> Answer:
    """The answer of `ecs-fsm ARGUMENTS`."""
    out, err = StringIO(), StringIO()
    code: object = None
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(list(arguments))
        except SystemExit as leaving:
            code = leaving.code
    assert isinstance(code, int)
    return Answer(code, out.getvalue(), err.getvalue())
