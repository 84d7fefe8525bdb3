"""Files: opened for reading, `-` as standard input, and written whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ecs_fsm.core.errors import InvalidInput

STANDARD_STREAM = "-"
"""The name that stands for standard input where a file is read, for standard output elsewhere."""


def error_at(file: str, line: int, wrong: str) -> InvalidInput:
    """The error at a line of a file: `file:line: what is wrong; what would be right`."""
    return InvalidInput(f"{file}:{line}: {wrong}")


@contextmanager
def opened(file: str) -> Iterator[tuple[BinaryIO, str]]:
    """A file opened for reading, `-` for standard input, with its name in messages.

    Raises `InvalidInput` for one that cannot be read.
    """
    if file == STANDARD_STREAM:
        if sys.stdin is None:
            raise InvalidInput("standard input is closed")
        yield sys.stdin.buffer, "standard input"
        return
    try:
        stream = open(file, "rb")  # noqa: SIM115  # closed below
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror}") from None
    with stream:
        try:
            yield stream, file
        except IsADirectoryError as error:
            # A folder can be opened, and fails when it is read. Every other error in the block may
            # be about another file, standard output for one.
            raise InvalidInput(f"{file}: {error.strerror}") from None


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file beside its place and move it there once it is complete, as `replacing` does."""
    with replacing(path) as beside:
        beside.write_bytes(content)


@contextmanager
def replacing(path: str | Path, *, partly: bool = False) -> Iterator[Path]:
    """A file to write beside its place, moved there once it is complete; permissions stay.

    Until then, and where anything goes wrong, an older file stays as it was; with `partly` what is
    written by then takes its place all the same. An `OSError` names the path. A device or a pipe is
    written to as it is.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            yield target
            return
        mode = _mode(target)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        os.close(handle)
        beside, complete = Path(name), partly
        try:
            try:
                yield beside
                complete = True
            finally:
                if complete:
                    beside.chmod(mode)
                    beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def _mode(target: Path) -> int:
    """The permissions that the file has, or that a new one gets. Raises where it is protected."""
    if target.exists():
        with open(target, "ab"):
            return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
