"""Files that are written whole or not at all, unless a part is worth keeping."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file beside its place and move it there once it is complete, as `replacing` does."""
    with replacing(path) as beside:
        beside.write_bytes(content)


@contextmanager
def replacing(path: str | Path, *, partly: bool = False) -> Iterator[Path]:
    """A file to write beside its place, moved there once it is complete; permissions stay.

    Until then, and where anything goes wrong, an older file stays as it was; with `partly` what is
    written by then takes its place all the same. An `OSError` names the path. What is no plain file
    (a device, a pipe) is written to as it is.
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
