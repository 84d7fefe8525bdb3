"""Files that are made to do harm: every reader refuses each in a line, in bounded memory."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.measured import Measuring, measuring

MEGABYTE = 1 << 20
MOST = 64 * MEGABYTE
"""Memory that a hostile file may take."""


@pytest.fixture(scope="module")
def process() -> Iterator[Measuring]:
    with measuring() as started:
        yield started


ROW = b'{"vm_state": "active", "task_state": null, "x": %s}\n'
RECORDS = {
    "brackets": b"[" * 20_000,
    "more brackets": b"[" * 200_000,
    "brackets in an array": b'[{"x": ' + b"[" * 200_000,
    "brackets in a row": ROW % (b"[" * 20_000 + b"]" * 20_000),
    "braces": b'{"a":' * 40_000,
    "a deep row": ROW % (b"[" * 90 + b"]" * 90),
    "deep objects in a list of rows": b"[%s]" % (ROW % (b'{"a":' * 90 + b"1" + b"}" * 90)),
    "a row of deep objects": ROW % (b'{"a":' * 90 + b"1" + b"}" * 90),
    "a deep envelope": b'{"oslo.message": "' + b"[" * 50_000 + b'"}',
    "a long row": ROW % (b'"' + b"x" * (8 << 20) + b'"'),
    "a long line of a table": b"vm_state,task_state\nactive," + b"x" * (8 << 20),
    "a quote that never ends": b'vm_state,task_state\nactive,"' + b"x\n" * (4 << 20),
    "a long number": ROW % (b"9" * 900_000),
    "a number out of range": ROW % b"1e999",
    "not a number": ROW % b"NaN",
    "many columns": b",".join(b"c%d" % n for n in range(100_000)) + b",status\n",
    "a table of zeros, packed": gzip.compress(b"\0" * (64 << 20), 1, mtime=0),
    "no end of a list": b'{"servers": [' + b'{"id": "a", "status": "ACTIVE"},' * 40_000,
    "keys without end": b"{" + b",".join(b'"k%d": 1' % n for n in range(400_000)),
}
"""By what is wrong with it: a record."""


BRACKETS = RECORDS["more brackets"]
TOML = {
    "brackets": b"a = " + b"[" * 20_000,
    "a deep array": b"a = " + b"[" * 70 + b"]" * 70,
    "a key of many parts": b".".join([b"a"] * 200_000) + b" = 1\n",
    "a header of many parts": b"[" + b".".join([b"a"] * 200_000) + b"]\n",
    "a whole number too large": b"a = " + b"9" * 400 + b"\n",
    "a long number": b"a = " + b"9" * 90_000 + b"\n",
    "more than its bytes": b"# comment\n" * 200_000,
    "not text": b"\xff\xfe\x00",
}
"""By what is wrong with it: a file of TOML."""
READERS = {
    "waiters": ("check", "FILE"),
    "claims": ("prove", "--claims", "FILE"),
    "profiles": ("fleet", "exact", "--duration", "1h", "--profile", "FILE"),
    "profiles of replay": ("replay", "--profile", "FILE", "/dev/null"),
    "lifecycles": ("simulate", "create", "--lifecycle", "FILE"),
    "lessons": ("play", "--lessons", "FOLDER"),
    "helpers of a scan": ("check", "FOLDER"),
}
"""The readers of the package with their commands; a FOLDER holds the file."""
NAMES = {"helpers of a scan": ".ecs-fsm.toml", "lessons": "one.toml"}
FROM_INPUT = {
    "waiters": ("check", "-"),
    "claims": ("prove", "--claims", "-"),
    "profiles": ("fleet", "exact", "--duration", "1h", "--profile", "-"),
    "records": ("replay", "-"),
    "timed records": ("fleet", "fit", "-"),
    "lessons": ("play", "--lessons", "-"),
}


def refused(process: Measuring, words: tuple[str, ...], given: str = "/dev/null") -> str:
    """The line that refuses a file."""
    answer = process.run(*words, given=given)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert answer.grown < MOST
    return answer.err


@pytest.mark.parametrize("wrong", RECORDS)
def test_a_hostile_record_is_one_line_in_bounded_memory(
    wrong: str, process: Measuring, tmp_path: Path
) -> None:
    file = tmp_path / "record"
    file.write_bytes(RECORDS[wrong])
    assert refused(process, ("replay", str(file))).startswith(f"ecs-fsm: {file}:")


def test_fleet_fit_refuses_what_replay_refuses(process: Measuring, tmp_path: Path) -> None:
    (tmp_path / "record").write_bytes(BRACKETS)
    assert "a row is an object" in refused(process, ("fleet", "fit", str(tmp_path / "record")))


@pytest.mark.parametrize("wrong", TOML)
@pytest.mark.parametrize("reader", READERS)
def test_hostile_toml_is_one_line_in_bounded_memory(
    reader: str, wrong: str, process: Measuring, tmp_path: Path
) -> None:
    file = tmp_path / NAMES.get(reader, "file.toml")
    file.write_bytes(TOML[wrong])
    places = {"FILE": str(file), "FOLDER": str(tmp_path)}
    words = tuple(places.get(word, word) for word in READERS[reader])
    assert str(file) in refused(process, words)


@pytest.mark.parametrize("reader", [name for name in READERS if "FILE" in READERS[name]])
def test_a_device_without_end_is_refused(reader: str, process: Measuring) -> None:
    words = tuple("/dev/zero" if word == "FILE" else word for word in READERS[reader])
    assert "/dev/zero" in refused(process, words)


@pytest.mark.parametrize("reader", FROM_INPUT)
def test_standard_input_without_end_is_refused(reader: str, process: Measuring) -> None:
    assert "standard input" in refused(process, FROM_INPUT[reader], "/dev/zero")


def test_links_of_a_scanned_folder_to_devices_are_passed_over(
    process: Measuring, tmp_path: Path
) -> None:
    for name in (".ecs-fsm.toml", "pyproject.toml", ".gitignore", "wait.py"):
        (tmp_path / name).symlink_to("/dev/zero")
    answer = process.run("check", str(tmp_path))
    assert answer.code in (0, 2)
    assert answer.grown < MOST


def test_a_file_of_measured_times_without_end_is_refused(
    process: Measuring, tmp_path: Path
) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(
        'extends = "built-in"\n[durations]\n'
        'spawning = { distribution = "empirical", file = "/dev/zero" }\n',
        encoding="utf-8",
    )
    words = ("fleet", "exact", "--duration", "1h", "--profile", str(profile))
    assert "/dev/zero is longer than" in refused(process, words)
