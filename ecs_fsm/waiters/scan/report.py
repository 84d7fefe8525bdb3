"""What a scan found as text for a person, and as the TOML that `check` reads."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ecs_fsm.io.console import visible
from ecs_fsm.waiters.scan.verdict import JudgedWait, PlacedFinding, Verdict
from ecs_fsm.waiters.waiter import Waiter


def text(verdict: Verdict) -> str:
    """Return each wait with its findings, what was passed over, and a last line with the counts."""
    return _joined(_text(verdict))


def toml(verdict: Verdict) -> str:
    """Return the waiters found as TOML for `check`, with file and line as comments."""
    return _joined(_toml(verdict))


def counts(verdict: Verdict) -> str:
    """Return the last line: how many waits were judged, not judged and passed over."""
    judged = len(verdict.waits) - verdict.not_judged
    return (
        f"{judged} {_plural('waiter', judged)} judged, {verdict.not_judged} not judged, "
        f"{verdict.passed_over} {_plural('wait', verdict.passed_over)} for other things passed over"
    )


def _joined(lines: Iterator[str]) -> str:
    return "".join(f"{visible(line)}\n" for line in lines)


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"


def _text(verdict: Verdict) -> Iterator[str]:
    for judged in verdict.waits:
        yield from _wait(judged)
    yield from (f"note: {sentence}" for sentence in (*verdict.unused, *verdict.problems))
    yield counts(verdict)


def _wait(judged: JudgedWait) -> Iterator[str]:
    wait = judged.wait
    place = f"{wait.file}:{wait.line}: "
    if wait.function:
        place += f"{wait.function}: "
    operation = ", ".join(wait.operations)
    if wait.guess:
        operation += " (by the name of the function)"
    if judged.reason is not None:
        yield f"{place}{operation + ': ' if operation else ''}not judged: {judged.reason}"
        return
    start = f" from {', '.join(wait.starts)}" if wait.starts else ""
    found = len(judged.findings)
    yield f"{place}{operation}{start}: {found or 'no'} {_plural('finding', found)}"
    for placed in judged.findings:
        yield f"  {placed.level}: {placed.finding.kind}: {placed.finding.message}"
    yield from _better(judged)


def _better(judged: JudgedWait) -> Iterator[str]:
    """Yield the lists that would avoid findings, once for each waiter."""
    seen: list[object] = []
    for placed in judged.findings:
        if placed.fix is None or placed.fix in seen:
            continue
        seen.append(placed.fix)
        yield f"  {_fix(placed)}"


def _fix(placed: PlacedFinding) -> str:
    lists = (
        f"{name} {', '.join(values) or '(none)'}" for name, values in (placed.fix or {}).items()
    )
    return f"better for {placed.waiter.operation}: {'; '.join(lists)}"


def _toml(verdict: Verdict) -> Iterator[str]:
    names: dict[str, int] = {}
    for judged in verdict.waits:
        wait = judged.wait
        about = f"# {wait.file}:{wait.line}" + (f" {wait.function}" if wait.function else "")
        if judged.reason is not None:
            yield f"{about}: not judged: {judged.reason}"
            yield ""
        for waiter in judged.waiters:
            yield f"{about} (lifecycle {waiter.lifecycle.name})"
            yield from _table(waiter, names)
            yield ""
    yield f"# {counts(verdict)}"


def _table(waiter: Waiter, names: dict[str, int]) -> Iterator[str]:
    names[waiter.name] = number = names.get(waiter.name, 0) + 1
    name = waiter.name if number == 1 else f"{waiter.name} {number}"
    yield "[[waiter]]"
    yield f"name = {json.dumps(name)}"
    yield f"operation = {json.dumps(waiter.operation)}"
    if waiter.from_:
        yield f"from = {json.dumps(waiter.from_)}"
    yield f"attribute = {json.dumps(waiter.attribute)}"
    for key, values in waiter.lists.items():
        if key != "pending" or waiter.pending is not None:
            yield f"{key} = {json.dumps(values)}"
