"""Replays files for the command line: reads them, explains them, prints what explains them."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from typing import IO, TYPE_CHECKING, NamedTuple

from ecs_fsm.core.model import bracketed
from ecs_fsm.io.console import visible, visible_json
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.record import Record, RecordOptions
from ecs_fsm.records.times import iso
from ecs_fsm.replay.explanation import LEAST_SHARE, Explanation, Replay
from ecs_fsm.replay.performed import performed

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle
    from ecs_fsm.profiles.profile import Profile

IN_MEMORY = 1 << 20
BATCH = 200
TIMES = "\N{MULTIPLICATION SIGN}"


class Telling(NamedTuple):
    """How changes are told: as JSON or text, by which profile (None: the built-in one).

    `all_ways` names all other ways.
    """

    as_json: bool = False
    profile: Profile | None = None
    all_ways: bool = False


def replay_files(
    lifecycle: Lifecycle, paths: Sequence[str], options: RecordOptions, telling: Telling
) -> bool:
    """Print what explains each change of a record; return whether everything is explained.

    Raise `InvalidInput` for a file that does not read; nothing is printed then.
    """
    with ExitStack() as opened:
        with _progress(paths) as moved:
            record = Record(lifecycle, paths, options)

            def explained(rows: Iterator[Observation]) -> tuple[bool, IO[str]]:
                replay = Replay(
                    lifecycle,
                    sampled=not record.complete,
                    profile=telling.profile,
                    all_ways=telling.all_ways,
                )
                explanations = _explanations(lifecycle, record, rows, replay)
                reported = _reporting(explanations, record, moved)
                waiting = opened.enter_context(
                    tempfile.SpooledTemporaryFile(
                        IN_MEMORY, "w+", encoding="utf-8", errors="backslashreplace"
                    )
                )
                write = _write_json if telling.as_json else _write_text
                return write(reported, waiting), waiting

            verdict, waiting = record.follow(explained)
        waiting.seek(0)
        if telling.as_json:
            head = visible_json(json.dumps(record.as_dict(), ensure_ascii=False))
            sys.stdout.write(f'{{"record": {head},\n"changes": [')
        else:
            sys.stdout.write(f"{record}\n")
        _copy(waiting, sys.stdout)
    return verdict


def _explanations(
    lifecycle: Lifecycle, record: Record, rows: Iterable[Observation], replay: Replay
) -> Iterator[Explanation]:
    if record.actions_alone:
        return performed(lifecycle, rows)
    return replay.explain(rows)


@contextmanager
def _progress(paths: Sequence[str]) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; yields what hears how far the files were read."""
    if not sys.stderr.isatty():
        yield lambda position: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from ecs_fsm.io.console import console

    plain = [path for path in paths if os.path.isfile(path)]
    size = sum(map(os.path.getsize, plain)) or None
    columns = (TextColumn("reading"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(
        *columns, TimeRemainingColumn(), console=console(stderr=True), transient=True
    ) as progress:
        task = progress.add_task("reading", total=size)
        yield lambda position: progress.update(task, completed=position)


def _reporting(
    explanations: Iterator[Explanation], record: Record, moved: Callable[[int], None]
) -> Iterator[Explanation]:
    for count, explanation in enumerate(explanations):
        if count % BATCH == 0:
            moved(record.position)
        yield explanation


def _write_text(explanations: Iterator[Explanation], waiting: IO[str]) -> bool:
    changes = unexplained = 0
    for changes, explanation in enumerate(explanations, start=1):
        unexplained += explanation.events is None
        waiting.write(f"{changes:>6}  {_line(explanation)}\n")
    verdict = f"{unexplained} not explained" if unexplained else "all explained"
    waiting.write(f"{changes} change{'' if changes == 1 else 's'}, {verdict}\n")
    return not unexplained


def _line(explanation: Explanation) -> str:
    change = f"{explanation.before or '?'} → {explanation.after}"
    action = explanation.after.action
    if not explanation.after.shown and action is not None:
        outcome = {None: "", True: " (failed)", False: " (done)"}[action.failed]
        change = f"{visible(action.word)}{outcome}"
    server = explanation.after.server
    head = f"{change:<72}" if server is None else f"{server}  {change:<72}"
    if explanation.events is None:
        return f"{head}  NOT EXPLAINED: {explanation.reason}"
    events = counted(explanation.events) or "(the same event goes on)"
    events += f" of {explanation.of}" if explanation.of else bracketed(explanation.facts)
    return f"{head}  {events}{_or(explanation)}"


def _or(explanation: Explanation) -> str:
    """The other ways with their shares, such as ` 97 % (or roll_back 2 %)`."""
    if not explanation.others:
        return ""
    left = 1 - sum(other.share for other in explanation.others)
    others = "; ".join(f"{counted(o.events)} {_percent(o.share)}" for o in explanation.others)
    return f" {_percent(left)} (or {others})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= LEAST_SHARE else f"{100 * share:.2g} %"


def counted(events: Iterable[str]) -> str:
    """Events in a row, repetitions counted."""
    runs = [(name, sum(1 for _ in members)) for name, members in groupby(events)]
    return " ".join(name if count == 1 else f"{name} {TIMES}{count}" for name, count in runs)


def _write_json(explanations: Iterator[Explanation], waiting: IO[str]) -> bool:
    """Write the changes and what comes after them."""
    explained = True
    for count, explanation in enumerate(explanations):
        explained &= explanation.events is not None
        row = visible_json(json.dumps(_as_dict(explanation), ensure_ascii=False))
        waiting.write(f",\n  {row}" if count else f"\n  {row}")
    waiting.write(f'\n], "explained": {json.dumps(explained)}}}\n')
    return explained


def _copy(waiting: IO[str], out: IO[str]) -> None:
    while piece := waiting.read(IN_MEMORY):
        out.write(piece)


def _as_dict(explanation: Explanation) -> dict[str, object]:
    before, after = explanation.before, explanation.after
    return {
        "server": after.server,
        "at": None if after.time is None else iso(after.time),
        "from": before and before.as_dict(),
        "to": after.as_dict() if after.shown else None,
        "events": None if explanation.events is None else list(explanation.events),
        "facts": dict(explanation.facts),
        "or": [
            {"events": list(other.events), "share": round(other.share, 4)}
            for other in explanation.others
        ],
        "settled": explanation.settled,
        "reason": explanation.reason,
        **({"of": explanation.of} if explanation.of else {}),
    }
