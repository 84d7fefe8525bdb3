"""The files of a cloud: who can read them, what they may hold, and what a failing one does."""

from __future__ import annotations

import json
import os
import sqlite3
from io import FileIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecs_fsm.cli.serving import serve
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.eventlog import EventLog
from ecs_fsm.serve.cloud.instance import NewServer
from tests.clouds import USER, cloud_of

WEB = NewServer("web-1", "1", "image")


def test_only_the_owner_reads_state_and_record(tmp_path: Path) -> None:
    state, record, old = tmp_path / "state", tmp_path / "record", tmp_path / "old"
    old.touch(0o644)
    for path in (state, old):
        cloud = cloud_of(state=str(path))
        log = EventLog(cloud, str(record), resumes=True)
        cloud.create(WEB, USER)
        assert {p.name: oct(p.stat().st_mode & 0o777) for p in tmp_path.glob(f"{path.name}*")} == {
            f"{path.name}{more}": "0o600" for more in ("", "-wal")
        }
        cloud.close()
        log.close()
    assert record.stat().st_mode & 0o777 == 0o600


def test_a_pipe_that_nothing_reads_is_no_record(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InvalidInput, match="nothing reads this pipe"):
        EventLog(cloud_of(), str(pipe))


def test_a_recording_that_finds_no_room_ends_with_a_whole_row_and_the_cloud_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Small(FileIO):
        def write(self, row: bytes) -> int:  # type: ignore[override]
            return super().write(row[: max(0, 400 - os.fstat(self.fileno()).st_size)])

    monkeypatch.setattr("ecs_fsm.serve.cloud.eventlog.FileIO", Small)
    cloud = cloud_of()
    log = EventLog(cloud, str(tmp_path / "record"))
    cloud.create(WEB, USER)
    cloud.advance(1e6)
    rows = [json.loads(line) for line in (tmp_path / "record").read_text().splitlines()]
    assert 0 < len(rows) < log.count == 6
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'record'}: the recording ends at change {len(rows)}: there is no room"
    ]


@pytest.mark.parametrize("now", ["NaN", "Infinity", "1e999", "-5", "1e300"])
def test_a_state_file_whose_time_is_none_is_refused(tmp_path: Path, now: str) -> None:
    path = tmp_path / "state"
    cloud_of(state=str(path)).close()
    with sqlite3.connect(path) as file:
        (body,) = file.execute("SELECT body FROM document WHERE kind = 'cloud'").fetchone()
        body = body.replace('"now": 0.0', f'"now": {now}')
        file.execute("UPDATE document SET body = ? WHERE kind = 'cloud'", (body,))
    file.close()
    with pytest.raises(InvalidInput, match="the file is broken"):
        cloud_of(state=str(path))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--speed", "nan"),
        ("--speed", "inf"),
        ("--token-lifetime", "100000000000000000000d"),
        ("--token-lifetime", "nan"),
        ("--set", "instances=1.5"),
        ("--set", "reclaim_instance_interval=1e300"),
        ("--set", "reclaim_instance_interval=inf"),
    ],
)
def test_numbers_of_options_are_finite_and_bounded(arguments: tuple[str, str]) -> None:
    result = CliRunner().invoke(serve, ["--lifecycle", "nova", "--port", "0", *arguments])
    assert result.exit_code != 0
    said = str(result.exception) if isinstance(result.exception, InvalidInput) else result.output
    assert arguments[1].partition("=")[2] in said
