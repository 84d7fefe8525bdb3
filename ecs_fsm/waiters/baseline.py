"""A baseline: findings that are known when a project begins to check, so that new ones stand out.

It is a JSON file with a fingerprint for each known finding, and words for the person who reads it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.io.files import opened
from ecs_fsm.waiters.report import Report
from ecs_fsm.waiters.sarif import fingerprints

KEY = "findings"
EXPECTED = f'expected {{"{KEY}": {{FINGERPRINT: WORDS}}}}, as --write-baseline writes it'
MOST_BYTES = 20_000_000


def baseline(reports: Sequence[Report]) -> str:
    """Return the text of a baseline with every finding of the reports."""
    known = {
        fingerprint: f"{report.table or report.place}{report.name}: {ranked.finding.kind}"
        for report, prints in zip(reports, fingerprints(reports), strict=True)
        for ranked, fingerprint in zip(report.findings, prints, strict=True)
    }
    return json.dumps({KEY: known}, indent=2, ensure_ascii=False) + "\n"


def read_baseline(file: str) -> frozenset[str]:
    """Return the fingerprints of a baseline. Raise `InvalidInput` for a file that is not one."""
    with opened(file) as (stream, name):
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"{name}: longer than {MOST_BYTES} bytes; {EXPECTED}")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidInput(f"{name}: not valid JSON; {EXPECTED}") from None
    known = content.get(KEY) if isinstance(content, dict) else None
    if not isinstance(known, dict):
        raise InvalidInput(f"{name}: no {KEY}; {EXPECTED}")
    return frozenset(known)


def without(reports: Sequence[Report], known: frozenset[str]) -> list[Report]:
    """Return the reports without known findings."""
    kept = []
    for report, prints in zip(reports, fingerprints(reports), strict=True):
        found = zip(report.findings, prints, strict=True)
        new = tuple(ranked for ranked, fingerprint in found if fingerprint not in known)
        accepted = report.accepted + len(report.findings) - len(new)
        kept.append(report._replace(findings=new, accepted=accepted))
    return kept
