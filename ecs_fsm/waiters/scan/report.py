"""What a scan found as text for a person, and as the TOML that `check` reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ecs_fsm.waiters.ranking import Level, Ranked, worst_first
from ecs_fsm.waiters.report import counted, finding_lines, fix_lines, joined
from ecs_fsm.waiters.scan.verdict import JudgedWait, Verdict
from ecs_fsm.waiters.waiter import Waiter


def text(verdict: Verdict, least: Level = Level.ERROR) -> str:
    """Return each wait with its findings, what was passed over, and a last line with the counts."""
    return joined(_text(verdict, least))


def toml(verdict: Verdict) -> str:
    """Return the waiters found as TOML for `check`, with file and line as comments."""
    return joined(_toml(verdict))


def counts(verdict: Verdict) -> str:
    """Return the last line: how many waits were judged, not judged and passed over."""
    judged = len(verdict.waits) - verdict.not_judged
    return (
        f"{judged} {_plural('waiter', judged)} judged, {verdict.not_judged} not judged, "
        f"{verdict.passed_over} {_plural('wait', verdict.passed_over)} for other things passed over"
    )


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"


def _text(verdict: Verdict, least: Level) -> Iterator[str]:
    for judged in verdict.waits:
        yield from _wait(judged, least)
    yield from (f"note: {sentence}" for sentence in (*verdict.unused, *verdict.problems))
    every = [one for judged in verdict.waits for one in judged.findings]
    known = sum(judged.accepted for judged in verdict.waits)
    if every or known:
        yield counted(every) + (f", {known} known" if known else "") + _hint(every, least)
    yield counts(verdict)


def _hint(every: Sequence[Ranked], least: Level) -> str:
    """Return the level that shows what is counted and not shown."""
    hidden = [one.level for one in every if not one.level.counts(least)]
    worst = next((level for level in reversed(Level) if level in hidden), None)
    return f" (--level {worst} shows all)" if worst else ""


def _wait(judged: JudgedWait, least: Level) -> Iterator[str]:
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
    known = f", {judged.accepted} known" if judged.accepted else ""
    yield f"{place}{operation}{start}: {counted(judged.findings)}{known}"
    shown = [one for one in worst_first(judged.findings) if one.level.counts(least)]
    for ranked in shown:
        yield from finding_lines(ranked)
    yield from fix_lines(shown, judged.report.lists)


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
            yield from _table(waiter, f"{wait.file}:{wait.line}", names)
            yield ""
    yield f"# {counts(verdict)}"


def _table(waiter: Waiter, source: str, names: dict[str, int]) -> Iterator[str]:
    names[waiter.name] = number = names.get(waiter.name, 0) + 1
    name = waiter.name if number == 1 else f"{waiter.name} {number}"
    yield "[[waiter]]"
    yield f"name = {json.dumps(name)}"
    yield f"source = {json.dumps(source)}"
    yield f"operation = {json.dumps(waiter.operation)}"
    if waiter.from_:
        yield f"from = {json.dumps(waiter.from_)}"
    yield f"attribute = {json.dumps(waiter.attribute)}"
    for key, values in waiter.lists.items():
        if key != "pending" or waiter.pending is not None:
            yield f"{key} = {json.dumps(values)}"
