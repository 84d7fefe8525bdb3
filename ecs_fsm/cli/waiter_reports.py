"""What `check` prints of the waiters that it judged, in the form that was asked for."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from ecs_fsm.cli.options import print_json
from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.io.console import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ecs_fsm.core.lifecycle import Lifecycle
    from ecs_fsm.waiters.report import Report


class Asked(NamedTuple):
    """The options of `check` that decide what is printed and what fails."""

    form: str | None
    level: str
    baseline: str | None
    write_baseline: bool
    picture: str | None
    rare: bool


def complain(errors: Sequence[InvalidInput]) -> None:
    """Print errors about waiters that were passed over."""
    for error in errors:
        click.echo(f"ecs-fsm: {visible(str(error))}", err=True)


def many(
    files: Sequence[str], lifecycle: Lifecycle, *, rare: bool
) -> tuple[list[Report], list[InvalidInput]]:
    """Return the reports of the waiters in TOML files, and the errors of those not valid."""
    from ecs_fsm.waiters.report import examine_listed
    from ecs_fsm.waiters.waiter_file import each_in

    reports, wrong = [], []
    with _rarely_collecting():
        for file in files:
            for one in each_in(file, lifecycle):
                if isinstance(one, InvalidInput):
                    wrong.append(one)
                else:
                    reports.append(examine_listed(one, rare=rare))
    return reports, wrong


@contextmanager
def _rarely_collecting() -> Iterator[None]:
    """Search for circles of dead objects less often: what is remembered of runs has none.

    The search took a fifth of the time of a thousand waiters.
    """
    known = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*known)


def show(reports: Sequence[Report], asked: Asked) -> int:
    """Print the reports of waiters that were described, and return the exit code."""
    from ecs_fsm.waiters.ranking import Level
    from ecs_fsm.waiters.report import text

    if asked.write_baseline:
        return _write_baseline(reports, asked.baseline)
    reports = _without_known(reports, asked.baseline)
    _draw(asked.picture, reports)
    if asked.form == "json":
        print_json({"waiters": [report.as_dict() for report in reports]})
    else:
        for_ci = _for_ci(reports, asked)
        click.echo(text(reports) if for_ci is None else for_ci, nl=False)
    least = Level(asked.level)
    return int(any(one.level.counts(least) for report in reports for one in report.findings))


def scan(
    paths: Sequence[str],
    exclude: Sequence[str],
    lifecycle: Lifecycle | None,
    asked: Asked,
    *,
    as_toml: bool,
    strict: bool,
) -> int:
    """Scan source, print what was found, and return the exit code."""
    from ecs_fsm.waiters.baseline import read_baseline
    from ecs_fsm.waiters.ranking import Level
    from ecs_fsm.waiters.scan.configuration import scan_paths
    from ecs_fsm.waiters.scan.report import text, toml
    from ecs_fsm.waiters.scan.verdict import judge

    known = None
    if asked.baseline is not None and not asked.write_baseline:
        known = read_baseline(asked.baseline)
    verdict = judge(scan_paths(paths, exclude), lifecycle, rare=asked.rare)
    if asked.write_baseline:
        return _write_baseline([wait.report for wait in verdict.judged], asked.baseline)
    if known is not None:
        verdict = verdict.knowing(known)
    reports = [wait.report for wait in verdict.judged]
    _draw(asked.picture, reports)
    least = Level(asked.level)
    if asked.form == "json":
        print_json(verdict.as_dict())
    elif as_toml:
        click.echo(toml(verdict), nl=False)
    else:
        for_ci = _for_ci(reports, asked)
        click.echo(text(verdict, least) if for_ci is None else for_ci, nl=False)
    if as_toml or asked.form not in (None, "text"):
        for sentence in (*verdict.unused, *verdict.problems):
            click.echo(f"note: {visible(sentence)}", err=True)
    failed = verdict.found(least) or (strict and bool(verdict.not_judged or verdict.unused))
    return int(failed)


def _for_ci(reports: Sequence[Report], asked: Asked) -> str | None:
    """Return the reports in a form for a CI service, None if another form is asked for."""
    from ecs_fsm.waiters.ranking import Level
    from ecs_fsm.waiters.report import github, junit
    from ecs_fsm.waiters.sarif import sarif

    if asked.form == "junit":
        return junit(reports, Level(asked.level))
    shown = {"github": github, "sarif": sarif}
    return shown[asked.form](reports) if asked.form in shown else None


def _without_known(reports: Sequence[Report], file: str | None) -> Sequence[Report]:
    from ecs_fsm.waiters.baseline import read_baseline, without

    return reports if file is None else without(reports, read_baseline(file))


def _write_baseline(reports: Sequence[Report], file: str | None) -> int:
    from ecs_fsm.io.files import write_whole
    from ecs_fsm.waiters.baseline import baseline

    found = sum(len(report.findings) for report in reports)
    try:
        write_whole(Path(file or ""), baseline(reports).encode())
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror}") from None
    click.echo(f"{found} known {'finding' if found == 1 else 'findings'} in {file}", err=True)
    return 0


def _draw(file: str | None, reports: Sequence[Report]) -> None:
    from ecs_fsm.draw import format_of, save
    from ecs_fsm.waiters.report import draw, numbered

    if file is None:
        return
    format_of(file)
    found = [(report, ranked.finding) for report in reports for ranked in report.findings]
    for number, (report, finding) in enumerate(found, start=1):
        save(draw(report.lifecycle, finding), numbered(file, number))
