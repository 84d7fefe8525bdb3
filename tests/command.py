"""Runs the installed command as a user does."""

import os
import resource
import subprocess
import sysconfig
from pathlib import Path
from typing import NamedTuple

COMMAND = str(Path(sysconfig.get_path("scripts")) / "ecs-fsm")


class Answer(NamedTuple):
    """What a command answered: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def cpu_seconds() -> float:
    """What the commands that ended so far have cost, whatever else the machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ecs_fsm(*arguments: str, given: str | bytes = "", **environment: str) -> Answer:
    """The answer of `ecs-fsm ARGUMENTS` with `given` on standard input."""
    data = given.encode() if isinstance(given, str) else given
    done = subprocess.run(
        [COMMAND, *arguments],
        input=data,
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())
