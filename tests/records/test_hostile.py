"""Files that are made to do harm: each is refused in a line, in bounded memory and time."""

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

MEGABYTE = 1 << 20
MOST = 80 * MEGABYTE
"""Memory that a hostile file may take beyond what the command takes for a small one."""


class Measured(NamedTuple):
    code: int
    out: str
    err: str
    peak: int


BETWEEN = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "ecs_fsm", *sys.argv[2:]])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024))
sys.exit(done.returncode)
"""
"""A small process that starts the command: a child's peak begins with the memory of its parent."""


def measured(*words: str, given: str | None = None) -> Measured:
    """Run a command in a process of its own, with its peak memory in bytes."""
    with open(given or os.devnull, "rb") as stdin, tempfile.NamedTemporaryFile() as peak:
        done = subprocess.run(
            [sys.executable, "-c", BETWEEN, peak.name, *words],
            stdin=stdin,
            capture_output=True,
            check=False,
        )
        return Measured(
            done.returncode, done.stdout.decode(), done.stderr.decode(), int(peak.read())
        )


ROW = b'{"vm_state": "active", "task_state": null, "x": %s}\n'
RECORDS = {
    "brackets": b"[" * 20_000,
    "more brackets": b"[" * 200_000,
    "brackets in an array": b'[{"x": ' + b"[" * 200_000,
    "brackets in a row": ROW % (b"[" * 20_000 + b"]" * 20_000),
    "braces": b'{"a":' * 40_000,
    "a deep row": ROW % (b"[" * 90 + b"]" * 90),
    "a deep envelope": b'{"oslo.message": "' + b"[" * 50_000 + b'"}',
    "a long row": ROW % (b'"' + b"x" * (8 << 20) + b'"'),
    "a long line of a table": b"vm_state,task_state\nactive," + b"x" * (8 << 20),
    "a quote that never ends": b'vm_state,task_state\nactive,"' + b"x\n" * (4 << 20),
    "a long number": ROW % (b"9" * 900_000),
    "a number out of range": ROW % b"1e999",
    "not a number": ROW % b"NaN",
    "many columns": b",".join(b"c%d" % n for n in range(100_000)) + b",status\n",
    "a table of zeros, packed": gzip.compress(b"\0" * (64 << 20), mtime=0),
    "no end of a list": b'{"servers": [' + b'{"id": "a", "status": "ACTIVE"},' * 100_000,
    "keys without end": b"{" + b",".join(b'"k%d": 1' % n for n in range(400_000)),
}
"""By what is wrong with it: a record."""


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> int:
    """What a replay of two rows takes."""
    small = tmp_path_factory.mktemp("small") / "two.csv"
    small.write_text("vm_state,task_state\nactive,\nactive,migrating\n", encoding="utf-8")
    answer = measured("replay", str(small))
    assert answer.code == 0
    return answer.peak


@pytest.mark.parametrize("wrong", RECORDS)
def test_a_hostile_record_is_one_line_in_bounded_memory(
    wrong: str, usual: int, tmp_path: Path
) -> None:
    file = tmp_path / "record"
    file.write_bytes(RECORDS[wrong])
    answer = measured("replay", str(file))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert answer.err.startswith(f"ecs-fsm: {file}:")
    assert answer.peak < usual + MOST


def test_a_device_without_end_is_refused_also_as_a_pipe(usual: int) -> None:
    for words, given in ((("replay", "/dev/zero"), None), (("replay", "-"), "/dev/zero")):
        answer = measured(*words, given=given)
        assert (answer.code, answer.err.count("\n")) == (2, 1)
        assert answer.peak < usual + MOST


def test_fleet_fit_refuses_what_replay_refuses(tmp_path: Path) -> None:
    small, file = tmp_path / "small.csv", tmp_path / "record"
    small.write_text("time,vm_state,task_state\n1,active,\n", encoding="utf-8")
    usual = measured("fleet", "fit", str(small)).peak
    file.write_bytes(RECORDS["more brackets"])
    answer = measured("fleet", "fit", str(file))
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert answer.peak < usual + MOST


READERS = {
    "waiters": ("check",),
    "claims": ("prove",),
    "profiles": ("fleet", "exact", "--duration", "1h", "--profile"),
}
TOML = {
    "brackets": b"a = " + b"[" * 20_000,
    "a deep array": b"a = " + b"[" * 70 + b"]" * 70,
    "a key of many parts": b".".join([b"a"] * 200_000) + b" = 1\n",
    "a header of many parts": b"[" + b".".join([b"a"] * 200_000) + b"]\n",
    "a whole number too large": b"a = " + b"9" * 400 + b"\n",
    "a long number": b"a = " + b"9" * 90_000 + b"\n",
    "more than its bytes": b"# comment\n" * 200_000,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("wrong", [*TOML, "/dev/zero"])
def test_hostile_toml_is_one_line_in_bounded_memory(
    reader: str, wrong: str, tmp_path: Path
) -> None:
    file = tmp_path / "file.toml"
    if wrong in TOML:
        file.write_bytes(TOML[wrong])
    path = str(file) if wrong in TOML else wrong
    answer = measured(*READERS[reader], path)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert path in answer.err
    assert answer.peak < 300 * MEGABYTE


def test_a_file_of_measured_times_without_end_is_refused(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(
        'extends = "built-in"\n[durations]\n'
        'spawning = { distribution = "empirical", file = "/dev/zero" }\n',
        encoding="utf-8",
    )
    answer = measured("fleet", "exact", "--duration", "1h", "--profile", str(profile))
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "/dev/zero is longer than" in answer.err
