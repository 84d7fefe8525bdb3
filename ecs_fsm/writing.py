"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file beside its place and move it there once it is complete.

    Until then, and where anything goes wrong, an older file stays as it was; the `OSError` then
    names the path. What is no plain file (a device, a pipe) is written to as it is.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(content)
            return
        mode = _mode(target)
        handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        try:
            with open(handle, "wb") as file:
                file.write(content)
            os.chmod(beside, mode)
            os.replace(beside, target)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        error.filename = str(path)
        error.filename2 = None
        raise


def _mode(target: Path) -> int:
    """The permissions that the file has, or that a new one gets. Raises where it is protected."""
    if target.exists():
        with open(target, "ab"):
            return target.stat().st_mode & 0o7777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
