"""Replays a file for the command line: reads it, explains it, prints what explains it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, BinaryIO

from ecs_fsm.core.model import bracketed
from ecs_fsm.io.console import visible_json
from ecs_fsm.io.files import opened
from ecs_fsm.records.observations import LineSource, read
from ecs_fsm.replay.explanation import Explanation, Replay

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle

IN_MEMORY = 1 << 20
BATCH = 200


def replay_file(lifecycle: Lifecycle, path: str, *, sampled: bool, as_json: bool) -> bool:
    """Print what explains each change of a recording; whether everything is explained.

    Raises `InvalidInput` for a file that does not read; JSON is then not begun.
    """
    with opened(path) as (stream, name), _progress(stream) as report:
        source = LineSource(stream, name)
        recording = read(source, lifecycle, sampled=sampled)
        explanations = Replay(lifecycle, sampled=sampled).explain(recording)
        reported = _reporting(explanations, source, report.moved)
        return _print_json(reported) if as_json else _print_text(reported, report.write)


class _Report:
    """Where lines are printed, and reading progress shown if there is a terminal."""

    def write(self, text: str) -> None:
        sys.stdout.write(text)

    def moved(self, position: int) -> None:
        pass


@contextmanager
def _progress(stream: BinaryIO) -> Iterator[_Report]:
    """A progress bar on a terminal; lines that go to the same terminal scroll above it."""
    if not sys.stderr.isatty():
        yield _Report()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from ecs_fsm.io.console import console

    size = os.fstat(stream.fileno()).st_size or None
    columns = (TextColumn("reading"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(
        *columns, TimeRemainingColumn(), console=console(stderr=True), transient=True
    ) as progress:
        task = progress.add_task("reading", total=size)

        class OnTerminal(_Report):
            def moved(self, position: int) -> None:
                progress.update(task, completed=position)

            def write(self, text: str) -> None:
                if sys.stdout.isatty():
                    progress.console.out(text, end="", highlight=False)
                else:
                    super().write(text)

        yield OnTerminal()


def _reporting(
    explanations: Iterator[Explanation], source: LineSource, moved: Callable[[int], None]
) -> Iterator[Explanation]:
    for count, explanation in enumerate(explanations):
        if count % BATCH == 0:
            moved(source.position)
        yield explanation


def _print_text(explanations: Iterator[Explanation], write: Callable[[str], None]) -> bool:
    changes = unexplained = 0
    lines: list[str] = []
    try:
        for changes, explanation in enumerate(explanations, start=1):
            unexplained += explanation.events is None
            lines.append(f"{changes:>6}  {_line(explanation)}\n")
            if len(lines) == BATCH:
                write("".join(lines))
                lines.clear()
    finally:
        write("".join(lines))
    verdict = f"{unexplained} not explained" if unexplained else "all explained"
    write(f"{changes} change{'' if changes == 1 else 's'}, {verdict}\n")
    return not unexplained


def _line(explanation: Explanation) -> str:
    change = f"{explanation.before or '?'} → {explanation.after}"
    server = explanation.after.server
    head = f"{change:<72}" if server is None else f"{server}  {change:<72}"
    if explanation.events is None:
        return f"{head}  NOT EXPLAINED: {explanation.reason}"
    events = " ".join(explanation.events) or "(the same event goes on)"
    events += f" of {explanation.of}" if explanation.of else bracketed(explanation.facts)
    others = f" (or {', '.join(explanation.others)})" if explanation.others else ""
    return f"{head}  {events}{others}"


def _print_json(explanations: Iterator[Explanation]) -> bool:
    """Print the whole answer at once when it is complete; until then it waits, on disk if large."""
    explained = True
    with tempfile.SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8") as waiting:
        waiting.write('{"changes": [')
        for count, explanation in enumerate(explanations):
            explained &= explanation.events is not None
            row = visible_json(json.dumps(_as_dict(explanation), ensure_ascii=False))
            waiting.write(f",\n  {row}" if count else f"\n  {row}")
        waiting.write(f'\n], "explained": {json.dumps(explained)}}}\n')
        waiting.seek(0)
        _copy(waiting, sys.stdout)
    return explained


def _copy(waiting: IO[str], out: IO[str]) -> None:
    while piece := waiting.read(IN_MEMORY):
        out.write(piece)


def _as_dict(explanation: Explanation) -> dict[str, object]:
    answer: dict[str, object] = {
        "from": explanation.before and explanation.before.as_dict(),
        "to": explanation.after.as_dict(),
        "events": None if explanation.events is None else list(explanation.events),
        "reason": explanation.reason,
    }
    if explanation.of:
        answer["of"] = explanation.of
    if explanation.facts:
        answer["facts"] = dict(explanation.facts)
    return answer | ({"or": list(explanation.others)} if explanation.others else {})
