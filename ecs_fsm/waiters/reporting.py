"""Findings on paper: text for a person, JSON, annotations of GitHub, and JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ecs_fsm.waiters.findings import Finding
from ecs_fsm.waiters.waiter import Waiter

TITLE = "ecs-fsm check"


class Report(NamedTuple):
    """What was found of a waiter, and where it is written; no file for the command line."""

    waiter: Waiter
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    file: str | None = None
    line: int | None = None

    def as_dict(self) -> dict[str, object]:
        """`{"name", "findings", "notes"}`."""
        return {
            "name": self.waiter.name,
            "findings": [finding.as_dict() for finding in self.findings],
            "notes": list(self.notes),
        }

    @property
    def place(self) -> str:
        """File and line, and a colon behind them, if it is written in a file."""
        return f"{self.file}:{self.line}: " if self.file else ""


def examine(waiter: Waiter, file: str | None = None, line: int | None = None) -> Report:
    """The report of one waiter."""
    return Report(waiter, waiter.findings(), waiter.notes(), file, line)


def text(reports: Sequence[Report]) -> str:
    """One line a finding under each waiter, and a last line that counts."""
    lines = []
    for report in reports:
        found = len(report.findings)
        name = " ".join(report.waiter.name.split())
        lines.append(f"{report.place}{name}: {_count(found)}")
        for finding in report.findings:
            unavoidable = "" if finding.avoidable else " (unavoidable)"
            lines.append(f"  {finding.finding}{unavoidable}: {finding.message}")
        lines += [f"  note: {note}" for note in report.notes]
    if len(reports) > 1:
        total = sum(len(report.findings) for report in reports)
        lines.append(f"{len(reports)} waiters, {_count(total)}")
    return _text(lines)


def github(reports: Sequence[Report]) -> str:
    """One annotation a finding, as GitHub's workflows read them."""
    return _text(_annotations(reports))


def junit(reports: Sequence[Report]) -> str:
    """JUnit's XML: a failed case for each finding, one that passed for each waiter without."""
    from xml.etree import ElementTree

    cases = [case for report in reports for case in _cases(report)]
    failed = sum(finding is not None for _, finding in cases)
    counts = {"name": TITLE, "tests": str(len(cases)), "failures": str(failed)}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", counts)
    for report, finding in cases:
        named = report.waiter.name
        if finding:
            named += f": {finding.finding}" + (f" at {finding.value}" if finding.value else "")
        placed = {"file": report.file, "line": str(report.line)} if report.file else {}
        about = {"classname": report.file or TITLE, "name": named, **placed}
        case = ElementTree.SubElement(suite, "testcase", {k: _legal(v) for k, v in about.items()})
        if finding:
            told = {"type": finding.finding.value, "message": report.place + finding.message}
            ElementTree.SubElement(case, "failure", {k: _legal(v) for k, v in told.items()})
    ElementTree.indent(root)
    declared = '<?xml version="1.0" encoding="utf-8"?>'
    return _text([declared, ElementTree.tostring(root, encoding="unicode")])


def _text(lines: Iterator[str] | Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _count(found: int) -> str:
    return {0: "nothing found", 1: "1 finding"}.get(found, f"{found} findings")


def _cases(report: Report) -> list[tuple[Report, Finding | None]]:
    return [(report, finding) for finding in report.findings] or [(report, None)]


def _annotations(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        placed = {"file": report.file, "line": str(report.line)} if report.file else {}
        for finding in report.findings:
            about = {**placed, "title": f"{report.waiter.name}: {finding.finding}"}
            told = ",".join(f"{name}={_property(value or '')}" for name, value in about.items())
            yield f"::error {told}::{_data(finding.message)}"


def _data(message: str) -> str:
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def _legal(value: str | None) -> str:
    """The text without what XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "?", value or "")
