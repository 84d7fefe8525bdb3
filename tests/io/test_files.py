"""A file is written whole or not at all, and what was there before stays until then."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from ecs_fsm.io.files import replacing, write_whole
from tests.command import COMMAND, Answer, ecs_fsm


def test_a_file_is_written_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "new", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new").read_bytes() == b"content"


def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"before")
    old.chmod(0o640)
    before = os.umask(0o022)
    try:
        write_whole(old, b"after")
        write_whole(new, b"after")
    finally:
        os.umask(before)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE(new.stat().st_mode) == 0o644


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"before")
    (tmp_path / "link").symlink_to("file")
    write_whole(tmp_path / "link", b"after")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"after"


class Stopped(BaseException):
    """Ends a block, as Ctrl-C does."""


def stopped_writing(path: Path, *, partly: bool) -> None:
    with replacing(path, partly=partly) as beside:
        beside.write_bytes(b"a part")
        assert path.read_bytes() == b"before"
        raise Stopped


def test_the_old_file_stays_where_the_writing_is_stopped(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"before")
    with pytest.raises(Stopped):
        stopped_writing(old, partly=False)
    assert old.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_part_takes_the_place_where_it_is_worth_keeping(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"before")
    old.chmod(0o640)
    with pytest.raises(Stopped):
        stopped_writing(old, partly=True)
    assert old.read_bytes() == b"a part"
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("more", [(), ("--events",)], ids=["counts", "events"])
def test_a_parquet_file_keeps_the_permissions_of_the_old_one(
    more: tuple[str, ...], tmp_path: Path
) -> None:
    old = tmp_path / "old.parquet"
    old.write_bytes(b"before")
    old.chmod(0o640)
    run = ("fleet", "run", "--servers", "5", "--duration", "1d")
    assert ecs_fsm(*run, *more, "-o", str(old)).code == 0
    assert old.read_bytes()[:4] == b"PAR1"
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["old.parquet"]


def test_the_old_file_stays_whole_where_the_disk_is_full(tmp_path: Path) -> None:
    old = tmp_path / "old.svg"
    old.write_bytes(b"before")
    done = subprocess.run(
        ["/bin/sh", "-c", f"ulimit -f 1; exec {COMMAND} draw -o {old}"],
        capture_output=True,
        check=False,
        text=True,
        # Under the limit Python would keep half of a module that it compiles.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (done.returncode, done.stderr) == (2, f"ecs-fsm: {old}: File too large\n")
    assert old.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["old.svg"]


def test_what_is_not_a_plain_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as failed:
        write_whole("/dev/full", b"content")
    assert failed.value.filename == "/dev/full"
    write_whole("/dev/null", b"content")
    assert Path("/dev/null").is_char_device()


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    path = f"{tmp_path}/no/such/picture.svg"
    said = f"ecs-fsm: {path}: No such file or directory\n"
    assert ecs_fsm("draw", "-o", path) == Answer(2, "", said)
    assert ecs_fsm("draw", "-o", str(tmp_path), "--format", "svg") == Answer(
        2, "", f"ecs-fsm: {tmp_path}: Is a directory\n"
    )
    assert list(tmp_path.iterdir()) == []
