"""How fast and in how much memory `ecs-fsm replay` reads a long record of a simulated fleet.

The rival is the script that one would write: it counts the changes of each server by Python's own
csv or json, and explains none. Its time is the unit. Before replay had a table of followers it took
the units that stand in `CASES`, measured once on these files; the targets are fractions of them.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.fleet import simulation
from ecs_fsm.fleet.arrays import compile_profile
from ecs_fsm.profiles.loader import built_in
from tests.bench_rows import Row

ROWS, SERVERS, DURATION = 1_000_000, 10_000, "45d"
NAMES = ("server", "time", "vm_state", "task_state")
ROWS_OF = {
    "csv": "csv.DictReader(open(sys.argv[1], newline=''))",
    "jsonl": "map(json.loads, open(sys.argv[1]))",
}
SCRIPT = (
    "import csv, json, sys\n"
    "last, changes = {}, 0\n"
    "for row in ROWS:\n"
    "    state = row['vm_state'], row['task_state']\n"
    "    changes += last.get(row['server'], state) != state\n"
    "    last[row['server']] = state\n"
    "print(len(last), changes)"
)
MEASURE = (
    "import os, sys\n"
    "nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]\n"
    "child = os.posix_spawn(sys.executable, sys.argv[1:], os.environ, file_actions=nowhere)\n"
    "_, status, usage = os.wait4(child, 0)\n"
    "assert os.waitstatus_to_exitcode(status) in (0, 1)\n"
    "print(usage.ru_utime, usage.ru_maxrss / 1024)\n"
)
"""A small process between, as one that is started begins with the peak of who starts it."""


class _Case(NamedTuple):
    """A file and a form, the units before, how much faster it should be, and the memory."""

    suffix: str
    form: str
    before: float
    times: float
    megabytes: float = 40


CASES = {
    "ecs": (
        _Case("csv", "text", 6.0, 4),
        _Case("csv", "--summary", 6.0, 8),
        _Case("csv", "--json", 9.7, 3),
        _Case("jsonl", "text", 4.6, 3),
    ),
    "nova": (
        _Case("csv", "text", 12.6, 3),
        _Case("csv", "--json", 18.4, 3),
        _Case("jsonl", "text", 9.0, 3),
    ),
}


def write(lifecycle: Lifecycle, place: Path) -> None:
    """Write the first changes of a fleet, in the order of time, as CSV and as JSON Lines."""
    profile = built_in(lifecycle)
    compiled = compile_profile(profile)
    parts: list[Any] = []

    def take(rows: Any) -> None:
        parts.append([np.array(part) for part in (rows.servers, rows.times, rows.states)])

    simulation.run(profile, servers=SERVERS, duration=DURATION, seed=3, take=take)
    servers, times, states = map(np.concatenate, zip(*parts, strict=True))
    order = np.argsort(times, kind="stable")[:ROWS]
    assert len(order) == ROWS
    with (place / "rows.csv").open("w", newline="") as one, (place / "rows.jsonl").open("w") as two:
        writer = csv.writer(one, lineterminator="\n")
        writer.writerow(NAMES)
        for n in order.tolist():
            state = compiled.states[states[n]]
            time = round(1.7e9 + float(times[n]), 3)
            row = (f"server-{servers[n]}", time, str(state.vm_state), state.task_state)
            writer.writerow(row)
            two.write(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n")


def spent(*given: str) -> tuple[float, float]:
    """Return the seconds of processor time and the megabytes at most of a process."""
    command = [sys.executable, "-c", MEASURE, sys.executable, *given]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, megabytes = map(float, answer.stdout.split())
    return seconds, megabytes


def rows() -> list[Row]:
    """Return the rows of the report."""
    from ecs_fsm.lifecycles.nova import NOVA

    found = []
    for lifecycle in (ECS, NOVA):
        with tempfile.TemporaryDirectory() as directory:
            write(lifecycle, Path(directory))
            for case in CASES[lifecycle.name]:
                found.append(_row(lifecycle, Path(directory, f"rows.{case.suffix}"), case))
    return found


def _row(lifecycle: Lifecycle, path: Path, case: _Case) -> Row:
    form = [case.form] if case.form.startswith("-") else []
    unit, _ = spent("-c", SCRIPT.replace("ROWS", ROWS_OF[case.suffix]), str(path))
    seconds, megabytes = spent(
        "-m", "ecs_fsm", "replay", "--lifecycle", lifecycle.name, *form, str(path)
    )
    ratio, most = seconds / unit, case.before / case.times
    reader = "csv" if case.suffix == "csv" else "json"
    return Row(
        f"replay of {ROWS:,} rows, {lifecycle.name}, {reader} → {case.form.strip('-')}",
        f"{seconds:.2f} s",
        f"{unit:.2f} s (a script that counts)",
        f"{ratio:.2f} x, {megabytes:.0f} MB",
        f"at most {most:.2f} x, {case.megabytes:.0f} MB",
        ratio <= most and megabytes <= case.megabytes,
    )
