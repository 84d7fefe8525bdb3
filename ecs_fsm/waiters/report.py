"""Findings as text for a person, JSON, GitHub's annotations, JUnit's XML, and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.io.console import visible
from ecs_fsm.waiters.findings import Finding
from ecs_fsm.waiters.ranking import Level, Lists, Ranked, rank, some, worst_first
from ecs_fsm.waiters.waiter import Waiter
from ecs_fsm.waiters.waiter_file import Listed

if TYPE_CHECKING:
    from ecs_fsm.draw import Picture

TITLE = "ecs-fsm check"
OwnLists = Mapping[str, tuple[str, ...] | None]
"""Lists of values by name; pending is None where every value that is not listed is."""
COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}
"""What GitHub's workflow commands call the levels."""


class Report(NamedTuple):
    """The findings of a waiter, or of a wait in source, and where it stands.

    `file` and `line` are where the loop stands, or its table in a TOML file; both are None for a
    waiter of the command line. `identity` are the words that stay when lines move. `accepted` says
    how many findings are known and left out.
    """

    name: str
    lifecycle: Lifecycle
    findings: tuple[Ranked, ...]
    notes: tuple[str, ...] = ()
    file: str | None = None
    line: int | None = None
    identity: tuple[str, ...] = ()
    table: str = ""
    """The prefix `file:line: ` of a waiter in a TOML file."""
    accepted: int = 0
    lists: OwnLists | None = None
    """The values of the waiter, None where they do not stand at its place."""

    def as_dict(self) -> dict[str, object]:
        """Return `{"name", "findings", "notes"}`."""
        return {
            "name": self.name,
            "findings": [_described(one) for one in self.findings],
            "notes": list(self.notes),
        }

    @property
    def place(self) -> str:
        """The prefix `file:line: ` of messages; empty without a file."""
        return f"{self.file}:{self.line}: " if self.file else ""


def _described(ranked: Ranked) -> dict[str, object]:
    """Return a finding of a waiter that a user described, as JSON has it."""
    found = {**ranked.finding.as_dict(), **ranked.as_dict()}
    return {
        **found,
        "avoidable": ranked.fix is not None,
        "from": ", ".join(ranked.starts),
    }


def examine(waiter: Waiter, *, rare: bool = False) -> Report:
    """Return the report of a waiter without a place; with `rare` what seldom happens counts."""
    ranked, notes = rank(waiter, rare=rare), waiter.notes(rare=rare)
    lists = own_lists(waiter.pending, waiter.target, waiter.failure)
    identity = (waiter.name,)
    return Report(waiter.name, waiter.lifecycle, ranked, notes, identity=identity, lists=lists)


def own_lists(
    pending: tuple[str, ...] | None, target: tuple[str, ...], failure: tuple[str, ...]
) -> OwnLists:
    """Return lists by name."""
    return {"pending": pending, "target": target, "failure": failure}


def examine_listed(listed: Listed, *, rare: bool = False) -> Report:
    """Return the report of a waiter in a TOML file, without the findings that it accepts."""
    placed = listed.placed
    report = examine(placed.waiter, rare=rare)
    kept = tuple(one for one in report.findings if one.finding.kind not in listed.accept)
    hidden = {one.finding.kind for one in report.findings} & {*listed.accept}
    notes = list(report.notes)
    if listed.accept and not listed.reason:
        notes.append('accept has no reason: add reason = "why the finding is known"')
    notes += [
        f"accept names {kind}, which is not found: remove it"
        for kind in listed.accept
        if kind not in hidden
    ]
    file, _, line = listed.source.rpartition(":")
    return report._replace(
        findings=kept,
        notes=tuple(notes),
        file=file or placed.file,
        line=int(line or placed.line),
        identity=(file or placed.file, placed.waiter.name),
        table=f"{placed.file}:{placed.line}: ",
        accepted=len(report.findings) - len(kept),
    )


def text(reports: Sequence[Report]) -> str:
    """Return one line per finding under each waiter, and a last line with the counts."""
    lines = []
    for report in reports:
        name = " ".join(report.name.split())
        found = _number(len(report.findings))
        lines.append(f"{report.table}{name}: {found}{_accepted(report)}")
        for ranked in worst_first(report.findings):
            lines += finding_lines(ranked)
        lines += fix_lines(report.findings, report.lists)
        lines += [f"  note: {note}" for note in report.notes]
    if len(reports) > 1:
        total = sum(len(report.findings) for report in reports)
        lines.append(f"{len(reports)} waiters, {_number(total)}")
    return joined(lines)


def finding_lines(ranked: Ranked) -> Iterator[str]:
    """Yield the line of a finding."""
    yield f"  {ranked.level}: {ranked.finding.kind} from {some(ranked.starts)}: {ranked.message}"


def fix_lines(findings: Sequence[Ranked], own: OwnLists | None) -> Iterator[str]:
    """Yield the lists that avoid findings, each once with the starts that they serve.

    They are a difference from the waiter's `own` lists, where these stand in the source.
    """
    served: dict[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], dict[str, None]] = {}
    for ranked in findings:
        if ranked.fix is not None:
            start = ranked.finding.run.start
            operation = start.request.transition.trigger
            served.setdefault((operation, tuple(ranked.fix.items())), {})[start.name] = None
    for (operation, fix), starts in served.items():
        yield f"  fix for {operation} from {some([*starts])}:"
        yield from (f"    {line}" for line in _difference(dict(fix), own))


def _difference(fix: Lists, own: OwnLists | None) -> Iterator[str]:
    """Yield the lists as they should be, or the changes of a waiter's own lists."""
    if own is None or _coarser(fix, own):
        yield from (f"{name} {', '.join(values) or '(none)'}" for name, values in fix.items())
        return
    right = {value: name for name, values in fix.items() for value in values}
    kept = {value: name for name, values in own.items() for value in values or ()}
    unlisted = "failure" if own["pending"] is not None else "pending"
    for name, had in own.items():
        if had is None:
            continue  # what is in no list is pending
        left = [value for value in had if right.get(value, name) == name]
        new = [v for v in fix[name] if kept.get(v, unlisted) != name]
        if [*left, *new] != list(had):
            yield from [f"- {name} {', '.join(had)}"] if had else []
            yield from [f"+ {name} {', '.join([*left, *new])}"] if left or new else []


def _coarser(fix: Lists, own: OwnLists) -> bool:
    """Return whether own values stand for several of those that a fix distinguishes."""
    mine = {value for values in own.values() for value in values or ()}
    better = {value for values in fix.values() for value in values}
    return any(value.partition("/")[0] in mine - {value} for value in better)


def github(reports: Sequence[Report]) -> str:
    """Return one annotation per finding, in the form of GitHub's workflow commands."""
    return joined(_annotations(reports))


def junit(reports: Sequence[Report], least: Level = Level.ERROR) -> str:
    """Return JUnit's XML: a case per finding, failed at the level `least` or above it."""
    from xml.etree import ElementTree

    cases = [case for report in reports for case in _cases(report)]
    failed = sum(found is not None and found.level.counts(least) for _, found in cases)
    counts = {"name": TITLE, "tests": str(len(cases)), "failures": str(failed)}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", counts)
    for report, found in cases:
        name = report.name
        if found:
            finding = found.finding
            name += f": {finding.kind}" + (f" at {finding.value}" if finding.value else "")
        placed = {"file": report.file, "line": str(report.line)} if report.file else {}
        about = {"classname": report.file or TITLE, "name": name, **placed}
        case = ElementTree.SubElement(suite, "testcase", _legal(about))
        if found and found.level.counts(least):
            failure = {"type": found.finding.kind.value, "message": report.place + found.message}
            ElementTree.SubElement(case, "failure", _legal(failure))
        elif found:
            said = ElementTree.SubElement(case, "system-out")
            said.text = visible(f"{found.level}: {found.message}")
    ElementTree.indent(root)
    declared = '<?xml version="1.0" encoding="utf-8"?>'
    return f"{declared}\n{ElementTree.tostring(root, encoding='unicode')}\n"


def joined(lines: Iterator[str] | Sequence[str]) -> str:
    """Return lines as text, with escapes for what a terminal would act on."""
    return "".join(f"{visible(line)}\n" for line in lines)


def counted(findings: Sequence[Ranked]) -> str:
    """Return how many findings there are of each level."""
    if not findings:
        return "no findings"
    numbers = ((level, sum(one.level is level for one in findings)) for level in Level)
    return ", ".join(f"{n} {level}" + ("s" if n > 1 else "") for level, n in numbers if n)


def _number(found: int) -> str:
    return {0: "no findings", 1: "1 finding"}.get(found, f"{found} findings")


def _accepted(report: Report) -> str:
    return f" ({report.accepted} known)" if report.accepted else ""


def _cases(report: Report) -> list[tuple[Report, Ranked | None]]:
    return [(report, ranked) for ranked in report.findings] or [(report, None)]


def _annotations(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        placed = {"file": report.file, "line": str(report.line)} if report.file else {}
        for ranked in report.findings:
            about = {**placed, "title": f"{report.name}: {ranked.finding.kind}"}
            properties = ",".join(
                f"{name}={_property(value or '')}" for name, value in about.items()
            )
            yield f"::{COMMANDS[ranked.level]} {properties}::{_data(ranked.sentence)}"


def _data(message: str) -> str:
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def _legal(attributes: Mapping[str, str | None]) -> dict[str, str]:
    """Return the attributes with escapes, also for the characters that XML forbids."""
    return {name: visible(value or "") for name, value in attributes.items()}


def draw(lifecycle: Lifecycle, finding: Finding) -> Picture:
    """Return the run of a finding on the lanes, with its polls marked and its message below."""
    from ecs_fsm.draw.request import DrawnRun, Poll
    from ecs_fsm.draw.views.run import run as draw_run

    run = finding.run
    changes = [lifecycle.change(None, run.start.source)] if run.start.source else []
    for outcome in run.outcomes:
        event = outcome.transition.trigger
        changes += [lifecycle.change(event, node) for node in outcome.nodes]
    before = len(changes) - len(run.nodes)
    last = len(changes) - 1
    polls = (
        Poll(min(before + index, last), value)
        for index, value in zip(finding.seen, finding.polled, strict=True)
    )
    title = f"{run.start.request.transition.trigger}: {finding.kind}"
    drawn = DrawnRun(tuple(changes), polls=tuple(polls), title=title, remark=finding.message)
    return draw_run(lifecycle, drawn)


def numbered(path: str, number: int) -> Path:
    """Return the file of the finding with that number; the first one has the name itself."""
    file = Path(path)
    return file if number == 1 else file.with_name(f"{file.stem}-{number}{file.suffix}")
