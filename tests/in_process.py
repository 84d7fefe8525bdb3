"""Runs a command in this process, where what it imports and compiles is there already."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from typing import TextIO
from unittest.mock import patch

from ecs_fsm.cli import main
from tests.command import Answer


def run_in_process(*arguments: str, given: str = "", stream: TextIO | None = None) -> Answer:
    """The answer of `ecs-fsm ARGUMENTS` with `given`, or a `stream`, on standard input."""
    out, err = _stream(), _stream()
    code: object = None
    with patch("sys.stdin", stream or _stream(given)), redirect_stdout(out), redirect_stderr(err):
        try:
            main(list(arguments))
        except SystemExit as leaving:
            code = leaving.code
    assert isinstance(code, int)
    return Answer(code, _text(out), _text(err))


def _stream(text: str = "") -> TextIOWrapper[BytesIO]:
    return TextIOWrapper(BytesIO(text.encode()), encoding="utf-8", write_through=True)


def _text(stream: TextIOWrapper[BytesIO]) -> str:
    return stream.buffer.getvalue().decode()
