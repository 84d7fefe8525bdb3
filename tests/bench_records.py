"""How fast and in how much memory `ecs-fsm replay` reads a long record of a simulated fleet.

The rival is the same command where every row is read on its own. Processor time of whole processes
is compared, so starting counts for both. The targets were set beside older code, which is not kept,
so a row that misses its target against this rival may meet it against that.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ecs_fsm import ECS, Lifecycle
from ecs_fsm.fleet import simulation
from ecs_fsm.fleet.arrays import compile_profile
from ecs_fsm.profiles.loader import built_in
from tests.bench_rows import Row

ROWS, SERVERS, DURATION = 200_000, 10_000, "20d"
MOST_MEGABYTES = 40
NAMES = ("server", "time", "vm_state", "task_state")
ROW_BY_ROW = (
    "from ecs_fsm.records.record import Record\n"
    "Record.follow_blocks = lambda *_: None\n"
    "import ecs_fsm.__main__\n"
)
"""The command begins with the import of its module."""
MEASURE = (
    "import os, sys\n"
    "nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]\n"
    "child = os.posix_spawn(sys.executable, sys.argv[1:], os.environ, file_actions=nowhere)\n"
    "_, status, usage = os.wait4(child, 0)\n"
    "assert os.waitstatus_to_exitcode(status) in (0, 1)\n"
    "print(usage.ru_utime, usage.ru_maxrss / 1024)\n"
)
"""A small process between, as one that is started begins with the peak of who starts it."""


def write(lifecycle: Lifecycle, table: Path, lines: Path) -> None:
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
    with table.open("w", newline="") as one, lines.open("w") as other:
        writer = csv.writer(one, lineterminator="\n")
        writer.writerow(NAMES)
        for n in order.tolist():
            state = compiled.states[states[n]]
            time = round(1.7e9 + float(times[n]), 3)
            row = (f"server-{servers[n]}", time, str(state.vm_state), state.task_state)
            writer.writerow(row)
            other.write(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n")


def spent(begin: list[str], *given: str) -> tuple[float, float]:
    """Return the seconds of processor time and the megabytes at most of a replay."""
    command = [sys.executable, *begin, "replay", *given]
    measured = [sys.executable, "-c", MEASURE, *command]
    answer = subprocess.run(measured, check=True, stdout=subprocess.PIPE, text=True)
    seconds, megabytes = map(float, answer.stdout.split())
    return seconds, megabytes


def rows() -> list[Row]:
    """Return the rows of the report."""
    from ecs_fsm.lifecycles.nova import NOVA

    found = []
    with tempfile.TemporaryDirectory() as place:
        table, lines = Path(place, "rows.csv"), Path(place, "rows.jsonl")
        for lifecycle, text, summary, by_line in ((ECS, 4, 8, 3), (NOVA, 3, 3, 3)):
            write(lifecycle, table, lines)
            for what, path, form, least in (
                ("CSV, text", table, [], text),
                ("CSV, summary", table, ["--summary"], summary),
                ("JSON Lines, text", lines, [], by_line),
            ):
                given = ["--lifecycle", lifecycle.name, *form, str(path)]
                ours, megabytes = spent(["-m", "ecs_fsm"], *given)
                theirs, _ = spent(["-c", ROW_BY_ROW], *given)
                title = f"replay of {ROWS:,} rows, {lifecycle.name}, {what}"
                ratio = theirs / ours
                met = ratio >= least and megabytes <= MOST_MEGABYTES
                found.append(
                    Row(
                        title,
                        f"{ours:.2f} s",
                        f"{theirs:.2f} s (row by row)",
                        f"{ratio:.1f} x, {megabytes:.0f} MB",
                        f"at least {least} x, at most {MOST_MEGABYTES} MB",
                        met,
                    )
                )
    return found
