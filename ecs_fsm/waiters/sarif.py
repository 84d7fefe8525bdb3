"""Findings as SARIF 2.1.0: each with its level, its place, and its run as a code flow.

Fingerprints hold no lines, so that a finding is the same one after lines were moved.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from urllib.parse import quote

from ecs_fsm.version import __version__
from ecs_fsm.waiters.findings import CLAIMS
from ecs_fsm.waiters.judge import FindingKind
from ecs_fsm.waiters.ranking import Ranked
from ecs_fsm.waiters.report import Report

VERSION = "2.1.0"
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
FINGERPRINT = "ecsFsmFinding/v1"

Json = dict[str, object]


def sarif(reports: Sequence[Report]) -> str:
    """Return one run of the tool with a result for each finding."""
    rules = [{"id": kind.value, "shortDescription": {"text": _about(kind)}} for kind in FindingKind]
    driver = {"name": "ecs-fsm", "version": __version__, "rules": rules}
    results = [
        _result(report, ranked, fingerprint)
        for report, prints in zip(reports, fingerprints(reports), strict=True)
        for ranked, fingerprint in zip(report.findings, prints, strict=True)
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    document = {"$schema": SCHEMA, "version": VERSION, "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def fingerprints(reports: Sequence[Report]) -> list[list[str]]:
    """Return a fingerprint without lines for each finding of each report.

    Alike findings of alike waits in one function are numbered in their order.
    """
    seen: Counter[tuple[str, ...]] = Counter()

    def fingerprint(report: Report, ranked: Ranked) -> str:
        finding = ranked.finding
        words = (*report.identity, finding.kind.value, ranked.where, finding.value or "")
        seen[words] += 1
        hashed = json.dumps([*words, seen[words]], ensure_ascii=False)
        return hashlib.sha256(hashed.encode()).hexdigest()[:32]

    return [[fingerprint(report, ranked) for ranked in report.findings] for report in reports]


def _about(kind: FindingKind) -> str:
    claim = CLAIMS.get(kind, "a listed value is one that the attribute never has")
    return claim.format(operation="the operation", value="a value", end="another state")


def _result(report: Report, ranked: Ranked, fingerprint: str) -> Json:
    place = _place(report)
    result: Json = {
        "ruleId": ranked.finding.kind.value,
        "level": ranked.level.value,
        "message": {"text": ranked.message},
        "partialFingerprints": {FINGERPRINT: fingerprint},
        "codeFlows": [{"threadFlows": [{"locations": list(_steps(ranked, place))}]}],
    }
    if place:
        result["locations"] = [place]
    return result


def _place(report: Report) -> Json:
    if not report.file:
        return {}
    uri = quote(PurePath(report.file).as_posix())
    region = {"startLine": report.line or 1}
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}


def _steps(ranked: Ranked, place: Json) -> Iterator[Json]:
    """Yield the start of a run and every state in it, with what is polled there."""
    finding = ranked.finding
    run, polled = finding.run, dict(zip(finding.seen, finding.polled, strict=True))
    yield {"location": {**place, "message": {"text": run.start.name}}}
    for index, (event, node) in enumerate(zip(run.events, run.nodes, strict=True)):
        said = f"{event}: {node.state}" if event else str(node.state)
        yield _step(said, polled.get(index), place)
    if len(run.nodes) in polled:
        yield _step("404", polled[len(run.nodes)], place)


def _step(said: str, polled: str | None, place: Json) -> Json:
    seen = f"{said}, polled {polled}" if polled else said
    importance = "essential" if polled else "important"
    return {"location": {**place, "message": {"text": seen}}, "importance": importance}
