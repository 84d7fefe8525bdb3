"""Findings as text for a person, JSON, GitHub's annotations, JUnit's XML, and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.io.console import visible
from ecs_fsm.waiters.findings import Finding
from ecs_fsm.waiters.waiter import Waiter

if TYPE_CHECKING:
    from ecs_fsm.draw import Picture

TITLE = "ecs-fsm check"


class Report(NamedTuple):
    """The findings of a waiter, with its file and line unless it comes from the command line."""

    waiter: Waiter
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    file: str | None = None
    line: int | None = None

    def as_dict(self) -> dict[str, object]:
        """Return `{"name", "findings", "notes"}`."""
        return {
            "name": self.waiter.name,
            "findings": [finding.as_dict() for finding in self.findings],
            "notes": list(self.notes),
        }

    @property
    def place(self) -> str:
        """The prefix `file:line: ` of messages; empty without a file."""
        return f"{self.file}:{self.line}: " if self.file else ""


def examine(
    waiter: Waiter, file: str | None = None, line: int | None = None, *, rare: bool = False
) -> Report:
    """Return the report of one waiter; with `rare` what seldom happens counts as well."""
    return Report(waiter, waiter.findings(rare=rare), waiter.notes(rare=rare), file, line)


def text(reports: Sequence[Report]) -> str:
    """Return one line per finding under each waiter, and a last line with the counts."""
    lines = []
    for report in reports:
        found = len(report.findings)
        name = " ".join(report.waiter.name.split())
        lines.append(f"{report.place}{name}: {_count(found)}")
        for finding in report.findings:
            unavoidable = "" if finding.avoidable else " (unavoidable)"
            lines.append(f"  {finding.kind}{unavoidable}: {finding.message}")
        lines += [f"  note: {note}" for note in report.notes]
    if len(reports) > 1:
        total = sum(len(report.findings) for report in reports)
        lines.append(f"{len(reports)} waiters, {_count(total)}")
    return _text(lines)


def github(reports: Sequence[Report]) -> str:
    """Return one annotation per finding, in the form of GitHub's workflow commands."""
    return _text(_annotations(reports))


def junit(reports: Sequence[Report]) -> str:
    """Return JUnit's XML: a failed case per finding, a passed one per waiter without findings."""
    from xml.etree import ElementTree

    cases = [case for report in reports for case in _cases(report)]
    failed = sum(finding is not None for _, finding in cases)
    counts = {"name": TITLE, "tests": str(len(cases)), "failures": str(failed)}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", counts)
    for report, finding in cases:
        name = report.waiter.name
        if finding:
            name += f": {finding.kind}" + (f" at {finding.value}" if finding.value else "")
        placed = {"file": report.file, "line": str(report.line)} if report.file else {}
        about = {"classname": report.file or TITLE, "name": name, **placed}
        case = ElementTree.SubElement(
            suite, "testcase", {k: visible(v or "") for k, v in about.items()}
        )
        if finding:
            failure = {"type": finding.kind.value, "message": report.place + finding.message}
            ElementTree.SubElement(
                case, "failure", {k: visible(v or "") for k, v in failure.items()}
            )
    ElementTree.indent(root)
    declared = '<?xml version="1.0" encoding="utf-8"?>'
    return f"{declared}\n{ElementTree.tostring(root, encoding='unicode')}\n"


def _text(lines: Iterator[str] | Sequence[str]) -> str:
    return "".join(f"{visible(line)}\n" for line in lines)


def _count(found: int) -> str:
    return {0: "no findings", 1: "1 finding"}.get(found, f"{found} findings")


def _cases(report: Report) -> list[tuple[Report, Finding | None]]:
    return [(report, finding) for finding in report.findings] or [(report, None)]


def _annotations(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        placed = {"file": report.file, "line": str(report.line)} if report.file else {}
        for finding in report.findings:
            about = {**placed, "title": f"{report.waiter.name}: {finding.kind}"}
            properties = ",".join(
                f"{name}={_property(value or '')}" for name, value in about.items()
            )
            yield f"::error {properties}::{_data(finding.message)}"


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
