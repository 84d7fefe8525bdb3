"""Compiles the modules of an archive, on the Python that is to import them."""

from __future__ import annotations

import py_compile
import tempfile
import zipfile
from importlib.util import cache_from_source
from pathlib import Path


def compile_archive(path: str, unpacked: bool) -> None:
    """Put compiled modules into an archive, where an unpacked one or one that stays has them."""
    with zipfile.ZipFile(path) as archive:
        members = [(member, archive.read(member)) for member in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members:
            archive.writestr(member, data)
            if member.filename.endswith(".py"):
                cached = cache_from_source(member.filename)
                place = cached if unpacked else f"{member.filename}c"
                info = zipfile.ZipInfo(place, member.date_time)
                archive.writestr(info, _compiled(data, member.filename), zipfile.ZIP_DEFLATED)


def _compiled(source: bytes, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        one, made = Path(folder, "one.py"), Path(folder, "one.pyc")
        one.write_bytes(source)
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH  # an archive has no times to compare
        py_compile.compile(
            str(one), str(made), f"/packages/{name}", doraise=True, invalidation_mode=mode
        )
        return made.read_bytes()
