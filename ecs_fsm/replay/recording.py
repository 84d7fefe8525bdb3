"""Replays files for the command line: reads them, explains them, prints what explains them."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import IO, TYPE_CHECKING, NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.records.blocks import RowBlock
from ecs_fsm.records.observations import Observation
from ecs_fsm.records.record import Record, RecordOptions
from ecs_fsm.records.times import EXPECTED, seconds, zone
from ecs_fsm.replay.changes import Standing
from ecs_fsm.replay.contradictions import Evidence
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain
from ecs_fsm.replay.follower_table import FollowerTable
from ecs_fsm.replay.forms import Form, JsonForm, TableForm
from ecs_fsm.replay.open_rows import OpenRows
from ecs_fsm.replay.overdue import Limits, Overdue, overdue
from ecs_fsm.replay.performed import performed
from ecs_fsm.replay.step_times import DurationsForm
from ecs_fsm.replay.story import StoryForm, TerminalForm
from ecs_fsm.replay.summary import SummaryForm

if TYPE_CHECKING:
    from ecs_fsm.core.lifecycle import Lifecycle
    from ecs_fsm.profiles.profile import Profile

IN_MEMORY, PIECE = 1 << 18, 1 << 14
BATCH = 200
Answer = tuple[Form, IO[str]]
BUILT_IN, FITTED = "built in", "fitted"
FITTED_BEGINS = "# Fitted to "
"""The first words of a profile that `fleet fit` has written."""


class ReplayOptions(NamedTuple):
    """How changes are written: in which form, by which profile (None: the built-in one).

    `all_ways` names all other ways. `overdue` is the limit of steps, `now` the time up to which
    they are counted, `source` where the times of the profile come from.
    """

    form: Callable[[IO[str]], Form] = TableForm
    profile: Profile | None = None
    all_ways: bool = False
    overdue: str | None = None
    now: str | None = None
    source: str = BUILT_IN


def source_of(path: str | None) -> str:
    """Return where the times of a profile come from: built in, fitted, or a file."""
    if path is None:
        return BUILT_IN
    with open(path, encoding="utf-8") as file:
        fitted = file.readline(len(FITTED_BEGINS)) == FITTED_BEGINS
    return f"{FITTED}, {path}" if fitted else path


def limits_of(lifecycle: Lifecycle, path: str | None, limit: str | None) -> Limits:
    """Return the limits of steps by the profile of a file (None: the built-in one, if any)."""
    from ecs_fsm.profiles.loader import built_in, read

    profile: Profile | None = None
    if path is not None:
        profile = read(lifecycle, path)
    else:
        with suppress(InvalidInput):  # a lifecycle may come without one
            profile = built_in(lifecycle)
    return Limits(profile.durations if profile else {}, limit, source_of(path))


class Shown(NamedTuple):
    """What the options say about the form; `story` is None where the terminal decides."""

    as_json: bool = False
    summary: bool = False
    story: bool | None = None
    durations: bool = False
    output: str | None = None


def form_of(lifecycle: Lifecycle, shown: Shown) -> Callable[[IO[str]], Form]:
    """Return the form that options choose.

    Raise `InvalidInput` for options that exclude each other.
    """
    as_json, summary, story, durations, output = shown
    wanted = [f"--{name}" for name, given in (
        ("summary", summary), ("story", story), ("durations", durations),
    ) if given]  # fmt: skip
    if len(wanted) > 1:
        raise InvalidInput(f"{' and '.join(wanted)} are mutually exclusive")
    if as_json and story:
        raise InvalidInput("--story and --json are mutually exclusive")
    if output is not None and not durations:
        raise InvalidInput("-o is the Parquet file of --durations: give --durations")
    if summary:
        return lambda out: SummaryForm(out, as_json=as_json)
    if durations:
        return lambda out: DurationsForm(out, lifecycle, as_json=as_json, parquet=output)
    if as_json:
        return JsonForm
    if story is None and sys.stdout.isatty():
        return lambda out: TerminalForm(out, lifecycle)
    return (lambda out: StoryForm(out, lifecycle)) if story else TableForm


def replay_files(
    lifecycle: Lifecycle, paths: Sequence[str], reading: RecordOptions, writing: ReplayOptions
) -> bool:
    """Print what explains each change of a record.

    Return whether everything is explained and nothing overdue. Raise `InvalidInput` for a file that
    does not read; nothing is printed then.
    """
    with ExitStack() as opened:
        with reading_progress(paths) as moved:
            record = Record(lifecycle, paths, reading)
            replay = Replay(
                lifecycle,
                sampled=not record.complete,
                profile=writing.profile,
                all_ways=writing.all_ways,
            )
            late = _Late(replay, record, writing, reading)

            def begun() -> IO[str]:
                return opened.enter_context(
                    tempfile.SpooledTemporaryFile(
                        IN_MEMORY, "w+", encoding="utf-8", errors="backslashreplace"
                    )
                )

            def in_blocks(blocks: Iterator[RowBlock], rows: Sequence[Observation]) -> Answer:
                waiting = begun()
                form = writing.form(waiting)
                form.complete = record.complete
                kept = opened.enter_context(closing(OpenRows())) if form.shows_rows else None
                table = FollowerTable(replay, rows, kept)
                for block in blocks:
                    form.tell_many(table.feed(block))
                    moved(record.position)
                for left in table.finish():
                    form.tell_many(left)
                form.end(late.find(table.standing()), [])
                return form, waiting

            def row_by_row(rows: Iterator[Observation]) -> Answer:
                waiting = begun()
                batch = io.StringIO(newline="")
                form = writing.form(batch)
                form.complete = record.complete

                def moved_on(position: int) -> None:
                    waiting.write(batch.getvalue())
                    batch.seek(0)
                    batch.truncate()
                    moved(position)

                _write_all(record, rows, form, late, moved_on)
                moved_on(record.position)
                return form, waiting

            answer = None
            if writing.form(io.StringIO()).takes_many:
                answer = record.follow_blocks(in_blocks)
            form, waiting = answer or record.follow(row_by_row)
        waiting.seek(0)
        sys.stdout.write(form.head(record))
        while piece := waiting.read(PIECE):
            sys.stdout.write(piece)
    return not form.unexplained and not late.found


class _Late:
    """Finds what is overdue when a record has ended."""

    def __init__(
        self, replay: Replay, record: Record, writing: ReplayOptions, reading: RecordOptions
    ) -> None:
        self.replay = replay
        self._record = record
        profile = replay.likelihood.profile
        self._limits = Limits(profile.durations if profile else {}, writing.overdue, writing.source)
        self._now: float | None = None
        if writing.now is not None:
            try:
                self._now = seconds(writing.now, zone(reading.utc_offset))
            except (ValueError, OverflowError):
                raise InvalidInput(f"--now {writing.now!r}: expected {EXPECTED}") from None
        self.found: list[Overdue] = []

    def find(self, standing: Iterable[Standing]) -> list[Overdue]:
        """Return what is overdue, the longest first."""
        record, now = self._record, self._now
        if record.last is None:
            if now is not None and record.servers:
                raise InvalidInput("--now: the record has no times from which to count")
            return []
        if now is not None and now < record.last:
            raise InvalidInput("--now is before the last observation of the record")
        now = record.last if now is None else now
        lifecycle = self.replay.lifecycle
        found = overdue(lifecycle, standing, self._limits, now, sampled=not record.complete)
        self.found = sorted(found, key=lambda one: -one.at_least)
        return self.found


def _write_all(
    record: Record,
    rows: Iterator[Observation],
    form: Form,
    late: _Late,
    moved: Callable[[int], None],
) -> None:
    lifecycle = late.replay.lifecycle
    evidence: Evidence | None = None
    standing: list[Standing] = []
    if record.actions_alone:
        changes = performed(lifecycle, _heard(rows, None, form), standing)
    else:
        if record.names_actions:
            evidence = Evidence(lifecycle, sampled=not record.complete)
            rows = _heard(rows, evidence, form)
        changes = explain(late.replay, rows, standing)
    for count, change in enumerate(changes):
        if count % BATCH == 0 or form.out.tell() > PIECE:
            moved(record.position)
        if evidence is not None:
            evidence.change(change)
        form.add(change)
    contradictions = list(evidence.contradictions()) if evidence else []
    form.end(late.find(standing), contradictions)


def _heard(
    rows: Iterable[Observation], evidence: Evidence | None, form: Form
) -> Iterator[Observation]:
    for row in rows:
        if evidence is not None:
            evidence.row(row)
        form.row(row)
        yield row


@contextmanager
def reading_progress(paths: Sequence[str]) -> Iterator[Callable[[int], None]]:
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
