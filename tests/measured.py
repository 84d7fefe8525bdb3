"""Runs commands one after the other in a process of its own, and measures the memory of each.

The process imports everything once, so a command costs what it does. Linux keeps the peak of a
process and forgets it on request.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

KILOBYTE = 1024


class Measured(NamedTuple):
    """The answer of a command, and the bytes by which it made the process grow at its peak."""

    code: int
    out: str
    err: str
    grown: int


class Measuring:
    """The process; `run` gives it a command."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, *words: str, given: str = "/dev/null") -> Measured:
        """Run a command with a file on standard input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([words, given]) + "\n")
        self._process.stdin.flush()
        return Measured(*json.loads(self._process.stdout.readline()))


@contextmanager
def measuring() -> Iterator[Measuring]:
    """Yield the process, which ends with the context."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Measuring(process)
        assert process.stdin is not None
        process.stdin.close()


def _memory(key: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    words = next(line.split() for line in lines if line.startswith(f"{key}:"))
    return int(words[1]) * KILOBYTE


def _serve() -> None:
    from tests.command import ecs_fsm

    ecs_fsm("fleet", "fit", "/dev/null")  # imports what is large
    answers = sys.stdout
    for line in sys.stdin:
        words, given = json.loads(line)
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
        before = _memory("VmRSS")
        with open(given, encoding="utf-8") as stream:
            answer = ecs_fsm(*words, stream=stream)
        answers.write(json.dumps([*answer, _memory("VmHWM") - before]) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
